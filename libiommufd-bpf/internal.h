/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBIOMMUFD_BPF_INTERNAL_H
#define LIBIOMMUFD_BPF_INTERNAL_H

#include <stdbool.h>

#include <bpf/libbpf.h>

#include "libiommufd-bpf.h"

#define EXPORT __attribute__((visibility("default")))

/* Of struct iommufd_policy_ops */
#define POLICY_NAME_LEN 16

#define SYSFS_DIR "/sys/kernel/iommufd"
#define BPFFS_DIR "/sys/fs/bpf"
/* Of struct iommufd_policy_status */
#define PIN_PATH_LEN 64

struct iommufd_policy_host {
	void (*log)(void *arg, const char *text);
	void *log_arg;
	char error[512];
	/* What the object lacks, as far as libbpf has said since the log is on */
	char missing[192];
};

struct iommufd_policy_object {
	struct iommufd_policy_host *host;
	struct bpf_object *bpf;
	/* The one to load; NULL until chosen among several */
	struct bpf_map *policy;
	/* By the kernel, or refused: libbpf takes no change any more */
	bool loaded;
	/* Loaded, and not yet in force */
	bool checked;
	char path[];
};

/* host.c: keep the message, return @err */
int host_fail(struct iommufd_policy_host *host, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* host.c: libbpf talks to @host in between */
void host_log_begin(struct iommufd_policy_host *host);
void host_log_end(void);
/* missing.c: fill in host->missing if this text of libbpf is about that */
void missing_note(struct iommufd_policy_host *host, const char *log);
/* host.c: fail, with what to do about it, where there is no module to ask */
int host_check_module(struct iommufd_policy_host *host);
/* host.c: the same where no policy could be loaded */
int host_check_bpf(struct iommufd_policy_host *host);
/* host.c: fail if it cannot be the name of a policy */
int host_check_name(struct iommufd_policy_host *host, const char *name);
/* Bytes of a structure up to a member, the last one of its first version */
#define SIZE_UP_TO(structure, last)						\
	(offsetof(typeof(structure), last) + sizeof((structure).last))
/* host.c: fail if the program has room for less than @least */
int host_check_sz(struct iommufd_policy_host *host, size_t sz, size_t least);
/* host.c: of a structure of @size with a member sz, what @to has room for */
void copy_out(void *to, const void *from, size_t size);
/* host.c: fail, because there is none of that name */
int host_not_loaded(struct iommufd_policy_host *host, const char *name);

/* object.c: fail while none of several policies is chosen */
int object_check_chosen(struct iommufd_policy_object *obj);
/* object.c: fail if it is too late to change what will be loaded */
int object_check_open(struct iommufd_policy_object *obj);
/* object.c: a data member of the struct_ops variable; NULL if it has none as large */
void *policy_member(struct iommufd_policy_object *obj, struct bpf_map *policy,
		    const char *member, size_t size);
/* object.c: the name in there, POLICY_NAME_LEN bytes */
char *policy_name(struct iommufd_policy_object *obj, struct bpf_map *policy);
bool policy_name_valid(const char *name);

/* pin.c: see docs/pins.md. The lock is a file descriptor. */
int pins_lock(struct iommufd_policy_host *host);
void pins_unlock(int lock);
/* pin.c: call @fn with the name of each pin until it fails */
typedef int (*pin_fn)(struct iommufd_policy_host *host, const char *name,
		      void *arg);
int pins_each(struct iommufd_policy_host *host, pin_fn fn, void *arg);
void pin_path(const char *name, char path[PIN_PATH_LEN]);
/* pin.c: a file descriptor of the link and its id, or -errno */
int pin_open(struct iommufd_policy_host *host, const char *name, uint32_t *id);
int pin_add(struct iommufd_policy_host *host, const char *name, int link_fd);
/*
 * pin.c: the maps of a loaded object, whole, but not yet in their place; @id is
 * what they are known by until they are dropped or taken
 */
int pin_new_maps(struct iommufd_policy_object *obj, const char *name,
		 uint32_t *id);
void drop_new_maps(const char *name, uint32_t id);
int take_new_maps(struct iommufd_policy_host *host, const char *name,
		  uint32_t id);
int pin_remove(struct iommufd_policy_host *host, const char *name);

/* status.c: whether the module has the policy, and by which link */
bool status_link_id(const char *name, uint32_t *id);
/* status.c: a number in one of its files in sysfs; false if there is none */
bool status_number(const char *name, const char *file, uint64_t *number);
/* settings.c: what cannot change while a policy is replaced */
int settings_keep(struct iommufd_policy_object *obj, const char *name);

#endif

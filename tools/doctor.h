/* SPDX-License-Identifier: GPL-2.0-only */
/* What has to be right on a host for policies, and for devices */
#ifndef IOMMUFD_BPF_DOCTOR_H
#define IOMMUFD_BPF_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

enum finding_state {
	FINDING_OK,
	FINDING_WRONG,
	/* It cannot be told, or does not matter here */
	FINDING_UNKNOWN,
};

/**
 * struct finding - what a check has found
 * @state: enum finding_state
 * @what: what there is, for people
 * @advice: what to do about it, or ""
 */
struct finding {
	enum finding_state state;
	char what[256];
	char advice[256];
};

/* They fill it in, and return nothing: so that "return found_...()" is short */
void __attribute__((format(printf, 2, 3)))
found_ok(struct finding *finding, const char *fmt, ...);
void __attribute__((format(printf, 2, 3)))
found_unknown(struct finding *finding, const char *fmt, ...);
void __attribute__((format(printf, 3, 4)))
found_wrong(struct finding *finding, const char *advice, const char *fmt, ...);

/* doctor_bpf.c */
void check_module(struct finding *finding);
void check_policies(struct finding *finding);
void check_module_btf(struct finding *finding);
void check_kernel_btf(struct finding *finding);
void check_options(struct finding *finding);
void check_struct_ops(struct finding *finding);
void check_bpffs(struct finding *finding);
void check_cgroup(struct finding *finding);
void check_capabilities(struct finding *finding);
void check_lockdown(struct finding *finding);
void check_dead(struct finding *finding);

/* doctor_devices.c */
void check_iommu(struct finding *finding);
void check_dev_iommu(struct finding *finding);
void check_vfio(struct finding *finding);
void check_vfio_files(struct finding *finding);
void check_vfio_cdev(struct finding *finding);

/* doctor.c: the first line of a file; false if it cannot be read */
bool read_line(const char *path, char *text, size_t len);
/* doctor.c: how many entries but "." and ".." a directory has; -1 if it is none */
int count_entries(const char *path);

#endif

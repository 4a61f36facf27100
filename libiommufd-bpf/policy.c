// SPDX-License-Identifier: LGPL-2.1-or-later
/* Loading, replacing and unloading */
#include <bpf/bpf.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

static int load_fail(struct iommufd_policy_object *obj, int err)
{
	struct iommufd_policy_host *host = obj->host;

	if (host->missing[0])
		return host_fail(host, err,
				 "cannot load %s: it uses %s, which neither the loaded iommufd nor this kernel has: compile it without, or load a newer iommufd",
				 obj->path, host->missing);
	switch (err) {
	case -EPERM:
		return host_fail(host, err,
				 "cannot load %s: not permitted: run this as root",
				 obj->path);
	case -ENOTSUP:
		return host_fail(host, err,
				 "cannot load %s: it uses a hook or a flag that the loaded iommufd does not have: compile it for that one, or load a newer iommufd",
				 obj->path);
	default:
		return host_fail(host, err,
				 "cannot load %s: the kernel refused it (%s): 'iommufd-bpf check -v %s' shows why",
				 obj->path, strerror(-err), obj->path);
	}
}

/* Into the kernel, not yet in force. Called with the libbpf log on. */
static int load_object(struct iommufd_policy_object *obj)
{
	struct bpf_map *map;
	int err;

	err = object_check_open(obj);
	if (err)
		return err;
	bpf_object__for_each_map(map, obj->bpf)
		if (map != obj->policy &&
		    bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			bpf_map__set_autocreate(map, false);

	obj->loaded = true;
	err = bpf_object__load(obj->bpf);
	return err ? load_fail(obj, err) : 0;
}

static int attach_fail(struct iommufd_policy_object *obj, int err)
{
	struct iommufd_policy_host *host = obj->host;
	const char *name = policy_name(obj, obj->policy);

	if (err == -EEXIST)
		return host_fail(host, err,
				 "a policy '%s' is loaded already: unload or replace it, or load this one under another name",
				 name);
	return host_fail(host, err,
			 "policy '%s' was not put in force: iommufd or the init hook of the policy refused (%s): see the kernel log",
			 name, strerror(-err));
}

/* The link last: with its pin all is there. */
static int attach_and_pin(struct iommufd_policy_object *obj)
{
	const char *name = policy_name(obj, obj->policy);
	struct iommufd_policy_host *host = obj->host;
	char error[sizeof(host->error)];
	struct bpf_link *link;
	uint32_t id;
	int err;

	err = pin_new_maps(obj, name, &id);
	if (err)
		return err;
	link = bpf_map__attach_struct_ops(obj->policy);
	if (!link) {
		err = attach_fail(obj, -errno);
		drop_new_maps(name, id);
		return err;
	}
	err = take_new_maps(host, name, id);
	if (!err)
		err = pin_add(host, name, bpf_link__fd(link));
	if (err) {
		/* What failed first is what is told. */
		strcpy(error, host->error);
		pin_remove(host, name);
		strcpy(host->error, error);
	}
	/* Closes the file descriptor: what is not pinned now goes away */
	bpf_link__destroy(link);
	return err;
}

EXPORT int iommufd_policy_check(struct iommufd_policy_object *obj)
{
	int err = object_check_chosen(obj);

	if (!err)
		err = host_check_bpf(obj->host);
	if (err)
		return err;
	host_log_begin(obj->host);
	err = load_object(obj);
	host_log_end();
	if (!err)
		obj->checked = true;
	return err;
}

EXPORT int iommufd_policy_load(struct iommufd_policy_object *obj)
{
	struct iommufd_policy_host *host = obj->host;
	int lock, err = object_check_chosen(obj);
	uint32_t id;

	if (!err)
		err = host_check_bpf(host);
	if (err)
		return err;
	lock = pins_lock(host);
	if (lock < 0)
		return lock;

	host_log_begin(host);
	if (status_link_id(policy_name(obj, obj->policy), &id))
		err = attach_fail(obj, -EEXIST);
	else if (!obj->checked)
		err = load_object(obj);
	if (!err) {
		obj->checked = false;
		err = attach_and_pin(obj);
	}
	host_log_end();

	pins_unlock(lock);
	return err;
}

/*
 * bpf_link__update_map() takes any link for one made by
 * bpf_map__attach_struct_ops(), in which an int follows struct bpf_link, and
 * reads and writes that int. bpf_link__open() allocates a struct bpf_link and
 * nothing behind it, so make room.
 */
static struct bpf_link *open_struct_ops_link(const char *path)
{
	struct bpf_link *link, *bigger;
	size_t size, room = 64;

	link = bpf_link__open(path);
	if (!link)
		return NULL;
	size = malloc_usable_size(link);
	bigger = realloc(link, size + room);
	if (!bigger) {
		bpf_link__destroy(link);
		errno = ENOMEM;
		return NULL;
	}
	memset((char *)bigger + size, 0, room);
	return bigger;
}

/* The pin of @name is there only as long as its link id is the policy's */
static int check_pinned(struct iommufd_policy_host *host, const char *name)
{
	uint32_t loaded, pinned;
	int fd;

	if (!status_link_id(name, &loaded))
		return host_not_loaded(host, name);
	fd = pin_open(host, name, &pinned);
	if (fd >= 0)
		close(fd);
	else if (fd != -ENOENT)
		return fd;
	if (fd < 0 || pinned != loaded)
		return host_fail(host, -ENOENT,
				 "policy '%s' is held by another program (BPF link %u), not by a pin: unload it, then load",
				 name, loaded);
	return 0;
}

static int update_link(struct iommufd_policy_object *obj, const char *name)
{
	char path[PIN_PATH_LEN];
	struct bpf_link *link;
	int err;

	pin_path(name, path);
	link = open_struct_ops_link(path);
	if (!link)
		return host_fail(obj->host, -errno, "cannot open %s: %s", path,
				 strerror(errno));
	err = bpf_link__update_map(link, obj->policy);
	bpf_link__destroy(link);
	return err ? attach_fail(obj, err) : 0;
}

EXPORT int iommufd_policy_replace(struct iommufd_policy_object *obj,
				  const char *name)
{
	struct iommufd_policy_host *host = obj->host;
	int lock, err;
	uint32_t id;

	err = iommufd_policy_object_rename(obj, name);
	if (!err)
		err = host_check_bpf(host);
	if (err)
		return err;
	lock = pins_lock(host);
	if (lock < 0)
		return lock;

	host_log_begin(host);
	err = check_pinned(host, name);
	if (!err)
		err = settings_keep(obj, name);
	if (!err)
		err = load_object(obj);
	if (!err)
		err = pin_new_maps(obj, name, &id);
	if (!err) {
		err = update_link(obj, name);
		if (err)
			drop_new_maps(name, id);
		else
			err = take_new_maps(host, name, id);
	}
	host_log_end();

	pins_unlock(lock);
	return err;
}

/* The link of a policy: its pin, else what the module says */
static int open_link(struct iommufd_policy_host *host, const char *name)
{
	uint32_t loaded, pinned;
	int fd;

	if (!status_link_id(name, &loaded)) {
		fd = pin_open(host, name, &pinned);
		return fd == -ENOENT ? host_not_loaded(host, name) : fd;
	}
	fd = bpf_link_get_fd_by_id(loaded);
	if (fd < 0)
		return host_fail(host, fd, "cannot open BPF link %u: %s",
				 loaded, strerror(-fd));
	return fd;
}

EXPORT int iommufd_policy_unload(struct iommufd_policy_host *host,
				 const char *name)
{
	int lock, fd, err;

	err = host_check_name(host, name);
	if (!err)
		err = host_check_bpf(host);
	if (err)
		return err;
	lock = pins_lock(host);
	if (lock < 0)
		return lock;

	fd = open_link(host, name);
	if (fd < 0) {
		err = fd;
		goto out_unlock;
	}
	/*
	 * Closing a file descriptor does not detach while another program has
	 * one, and may leave it to a worker: ask for it.
	 */
	err = bpf_link_detach(fd);
	if (err)
		host_fail(host, err, "cannot detach policy '%s': %s", name,
			  strerror(-err));
	else
		err = pin_remove(host, name);
	close(fd);
out_unlock:
	pins_unlock(lock);
	return err;
}

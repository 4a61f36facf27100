// SPDX-License-Identifier: LGPL-2.1-or-later
/* Where policies are kept, and the lock of it: docs/pins.md */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

#define PINS_DIR BPFFS_DIR "/iommufd"

static int pin_fail(struct iommufd_policy_host *host, int err,
		    const char *verb, const char *path)
{
	if (err == -EACCES || err == -EPERM)
		return host_fail(host, err, "cannot %s %s: run this as root",
				 verb, path);
	return host_fail(host, err, "cannot %s %s: %s", verb, path,
			 strerror(-err));
}

int pins_lock(struct iommufd_policy_host *host)
{
	int fd, err;

	if (mkdir(PINS_DIR, 0700) && errno != EEXIST)
		return pin_fail(host, -errno, "create", PINS_DIR);
	fd = open(PINS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return pin_fail(host, -errno, "open", PINS_DIR);
	while (flock(fd, LOCK_EX)) {
		if (errno == EINTR)
			continue;
		err = pin_fail(host, -errno, "lock", PINS_DIR);
		close(fd);
		return err;
	}
	return fd;
}

void pins_unlock(int lock)
{
	close(lock);
}

int pins_each(struct iommufd_policy_host *host, pin_fn fn, void *arg)
{
	const struct dirent *entry;
	int err = 0;
	DIR *dir;

	dir = opendir(PINS_DIR);
	if (!dir)
		return errno == ENOENT ?
		       0 : pin_fail(host, -errno, "read", PINS_DIR);
	while (!err && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			err = fn(host, entry->d_name, arg);
	closedir(dir);
	return err;
}

static void pin_dir(const char *name, char path[PIN_PATH_LEN])
{
	snprintf(path, PIN_PATH_LEN, PINS_DIR "/%s", name);
}

void pin_path(const char *name, char path[PIN_PATH_LEN])
{
	snprintf(path, PIN_PATH_LEN, PINS_DIR "/%s/link", name);
}

int pin_open(struct iommufd_policy_host *host, const char *name, uint32_t *id)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	char path[PIN_PATH_LEN];
	int fd, err;

	pin_path(name, path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return pin_fail(host, fd, "open", path);
	err = bpf_link_get_info_by_fd(fd, &info, &len);
	if (err) {
		close(fd);
		return host_fail(host, err,
				 "%s is not a BPF link: remove it, it is not ours",
				 path);
	}
	*id = info.id;
	return fd;
}

static void maps_dir(const char *name, char path[PIN_PATH_LEN])
{
	snprintf(path, PIN_PATH_LEN, PINS_DIR "/%s/maps", name);
}

/* Those of a policy that is gone, or whose place another has taken */
static int remove_maps(struct iommufd_policy_host *host, const char *name)
{
	const struct dirent *entry;
	char path[PIN_PATH_LEN];
	int err = 0;
	DIR *dir;

	maps_dir(name, path);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : pin_fail(host, -errno, "read", path);
	while (!err && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' &&
		    unlinkat(dirfd(dir), entry->d_name, 0))
			err = pin_fail(host, -errno, "empty", path);
	closedir(dir);
	if (!err && rmdir(path))
		err = pin_fail(host, -errno, "remove", path);
	return err;
}

static int make_dir(struct iommufd_policy_host *host, const char *path)
{
	if (mkdir(path, 0700) && errno != EEXIST)
		return pin_fail(host, -errno, "create", path);
	return 0;
}

static int pin_map(struct iommufd_policy_host *host, const struct bpf_map *map,
		   const char *dir)
{
	char *path;
	int err;

	if (asprintf(&path, "%s/%s", dir, bpf_map__name(map)) < 0)
		return host_fail(host, -ENOMEM, "out of memory");
	err = bpf_obj_pin(bpf_map__fd(map), path);
	if (err)
		pin_fail(host, err, "create", path);
	free(path);
	return err;
}

int pin_maps(struct iommufd_policy_object *obj, const char *name)
{
	struct iommufd_policy_host *host = obj->host;
	char path[PIN_PATH_LEN];
	struct bpf_map *map;
	int err;

	pin_dir(name, path);
	err = make_dir(host, path);
	if (!err)
		err = remove_maps(host, name);
	maps_dir(name, path);
	bpf_object__for_each_map(map, obj->bpf) {
		/* Of the policy itself, and the variables of its programs */
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS ||
		    bpf_map__is_internal(map))
			continue;
		if (!err)
			err = make_dir(host, path);
		if (!err)
			err = pin_map(host, map, path);
	}
	return err;
}

/* A pin of that name is a leftover: the module was asked for the name before */
int pin_add(struct iommufd_policy_host *host, const char *name, int link_fd)
{
	char dir[PIN_PATH_LEN], path[PIN_PATH_LEN];
	int err;

	pin_dir(name, dir);
	pin_path(name, path);
	err = make_dir(host, dir);
	if (err)
		return err;
	if (unlink(path) && errno != ENOENT)
		return pin_fail(host, -errno, "remove", path);
	err = bpf_obj_pin(link_fd, path);
	return err ? pin_fail(host, err, "create", path) : 0;
}

int pin_remove(struct iommufd_policy_host *host, const char *name)
{
	char path[PIN_PATH_LEN];
	int err;

	pin_path(name, path);
	if (unlink(path) && errno != ENOENT)
		return pin_fail(host, -errno, "remove", path);
	err = remove_maps(host, name);
	if (err)
		return err;
	pin_dir(name, path);
	if (rmdir(path) && errno != ENOENT)
		return pin_fail(host, -errno, "remove", path);
	return 0;
}

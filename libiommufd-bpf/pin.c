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
#define SET_PREFIX "maps_"

static int pin_fail(struct iommufd_policy_host *host, int err,
		    const char *verb, const char *path)
{
	if (err == -EACCES || err == -EPERM)
		return host_fail(host, err, "cannot %s %s: run this as root",
				 verb, path);
	return host_fail(host, err, "cannot %s %s: %s", verb, path,
			 strerror(-err));
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

/* Names have been checked: they are short. */
static void pin_dir(const char *name, char path[PIN_PATH_LEN])
{
	snprintf(path, PIN_PATH_LEN, PINS_DIR "/%.15s", name);
}

void pin_path(const char *name, char path[PIN_PATH_LEN])
{
	snprintf(path, PIN_PATH_LEN, PINS_DIR "/%.15s/link", name);
}

static int link_info(int fd, struct bpf_link_info *info)
{
	__u32 len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_link_get_info_by_fd(fd, info, &len);
}

int pin_open(struct iommufd_policy_host *host, const char *name, uint32_t *id)
{
	struct bpf_link_info info;
	char path[PIN_PATH_LEN];
	int fd, err;

	pin_path(name, path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return pin_fail(host, fd, "open", path);
	err = link_info(fd, &info);
	if (err) {
		close(fd);
		return host_fail(host, err,
				 "%s is not a BPF link: remove it, it is not ours",
				 path);
	}
	*id = info.id;
	return fd;
}

/* The struct_ops map of the policy that the link pinned at @path is of, or 0 */
static uint32_t pinned_map(const char *path)
{
	struct bpf_link_info info;
	int fd = bpf_obj_get(path), err;

	if (fd < 0)
		return 0;
	err = link_info(fd, &info);
	close(fd);
	return err ? 0 : info.struct_ops.map_id;
}

static void maps_path(const char *name, char path[PIN_PATH_LEN])
{
	snprintf(path, PIN_PATH_LEN, PINS_DIR "/%.15s/maps", name);
}

static void next_path(const char *name, char path[PIN_PATH_LEN])
{
	snprintf(path, PIN_PATH_LEN, PINS_DIR "/%.15s/next", name);
}

/* The maps of one policy, by the id of its struct_ops map */
static void set_path(const char *name, uint32_t id, char path[PIN_PATH_LEN])
{
	snprintf(path, PIN_PATH_LEN, PINS_DIR "/%.15s/" SET_PREFIX "%u", name,
		 id);
}

/* With the pins in it */
static int remove_dir(const char *path)
{
	const struct dirent *entry;
	int err = 0;
	DIR *dir;

	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (!err && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' &&
		    unlinkat(dirfd(dir), entry->d_name, 0))
			err = -errno;
	closedir(dir);
	return err ?: rmdir(path) ? -errno : 0;
}

/* Removes all sets but that of @id; 0: all */
static int keep_set(const char *name, uint32_t id)
{
	const struct dirent *entry;
	char path[PIN_PATH_LEN];
	uint32_t other;
	int err = 0;
	DIR *dir;

	pin_dir(name, path);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (!err && (entry = readdir(dir))) {
		if (sscanf(entry->d_name, SET_PREFIX "%u", &other) != 1 ||
		    other == id)
			continue;
		set_path(name, other, path);
		err = remove_dir(path);
	}
	closedir(dir);
	return err;
}

/* Where 'maps' leads to changes in one step: there is no moment without. */
static int lead_to_set(const char *name, uint32_t id)
{
	char path[PIN_PATH_LEN], next[PIN_PATH_LEN], set[32];

	snprintf(set, sizeof(set), SET_PREFIX "%u", id);
	maps_path(name, path);
	next_path(name, next);
	if (unlink(next) && errno != ENOENT)
		return -errno;
	return symlink(set, next) || rename(next, path) ? -errno : 0;
}

static bool leads_to_set(const char *name, uint32_t id)
{
	char path[PIN_PATH_LEN], target[32], set[32];
	ssize_t len;

	maps_path(name, path);
	len = readlink(path, target, sizeof(target));
	return len == snprintf(set, sizeof(set), SET_PREFIX "%u", id) &&
	       !memcmp(target, set, len);
}

static int remove_maps(const char *name)
{
	char path[PIN_PATH_LEN];

	next_path(name, path);
	if (unlink(path) && errno != ENOENT)
		return -errno;
	maps_path(name, path);
	if (unlink(path) && errno != ENOENT)
		return -errno;
	return keep_set(name, 0);
}

/*
 * What a command that was killed has left in the directory of a policy. What
 * cannot be mended is in the way of nobody: whoever needs the place says so.
 */
static void repair(const char *name)
{
	char path[PIN_PATH_LEN];
	uint32_t id;

	if (!policy_name_valid(name))
		return;
	pin_path(name, path);
	if (access(path, F_OK)) {
		remove_maps(name);
		pin_dir(name, path);
		rmdir(path);
		return;
	}
	id = pinned_map(path);
	next_path(name, path);
	unlink(path);
	set_path(name, id, path);
	if (!id || access(path, F_OK))
		return;
	if (leads_to_set(name, id) || !lead_to_set(name, id))
		keep_set(name, id);
}

static void repair_all(void)
{
	const struct dirent *entry;
	DIR *dir = opendir(PINS_DIR);

	while (dir && (entry = readdir(dir)))
		repair(entry->d_name);
	if (dir)
		closedir(dir);
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
	repair_all();
	return fd;
}

void pins_unlock(int lock)
{
	close(lock);
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

/* Of the policy itself, and the variables of its programs, there are no pins */
static bool is_declared(const struct bpf_map *map)
{
	return bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS &&
	       !bpf_map__is_internal(map);
}

int pin_new_maps(struct iommufd_policy_object *obj, const char *name,
		 uint32_t *id)
{
	struct iommufd_policy_host *host = obj->host;
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	char path[PIN_PATH_LEN];
	struct bpf_map *map;
	int err;

	err = bpf_map_get_info_by_fd(bpf_map__fd(obj->policy), &info, &len);
	if (err)
		return host_fail(host, err, "cannot look at policy '%s': %s",
				 name, strerror(-err));
	*id = info.id;

	pin_dir(name, path);
	err = make_dir(host, path);
	set_path(name, *id, path);
	if (!err)
		err = make_dir(host, path);
	bpf_object__for_each_map(map, obj->bpf)
		if (!err && is_declared(map))
			err = pin_map(host, map, path);
	if (err)
		drop_new_maps(name, *id);
	return err;
}

void drop_new_maps(const char *name, uint32_t id)
{
	char path[PIN_PATH_LEN];

	set_path(name, id, path);
	remove_dir(path);
	/* If there is nothing else in it */
	pin_dir(name, path);
	rmdir(path);
}

int take_new_maps(struct iommufd_policy_host *host, const char *name,
		  uint32_t id)
{
	int err = lead_to_set(name, id);
	char path[PIN_PATH_LEN];

	if (!err)
		err = keep_set(name, id);
	maps_path(name, path);
	return err ? pin_fail(host, err, "replace", path) : 0;
}

/* A pin of that name is a leftover: the module was asked for the name before */
int pin_add(struct iommufd_policy_host *host, const char *name, int link_fd)
{
	char path[PIN_PATH_LEN];
	int err;

	pin_path(name, path);
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
	err = remove_maps(name);
	pin_dir(name, path);
	if (err)
		return pin_fail(host, err, "empty", path);
	if (rmdir(path) && errno != ENOENT)
		return pin_fail(host, -errno, "remove", path);
	return 0;
}

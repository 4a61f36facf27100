// SPDX-License-Identifier: GPL-2.0-only
/* Cgroups of version 2: where they are, and which path has which id */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cgroups.h"

#define CGROUPS "/sys/fs/cgroup"
/* FILEID_KERNFS of the kernel: the handle of a cgroup's directory is its id */
#define HANDLE_KERNFS 0xfe

static bool is_cgroup2(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC;
}

const char *cgroup_root(void)
{
	if (is_cgroup2(CGROUPS))
		return CGROUPS;
	return is_cgroup2(CGROUPS "/unified") ? CGROUPS "/unified" : NULL;
}

/* As it is called within the mount */
static char *cgroup_name(const char *root, const char *path)
{
	const size_t length = strlen(root);

	return strdup(path[length] ? path + length : "/");
}

static char *path_of_fd(const char *root, int fd)
{
	char link[32], path[PATH_MAX];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	if (length < (ssize_t)strlen(root))
		return NULL;
	path[length] = '\0';
	return cgroup_name(root, path);
}

/* Where handles of files are not there, or not for everybody */
static char *search_cgroup(const char *root, uint64_t id)
{
	char *const dirs[] = { (char *)root, NULL };
	char *path = NULL;
	FTSENT *entry;
	FTS *fts;

	fts = fts_open(dirs, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	while (fts && !path && (entry = fts_read(fts)))
		if (entry->fts_info == FTS_D && entry->fts_statp->st_ino == id)
			path = cgroup_name(root, entry->fts_path);
	if (fts)
		fts_close(fts);
	return path;
}

char *cgroup_path_of(uint64_t id)
{
	struct {
		struct file_handle handle;
		uint64_t id;
	} cgroup = {
		.handle = { .handle_bytes = sizeof(id),
			    .handle_type = HANDLE_KERNFS },
	};
	const char *root = cgroup_root();
	int mount, fd = -1;
	char *path = NULL;

	if (!root)
		return NULL;
	memcpy(cgroup.handle.f_handle, &id, sizeof(id));
	mount = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mount >= 0)
		fd = open_by_handle_at(mount, &cgroup.handle,
				       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		path = path_of_fd(root, fd);
		close(fd);
	} else if (errno == ENOSYS || errno == EPERM) {
		path = search_cgroup(root, id);
	}
	if (mount >= 0)
		close(mount);
	return path;
}

bool cgroup_find(const char *path, uint64_t *id)
{
	const char *root = cgroup_root();
	char full[PATH_MAX];
	struct stat st;
	size_t length;

	if (!root)
		return false;
	length = strlen(root);
	/* As people copy it from either place */
	if (!strncmp(path, root, length) &&
	    (path[length] == '/' || !path[length]))
		path += length;
	if (snprintf(full, sizeof(full), "%s/%s", root, path) >=
	    (int)sizeof(full) || stat(full, &st) || !S_ISDIR(st.st_mode))
		return false;
	*id = st.st_ino;
	return true;
}

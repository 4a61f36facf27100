// SPDX-License-Identifier: GPL-2.0-only
/* Cgroups of version 2, by their path below the root */
#include <limits.h>
#include <sys/stat.h>

#include "lib/cgroup.h"

static void full_path(char *full, const char *path, const char *file)
{
	snprintf(full, PATH_MAX, "/sys/fs/cgroup/%s/%s", path, file);
}

void cgroup_new(const char *path)
{
	char full[PATH_MAX];

	full_path(full, path, "");
	assert_return_code(mkdir(full, 0755), errno);
}

void cgroup_remove(const char *path)
{
	char full[PATH_MAX];

	full_path(full, path, "");
	assert_return_code(rmdir(full), errno);
}

uint64_t cgroup_id(const char *path)
{
	char full[PATH_MAX];
	struct stat st;

	full_path(full, path, "");
	assert_return_code(stat(full, &st), errno);
	return st.st_ino;
}

void cgroup_write(const char *path, const char *file, const char *value)
{
	char full[PATH_MAX];
	int fd;

	full_path(full, path, file);
	fd = open(full, O_WRONLY | O_CLOEXEC);
	assert_return_code(fd, errno);
	assert_int_equal(write(fd, value, strlen(value)), strlen(value));
	close(fd);
}

long cgroup_memory_stat(const char *path, const char *key)
{
	char full[PATH_MAX], line[64];

	full_path(full, path, "memory.stat");
	snprintf(line, sizeof(line), "%s ", key);
	return file_value(full, line);
}

static int move(const char *path, pid_t pid)
{
	char full[PATH_MAX];
	FILE *file;
	int n;

	full_path(full, path, "cgroup.procs");
	file = fopen(full, "we");
	if (!file)
		return -1;
	n = fprintf(file, "%d\n", pid);
	return fclose(file) || n < 0 ? -1 : 0;
}

void cgroup_move(const char *path, pid_t pid)
{
	assert_return_code(move(path, pid), errno);
}

int cgroup_enter(const char *path)
{
	return move(path, 0);
}

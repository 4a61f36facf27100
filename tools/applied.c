// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records of what was applied. They are where a boot clears them, as it does
 * policies: the bpf filesystem has no files.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "applied.h"

#define RECORD_PATH_MAX 64

/* Until it is whole; no policy has such a name */
#define NEW_RECORD APPLIED_DIR "/.new"

static void record_path(char path[RECORD_PATH_MAX], const char *name)
{
	snprintf(path, RECORD_PATH_MAX, APPLIED_DIR "/%s", name);
}

static int copy_file(FILE *to, const char *path)
{
	FILE *from = fopen(path, "re");
	char buf[4096];
	size_t len;
	int err;

	if (!from)
		return -errno;
	while ((len = fread(buf, 1, sizeof(buf), from)) > 0)
		fwrite(buf, 1, len, to);
	err = ferror(from) ? -EIO : 0;
	fclose(from);
	return err;
}

char *applied_content(struct iommufd_policy_object *obj,
		      const struct conf *conf, size_t *size)
{
	struct iommufd_policy_param param = { .sz = sizeof(param) };
	char *content = NULL;
	unsigned int i;
	FILE *file;
	int err;

	file = open_memstream(&content, size);
	if (!file)
		return NULL;
	fprintf(file, "%s %s %d %d %s\n", iommufd_policy_object_name(obj),
		conf->policy ?: "", conf->priority,
		conf->audit << 1 | conf->fail_closed, conf->scope ?: "");
	for (i = 0; !iommufd_policy_object_param(obj, i, &param); i++)
		fprintf(file, "%s=%s\n", param.name, param.value);
	err = copy_file(file, conf->file);
	if (fclose(file) && !err)
		err = -errno;
	if (!err)
		return content;
	free(content);
	errno = -err;
	return NULL;
}

uint32_t applied_map(uint32_t link_id)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	int fd, err;

	fd = bpf_link_get_fd_by_id(link_id);
	if (fd < 0)
		return 0;
	err = bpf_link_get_info_by_fd(fd, &info, &len);
	close(fd);
	return err ? 0 : info.struct_ops.map_id;
}

int applied_lock(bool create)
{
	int fd;

	if (create && mkdir(APPLIED_DIR, 0700) && errno != EEXIST)
		return -errno;
	fd = open(APPLIED_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && !create)
		return 0;
	if (fd < 0 || flock(fd, LOCK_EX))
		return -errno;
	return 0;
}

/* The first line of a record: the map, and the file it came from. */
static FILE *open_record(const char *name, uint32_t *map, char **conf)
{
	char path[RECORD_PATH_MAX];
	FILE *file;

	record_path(path, name);
	file = fopen(path, "re");
	if (!file)
		return NULL;
	if (fscanf(file, "%u %m[^\n]", map, conf) == 2 && getc(file) == '\n')
		return file;
	fclose(file);
	errno = ENOENT;
	return NULL;
}

bool applied_same(const char *name, uint32_t map, const char *content,
		  size_t size)
{
	char *conf = NULL, *had = malloc(size + 1);
	uint32_t had_map;
	bool same = false;
	FILE *file;

	file = open_record(name, &had_map, &conf);
	if (had && file)
		same = had_map == map && fread(had, 1, size + 1, file) == size &&
		       !memcmp(had, content, size);
	if (file)
		fclose(file);
	free(conf);
	free(had);
	return same;
}

int applied_record(const char *name, uint32_t map, const char *conf,
		   const char *content, size_t size)
{
	char path[RECORD_PATH_MAX];
	FILE *file;
	int err = 0;

	file = fopen(NEW_RECORD, "we");
	if (!file)
		return -errno;
	fprintf(file, "%u %s\n", map, conf);
	fwrite(content, 1, size, file);
	if (ferror(file))
		err = -EIO;
	if (fclose(file) && !err)
		err = -errno;
	record_path(path, name);
	if (!err && rename(NEW_RECORD, path))
		err = -errno;
	if (err)
		unlink(NEW_RECORD);
	return err;
}

int applied_read(const char *name, uint32_t *map, char **conf)
{
	FILE *file = open_record(name, map, conf);

	if (!file)
		return -errno;
	fclose(file);
	return 0;
}

void applied_forget(const char *name)
{
	char path[RECORD_PATH_MAX];

	record_path(path, name);
	unlink(path);
}

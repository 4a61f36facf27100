// SPDX-License-Identifier: LGPL-2.1-or-later
/* What can be changed of loaded policies without BPF, by files in sysfs */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

/* 0 or a negative errno */
static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int write_fail(struct iommufd_policy_host *host, int err,
		      const char *path)
{
	if (err == -EACCES || err == -EPERM)
		return host_fail(host, err, "cannot write %s: run this as root",
				 path);
	return host_fail(host, err, "cannot write %s: %s", path,
			 strerror(-err));
}

EXPORT int iommufd_policy_set_audit(struct iommufd_policy_host *host,
				    const char *name, bool audit)
{
	char path[128];
	int err;

	err = host_check_name(host, name);
	if (!err)
		err = host_check_module(host);
	if (err)
		return err;
	snprintf(path, sizeof(path), SYSFS_DIR "/policy/%s/mode", name);
	err = write_file(path, audit ? "audit" : "enforce");
	if (err == -ENOENT)
		return host_not_loaded(host, name);
	return err ? write_fail(host, err, path) : 0;
}

EXPORT int iommufd_policy_off(struct iommufd_policy_host *host)
{
	int err = host_check_module(host);

	if (err)
		return err;
	err = write_file(SYSFS_DIR "/off", "1");
	return err ? write_fail(host, err, SYSFS_DIR "/off") : 0;
}

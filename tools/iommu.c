// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/iommufd.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cmd.h"
#include "iommu.h"

int iommu_open(void)
{
	int fd, err;

	fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	err = -errno;
	switch (err) {
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		out_fail(err, "no /dev/iommu: load the module with 'modprobe iommufd'");
		break;
	case -EACCES:
	case -EPERM:
		out_fail(err, "cannot open /dev/iommu: run this as root, or as a member of its group");
		break;
	default:
		out_fail(err, "cannot open /dev/iommu: %s", strerror(-err));
	}
	return err;
}

int iommu_ioas_alloc(int iommu, uint32_t *ioas)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	int err;

	if (ioctl(iommu, IOMMU_IOAS_ALLOC, &alloc)) {
		err = -errno;
		out_fail(err, "cannot allocate an IOAS: %s", strerror(-err));
		return err;
	}
	*ioas = alloc.out_ioas_id;
	return 0;
}

bool iommu_refused(int iommu, int err, const char *what)
{
	char path[64], line[256], policy[32], hook[32];
	struct json_object *refused;
	const char *answer = NULL;
	FILE *fdinfo;
	int code;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", iommu);
	fdinfo = fopen(path, "re");
	if (!fdinfo)
		return false;
	while (!answer && fgets(line, sizeof(line), fdinfo))
		if (sscanf(line, "iommufd-refused-by: %31s %31s %d", policy,
			   hook, &code) == 3)
			answer = strerrorname_np(-code) ?: "an unknown error";
	fclose(fdinfo);
	if (!answer)
		return false;

	out_fail(err, "cannot %s: hook '%s' of policy '%s' refused with %s: 'iommufd-bpf list' shows the policies",
		 what, hook, policy, answer);
	refused = json_object_new_object();
	json_object_object_add(refused, "policy",
			       json_object_new_string(policy));
	json_object_object_add(refused, "hook", json_object_new_string(hook));
	json_object_object_add(refused, "code", json_object_new_string(answer));
	json_object_object_add(out_json(), "refused_by", refused);
	return true;
}

static void map_failed(int iommu, const char *memory, int err)
{
	char what[PATH_MAX];

	snprintf(what, sizeof(what), "map %s", memory);
	if (iommu_refused(iommu, err, what))
		return;
	switch (err) {
	case -ENOMEM:
		out_fail(err, "cannot %s: more than may be locked (or out of memory): raise 'ulimit -l'",
			 what);
		break;
	case -EFAULT:
		out_fail(err, "cannot %s: not all of it is there, or it may not be written",
			 what);
		break;
	default:
		out_fail(err, "cannot %s: %s", what, strerror(-err));
	}
}

int iommu_map(int iommu, uint32_t ioas, struct iommu_mapping *mapping,
	      const char *memory)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_READABLE,
		.ioas_id = ioas,
		.user_va = (uintptr_t)mapping->memory,
		.length = mapping->length,
		.iova = mapping->iova,
	};
	int err;

	if (mapping->writable)
		map.flags |= IOMMU_IOAS_MAP_WRITEABLE;
	if (mapping->fixed)
		map.flags |= IOMMU_IOAS_MAP_FIXED_IOVA;
	if (ioctl(iommu, IOMMU_IOAS_MAP, &map)) {
		err = -errno;
		map_failed(iommu, memory, err);
		return err;
	}
	mapping->iova = map.iova;
	return 0;
}

int iommu_unmap(int iommu, uint32_t ioas, const struct iommu_mapping *mapping)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = ioas,
		.iova = mapping->iova,
		.length = mapping->length,
	};
	int err;

	if (ioctl(iommu, IOMMU_IOAS_UNMAP, &unmap)) {
		err = -errno;
		out_fail(err, "cannot unmap IOVA 0x%llx: %s", unmap.iova,
			 strerror(-err));
		return err;
	}
	return 0;
}

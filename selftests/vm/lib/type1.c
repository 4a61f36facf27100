// SPDX-License-Identifier: GPL-2.0-only
/* The VFIO type1 ABI, one function for each ioctl */
#include <libgen.h>
#include <limits.h>

#include "type1.h"

static int compat(int container, struct iommu_vfio_ioas *command)
{
	command->size = sizeof(*command);
	return ioctl(container, IOMMU_VFIO_IOAS, command) ? -errno : 0;
}

int compat_get(int container, uint32_t *ioas)
{
	struct iommu_vfio_ioas command = { .op = IOMMU_VFIO_IOAS_GET };
	int err = compat(container, &command);

	if (!err)
		*ioas = command.ioas_id;
	return err;
}

int compat_set(int container, uint32_t ioas)
{
	struct iommu_vfio_ioas command = {
		.op = IOMMU_VFIO_IOAS_SET,
		.ioas_id = ioas,
	};

	return compat(container, &command);
}

int compat_clear(int container)
{
	struct iommu_vfio_ioas command = { .op = IOMMU_VFIO_IOAS_CLEAR };

	return compat(container, &command);
}

int type1_extension(int container, unsigned long extension)
{
	int answer = ioctl(container, VFIO_CHECK_EXTENSION, extension);

	return answer < 0 ? -errno : answer;
}

int type1_set_iommu(int container, unsigned long type)
{
	return ioctl(container, VFIO_SET_IOMMU, type) ? -errno : 0;
}

int type1_map(int container, const void *memory, uint64_t length,
	      uint32_t flags, uint64_t iova)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.vaddr = (uintptr_t)memory,
		.iova = iova,
		.size = length,
	};

	return ioctl(container, VFIO_IOMMU_MAP_DMA, &map) ? -errno : 0;
}

int type1_unmap(int container, uint64_t iova, uint64_t length, uint32_t flags,
		uint64_t *unmapped)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = flags,
		.iova = iova,
		.size = length,
	};

	if (ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap))
		return -errno;
	if (unmapped)
		*unmapped = unmap.size;
	return 0;
}

int type1_unmap_all(int container, uint64_t *unmapped)
{
	return type1_unmap(container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, unmapped);
}

struct vfio_iommu_type1_info *type1_info(int container)
{
	struct vfio_iommu_type1_info *info, header = {
		.argsz = sizeof(header)
	};

	assert_int_equal(ioctl(container, VFIO_IOMMU_GET_INFO, &header), 0);
	assert_true(header.argsz > sizeof(header));
	info = calloc(1, header.argsz);
	assert_non_null(info);
	info->argsz = header.argsz;
	assert_int_equal(ioctl(container, VFIO_IOMMU_GET_INFO, info), 0);
	assert_int_equal(info->argsz, header.argsz);
	assert_int_equal(info->flags, VFIO_IOMMU_INFO_PGSIZES |
			 VFIO_IOMMU_INFO_CAPS);
	return info;
}

void *type1_capability(struct vfio_iommu_type1_info *info, uint16_t id)
{
	struct vfio_info_cap_header *header;
	uint32_t offset = info->cap_offset, before = sizeof(*info) - 1;
	void *found = NULL;

	while (offset) {
		/* Behind the one before, aligned, and with room for it */
		assert_true(offset > before);
		assert_int_equal(offset % sizeof(uint64_t), 0);
		assert_true(offset + sizeof(*header) <= info->argsz);
		header = (void *)((char *)info + offset);
		assert_int_equal(header->version, 1);
		if (header->id == id) {
			assert_null(found);
			found = header;
		}
		before = offset;
		offset = header->next;
	}
	return found;
}

int group_open_at(const char *bdf)
{
	char path[PATH_MAX], target[PATH_MAX] = {};
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group",
		 bdf);
	if (readlink(path, target, sizeof(target) - 1) < 0)
		return -errno;
	snprintf(path, sizeof(path), "/dev/vfio/%s", basename(target));
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int group_open(void)
{
	char bdf[EDU_BDF_SIZE];
	int err = edu_find(bdf);

	return err ?: group_open_at(bdf);
}

int group_set_container(int group, int container)
{
	return ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) ? -errno : 0;
}

int group_unset_container(int group)
{
	return ioctl(group, VFIO_GROUP_UNSET_CONTAINER) ? -errno : 0;
}

int group_get_edu(int group, struct edu *edu)
{
	char bdf[EDU_BDF_SIZE];
	int err;

	err = edu_find(bdf);
	if (err)
		return err;
	edu->id = 0;
	edu->vfio = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, bdf);
	if (edu->vfio < 0)
		return -errno;
	err = edu_start(edu);
	if (err)
		close(edu->vfio);
	return err;
}

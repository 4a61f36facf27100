// SPDX-License-Identifier: GPL-2.0-only
/* The ioctls of /dev/iommu, one function each */
#include "test.h"

static int request(int iommu, unsigned long number, void *command)
{
	return ioctl(iommu, number, command) ? -errno : 0;
}

int context_open(void)
{
	int fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);

	assert_return_code(fd, errno);
	return fd;
}

uint32_t ioas_new(int iommu)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

	assert_int_equal(request(iommu, IOMMU_IOAS_ALLOC, &alloc), 0);
	return alloc.out_ioas_id;
}

int object_destroy(int iommu, uint32_t id)
{
	struct iommu_destroy destroy = { .size = sizeof(destroy), .id = id };

	return request(iommu, IOMMU_DESTROY, &destroy);
}

int ioas_map(int iommu, uint32_t ioas, const void *memory, uint64_t length,
	     uint32_t flags, uint64_t *iova)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = flags,
		.ioas_id = ioas,
		.user_va = (uintptr_t)memory,
		.length = length,
		.iova = flags & FIXED ? *iova : 0,
	};
	int err = request(iommu, IOMMU_IOAS_MAP, &map);

	if (!err)
		*iova = map.iova;
	return err;
}

int ioas_map_at(int iommu, uint32_t ioas, const void *memory, uint64_t length,
		uint32_t flags, uint64_t iova)
{
	return ioas_map(iommu, ioas, memory, length, flags | FIXED, &iova);
}

/* The user interface of 6.12 has neither of them */
struct map_file {
	uint32_t size;
	uint32_t flags;
	uint32_t ioas_id;
	int32_t fd;
	uint64_t start;
	uint64_t length;
	uint64_t iova;
};

struct change_process {
	uint32_t size;
	uint32_t reserved;
};

#define MAP_FILE_NUMBER _IO(IOMMUFD_TYPE, 0x8f)
#define CHANGE_PROCESS _IO(IOMMUFD_TYPE, 0x92)

int ioas_map_file(int iommu, uint32_t ioas, const struct file_range *range,
		  uint32_t flags, uint64_t *iova)
{
	struct map_file map = {
		.size = sizeof(map),
		.flags = flags,
		.ioas_id = ioas,
		.fd = range->fd,
		.start = range->start,
		.length = range->length,
		.iova = flags & FIXED ? *iova : 0,
	};
	int err = request(iommu, MAP_FILE_NUMBER, &map);

	if (!err)
		*iova = map.iova;
	return err;
}

int ioas_change_process(int iommu)
{
	struct change_process change = { .size = sizeof(change) };

	return request(iommu, CHANGE_PROCESS, &change);
}

int ioas_unmap(int iommu, uint32_t ioas, uint64_t iova, uint64_t length,
	       uint64_t *unmapped)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = ioas,
		.iova = iova,
		.length = length,
	};
	int err = request(iommu, IOMMU_IOAS_UNMAP, &unmap);

	if (!err && unmapped)
		*unmapped = unmap.length;
	return err;
}

int ioas_unmap_all(int iommu, uint32_t ioas)
{
	return ioas_unmap(iommu, ioas, 0, UINT64_MAX, NULL);
}

int ioas_copy(int iommu, uint32_t dst, const struct copy_source *src,
	      uint32_t flags, uint64_t *dst_iova)
{
	struct iommu_ioas_copy copy = {
		.size = sizeof(copy),
		.flags = flags,
		.dst_ioas_id = dst,
		.src_ioas_id = src->ioas,
		.length = src->length,
		.dst_iova = flags & FIXED ? *dst_iova : 0,
		.src_iova = src->iova,
	};
	int err = request(iommu, IOMMU_IOAS_COPY, &copy);

	if (!err)
		*dst_iova = copy.dst_iova;
	return err;
}

int ioas_copy_at(int iommu, uint32_t dst, const struct copy_source *src,
		 uint32_t flags, uint64_t dst_iova)
{
	return ioas_copy(iommu, dst, src, flags | FIXED, &dst_iova);
}

int ioas_allow(int iommu, uint32_t ioas, const struct iommu_iova_range *ranges,
	       uint32_t nr)
{
	struct iommu_ioas_allow_iovas allow = {
		.size = sizeof(allow),
		.ioas_id = ioas,
		.num_iovas = nr,
		.allowed_iovas = (uintptr_t)ranges,
	};

	return request(iommu, IOMMU_IOAS_ALLOW_IOVAS, &allow);
}

int ioas_ranges(int iommu, uint32_t ioas, struct iommu_iova_range *ranges,
		uint32_t *nr, uint64_t *alignment)
{
	struct iommu_ioas_iova_ranges command = {
		.size = sizeof(command),
		.ioas_id = ioas,
		.num_iovas = *nr,
		.allowed_iovas = (uintptr_t)ranges,
	};
	int err = request(iommu, IOMMU_IOAS_IOVA_RANGES, &command);

	*nr = command.num_iovas;
	if (!err && alignment)
		*alignment = command.out_iova_alignment;
	return err;
}

int64_t hwpt_alloc(int iommu, uint32_t device, uint32_t pt_id, uint32_t flags)
{
	struct iommu_hwpt_alloc alloc = {
		.size = sizeof(alloc),
		.flags = flags,
		.dev_id = device,
		.pt_id = pt_id,
	};
	int err = request(iommu, IOMMU_HWPT_ALLOC, &alloc);

	return err ?: (int64_t)alloc.out_hwpt_id;
}

static int option(int iommu, struct iommu_option *command)
{
	command->size = sizeof(*command);
	return request(iommu, IOMMU_OPTION, command);
}

int option_get(int iommu, uint32_t id, uint32_t object, uint64_t *value)
{
	struct iommu_option command = {
		.option_id = id,
		.op = IOMMU_OPTION_OP_GET,
		.object_id = object,
	};
	int err = option(iommu, &command);

	if (!err)
		*value = command.val64;
	return err;
}

int option_set(int iommu, uint32_t id, uint32_t object, uint64_t value)
{
	struct iommu_option command = {
		.option_id = id,
		.op = IOMMU_OPTION_OP_SET,
		.object_id = object,
		.val64 = value,
	};

	return option(iommu, &command);
}

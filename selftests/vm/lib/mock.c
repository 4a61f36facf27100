// SPDX-License-Identifier: GPL-2.0-only
/* IOMMU_TEST_CMD, whose ABI is the kernel's own */
#include <iommufd_test.h>

#include "mock.h"

static int request(int iommu, struct iommu_test_cmd *command)
{
	command->size = sizeof(*command);
	return ioctl(iommu, IOMMU_TEST_CMD, command) ? -errno : 0;
}

bool mock_available(int iommu)
{
	return request(iommu, &(struct iommu_test_cmd){}) != -ENOTTY;
}

static int device_new(int iommu, uint32_t ioas, struct iommu_test_cmd *command)
{
	*command = (struct iommu_test_cmd){
		.op = IOMMU_TEST_OP_MOCK_DOMAIN,
		.id = ioas,
	};
	return request(iommu, command);
}

int64_t mock_device_new(int iommu, uint32_t ioas)
{
	struct iommu_test_cmd command;
	int err = device_new(iommu, ioas, &command);

	return err ?: (int64_t)command.mock_domain.out_stdev_id;
}

int64_t mock_hwpt_new(int iommu, uint32_t ioas)
{
	struct iommu_test_cmd command;
	int err = device_new(iommu, ioas, &command);

	return err ?: (int64_t)command.mock_domain.out_hwpt_id;
}

int mock_check_map(int iommu, uint32_t hwpt, uint64_t iova, const void *memory,
		   uint64_t length)
{
	struct iommu_test_cmd command = {
		.op = IOMMU_TEST_OP_MD_CHECK_MAP,
		.id = hwpt,
		.check_map.iova = iova,
		.check_map.uptr = (uintptr_t)memory,
		.check_map.length = length,
	};

	return request(iommu, &command);
}

int access_new(int iommu, uint32_t ioas)
{
	struct iommu_test_cmd command = {
		.op = IOMMU_TEST_OP_CREATE_ACCESS,
		.id = ioas,
		.create_access.flags = MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES,
	};
	int err = request(iommu, &command);

	return err ?: (int)command.create_access.out_access_fd;
}

int access_move(int iommu, int access, uint32_t ioas)
{
	struct iommu_test_cmd command = {
		.op = IOMMU_TEST_OP_ACCESS_REPLACE_IOAS,
		.id = access,
		.access_replace_ioas.ioas_id = ioas,
	};

	return request(iommu, &command);
}

int64_t access_pin(int iommu, int access, uint64_t iova, uint64_t length,
		   const void *memory)
{
	struct iommu_test_cmd command = {
		.op = IOMMU_TEST_OP_ACCESS_PAGES,
		.id = access,
		.access_pages.flags = MOCK_FLAGS_ACCESS_WRITE,
		.access_pages.iova = iova,
		.access_pages.length = length,
		.access_pages.uptr = (uintptr_t)memory,
	};
	int err = request(iommu, &command);

	return err ?: (int64_t)command.access_pages.out_access_pages_id;
}

int access_unpin(int iommu, int access, uint32_t id)
{
	struct iommu_test_cmd command = {
		.op = IOMMU_TEST_OP_DESTROY_ACCESS_PAGES,
		.id = access,
		.destroy_access_pages.access_pages_id = id,
	};

	return request(iommu, &command);
}

static int access_rw(int iommu, int access, uint64_t iova, const void *data,
		     uint64_t length, uint32_t flags)
{
	struct iommu_test_cmd command = {
		.op = IOMMU_TEST_OP_ACCESS_RW,
		.id = access,
		.access_rw.iova = iova,
		.access_rw.length = length,
		.access_rw.uptr = (uintptr_t)data,
		.access_rw.flags = flags,
	};

	return request(iommu, &command);
}

int access_read(int iommu, int access, uint64_t iova, void *data,
		uint64_t length)
{
	return access_rw(iommu, access, iova, data, length, 0);
}

int access_write(int iommu, int access, uint64_t iova, const void *data,
		 uint64_t length)
{
	return access_rw(iommu, access, iova, data, length,
			 MOCK_ACCESS_RW_WRITE);
}

// SPDX-License-Identifier: GPL-2.0-only
/* IOMMU_TEST_CMD, the ioctl of the test ABI, and failures on demand. */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/fault-inject.h>
#include <linux/overflow.h>

#include "../ctx.h"
#include "../ioas.h"
#include "../iopt_reserve.h"
#include "../pages_pin.h"
#include "mock.h"

static DECLARE_FAULT_ATTR(fail_iommufd);
static struct dentry *fail_dir;

/* What the test ABI reckons for a page in a batch: an address and a count. */
#define BATCH_ELEMENT (sizeof(unsigned long) + sizeof(u32))

/* Reservations the tests make go with their IOAS, which is their owner. */
static int add_reserved(struct ucmd *ucmd)
{
	struct iommu_test_cmd *cmd = ucmd->cmd;
	unsigned long start = cmd->add_reserved.start, last;
	struct io_pagetable *iopt;
	struct object *obj;
	int rc;

	if (!cmd->add_reserved.length)
		return -EINVAL;
	if (check_add_overflow(start, cmd->add_reserved.length - 1, &last))
		return -EOVERFLOW;
	obj = object_pin(ucmd->ictx, cmd->id, OBJECT_IOAS);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	iopt = &to_ioas(obj)->iopt;
	rc = iopt_reserve(iopt, iopt, start, last);
	object_unpin(ucmd->ictx, obj);
	return rc;
}

/**
 * mock_unreserve - give back what IOMMU_TEST_OP_ADD_RESERVED took
 * @iopt: of an IOAS that is being destroyed
 */
void mock_unreserve(struct io_pagetable *iopt)
{
	iopt_unreserve(iopt, iopt);
}

static int set_memory_limit(struct iommu_test_cmd *cmd)
{
	if (cmd->memory_limit.limit < BATCH_ELEMENT)
		return -EINVAL;
	pages_test_batch = cmd->memory_limit.limit / BATCH_ELEMENT;
	return 0;
}

/**
 * mock_ioctl - IOMMU_TEST_CMD
 * @ucmd: the ioctl
 *
 * Return: that of the operation; -EOPNOTSUPP for one that is not known or comes
 * with a feature that is not there.
 */
int mock_ioctl(struct ucmd *ucmd)
{
	struct iommu_test_cmd *cmd = ucmd->cmd;

	switch (cmd->op) {
	case IOMMU_TEST_OP_ADD_RESERVED:
		return add_reserved(ucmd);
	case IOMMU_TEST_OP_MOCK_DOMAIN:
	case IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS:
		return mock_device_create_ioctl(ucmd);
	case IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE:
		return mock_device_replace_ioctl(ucmd);
	case IOMMU_TEST_OP_MD_CHECK_MAP:
		return mock_check_map_ioctl(ucmd);
	case IOMMU_TEST_OP_MD_CHECK_REFS:
		return mock_check_refs_ioctl(ucmd);
	case IOMMU_TEST_OP_CREATE_ACCESS:
		return mock_access_create_ioctl(ucmd);
	case IOMMU_TEST_OP_DESTROY_ACCESS_PAGES:
		return mock_access_unpin_ioctl(ucmd);
	case IOMMU_TEST_OP_ACCESS_PAGES:
		return mock_access_pin_ioctl(ucmd);
	case IOMMU_TEST_OP_ACCESS_RW:
		return mock_access_rw_ioctl(ucmd);
	case IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT:
		return set_memory_limit(cmd);
	case IOMMU_TEST_OP_ACCESS_REPLACE_IOAS:
		return mock_access_replace_ioctl(ucmd);
	case IOMMU_TEST_OP_DEV_CHECK_CACHE:
		return mock_device_check_cache_ioctl(ucmd);
	default:
		return -EOPNOTSUPP;
	}
}

/**
 * mock_should_fail - has a test asked for a failure here?
 *
 * Return: true if the caller should behave as if memory were short; never on
 * kernels without fault injection.
 */
bool mock_should_fail(void)
{
	return should_fail(&fail_iommufd, 1);
}

/**
 * mock_init - once, when the module is loaded
 *
 * Return: 0, or the errors of mock_iommu_init().
 */
int mock_init(void)
{
	int rc = mock_iommu_init();

	/* An error is no reason to fail: debugfs may be off. */
	if (!rc)
		fail_dir = fault_create_debugfs_attr("fail_iommufd", NULL,
						     &fail_iommufd);
	return rc;
}

/**
 * mock_exit - undo mock_init()
 */
void mock_exit(void)
{
	debugfs_remove(fail_dir);
	mock_iommu_exit();
}

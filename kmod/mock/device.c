// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mock devices. The test ABI makes one, binds it and attaches it in one go, and
 * calls the whole a stdev; IOMMU_DESTROY on that takes it apart.
 */
#include <linux/err.h>
#include <linux/slab.h>

#include "../ctx.h"
#include "../device.h"
#include "../object.h"
#include "mock.h"

#define DEVICE_FLAGS (MOCK_FLAGS_DEVICE_NO_DIRTY | MOCK_FLAGS_DEVICE_PASID)

/**
 * struct stdev - a mock device that is bound and attached
 * @obj: the object
 * @mdev: the device; owned
 * @idev: what it is bound as, by us as its driver
 */
struct stdev {
	struct object obj;
	struct mock_device *mdev;
	struct iommufd_device *idev;
};

static struct stdev *to_stdev(struct object *obj)
{
	return container_of(obj, struct stdev, obj);
}

static void release_device(struct device *dev)
{
	struct mock_device *mdev = to_mock_device(dev);

	mock_iommu_forget(mdev);
	kfree(mdev);
}

static struct mock_device *create_device(u32 flags)
{
	struct mock_device *mdev;
	unsigned int i;
	int rc;

	if (flags & ~DEVICE_FLAGS)
		return ERR_PTR(-EINVAL);
	mdev = kzalloc(sizeof(*mdev), GFP_KERNEL);
	if (!mdev)
		return ERR_PTR(-ENOMEM);
	device_initialize(&mdev->pdev.dev);
	mdev->pdev.dev.release = release_device;
	mdev->pdev.name = "iommufd-mock";
	mdev->pdev.id = PLATFORM_DEVID_AUTO;
	mdev->flags = flags;
	for (i = 0; i < MOCK_DEV_CACHE_NUM; i++)
		mdev->cache[i] = IOMMU_TEST_DEV_CACHE_DEFAULT;

	rc = mock_iommu_add(mdev);
	if (rc) {
		put_device(&mdev->pdev.dev);
		return ERR_PTR(rc);
	}
	return mdev;
}

static void stdev_destroy(struct object *obj)
{
	struct stdev *stdev = to_stdev(obj);

	idev_detach(stdev->idev);
	idev_unbind(stdev->idev);
	platform_device_unregister(&stdev->mdev->pdev);
}

static int bind_and_attach(struct iommufd_ctx *ictx, struct stdev *stdev,
			   u32 *pt_id)
{
	int rc;

	stdev->idev = idev_bind(ictx, &stdev->mdev->pdev.dev);
	if (IS_ERR(stdev->idev))
		return PTR_ERR(stdev->idev);
	rc = idev_attach(stdev->idev, pt_id);
	if (rc)
		idev_unbind(stdev->idev);
	return rc;
}

/**
 * mock_device_create_ioctl - IOMMU_TEST_OP_MOCK_DOMAIN and _FLAGS
 * @ucmd: the ioctl; its id is an IOAS or a HWPT
 *
 * Return: 0; -EINVAL for unknown device flags; -ENOMEM; the errors of the
 * driver core, idev_bind() and idev_attach(); -EFAULT.
 */
int mock_device_create_ioctl(struct ucmd *ucmd)
{
	struct iommu_test_cmd *cmd = ucmd->cmd;
	u32 pt_id = cmd->id, flags = 0;
	struct stdev *stdev;
	int rc;

	if (cmd->op == IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS)
		flags = cmd->mock_domain_flags.dev_flags;
	stdev = kzalloc(sizeof(*stdev), GFP_KERNEL_ACCOUNT);
	if (!stdev)
		return -ENOMEM;
	rc = object_create(ucmd->ictx, &stdev->obj, OBJECT_STDEV,
			   stdev_destroy);
	if (rc) {
		kfree(stdev);
		return rc;
	}
	stdev->mdev = create_device(flags);
	if (IS_ERR(stdev->mdev)) {
		rc = PTR_ERR(stdev->mdev);
		goto abort;
	}
	rc = bind_and_attach(ucmd->ictx, stdev, &pt_id);
	if (rc)
		goto unregister;

	cmd->mock_domain.out_stdev_id = stdev->obj.id;
	cmd->mock_domain.out_hwpt_id = pt_id;
	cmd->mock_domain.out_idev_id = stdev->idev->obj.id;
	rc = ucmd_respond(ucmd, sizeof(*cmd));
	if (rc)
		goto destroy;
	object_publish(ucmd->ictx, &stdev->obj);
	return 0;

destroy:
	stdev_destroy(&stdev->obj);
	goto abort;
unregister:
	platform_device_unregister(&stdev->mdev->pdev);
abort:
	object_abort(ucmd->ictx, &stdev->obj);
	return rc;
}

/**
 * mock_device_replace_ioctl - IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE
 * @ucmd: the ioctl; its id is a stdev
 *
 * Return: 0; -ENOENT; the errors of idev_replace(); -EFAULT, which
 * leaves the device where it went.
 */
int mock_device_replace_ioctl(struct ucmd *ucmd)
{
	struct iommu_test_cmd *cmd = ucmd->cmd;
	struct object *obj;
	int rc;

	obj = object_pin(ucmd->ictx, cmd->id, OBJECT_STDEV);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	rc = idev_replace(to_stdev(obj)->idev,
			  &cmd->mock_domain_replace.pt_id);
	object_unpin(ucmd->ictx, obj);
	return rc ?: ucmd_respond(ucmd, sizeof(*cmd));
}

/**
 * mock_device_check_cache_ioctl - IOMMU_TEST_OP_DEV_CHECK_CACHE
 * @ucmd: the ioctl; its id is a bound device
 *
 * Return: 0; -ENOENT; -EINVAL if it is no mock device, has no such entry, or
 * the entry is another.
 */
int mock_device_check_cache_ioctl(struct ucmd *ucmd)
{
	struct iommu_test_cmd *cmd = ucmd->cmd;
	struct device *dev;
	struct object *obj;
	int rc = 0;

	obj = object_pin(ucmd->ictx, cmd->id, OBJECT_DEVICE);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	dev = to_device(obj)->dev;
	if (dev->release != release_device ||
	    cmd->check_dev_cache.id >= MOCK_DEV_CACHE_NUM ||
	    to_mock_device(dev)->cache[cmd->check_dev_cache.id] !=
	    cmd->check_dev_cache.cache)
		rc = -EINVAL;
	object_unpin(ucmd->ictx, obj);
	return rc;
}

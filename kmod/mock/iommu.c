// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mock IOMMU as a driver of the IOMMU core. Stock kernels know no bus of
 * its own for it: mock devices are platform devices whose firmware, a software
 * node, says that they are behind this IOMMU.
 */
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/irqdomain.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/property.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#include "../compat/mock.h"
#include "mock.h"

static struct iommu_device mock_iommu;
static struct fwnode_handle *pasid_node;

/* Looked at for its flag only: what a mock device writes raises no interrupt. */
static struct irq_domain isolated_msi = {
	.flags = IRQ_DOMAIN_FLAG_ISOLATED_MSI,
};

static bool mock_capable(struct device *dev, enum iommu_cap cap)
{
	switch (cap) {
	case IOMMU_CAP_CACHE_COHERENCY:
		return true;
	case IOMMU_CAP_DIRTY_TRACKING:
		return !(to_mock_device(dev)->flags &
			 MOCK_FLAGS_DEVICE_NO_DIRTY);
	default:
		return false;
	}
}

static void *mock_hw_info(struct device *dev, u32 *length,
			  compat_mock_hw_info_type *type)
{
	struct iommu_test_hw_info *info;

	/* IOMMU_HW_INFO_TYPE_DEFAULT, which older headers do not have. */
	if (*type != 0 && *type != IOMMU_HW_INFO_TYPE_SELFTEST)
		return ERR_PTR(-EOPNOTSUPP);
	info = kzalloc(sizeof(*info), GFP_KERNEL);
	if (!info)
		return ERR_PTR(-ENOMEM);
	info->test_reg = IOMMU_HW_INFO_SELFTEST_REGVAL;
	*length = sizeof(*info);
	*type = IOMMU_HW_INFO_TYPE_SELFTEST;
	return info;
}

static struct iommu_device *mock_probe_device(struct device *dev)
{
	return &mock_iommu;
}

static const struct iommu_domain_ops mock_blocking_ops = {
	.attach_dev = compat_mock_domain_attach,
};

static struct iommu_domain mock_blocking_domain = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &mock_blocking_ops,
};

static const struct iommu_ops mock_iommu_ops = {
	.owner = THIS_MODULE,
	.capable = mock_capable,
	.hw_info = mock_hw_info,
	COMPAT_MOCK_DOMAIN_ALLOC,
	.probe_device = mock_probe_device,
	.device_group = generic_device_group,
	.default_domain = &mock_blocking_domain,
	.blocked_domain = &mock_blocking_domain,
};

/*
 * What iommu_fwspec_init() does, which wants a lock that modules cannot take.
 * There is no need for it: nobody else knows the device yet.
 */
static int name_iommu(struct device *dev)
{
	struct iommu_fwspec *fwspec;

	dev->iommu = kzalloc(sizeof(*dev->iommu), GFP_KERNEL);
	if (!dev->iommu)
		return -ENOMEM;
	mutex_init(&dev->iommu->lock);
	fwspec = kzalloc(sizeof(*fwspec), GFP_KERNEL);
	if (!fwspec)
		return -ENOMEM;
	fwspec->iommu_fwnode = fwnode_handle_get(mock_iommu.fwnode);
	dev->iommu->fwspec = fwspec;
	return 0;
}

/**
 * mock_iommu_add - put a device behind the mock IOMMU and plug it in
 * @mdev: initialised
 *
 * Return: 0; -ENOMEM; an error of the driver core.
 */
int mock_iommu_add(struct mock_device *mdev)
{
	struct device *dev = &mdev->pdev.dev;
	int rc;

	dev_set_msi_domain(dev, &isolated_msi);
	if (mdev->flags & MOCK_FLAGS_DEVICE_PASID)
		device_set_node(dev, pasid_node);
	/* The IOMMU core looks for this as soon as the device is there. */
	rc = name_iommu(dev);
	return rc ?: platform_device_add(&mdev->pdev);
}

/**
 * mock_iommu_forget - free what the IOMMU core left at a device
 * @mdev: about to be freed
 *
 * The core does so itself for devices that it has seen.
 */
void mock_iommu_forget(struct mock_device *mdev)
{
	struct device *dev = &mdev->pdev.dev;
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(dev);

	if (fwspec) {
		fwnode_handle_put(fwspec->iommu_fwnode);
		kfree(fwspec);
	}
	kfree(dev->iommu);
}

/**
 * mock_iommu_init - once, when the module is loaded
 *
 * Return: 0, or an error of the driver core or the IOMMU core.
 */
int mock_iommu_init(void)
{
	const struct property_entry properties[] = {
		PROPERTY_ENTRY_U32("pasid-num-bits", MOCK_PASID_WIDTH),
		{}
	};
	int rc;

	pasid_node = fwnode_create_software_node(properties, NULL);
	if (IS_ERR(pasid_node))
		return PTR_ERR(pasid_node);
	/* An IOMMU without a node would be asked about every device there is. */
	mock_iommu.fwnode = fwnode_create_software_node(NULL, NULL);
	if (IS_ERR(mock_iommu.fwnode)) {
		rc = PTR_ERR(mock_iommu.fwnode);
		goto remove_pasid_node;
	}
	mock_iommu.max_pasids = BIT(MOCK_PASID_WIDTH);
	rc = iommu_device_sysfs_add(&mock_iommu, NULL, NULL, "iommufd-mock");
	if (rc)
		goto remove_node;
	rc = iommu_device_register(&mock_iommu, &mock_iommu_ops, NULL);
	if (rc)
		goto remove_sysfs;
	return 0;

remove_sysfs:
	iommu_device_sysfs_remove(&mock_iommu);
remove_node:
	fwnode_remove_software_node(mock_iommu.fwnode);
remove_pasid_node:
	fwnode_remove_software_node(pasid_node);
	return rc;
}

/**
 * mock_iommu_exit - undo mock_iommu_init()
 *
 * Each mock device has held the module: none is left.
 */
void mock_iommu_exit(void)
{
	iommu_device_unregister(&mock_iommu);
	iommu_device_sysfs_remove(&mock_iommu);
	fwnode_remove_software_node(mock_iommu.fwnode);
	fwnode_remove_software_node(pasid_node);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU groups: what is attached to a domain. Devices the IOMMU cannot tell
 * apart move together.
 */
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "ctx.h"
#include "device.h"
#include "group.h"
#include "hwpt.h"
#include "ioas.h"
#include "iopt_reserve.h"

/**
 * group_get - the group of a device about to be bound
 * @ictx: the context
 * @dev: the device
 *
 * Return: the group, counting the device; ERR_PTR(-ENODEV) if the device has
 * no IOMMU, ERR_PTR(-ENOMEM).
 */
struct device_group *group_get(struct iommufd_ctx *ictx, struct device *dev)
{
	struct device_group *group;
	struct iommu_group *iommu_group = iommu_group_get(dev);

	if (!iommu_group)
		return ERR_PTR(-ENODEV);

	mutex_lock(&ictx->groups_lock);
	list_for_each_entry(group, &ictx->groups, entry)
		if (group->group == iommu_group) {
			iommu_group_put(iommu_group);
			group->devices++;
			goto unlock;
		}

	group = kzalloc(sizeof(*group), GFP_KERNEL_ACCOUNT);
	if (!group) {
		iommu_group_put(iommu_group);
		group = ERR_PTR(-ENOMEM);
		goto unlock;
	}
	group->group = iommu_group;
	group->devices = 1;
	group->sw_msi = PHYS_ADDR_MAX;
	mutex_init(&group->lock);
	INIT_LIST_HEAD(&group->attached);
	list_add(&group->entry, &ictx->groups);
unlock:
	mutex_unlock(&ictx->groups_lock);
	return group;
}

/**
 * group_put - a device is bound no longer
 * @ictx: the context
 * @group: freed with its last device
 */
void group_put(struct iommufd_ctx *ictx, struct device_group *group)
{
	mutex_lock(&ictx->groups_lock);
	if (!--group->devices) {
		WARN_ON(group->hwpt);
		list_del(&group->entry);
		iommu_group_put(group->group);
		mutex_destroy(&group->lock);
		kfree(group);
	}
	mutex_unlock(&ictx->groups_lock);
}

/*
 * Keep user mappings off the addresses a device uses otherwise.
 *
 * IOMMU drivers leave out of the list what they have no memory for, and do not
 * say so. Those of x86 put the window for MSIs of a PCI device behind the rest:
 * where it is missing, more may be.
 */
static int reserve_device(struct device_group *group, struct ioas *ioas,
			  struct device *dev)
{
	bool complete = !IS_ENABLED(CONFIG_X86) || !dev_is_pci(dev);
	struct iommu_resv_region *region;
	LIST_HEAD(regions);
	int rc = 0;

	iommu_get_resv_regions(dev, &regions);
	list_for_each_entry(region, &regions, list) {
		if (region->type == IOMMU_RESV_MSI ||
		    region->type == IOMMU_RESV_SW_MSI)
			complete = true;
		if (region->type == IOMMU_RESV_DIRECT_RELAXABLE)
			continue;
		if (region->type == IOMMU_RESV_SW_MSI)
			group->sw_msi = region->start;
		rc = iopt_reserve(&ioas->iopt, dev, region->start,
				  region->start + region->length - 1);
		if (rc)
			break;
	}
	iommu_put_resv_regions(dev, &regions);
	if (!rc && !complete)
		rc = -ENOMEM;
	if (rc)
		iopt_unreserve(&ioas->iopt, dev);
	return rc;
}

static void unreserve_all(struct device_group *group, struct ioas *ioas)
{
	struct iommufd_device *idev;

	list_for_each_entry(idev, &group->attached, group_entry)
		iopt_unreserve(&ioas->iopt, idev->dev);
}

static int reserve_all(struct device_group *group, struct ioas *ioas)
{
	struct iommufd_device *idev;
	int rc;

	list_for_each_entry(idev, &group->attached, group_entry) {
		rc = reserve_device(group, ioas, idev->dev);
		if (rc) {
			unreserve_all(group, ioas);
			return rc;
		}
	}
	return 0;
}

/* A domain takes one MSI cookie, for all its devices. */
static int setup_msi(struct device_group *group, struct hwpt *hwpt)
{
	int rc;

	lockdep_assert_held(&hwpt->ioas->attach_lock);
	if (group->sw_msi == PHYS_ADDR_MAX || hwpt->msi_cookie)
		return 0;
	rc = iommu_get_msi_cookie(hwpt->domain, group->sw_msi);
	hwpt->msi_cookie = !rc;
	return rc;
}

/*
 * Attach or move the group. An attachment has a handle of its own, for the IOMMU
 * core may look at the one before until it is gone.
 */
static int set_domain(struct device_group *group, struct hwpt *hwpt)
{
	struct iommu_attach_handle *handle;
	int rc;

	rc = setup_msi(group, hwpt);
	if (rc)
		return rc;
	handle = kzalloc(sizeof(*handle), GFP_KERNEL_ACCOUNT);
	if (!handle)
		return -ENOMEM;
	if (group->hwpt)
		rc = iommu_replace_group_handle(group->group, hwpt->domain,
						handle);
	else
		rc = iommu_attach_group_handle(hwpt->domain, group->group,
					       handle);
	if (rc) {
		kfree(handle);
		return rc;
	}
	kfree(group->handle);
	group->handle = handle;
	object_use(&hwpt->obj);
	group->hwpt = hwpt;
	return 0;
}

/**
 * group_attach - a device of the group wants to translate through a domain
 * @group: locked by the caller
 * @idev: the device, not attached
 * @hwpt: used by the caller
 *
 * Context: hwpt->ioas->attach_lock is held.
 * Return: 0; -EINVAL if the group is attached to another one or does not suit
 * the domain; -EADDRINUSE if addresses the device needs are mapped; -ENOMEM;
 * errors of the IOMMU driver.
 */
int group_attach(struct device_group *group, struct iommufd_device *idev,
		 struct hwpt *hwpt)
{
	int rc;

	lockdep_assert_held(&group->lock);
	if (group->hwpt && group->hwpt != hwpt)
		return -EINVAL;
	rc = reserve_device(group, hwpt->ioas, idev->dev);
	if (rc)
		return rc;
	if (!group->hwpt)
		rc = set_domain(group, hwpt);
	if (rc)
		iopt_unreserve(&hwpt->ioas->iopt, idev->dev);
	else
		list_add_tail(&idev->group_entry, &group->attached);
	return rc;
}

/**
 * group_replace - move the group to another domain without a gap
 * @group: attached, locked by the caller
 * @hwpt: used by the caller; may be the same
 * @old: out: what it was attached to, for hwpt_unuse() without the lock
 *
 * Context: hwpt->ioas->attach_lock is held.
 * Return: as group_attach(); after a failure the group is where it was.
 */
int group_replace(struct device_group *group, struct hwpt *hwpt,
		  struct hwpt **old)
{
	struct hwpt *from = group->hwpt;
	bool other_ioas = hwpt->ioas != from->ioas;
	int rc = 0;

	lockdep_assert_held(&group->lock);
	if (hwpt == from)
		return 0;
	if (other_ioas)
		rc = reserve_all(group, hwpt->ioas);
	if (rc)
		return rc;
	rc = set_domain(group, hwpt);
	if (rc) {
		if (other_ioas)
			unreserve_all(group, hwpt->ioas);
		return rc;
	}

	*old = from;
	if (other_ioas)
		unreserve_all(group, from->ioas);
	return 0;
}

/**
 * group_detach - a device of the group wants no translation any more
 * @group: locked by the caller; without the last one all DMA is blocked
 * @idev: the device, attached
 *
 * Return: what the group was attached to, for hwpt_unuse() without the lock,
 * or NULL while other devices are.
 */
struct hwpt *group_detach(struct device_group *group,
			  struct iommufd_device *idev)
{
	struct hwpt *hwpt = group->hwpt;

	lockdep_assert_held(&group->lock);
	list_del_init(&idev->group_entry);
	if (list_empty(&group->attached)) {
		iommu_detach_group_handle(hwpt->domain, group->group);
		kfree(group->handle);
		group->handle = NULL;
		group->hwpt = NULL;
	}
	iopt_unreserve(&hwpt->ioas->iopt, idev->dev);
	return group->hwpt ? NULL : hwpt;
}

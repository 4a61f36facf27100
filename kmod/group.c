// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU groups: what is attached to a domain. Devices the IOMMU cannot tell
 * apart move together.
 */
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "ctx.h"
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
	mutex_init(&group->lock);
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

/* Keep user mappings off the addresses the devices use otherwise. */
static int reserve_regions(struct device_group *group, struct hwpt *hwpt)
{
	struct iommu_resv_region *region, *next;
	LIST_HEAD(regions);
	int rc;

	group->sw_msi = PHYS_ADDR_MAX;
	rc = iommu_get_group_resv_regions(group->group, &regions);
	list_for_each_entry_safe(region, next, &regions, list) {
		if (region->type == IOMMU_RESV_SW_MSI)
			group->sw_msi = region->start;
		if (!rc && region->type != IOMMU_RESV_DIRECT_RELAXABLE)
			rc = iopt_reserve(&hwpt->ioas->iopt, group,
					  region->start,
					  region->start + region->length - 1);
		list_del(&region->list);
		kfree(region);
	}
	if (rc)
		iopt_unreserve(&hwpt->ioas->iopt, group);
	return rc;
}

/* A domain takes one MSI cookie, for all its devices. */
static int setup_msi(struct device_group *group, struct hwpt *hwpt)
{
	int rc;

	if (group->sw_msi == PHYS_ADDR_MAX || hwpt->msi_cookie)
		return 0;
	rc = iommu_get_msi_cookie(hwpt->domain, group->sw_msi);
	hwpt->msi_cookie = !rc;
	return rc;
}

static int attach_first(struct device_group *group, struct hwpt *hwpt)
{
	int rc;

	if (!object_use(&hwpt->obj))
		return -ENOENT;
	rc = reserve_regions(group, hwpt);
	if (rc)
		goto unuse;
	rc = setup_msi(group, hwpt);
	if (!rc)
		rc = iommu_attach_group(hwpt->domain, group->group);
	if (rc)
		goto unreserve;
	group->hwpt = hwpt;
	return 0;

unreserve:
	iopt_unreserve(&hwpt->ioas->iopt, group);
unuse:
	object_unuse(&hwpt->obj);
	return rc;
}

/**
 * group_attach - a device of the group wants to translate through a domain
 * @group: locked by the caller
 * @hwpt: pinned or used by the caller
 *
 * Return: 0; -EINVAL if the group is attached to another one or does not suit
 * the domain; -EADDRINUSE if addresses the devices need are mapped; -ENOENT if
 * the HWPT is being destroyed; -ENOMEM; errors of the IOMMU driver.
 */
int group_attach(struct device_group *group, struct hwpt *hwpt)
{
	int rc = 0;

	lockdep_assert_held(&group->lock);
	if (group->hwpt && group->hwpt != hwpt)
		return -EINVAL;
	if (!group->hwpt)
		rc = attach_first(group, hwpt);
	if (!rc)
		group->attached++;
	return rc;
}

/**
 * group_replace - move the group to another domain without a gap
 * @group: attached, locked by the caller
 * @hwpt: pinned or used by the caller
 * @old: out: what it was attached to, for hwpt_unuse() without the lock
 *
 * Return: as group_attach(); after a failure the group is where it was.
 */
int group_replace(struct device_group *group, struct hwpt *hwpt,
		  struct hwpt **old)
{
	bool other_ioas = hwpt->ioas != group->hwpt->ioas;
	int rc;

	lockdep_assert_held(&group->lock);
	if (!object_use(&hwpt->obj))
		return -ENOENT;
	if (other_ioas) {
		rc = reserve_regions(group, hwpt);
		if (rc)
			goto unuse;
	}
	rc = setup_msi(group, hwpt);
	if (!rc)
		rc = iommu_group_replace_domain(group->group, hwpt->domain);
	if (rc)
		goto unreserve;

	*old = group->hwpt;
	group->hwpt = hwpt;
	if (other_ioas)
		iopt_unreserve(&(*old)->ioas->iopt, group);
	return 0;

unreserve:
	if (other_ioas)
		iopt_unreserve(&hwpt->ioas->iopt, group);
unuse:
	object_unuse(&hwpt->obj);
	return rc;
}

/**
 * group_detach - a device of the group wants no translation any more
 * @group: attached, locked by the caller; without the last one all DMA is
 *	blocked
 *
 * Return: what the group was attached to, for hwpt_unuse() without the lock,
 * or NULL while other devices are.
 */
struct hwpt *group_detach(struct device_group *group)
{
	struct hwpt *hwpt = group->hwpt;

	lockdep_assert_held(&group->lock);
	if (--group->attached)
		return NULL;
	iommu_detach_group(hwpt->domain, group->group);
	iopt_unreserve(&hwpt->ioas->iopt, group);
	group->hwpt = NULL;
	return hwpt;
}

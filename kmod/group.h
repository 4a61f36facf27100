/* SPDX-License-Identifier: GPL-2.0-only */
/* IOMMU groups: what is attached to a domain. */
#ifndef IOMMUFD_GROUP_H
#define IOMMUFD_GROUP_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct device;
struct hwpt;
struct iommu_attach_handle;
struct iommu_group;
struct iommufd_ctx;
struct iommufd_device;

/**
 * struct device_group - an IOMMU group with devices bound to a context
 * @entry: in ictx->groups
 * @group: the IOMMU group; a reference is held
 * @devices: bound devices, under ictx->groups_lock
 * @lock: for what follows
 * @hwpt: what the group is attached to and uses, or NULL
 * @handle: by which the IOMMU core knows the attachment, or NULL
 * @attached: struct iommufd_device that asked for it
 * @sw_msi: where the IOMMU driver wants MSI addresses, or PHYS_ADDR_MAX
 */
struct device_group {
	struct list_head entry;
	struct iommu_group *group;
	unsigned int devices;
	struct mutex lock;	/* see above */
	struct hwpt *hwpt;
	struct iommu_attach_handle *handle;
	struct list_head attached;
	phys_addr_t sw_msi;
};

struct device_group *group_get(struct iommufd_ctx *ictx, struct device *dev);
void group_put(struct iommufd_ctx *ictx, struct device_group *group);

int group_attach(struct device_group *group, struct iommufd_device *idev,
		 struct hwpt *hwpt);
int group_replace(struct device_group *group, struct hwpt *hwpt,
		  struct hwpt **old);
struct hwpt *group_detach(struct device_group *group,
			  struct iommufd_device *idev);

#endif

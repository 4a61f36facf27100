/* SPDX-License-Identifier: GPL-2.0-only */
/* Devices bound to a context, and the IOMMU groups they are in. */
#ifndef IOMMUFD_DEVICE_H
#define IOMMUFD_DEVICE_H

#include <linux/list.h>
#include <linux/types.h>

#include "object.h"

struct device;
struct device_group;
struct iommufd_ctx;
struct ucmd;

/**
 * struct iommufd_device - a device bound to a context
 * @obj: the object; its one user is the driver, until it unbinds
 * @ictx: the context; iommufd_device_bind() holds a reference
 * @dev: the device, ours for DMA
 * @group: its IOMMU group
 * @group_entry: in group->attached, or empty; under group->lock
 * @coherent: translations for it must not let it bypass cache coherency
 */
struct iommufd_device {
	struct object obj;
	struct iommufd_ctx *ictx;
	struct device *dev;
	struct device_group *group;
	struct list_head group_entry;
	bool coherent;
};

static inline struct iommufd_device *to_device(struct object *obj)
{
	return container_of(obj, struct iommufd_device, obj);
}

struct iommufd_device *idev_bind(struct iommufd_ctx *ictx, struct device *dev);
void idev_unbind(struct iommufd_device *idev);
int idev_attach(struct iommufd_device *idev, u32 *pt_id);
int idev_replace(struct iommufd_device *idev, u32 *pt_id);
void idev_detach(struct iommufd_device *idev);
int device_hw_info_ioctl(struct ucmd *ucmd);

#endif

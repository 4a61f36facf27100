// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel API to attach devices, as drivers see it: since 6.15 with a PASID,
 * of which none but "no PASID" is supported.
 */
#include <linux/iommufd.h>
#include <linux/module.h>
#include <linux/version.h>

#include "../device.h"

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
int iommufd_device_attach(struct iommufd_device *idev, u32 *pt_id)
{
	return idev_attach(idev, pt_id);
}
EXPORT_SYMBOL_GPL(iommufd_device_attach);

int iommufd_device_replace(struct iommufd_device *idev, u32 *pt_id)
{
	return idev_replace(idev, pt_id);
}
EXPORT_SYMBOL_GPL(iommufd_device_replace);

void iommufd_device_detach(struct iommufd_device *idev)
{
	idev_detach(idev);
}
EXPORT_SYMBOL_GPL(iommufd_device_detach);
#else
int iommufd_device_attach(struct iommufd_device *idev, ioasid_t pasid,
			  u32 *pt_id)
{
	if (pasid != IOMMU_NO_PASID)
		return -EOPNOTSUPP;
	return idev_attach(idev, pt_id);
}
EXPORT_SYMBOL_GPL(iommufd_device_attach);

int iommufd_device_replace(struct iommufd_device *idev, ioasid_t pasid,
			   u32 *pt_id)
{
	if (pasid != IOMMU_NO_PASID)
		return -EOPNOTSUPP;
	return idev_replace(idev, pt_id);
}
EXPORT_SYMBOL_GPL(iommufd_device_replace);

void iommufd_device_detach(struct iommufd_device *idev, ioasid_t pasid)
{
	if (!WARN_ON(pasid != IOMMU_NO_PASID))
		idev_detach(idev);
}
EXPORT_SYMBOL_GPL(iommufd_device_detach);
#endif

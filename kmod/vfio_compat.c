// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VFIO type1 ABI on /dev/iommu. Not there yet: VFIO links against these,
 * and is told that a context cannot stand in for a container.
 */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/iommufd.h>

/**
 * iommufd_vfio_compat_ioas_get_id - the IOAS of the type1 ABI
 * @ictx: the context
 * @out_ioas_id: object id
 *
 * Return: -ENODEV: there is none.
 */
int iommufd_vfio_compat_ioas_get_id(struct iommufd_ctx *ictx, u32 *out_ioas_id)
{
	return -ENODEV;
}
EXPORT_SYMBOL_GPL(iommufd_vfio_compat_ioas_get_id);

/**
 * iommufd_vfio_compat_ioas_create - use the context as a VFIO container
 * @ictx: the context
 *
 * Return: -EOPNOTSUPP.
 */
int iommufd_vfio_compat_ioas_create(struct iommufd_ctx *ictx)
{
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(iommufd_vfio_compat_ioas_create);

/**
 * iommufd_vfio_compat_set_no_iommu - use the context without an IOMMU
 * @ictx: the context
 *
 * Return: -EOPNOTSUPP.
 */
int iommufd_vfio_compat_set_no_iommu(struct iommufd_ctx *ictx)
{
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(iommufd_vfio_compat_set_no_iommu);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * In-kernel access to an IOAS, which emulated (mdev) devices use. Not there
 * yet: iommufd_access_create() says so, and none of the others can be reached
 * without an access. They exist because VFIO links against them.
 */
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/iommufd.h>

/**
 * iommufd_access_create - would give a driver access to an IOAS
 * @ictx: the context
 * @ops: of the driver
 * @data: for @ops
 * @id: object id
 *
 * Return: ERR_PTR(-EOPNOTSUPP).
 */
struct iommufd_access *
iommufd_access_create(struct iommufd_ctx *ictx,
		      const struct iommufd_access_ops *ops, void *data, u32 *id)
{
	return ERR_PTR(-EOPNOTSUPP);
}
EXPORT_SYMBOL_GPL(iommufd_access_create);

void iommufd_access_destroy(struct iommufd_access *access)
{
	WARN_ON_ONCE(1);
}
EXPORT_SYMBOL_GPL(iommufd_access_destroy);

int iommufd_access_attach(struct iommufd_access *access, u32 ioas_id)
{
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(iommufd_access_attach);

int iommufd_access_replace(struct iommufd_access *access, u32 ioas_id)
{
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(iommufd_access_replace);

void iommufd_access_detach(struct iommufd_access *access)
{
	WARN_ON_ONCE(1);
}
EXPORT_SYMBOL_GPL(iommufd_access_detach);

int iommufd_access_pin_pages(struct iommufd_access *access, unsigned long iova,
			     unsigned long length, struct page **out_pages,
			     unsigned int flags)
{
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(iommufd_access_pin_pages);

void iommufd_access_unpin_pages(struct iommufd_access *access,
				unsigned long iova, unsigned long length)
{
	WARN_ON_ONCE(1);
}
EXPORT_SYMBOL_GPL(iommufd_access_unpin_pages);

int iommufd_access_rw(struct iommufd_access *access, unsigned long iova,
		      void *data, size_t length, unsigned int flags)
{
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(iommufd_access_rw);

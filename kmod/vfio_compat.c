// SPDX-License-Identifier: GPL-2.0-only
/*
 * A context as VFIO container: which IOAS the type1 ABI works on. What it does
 * there is in vfio_type1.c.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/iommufd.h>
#include <uapi/linux/iommufd.h>

#include "ctx.h"
#include "ioas.h"
#include "vfio_compat.h"

/**
 * vfio_compat_init - a context nobody takes for a container yet
 * @compat: to initialise
 */
void vfio_compat_init(struct vfio_compat *compat)
{
	mutex_init(&compat->lock);
}

/**
 * vfio_compat_destroy - let go of the IOAS when the context ends
 * @compat: of the context; no request is left
 */
void vfio_compat_destroy(struct vfio_compat *compat)
{
	if (compat->ioas)
		object_unuse(&compat->ioas->obj);
	mutex_destroy(&compat->lock);
}

/**
 * vfio_compat_pin - the IOAS of the type1 ABI, for a request
 * @ictx: the context
 *
 * Return: the IOAS, which the caller unpins, or ERR_PTR(-ENODEV) if none is set.
 */
struct ioas *vfio_compat_pin(struct iommufd_ctx *ictx)
{
	struct vfio_compat *compat = &ictx->compat;
	struct ioas *ioas = ERR_PTR(-ENODEV);

	mutex_lock(&compat->lock);
	/* It is used, and so it is found. */
	if (compat->ioas)
		ioas = ioas_pin(ictx, compat->ioas->obj.id);
	mutex_unlock(&compat->lock);
	return ioas;
}

static int get_id(struct vfio_compat *compat, u32 *id)
{
	int rc = -ENODEV;

	mutex_lock(&compat->lock);
	if (compat->ioas) {
		*id = compat->ioas->obj.id;
		rc = 0;
	}
	mutex_unlock(&compat->lock);
	return rc;
}

/* The caller uses @ioas, unless NULL, for the context. */
static void replace(struct vfio_compat *compat, struct ioas *ioas)
{
	mutex_lock(&compat->lock);
	swap(compat->ioas, ioas);
	mutex_unlock(&compat->lock);
	if (ioas)
		object_unuse(&ioas->obj);
}

static int set_id(struct iommufd_ctx *ictx, u32 id)
{
	struct ioas *ioas = ioas_use(ictx, id);

	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	replace(&ictx->compat, ioas);
	return 0;
}

/**
 * vfio_ioas_ioctl - IOMMU_VFIO_IOAS
 * @ucmd: the ioctl
 *
 * The IOAS cannot be destroyed while it is set. Requests and devices that have
 * it already stay with it.
 *
 * Return: 0; -EOPNOTSUPP for an unknown operation or nonzero reserved fields;
 * for %IOMMU_VFIO_IOAS_GET -ENODEV if none is set, and -EFAULT; for
 * %IOMMU_VFIO_IOAS_SET -ENOENT if there is no such IOAS.
 */
int vfio_ioas_ioctl(struct ucmd *ucmd)
{
	struct iommu_vfio_ioas *cmd = ucmd->cmd;
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	switch (cmd->op) {
	case IOMMU_VFIO_IOAS_GET:
		rc = get_id(&ucmd->ictx->compat, &cmd->ioas_id);
		return rc ?: ucmd_respond(ucmd, sizeof(*cmd));
	case IOMMU_VFIO_IOAS_SET:
		return set_id(ucmd->ictx, cmd->ioas_id);
	case IOMMU_VFIO_IOAS_CLEAR:
		replace(&ucmd->ictx->compat, NULL);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

/**
 * iommufd_vfio_compat_ioas_get_id - what to attach devices of a container to
 * @ictx: the context
 * @out_ioas_id: object id of the IOAS
 *
 * Return: 0, or -ENODEV if there is none.
 */
int iommufd_vfio_compat_ioas_get_id(struct iommufd_ctx *ictx, u32 *out_ioas_id)
{
	return get_id(&ictx->compat, out_ioas_id);
}
EXPORT_SYMBOL_GPL(iommufd_vfio_compat_ioas_get_id);

/**
 * iommufd_vfio_compat_ioas_create - a group is given the context as container
 * @ictx: the context
 *
 * An IOAS that is set already stays. One made here is like any other: user
 * space learns its id with %IOMMU_VFIO_IOAS_GET.
 *
 * Return: 0; -EINVAL if devices without an IOMMU use the context; -ENOMEM;
 * -EBUSY when all ids are taken.
 */
int iommufd_vfio_compat_ioas_create(struct iommufd_ctx *ictx)
{
	struct vfio_compat *compat = &ictx->compat;
	struct ioas *ioas;
	int rc = 0;

	mutex_lock(&compat->lock);
	if (compat->no_iommu)
		rc = -EINVAL;
	if (rc || compat->ioas)
		goto unlock;
	ioas = ioas_create(ictx);
	if (IS_ERR(ioas)) {
		rc = PTR_ERR(ioas);
		goto unlock;
	}
	/* Before anybody finds it: it cannot be destroyed in between. */
	object_use(&ioas->obj);
	object_publish(ictx, &ioas->obj);
	compat->ioas = ioas;
unlock:
	mutex_unlock(&compat->lock);
	return rc;
}
EXPORT_SYMBOL_GPL(iommufd_vfio_compat_ioas_create);

/**
 * iommufd_vfio_compat_set_no_iommu - a group without an IOMMU is given it
 * @ictx: the context
 *
 * From then on no IOAS is made for a group.
 *
 * Return: 0, or -EINVAL if an IOAS is set: its user expects translation.
 */
int iommufd_vfio_compat_set_no_iommu(struct iommufd_ctx *ictx)
{
	struct vfio_compat *compat = &ictx->compat;
	int rc = 0;

	mutex_lock(&compat->lock);
	if (compat->ioas)
		rc = -EINVAL;
	else
		WRITE_ONCE(compat->no_iommu, true);
	mutex_unlock(&compat->lock);
	return rc;
}
EXPORT_SYMBOL_GPL(iommufd_vfio_compat_set_no_iommu);

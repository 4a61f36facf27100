// SPDX-License-Identifier: GPL-2.0-only
/*
 * A context as VFIO container: which IOAS the type1 ABI works on, and when its
 * mappings go. What the ABI does there is in vfio_type1.c.
 *
 * vfio_iommu_type1 unmaps everything when the last group leaves its container, and
 * programs rely on that. VFIO does not tell iommufd that a group leaves; it drops
 * the reference to the context that it took when the group came. So references are
 * counted, and mappings go with the last one. VFIO takes references for devices
 * that are opened without their group, too, and these cannot be told apart.
 *
 * iommufd_device_bind() and iommufd_access_create() take counted references as
 * well: VFIO lets a group leave iommufd while its devices are open, where it
 * answers -EBUSY with vfio_iommu_type1, and an open device may still do DMA.
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
	mutex_init(&compat->empty_lock);
}

/**
 * vfio_compat_destroy - let go of the IOAS when the context ends
 * @compat: of the context; no request is left
 */
void vfio_compat_destroy(struct vfio_compat *compat)
{
	if (compat->ioas)
		object_unuse(&compat->ioas->obj);
	mutex_destroy(&compat->empty_lock);
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

/* Empty the IOAS if the last user has left it with mappings. */
static int empty_ioas(struct iommufd_ctx *ictx)
{
	struct vfio_compat *compat = &ictx->compat;
	bool left;
	int rc;

	rc = mutex_lock_killable(&compat->empty_lock);
	if (rc)
		return rc;
	mutex_lock(&compat->lock);
	left = compat->use == COMPAT_LEFT;
	mutex_unlock(&compat->lock);
	if (!left)
		goto unlock;

	rc = vfio_type1_empty(ictx, compat->ioas);
	if (rc)
		goto unlock;
	mutex_lock(&compat->lock);
	compat->use = COMPAT_FRESH;
	mutex_unlock(&compat->lock);
unlock:
	mutex_unlock(&compat->empty_lock);
	return rc;
}

/**
 * vfio_compat_join - count a reference that a driver takes to a context of a file
 * @ictx: the context
 *
 * If the last user has left a container, its IOAS is empty when this returns: no
 * mapping made from then on is unmapped because of that user.
 *
 * Return: 0, or -EINTR on a fatal signal, and no reference is counted then.
 */
int vfio_compat_join(struct iommufd_ctx *ictx)
{
	int rc;

	vfio_compat_get(ictx);
	rc = empty_ioas(ictx);
	if (rc)
		vfio_compat_put(ictx);
	return rc;
}

/**
 * vfio_compat_get - count another reference of a driver
 * @ictx: the context; the driver has a reference
 */
void vfio_compat_get(struct iommufd_ctx *ictx)
{
	struct vfio_compat *compat = &ictx->compat;

	mutex_lock(&compat->lock);
	compat->users++;
	mutex_unlock(&compat->lock);
}

/**
 * vfio_compat_put - count a reference of a driver no longer
 * @ictx: the context; the caller still has the reference
 *
 * With the last reference everything is unmapped from an IOAS that VFIO created
 * for groups. This may wait for other requests on the IOAS; a fatal signal ends
 * the wait, and leaves the rest to vfio_compat_join() or the end of the context.
 */
void vfio_compat_put(struct iommufd_ctx *ictx)
{
	struct vfio_compat *compat = &ictx->compat;
	bool left;

	mutex_lock(&compat->lock);
	if (!--compat->users && compat->use == COMPAT_GROUPED)
		compat->use = COMPAT_LEFT;
	left = !compat->users && compat->use == COMPAT_LEFT;
	mutex_unlock(&compat->lock);
	if (left)
		empty_ioas(ictx);
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

/*
 * On success the context takes over the caller's use of @ioas, which may be NULL.
 * Under @empty_lock, so that nothing unmaps what user space maps after this.
 */
static int replace(struct vfio_compat *compat, struct ioas *ioas)
{
	int rc;

	rc = mutex_lock_killable(&compat->empty_lock);
	if (rc)
		return rc;
	mutex_lock(&compat->lock);
	swap(compat->ioas, ioas);
	compat->use = COMPAT_KEPT;
	mutex_unlock(&compat->lock);
	mutex_unlock(&compat->empty_lock);
	if (ioas)
		object_unuse(&ioas->obj);
	return 0;
}

static int set_id(struct iommufd_ctx *ictx, u32 id)
{
	struct ioas *ioas = ioas_use(ictx, id);
	int rc;

	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	rc = replace(&ictx->compat, ioas);
	if (rc)
		object_unuse(&ioas->obj);
	return rc;
}

/**
 * vfio_ioas_ioctl - IOMMU_VFIO_IOAS
 * @ucmd: the ioctl
 *
 * The IOAS cannot be destroyed while it is set. Requests and devices that have
 * it already stay with it. One that is set keeps its mappings when groups leave,
 * also if VFIO created it.
 *
 * Return: 0; -EOPNOTSUPP for an unknown operation or nonzero reserved fields;
 * for %IOMMU_VFIO_IOAS_GET -ENODEV if none is set, and -EFAULT; for
 * %IOMMU_VFIO_IOAS_SET -ENOENT if there is no such IOAS; for the others -EINTR on
 * a fatal signal while the IOAS set before is being emptied.
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
		return replace(&ucmd->ictx->compat, NULL);
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
 * @ictx: the context; the caller got a reference with iommufd_ctx_from_file()
 *
 * An IOAS that is set already stays. One made here is like any other: user
 * space learns its id with %IOMMU_VFIO_IOAS_GET. Its mappings go when the last
 * driver drops its reference to the context; the IOAS stays, for the next group.
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
	if (!rc && compat->use == COMPAT_FRESH)
		compat->use = COMPAT_GROUPED;
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
	compat->use = COMPAT_GROUPED;
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

// SPDX-License-Identifier: GPL-2.0-only
/* HWPT objects: a domain of the IOMMU, filled from an IOAS. */
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "compat/uapi.h"
#include "ctx.h"
#include "device.h"
#include "hwpt.h"
#include "ioas.h"

static void hwpt_destroy(struct object *obj)
{
	struct hwpt *hwpt = to_hwpt(obj);

	spin_lock(&hwpt->ioas->hwpts_lock);
	list_del_init(&hwpt->entry);
	spin_unlock(&hwpt->ioas->hwpts_lock);
	hwpt_empty(hwpt);
	iommu_domain_free(hwpt->domain);
	object_unuse(&hwpt->ioas->obj);
}

/*
 * Some IOMMUs can promise coherency only while nothing is mapped, so it is asked
 * for at once.
 */
static int alloc_domain(struct hwpt *hwpt, const struct iommufd_device *idev,
			u32 flags)
{
	hwpt->domain = compat_paging_domain_alloc(idev->dev, flags,
						  &hwpt->attach_first);
	if (IS_ERR(hwpt->domain))
		return PTR_ERR(hwpt->domain);
	if (idev->coherent && !hwpt_enforce_coherency(hwpt)) {
		iommu_domain_free(hwpt->domain);
		return -EINVAL;
	}
	return 0;
}

/**
 * hwpt_create - a domain for the devices of an IOAS
 * @ictx: the context
 * @ioas: pinned by the caller
 * @idev: the first device
 * @flags: IOMMU_HWPT_ALLOC_NEST_PARENT and so on
 *
 * The domain is empty and nobody finds the HWPT: hwpt_fill() comes next, then
 * hwpt_publish() or hwpt_abort().
 *
 * Return: the HWPT, used by the caller; ERR_PTR(-ENOENT) if the IOAS is being
 * destroyed, ERR_PTR(-EINVAL) if it would let the device bypass cache
 * coherency, ERR_PTR(-EOPNOTSUPP) for flags the IOMMU driver does not know or
 * its IOMMU is not up to, ERR_PTR(-ENOMEM), or another error of the driver.
 */
struct hwpt *hwpt_create(struct iommufd_ctx *ictx, struct ioas *ioas,
			 const struct iommufd_device *idev, u32 flags)
{
	struct hwpt *hwpt;
	int rc;

	hwpt = kzalloc(sizeof(*hwpt), GFP_KERNEL_ACCOUNT);
	if (!hwpt)
		return ERR_PTR(-ENOMEM);
	if (!object_use(&ioas->obj)) {
		rc = -ENOENT;
		goto free;
	}
	rc = alloc_domain(hwpt, idev, flags);
	if (rc)
		goto unuse_ioas;
	hwpt->ioas = ioas;
	INIT_LIST_HEAD(&hwpt->entry);

	rc = object_create(ictx, &hwpt->obj, OBJECT_HWPT, hwpt_destroy);
	if (rc)
		goto free_domain;
	object_use(&hwpt->obj);
	return hwpt;

free_domain:
	iommu_domain_free(hwpt->domain);
unuse_ioas:
	object_unuse(&ioas->obj);
free:
	kfree(hwpt);
	return ERR_PTR(rc);
}

/**
 * hwpt_fill - map into the domain what is mapped in the IOAS
 * @hwpt: not filled yet
 *
 * Return: 0, or the error of iopt_add_domain().
 */
int hwpt_fill(struct hwpt *hwpt)
{
	int rc = iopt_add_domain(&hwpt->ioas->iopt, hwpt->domain);

	hwpt->filled = !rc;
	return rc;
}

/**
 * hwpt_empty - unmap from the domain what is mapped in the IOAS
 * @hwpt: no device translates through it; may be empty
 */
void hwpt_empty(struct hwpt *hwpt)
{
	if (hwpt->filled)
		iopt_remove_domain(&hwpt->ioas->iopt, hwpt->domain);
	hwpt->filled = false;
}

/**
 * hwpt_publish - from now on requests and other devices may find it
 * @ictx: the context
 * @hwpt: created, and filled unless a device has to be attached first
 */
void hwpt_publish(struct iommufd_ctx *ictx, struct hwpt *hwpt)
{
	spin_lock(&hwpt->ioas->hwpts_lock);
	list_add_tail(&hwpt->entry, &hwpt->ioas->hwpts);
	spin_unlock(&hwpt->ioas->hwpts_lock);
	object_publish(ictx, &hwpt->obj);
}

/**
 * hwpt_abort - drop a HWPT that was not published
 * @ictx: the context
 * @hwpt: created; attached to nothing
 */
void hwpt_abort(struct iommufd_ctx *ictx, struct hwpt *hwpt)
{
	hwpt_destroy(&hwpt->obj);
	object_abort(ictx, &hwpt->obj);
}

/**
 * hwpt_enforce_coherency - make devices respect cache coherency from now on
 * @hwpt: the HWPT
 *
 * Return: false if the IOMMU cannot, for some only once something is mapped.
 */
bool hwpt_enforce_coherency(struct hwpt *hwpt)
{
	const struct iommu_domain_ops *ops = hwpt->domain->ops;

	if (!hwpt->coherent && ops->enforce_cache_coherency)
		hwpt->coherent = ops->enforce_cache_coherency(hwpt->domain);
	return hwpt->coherent;
}

/**
 * hwpt_next_automatic - walk over what devices attached to an IOAS may share
 * @ioas: pinned
 * @prev: the one before, used by the caller, or NULL
 *
 * Return: the next one, used for the caller, or NULL.
 */
struct hwpt *hwpt_next_automatic(struct ioas *ioas, struct hwpt *prev)
{
	struct hwpt *hwpt = prev ?: list_entry(&ioas->hwpts, struct hwpt, entry);
	bool found = false;

	spin_lock(&ioas->hwpts_lock);
	list_for_each_entry_continue(hwpt, &ioas->hwpts, entry) {
		found = hwpt->automatic && object_use(&hwpt->obj);
		if (found)
			break;
	}
	spin_unlock(&ioas->hwpts_lock);
	return found ? hwpt : NULL;
}

/**
 * hwpt_unuse - depend on a HWPT no longer
 * @ictx: the context
 * @hwpt: used by the caller; ends with its last user if it is automatic
 */
void hwpt_unuse(struct iommufd_ctx *ictx, struct hwpt *hwpt)
{
	if (hwpt->automatic)
		object_destroy_unused(ictx, &hwpt->obj);
	else
		object_unuse(&hwpt->obj);
}

static struct hwpt *create_from(struct iommufd_ctx *ictx,
				const struct iommu_hwpt_alloc *cmd,
				const struct iommufd_device *idev)
{
	const u32 flags = IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_PASID;
	struct object *obj = object_pin(ictx, cmd->pt_id, OBJECT_ANY);
	struct hwpt *hwpt;

	if (IS_ERR(obj))
		return ERR_PTR(-EINVAL);
	if (obj->type != OBJECT_IOAS && obj->type != OBJECT_HWPT)
		hwpt = ERR_PTR(-EINVAL);
	else if (obj->type == OBJECT_HWPT || cmd->data_len ||
		 cmd->flags & ~flags)
		hwpt = ERR_PTR(-EOPNOTSUPP);
	else
		hwpt = hwpt_create(ictx, to_ioas(obj), idev, cmd->flags);
	object_unpin(ictx, obj);
	return hwpt;
}

/*
 * Filling can take for ever, and the driver of the device must not wait so long
 * to unbind it: the HWPT keeps the IOAS, and needs the device no more.
 */
static struct hwpt *create_for_user(struct iommufd_ctx *ictx,
				    const struct iommu_hwpt_alloc *cmd)
{
	struct object *obj = object_pin(ictx, cmd->dev_id, OBJECT_DEVICE);
	struct hwpt *hwpt;

	if (IS_ERR(obj))
		return ERR_CAST(obj);
	hwpt = create_from(ictx, cmd, to_device(obj));
	object_unpin(ictx, obj);
	return hwpt;
}

/**
 * hwpt_alloc_ioctl - IOMMU_HWPT_ALLOC
 * @ucmd: the ioctl
 *
 * The HWPT follows its IOAS from now on, whether a device is attached or not,
 * and stays until IOMMU_DESTROY. With an IOMMU whose domains are final only
 * after a device has been attached, it does so from then on.
 *
 * %IOMMU_HWPT_ALLOC_DIRTY_TRACKING is not known: stock IOMMU drivers come
 * without the code that records what was written, and those of 6.12 would say
 * that nothing was.
 *
 * Return: 0; -EOPNOTSUPP for flags that the module, the driver or the IOMMU
 * does not know, for a HWPT to be nested in, for data, or nonzero reserved
 * fields; -ENOENT if there is no such device; -EINVAL if @pt_id is neither an
 * IOAS nor a HWPT, or @data_type and @data_len do not go together; the errors
 * of hwpt_create() and hwpt_fill(); -EFAULT if the answer cannot be written,
 * which leaves no HWPT.
 */
int hwpt_alloc_ioctl(struct ucmd *ucmd)
{
	struct iommu_hwpt_alloc *cmd = ucmd->cmd;
	bool has_data = cmd->data_type != IOMMU_HWPT_DATA_NONE;
	struct hwpt *hwpt;
	int rc;

	if (cmd->__reserved || cmd->__reserved2)
		return -EOPNOTSUPP;
	if (has_data != !!cmd->data_len)
		return -EINVAL;
	hwpt = create_for_user(ucmd->ictx, cmd);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);

	cmd->out_hwpt_id = hwpt->obj.id;
	rc = hwpt->attach_first ? 0 : hwpt_fill(hwpt);
	if (!rc)
		rc = ucmd_respond(ucmd, sizeof(*cmd));
	if (rc) {
		hwpt_abort(ucmd->ictx, hwpt);
		return rc;
	}
	hwpt_publish(ucmd->ictx, hwpt);
	hwpt_unuse(ucmd->ictx, hwpt);
	return 0;
}

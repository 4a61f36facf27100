// SPDX-License-Identifier: GPL-2.0-only
/* HWPT objects: a domain of the IOMMU, filled from an IOAS. */
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "ctx.h"
#include "hwpt.h"
#include "ioas.h"

static void hwpt_destroy(struct object *obj)
{
	struct hwpt *hwpt = to_hwpt(obj);

	spin_lock(&hwpt->ioas->hwpts_lock);
	list_del_init(&hwpt->entry);
	spin_unlock(&hwpt->ioas->hwpts_lock);
	if (hwpt->filled)
		iopt_remove_domain(&hwpt->ioas->iopt, hwpt->domain);
	iommu_domain_free(hwpt->domain);
	object_unuse(&hwpt->ioas->obj);
}

/**
 * hwpt_create - a domain for the devices of an IOAS
 * @ictx: the context
 * @ioas: pinned by the caller
 * @dev: the first device
 *
 * The domain is empty and nobody finds the HWPT: hwpt_fill() comes next, then
 * hwpt_publish() or hwpt_abort().
 *
 * Return: the HWPT, used by the caller; ERR_PTR(-ENOENT) if the IOAS is being
 * destroyed, ERR_PTR(-ENOMEM), or an error of the IOMMU driver.
 */
struct hwpt *hwpt_create(struct iommufd_ctx *ictx, struct ioas *ioas,
			 struct device *dev)
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
	hwpt->domain = compat_paging_domain_alloc(dev, 0,
						  &hwpt->attach_first);
	if (IS_ERR(hwpt->domain)) {
		rc = PTR_ERR(hwpt->domain);
		goto unuse_ioas;
	}
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
 * hwpt_publish - from now on requests and other devices may find it
 * @ictx: the context
 * @hwpt: created and filled
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
 * hwpt_next - walk over the domains of an IOAS
 * @ioas: pinned
 * @prev: the one before, used by the caller, or NULL
 *
 * Return: the next one, used for the caller, or NULL.
 */
struct hwpt *hwpt_next(struct ioas *ioas, struct hwpt *prev)
{
	struct hwpt *hwpt = prev ?: list_entry(&ioas->hwpts, struct hwpt, entry);
	bool found = false;

	spin_lock(&ioas->hwpts_lock);
	list_for_each_entry_continue(hwpt, &ioas->hwpts, entry) {
		found = object_use(&hwpt->obj);
		if (found)
			break;
	}
	spin_unlock(&ioas->hwpts_lock);
	return found ? hwpt : NULL;
}

/**
 * hwpt_unuse - depend on a HWPT no longer
 * @ictx: the context
 * @hwpt: used by the caller; ends with its last user
 */
void hwpt_unuse(struct iommufd_ctx *ictx, struct hwpt *hwpt)
{
	object_destroy_unused(ictx, &hwpt->obj);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices bound to a context: the kernel API of include/linux/iommufd.h that
 * drivers of physical devices use, and what user space can ask about them. The
 * calls that attach differ from kernel to kernel: compat/device.c has them.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/pci.h>
#include <linux/pci-ats.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat/compat.h"
#include "compat/uapi.h"
#include "ctx.h"
#include "device.h"
#include "group.h"
#include "hwpt.h"
#include "ioas.h"
#include "trace.h"

static bool allow_unsafe_interrupts;
module_param(allow_unsafe_interrupts, bool, 0644);
MODULE_PARM_DESC(allow_unsafe_interrupts,
		 "Bind devices whose DMA can raise interrupts outside of their context");

static void device_destroy_object(struct object *obj)
{
	struct iommufd_device *idev = to_device(obj);

	iommu_device_release_dma_owner(idev->dev);
	group_put(idev->ictx, idev->group);
}

/**
 * idev_bind - iommufd_device_bind() without a reference to the context
 * @ictx: the context; to unbind the device before it ends is up to the caller
 * @dev: a device of the caller
 *
 * From now on its DMA goes where idev_attach() says, or nowhere.
 *
 * Return: the device, for the caller alone until idev_unbind();
 * ERR_PTR(-EINVAL) if its DMA is not cache coherent or there is no IOMMU,
 * ERR_PTR(-ENODEV) if it is in no group, ERR_PTR(-EPERM) if the platform cannot
 * isolate its interrupts, or another context or a driver of the kernel uses its
 * group, ERR_PTR(-EBUSY) if its group is attached to a domain already,
 * ERR_PTR(-ENOMEM).
 */
struct iommufd_device *idev_bind(struct iommufd_ctx *ictx, struct device *dev)
{
	struct iommufd_device *idev;
	int rc;

	if (!device_iommu_capable(dev, IOMMU_CAP_CACHE_COHERENCY))
		return ERR_PTR(-EINVAL);
	idev = kzalloc(sizeof(*idev), GFP_KERNEL_ACCOUNT);
	if (!idev)
		return ERR_PTR(-ENOMEM);
	idev->ictx = ictx;
	idev->dev = dev;
	INIT_LIST_HEAD(&idev->group_entry);
	idev->coherent =
		device_iommu_capable(dev, IOMMU_CAP_ENFORCE_CACHE_COHERENCY);
	idev->group = group_get(ictx, dev);
	if (IS_ERR(idev->group)) {
		rc = PTR_ERR(idev->group);
		goto free;
	}

	if (!iommu_group_has_isolated_msi(idev->group->group)) {
		if (!allow_unsafe_interrupts) {
			dev_warn(dev, "interrupts are not isolated: no interrupt remapping? Set iommufd.allow_unsafe_interrupts to bind it all the same\n");
			rc = -EPERM;
			goto put_group;
		}
		dev_warn(dev, "bound, though its interrupts are not isolated\n");
	}
	rc = iommu_device_claim_dma_owner(dev, ictx);
	if (rc)
		goto put_group;
	rc = object_create(ictx, &idev->obj, OBJECT_DEVICE,
			   device_destroy_object);
	if (rc)
		goto release_owner;

	object_use(&idev->obj);
	object_publish(ictx, &idev->obj);
	return idev;

release_owner:
	iommu_device_release_dma_owner(dev);
put_group:
	group_put(ictx, idev->group);
free:
	kfree(idev);
	return ERR_PTR(rc);
}

/**
 * idev_unbind - undo idev_bind()
 * @idev: detached; gone afterwards
 */
void idev_unbind(struct iommufd_device *idev)
{
	/* The driver was the one user, and nothing depends on a device. */
	WARN_ON(!object_destroy_unused(idev->ictx, &idev->obj));
}

/**
 * iommufd_device_bind - take a device out of the kernel's hands
 * @ictx: the context; the device takes a reference
 * @dev: a device of the calling driver, which has driver_managed_dma set
 * @id: out: object id of the device
 *
 * From now on its DMA goes where iommufd_device_attach() says, or nowhere.
 *
 * Return: the device, for the driver alone until iommufd_device_unbind(); the
 * errors of idev_bind().
 */
struct iommufd_device *iommufd_device_bind(struct iommufd_ctx *ictx,
					   struct device *dev, u32 *id)
{
	struct iommufd_device *idev = idev_bind(ictx, dev);

	if (!IS_ERR(idev)) {
		iommufd_ctx_get(ictx);
		*id = idev->obj.id;
	}
	return idev;
}
EXPORT_SYMBOL_GPL(iommufd_device_bind);

/**
 * iommufd_device_unbind - undo iommufd_device_bind()
 * @idev: detached; gone afterwards
 */
void iommufd_device_unbind(struct iommufd_device *idev)
{
	struct iommufd_ctx *ictx = idev->ictx;

	idev_unbind(idev);
	iommufd_ctx_put(ictx);
}
EXPORT_SYMBOL_GPL(iommufd_device_unbind);

/**
 * iommufd_device_to_ictx - the context of a device
 * @idev: bound
 *
 * Return: the context, without a reference.
 */
struct iommufd_ctx *iommufd_device_to_ictx(struct iommufd_device *idev)
{
	return idev->ictx;
}
EXPORT_SYMBOL_GPL(iommufd_device_to_ictx);

/**
 * iommufd_device_to_id - what user space calls a device
 * @idev: bound
 *
 * Return: the object id.
 */
u32 iommufd_device_to_id(struct iommufd_device *idev)
{
	return idev->obj.id;
}
EXPORT_SYMBOL_GPL(iommufd_device_to_id);

/**
 * iommufd_ctx_has_group - is a device of the group bound to the context
 * @ictx: the context, or NULL
 * @group: the IOMMU group, or NULL
 *
 * Return: true if at least one is: nobody else can own the others then.
 */
bool iommufd_ctx_has_group(struct iommufd_ctx *ictx, struct iommu_group *group)
{
	struct device_group *pos;
	bool found = false;

	if (!ictx || !group)
		return false;
	mutex_lock(&ictx->groups_lock);
	list_for_each_entry(pos, &ictx->groups, entry)
		found |= pos->group == group;
	mutex_unlock(&ictx->groups_lock);
	return found;
}
EXPORT_SYMBOL_GPL(iommufd_ctx_has_group);

/*
 * Attach or move to one HWPT, which the caller uses. -EINVAL says that another
 * one may suit.
 */
static int change_hwpt(struct iommufd_device *idev, struct hwpt *hwpt,
		       bool replace)
{
	struct device_group *group = idev->group;
	struct hwpt *old = NULL;
	int rc = -EINVAL;

	lockdep_assert_held(&hwpt->ioas->attach_lock);
	/* Not every way to attach asks whether the driver is the right one. */
	if (hwpt->domain->owner != compat_iommu_ops(idev->dev))
		return -EINVAL;
	mutex_lock(&group->lock);
	if (list_empty(&idev->group_entry) == replace ||
	    (idev->coherent && !hwpt_enforce_coherency(hwpt)))
		goto unlock;
	rc = replace ? group_replace(group, hwpt, &old) :
		       group_attach(group, idev, hwpt);
unlock:
	mutex_unlock(&group->lock);
	if (old)
		hwpt_unuse(idev->ictx, old);
	return rc;
}

/* Tells the object id of the IOAS it was attached to. */
static u32 detach(struct iommufd_device *idev)
{
	struct hwpt *hwpt;
	u32 ioas_id;

	mutex_lock(&idev->group->lock);
	ioas_id = idev->group->hwpt->ioas->obj.id;
	hwpt = group_detach(idev->group, idev);
	mutex_unlock(&idev->group->lock);
	if (hwpt)
		hwpt_unuse(idev->ictx, hwpt);
	return ioas_id;
}

static int attach_then_fill(struct iommufd_device *idev, struct hwpt *hwpt)
{
	int rc = change_hwpt(idev, hwpt, false);

	if (rc)
		return rc;
	rc = hwpt_fill(hwpt);
	if (rc)
		detach(idev);
	return rc;
}

/* The device is never seen in a domain that lacks mappings, if possible. */
static int change_unfilled(struct iommufd_device *idev, struct hwpt *hwpt,
			   bool replace)
{
	int rc;

	if (hwpt->attach_first && !replace)
		return attach_then_fill(idev, hwpt);
	rc = hwpt_fill(hwpt);
	if (rc)
		return rc;
	rc = change_hwpt(idev, hwpt, replace);
	if (rc)
		hwpt_empty(hwpt);
	return rc;
}

/* Before much is pinned for nothing. */
static bool may_change(struct iommufd_device *idev, bool replace)
{
	bool may;

	mutex_lock(&idev->group->lock);
	if (replace)
		may = !list_empty(&idev->group_entry);
	else
		may = !idev->group->hwpt;
	mutex_unlock(&idev->group->lock);
	return may;
}

static int change_new(struct iommufd_device *idev, struct ioas *ioas,
		      u32 *pt_id, bool replace)
{
	struct hwpt *hwpt;
	int rc;

	if (!may_change(idev, replace))
		return -EINVAL;
	hwpt = hwpt_create(idev->ictx, ioas, idev, 0);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	hwpt->automatic = true;
	rc = change_unfilled(idev, hwpt, replace);
	if (rc) {
		hwpt_abort(idev->ictx, hwpt);
		return rc;
	}
	*pt_id = hwpt->obj.id;
	hwpt_publish(idev->ictx, hwpt);
	hwpt_unuse(idev->ictx, hwpt);
	return 0;
}

/* Any domain of the IOAS that takes the device will do. */
static int change_ioas(struct iommufd_device *idev, struct ioas *ioas,
		       u32 *pt_id, bool replace)
{
	struct hwpt *hwpt = NULL, *next;
	int rc = -EINVAL;

	while (rc == -EINVAL) {
		next = hwpt_next_automatic(ioas, hwpt);
		if (hwpt)
			hwpt_unuse(idev->ictx, hwpt);
		hwpt = next;
		if (!hwpt)
			return change_new(idev, ioas, pt_id, replace);
		rc = change_hwpt(idev, hwpt, replace);
	}
	if (!rc)
		*pt_id = hwpt->obj.id;
	hwpt_unuse(idev->ictx, hwpt);
	return rc;
}

/* An object to attach to, used for the caller. */
static struct object *use_target(struct iommufd_ctx *ictx, u32 id)
{
	struct object *obj = object_pin(ictx, id, OBJECT_ANY);
	int rc = 0;

	if (IS_ERR(obj))
		return obj;
	if (obj->type != OBJECT_IOAS && obj->type != OBJECT_HWPT)
		rc = -EINVAL;
	else if (!object_use(obj))
		rc = -ENOENT;
	object_unpin(ictx, obj);
	return rc ? ERR_PTR(rc) : obj;
}

static int change(struct iommufd_device *idev, u32 *pt_id, bool replace)
{
	struct iommufd_ctx *ictx = idev->ictx;
	struct object *obj = use_target(ictx, *pt_id);
	struct hwpt *hwpt = NULL;
	struct ioas *ioas;
	int rc;

	if (IS_ERR(obj))
		return PTR_ERR(obj);
	if (obj->type == OBJECT_HWPT)
		hwpt = to_hwpt(obj);
	ioas = hwpt ? hwpt->ioas : to_ioas(obj);

	rc = policy_attach(ictx, idev->obj.id, dev_name(idev->dev), *pt_id,
			   ioas->obj.id,
			   replace ? IOMMUFD_POLICY_OP_REPLACE_DEVICE :
				     IOMMUFD_POLICY_OP_ATTACH_DEVICE);
	/* Who has it may be waiting for user memory. */
	if (!rc)
		rc = mutex_lock_killable(&ioas->attach_lock);
	if (!rc) {
		if (!hwpt)
			rc = change_ioas(idev, ioas, pt_id, replace);
		else if (hwpt->filled)
			rc = change_hwpt(idev, hwpt, replace);
		else
			rc = change_unfilled(idev, hwpt, replace);
		mutex_unlock(&ioas->attach_lock);
	}
	trace_iommufd_attach(ictx->id, dev_name(idev->dev), ioas->obj.id,
			     *pt_id, replace, rc);
	if (hwpt)
		hwpt_unuse(ictx, hwpt);
	else
		object_unuse(obj);
	return rc;
}

/**
 * idev_attach - let the device translate through an IOAS or HWPT
 * @idev: bound and not attached
 * @pt_id: in: object id of either; out: of the HWPT
 *
 * Return: 0; -ENOENT if there is no such object; -EINVAL if it is neither, is
 * a HWPT that does not suit the device, or another device of its group is
 * attached elsewhere; -EADDRINUSE if addresses the device needs are mapped;
 * what a policy answers, or -EPROTO if that is outside its contract; the
 * errors of iopt_add_domain() and of the IOMMU driver.
 */
int idev_attach(struct iommufd_device *idev, u32 *pt_id)
{
	return change(idev, pt_id, false);
}

/**
 * idev_replace - move an attached device without a gap
 * @idev: bound and attached; the other devices of its group move with it
 * @pt_id: as for idev_attach()
 *
 * Return: as idev_attach(); a failure leaves it where it was.
 */
int idev_replace(struct iommufd_device *idev, u32 *pt_id)
{
	return change(idev, pt_id, true);
}

/**
 * idev_detach - block all DMA of the device
 * @idev: bound and attached
 */
void idev_detach(struct iommufd_device *idev)
{
	u32 ioas_id;

	trace_iommufd_detach(idev->ictx->id, dev_name(idev->dev));
	ioas_id = detach(idev);
	policy_detach(idev->ictx, idev->obj.id, dev_name(idev->dev), ioas_id,
		      IOMMUFD_POLICY_OP_DETACH_DEVICE);
}

/* Not every kernel tells what the IOMMU makes of it; "may" is all it means. */
static bool may_use_ats(struct device *dev)
{
	return dev_is_pci(dev) && pci_ats_supported(to_pci_dev(dev));
}

static void tell_pasids(struct device *dev, struct iommu_hw_info *cmd)
{
	int status;

	if (!dev->iommu->max_pasids)
		return;
	if (dev_is_pci(dev)) {
		status = pci_pasid_status(to_pci_dev(dev));
		if (status < 0 || !(status & PCI_PASID_CTRL_ENABLE))
			return;
		if (status & PCI_PASID_CTRL_EXEC)
			cmd->out_capabilities |= IOMMU_HW_CAP_PCI_PASID_EXEC;
		if (status & PCI_PASID_CTRL_PRIV)
			cmd->out_capabilities |= IOMMU_HW_CAP_PCI_PASID_PRIV;
	}
	cmd->out_max_pasid_log2 = ilog2(dev->iommu->max_pasids);
}

/* Fills in the answer; what is for @data_uptr is returned, to be freed. */
static void *tell_hw_info(struct device *dev, struct iommu_hw_info *cmd)
{
	u32 wanted = 0;
	void *data;

	/* Later headers call it in_data_type too. */
	if (cmd->flags & IOMMU_HW_INFO_FLAG_INPUT_TYPE)
		wanted = cmd->out_data_type;
	cmd->out_data_type = wanted;
	data = compat_hw_info(dev, &cmd->data_len, &cmd->out_data_type);
	if (IS_ERR(data))
		return data;
	if (wanted && cmd->out_data_type != wanted) {
		kfree(data);
		return ERR_PTR(-EOPNOTSUPP);
	}

	cmd->out_capabilities = 0;
	cmd->out_max_pasid_log2 = 0;
	tell_pasids(dev, cmd);
	if (!may_use_ats(dev))
		cmd->out_capabilities |= IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED;
	return data;
}

/* User space knows less of it than there is, or more: zeros then. */
static int copy_info(void __user *to, u32 room, const void *data, u32 length)
{
	u32 n = min(room, length);

	if (copy_to_user(to, data, n) || clear_user(to + n, room - n))
		return -EFAULT;
	return 0;
}

/**
 * device_hw_info_ioctl - IOMMU_GET_HW_INFO
 * @ucmd: the ioctl
 *
 * %IOMMU_HW_CAP_DIRTY_TRACKING is never told of, whatever the IOMMU is capable
 * of: it promises ioctls that are not served.
 *
 * Return: 0; -EOPNOTSUPP for unknown flags, nonzero reserved fields, or if the
 * IOMMU has no information of the type asked for; -ENOENT if there is no such
 * device; -ENOMEM or another error of the IOMMU driver; -EFAULT.
 */
int device_hw_info_ioctl(struct ucmd *ucmd)
{
	struct iommu_hw_info *cmd = ucmd->cmd;
	u32 room = cmd->data_len;
	struct object *obj;
	void *data;
	int rc;

	if (cmd->flags & ~IOMMU_HW_INFO_FLAG_INPUT_TYPE ||
	    memchr_inv(cmd->__reserved, 0, sizeof(cmd->__reserved)))
		return -EOPNOTSUPP;
	obj = object_pin(ucmd->ictx, cmd->dev_id, OBJECT_DEVICE);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	data = tell_hw_info(to_device(obj)->dev, cmd);
	/* Whoever unbinds the device waits, and user memory may take for ever. */
	object_unpin(ucmd->ictx, obj);
	if (IS_ERR(data))
		return PTR_ERR(data);

	rc = copy_info(u64_to_user_ptr(cmd->data_uptr), room, data,
		       cmd->data_len);
	kfree(data);
	return rc ?: ucmd_respond(ucmd, sizeof(*cmd));
}

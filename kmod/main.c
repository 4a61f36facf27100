// SPDX-License-Identifier: GPL-2.0-only
/* The module, /dev/iommu, and its ioctls. */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/iommufd.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "area.h"
#include "change_process.h"
#include "compat/compat.h"
#include "compat/uapi.h"
#include "contexts.h"
#include "ctx.h"
#include "device.h"
#include "hwpt.h"
#include "ioas.h"
#include "mock/mock.h"
#include "object.h"
#include "pages.h"
#include "policy.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/**
 * ucmd_respond - write the answer of an ioctl
 * @ucmd: the ioctl
 * @size: size of its command; user space may know less of it
 *
 * Return: 0, or -EFAULT.
 */
int ucmd_respond(struct ucmd *ucmd, size_t size)
{
	if (copy_to_user(ucmd->ubuffer, ucmd->cmd,
			 min_t(size_t, ucmd->user_size, size)))
		return -EFAULT;
	return 0;
}

/**
 * destroy_ioctl - IOMMU_DESTROY
 * @ucmd: the ioctl
 *
 * Return: see object_destroy().
 */
static int destroy_ioctl(struct ucmd *ucmd)
{
	struct iommu_destroy *cmd = ucmd->cmd;

	return object_destroy(ucmd->ictx, cmd->id);
}

/* How to charge can be changed only while nobody could have been charged. */
static int set_rlimit_mode(struct iommufd_ctx *ictx, u64 mode)
{
	int rc = 0;

	if (!capable(CAP_SYS_RESOURCE))
		return -EPERM;
	xa_lock(&ictx->objects);
	if (!xa_empty(&ictx->objects))
		rc = -EBUSY;
	else if (mode > 1)
		rc = -EINVAL;
	else
		ictx->per_process = mode;
	xa_unlock(&ictx->objects);
	return rc;
}

static int rlimit_mode(struct ucmd *ucmd)
{
	struct iommu_option *cmd = ucmd->cmd;

	if (cmd->object_id)
		return -EOPNOTSUPP;
	switch (cmd->op) {
	case IOMMU_OPTION_OP_GET:
		cmd->val64 = ucmd->ictx->per_process;
		return 0;
	case IOMMU_OPTION_OP_SET:
		return set_rlimit_mode(ucmd->ictx, cmd->val64);
	default:
		return -EOPNOTSUPP;
	}
}

/**
 * option_ioctl - IOMMU_OPTION
 * @ucmd: the ioctl
 *
 * Return: 0; -EOPNOTSUPP for an unknown option or operation, nonzero reserved
 * fields, or an object id where the option takes none; for
 * %IOMMU_OPTION_RLIMIT_MODE -EPERM without CAP_SYS_RESOURCE, -EINVAL for a value
 * other than 0 and 1, -EBUSY once an object exists; for
 * %IOMMU_OPTION_HUGE_PAGES see ioas_option_ioctl(); -EFAULT.
 */
static int option_ioctl(struct ucmd *ucmd)
{
	struct iommu_option *cmd = ucmd->cmd;
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	switch (cmd->option_id) {
	case IOMMU_OPTION_RLIMIT_MODE:
		rc = rlimit_mode(ucmd);
		break;
	case IOMMU_OPTION_HUGE_PAGES:
		rc = ioas_option_ioctl(ucmd);
		break;
	default:
		rc = -EOPNOTSUPP;
	}
	return rc ?: ucmd_respond(ucmd, sizeof(*cmd));
}

/**
 * unsupported_ioctl - what the interface has and this module does not, yet
 * @ucmd: the ioctl
 *
 * Return: -EOPNOTSUPP, for a command of proper length: user space can tell it
 * from one that is unknown.
 */
static int unsupported_ioctl(struct ucmd *ucmd)
{
	return -EOPNOTSUPP;
}

union command {
	struct iommu_destroy destroy;
	struct iommu_fault_alloc fault_alloc;
	struct iommu_hw_info hw_info;
	struct iommu_hw_queue_alloc hw_queue_alloc;
	struct iommu_hwpt_alloc hwpt_alloc;
	struct iommu_hwpt_get_dirty_bitmap hwpt_get_dirty_bitmap;
	struct iommu_hwpt_invalidate hwpt_invalidate;
	struct iommu_hwpt_set_dirty_tracking hwpt_set_dirty_tracking;
	struct iommu_ioas_alloc ioas_alloc;
	struct iommu_ioas_allow_iovas ioas_allow_iovas;
	struct iommu_ioas_copy ioas_copy;
	struct iommu_ioas_change_process ioas_change_process;
	struct iommu_ioas_iova_ranges ioas_iova_ranges;
	struct iommu_ioas_map ioas_map;
	struct iommu_ioas_map_file ioas_map_file;
	struct iommu_ioas_noiommu_get_pa ioas_noiommu_get_pa;
	struct iommu_ioas_unmap ioas_unmap;
	struct iommu_option option;
	struct iommu_vdevice_alloc vdevice_alloc;
	struct iommu_veventq_alloc veventq_alloc;
	struct iommu_vfio_ioas vfio_ioas;
	struct iommu_viommu_alloc viommu_alloc;
#ifdef IOMMUFD_TEST_BUILD
	struct iommu_test_cmd test;
#endif
};

/**
 * struct ioctl - how to serve an ioctl
 * @size: of the command as known here
 * @min_size: of the command as first published
 * @serve: does it
 */
struct ioctl {
	size_t size;
	size_t min_size;
	int (*serve)(struct ucmd *ucmd);
};

#define IOCTL(_cmd, _serve, _struct, _last)				\
	[_IOC_NR(_cmd) - IOMMUFD_CMD_BASE] = {				\
		.size = sizeof(_struct),				\
		.min_size = offsetofend(_struct, _last),		\
		.serve = _serve,					\
	}

static const struct ioctl ioctls[] = {
	IOCTL(IOMMU_DESTROY, destroy_ioctl, struct iommu_destroy, id),
	IOCTL(IOMMU_FAULT_QUEUE_ALLOC, unsupported_ioctl,
	      struct iommu_fault_alloc, out_fault_fd),
	IOCTL(IOMMU_GET_HW_INFO, device_hw_info_ioctl, struct iommu_hw_info,
	      __reserved),
	IOCTL(IOMMU_HW_QUEUE_ALLOC, unsupported_ioctl,
	      struct iommu_hw_queue_alloc, length),
	IOCTL(IOMMU_HWPT_ALLOC, hwpt_alloc_ioctl, struct iommu_hwpt_alloc,
	      __reserved),
	IOCTL(IOMMU_HWPT_GET_DIRTY_BITMAP, unsupported_ioctl,
	      struct iommu_hwpt_get_dirty_bitmap, data),
	IOCTL(IOMMU_HWPT_INVALIDATE, unsupported_ioctl,
	      struct iommu_hwpt_invalidate, __reserved),
	IOCTL(IOMMU_HWPT_SET_DIRTY_TRACKING, unsupported_ioctl,
	      struct iommu_hwpt_set_dirty_tracking, __reserved),
	IOCTL(IOMMU_IOAS_ALLOC, ioas_alloc_ioctl, struct iommu_ioas_alloc,
	      out_ioas_id),
	IOCTL(IOMMU_IOAS_ALLOW_IOVAS, ioas_allow_iovas_ioctl,
	      struct iommu_ioas_allow_iovas, allowed_iovas),
	IOCTL(IOMMU_IOAS_COPY, ioas_copy_ioctl, struct iommu_ioas_copy,
	      src_iova),
	IOCTL(IOMMU_IOAS_CHANGE_PROCESS, ioas_change_process_ioctl,
	      struct iommu_ioas_change_process, __reserved),
	IOCTL(IOMMU_IOAS_IOVA_RANGES, ioas_iova_ranges_ioctl,
	      struct iommu_ioas_iova_ranges, out_iova_alignment),
	IOCTL(IOMMU_IOAS_MAP, ioas_map_ioctl, struct iommu_ioas_map, iova),
	IOCTL(IOMMU_IOAS_MAP_FILE, ioas_map_file_ioctl,
	      struct iommu_ioas_map_file, iova),
	IOCTL(IOMMU_IOAS_NOIOMMU_GET_PA, unsupported_ioctl,
	      struct iommu_ioas_noiommu_get_pa, out_phys),
	IOCTL(IOMMU_IOAS_UNMAP, ioas_unmap_ioctl, struct iommu_ioas_unmap,
	      length),
	IOCTL(IOMMU_OPTION, option_ioctl, struct iommu_option, val64),
	IOCTL(IOMMU_VDEVICE_ALLOC, unsupported_ioctl,
	      struct iommu_vdevice_alloc, virt_id),
	IOCTL(IOMMU_VEVENTQ_ALLOC, unsupported_ioctl,
	      struct iommu_veventq_alloc, out_veventq_fd),
	IOCTL(IOMMU_VFIO_IOAS, vfio_ioas_ioctl, struct iommu_vfio_ioas,
	      __reserved),
	IOCTL(IOMMU_VIOMMU_ALLOC, unsupported_ioctl,
	      struct iommu_viommu_alloc, out_viommu_id),
#ifdef IOMMUFD_TEST_BUILD
	IOCTL(IOMMU_TEST_CMD, mock_ioctl, struct iommu_test_cmd, last),
#endif
};

static const struct ioctl *find_ioctl(unsigned int cmd)
{
	unsigned int i = _IOC_NR(cmd) - IOMMUFD_CMD_BASE;

	if (cmd != _IO(IOMMUFD_TYPE, _IOC_NR(cmd)) ||
	    i >= ARRAY_SIZE(ioctls) || !ioctls[i].serve)
		return NULL;
	return &ioctls[i];
}

/*
 * Commands are short: of the size known here, which is what they nearly always
 * are, they are read faster word by word.
 */
static int read_command(struct ucmd *ucmd, size_t size)
{
	const u64 __user *from = ucmd->ubuffer;
	u64 *to = ucmd->cmd;
	size_t i;

	if (ucmd->user_size != size || size % sizeof(*to))
		return copy_struct_from_user(to, size, from, ucmd->user_size);
	if (!user_read_access_begin(from, size))
		return -EFAULT;
	for (i = 0; i < size / sizeof(*to); i++)
		unsafe_get_user(to[i], from + i, fault);
	user_read_access_end();
	return 0;

fault:
	user_read_access_end();
	return -EFAULT;
}

static long iommufd_ioctl(struct file *file, unsigned int cmd,
			  unsigned long arg)
{
	const struct ioctl *ioctl = find_ioctl(cmd);
	union command buffer __uninitialized;
	struct ucmd ucmd = {
		.ictx = file->private_data,
		.ubuffer = (void __user *)arg,
		.cmd = &buffer,
	};
	int rc;

	if (!ioctl)
		return vfio_type1_ioctl(ucmd.ictx, cmd, arg);
	if (get_user(ucmd.user_size, (u32 __user *)ucmd.ubuffer))
		return -EFAULT;
	if (ucmd.user_size < ioctl->min_size)
		return -EINVAL;
	rc = read_command(&ucmd, ioctl->size);
	return rc ?: ioctl->serve(&ucmd);
}

static int iommufd_open(struct inode *inode, struct file *file)
{
	struct iommufd_ctx *ictx;
	int rc;

	ictx = kzalloc(sizeof(*ictx), GFP_KERNEL_ACCOUNT);
	if (!ictx)
		return -ENOMEM;
	ictx->file = file;
	xa_init_flags(&ictx->objects, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	mutex_init(&ictx->groups_lock);
	INIT_LIST_HEAD(&ictx->groups);
	init_waitqueue_head(&ictx->idle);
	account_book_init(&ictx->book);
	vfio_compat_init(&ictx->compat);
	spin_lock_init(&ictx->refusal.lock);
	ictx->opener_uid = __kuid_val(current_uid());
	rc = contexts_add(ictx);
	if (rc) {
		kfree(ictx);
		return rc;
	}
	file->private_data = ictx;
	return 0;
}

static int iommufd_release(struct inode *inode, struct file *file)
{
	struct iommufd_ctx *ictx = file->private_data;

	contexts_remove(ictx);
	vfio_compat_destroy(&ictx->compat);
	object_destroy_all(ictx);
	xa_destroy(&ictx->objects);
	WARN_ON(!list_empty(&ictx->groups));
	pages_forget_spare(&ictx->book);
	account_book_close(&ictx->book);
	mutex_destroy(&ictx->groups_lock);
	kfree_rcu(ictx, rcu);
	return 0;
}

static void iommufd_show_fdinfo(struct seq_file *seq, struct file *file)
{
	struct iommufd_ctx *ictx = file->private_data;
	struct account_sum sum;
	struct object *obj;
	unsigned long id;

	seq_printf(seq, "iommufd-ctx:\t%llu\n", ictx->id);
	xa_for_each(&ictx->objects, id, obj) {
		obj = object_pin(ictx, id, OBJECT_IOAS);
		if (IS_ERR(obj))
			continue;
		ioas_show(obj, seq);
		object_unpin(ictx, obj);
	}
	sum = account_book_sum(&ictx->book);
	seq_printf(seq, "iommufd-pinned:\t%lu\niommufd-charged:\t%lu\n",
		   sum.pinned, sum.charged);
	policy_show_refusal(&ictx->refusal, seq);
}

static const struct file_operations iommufd_fops = {
	.owner = THIS_MODULE,
	.open = iommufd_open,
	.release = iommufd_release,
	.unlocked_ioctl = iommufd_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = iommufd_show_fdinfo,
};

/**
 * iommufd_ctx_from_file - the context behind an open file
 * @file: any file
 *
 * Return: the context with a reference; ERR_PTR(-EBADFD) if the file is not
 * /dev/iommu; ERR_PTR(-EINTR) on a fatal signal while what the last driver left
 * mapped is unmapped, see vfio_compat_join().
 */
struct iommufd_ctx *iommufd_ctx_from_file(struct file *file)
{
	struct iommufd_ctx *ictx;
	int rc;

	if (file->f_op != &iommufd_fops)
		return ERR_PTR(-EBADFD);
	ictx = file->private_data;
	rc = vfio_compat_join(ictx);
	if (rc)
		return ERR_PTR(rc);
	get_file(file);
	return ictx;
}
EXPORT_SYMBOL_GPL(iommufd_ctx_from_file);

/**
 * iommufd_ctx_from_fd - the context behind a file descriptor
 * @fd: of the calling process
 *
 * Return: the context with a reference; ERR_PTR(-EBADF) if the descriptor is
 * not open; the errors of iommufd_ctx_from_file().
 */
struct iommufd_ctx *iommufd_ctx_from_fd(int fd)
{
	struct file *file = fget(fd);
	struct iommufd_ctx *ictx;

	if (!file)
		return ERR_PTR(-EBADF);
	ictx = iommufd_ctx_from_file(file);
	fput(file);
	return ictx;
}
EXPORT_SYMBOL_GPL(iommufd_ctx_from_fd);

/**
 * iommufd_ctx_get - take a reference
 * @ictx: the context; the caller has a reference
 *
 * Context: process context; may sleep.
 */
void iommufd_ctx_get(struct iommufd_ctx *ictx)
{
	vfio_compat_get(ictx);
	get_file(ictx->file);
}
EXPORT_SYMBOL_GPL(iommufd_ctx_get);

/**
 * iommufd_ctx_put - drop a reference
 * @ictx: the context, which ends with the last one
 *
 * The last one that a driver has takes with it what is mapped in the IOAS of a
 * container, see vfio_compat_put().
 *
 * Context: process context; may sleep.
 */
void iommufd_ctx_put(struct iommufd_ctx *ictx)
{
	vfio_compat_put(ictx);
	fput(ictx->file);
}
EXPORT_SYMBOL_GPL(iommufd_ctx_put);

static struct miscdevice iommu_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "iommu",
	.fops = &iommufd_fops,
	.nodename = "iommu",
	.mode = 0660,
};

static int __init iommufd_init(void)
{
	int rc;

	rc = area_init();
	if (rc)
		return rc;
	rc = policy_init();
	if (rc)
		goto exit_area;
	rc = mock_init();
	if (rc)
		goto exit_policy;
	rc = misc_register(&iommu_misc);
	if (rc)
		goto exit_mock;
	return 0;

exit_mock:
	mock_exit();
exit_policy:
	policy_exit();
exit_area:
	area_exit();
	return rc;
}

static void __exit iommufd_exit(void)
{
	misc_deregister(&iommu_misc);
	mock_exit();
	policy_exit();
	area_exit();
	account_exit();
}

module_init(iommufd_init);
module_exit(iommufd_exit);

MODULE_IMPORT_IOMMUFD_INTERNAL();
MODULE_DESCRIPTION("IO page tables over user memory, with BPF policies");
MODULE_VERSION(IOMMUFD_VERSION);
MODULE_LICENSE("GPL");

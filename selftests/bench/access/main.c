// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file that is an access, as a driver of an emulated device has one. What it
 * calls is the kernel's own interface, so it measures any iommufd.
 */
#include <linux/fs.h>
#include <linux/iommufd.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "access.h"
#include "../module_clock.h"

#define MAX_LENGTH SZ_1G

/**
 * struct bench_access - an open file
 * @lock: one request at a time
 * @access: NULL until it is attached
 * @overhead: what it costs to look at the clock
 */
struct bench_access {
	struct mutex lock;	/* see above */
	struct iommufd_access *access;
	u64 overhead;
};

/* What is pinned is unpinned within the same request: there is nothing to do. */
static void access_unmap(void *data, unsigned long iova, unsigned long length)
{
}

static const struct iommufd_access_ops access_ops = {
	.needs_pin_pages = true,
	.unmap = access_unmap,
};

static u64 elapsed(struct bench_access *bench, u64 start)
{
	return ktime_get_ns() - start - bench->overhead;
}

static int attach(struct bench_access *bench, void __user *user)
{
	struct iommufd_access *access;
	struct access_target target;
	struct iommufd_ctx *ictx;
	int rc;
	u32 id;

	if (copy_from_user(&target, user, sizeof(target)))
		return -EFAULT;
	if (bench->access)
		return -EBUSY;
	ictx = iommufd_ctx_from_fd(target.iommufd);
	if (IS_ERR(ictx))
		return PTR_ERR(ictx);
	access = iommufd_access_create(ictx, &access_ops, bench, &id);
	iommufd_ctx_put(ictx);
	if (IS_ERR(access))
		return PTR_ERR(access);
	rc = iommufd_access_attach(access, target.ioas);
	if (rc)
		iommufd_access_destroy(access);
	else
		bench->access = access;
	return rc;
}

static int pin(struct bench_access *bench, struct access_range *range)
{
	struct page **pages;
	u64 start;
	int rc;

	if (!range->length || range->length > MAX_LENGTH)
		return -EINVAL;
	pages = kvcalloc(DIV_ROUND_UP(range->length, PAGE_SIZE), sizeof(*pages),
			 GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	start = ktime_get_ns();
	rc = iommufd_access_pin_pages(bench->access, range->iova, range->length,
				      pages, IOMMUFD_ACCESS_RW_WRITE);
	range->cost = elapsed(bench, start);
	if (!rc) {
		start = ktime_get_ns();
		iommufd_access_unpin_pages(bench->access, range->iova,
					   range->length);
		range->undo_cost = elapsed(bench, start);
	}
	kvfree(pages);
	return rc;
}

static int read(struct bench_access *bench, struct access_range *range)
{
	void *data;
	u64 start;
	int rc;

	if (range->length > PAGE_SIZE)
		return -EINVAL;
	data = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!data)
		return -ENOMEM;
	start = ktime_get_ns();
	rc = iommufd_access_rw(bench->access, range->iova, data, range->length,
			       IOMMUFD_ACCESS_RW_READ);
	range->cost = elapsed(bench, start);
	kfree(data);
	return rc;
}

static int serve_range(struct bench_access *bench, unsigned int cmd,
		       void __user *user)
{
	struct access_range range;
	int rc;

	if (!bench->access)
		return -ENODEV;
	if (copy_from_user(&range, user, sizeof(range)))
		return -EFAULT;
	rc = cmd == ACCESS_PIN ? pin(bench, &range) : read(bench, &range);
	if (!rc && copy_to_user(user, &range, sizeof(range)))
		rc = -EFAULT;
	return rc;
}

static long access_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct bench_access *bench = file->private_data;
	void __user *user = (void __user *)arg;

	guard(mutex)(&bench->lock);
	switch (cmd) {
	case ACCESS_ATTACH:
		return attach(bench, user);
	case ACCESS_PIN:
	case ACCESS_READ:
		return serve_range(bench, cmd, user);
	default:
		return -ENOTTY;
	}
}

static int access_open(struct inode *inode, struct file *file)
{
	struct bench_access *bench = kzalloc(sizeof(*bench), GFP_KERNEL);

	if (!bench)
		return -ENOMEM;
	mutex_init(&bench->lock);
	bench->overhead = clock_overhead();
	file->private_data = bench;
	return 0;
}

static int access_release(struct inode *inode, struct file *file)
{
	struct bench_access *bench = file->private_data;

	if (bench->access)
		iommufd_access_destroy(bench->access);
	mutex_destroy(&bench->lock);
	kfree(bench);
	return 0;
}

static const struct file_operations access_fops = {
	.owner = THIS_MODULE,
	.open = access_open,
	.release = access_release,
	.unlocked_ioctl = access_ioctl,
};

static struct miscdevice access_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = ACCESS_DEVICE,
	.fops = &access_fops,
	.mode = 0600,
};

module_misc_device(access_misc);
MODULE_IMPORT_NS(IOMMUFD);
MODULE_DESCRIPTION("What it costs a driver to access user memory by IO address");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0-only
/* A file that is a domain of its own, with QEMU's edu attached to it */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "../module_clock.h"
#include "primitives.h"

#define EDU_VENDOR 0x1234
#define EDU_DEVICE 0x11e8

static int attach(struct floor *floor)
{
	struct iommu_domain *domain;
	int rc;

	rc = iommu_device_claim_dma_owner(floor->dev, floor);
	if (rc)
		return rc;
	domain = iommu_paging_domain_alloc(floor->dev);
	if (IS_ERR(domain)) {
		rc = PTR_ERR(domain);
		goto release;
	}
	/* Before anything is mapped: until then some drivers know 4K pages only. */
	rc = iommu_attach_group(domain, floor->dev->iommu_group);
	if (rc)
		goto free;
	floor->domain = domain;
	return 0;
free:
	iommu_domain_free(domain);
release:
	iommu_device_release_dma_owner(floor->dev);
	return rc;
}

static void detach(struct floor *floor)
{
	iommu_detach_group(floor->domain, floor->dev->iommu_group);
	iommu_domain_free(floor->domain);
	iommu_device_release_dma_owner(floor->dev);
}

static void free_floor(struct floor *floor)
{
	mutex_destroy(&floor->lock);
	put_device(floor->dev);
	kvfree(floor->pages);
	vfree(floor->runs);
	kfree(floor);
}

static struct floor *alloc_floor(void)
{
	struct floor *floor = kzalloc(sizeof(*floor), GFP_KERNEL);
	struct pci_dev *edu;

	if (!floor)
		return ERR_PTR(-ENOMEM);
	mutex_init(&floor->lock);
	floor->runs = vmalloc_array(MAX_RUNS, sizeof(*floor->runs));
	floor->pages = kvmalloc_array(BATCH, sizeof(*floor->pages), GFP_KERNEL);
	edu = pci_get_device(EDU_VENDOR, EDU_DEVICE, NULL);
	if (edu)
		floor->dev = &edu->dev;
	if (floor->runs && floor->pages && edu)
		return floor;
	free_floor(floor);
	return ERR_PTR(edu ? -ENOMEM : -ENODEV);
}

static int floor_open(struct inode *inode, struct file *file)
{
	struct floor *floor = alloc_floor();
	int rc;

	if (IS_ERR(floor))
		return PTR_ERR(floor);
	rc = attach(floor);
	if (rc) {
		free_floor(floor);
		return rc;
	}
	floor->overhead = clock_overhead();
	file->private_data = floor;
	return 0;
}

static int floor_release(struct inode *inode, struct file *file)
{
	struct floor *floor = file->private_data;

	scoped_guard(mutex, &floor->lock)
		primitives_unmap(floor);
	detach(floor);
	free_floor(floor);
	return 0;
}

static int serve(struct floor *floor, unsigned int cmd,
		 struct floor_range *range)
{
	guard(mutex)(&floor->lock);
	switch (cmd) {
	case FLOOR_MAP:
		return primitives_map(floor, range);
	case FLOOR_UNMAP:
		range->cost = primitives_unmap(floor);
		return 0;
	default:
		return -ENOTTY;
	}
}

static long floor_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	struct floor_range range;
	int rc;

	if (copy_from_user(&range, user, sizeof(range)))
		return -EFAULT;
	rc = serve(file->private_data, cmd, &range);
	if (!rc && copy_to_user(user, &range, sizeof(range)))
		rc = -EFAULT;
	return rc;
}

static const struct file_operations floor_fops = {
	.owner = THIS_MODULE,
	.open = floor_open,
	.release = floor_release,
	.unlocked_ioctl = floor_ioctl,
};

static struct miscdevice floor_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = FLOOR_DEVICE,
	.fops = &floor_fops,
	.mode = 0600,
};

module_misc_device(floor_misc);
MODULE_DESCRIPTION("The least that mapping user memory for a device can cost");
MODULE_LICENSE("GPL");

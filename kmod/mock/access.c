// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses as files of their own, which use the in-kernel API as a driver of
 * an emulated device does.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/iommufd.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "../ctx.h"
#include "mock.h"

/* A test that wants more has gone astray. */
#define MAX_LENGTH SZ_16M

/**
 * struct pinned - a range pinned through an access
 * @entry: in mock_access.ranges
 * @iova: first byte
 * @length: bytes
 * @id: what user space calls it
 */
struct pinned {
	struct list_head entry;
	unsigned long iova;
	unsigned long length;
	u32 id;
};

/**
 * struct mock_access - an access, the private data of its file
 * @access: the access; owned
 * @needs_pin: it was created for pinning
 * @lock: for what follows, and held while pinning
 * @ranges: struct pinned
 * @next_id: for the next range
 */
struct mock_access {
	struct iommufd_access *access;
	bool needs_pin;
	struct mutex lock;	/* see above */
	struct list_head ranges;
	u32 next_id;
};

static void unpin(struct mock_access *mock, struct pinned *range)
{
	lockdep_assert_held(&mock->lock);
	list_del(&range->entry);
	iommufd_access_unpin_pages(mock->access, range->iova, range->length);
	kfree(range);
}

static int unpin_id(struct mock_access *mock, u32 id)
{
	struct pinned *range;

	guard(mutex)(&mock->lock);
	list_for_each_entry(range, &mock->ranges, entry)
		if (range->id == id) {
			unpin(mock, range);
			return 0;
		}
	return -ENOENT;
}

/* The range goes away: nothing of it may stay pinned. */
static void access_unmap(void *data, unsigned long iova, unsigned long length)
{
	struct mock_access *mock = data;
	struct pinned *range, *tmp;

	guard(mutex)(&mock->lock);
	list_for_each_entry_safe(range, tmp, &mock->ranges, entry)
		if (range->iova <= iova + (length - 1) &&
		    iova <= range->iova + (range->length - 1))
			unpin(mock, range);
}

static const struct iommufd_access_ops access_ops = {
	.unmap = access_unmap,
};

static const struct iommufd_access_ops access_ops_pin = {
	.needs_pin_pages = true,
	.unmap = access_unmap,
};

static void destroy(struct mock_access *mock)
{
	access_unmap(mock, 0, ULONG_MAX);
	iommufd_access_destroy(mock->access);
	mutex_destroy(&mock->lock);
	kfree(mock);
}

static int access_release(struct inode *inode, struct file *file)
{
	destroy(file->private_data);
	return 0;
}

static const struct file_operations access_fops = {
	.owner = THIS_MODULE,
	.release = access_release,
};

static struct mock_access *create(struct iommufd_ctx *ictx, u32 ioas_id,
				  bool needs_pin)
{
	struct mock_access *mock;
	u32 id;
	int rc;

	mock = kzalloc(sizeof(*mock), GFP_KERNEL_ACCOUNT);
	if (!mock)
		return ERR_PTR(-ENOMEM);
	mock->needs_pin = needs_pin;
	mutex_init(&mock->lock);
	INIT_LIST_HEAD(&mock->ranges);
	mock->access = iommufd_access_create(ictx, needs_pin ? &access_ops_pin :
					     &access_ops, mock, &id);
	if (IS_ERR(mock->access)) {
		rc = PTR_ERR(mock->access);
		mutex_destroy(&mock->lock);
		kfree(mock);
		return ERR_PTR(rc);
	}
	rc = iommufd_access_attach(mock->access, ioas_id);
	if (rc) {
		destroy(mock);
		return ERR_PTR(rc);
	}
	return mock;
}

/**
 * mock_access_create_ioctl - IOMMU_TEST_OP_CREATE_ACCESS
 * @ucmd: the ioctl; its id is an IOAS
 *
 * Return: 0; -EOPNOTSUPP for unknown flags; -ENOMEM; -EMFILE; the errors of
 * iommufd_access_create() and iommufd_access_attach(); -EFAULT.
 */
int mock_access_create_ioctl(struct ucmd *ucmd)
{
	struct iommu_test_cmd *cmd = ucmd->cmd;
	u32 flags = cmd->create_access.flags;
	struct mock_access *mock;
	struct file *file;
	int fd, rc;

	if (flags & ~MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES)
		return -EOPNOTSUPP;
	mock = create(ucmd->ictx, cmd->id, flags);
	if (IS_ERR(mock))
		return PTR_ERR(mock);
	file = anon_inode_getfile("[iommufd-mock-access]", &access_fops, mock,
				  O_RDWR);
	if (IS_ERR(file)) {
		destroy(mock);
		return PTR_ERR(file);
	}
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		rc = fd;
		goto put_file;
	}
	cmd->create_access.out_access_fd = fd;
	rc = ucmd_respond(ucmd, sizeof(*cmd));
	if (rc)
		goto put_fd;
	fd_install(fd, file);
	return 0;

put_fd:
	put_unused_fd(fd);
put_file:
	fput(file);
	return rc;
}

/* The caller puts the file. */
static struct file *get_access(u32 fd)
{
	struct file *file = fget(fd);

	if (file && file->f_op == &access_fops)
		return file;
	if (file)
		fput(file);
	return ERR_PTR(-EBADFD);
}

/**
 * mock_access_replace_ioctl - IOMMU_TEST_OP_ACCESS_REPLACE_IOAS
 * @ucmd: the ioctl; its id is the file descriptor of an access
 *
 * Return: 0; -EBADFD; the errors of iommufd_access_replace().
 */
int mock_access_replace_ioctl(struct ucmd *ucmd)
{
	struct iommu_test_cmd *cmd = ucmd->cmd;
	struct file *file = get_access(cmd->id);
	struct mock_access *mock;
	int rc;

	if (IS_ERR(file))
		return PTR_ERR(file);
	mock = file->private_data;
	rc = iommufd_access_replace(mock->access,
				    cmd->access_replace_ioas.ioas_id);
	fput(file);
	return rc;
}

/* Are these the pages at a user address? */
static int compare_pages(unsigned long uptr, struct page **pages,
			 unsigned long nr)
{
	struct page *page;
	unsigned long i;
	int rc;

	for (i = 0; i < nr; i++) {
		rc = get_user_pages_fast(uptr + i * PAGE_SIZE, 1, 0, &page);
		if (rc != 1)
			return rc < 0 ? rc : -EFAULT;
		put_page(page);
		if (page != pages[i])
			return -EBADE;
	}
	return 0;
}

/*
 * An unmap that comes when the pages are pinned, but the range is not in the
 * list, would not find it: so it has to wait. Afterwards it may free the range
 * at any time.
 */
static int pin(struct mock_access *mock, struct pinned *range,
	       struct page **pages, bool write, u32 *id)
{
	int rc;

	guard(mutex)(&mock->lock);
	rc = iommufd_access_pin_pages(mock->access, range->iova, range->length,
				      pages,
				      write ? IOMMUFD_ACCESS_RW_WRITE : 0);
	if (rc)
		return rc;
	*id = range->id = mock->next_id++;
	list_add_tail(&range->entry, &mock->ranges);
	return 0;
}

static int pin_and_respond(struct ucmd *ucmd, struct mock_access *mock,
			   struct page **pages, unsigned long nr)
{
	struct iommu_test_cmd *cmd = ucmd->cmd;
	unsigned long offset = offset_in_page(cmd->access_pages.iova);
	struct pinned *range;
	u32 id;
	int rc;

	range = kzalloc(sizeof(*range), GFP_KERNEL_ACCOUNT);
	if (!range)
		return -ENOMEM;
	range->iova = cmd->access_pages.iova;
	range->length = cmd->access_pages.length;
	rc = pin(mock, range, pages,
		 cmd->access_pages.flags & MOCK_FLAGS_ACCESS_WRITE, &id);
	if (rc) {
		kfree(range);
		return rc;
	}
	cmd->access_pages.out_access_pages_id = id;
	rc = compare_pages(cmd->access_pages.uptr - offset, pages, nr);
	if (!rc)
		rc = ucmd_respond(ucmd, sizeof(*cmd));
	if (rc)
		unpin_id(mock, id);
	return rc;
}

/**
 * mock_access_pin_ioctl - IOMMU_TEST_OP_ACCESS_PAGES
 * @ucmd: the ioctl; its id is the file descriptor of an access
 *
 * Return: 0; -EOPNOTSUPP for unknown flags or an access that was not created
 * for pinning; -EINVAL for no length; -ENOMEM, also for more than 16 MiB;
 * -EBADFD; -EBADE if the pages are not those at the user address given; the
 * errors of iommufd_access_pin_pages() and get_user_pages_fast(); -EFAULT.
 */
int mock_access_pin_ioctl(struct ucmd *ucmd)
{
	struct iommu_test_cmd *cmd = ucmd->cmd;
	unsigned long nr;
	struct page **pages;
	struct file *file;
	int rc;

	if (cmd->access_pages.flags & ~MOCK_FLAGS_ACCESS_WRITE)
		return -EOPNOTSUPP;
	if (!cmd->access_pages.length)
		return -EINVAL;
	if (cmd->access_pages.length > MAX_LENGTH)
		return -ENOMEM;
	file = get_access(cmd->id);
	if (IS_ERR(file))
		return PTR_ERR(file);
	rc = -EOPNOTSUPP;
	if (!((struct mock_access *)file->private_data)->needs_pin)
		goto put_file;

	nr = DIV_ROUND_UP(offset_in_page(cmd->access_pages.iova) +
			  cmd->access_pages.length, PAGE_SIZE);
	pages = kvcalloc(nr, sizeof(*pages), GFP_KERNEL_ACCOUNT);
	rc = -ENOMEM;
	if (!pages)
		goto put_file;
	rc = pin_and_respond(ucmd, file->private_data, pages, nr);
	kvfree(pages);
put_file:
	fput(file);
	return rc;
}

/**
 * mock_access_unpin_ioctl - IOMMU_TEST_OP_DESTROY_ACCESS_PAGES
 * @ucmd: the ioctl; its id is the file descriptor of an access
 *
 * Return: 0; -EBADFD; -ENOENT if no range of that id is pinned.
 */
int mock_access_unpin_ioctl(struct ucmd *ucmd)
{
	struct iommu_test_cmd *cmd = ucmd->cmd;
	struct file *file = get_access(cmd->id);
	int rc;

	if (IS_ERR(file))
		return PTR_ERR(file);
	rc = unpin_id(file->private_data,
		      cmd->destroy_access_pages.access_pages_id);
	fput(file);
	return rc;
}

static unsigned int rw_flags(u32 flags)
{
	return (flags & MOCK_ACCESS_RW_WRITE ? IOMMUFD_ACCESS_RW_WRITE : 0) |
	       (flags & MOCK_ACCESS_RW_SLOW_PATH ?
		__IOMMUFD_ACCESS_RW_SLOW_PATH : 0);
}

static int read_write(struct mock_access *mock, struct iommu_test_cmd *cmd,
		      void *data)
{
	void __user *ubuf = u64_to_user_ptr(cmd->access_rw.uptr);
	size_t length = cmd->access_rw.length;
	unsigned int flags = rw_flags(cmd->access_rw.flags);
	int rc;

	if (flags & IOMMUFD_ACCESS_RW_WRITE &&
	    copy_from_user(data, ubuf, length))
		return -EFAULT;
	rc = iommufd_access_rw(mock->access, cmd->access_rw.iova, data, length,
			       flags);
	if (!rc && !(flags & IOMMUFD_ACCESS_RW_WRITE) &&
	    copy_to_user(ubuf, data, length))
		rc = -EFAULT;
	return rc;
}

/**
 * mock_access_rw_ioctl - IOMMU_TEST_OP_ACCESS_RW
 * @ucmd: the ioctl; its id is the file descriptor of an access
 *
 * Return: 0; -EOPNOTSUPP for unknown flags; -ENOMEM, also for more than 16 MiB;
 * -EBADFD; the errors of iommufd_access_rw(); -EFAULT.
 */
int mock_access_rw_ioctl(struct ucmd *ucmd)
{
	struct iommu_test_cmd *cmd = ucmd->cmd;
	struct file *file;
	void *data;
	int rc;

	if (cmd->access_rw.flags &
	    ~(MOCK_ACCESS_RW_WRITE | MOCK_ACCESS_RW_SLOW_PATH))
		return -EOPNOTSUPP;
	if (cmd->access_rw.length > MAX_LENGTH)
		return -ENOMEM;
	file = get_access(cmd->id);
	if (IS_ERR(file))
		return PTR_ERR(file);
	data = kvzalloc(cmd->access_rw.length, GFP_KERNEL_ACCOUNT);
	rc = data ? read_write(file->private_data, cmd, data) : -ENOMEM;
	kvfree(data);
	fput(file);
	return rc;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Kernel users that read and write user memory without pinning it. */
#include <linux/err.h>
#include <linux/highmem.h>
#include <linux/iommufd.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "account.h"
#include "pages.h"
#include "pages_pin.h"

static void rw_page(struct page *page, unsigned long in_page, void *data,
		    unsigned long bytes, bool write)
{
	if (!write) {
		memcpy_from_page(data, page, in_page, bytes);
		return;
	}
	memcpy_to_page(page, in_page, data, bytes);
	set_page_dirty_lock(page);
}

/*
 * What devices see is what is pinned, whatever the process has there now. What
 * is being pinned no device has seen yet: only who finds a use needs the lock.
 * Return: 1 if it was pinned, else 0; -EINTR on a fatal signal.
 */
static int rw_pinned(struct pages *pages, unsigned long offset, void *data,
		     unsigned long bytes, bool write)
{
	unsigned long index = offset >> PAGE_SHIFT;
	bool pinned;
	int rc;

	if (!READ_ONCE(pages->whole) && uses_empty(&pages->uses))
		return 0;
	rc = mutex_lock_killable(&pages->lock);
	if (rc)
		return rc;
	pinned = pages->whole || uses_cover(&pages->uses, index, index);
	if (pinned)
		rw_page(pfn_to_page(pfn_table_get(&pages->table, index)),
			offset_in_page(offset), data, bytes, write);
	mutex_unlock(&pages->lock);
	return pinned;
}

static int rw_foreign(struct pages *pages, unsigned long offset, void *data,
		      unsigned long bytes, bool write)
{
	struct page *page = pin_page_briefly(pages, offset >> PAGE_SHIFT,
					     write);

	if (IS_ERR(page))
		return PTR_ERR(page);
	rw_page(page, offset_in_page(offset), data, bytes, write);
	unpin_user_page(page);
	return 0;
}

/* The address space of the memory is the caller's. */
static int rw_own(struct pages *pages, unsigned long offset, void *data,
		  unsigned long bytes, bool write)
{
	void __user *uptr = (void __user *)(pages->uptr + offset);

	if (write ? copy_to_user(uptr, data, bytes) :
		    copy_from_user(data, uptr, bytes))
		return -EFAULT;
	return 0;
}

/**
 * pages_rw - copy from or to the pages
 * @pages: the pages
 * @offset: first byte, counted from pages->uptr
 * @data: kernel memory
 * @length: bytes, within the pages
 * @flags: %IOMMUFD_ACCESS_RW_WRITE and so on
 *
 * Context: may fault in user memory, unless it is in use.
 * Return: 0; -EFAULT if memory is not there or its address space is gone;
 * -EINTR on a fatal signal. Part of it may have been copied then.
 */
int pages_rw(struct pages *pages, unsigned long offset, void *data,
	     unsigned long length, unsigned int flags)
{
	bool write = flags & IOMMUFD_ACCESS_RW_WRITE;
	bool own = !pages->file && pages->account->mm == current->mm &&
		   !(flags & __IOMMUFD_ACCESS_RW_SLOW_PATH);
	int rc = 0;

	while (length && !rc) {
		unsigned long bytes = min(length,
					  PAGE_SIZE - offset_in_page(offset));
		int pinned = rw_pinned(pages, offset, data, bytes, write);

		if (pinned < 0)
			return pinned;
		if (!pinned && own)
			rc = rw_own(pages, offset, data, bytes, write);
		else if (!pinned)
			rc = rw_foreign(pages, offset, data, bytes, write);
		offset += bytes;
		data += bytes;
		length -= bytes;
		if (length)
			cond_resched();
	}
	return rc;
}

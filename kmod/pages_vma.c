// SPDX-License-Identifier: GPL-2.0-only
/* Mappings of a process where its pages are to be pinned. */
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>

#include "account.h"
#include "pages.h"
#include "pages_pin.h"

/* Does GUP refuse all memory of a mapping? It does of some others, too. */
static bool never_pinned(const struct vm_area_struct *vma, bool writable)
{
	return vma->vm_flags & (VM_IO | VM_PFNMAP) ||
	       !(vma->vm_flags & (writable ? VM_WRITE : VM_READ));
}

/**
 * check_pinnable - find out whether pages could be pinned if somebody paid
 * @pages: the pages
 * @first: first page
 * @last: last page
 *
 * Context: takes the mmap lock.
 * Return: 0; -EFAULT if part of the range is not mapped, is memory of a device,
 * may not be accessed, or its address space is gone; -EINTR on a fatal signal.
 */
int check_pinnable(const struct pages *pages, unsigned long first,
		   unsigned long last)
{
	unsigned long addr = pages->uptr + (first << PAGE_SHIFT), end;
	struct mm_struct *mm = pages->account->mm;
	struct vm_area_struct *vma;
	int rc;

	if (pages->file)
		return 0;
	if (!mmget_not_zero(mm))
		return -EFAULT;
	rc = mmap_read_lock_killable(mm);
	if (rc)
		goto put;
	addr = untagged_addr_remote(mm, addr);
	if (check_add_overflow(addr, (last - first + 1) << PAGE_SHIFT, &end))
		rc = -EFAULT;
	while (!rc && addr < end) {
		vma = vma_lookup(mm, addr);
		if (!vma || never_pinned(vma, pages->writable))
			rc = -EFAULT;
		else
			addr = vma->vm_end;
	}
	mmap_read_unlock(mm);
put:
	mmput_async(mm);
	return rc;
}

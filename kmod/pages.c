// SPDX-License-Identifier: GPL-2.0-only
/* User memory that areas map: pinned once, its physical runs remembered. */
#include <linux/capability.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "account.h"
#include "pages.h"
#include "pages_file.h"
#include "pages_pin.h"
#include "pin_wide.h"
#include "policy.h"
#include "policy_purse.h"
#include "trace.h"

static struct kmem_cache *pages_cache;

/*
 * Who unmaps and maps by turns uses the same memory again. A kernel that looks
 * for the use of freed memory is to see all that is freed.
 */
static struct pages *alloc(struct account_book *book)
{
	struct pages *pages = NULL;

	if (READ_ONCE(book->spare))
		pages = xchg(&book->spare, NULL);
	if (pages)
		return pages;
	pages = kmem_cache_alloc(pages_cache, GFP_KERNEL_ACCOUNT);
	if (!pages)
		return NULL;
	/* What they are like whenever they are not in use. */
	mutex_init(&pages->lock);
	pages->whole = 0;
	uses_init(&pages->uses);
	return pages;
}

static void recycle(struct account_book *book, struct pages *pages)
{
	if (!IS_ENABLED(CONFIG_KASAN))
		pages = xchg(&book->spare, pages);
	if (pages)
		kmem_cache_free(pages_cache, pages);
}

/**
 * pages_forget_spare - when the context ends
 * @book: of the context; nothing is mapped any more
 */
void pages_forget_spare(struct account_book *book)
{
	if (book->spare)
		kmem_cache_free(pages_cache, book->spare);
}

/**
 * pages_create - describe user memory
 * @book: accounts of the context
 * @per_process: charge the process rather than the user
 * @file: memory of this file, opened with pages_open_file() and closed with the
 *	pages; NULL: of the calling process
 * @uptr: user address or place in the file, of any alignment
 * @length: bytes, at least 1, within the address space
 * @writable: the device may be allowed to write
 * @kinds: bits of enum iommufd_policy_mem that may be pinned
 *
 * Nothing is pinned or charged yet.
 *
 * Return: the pages with one reference, or ERR_PTR(-ENOMEM).
 */
struct pages *pages_create(struct account_book *book, bool per_process,
			   struct file *file, unsigned long uptr,
			   unsigned long length, bool writable,
			   unsigned int kinds)
{
	unsigned long first_vpn = uptr >> PAGE_SHIFT;
	unsigned long last_vpn = (uptr + length - 1) >> PAGE_SHIFT;
	struct pages *pages;

	pages = alloc(book);
	if (!pages)
		return ERR_PTR(-ENOMEM);

	pages->account = account_get_current(book);
	if (IS_ERR(pages->account)) {
		struct pages *error = ERR_CAST(pages->account);

		kmem_cache_free(pages_cache, pages);
		return error;
	}
	refcount_set(&pages->refs, 1);
	if (capable(CAP_IPC_LOCK))
		pages->mode = ACCOUNT_EXEMPT;
	else
		pages->mode = per_process ? ACCOUNT_PROCESS : ACCOUNT_USER;
	pages->writable = writable;
	pages->kinds = kinds;
	pages->billed = false;
	pages->offered = false;
	pages->file = file;
	pages->uptr = first_vpn << PAGE_SHIFT;
	pfn_table_init(&pages->table, first_vpn, last_vpn - first_vpn + 1);
	return pages;
}

static bool in_use(const struct pages *pages)
{
	return pages->whole || !uses_empty(&pages->uses);
}

static bool is_only_page(const struct pages *pages)
{
	return pfn_table_pages(&pages->table) == 1;
}

/**
 * pages_put - drop a reference
 * @pages: freed with the last one; not in use then
 */
void pages_put(struct pages *pages)
{
	struct account_book *book;

	if (!refcount_dec_and_test(&pages->refs))
		return;
	WARN_ON(in_use(pages));
	book = pages->account->book;
	account_put(pages->account);
	if (pages->file)
		pages_close_file(pages->file, pages->writable);
	if (!is_only_page(pages))
		pfn_table_free(&pages->table);
	recycle(book, pages);
}

static unsigned long count_unused(const struct pages *pages,
				  unsigned long first, unsigned long last)
{
	unsigned long gap_last, nr = 0;

	if (uses_empty(&pages->uses))
		return last - first + 1;
	while (uses_next_gap(&pages->uses, &first, last, &gap_last)) {
		nr += gap_last - first + 1;
		first = gap_last + 1;
		cond_resched();
	}
	return nr;
}

/**
 * pages_count_pinned - count the pages that are pinned
 * @pages: the pages; their lock is held
 *
 * Return: pages.
 */
unsigned long pages_count_pinned(const struct pages *pages)
{
	unsigned long nr = pfn_table_pages(&pages->table);

	return pages->whole ? nr : nr - count_unused(pages, 0, nr - 1);
}

/**
 * pages_missing - how many pages are not pinned
 * @pages: the pages
 * @ranges: which of them are looked at
 * @charge: out: account, with a reference for the caller, mode, npages, asked
 *
 * Return: 0, or -EINTR on a fatal signal.
 */
int pages_missing(struct pages *pages, const struct uses *ranges,
		  struct charge *charge)
{
	unsigned long first = 0, last, end = pfn_table_pages(&pages->table) - 1;
	int rc;

	rc = mutex_lock_killable(&pages->lock);
	if (rc)
		return rc;
	charge->npages = 0;
	charge->asked = 0;
	for (; uses_next_used(ranges, &first, end, &last); first = last + 1) {
		charge->asked += last - first + 1;
		if (!pages->whole)
			charge->npages += count_unused(pages, first, last);
	}
	charge->mode = pages->mode;
	charge->account = pages->account;
	refcount_inc(&pages->account->refs);
	mutex_unlock(&pages->lock);
	return 0;
}

/* Could those in no use be pinned? */
static int check_unused(const struct pages *pages, unsigned long first,
			unsigned long last)
{
	unsigned long gap_last;
	int rc = 0;

	while (!rc && uses_next_gap(&pages->uses, &first, last, &gap_last)) {
		rc = check_pinnable(pages, first, gap_last);
		first = gap_last + 1;
	}
	return rc;
}

/**
 * pages_check_missing - find out whether pages that are not pinned could be
 * @pages: the pages
 * @ranges: which of them are looked at
 *
 * Return: 0; -EFAULT if some cannot; -EINTR on a fatal signal.
 */
int pages_check_missing(struct pages *pages, const struct uses *ranges)
{
	unsigned long first = 0, last, end = pfn_table_pages(&pages->table) - 1;
	int rc;

	rc = mutex_lock_killable(&pages->lock);
	if (rc)
		return rc;
	while (!rc && !pages->whole &&
	       uses_next_used(ranges, &first, end, &last)) {
		rc = check_unused(pages, first, last);
		first = last + 1;
	}
	mutex_unlock(&pages->lock);
	return rc;
}

static unsigned long unpin_unused(struct pages *pages, unsigned long first,
				  unsigned long last)
{
	unsigned long gap_last, nr = 0;

	while (uses_next_gap(&pages->uses, &first, last, &gap_last)) {
		unpin_pages(pages, first, gap_last);
		nr += gap_last - first + 1;
		first = gap_last + 1;
	}
	return nr;
}

/* Of chunks that nobody uses a page of the table keeps nothing. */
static void forget_unused(struct pages *pages, unsigned long first,
			  unsigned long last)
{
	unsigned long gap_last;

	pfn_table_widen(&pages->table, &first, &last);
	while (uses_next_gap(&pages->uses, &first, last, &gap_last)) {
		pfn_table_clear(&pages->table, first, gap_last - first + 1);
		first = gap_last + 1;
		cond_resched();
	}
}

static int pin_unused(struct pages *pages, unsigned long first,
		      unsigned long last, unsigned long total)
{
	unsigned long cursor = first, gap_last;
	struct batch batch;
	int rc = 0;

	batch_init(&batch, total);
	while (uses_next_gap(&pages->uses, &cursor, last, &gap_last)) {
		if (gap_last - cursor + 1 < WIDE_PAGES)
			rc = pin_pages(pages, cursor, gap_last, &batch);
		else
			rc = pin_wide(pages, cursor, gap_last, &batch);
		if (rc)
			break;
		cursor = gap_last + 1;
	}
	batch_free(&batch);
	if (rc && cursor > first)
		unpin_unused(pages, first, cursor - 1);
	return rc;
}

static noinline int charge_by_policy(struct pages *pages, unsigned long npages,
				     unsigned long asked,
				     const struct policy_reason *reason)
{
	const struct charge charge = {
		.account = pages->account,
		.mode = pages->mode,
		.npages = npages,
		.asked = asked,
		.limited = true,
		.reason = reason,
	};
	struct bill *bill;
	int rc;

	rc = purse_charge(&charge, &bill);
	if (!rc && bill)
		policy_push_bill(pages, bill);
	return rc;
}

/* What policies do not pay for, the built-in accounting counts. */
static int charge(struct pages *pages, unsigned long npages,
		  unsigned long asked, const struct policy_reason *reason)
{
	if (policy_has_hook(POLICY_CHARGE))
		return charge_by_policy(pages, npages, asked, reason);
	return account_charge(pages->account, pages->mode, npages, true);
}

/**
 * pages_uncharge - give back what was paid for pages; cannot fail
 * @pages: the pages; their lock is held
 * @npages: how many are not pinned any more, or paid for by another process
 */
void pages_uncharge(struct pages *pages, unsigned long npages)
{
	trace_iommufd_uncharge(pages->account, npages, 0);
	if (pages->billed)
		policy_uncharge(pages, npages);
	else
		account_uncharge(pages->account, pages->mode, npages);
}

static int pin_paid(struct pages *pages, unsigned long first,
		    unsigned long last, unsigned long total)
{
	int rc;

	/* What is used of one page is all there is: ranges are for more. */
	if (is_only_page(pages) && !pages->file)
		return pin_only_page(pages);
	/* Not before: what is not pinned is not charged, and costs nothing. */
	rc = pfn_table_alloc(&pages->table);
	if (rc)
		return rc;
	if (first == last && !pages->file)
		rc = pin_page(pages, first);
	else
		rc = pin_unused(pages, first, last, total);
	if (rc)
		forget_unused(pages, first, last);
	return rc;
}

/* Nobody uses all pages: those of the range in no use have to be pinned. */
static int acquire(struct pages *pages, unsigned long first, unsigned long last,
		   const struct policy_reason *reason)
{
	unsigned long total = count_unused(pages, first, last);
	int rc;

	if (!total)
		return 0;
	rc = charge(pages, total, last - first + 1, reason);
	trace_iommufd_charge(pages->account, total, rc);
	/* That nothing could be pinned there comes first. */
	if (rc)
		return rc == -EINTR ? rc : check_unused(pages, first, last) ?: rc;
	rc = pin_paid(pages, first, last, total);
	if (rc)
		pages_uncharge(pages, total);
	return rc;
}

/* Nobody uses all pages: those of the range in no use can go. */
static void release(struct pages *pages, unsigned long first,
		    unsigned long last)
{
	unsigned long total;

	if (is_only_page(pages)) {
		unpin_only_page(pages);
		pages_uncharge(pages, 1);
		return;
	}
	total = unpin_unused(pages, first, last);
	if (!total)
		return;
	forget_unused(pages, first, last);
	pages_uncharge(pages, total);
}

static bool is_whole(const struct pages *pages, unsigned long first,
		     unsigned long last)
{
	return !first && last == pfn_table_pages(&pages->table) - 1;
}

/* Waits until nobody hands the pages over to another process. */
static int lock_to_use(struct pages *pages)
{
	struct account_book *book;
	int rc;

	rc = mutex_lock_killable(&pages->lock);
	if (rc || likely(!pages->offered))
		return rc;
	book = pages->account->book;
	mutex_unlock(&pages->lock);
	rc = mutex_lock_killable(&book->handover);
	if (rc)
		return rc;
	/* Nothing is offered now. */
	rc = mutex_lock_killable(&pages->lock);
	mutex_unlock(&book->handover);
	return rc;
}

/**
 * pages_use - pin and charge the pages of a range that are not yet, and
 *	remember where they are
 * @pages: the pages
 * @first: first page
 * @last: last page
 * @reason: for which request
 *
 * Context: may fault in user memory, which may take for ever; no lock of the
 * module may be held but io_pagetable.domains_lock.
 * Return: 0; -ENOMEM if RLIMIT_MEMLOCK would be exceeded or memory is short;
 * what a policy that is to pay answers, or -EPROTO if that is outside its
 * contract; -EFAULT if part of the range is not mapped, cannot be pinned, or its
 * address space is gone, also if nobody would have paid for it; -EOPNOTSUPP or
 * -EBUSY for memory of devices that cannot be pinned for long; -EINVAL if the
 * range leaves the file; -ENOSPC if the file system is full; -EAGAIN if memory
 * of a kind no policy has judged appeared; -EINTR on a fatal signal. Nothing is
 * pinned or charged by a failure.
 */
int pages_use(struct pages *pages, unsigned long first, unsigned long last,
	      const struct policy_reason *reason)
{
	int rc;

	rc = lock_to_use(pages);
	if (rc)
		return rc;
	if (!pages->whole)
		rc = acquire(pages, first, last, reason);
	if (!rc && is_whole(pages, first, last)) {
		pages->whole++;
	} else if (!rc) {
		rc = uses_add(&pages->uses, first, last);
		if (rc && !pages->whole)
			release(pages, first, last);
	}
	mutex_unlock(&pages->lock);
	return rc;
}

/**
 * pages_unuse - undo pages_use(), unpin what nobody uses now; cannot fail
 * @pages: the pages
 * @first: as given to pages_use()
 * @last: likewise; mapped by no domain through this use any more, IOTLBs
 *	flushed
 */
void pages_unuse(struct pages *pages, unsigned long first, unsigned long last)
{
	mutex_lock(&pages->lock);
	if (is_whole(pages, first, last))
		pages->whole--;
	else
		uses_remove(&pages->uses, first, last);
	if (!pages->whole)
		release(pages, first, last);
	mutex_unlock(&pages->lock);
}

/**
 * pages_list - the struct pages of a range
 * @pages: the pages
 * @first: first page; the caller uses the range
 * @last: last page
 * @list: out: one for each
 */
void pages_list(const struct pages *pages, unsigned long first,
		unsigned long last, struct page **list)
{
	unsigned long index = first, pfn, run, i;

	while (index <= last) {
		run = pfn_table_run(&pages->table, index, last - index + 1,
				    &pfn);
		for (i = 0; i < run; i++)
			*list++ = pfn_to_page(pfn + i);
		index += run;
		cond_resched();
	}
}

/**
 * pages_init - once, when the module is loaded
 * @size: of what struct pages is the first member of
 *
 * Return: 0, or -ENOMEM.
 */
int pages_init(size_t size)
{
	int rc = pin_wide_init();

	if (rc)
		return rc;
	pages_cache = kmem_cache_create("iommufd_pages", size,
					__alignof__(struct pages), SLAB_ACCOUNT,
					NULL);
	if (!pages_cache)
		pin_wide_exit();
	return pages_cache ? 0 : -ENOMEM;
}

/**
 * pages_exit - undo pages_init()
 */
void pages_exit(void)
{
	kmem_cache_destroy(pages_cache);
	pin_wide_exit();
}

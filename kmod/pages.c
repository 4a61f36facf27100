// SPDX-License-Identifier: GPL-2.0-only
/* User memory that areas map: pinned once, its physical runs remembered. */
#include <linux/capability.h>
#include <linux/hugetlb.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include "account.h"
#include "compat/mm.h"
#include "pages.h"
#include "iommufd_policy.h"

/* Page pointers asked for at a time: few without, many with an allocation. */
#define SMALL_BATCH 16
#define LARGE_BATCH 2048

static struct kmem_cache *pages_cache;

/**
 * pages_create - describe user memory of the calling process
 * @book: accounts of the context
 * @per_process: charge the process rather than the user
 * @uptr: user address, of any alignment
 * @length: bytes, at least 1, within the address space
 * @writable: the device may be allowed to write
 * @kinds: bits of enum iommufd_policy_mem that may be pinned
 *
 * Nothing is pinned or charged yet.
 *
 * Return: the pages with one reference, or ERR_PTR(-ENOMEM).
 */
struct pages *pages_create(struct account_book *book, bool per_process,
			   unsigned long uptr, unsigned long length,
			   bool writable, u8 kinds)
{
	unsigned long first_vpn = uptr >> PAGE_SHIFT;
	unsigned long last_vpn = (uptr + length - 1) >> PAGE_SHIFT;
	struct pages *pages;

	pages = kmem_cache_alloc(pages_cache, GFP_KERNEL_ACCOUNT);
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
	pages->uptr = first_vpn << PAGE_SHIFT;
	pfn_table_init(&pages->table, first_vpn, last_vpn - first_vpn + 1);
	return pages;
}

static bool in_use(const struct pages *pages)
{
	return pages->whole || !uses_empty(&pages->uses);
}

/**
 * pages_put - drop a reference
 * @pages: freed with the last one; not in use then
 */
void pages_put(struct pages *pages)
{
	if (!refcount_dec_and_test(&pages->refs))
		return;
	WARN_ON(in_use(pages));
	account_put(pages->account);
	kmem_cache_free(pages_cache, pages);
}

/* The kinds that a VMA may have been seen as which this page came from. */
static u8 folio_kinds(struct folio *folio)
{
	struct address_space *mapping;

	if (folio_test_hugetlb(folio))
		return IOMMUFD_POLICY_MEM_HUGETLB;
	if (folio_test_anon(folio))
		return IOMMUFD_POLICY_MEM_ANON;
	/* A file may be truncated and go: what it was stays under RCU. */
	guard(rcu)();
	mapping = folio_mapping(folio);
	/* Memory of a driver, whose VMA says so or does not. */
	if (!mapping)
		return IOMMUFD_POLICY_MEM_PFNMAP | IOMMUFD_POLICY_MEM_FILE;
	return shmem_mapping(mapping) ? IOMMUFD_POLICY_MEM_SHMEM :
					IOMMUFD_POLICY_MEM_FILE;
}

/* A policy has judged the kinds of memory; what came since is not covered. */
static bool kinds_allowed(const struct pages *pages, struct page **batch,
			  unsigned long nr)
{
	struct folio *folio = NULL;
	unsigned long i;

	if (pages->kinds == U8_MAX)
		return true;
	for (i = 0; i < nr; i++) {
		if (page_folio(batch[i]) == folio)
			continue;
		folio = page_folio(batch[i]);
		if (!(folio_kinds(folio) & pages->kinds))
			return false;
	}
	return true;
}

static void unpin_run(const struct pages *pages, unsigned long pfn,
		      unsigned long nr)
{
	unpin_user_page_range_dirty_lock(pfn_to_page(pfn), nr, pages->writable);
}

static void unpin_pages(struct pages *pages, unsigned long first,
			unsigned long last)
{
	unsigned long index = first, pfn, run;

	while (index <= last) {
		run = pfn_table_run(&pages->table, index, last - index + 1,
				    &pfn);
		unpin_run(pages, pfn, run);
		index += run;
		cond_resched();
	}
	pfn_table_clear(&pages->table, first, last - first + 1);
}

static long pin_batch(const struct pages *pages, unsigned long index,
		      unsigned long nr, struct page **batch)
{
	unsigned int flags = FOLL_LONGTERM |
			     (pages->writable ? FOLL_WRITE : 0);
	unsigned long addr = pages->uptr + (index << PAGE_SHIFT);
	struct mm_struct *mm = pages->account->mm;
	int locked = 1;
	long got;

	if (fatal_signal_pending(current))
		return -EINTR;
	if (mm == current->mm) {
		got = pin_user_pages_fast(addr, nr, flags, batch);
	} else {
		if (!mmget_not_zero(mm))
			return -EFAULT;
		mmap_read_lock(mm);
		got = pin_user_pages_remote(mm, addr, nr, flags, batch,
					    &locked);
		if (locked)
			mmap_read_unlock(mm);
		mmput(mm);
	}
	return got ?: -EFAULT;
}

/*
 * A physical run grows over batches and is entered into the table when it
 * ends, so that a chunk that is one run never needs a leaf.
 */
struct run {
	unsigned long index;
	unsigned long pfn;
	unsigned long nr;
};

static int enter_run(struct pages *pages, const struct run *run)
{
	return pfn_table_set(&pages->table, run->index, run->pfn, run->nr);
}

static unsigned long contiguous(struct page **pages, unsigned long nr)
{
	unsigned long n = 1;

	while (n < nr && pages[n] == compat_nth_page(pages[0], n))
		n++;
	return n;
}

/**
 * struct batch - room for what one call of GUP answers
 * @size: pages that fit
 * @list: the answer; @small, or allocated
 * @small: enough for small requests
 */
struct batch {
	unsigned long size;
	struct page **list;
	struct page *small[SMALL_BATCH];
};

#ifdef IOMMUFD_TEST_BUILD
/* The most pages to be pinned at a time; 0: as many as fit. */
unsigned int pages_test_batch;
#else
#define pages_test_batch 0
#endif

static void batch_init(struct batch *batch, unsigned long total)
{
	batch->list = NULL;
	batch->size = LARGE_BATCH;
	if (total > SMALL_BATCH)
		batch->list = kmalloc_array(min(total, LARGE_BATCH),
					    sizeof(*batch->list),
					    GFP_KERNEL | __GFP_NOWARN);
	/* A large request works with the small one too, if more slowly. */
	if (!batch->list) {
		batch->list = batch->small;
		batch->size = SMALL_BATCH;
	}
	if (pages_test_batch)
		batch->size = min(batch->size, pages_test_batch);
}

static void batch_free(struct batch *batch)
{
	if (batch->list != batch->small)
		kfree(batch->list);
}

static int pin_pages(struct pages *pages, unsigned long first,
		     unsigned long last, struct batch *batch)
{
	struct page **list = batch->list;
	unsigned long index = first;
	struct run run = {};
	long got, i = 0;
	int rc;

	while (index <= last) {
		got = pin_batch(pages, index,
				min(last - index + 1, batch->size), list);
		i = 0;
		rc = got;
		if (got < 0) {
			got = 0;
			goto undo;
		}
		rc = -EAGAIN;
		if (!kinds_allowed(pages, list, got))
			goto undo;

		while (i < got) {
			unsigned long pfn = page_to_pfn(list[i]);
			unsigned long nr = contiguous(list + i, got - i);

			if (run.nr && pfn == run.pfn + run.nr) {
				run.nr += nr;
			} else {
				rc = enter_run(pages, &run);
				if (rc)
					goto undo;
				run = (struct run){ index + i, pfn, nr };
			}
			i += nr;
		}
		index += got;
		cond_resched();
	}
	rc = enter_run(pages, &run);
	if (!rc)
		return 0;

undo:
	/* Behind the table: the open run, then the rest of the batch. */
	if (i < got)
		unpin_user_pages(list + i, got - i);
	if (run.nr) {
		unpin_run(pages, run.pfn, run.nr);
		if (run.index > first)
			unpin_pages(pages, first, run.index - 1);
	}
	return rc;
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
	}
	return nr;
}

static void unpin_unused(struct pages *pages, unsigned long first,
			 unsigned long last)
{
	unsigned long cursor = first, gap_last;

	while (uses_next_gap(&pages->uses, &cursor, last, &gap_last)) {
		unpin_pages(pages, cursor, gap_last);
		cursor = gap_last + 1;
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
		rc = pin_pages(pages, cursor, gap_last, &batch);
		if (rc)
			break;
		cursor = gap_last + 1;
	}
	batch_free(&batch);
	if (rc && cursor > first)
		unpin_unused(pages, first, cursor - 1);
	return rc;
}

/* Nobody uses all pages: those of the range in no use have to be pinned. */
static int acquire(struct pages *pages, unsigned long first, unsigned long last)
{
	unsigned long total = count_unused(pages, first, last);
	int rc;

	if (!total)
		return 0;
	rc = account_charge(pages->account, pages->mode, total);
	if (rc)
		return rc;
	/* Not before: what is not pinned is not charged, and costs nothing. */
	if (!in_use(pages)) {
		rc = pfn_table_alloc(&pages->table);
		if (rc)
			goto uncharge;
	}
	rc = pin_unused(pages, first, last, total);
	if (!rc)
		return 0;
	if (!in_use(pages))
		pfn_table_free(&pages->table);
uncharge:
	account_uncharge(pages->account, pages->mode, total);
	return rc;
}

/* Nobody uses all pages: those of the range in no use can go. */
static void release(struct pages *pages, unsigned long first,
		    unsigned long last)
{
	unsigned long total = count_unused(pages, first, last);

	unpin_unused(pages, first, last);
	if (!in_use(pages))
		pfn_table_free(&pages->table);
	if (total)
		account_uncharge(pages->account, pages->mode, total);
}

static bool is_whole(const struct pages *pages, unsigned long first,
		     unsigned long last)
{
	return !first && last == pages->table.nr_pages - 1;
}

/**
 * pages_use - pin and charge the pages of a range that are not yet, and
 *	remember where they are
 * @pages: the pages
 * @first: first page
 * @last: last page
 *
 * Context: may fault in user memory, which may take for ever; no lock of the
 * module may be held but io_pagetable.domains_lock.
 * Return: 0; -ENOMEM if RLIMIT_MEMLOCK would be exceeded or memory is short;
 * -EFAULT if part of the range is not mapped, cannot be pinned, or its address
 * space is gone; -EAGAIN if memory of a kind no policy has judged appeared;
 * -EINTR on a fatal signal. Nothing is pinned or charged by a failure.
 */
int pages_use(struct pages *pages, unsigned long first, unsigned long last)
{
	int rc;

	rc = mutex_lock_killable(&pages->lock);
	if (rc)
		return rc;
	if (!pages->whole)
		rc = acquire(pages, first, last);
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

/*
 * A driver that runs out of memory in the middle of a run, as Intel's of 6.12,
 * may leave in place what it had mapped and not say so: a device could reach
 * memory that is not pinned any more. Only what is there is unmapped: asked for
 * a hole, that driver takes neighbours along.
 */
static void unmap_remains(struct iommu_domain *domain, unsigned long iova,
			  unsigned long length)
{
	unsigned long step = 1UL << __ffs(domain->pgsize_bitmap);
	unsigned long i, n;

	for (i = 0; i < length; i += n + step) {
		n = 0;
		while (i + n < length &&
		       iommu_iova_to_phys(domain, iova + i + n))
			n += step;
		if (n)
			iommu_unmap(domain, iova + i, n);
		cond_resched();
	}
}

/**
 * pages_map - map part of the pages into a domain
 * @pages: the pages
 * @offset: first byte, counted from pages->uptr
 * @length: bytes; the caller uses the pages they are in
 * @domain: no mapping at the range yet
 * @iova: where to
 * @prot: IOMMU_READ and so on
 * @huge_pages: the domain may use its larger page sizes
 *
 * Return: 0, or the error of iommu_map(), or -EINTR on a fatal signal; nothing
 * of the range is mapped then.
 */
int pages_map(struct pages *pages, unsigned long offset, unsigned long length,
	      struct iommu_domain *domain, unsigned long iova, int prot,
	      bool huge_pages)
{
	unsigned long done = 0;
	int rc;

	while (done < length) {
		unsigned long in_page = offset_in_page(offset + done);
		unsigned long bytes, pfn, nr;

		nr = huge_pages ? PAGE_ALIGN(in_page + length - done) >>
				  PAGE_SHIFT : 1;
		nr = pfn_table_run(&pages->table, (offset + done) >> PAGE_SHIFT,
				   nr, &pfn);
		bytes = min((nr << PAGE_SHIFT) - in_page, length - done);
		rc = -EINTR;
		if (fatal_signal_pending(current))
			goto undo;
		rc = iommu_map(domain, iova + done, PFN_PHYS(pfn) + in_page,
			       bytes, prot, GFP_KERNEL_ACCOUNT);
		if (rc) {
			unmap_remains(domain, iova + done, bytes);
			goto undo;
		}
		done += bytes;
		cond_resched();
	}
	return 0;

undo:
	if (done)
		iommu_unmap(domain, iova, done);
	return rc;
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

/* What pages not in use are like; the allocator need not clear them then. */
static void construct(void *p)
{
	struct pages *pages = p;

	mutex_init(&pages->lock);
	pages->whole = 0;
	uses_init(&pages->uses);
}

/**
 * pages_init - once, when the module is loaded
 * @size: of what struct pages is the first member of
 *
 * Return: 0, or -ENOMEM.
 */
int pages_init(size_t size)
{
	pages_cache = kmem_cache_create("iommufd_pages", size,
					__alignof__(struct pages), SLAB_ACCOUNT,
					construct);
	return pages_cache ? 0 : -ENOMEM;
}

/**
 * pages_exit - undo pages_init()
 */
void pages_exit(void)
{
	kmem_cache_destroy(pages_cache);
}

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
	pages->pinned = false;
	pages->kinds = kinds;
	pages->uptr = first_vpn << PAGE_SHIFT;
	pages->nr_pages = last_vpn - first_vpn + 1;
	return pages;
}

/**
 * pages_put - drop a reference
 * @pages: freed with the last one; must not be pinned then
 */
void pages_put(struct pages *pages)
{
	if (!refcount_dec_and_test(&pages->refs))
		return;
	WARN_ON(pages->pinned);
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

static void unpin_first(struct pages *pages, unsigned long nr)
{
	unsigned long index = 0, pfn, run;

	while (index < nr) {
		run = pfn_table_run(&pages->table, index, nr - index, &pfn);
		unpin_run(pages, pfn, run);
		index += run;
		cond_resched();
	}
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

	while (n < nr && pages[n] == nth_page(pages[0], n))
		n++;
	return n;
}

static int pin_all(struct pages *pages, struct page **batch,
		   unsigned long batch_size)
{
	unsigned long total = pages->nr_pages, index = 0;
	struct run run = {};
	long got, i = 0;
	int rc;

	while (index < total) {
		got = pin_batch(pages, index, min(total - index, batch_size),
				batch);
		i = 0;
		rc = got;
		if (got < 0) {
			got = 0;
			goto undo;
		}
		rc = -EAGAIN;
		if (!kinds_allowed(pages, batch, got))
			goto undo;

		while (i < got) {
			unsigned long pfn = page_to_pfn(batch[i]);
			unsigned long nr = contiguous(batch + i, got - i);

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
		unpin_user_pages(batch + i, got - i);
	if (run.nr)
		unpin_run(pages, run.pfn, run.nr);
	unpin_first(pages, run.index);
	return rc;
}

/**
 * pages_pin - pin and charge all pages, and remember where they are
 * @pages: not pinned; the caller has its area busy or has just created it
 *
 * Context: may fault in user memory, which may take for ever; no lock of the
 * module may be held but io_pagetable.domains_lock.
 * Return: 0; -ENOMEM if RLIMIT_MEMLOCK would be exceeded or memory is short;
 * -EFAULT if part of the range is not mapped, cannot be pinned, or its address
 * space is gone; -EAGAIN if memory of a kind no policy has judged appeared;
 * -EINTR on a fatal signal. Nothing is pinned or charged after a failure.
 */
int pages_pin(struct pages *pages)
{
	unsigned long total = pages->nr_pages;
	struct page *small[SMALL_BATCH], **batch = NULL;
	int rc;

	rc = account_charge(pages->account, pages->mode, total);
	if (rc)
		return rc;
	/* Not before: what is not pinned is not charged, and costs nothing. */
	rc = pfn_table_init(&pages->table, pages->uptr >> PAGE_SHIFT, total);
	if (rc)
		goto uncharge;

	if (total > SMALL_BATCH)
		batch = kmalloc_array(min(total, LARGE_BATCH), sizeof(*batch),
				      GFP_KERNEL | __GFP_NOWARN);
	if (batch)
		rc = pin_all(pages, batch, LARGE_BATCH);
	else
		rc = pin_all(pages, small, SMALL_BATCH);
	kfree(batch);
	if (rc)
		goto destroy;
	pages->pinned = true;
	return 0;

destroy:
	pfn_table_destroy(&pages->table);
uncharge:
	account_uncharge(pages->account, pages->mode, total);
	return rc;
}

/**
 * pages_unpin - give back what pages_pin() took; cannot fail
 * @pages: pinned; mapped by no domain any more, IOTLBs flushed
 */
void pages_unpin(struct pages *pages)
{
	unpin_first(pages, pages->nr_pages);
	pages->pinned = false;
	pfn_table_destroy(&pages->table);
	account_uncharge(pages->account, pages->mode, pages->nr_pages);
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
 * @pages: pinned
 * @offset: first byte, counted from pages->uptr
 * @length: bytes, within the pages
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
 * pages_init - once, when the module is loaded
 *
 * Return: 0, or -ENOMEM.
 */
int pages_init(void)
{
	pages_cache = kmem_cache_create("iommufd_pages", sizeof(struct pages),
					__alignof__(struct pages), SLAB_ACCOUNT,
					NULL);
	return pages_cache ? 0 : -ENOMEM;
}

/**
 * pages_exit - undo pages_init()
 */
void pages_exit(void)
{
	kmem_cache_destroy(pages_cache);
}

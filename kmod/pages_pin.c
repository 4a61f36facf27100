// SPDX-License-Identifier: GPL-2.0-only
/* Getting hold of user memory: of an address space by GUP, or of a file. */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pkeys.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/userfaultfd_k.h>

#include "account.h"
#include "compat/mm.h"
#include "iommufd_policy.h"
#include "leaf.h"
#include "pages.h"
#include "pages_pin.h"

/* Page pointers asked for at a time when there is much to do. */
#define LARGE_BATCH 2048

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

/* Neighbours are given back by one call, and so are pages that have none. */
static void unpin_leaf(const struct pages *pages, const u64 *pfns,
		       unsigned long nr)
{
	struct page *alone[SMALL_BATCH] __uninitialized;
	unsigned long i, run, nr_alone = 0;

	for (i = 0; i < nr; i += run) {
		run = 1;
		while (i + run < nr && pfns[i + run] == pfns[i] + run)
			run++;
		if (run > 1) {
			unpin_run(pages, pfns[i], run);
			continue;
		}
		alone[nr_alone++] = pfn_to_page(pfns[i]);
		if (nr_alone == SMALL_BATCH) {
			unpin_user_pages_dirty_lock(alone, nr_alone,
						    pages->writable);
			nr_alone = 0;
		}
	}
	unpin_user_pages_dirty_lock(alone, nr_alone, pages->writable);
}

/**
 * unpin_pages - undo pin_pages(); the table still has them
 * @pages: the pages
 * @first: first page
 * @last: last page
 *
 * Context: pages->lock is held.
 */
void unpin_pages(struct pages *pages, unsigned long first, unsigned long last)
{
	unsigned long index = first, pfn, nr;
	const u64 *pfns;

	while (index <= last) {
		pfns = pfn_table_leaf(&pages->table, index, last - index + 1,
				      &nr);
		if (pfns) {
			unpin_leaf(pages, pfns, nr);
		} else {
			nr = pfn_table_run(&pages->table, index,
					   last - index + 1, &pfn);
			unpin_run(pages, pfn, nr);
		}
		index += nr;
		cond_resched();
	}
}

static bool interrupted(const bool *stop)
{
	return stop ? READ_ONCE(*stop) : fatal_signal_pending(current);
}

/*
 * A page fault there waits for the kernel only: for memory and for swap. That
 * the caller may use a protection key, only the caller knows.
 */
static bool faults_promptly(struct vm_area_struct *vma)
{
	if (userfaultfd_armed(vma) || vma_pkey(vma))
		return false;
	return vma_is_anonymous(vma) || is_vm_hugetlb_page(vma) ||
	       (vma->vm_file && shmem_mapping(vma->vm_file->f_mapping));
}

/*
 * For who cannot be killed. Who has the mmap lock may be waiting for user space,
 * so that is not waited for either.
 */
static long pin_promptly(unsigned long addr, unsigned long nr,
			 unsigned int flags, struct page **batch,
			 const bool *stop)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	long got = -EFAULT;

	while (!mmap_read_trylock(mm)) {
		if (interrupted(stop))
			return -EINTR;
		usleep_range(50, 100);
	}
	vma = vma_lookup(mm, addr);
	if (vma && !faults_promptly(vma)) {
		got = -EAGAIN;
	} else if (vma) {
		nr = min(nr, (vma->vm_end - addr) >> PAGE_SHIFT);
		got = pin_user_pages(addr, nr, flags, batch);
	}
	mmap_read_unlock(mm);
	return got;
}

static unsigned long user_address(const struct pages *pages,
				  unsigned long index)
{
	return pages->uptr + (index << PAGE_SHIFT);
}

/*
 * Of any process, as long as it lives. If it ends meanwhile, its address space is
 * left to others to take apart: that waits for its asynchronous IO.
 */
static long pin_remote(struct mm_struct *mm, unsigned long addr,
		       unsigned long nr, unsigned int flags,
		       struct page **list)
{
	int locked = 1;
	long got;

	if (!mmget_not_zero(mm))
		return -EFAULT;
	got = mmap_read_lock_killable(mm);
	if (!got) {
		got = pin_user_pages_remote(mm, addr, nr, flags, list, &locked);
		if (locked)
			mmap_read_unlock(mm);
	}
	mmput_async(mm);
	return got;
}

static long pin_batch(const struct pages *pages, unsigned long index,
		      unsigned long nr, struct page **batch, const bool *stop)
{
	unsigned int flags = FOLL_LONGTERM |
			     (pages->writable ? FOLL_WRITE : 0);
	unsigned long addr = user_address(pages, index);
	struct mm_struct *mm = pages->account->mm;
	long got;

	if (interrupted(stop))
		return -EINTR;
	if (stop)
		got = pin_promptly(addr, nr, flags, batch, stop);
	else if (mm == current->mm)
		got = pin_user_pages_fast(addr, nr, flags, batch);
	else
		got = pin_remote(mm, addr, nr, flags, batch);
	if (got > 0 && !kinds_allowed(pages, batch, got)) {
		unpin_user_pages(batch, got);
		return -EAGAIN;
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

static int add_run(struct pages *pages, struct run *run, unsigned long index,
		   unsigned long pfn, unsigned long nr)
{
	int rc;

	if (run->nr && pfn == run->pfn + run->nr) {
		run->nr += nr;
		return 0;
	}
	rc = enter_run(pages, run);
	if (!rc)
		*run = (struct run){ index, pfn, nr };
	return rc;
}

/* What is in the table, and behind it the open run. */
static void unpin_runs(struct pages *pages, unsigned long first,
		       const struct run *run)
{
	if (!run->nr)
		return;
	unpin_run(pages, run->pfn, run->nr);
	if (run->index > first)
		unpin_pages(pages, first, run->index - 1);
}

static unsigned long contiguous(struct page **pages, unsigned long nr)
{
	unsigned long n = 1;

	while (n < nr && pages[n] == compat_nth_page(pages[0], n))
		n++;
	return n;
}

#ifdef IOMMUFD_TEST_BUILD
/* The most pages to be pinned at a time; 0: as many as fit. */
unsigned int pages_test_batch;
#else
#define pages_test_batch 0
#endif

/**
 * batch_init - make ready for answers of GUP
 * @batch: to initialise
 * @total: pages there will be in all, or asked for at a time
 */
void batch_init(struct batch *batch, unsigned long total)
{
	batch->stop = NULL;
	batch->list = batch->small;
	batch->size = min(total, LARGE_BATCH);
	if (pages_test_batch)
		batch->size = min(batch->size, pages_test_batch);
}

/* Huge pages take none: it is allocated when there is something to put in. */
static void batch_make_room(struct batch *batch)
{
	if (batch->list != batch->small)
		return;
	batch->list = kmalloc_array(batch->size, sizeof(*batch->list),
				    GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	/* A large request works with the small one too, if more slowly. */
	if (!batch->list) {
		batch->list = batch->small;
		batch->size = SMALL_BATCH;
	}
}

/**
 * batch_free - undo batch_init()
 * @batch: the room
 */
void batch_free(struct batch *batch)
{
	if (batch->list != batch->small)
		kfree(batch->list);
}

/* The first of them is pinned: each is to be. All are of its folio. */
static long take_pages(struct pages *pages, unsigned long index,
		       struct page *page, unsigned long nr, struct run *run)
{
	unsigned long pfn = page_to_pfn(page);
	int rc;

	rc = compat_folio_add_pins(page_folio(page), nr - 1);
	if (rc) {
		unpin_user_page(page);
		return rc;
	}
	rc = add_run(pages, run, index, pfn, nr);
	if (rc) {
		unpin_run(pages, pfn, nr);
		return rc;
	}
	return nr;
}

/* What of a huge page is in the request, if @page is part of one. */
static long take_huge_page(struct pages *pages, unsigned long index,
			   unsigned long last, struct page *page,
			   struct run *run)
{
	unsigned long nr = leaf_pages(user_address(pages, index), page,
				      pages->writable);

	return take_pages(pages, index, page, min(nr, last - index + 1), run);
}

static long take_small_pages(struct pages *pages, unsigned long index,
			     struct page **list, long nr, struct run *run)
{
	long i = 0;
	int rc;

	while (i < nr) {
		unsigned long n = contiguous(list + i, nr - i);

		rc = add_run(pages, run, index + i, page_to_pfn(list[i]), n);
		if (rc) {
			unpin_user_pages(list + i, nr - i);
			return rc;
		}
		i += n;
	}
	return nr;
}

/* It takes a look at each, which does not pay for a few pages. */
static bool may_be_huge(const struct pages *pages, unsigned long nr)
{
	return COMPAT_LEAVES && nr > SMALL_BATCH &&
	       pages->account->mm == current->mm;
}

/* How many small pages to ask for next; 0: for the first of a huge one. */
static unsigned long next_batch(const struct pages *pages, unsigned long index,
				unsigned long last, struct batch *batch,
				bool after_huge)
{
	unsigned long nr = min(last - index + 1, batch->size);

	if (may_be_huge(pages, last - index + 1)) {
		/* Huge pages are rarely alone. */
		if (after_huge)
			return 0;
		nr = leaf_small_pages(user_address(pages, index), nr,
				      pages->writable);
	}
	if (nr > SMALL_BATCH)
		batch_make_room(batch);
	return min(nr, batch->size);
}

static int pin_memory(struct pages *pages, unsigned long first,
		      unsigned long last, struct batch *batch, struct run *run)
{
	unsigned long index = first, nr;
	bool after_huge = false;
	long got;

	while (index <= last) {
		nr = next_batch(pages, index, last, batch, after_huge);
		got = pin_batch(pages, index, nr ?: 1, batch->list,
				batch->stop);
		if (got < 0)
			return got;
		if (nr)
			got = take_small_pages(pages, index, batch->list, got,
					       run);
		else
			got = take_huge_page(pages, index, last,
					     batch->list[0], run);
		if (got < 0)
			return got;
		after_huge = !nr && got > 1;
		index += got;
		cond_resched();
	}
	return 0;
}

static long take_folio(struct pages *pages, unsigned long index,
		       unsigned long last, struct folio *folio,
		       unsigned long skip, struct run *run)
{
	unsigned long nr = min(folio_nr_pages(folio) - skip, last - index + 1);

	return take_pages(pages, index, folio_page(folio, skip), nr, run);
}

static int pin_file(struct pages *pages, unsigned long first,
		    unsigned long last, struct batch *batch, struct run *run)
{
	loff_t start = pages->uptr, end = start + (last << PAGE_SHIFT);
	unsigned long index = first;
	pgoff_t offset = 0;
	long got, i, nr;

	if (batch->size > SMALL_BATCH)
		batch_make_room(batch);
	while (index <= last) {
		if (interrupted(batch->stop))
			return -EINTR;
		got = memfd_pin_folios(pages->file,
				       start + (index << PAGE_SHIFT), end,
				       batch->folios, batch->size, &offset);
		if (got <= 0)
			return got ?: -EFAULT;
		for (i = 0; i < got; i++) {
			nr = take_folio(pages, index, last, batch->folios[i],
					offset >> PAGE_SHIFT, run);
			if (nr < 0) {
				unpin_folios(batch->folios + i + 1,
					     got - i - 1);
				return nr;
			}
			index += nr;
			offset = 0;
		}
		cond_resched();
	}
	return 0;
}

/**
 * pin_pages - pin pages and enter them in the table
 * @pages: the pages
 * @first: first page
 * @last: last page; none of the range is pinned
 * @batch: room
 *
 * Context: pages->lock is held, maybe by who waits for this; may fault in user
 * memory. With @batch->stop, current->mm is the address space.
 * Return: 0; the errors of pages_use(); with @batch->stop, -EINTR once that is
 * true, and -EAGAIN if the memory is not for who cannot wait. Nothing is pinned
 * then.
 */
int pin_pages(struct pages *pages, unsigned long first, unsigned long last,
	      struct batch *batch)
{
	struct run run = {};
	int rc;

	if (pages->file)
		rc = pin_file(pages, first, last, batch, &run);
	else
		rc = pin_memory(pages, first, last, batch, &run);
	if (!rc)
		rc = enter_run(pages, &run);
	if (rc)
		unpin_runs(pages, first, &run);
	return rc;
}

/**
 * pin_page - pin_pages() for one page of memory of a process
 * @pages: the pages
 * @index: which
 *
 * Context: as pin_pages().
 * Return: as pin_pages().
 */
int pin_page(struct pages *pages, unsigned long index)
{
	struct page *page __uninitialized;
	long got = pin_batch(pages, index, 1, &page, NULL);
	int rc;

	if (got < 0)
		return got;
	rc = pfn_table_set(&pages->table, index, page_to_pfn(page), 1);
	if (rc)
		unpin_user_page(page);
	return rc;
}

/**
 * pin_only_page - pin_pages() for memory of the calling process that is one page
 * @pages: the pages
 *
 * Context: as pin_pages().
 * Return: as pin_pages().
 */
int pin_only_page(struct pages *pages)
{
	struct page *page __uninitialized;
	long got = pin_batch(pages, 0, 1, &page, NULL);

	if (got < 0)
		return got;
	pfn_table_set_only(&pages->table, page_to_pfn(page));
	return 0;
}

/**
 * unpin_only_page - unpin_pages() for memory that is one page
 * @pages: the pages
 *
 * Context: as unpin_pages().
 */
void unpin_only_page(struct pages *pages)
{
	unpin_run(pages, pfn_table_get(&pages->table, 0), 1);
}

static long pin_file_page(const struct pages *pages, unsigned long index,
			  struct page **page)
{
	loff_t start = pages->uptr + (index << PAGE_SHIFT);
	struct folio *folio;
	pgoff_t offset;
	long got;

	got = memfd_pin_folios(pages->file, start, start, &folio, 1, &offset);
	if (got == 1)
		*page = folio_page(folio, offset >> PAGE_SHIFT);
	return got;
}

/**
 * pin_page_briefly - get hold of a page that need not be pinned
 * @pages: the pages
 * @index: which
 * @write: it will be written
 *
 * Context: may fault in user memory.
 * Return: the page, for unpin_user_page(); ERR_PTR(-EFAULT) if there is none
 * or its address space is gone; other errors of GUP.
 */
struct page *pin_page_briefly(struct pages *pages, unsigned long index,
			      bool write)
{
	struct page *page;
	long got;

	if (pages->file)
		got = pin_file_page(pages, index, &page);
	else
		got = pin_remote(pages->account->mm,
				 user_address(pages, index), 1,
				 write ? FOLL_WRITE : 0, &page);
	if (got < 0)
		return ERR_PTR(got);
	return got ? page : ERR_PTR(-EFAULT);
}

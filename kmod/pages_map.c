// SPDX-License-Identifier: GPL-2.0-only
/* User memory in a domain. */
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include "compat/compat.h"
#include "pages.h"

/* Runs mapped at a time, with one flush: as many as the stack has room for. */
#define RUNS_BATCH 32
/* The length of an entry has 32 bits; a longer run gets more of them. */
#define ENTRY_PAGES (SZ_2G >> PAGE_SHIFT)

/**
 * struct runs - physical runs that are to be mapped one behind the other
 * @bytes: of all of them
 * @nr: how many
 * @list: where they are
 */
struct runs {
	unsigned long bytes;
	unsigned int nr;
	struct scatterlist list[RUNS_BATCH];
};

/*
 * Neither a request that maps nor one that unmaps gives the IOMMU driver more
 * at a time, so that the CPU is not kept for long, and that the IOMMU core takes
 * back after a failure what pages_unmap() could: see compat_unmap_step(). IO
 * pages larger than 1 GiB are not mapped.
 */
static unsigned long one_step(unsigned long iova, unsigned long length)
{
	return compat_unmap_step(iova,
				 min(length, SZ_1G - (iova & (SZ_1G - 1))));
}

/**
 * pages_unmap - unmap a range from a domain, and flush it
 * @domain: all of the range is mapped in it
 * @iova: first byte
 * @length: bytes
 *
 * The one way out of a domain: see compat_unmap_step(). Ranges that do not touch
 * take a call each. Before 6.19 virtio-iommu unmaps all that was mapped with one
 * call of iommu_map(), and cannot find what is in the middle of that: the next
 * step begins where the one before has ended.
 *
 * Context: may sleep.
 */
void pages_unmap(struct iommu_domain *domain, unsigned long iova,
		 unsigned long length)
{
	unsigned long done = 0, step, unmapped;

	while (done < length) {
		step = one_step(iova + done, length - done);
		unmapped = iommu_unmap(domain, iova + done, step);
		WARN_ON(unmapped < step || unmapped > length - done);
		done += max(unmapped, step);
		cond_resched();
	}
}

static void add_run(struct runs *runs, struct page *page, unsigned int bytes,
		    unsigned int in_page)
{
	struct scatterlist *entry = &runs->list[runs->nr++];

	*entry = (struct scatterlist){};
	sg_set_page(entry, page, bytes, in_page);
	runs->bytes += bytes;
}

/*
 * As many runs as fit. The IOMMU core joins what follows each other: where each
 * page is to be mapped alone, those that have a neighbour behind them are the
 * last.
 */
static void gather(const struct pages *pages, unsigned long offset,
		   unsigned long length, bool huge_pages, struct runs *runs)
{
	unsigned long most = huge_pages ? ENTRY_PAGES : 2;
	bool last = false;

	runs->bytes = 0;
	runs->nr = 0;
	while (!last && runs->nr < RUNS_BATCH && runs->bytes < length) {
		unsigned long place = offset + runs->bytes;
		unsigned long in_page = offset_in_page(place);
		unsigned long left = length - runs->bytes;
		unsigned long nr, pfn;

		nr = min(PAGE_ALIGN(in_page + left) >> PAGE_SHIFT, most);
		nr = pfn_table_run(&pages->table, place >> PAGE_SHIFT, nr,
				   &pfn);
		if (!huge_pages && nr > 1) {
			last = true;
			nr = 1;
		}
		add_run(runs, pfn_to_page(pfn),
			min((nr << PAGE_SHIFT) - in_page, left), in_page);
	}
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
		       iommu_iova_to_phys(domain, iova + i + n)) {
			n += step;
			cond_resched();
		}
		if (n)
			pages_unmap(domain, iova + i, n);
		cond_resched();
	}
}

static int map_runs(struct iommu_domain *domain, unsigned long iova, int prot,
		    struct runs *runs)
{
	struct scatterlist *first = runs->list;
	ssize_t rc;

	if (runs->nr == 1) {
		rc = iommu_map(domain, iova, sg_phys(first), first->length,
			       prot, GFP_KERNEL_ACCOUNT);
	} else {
		sg_mark_end(&runs->list[runs->nr - 1]);
		rc = iommu_map_sg(domain, iova, first, runs->nr, prot,
				  GFP_KERNEL_ACCOUNT);
	}
	if (rc >= 0)
		return 0;
	unmap_remains(domain, iova, runs->bytes);
	return rc;
}

static int map_only_page(const struct pages *pages, unsigned long offset,
			 unsigned long length, struct iommu_domain *domain,
			 unsigned long iova, int prot)
{
	phys_addr_t phys = PFN_PHYS(pfn_table_get(&pages->table, 0));
	int rc = iommu_map(domain, iova, phys + offset, length, prot,
			   GFP_KERNEL_ACCOUNT);

	if (rc)
		unmap_remains(domain, iova, length);
	return rc;
}

/* What is on its stack is not for single pages to set up. */
static noinline int map_many_pages(const struct pages *pages,
				   unsigned long offset, unsigned long length,
				   struct iommu_domain *domain,
				   unsigned long iova, int prot,
				   bool huge_pages)
{
	struct runs runs __uninitialized;
	unsigned long done = 0;
	int rc;

	while (done < length) {
		rc = -EINTR;
		if (fatal_signal_pending(current))
			goto undo;
		gather(pages, offset + done,
		       one_step(iova + done, length - done), huge_pages, &runs);
		rc = map_runs(domain, iova + done, prot, &runs);
		if (rc)
			goto undo;
		done += runs.bytes;
		cond_resched();
	}
	return 0;

undo:
	if (done)
		pages_unmap(domain, iova, done);
	return rc;
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
	if (pfn_table_pages(&pages->table) == 1)
		return map_only_page(pages, offset, length, domain, iova, prot);
	return map_many_pages(pages, offset, length, domain, iova, prot,
			      huge_pages);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The floor: the kernel's primitives in a bare loop. There is no data structure
 * but an array of runs, no lock but the one around it all, no accounting.
 */
#include <linux/mm.h>

#include "primitives.h"

static u64 elapsed(struct floor *floor, u64 start)
{
	return ktime_get_ns() - start - floor->overhead;
}

/* How many of the next pages are of one large folio, and in its order */
static unsigned long folio_run(struct page **pages, unsigned long nr)
{
	struct folio *folio = page_folio(pages[0]);
	unsigned long left = folio_nr_pages(folio) -
			     folio_page_idx(folio, pages[0]);

	left = min(left, nr);
	/* Mappings of a large folio need not be as large. */
	while (left > 1 && pages[left - 1] != nth_page(pages[0], left - 1))
		left--;
	return left;
}

static void add_batch(struct floor *floor, unsigned long nr)
{
	struct run *run = floor->runs + floor->nr_runs;
	unsigned long i, step;

	for (i = 0; i < nr; i += step) {
		step = PageCompound(floor->pages[i]) ?
		       folio_run(floor->pages + i, nr - i) : 1;
		if (run != floor->runs &&
		    run[-1].page + run[-1].nr == floor->pages[i])
			run[-1].nr += step;
		else
			*run++ = (struct run){ floor->pages[i], step };
	}
	floor->nr_runs = run - floor->runs;
}

/* Runs are mapped one behind the other, up to but not including number @until */
static int map_runs(struct floor *floor, unsigned long until)
{
	struct run *run;
	size_t size;
	int rc;

	for (; floor->nr_mapped < until; floor->nr_mapped++) {
		run = &floor->runs[floor->nr_mapped];
		size = run->nr << PAGE_SHIFT;
		rc = iommu_map(floor->domain, floor->iova + floor->mapped,
			       page_to_phys(run->page), size,
			       IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE,
			       GFP_KERNEL_ACCOUNT);
		if (rc)
			return rc;
		floor->mapped += size;
	}
	return 0;
}

static int map_all(struct floor *floor, struct floor_range *range)
{
	unsigned long at = range->memory, end = at + range->length;
	long nr;
	int rc;

	for (; at < end; at += nr << PAGE_SHIFT) {
		if (floor->nr_runs > MAX_RUNS - BATCH)
			return -E2BIG;
		nr = pin_user_pages_fast(at, min((end - at) >> PAGE_SHIFT, BATCH),
					 FOLL_WRITE | FOLL_LONGTERM,
					 floor->pages);
		if (nr <= 0)
			return nr ?: -EFAULT;
		add_batch(floor, nr);
		/* The last one may go on in the next batch. */
		rc = map_runs(floor, floor->nr_runs - 1);
		if (rc)
			return rc;
	}
	return map_runs(floor, floor->nr_runs);
}

static void undo(struct floor *floor)
{
	unsigned long i;

	if (floor->mapped)
		iommu_unmap(floor->domain, floor->iova, floor->mapped);
	for (i = 0; i < floor->nr_runs; i++)
		unpin_user_page_range_dirty_lock(floor->runs[i].page,
						 floor->runs[i].nr, true);
	floor->mapped = 0;
	floor->nr_mapped = 0;
	floor->nr_runs = 0;
}

/**
 * primitives_map - pin memory and map it
 * @floor: nothing is mapped
 * @range: what and where; its cost is set
 *
 * Return: 0; -EBUSY: something is mapped; -EINVAL for a range that is empty, not
 * of whole pages or wraps; -E2BIG: more runs than there may be room for; the
 * errors of pinning and of iommu_map().
 */
int primitives_map(struct floor *floor, struct floor_range *range)
{
	u64 start;
	int rc;

	lockdep_assert_held(&floor->lock);
	if (floor->nr_runs)
		return -EBUSY;
	if (!range->length || range->memory + range->length < range->memory ||
	    range->iova + range->length < range->iova ||
	    !IS_ALIGNED(range->memory | range->length | range->iova, PAGE_SIZE))
		return -EINVAL;
	start = ktime_get_ns();
	floor->iova = range->iova;
	rc = map_all(floor, range);
	range->cost = elapsed(floor, start);
	if (rc)
		undo(floor);
	return rc;
}

/**
 * primitives_unmap - undo primitives_map()
 * @floor: if nothing is mapped, nothing happens
 *
 * Return: what it cost.
 */
u64 primitives_unmap(struct floor *floor)
{
	u64 start;

	lockdep_assert_held(&floor->lock);
	start = ktime_get_ns();
	undo(floor);
	return elapsed(floor, start);
}

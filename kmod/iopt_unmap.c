// SPDX-License-Identifier: GPL-2.0-only
/* An IOAS from inside: unmapping areas. */
#include <linux/sched.h>

#include "area.h"
#include "io_pagetable.h"
#include "iopt_access.h"
#include "pages.h"

/* Areas taken out at a time, with two turns of the lock. */
#define UNMAP_BATCH 32

/* Hide up to UNMAP_BATCH areas, all of them within the range. */
static int take_areas(struct io_pagetable *iopt, unsigned long start,
		      unsigned long last, unsigned int task_state,
		      struct area **areas, unsigned int *nr)
{
	struct iova_node *node;
	int rc;

	lockdep_assert_held(&iopt->lock);
	*nr = 0;
again:
	node = iova_space_first(&iopt->space, start, last);
	for (; node && *nr < UNMAP_BATCH;
	     node = iova_space_next(node, last)) {
		struct area *area = to_area(node);

		if (node->blocked)
			continue;
		/* Mapped by others since iopt_unmap() looked. */
		if (node->start < start || node->last > last)
			return *nr ? 0 : -ENOENT;
		if (area_busy(area)) {
			if (*nr)
				break;
			rc = area_wait_idle(iopt, area, task_state);
			if (rc)
				return rc;
			goto again;
		}
		area->state = AREA_HIDDEN;
		areas[(*nr)++] = area;
	}
	return 0;
}

/* How many areas from the first on follow each other without a hole. */
static unsigned int count_adjacent(struct area **areas, unsigned int nr)
{
	unsigned int n = 1;

	while (n < nr && areas[n]->edition == areas[0]->edition &&
	       areas[n]->node.start == areas[n - 1]->node.last + 1)
		n++;
	return n;
}

/* Those of an edition; neighbours together. */
static void unmap_from_domain(struct iommu_domain *domain, struct area **areas,
			      unsigned int nr, unsigned int edition)
{
	unsigned int i, n;

	for (i = 0; i < nr; i += n) {
		unsigned long start = areas[i]->node.start;

		n = count_adjacent(areas + i, nr - i);
		if (areas[i]->edition == edition)
			pages_unmap(domain, start,
				    areas[i + n - 1]->node.last - start + 1);
	}
}

static void unmap_from_domains(struct io_pagetable *iopt, struct area **areas,
			       unsigned int nr, unsigned int edition)
{
	const struct domain_set *set = iopt->sets[edition];
	unsigned int i;

	for (i = 0; i < set_size(set); i++)
		unmap_from_domain(set->domains[i], areas, nr, edition);
}

static void unmap_batch(struct io_pagetable *iopt, struct area **areas,
			unsigned int nr)
{
	bool mixed = false;
	unsigned int i;

	for (i = 1; i < nr; i++)
		mixed |= areas[i]->edition != areas[0]->edition;
	unmap_from_domains(iopt, areas, nr, areas[0]->edition);
	if (mixed)
		unmap_from_domains(iopt, areas, nr, !areas[0]->edition);

	for (i = 0; i < nr; i++)
		if (iopt_filled(iopt, areas[i]))
			area_unuse_pages(areas[i]);
}

/* Drops the lock that the caller has taken. */
static int unmap_range(struct io_pagetable *iopt, unsigned long start,
		       unsigned long last, unsigned int task_state,
		       unsigned long *unmapped)
{
	struct area *areas[UNMAP_BATCH] __uninitialized;
	unsigned int i, nr;
	int rc;

	lockdep_assert_held(&iopt->lock);
	for (;;) {
		rc = take_areas(iopt, start, last, task_state, areas, &nr);
		if (rc || !nr)
			break;
		rc = iopt_evict_accesses(iopt, areas, nr, task_state);
		if (rc) {
			for (i = 0; i < nr; i++)
				area_set_live(iopt, areas[i]);
			break;
		}
		mutex_unlock(&iopt->lock);

		unmap_batch(iopt, areas, nr);

		mutex_lock(&iopt->lock);
		for (i = 0; i < nr; i++) {
			*unmapped += area_length(areas[i]);
			iopt_remove_area(iopt, areas[i]);
		}
		start = areas[nr - 1]->node.last;
		mutex_unlock(&iopt->lock);

		area_wake_waiters(iopt);
		for (i = 0; i < nr; i++)
			area_destroy(areas[i]);
		/* What others map where we have been is not ours to unmap. */
		if (start >= last)
			return 0;
		start++;
		cond_resched();
		mutex_lock(&iopt->lock);
	}
	mutex_unlock(&iopt->lock);
	return rc;
}

/*
 * An area that nobody works on: in no domain, it can go at once. Drops the lock
 * that the caller has taken.
 */
static void unmap_area(struct io_pagetable *iopt, struct area *area)
{
	bool filled = iopt_filled(iopt, area);

	lockdep_assert_held(&iopt->lock);
	if (filled) {
		area->state = AREA_HIDDEN;
		mutex_unlock(&iopt->lock);
		unmap_from_domains(iopt, &area, 1, area->edition);
		area_unuse_pages(area);
		mutex_lock(&iopt->lock);
	}
	iopt_remove_area(iopt, area);
	mutex_unlock(&iopt->lock);
	if (filled)
		area_wake_waiters(iopt);
	area_destroy(area);
}

/* Would the range end within an area? */
static bool cuts_last(struct io_pagetable *iopt, unsigned long last)
{
	struct iova_node *node = iova_space_first(&iopt->space, last, last);

	return node && !node->blocked && node->last > last;
}

/**
 * iopt_unmap - take out all areas in a range
 * @iopt: the IO page table
 * @start: first byte
 * @last: last byte
 * @unmapped: out: bytes taken out, also when it fails
 *
 * Return: 0, with 0 bytes if nothing is mapped there; -ENOENT if the range cuts
 * an area, nothing is changed then unless others map it meanwhile; -EINTR on a
 * fatal signal while another thread has one of the areas busy or an access
 * does not let go of it.
 */
int iopt_unmap(struct io_pagetable *iopt, unsigned long start,
	       unsigned long last, unsigned long *unmapped)
{
	struct iova_node *node;
	struct area *area;

	*unmapped = 0;
	mutex_lock(&iopt->lock);
	node = iova_space_first(&iopt->space, start, last);
	if (!node) {
		mutex_unlock(&iopt->lock);
		return 0;
	}
	/* Mostly it is what was mapped by one request. */
	area = to_area(node);
	if (node->start == start && node->last == last && !node->blocked &&
	    !area_busy(area) && !area_pinned(area)) {
		unmap_area(iopt, area);
		*unmapped = last - start + 1;
		return 0;
	}
	if ((node->start < start && !node->blocked) || cuts_last(iopt, last)) {
		mutex_unlock(&iopt->lock);
		return -ENOENT;
	}
	return unmap_range(iopt, start, last, TASK_KILLABLE, unmapped);
}

/**
 * iopt_unmap_all - take out all areas before the IOAS goes; cannot fail
 * @iopt: the IO page table
 *
 * Return: bytes taken out.
 */
unsigned long iopt_unmap_all(struct io_pagetable *iopt)
{
	unsigned long unmapped = 0;

	mutex_lock(&iopt->lock);
	unmap_range(iopt, 0, ULONG_MAX, TASK_UNINTERRUPTIBLE, &unmapped);
	return unmapped;
}

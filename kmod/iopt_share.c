// SPDX-License-Identifier: GPL-2.0-only
/* Areas that share memory: copies, and the halves of an area cut in two. */
#include <linux/iommu.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "area.h"
#include "io_pagetable.h"
#include "iopt_access.h"
#include "pages.h"
#include "policy.h"

/* How many areas a range lies in, without holes. */
static long count_areas(struct io_pagetable *iopt, unsigned long start,
			unsigned long last, int prot)
{
	struct iova_node *node;
	long nr = 0;

	lockdep_assert_held(&iopt->lock);
	for (node = iova_space_first(&iopt->space, start, last); node;
	     node = iova_space_next(node, last)) {
		if (node->blocked || node->start > start ||
		    to_area(node)->state == AREA_HIDDEN)
			return -ENOENT;
		if (prot & IOMMU_WRITE && !to_area(node)->pages->writable)
			return -EPERM;
		iopt_resched(nr++);
		if (node->last >= last)
			return nr;
		start = node->last + 1;
	}
	return -ENOENT;
}

static void destroy_areas(struct area **areas, unsigned long nr)
{
	while (nr--) {
		area_destroy(areas[nr]);
		iopt_resched(nr);
	}
}

/* An area for each that the range lies in. */
static int share_areas(struct io_pagetable *iopt, unsigned long start,
		       unsigned long last, int prot, struct area **areas,
		       unsigned long nr)
{
	struct iova_node *node = iova_space_first(&iopt->space, start, last);
	unsigned long i;

	lockdep_assert_held(&iopt->lock);
	for (i = 0; i < nr; i++) {
		struct area *area = to_area(node);
		unsigned long skip = start - node->start;
		unsigned long length = min(node->last, last) - start + 1;

		areas[i] = area_sharing(area->pages, area->offset + skip,
					length, prot);
		if (!areas[i]) {
			destroy_areas(areas, i);
			return -ENOMEM;
		}
		start += length;
		node = iova_space_next(node, last);
	}
	return 0;
}

/* The caller frees the array; the areas are in no space yet. */
static struct area **share_range(struct io_pagetable *iopt,
				 unsigned long start, unsigned long last,
				 int prot, unsigned long *nr)
{
	struct area **areas = NULL;
	long count, room = 0;
	int rc;

	for (;;) {
		mutex_lock(&iopt->lock);
		count = count_areas(iopt, start, last, prot);
		rc = count < 0 ? count : 0;
		if (rc || count <= room)
			break;
		mutex_unlock(&iopt->lock);
		kvfree(areas);
		room = count;
		areas = kvmalloc_array(room, sizeof(*areas),
				       GFP_KERNEL_ACCOUNT);
		if (!areas)
			return ERR_PTR(-ENOMEM);
	}
	if (!rc)
		rc = share_areas(iopt, start, last, prot, areas, count);
	mutex_unlock(&iopt->lock);
	if (rc) {
		kvfree(areas);
		return ERR_PTR(rc);
	}
	*nr = count;
	return areas;
}

/**
 * iopt_copy - map memory a second time, pinned once
 * @dst: where to; may be @src
 * @src: where from
 * @src_iova: first byte there
 * @where: the range in @dst
 * @prot: IOMMU_READ and so on
 *
 * Return: 0; -EOVERFLOW if a range leaves its address space; -ENOENT if part
 * of the source is not mapped; -EPERM if the copy is to be writable and the
 * memory was not mapped so; -ENOMEM; the errors of iopt_look() and iopt_map().
 */
int iopt_copy(struct io_pagetable *dst, struct io_pagetable *src,
	      unsigned long src_iova, struct iova_request *where, int prot)
{
	unsigned long nr, src_last;
	struct area **areas;
	int rc;

	if (check_add_overflow(src_iova, where->length - 1, &src_last))
		return -EOVERFLOW;
	areas = share_range(src, src_iova, src_last, prot, &nr);
	if (IS_ERR(areas))
		return PTR_ERR(areas);
	rc = iopt_look(dst, where->fixed, where->iova, where->length);
	if (!rc)
		rc = iopt_map(dst, areas, nr, where);
	if (rc)
		destroy_areas(areas, nr);
	kvfree(areas);
	return rc;
}

/* Pages of the whole are in use: let the halves use them too. */
static int use_halves(struct area *left, struct area *right)
{
	/* Nothing is pinned that is not yet. */
	const struct policy_reason reason = {};
	int rc;

	rc = area_use_pages(left, &reason);
	if (rc)
		return rc;
	rc = area_use_pages(right, &reason);
	if (rc)
		area_unuse_pages(left);
	return rc;
}

/* Unless an access has pages of the area, which it will give back as a whole. */
static int insert_halves(struct io_pagetable *iopt, struct area *area,
			 struct area *right, unsigned long iova)
{
	int rc;

	mutex_lock(&iopt->lock);
	rc = iopt_wait_unpinned(iopt, area);
	if (!rc) {
		iova_space_remove(&iopt->space, &area->node);
		right->node.last = area->node.last;
		right->node.start = iova;
		right->edition = area->edition;
		right->state = AREA_LIVE;
		area->node.last = iova - 1;
		WARN_ON(iova_space_insert(&iopt->space, &area->node));
		WARN_ON(iova_space_insert(&iopt->space, &right->node));
		iopt->nr_areas++;
	}
	mutex_unlock(&iopt->lock);
	return rc;
}

/* The area is busy. */
static int cut_area(struct io_pagetable *iopt, struct area *area,
		    unsigned long iova)
{
	unsigned long length = iova - area->node.start;
	struct area left = *area, whole = *area, *right;
	bool filled = iopt_filled(iopt, area);
	int rc = 0;

	right = area_sharing(area->pages, area->offset + length,
			     area_length(area) - length, area->prot);
	if (!right)
		return -ENOMEM;
	left.node.last = iova - 1;
	if (filled)
		rc = use_halves(&left, right);
	if (rc)
		goto destroy;
	rc = insert_halves(iopt, area, right, iova);
	if (rc)
		goto unuse;
	if (filled)
		area_unuse_pages(&whole);
	return 0;

unuse:
	if (filled) {
		area_unuse_pages(&left);
		area_unuse_pages(right);
	}
destroy:
	area_destroy(right);
	return rc;
}

/* Make the area busy that reaches over an address. */
static struct area *take_area_over(struct io_pagetable *iopt,
				   unsigned long iova)
{
	struct iova_node *node;
	struct area *area;
	int rc;

	lockdep_assert_held(&iopt->lock);
	for (;;) {
		node = iova_space_first(&iopt->space, iova, iova);
		if (!node || node->blocked || node->start == iova)
			return NULL;
		area = to_area(node);
		if (!area_busy(area))
			break;
		rc = area_wait_idle(iopt, area, TASK_KILLABLE);
		if (rc)
			return ERR_PTR(rc);
	}
	if (!IS_ALIGNED(iova, max(iopt->alignment, PAGE_SIZE)))
		return ERR_PTR(-EINVAL);
	/* A larger IO page could be over the cut. */
	if (iopt->huge_pages && iopt_filled(iopt, area))
		return ERR_PTR(-EOPNOTSUPP);
	area->state = AREA_BUSY;
	return area;
}

/**
 * iopt_cut - let an area begin at an address
 * @iopt: the IO page table
 * @iova: the address
 *
 * Return: 0, also if no area reaches over the address; -EINVAL if it is off the
 * alignment or not at a page; -EOPNOTSUPP if the area is in a domain while
 * larger IO pages are enabled; -EBUSY if an access has pinned it; -ENOMEM;
 * -EINTR on a fatal signal while another thread or an access is at work on it.
 */
int iopt_cut(struct io_pagetable *iopt, unsigned long iova)
{
	struct area *area;
	int rc;

	mutex_lock(&iopt->lock);
	area = take_area_over(iopt, iova);
	mutex_unlock(&iopt->lock);
	if (IS_ERR_OR_NULL(area))
		return PTR_ERR_OR_ZERO(area);
	rc = cut_area(iopt, area, iova);
	area_set_live(iopt, area);
	return rc;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel users of an IO page table: pinning, reading and writing by IOVA.
 *
 * An area with pins cannot be removed. A pin that finds its area hidden at its
 * end gives up: somebody is about to remove it.
 */
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "area.h"
#include "io_pagetable.h"
#include "iopt_access.h"
#include "pages.h"
#include "policy.h"
#include "policy_purse.h"

/*
 * Who pins and unpins by turns needs but one. A kernel that looks for the use of
 * freed memory is to see all that is freed.
 */
static struct access_pin *alloc_pin(struct iopt_access *access)
{
	struct access_pin *pin = NULL;

	if (READ_ONCE(access->spare))
		pin = xchg(&access->spare, NULL);
	return pin ?: kmalloc(sizeof(*pin), GFP_KERNEL_ACCOUNT);
}

static void recycle_pin(struct iopt_access *access, struct access_pin *pin)
{
	if (!IS_ENABLED(CONFIG_KASAN))
		pin = xchg(&access->spare, pin);
	kfree(pin);
}

/**
 * iopt_access_forget_spare - when an access ends
 * @access: in no IO page table, with no request on its way
 */
void iopt_access_forget_spare(struct iopt_access *access)
{
	kfree(access->spare);
}

/* The area at an address, if an access may use it. */
static struct area *area_at(struct io_pagetable *iopt, unsigned long iova)
{
	struct iova_node *node = iova_space_first(&iopt->space, iova, iova);

	lockdep_assert_held(&iopt->lock);
	if (!node || node->blocked || to_area(node)->state == AREA_HIDDEN)
		return NULL;
	return to_area(node);
}

/* Keep the area that @iova is in from being removed. */
static struct area *pin_area(struct io_pagetable *iopt, unsigned long iova,
			     bool write)
{
	struct area *area = area_at(iopt, iova);

	if (!area)
		return ERR_PTR(-ENOENT);
	if (write && !(area->prot & IOMMU_WRITE))
		return ERR_PTR(-EPERM);
	if (atomic_read(&area->pins) == INT_MAX)
		return ERR_PTR(-EBUSY);
	atomic_inc(&area->pins);
	return area;
}

/* With or without the lock; the area may be gone afterwards. */
static void unpin_area(struct io_pagetable *iopt, struct area *area)
{
	if (atomic_dec_and_test(&area->pins))
		area_wake_waiters(iopt);
}

/* The areas of a range, which an access has pinned. */
static struct area *pinned_area(struct io_pagetable *iopt, unsigned long iova)
{
	return to_area(iova_space_first(&iopt->space, iova, iova));
}

/* From @area up to the one that @last is in. */
static void unpin_areas(struct io_pagetable *iopt, struct area *area,
			unsigned long last)
{
	unsigned long area_last, i = 0;

	lockdep_assert_held(&iopt->lock);
	for (;;) {
		area_last = area->node.last;
		unpin_area(iopt, area);
		if (area_last >= last)
			return;
		area = pinned_area(iopt, area_last + 1);
		iopt_resched(i++);
	}
}

/* Return: the first of them. */
static struct area *pin_areas(struct io_pagetable *iopt, unsigned long start,
			      unsigned long last, bool write)
{
	struct area *first = pin_area(iopt, start, write), *area = first;
	unsigned long iova, i = 0;

	while (!IS_ERR(area) && area->node.last < last) {
		iova = area->node.last + 1;
		area = pin_area(iopt, iova, write);
		if (IS_ERR(area))
			unpin_areas(iopt, first, iova - 1);
		iopt_resched(i++);
	}
	return IS_ERR(area) ? area : first;
}

/**
 * struct piece - part of a range that is in one area
 * @area: the area, pinned
 * @first: its first page in the range
 * @last: its last page in the range
 * @end: last IO address of the piece
 */
struct piece {
	struct area *area;
	unsigned long first;
	unsigned long last;
	unsigned long end;
};

static struct piece piece_of(struct area *area, unsigned long iova,
			     unsigned long last)
{
	unsigned long base = area->offset - area->node.start;
	struct piece piece;

	piece.area = area;
	piece.end = min(area->node.last, last);
	piece.first = (base + iova) >> PAGE_SHIFT;
	piece.last = (base + piece.end) >> PAGE_SHIFT;
	return piece;
}

static struct piece find_piece(struct io_pagetable *iopt, unsigned long iova,
			       unsigned long last)
{
	struct area *area;

	mutex_lock(&iopt->lock);
	area = pinned_area(iopt, iova);
	mutex_unlock(&iopt->lock);
	return piece_of(area, iova, last);
}

/* Give back the pages from @start to @last, all of them used. */
static void unuse_pages(struct io_pagetable *iopt, struct area *area,
			unsigned long start, unsigned long last)
{
	struct piece piece = piece_of(area, start, last);

	for (;;) {
		pages_unuse(piece.area->pages, piece.first, piece.last);
		if (piece.end == last)
			return;
		start = piece.end + 1;
		piece = find_piece(iopt, start, last);
	}
}

static int use_pages(struct io_pagetable *iopt, struct area *area,
		     unsigned long start, unsigned long last,
		     const struct policy_reason *reason, struct page **list)
{
	struct piece piece = piece_of(area, start, last);
	unsigned long iova = start;
	int rc;

	for (;;) {
		rc = pages_use(piece.area->pages, piece.first, piece.last,
			       reason);
		if (rc) {
			if (iova > start)
				unuse_pages(iopt, area, start, iova - 1);
			return rc;
		}
		pages_list(piece.area->pages, piece.first, piece.last, list);
		if (piece.end == last)
			return 0;
		list += piece.last - piece.first + 1;
		iova = piece.end + 1;
		piece = find_piece(iopt, iova, last);
	}
}

/* What the range is going to pin, paid for at once. */
static int pay_for_range(struct io_pagetable *iopt, unsigned long iova,
			 unsigned long last, struct purse *purse,
			 struct policy_reason *reason)
{
	struct piece piece;
	int rc;

	purse_init(purse);
	do {
		piece = find_piece(iopt, iova, last);
		rc = purse_want(purse, piece.area->pages, piece.first,
				piece.last);
		if (rc)
			return rc;
		iova = piece.end + 1;
	} while (piece.end != last);
	return purse_fill(purse, reason);
}

static int use_range(struct io_pagetable *iopt, struct area *area,
		     unsigned long start, unsigned long last,
		     struct page **list)
{
	struct policy_reason reason = {
		.op = IOMMUFD_POLICY_OP_ACCESS_PIN,
		.ioas_id = iopt->ioas_id,
	};
	struct purse purse;
	int rc;

	if (!policy_has_hook(POLICY_CHARGE) || area->node.last >= last)
		return use_pages(iopt, area, start, last, &reason, list);
	rc = pay_for_range(iopt, start, last, &purse, &reason);
	if (!rc)
		rc = use_pages(iopt, area, start, last, &reason, list);
	purse_close(&purse);
	return rc;
}

/* Unless somebody wants the access or one of the areas to go. */
static int finish_pin(struct io_pagetable *iopt, struct iopt_access *access,
		      struct access_pin *pin)
{
	unsigned long iova = pin->node.start, i = 0;

	lockdep_assert_held(&iopt->lock);
	for (;;) {
		struct area *area = area_at(iopt, iova);

		if (!area || access->closed)
			return -ENOENT;
		if (area->node.last >= pin->node.last)
			break;
		iova = area->node.last + 1;
		iopt_resched(i++);
	}
	pin->ready = true;
	return 0;
}

/**
 * iopt_pin - pin memory for an access
 * @iopt: the IO page table
 * @access: added, and aligned to pages; may be on its way out
 * @iova: first byte
 * @length: bytes
 * @write: the pages will be written
 * @list: out: each page that @iova to @iova + @length - 1 touches
 *
 * Context: may fault in user memory.
 * Return: 0; -EINVAL if the range is empty; -EOVERFLOW if it leaves the address
 * space; -ENOENT if part of it is not mapped or about to be unmapped, or the
 * access is about to go; -EPERM if @write and part of it is read-only; -EBUSY
 * if an area has 2^32 pins; -ENOMEM; the errors of pages_use().
 */
int iopt_pin(struct io_pagetable *iopt, struct iopt_access *access,
	     unsigned long iova, unsigned long length, bool write,
	     struct page **list)
{
	struct access_pin *pin;
	unsigned long last;
	struct area *area;
	int rc;

	if (!length)
		return -EINVAL;
	if (check_add_overflow(iova, length - 1, &last))
		return -EOVERFLOW;
	pin = alloc_pin(access);
	if (!pin)
		return -ENOMEM;
	pin->node.start = iova;
	pin->node.last = last;
	pin->ready = false;

	mutex_lock(&iopt->lock);
	area = access->closed ? ERR_PTR(-ENOENT) :
				pin_areas(iopt, iova, last, write);
	if (!IS_ERR(area))
		interval_tree_insert(&pin->node, &access->pins);
	mutex_unlock(&iopt->lock);
	if (IS_ERR(area)) {
		recycle_pin(access, pin);
		return PTR_ERR(area);
	}

	rc = use_range(iopt, area, iova, last, list);
	mutex_lock(&iopt->lock);
	if (!rc) {
		rc = finish_pin(iopt, access, pin);
		if (!rc)
			goto unlock;
		mutex_unlock(&iopt->lock);
		unuse_pages(iopt, area, iova, last);
		mutex_lock(&iopt->lock);
	}
	interval_tree_remove(&pin->node, &access->pins);
	unpin_areas(iopt, area, last);
	area_wake_waiters(iopt);
	recycle_pin(access, pin);
unlock:
	mutex_unlock(&iopt->lock);
	return rc;
}

static struct access_pin *find_exact(struct iopt_access *access,
				     unsigned long start, unsigned long last)
{
	struct interval_tree_node *node;

	for (node = interval_tree_iter_first(&access->pins, start, last); node;
	     node = interval_tree_iter_next(node, start, last))
		if (node->start == start && node->last == last &&
		    to_pin(node)->ready)
			return to_pin(node);
	return NULL;
}

/**
 * iopt_unpin - undo iopt_pin()
 * @iopt: the IO page table
 * @access: who pinned
 * @iova: as given to iopt_pin()
 * @length: likewise
 */
void iopt_unpin(struct io_pagetable *iopt, struct iopt_access *access,
		unsigned long iova, unsigned long length)
{
	unsigned long last = iova + length - 1;
	struct area *area = NULL;
	struct access_pin *pin;

	mutex_lock(&iopt->lock);
	pin = find_exact(access, iova, last);
	/* Nobody is told of it any more, or unpins it twice. */
	if (pin) {
		pin->ready = false;
		area = pinned_area(iopt, iova);
	}
	mutex_unlock(&iopt->lock);
	if (WARN_ON(!pin))
		return;

	unuse_pages(iopt, area, iova, last);
	mutex_lock(&iopt->lock);
	interval_tree_remove(&pin->node, &access->pins);
	unpin_areas(iopt, area, last);
	area_wake_waiters(iopt);
	mutex_unlock(&iopt->lock);
	recycle_pin(access, pin);
}

/**
 * iopt_rw - copy from or to memory by IO address
 * @iopt: the IO page table
 * @iova: first byte
 * @data: kernel memory
 * @length: bytes
 * @flags: %IOMMUFD_ACCESS_RW_WRITE and so on
 *
 * Context: may fault in user memory.
 * Return: 0; -EINVAL if the range is empty; -EOVERFLOW if it leaves the address
 * space; -ENOENT if part of it is not mapped or about to be unmapped; -EPERM if
 * part of it is read-only and is to be written; the errors of pages_rw(). Part
 * of it may have been copied then.
 */
int iopt_rw(struct io_pagetable *iopt, unsigned long iova, void *data,
	    unsigned long length, unsigned int flags)
{
	bool write = flags & IOMMUFD_ACCESS_RW_WRITE;
	unsigned long last;
	int rc = 0;

	if (!length)
		return -EINVAL;
	if (check_add_overflow(iova, length - 1, &last))
		return -EOVERFLOW;

	while (!rc && length) {
		struct area *area;
		unsigned long bytes;

		mutex_lock(&iopt->lock);
		area = pin_area(iopt, iova, write);
		mutex_unlock(&iopt->lock);
		if (IS_ERR(area))
			return PTR_ERR(area);

		bytes = min(area->node.last - iova, length - 1) + 1;
		rc = pages_rw(area->pages,
			      area->offset + (iova - area->node.start), data,
			      bytes, flags);
		unpin_area(iopt, area);
		iova += bytes;
		data += bytes;
		length -= bytes;
	}
	return rc;
}

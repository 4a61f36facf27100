// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may use which IO addresses.
 *
 * Reservations may overlap, as devices come with the same windows. Their union
 * stands in the IOVA space as blocked spans, so that one search sees areas and
 * reserved ranges alike. Each reservation brings the node for a span: taking
 * one away needs no memory.
 */
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "io_pagetable.h"
#include "iopt_reserve.h"

/**
 * struct reservation - a range somebody reserved
 * @entry: in io_pagetable.reserved, by address
 * @owner: who; only compared
 * @start: first byte
 * @last: last byte
 * @in_space: @span is in the IOVA space
 * @span: the union of this range and those behind that touch it
 */
struct reservation {
	struct list_head entry;
	const void *owner;
	unsigned long start;
	unsigned long last;
	bool in_space;
	struct iova_node span;
};

static void withdraw_spans(struct io_pagetable *iopt)
{
	struct reservation *res;

	list_for_each_entry(res, &iopt->reserved, entry) {
		if (res->in_space)
			iova_space_remove(&iopt->space, &res->span);
		res->in_space = false;
	}
}

static void publish_spans(struct io_pagetable *iopt)
{
	struct reservation *res, *head = NULL;

	iopt->changes++;
	list_for_each_entry(res, &iopt->reserved, entry) {
		if (head && (head->span.last == ULONG_MAX ||
			     res->start <= head->span.last + 1)) {
			head->span.last = max(head->span.last, res->last);
			continue;
		}
		if (head)
			WARN_ON(iova_space_insert(&iopt->space, &head->span));
		head = res;
		head->in_space = true;
		head->span.blocked = true;
		head->span.start = res->start;
		head->span.last = res->last;
	}
	if (head)
		WARN_ON(iova_space_insert(&iopt->space, &head->span));
}

static bool in_use(struct io_pagetable *iopt, unsigned long start,
		   unsigned long last)
{
	struct iova_node *node;
	unsigned long i;

	for (node = iova_space_first(&iopt->space, start, last); node;
	     node = iova_space_next(node, last))
		if (!node->blocked)
			return true;
	for (i = 0; i < iopt->nr_allowed; i++)
		if (iopt->allowed[i].start <= last &&
		    iopt->allowed[i].last >= start)
			return true;
	return false;
}

/**
 * iopt_reserve - nothing may be mapped in a range from now on
 * @iopt: the IO page table
 * @owner: for iopt_unreserve()
 * @start: first byte
 * @last: last byte
 *
 * Return: 0; -EADDRINUSE if something is mapped there or user space was
 * promised the range with IOMMU_IOAS_ALLOW_IOVAS; -ENOMEM.
 */
int iopt_reserve(struct io_pagetable *iopt, const void *owner,
		 unsigned long start, unsigned long last)
{
	struct reservation *res, *behind;

	res = kzalloc(sizeof(*res), GFP_KERNEL_ACCOUNT);
	if (!res)
		return -ENOMEM;
	res->owner = owner;
	res->start = start;
	res->last = last;

	mutex_lock(&iopt->lock);
	if (in_use(iopt, start, last)) {
		mutex_unlock(&iopt->lock);
		kfree(res);
		return -EADDRINUSE;
	}
	withdraw_spans(iopt);
	list_for_each_entry(behind, &iopt->reserved, entry)
		if (behind->start > start)
			break;
	list_add_tail(&res->entry, &behind->entry);
	publish_spans(iopt);
	mutex_unlock(&iopt->lock);
	return 0;
}

/**
 * iopt_unreserve - withdraw all reservations of an owner; cannot fail
 * @iopt: the IO page table
 * @owner: as given to iopt_reserve(); may have none
 */
void iopt_unreserve(struct io_pagetable *iopt, const void *owner)
{
	struct reservation *res, *tmp;

	mutex_lock(&iopt->lock);
	withdraw_spans(iopt);
	list_for_each_entry_safe(res, tmp, &iopt->reserved, entry) {
		if (res->owner != owner)
			continue;
		list_del(&res->entry);
		kfree(res);
	}
	publish_spans(iopt);
	mutex_unlock(&iopt->lock);
}

static int compare_ranges(const void *a, const void *b)
{
	const struct iommu_iova_range *ra = a, *rb = b;

	return ra->start < rb->start ? -1 : ra->start > rb->start;
}

/**
 * iopt_allow - replace the list of ranges the kernel may choose from
 * @iopt: the IO page table
 * @ranges: allocated with kvmalloc(), the table's if it succeeds
 * @nr: number of ranges; 0 allows all addresses
 *
 * Return: 0; -EINVAL if a range is empty or two overlap; -EADDRINUSE if one
 * is reserved in part.
 */
int iopt_allow(struct io_pagetable *iopt, struct iommu_iova_range *ranges,
	       unsigned long nr)
{
	unsigned long i;

	sort(ranges, nr, sizeof(*ranges), compare_ranges, NULL);
	for (i = 0; i < nr; i++) {
		if (ranges[i].start >= ranges[i].last)
			return -EINVAL;
		if (i && ranges[i].start <= ranges[i - 1].last)
			return -EINVAL;
	}

	mutex_lock(&iopt->lock);
	for (i = 0; i < nr; i++) {
		struct reservation *res;

		list_for_each_entry(res, &iopt->reserved, entry)
			if (res->start <= ranges[i].last &&
			    res->last >= ranges[i].start) {
				mutex_unlock(&iopt->lock);
				return -EADDRINUSE;
			}
	}
	swap(iopt->allowed, ranges);
	iopt->nr_allowed = nr;
	iopt->changes++;
	mutex_unlock(&iopt->lock);
	kvfree(ranges);
	return 0;
}

/**
 * iopt_next_usable - the next range that is not reserved
 * @iopt: the IO page table
 * @cursor: in and out: where to look from, 0 at first
 * @range: out: the range
 *
 * Context: iopt->lock is held.
 * Return: false if there are no more.
 */
bool iopt_next_usable(struct io_pagetable *iopt, unsigned long *cursor,
		      struct iommu_iova_range *range)
{
	unsigned long start = *cursor;
	struct reservation *res;

	lockdep_assert_held(&iopt->lock);
	/* A full circle: the last range ended with the last address. */
	if (start == ULONG_MAX)
		return false;

	list_for_each_entry(res, &iopt->reserved, entry) {
		if (!res->in_space || res->span.last < start)
			continue;
		if (res->span.start > start) {
			range->start = start;
			range->last = res->span.start - 1;
			*cursor = res->span.start;
			return true;
		}
		if (res->span.last == ULONG_MAX)
			return false;
		start = res->span.last + 1;
	}
	range->start = start;
	range->last = ULONG_MAX;
	*cursor = ULONG_MAX;
	return true;
}

/**
 * iopt_next_reserved - the next range that is reserved
 * @iopt: the IO page table
 * @from: where to look from
 * @range: out: the range, which may begin before @from
 *
 * Context: iopt->lock is held.
 * Return: false if there are no more.
 */
bool iopt_next_reserved(struct io_pagetable *iopt, unsigned long from,
			struct iommu_iova_range *range)
{
	struct reservation *res;

	lockdep_assert_held(&iopt->lock);
	list_for_each_entry(res, &iopt->reserved, entry) {
		if (!res->in_space || res->span.last < from)
			continue;
		range->start = res->span.start;
		range->last = res->span.last;
		return true;
	}
	return false;
}

/**
 * iopt_next_allowed - the next range of what user space has allowed
 * @iopt: the IO page table
 * @from: where to look from
 * @range: out: the range, which may begin before @from
 *
 * Context: iopt->lock is held.
 * Return: false if there are no more, or all is allowed.
 */
bool iopt_next_allowed(struct io_pagetable *iopt, unsigned long from,
		       struct iommu_iova_range *range)
{
	unsigned long low = 0, high = iopt->nr_allowed;

	lockdep_assert_held(&iopt->lock);
	while (low < high) {
		unsigned long middle = low + (high - low) / 2;

		if (iopt->allowed[middle].last < from)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == iopt->nr_allowed)
		return false;
	*range = iopt->allowed[low];
	return true;
}

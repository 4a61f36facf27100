// SPDX-License-Identifier: GPL-2.0-only
/*
 * An IOAS from inside: mapping areas.
 *
 * Memory is pinned before its area enters the IOVA space, so an area in it is
 * busy for a bounded time only: while it is mapped into domains or out of them.
 * The exception is the first domain of an IOAS, which pins what had been mapped
 * before, one area at a time.
 */
#include <linux/iommu.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "area.h"
#include "io_pagetable.h"
#include "iopt_access.h"
#include "pages.h"
#include "policy.h"
#include "policy_purse.h"

/*
 * The kernel chooses no address behind this: 2^64 - 1 and the like are errors to
 * many, and sums with them wrap.
 */
#define LAST_CHOSEN (ULONG_MAX - PMD_SIZE)

/* How often a policy may choose a place that others have taken meanwhile. */
#define MAX_CHOICES 16

/**
 * iopt_remove_area - give the IO addresses of an area back
 * @iopt: the IO page table
 * @area: live, or owned by the caller; in no domain
 *
 * Context: iopt->lock is held.
 */
void iopt_remove_area(struct io_pagetable *iopt, struct area *area)
{
	lockdep_assert_held(&iopt->lock);
	iopt->nr_areas--;
	iopt->bytes -= area_length(area);
	iova_space_remove(&iopt->space, &area->node);
}

/**
 * iopt_filled - is an area in any domain
 * @iopt: the IO page table
 * @area: busy
 *
 * Return: true if so; it uses its pages then.
 */
bool iopt_filled(const struct io_pagetable *iopt, const struct area *area)
{
	return set_size(iopt->sets[area->edition]);
}

/* Areas from the first to the last one, which lie one behind the other. */
static void unfill_domains(struct io_pagetable *iopt, const struct area *first,
			   const struct area *last, unsigned int nr)
{
	const struct domain_set *set = iopt->sets[first->edition];
	unsigned long start = first->node.start;

	while (nr--)
		pages_unmap(set->domains[nr], start,
			    last->node.last - start + 1);
}

/* The area is busy: its set of domains stays. */
static int fill_domains(struct io_pagetable *iopt, struct area *area)
{
	const struct domain_set *set = iopt->sets[area->edition];
	unsigned int i;
	int rc;

	for (i = 0; i < set_size(set); i++) {
		rc = pages_map(area->pages, area->offset, area_length(area),
			       set->domains[i], area->node.start, area->prot,
			       iopt->huge_pages);
		if (rc) {
			unfill_domains(iopt, area, area, i);
			return rc;
		}
	}
	return 0;
}

/* Why a range cannot be had, or 0. */
static int check_range(struct io_pagetable *iopt, unsigned long iova,
		       unsigned long last)
{
	struct iova_node *taken;
	unsigned long i = 0;
	int rc = 0;

	lockdep_assert_held(&iopt->lock);
	if (!IS_ALIGNED(iova, iopt->alignment))
		return -EINVAL;
	for (taken = iova_space_first(&iopt->space, iova, last); taken;
	     taken = iova_space_next(taken, last)) {
		if (taken->blocked)
			return -EINVAL;
		rc = -EEXIST;
		iopt_resched(i++);
	}
	return rc;
}

/**
 * iopt_check_range - could something be mapped at a range
 * @iopt: the IO page table
 * @iova: first byte
 * @last: last byte
 *
 * Return: 0; -EINVAL for an address off the alignment or reserved by a device;
 * -EEXIST if something is mapped there.
 */
int iopt_check_range(struct io_pagetable *iopt, unsigned long iova,
		     unsigned long last)
{
	int rc;

	mutex_lock(&iopt->lock);
	rc = check_range(iopt, iova, last);
	mutex_unlock(&iopt->lock);
	return rc;
}

static int search_space(struct io_pagetable *iopt, const struct iova_hole *want,
			bool highest, unsigned long *iova)
{
	if (highest)
		return iova_space_find_highest(&iopt->space, want, iova);
	return iova_space_find_hole(&iopt->space, want, iova);
}

/* Where something may be mapped that user space leaves to the kernel. */
static int find_hole(struct io_pagetable *iopt, const struct iova_hole *want,
		     bool highest, unsigned long *iova)
{
	unsigned long i, nr = iopt->nr_allowed;

	lockdep_assert_held(&iopt->lock);
	if (!nr)
		return search_space(iopt, want, highest, iova);
	for (i = 0; i < nr; i++) {
		const struct iommu_iova_range *range =
			&iopt->allowed[highest ? nr - 1 - i : i];
		struct iova_hole part = *want;

		part.start = max(want->start, range->start);
		part.last = min(want->last, range->last);
		if (part.start <= part.last &&
		    !search_space(iopt, &part, highest, iova))
			return 0;
		iopt_resched(i);
	}
	return -ENOSPC;
}

/**
 * iopt_find_hole - where something could be mapped
 * @iopt: the IO page table
 * @want: what is wanted
 * @highest: the highest such address; else the lowest
 * @iova: out: the address
 *
 * Return: 0, or -ENOSPC.
 */
int iopt_find_hole(struct io_pagetable *iopt, const struct iova_hole *want,
		   bool highest, unsigned long *iova)
{
	int rc;

	mutex_lock(&iopt->lock);
	rc = find_hole(iopt, want, highest, iova);
	mutex_unlock(&iopt->lock);
	return rc;
}

/* Why the kernel may not choose a range, or 0. */
static int check_choice(struct io_pagetable *iopt, unsigned long iova,
			unsigned long last)
{
	unsigned long i, nr = iopt->nr_allowed;
	struct iova_node *taken;

	lockdep_assert_held(&iopt->lock);
	for (i = 0; i < nr; i++)
		if (iopt->allowed[i].start <= iova &&
		    last <= iopt->allowed[i].last)
			break;
	if (nr && i == nr)
		return -EPERM;
	taken = iova_space_first(&iopt->space, iova, last);
	if (!taken)
		return 0;
	return taken->blocked ? -EADDRINUSE : -EEXIST;
}

/**
 * iopt_check_choice - could something be mapped where a policy says
 * @iopt: the IO page table
 * @iova: first byte
 * @length: bytes, at least 1
 * @changes: iopt->changes from before the policy was asked
 *
 * Return: 0; -EINVAL if @iova is not at the start of a page; -EOVERFLOW if the
 * range leaves the address space; -EPERM if user space has not allowed it;
 * -EADDRINUSE if part of it is reserved; -EEXIST if part of it is mapped;
 * -EAGAIN instead of the last three if it may have been otherwise before.
 */
int iopt_check_choice(struct io_pagetable *iopt, unsigned long iova,
		      unsigned long length, unsigned long changes)
{
	unsigned long last;
	int rc;

	if (!IS_ALIGNED(iova, PAGE_SIZE))
		return -EINVAL;
	if (check_add_overflow(iova, length - 1, &last))
		return -EOVERFLOW;
	mutex_lock(&iopt->lock);
	rc = check_choice(iopt, iova, last);
	if (rc && iopt->changes != changes)
		rc = -EAGAIN;
	mutex_unlock(&iopt->lock);
	return rc;
}

/* Keep IOVA and user address congruent as far as a larger IO page may span. */
static int choose_iova(struct io_pagetable *iopt, const struct area *area,
		       struct iova_request *where)
{
	struct iova_hole want = {
		.length = where->length,
		.align = PAGE_SIZE,
		.prefer = PUD_SIZE,
		.last = LAST_CHOSEN,
	};

	if (where->length >= ULONG_MAX / 2)
		return -EOVERFLOW;
	if (where->length < PUD_SIZE)
		want.prefer = clamp(roundup_pow_of_two(where->length),
				    PAGE_SIZE, PMD_SIZE);
	want.phase = (area->pages->uptr + area->offset) & (want.prefer - 1);
	return find_hole(iopt, &want, false, &where->iova);
}

static void remove_areas(struct io_pagetable *iopt, struct area **areas,
			 unsigned long nr)
{
	while (nr--) {
		iopt_remove_area(iopt, areas[nr]);
		iopt_resched(nr);
	}
}

static int place_areas(struct io_pagetable *iopt, struct area **areas,
		       unsigned long nr, struct iova_request *where,
		       enum area_state state)
{
	unsigned long i, iova;
	int rc;

	lockdep_assert_held(&iopt->lock);
	for (i = 0; i < nr; i++) {
		if (!IS_ALIGNED(areas[i]->offset | area_length(areas[i]),
				iopt->alignment))
			return -EINVAL;
		iopt_resched(i);
	}
	if (where->chosen) {
		/* Others may have been here since it was chosen. */
		if (check_choice(iopt, where->iova,
				 where->iova + where->length - 1))
			return -EEXIST;
	} else if (!where->fixed) {
		rc = choose_iova(iopt, areas[0], where);
		if (rc)
			return rc;
	} else if (!IS_ALIGNED(where->iova, iopt->alignment)) {
		return -EINVAL;
	}

	iopt->changes++;
	iova = where->iova;
	for (i = 0; i < nr; i++) {
		struct iova_node *node = &areas[i]->node;

		node->last = iova + area_length(areas[i]) - 1;
		node->start = iova;
		areas[i]->edition = iopt->edition;
		areas[i]->state = state;
		if (iova_space_insert(&iopt->space, node)) {
			remove_areas(iopt, areas, i);
			return check_range(iopt, where->iova,
					   where->iova + where->length - 1);
		}
		iopt->nr_areas++;
		iopt->bytes += area_length(areas[i]);
		iova = node->last + 1;
		iopt_resched(i);
	}
	return 0;
}

static void unuse_all(struct area **areas, unsigned long nr)
{
	while (nr--) {
		area_unuse_pages(areas[nr]);
		iopt_resched(nr);
	}
}

static int use_all(struct area **areas, unsigned long nr,
		   const struct policy_reason *reason)
{
	unsigned long i;
	int rc;

	for (i = 0; i < nr; i++) {
		rc = area_use_pages(areas[i], reason);
		if (rc) {
			unuse_all(areas, i);
			return rc;
		}
		iopt_resched(i);
	}
	return 0;
}

/* Policies are asked to pay once, however many areas there are. */
static noinline int use_all_paid(struct area **areas, unsigned long nr,
				 struct policy_reason *reason)
{
	struct purse purse;
	unsigned long i;
	int rc = 0;

	purse_init(&purse);
	for (i = 0; i < nr && !rc; i++)
		rc = purse_want(&purse, areas[i]->pages,
				area_first_page(areas[i]),
				area_last_page(areas[i]));
	if (!rc)
		rc = purse_fill(&purse, reason);
	if (!rc)
		rc = use_all(areas, nr, reason);
	reason->purse = NULL;
	purse_close(&purse);
	return rc;
}

static noinline int use_areas(struct io_pagetable *iopt, struct area **areas,
			      unsigned long nr,
			      const struct iova_request *where)
{
	struct policy_reason reason = {
		.op = where->op,
		.ioas_id = iopt->ioas_id,
	};

	return policy_has_hook(POLICY_CHARGE) && nr > 1 ?
	       use_all_paid(areas, nr, &reason) : use_all(areas, nr, &reason);
}

/*
 * Take the lock in a moment when the pages are pinned just if they have to. If
 * it fails, they are not.
 */
static int lock_with_pages_ready(struct io_pagetable *iopt, struct area **areas,
				 unsigned long nr,
				 const struct iova_request *where, bool *pinned)
{
	bool pin = READ_ONCE(iopt->nr_domains);
	int rc;

	for (;;) {
		if (pin && !*pinned) {
			rc = use_areas(iopt, areas, nr, where);
			if (rc)
				return rc;
		} else if (!pin && *pinned) {
			unuse_all(areas, nr);
		}
		*pinned = pin;
		mutex_lock(&iopt->lock);
		pin = iopt->nr_domains;
		if (pin == *pinned)
			return 0;
		mutex_unlock(&iopt->lock);
	}
}

/* Kept apart: who has no policies is not to see that others have. */
static noinline int let_policies_choose(struct io_pagetable *iopt,
					const struct area *area,
					struct iova_request *where)
{
	if (where->tries++ == MAX_CHOICES)
		return -EBUSY;
	return policy_choose_iova(iopt, area, where);
}

/* Put the areas into the space. */
static int find_place(struct io_pagetable *iopt, struct area **areas,
		      unsigned long nr, struct iova_request *where,
		      bool *pinned)
{
	int rc;

	do {
		if (policy_has_hook(POLICY_IOVA_ALLOC) && !where->fixed) {
			rc = let_policies_choose(iopt, areas[0], where);
			if (rc)
				return rc;
		}
		rc = lock_with_pages_ready(iopt, areas, nr, where, pinned);
		if (rc)
			return rc;
		rc = place_areas(iopt, areas, nr, where,
				 *pinned ? AREA_HIDDEN : AREA_LIVE);
		mutex_unlock(&iopt->lock);
	} while (rc == -EEXIST && where->chosen);
	return rc;
}

/**
 * iopt_map - map memory at a range of IO addresses
 * @iopt: the IO page table
 * @areas: what is to be mapped, one behind the other; in no space yet; the
 *	table's if it succeeds, else the caller's
 * @nr: how many
 * @where: the range, within the address space; iopt_look() had no objection
 *
 * Return: 0; -EINVAL for an address, offset or length off the alignment or
 * an address reserved by a device; -EEXIST if something is mapped there;
 * -EOVERFLOW if the kernel is to choose an address for half the address space
 * or more; -ENOSPC if no hole is large enough; -ENOMEM; what a policy that is to
 * choose the address answers, or -EPROTO if that is outside its contract, or
 * -EBUSY if others take what it chooses again and again; the errors of
 * pages_use() and iommu_map(). A failure leaves nothing behind.
 */
int iopt_map(struct io_pagetable *iopt, struct area **areas, unsigned long nr,
	     struct iova_request *where)
{
	bool pinned = false;
	unsigned long i;
	int rc;

	rc = find_place(iopt, areas, nr, where, &pinned);
	if (rc)
		goto unuse;
	/* A live area is not ours any more, nor are its pages. */
	if (!pinned)
		return 0;

	for (i = 0; i < nr; i++) {
		iopt_resched(i);
		rc = nr > 1 && fatal_signal_pending(current) ? -EINTR : 0;
		if (!rc)
			rc = fill_domains(iopt, areas[i]);
		if (rc)
			goto unfill;
	}
	for (i = 0; i < nr; i++) {
		area_set_live(iopt, areas[i]);
		iopt_resched(i);
	}
	return 0;

unfill:
	if (i)
		unfill_domains(iopt, areas[0], areas[i - 1],
			       set_size(iopt->sets[areas[0]->edition]));
	mutex_lock(&iopt->lock);
	remove_areas(iopt, areas, nr);
	mutex_unlock(&iopt->lock);
	area_wake_waiters(iopt);
unuse:
	if (pinned)
		unuse_all(areas, nr);
	return rc;
}

/**
 * iopt_init - an empty IO page table
 * @iopt: to initialise
 */
void iopt_init(struct io_pagetable *iopt)
{
	mutex_init(&iopt->lock);
	mutex_init(&iopt->domains_lock);
	/* An IOVA of 0 looks like an error to many: it is never chosen. */
	iova_space_init(&iopt->space, PAGE_SIZE, PAGE_SIZE);
	init_waitqueue_head(&iopt->idle);
	INIT_LIST_HEAD(&iopt->accesses);
	INIT_LIST_HEAD(&iopt->reserved);
	iopt->alignment = 1;
	iopt->huge_pages = true;
}

/**
 * iopt_destroy - free what is left
 * @iopt: without areas, domains, accesses and reservations
 */
void iopt_destroy(struct io_pagetable *iopt)
{
	WARN_ON(iopt->nr_areas || !list_empty(&iopt->reserved) ||
		!list_empty(&iopt->accesses));
	kfree(iopt->sets[0]);
	kfree(iopt->sets[1]);
	kvfree(iopt->allowed);
	mutex_destroy(&iopt->lock);
	mutex_destroy(&iopt->domains_lock);
}

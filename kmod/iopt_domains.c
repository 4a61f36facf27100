// SPDX-License-Identifier: GPL-2.0-only
/*
 * Domains of an IO page table: how one comes and goes while maps and unmaps go
 * on.
 *
 * There are two editions of the set of domains. A change prepares the one not
 * in use, makes it the current one, and visits the areas of the old edition one
 * by one. New areas are of the current edition from the start, so one pass is
 * enough, and one area at a time is busy with it.
 */
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "area.h"
#include "io_pagetable.h"
#include "iopt_access.h"
#include "iopt_reserve.h"
#include "pages.h"
#include "policy.h"
#include "policy_purse.h"

static int fill_one(struct io_pagetable *iopt, struct area *area,
		    struct iommu_domain *domain,
		    const struct policy_reason *reason)
{
	bool first = !iopt_filled(iopt, area);
	int rc;

	if (!area_aligned(area, iopt->alignment))
		return -EADDRINUSE;
	if (first) {
		rc = area_use_pages(area, reason);
		if (rc)
			return rc;
	}
	rc = pages_map(area->pages, area->offset, area_length(area), domain,
		       area->node.start, area->prot, iopt->huge_pages);
	if (rc && first)
		area_unuse_pages(area);
	return rc;
}

static void unfill_one(struct area *area, struct iommu_domain *domain,
		       bool last)
{
	pages_unmap(domain, area->node.start, area_length(area));
	if (last)
		area_unuse_pages(area);
}

/*
 * Bring all areas to the current edition, which has @domain more than the other,
 * for some @reason, or less. When it succeeds, the other set is used by nobody.
 */
static int visit_areas(struct io_pagetable *iopt, struct iommu_domain *domain,
		       const struct policy_reason *reason)
{
	unsigned int task_state = reason ? TASK_KILLABLE : TASK_UNINTERRUPTIBLE;
	struct iova_node *node;
	unsigned long cursor = 0;
	int rc = 0;

	lockdep_assert_held(&iopt->domains_lock);
	mutex_lock(&iopt->lock);
	while ((node = iova_space_first(&iopt->space, cursor, ULONG_MAX))) {
		struct area *area = to_area(node);
		unsigned long last = node->last;

		if (!node->blocked && area->edition != iopt->edition) {
			if (area_busy(area)) {
				rc = area_wait_idle(iopt, area, task_state);
				if (rc)
					break;
				continue;
			}
			area->state = AREA_BUSY;
			mutex_unlock(&iopt->lock);

			if (reason)
				rc = fill_one(iopt, area, domain, reason);
			else
				unfill_one(area, domain,
					   !iopt->nr_domains);

			mutex_lock(&iopt->lock);
			if (!rc)
				area->edition = iopt->edition;
			area_set_live(iopt, area);
			if (rc)
				break;
		}
		if (last == ULONG_MAX)
			break;
		cursor = last + 1;
		if (need_resched()) {
			mutex_unlock(&iopt->lock);
			cond_resched();
			mutex_lock(&iopt->lock);
		}
	}
	mutex_unlock(&iopt->lock);
	return rc;
}

/* What the first domain is going to pin, paid for at once. */
static int pay_for_all(struct io_pagetable *iopt, struct purse *purse,
		       struct policy_reason *reason)
{
	unsigned long cursor = 0;
	struct iova_node *node;
	int rc = 0;

	purse_init(purse);
	mutex_lock(&iopt->lock);
	while ((node = iova_space_first(&iopt->space, cursor, ULONG_MAX))) {
		const struct area *area = to_area(node);

		if (!node->blocked && area->state != AREA_HIDDEN)
			rc = purse_want(purse, area->pages,
					area_first_page(area),
					area_last_page(area));
		if (rc || node->last == ULONG_MAX)
			break;
		cursor = node->last + 1;
		if (need_resched()) {
			mutex_unlock(&iopt->lock);
			cond_resched();
			mutex_lock(&iopt->lock);
		}
	}
	mutex_unlock(&iopt->lock);
	return rc ?: purse_fill(purse, reason);
}

static int fill_all(struct io_pagetable *iopt, struct iommu_domain *domain)
{
	struct policy_reason reason = {
		.op = IOMMUFD_POLICY_OP_FILL_DOMAIN,
		.ioas_id = iopt->ioas_id,
	};

	return visit_areas(iopt, domain, &reason);
}

/* Policies are asked to pay once, however many areas there are. */
static int fill_all_paid(struct io_pagetable *iopt, struct iommu_domain *domain)
{
	struct policy_reason reason = {
		.op = IOMMUFD_POLICY_OP_FILL_DOMAIN,
		.ioas_id = iopt->ioas_id,
	};
	struct purse purse;
	int rc;

	rc = pay_for_all(iopt, &purse, &reason);
	if (!rc)
		rc = visit_areas(iopt, domain, &reason);
	purse_close(&purse);
	return rc;
}

/* Room for @nr domains in the set that nobody uses. */
static int make_room(struct io_pagetable *iopt, unsigned int nr)
{
	struct domain_set *set = iopt->sets[!iopt->edition];

	if (set && set->room >= nr)
		return 0;
	set = kzalloc(struct_size(set, domains, nr), GFP_KERNEL_ACCOUNT);
	if (!set)
		return -ENOMEM;
	set->room = nr;
	kfree(iopt->sets[!iopt->edition]);
	iopt->sets[!iopt->edition] = set;
	return 0;
}

static unsigned long find_alignment(struct io_pagetable *iopt)
{
	const struct domain_set *set = iopt->sets[iopt->edition];
	unsigned long alignment = iopt->huge_pages ? 1 : PAGE_SIZE;
	struct iopt_access *access;
	unsigned int i;

	lockdep_assert_held(&iopt->lock);
	for (i = 0; i < set_size(set); i++)
		alignment = max(alignment,
				1UL << __ffs(set->domains[i]->pgsize_bitmap));
	list_for_each_entry(access, &iopt->accesses, entry)
		alignment = max(alignment, access->alignment);
	return alignment;
}

/**
 * iopt_check_alignment - could the areas have an alignment
 * @iopt: the IO page table
 * @alignment: bytes, a power of two
 *
 * Context: iopt->lock is held.
 * Return: 0, or -EADDRINUSE if one of them does not suit.
 */
int iopt_check_alignment(struct io_pagetable *iopt, unsigned long alignment)
{
	struct iova_node *node;
	unsigned long i = 0;

	lockdep_assert_held(&iopt->lock);
	if (alignment <= iopt->alignment)
		return 0;
	for (node = iova_space_first(&iopt->space, 0, ULONG_MAX); node;
	     node = iova_space_next(node, ULONG_MAX)) {
		if (!node->blocked && !area_aligned(to_area(node), alignment))
			return -EADDRINUSE;
		iopt_resched(i++);
	}
	return 0;
}

/**
 * iopt_update_alignment - a domain, an access or the option came or went
 * @iopt: the IO page table
 *
 * Context: iopt->lock is held.
 */
void iopt_update_alignment(struct io_pagetable *iopt)
{
	iopt->alignment = find_alignment(iopt);
}

static void switch_edition(struct io_pagetable *iopt)
{
	mutex_lock(&iopt->lock);
	iopt->edition = !iopt->edition;
	WRITE_ONCE(iopt->nr_domains, set_size(iopt->sets[iopt->edition]));
	iopt_update_alignment(iopt);
	mutex_unlock(&iopt->lock);
}

static int reserve_outside_aperture(struct io_pagetable *iopt,
				    struct iommu_domain *domain)
{
	const struct iommu_domain_geometry *geometry = &domain->geometry;
	int rc = 0;

	if (geometry->aperture_start)
		rc = iopt_reserve(iopt, domain, 0,
				  geometry->aperture_start - 1);
	if (!rc && geometry->aperture_end < ULONG_MAX)
		rc = iopt_reserve(iopt, domain, geometry->aperture_end + 1,
				  ULONG_MAX);
	if (rc)
		iopt_unreserve(iopt, domain);
	return rc;
}

/**
 * iopt_add_domain - fill all areas into a domain, and those to come
 * @iopt: the IO page table
 * @domain: empty; the caller's until iopt_remove_domain()
 *
 * Context: pins what was mapped before the first domain, for as long as that
 * takes. Maps and unmaps go on meanwhile, each area waiting for itself only.
 * Return: 0; -EINVAL if the smallest page of the domain is larger than
 * PAGE_SIZE; -EADDRINUSE if an area lies outside the aperture or off the
 * alignment of the domain; the errors of pages_use() and iommu_map(); -EINTR
 * on a fatal signal. The domain is empty again after a failure.
 */
int iopt_add_domain(struct io_pagetable *iopt, struct iommu_domain *domain)
{
	const struct domain_set *old;
	struct domain_set *new;
	int rc;

	if (!(domain->pgsize_bitmap & GENMASK(PAGE_SHIFT, 0)))
		return -EINVAL;

	rc = mutex_lock_killable(&iopt->domains_lock);
	if (rc)
		return rc;
	old = iopt->sets[iopt->edition];
	rc = make_room(iopt, set_size(old) + 1);
	if (rc)
		goto unlock;
	rc = reserve_outside_aperture(iopt, domain);
	if (rc)
		goto unlock;

	new = iopt->sets[!iopt->edition];
	new->nr = set_size(old) + 1;
	if (old)
		memcpy(new->domains, old->domains,
		       old->nr * sizeof(old->domains[0]));
	new->domains[new->nr - 1] = domain;

	switch_edition(iopt);
	if (policy_has_hook(POLICY_CHARGE) && new->nr == 1)
		rc = fill_all_paid(iopt, domain);
	else
		rc = fill_all(iopt, domain);
	if (rc) {
		switch_edition(iopt);
		visit_areas(iopt, domain, NULL);
		iopt_unreserve(iopt, domain);
	}
unlock:
	mutex_unlock(&iopt->domains_lock);
	return rc;
}

/**
 * iopt_remove_domain - empty a domain; cannot fail
 * @iopt: the IO page table
 * @domain: added before, attached to no device any more
 */
void iopt_remove_domain(struct io_pagetable *iopt, struct iommu_domain *domain)
{
	const struct domain_set *old;
	struct domain_set *new;
	unsigned int i;

	mutex_lock(&iopt->domains_lock);
	/* The other set had one domain more or less last: there is room. */
	old = iopt->sets[iopt->edition];
	new = iopt->sets[!iopt->edition];
	if (new) {
		new->nr = 0;
		for (i = 0; i < old->nr; i++)
			if (old->domains[i] != domain)
				new->domains[new->nr++] = old->domains[i];
	}
	switch_edition(iopt);
	visit_areas(iopt, domain, NULL);
	iopt_unreserve(iopt, domain);
	mutex_unlock(&iopt->domains_lock);
}

/**
 * iopt_set_huge_pages - whether domains may use pages larger than PAGE_SIZE
 * @iopt: the IO page table
 * @enable: they may
 *
 * Return: 0; -EINVAL if they are to be disabled while something is mapped into
 * domains; -EADDRINUSE if an area is not aligned to PAGE_SIZE; -EINTR on a fatal
 * signal while a domain is being filled.
 */
int iopt_set_huge_pages(struct io_pagetable *iopt, bool enable)
{
	int rc;

	rc = mutex_lock_killable(&iopt->domains_lock);
	if (rc)
		return rc;
	mutex_lock(&iopt->lock);
	if (enable == iopt->huge_pages)
		goto unlock;
	if (!enable && iopt->nr_areas && iopt->nr_domains)
		rc = -EINVAL;
	else if (!enable)
		rc = iopt_check_alignment(iopt, PAGE_SIZE);
	if (rc)
		goto unlock;
	iopt->huge_pages = enable;
	iopt_update_alignment(iopt);
unlock:
	mutex_unlock(&iopt->lock);
	mutex_unlock(&iopt->domains_lock);
	return rc;
}

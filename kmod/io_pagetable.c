// SPDX-License-Identifier: GPL-2.0-only
/*
 * An IOAS from inside: areas, and the domains they are filled into.
 *
 * Memory is pinned before its area enters the IOVA space, so an area in it is
 * busy for a bounded time only: while it is mapped into domains or out of them.
 * Who makes an area busy owns it, works without the lock, and sets it live or
 * removes it; others wait. The exception is the first domain of an IOAS, which
 * pins what had been mapped before, one area at a time.
 */
#include <linux/iommu.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "io_pagetable.h"
#include "iopt_reserve.h"
#include "pages.h"

/* Areas taken out at a time: one flush, two turns of the lock. */
#define UNMAP_BATCH 32

/**
 * enum area_state - who may touch an area
 * @AREA_LIVE: who holds the lock
 * @AREA_BUSY: who made it so
 */
enum area_state {
	AREA_LIVE,
	AREA_BUSY,
};

/**
 * struct area - a mapped range of IO addresses
 * @node: place in io_pagetable.space
 * @pages: the memory; a reference is held
 * @offset: first byte of the memory, counted from pages->uptr
 * @prot: IOMMU_READ and so on
 * @state: enum area_state
 * @edition: index in io_pagetable.sets of the domains it is filled into
 */
struct area {
	struct iova_node node;
	struct pages *pages;
	unsigned long offset;
	int prot;
	u8 state;
	u8 edition;
};

static struct kmem_cache *area_cache;

static struct area *to_area(struct iova_node *node)
{
	return container_of(node, struct area, node);
}

static unsigned long area_length(const struct area *area)
{
	return area->node.last - area->node.start + 1;
}

static unsigned int set_size(const struct domain_set *set)
{
	return set ? set->nr : 0;
}

/* The caller has the area busy: its set stays. */
static const struct domain_set *area_set(struct io_pagetable *iopt,
					 const struct area *area)
{
	return iopt->sets[area->edition];
}

static void account_area(struct io_pagetable *iopt, const struct area *area)
{
	lockdep_assert_held(&iopt->lock);
	iopt->nr_areas++;
	iopt->bytes += area_length(area);
}

static void remove_area(struct io_pagetable *iopt, struct area *area)
{
	lockdep_assert_held(&iopt->lock);
	iopt->nr_areas--;
	iopt->bytes -= area_length(area);
	iova_space_remove(&iopt->space, &area->node);
}

/* The area may be gone right after this. */
static void set_live(struct io_pagetable *iopt, struct area *area)
{
	smp_store_release(&area->state, AREA_LIVE);
	/* A waiter is queued before it looks at the state under the lock. */
	smp_mb();
	if (waitqueue_active(&iopt->idle))
		wake_up_all(&iopt->idle);
}

static bool is_busy(const struct area *area)
{
	return smp_load_acquire(&area->state) == AREA_BUSY;
}

/*
 * Wait until a busy area is not busy any more or is gone. The lock is dropped
 * meanwhile; the caller looks again.
 */
static int wait_idle(struct io_pagetable *iopt, const struct area *area,
		     unsigned int task_state)
{
	DEFINE_WAIT(wait);
	int rc = 0;

	lockdep_assert_held(&iopt->lock);
	prepare_to_wait(&iopt->idle, &wait, task_state);
	if (is_busy(area)) {
		mutex_unlock(&iopt->lock);
		schedule();
		if (signal_pending_state(task_state, current))
			rc = -EINTR;
		finish_wait(&iopt->idle, &wait);
		mutex_lock(&iopt->lock);
		return rc;
	}
	finish_wait(&iopt->idle, &wait);
	return 0;
}

static int fill_set(const struct domain_set *set, struct area *area,
		    bool huge_pages)
{
	unsigned int i;
	int rc;

	for (i = 0; i < set_size(set); i++) {
		rc = pages_map(area->pages, area->offset, area_length(area),
			       set->domains[i], area->node.start, area->prot,
			       huge_pages);
		if (rc)
			goto undo;
	}
	return 0;

undo:
	while (i--)
		iommu_unmap(set->domains[i], area->node.start,
			    area_length(area));
	return rc;
}

static int check_fixed(struct io_pagetable *iopt, struct area_request *req)
{
	struct iova_node *taken;
	unsigned long last;

	if (!IS_ALIGNED(req->iova | offset_in_page(req->offset),
			iopt->alignment))
		return -EINVAL;
	if (check_add_overflow(req->iova, req->length - 1, &last))
		return -EOVERFLOW;
	taken = iova_space_first(&iopt->space, req->iova, last);
	if (!taken)
		return 0;
	return taken->blocked ? -EINVAL : -EEXIST;
}

/*
 * Keep IOVA and user address congruent as far as a larger IO page may span. The
 * first page is left alone: an IOVA of 0 looks like an error to many.
 */
static int choose_iova(struct io_pagetable *iopt, struct area_request *req)
{
	struct iova_hole want = {
		.length = req->length,
		.align = PAGE_SIZE,
		.prefer = PUD_SIZE,
	};
	unsigned long i = 0, uptr = req->pages->uptr + req->offset;
	int rc;

	if (req->length >= ULONG_MAX / 2)
		return -EOVERFLOW;
	if (!IS_ALIGNED(uptr, iopt->alignment))
		return -EINVAL;
	if (req->length < PUD_SIZE)
		want.prefer = clamp(roundup_pow_of_two(req->length), PAGE_SIZE,
				    PMD_SIZE);
	want.phase = uptr & (want.prefer - 1);

	do {
		want.start = PAGE_SIZE;
		want.last = ULONG_MAX - PAGE_SIZE;
		if (iopt->nr_allowed) {
			want.start = max(want.start, iopt->allowed[i].start);
			want.last = min(want.last, iopt->allowed[i].last);
		}
		rc = iova_space_find_hole(&iopt->space, &want, &req->iova);
	} while (rc && ++i < iopt->nr_allowed);
	return rc;
}

static int place_area(struct io_pagetable *iopt, struct area *area,
		      struct area_request *req)
{
	int rc;

	lockdep_assert_held(&iopt->lock);
	if (!IS_ALIGNED(req->length, iopt->alignment))
		return -EINVAL;
	rc = req->fixed ? check_fixed(iopt, req) : choose_iova(iopt, req);
	if (rc)
		return rc;

	area->node.start = req->iova;
	area->node.last = req->iova + req->length - 1;
	area->node.blocked = false;
	area->pages = req->pages;
	area->offset = req->offset;
	area->prot = req->prot;
	area->edition = iopt->edition;
	return iova_space_insert(&iopt->space, &area->node);
}

/* Take the lock in a moment when the pages are pinned just if they have to. */
static int lock_with_pages_ready(struct io_pagetable *iopt, struct pages *pages)
{
	bool pin = READ_ONCE(iopt->nr_domains);
	int rc;

	for (;;) {
		if (pin && !pages->pinned) {
			rc = pages_pin(pages);
			if (rc)
				return rc;
		} else if (!pin && pages->pinned) {
			pages_unpin(pages);
		}
		mutex_lock(&iopt->lock);
		pin = iopt->nr_domains;
		if (pin == pages->pinned)
			return 0;
		mutex_unlock(&iopt->lock);
	}
}

/**
 * iopt_map - map memory at a range of IO addresses
 * @iopt: the IO page table
 * @req: what is to be mapped; on success req->iova says where it is and
 *	req->pages belongs to the area
 *
 * Return: 0; -EINVAL for an address, offset or length off the alignment or
 * an address reserved by a device; -EEXIST if something is mapped there;
 * -EOVERFLOW if the range leaves the address space; -ENOSPC if no hole is
 * large enough; the errors of pages_pin() and iommu_map(). A failure leaves
 * nothing behind.
 */
int iopt_map(struct io_pagetable *iopt, struct area_request *req)
{
	struct pages *pages = req->pages;
	struct area *area;
	int rc;

	area = kmem_cache_alloc(area_cache, GFP_KERNEL_ACCOUNT);
	if (!area)
		return -ENOMEM;

	rc = lock_with_pages_ready(iopt, pages);
	if (rc)
		goto free;
	rc = place_area(iopt, area, req);
	if (rc) {
		mutex_unlock(&iopt->lock);
		goto unpin;
	}
	account_area(iopt, area);
	area->state = pages->pinned ? AREA_BUSY : AREA_LIVE;
	mutex_unlock(&iopt->lock);
	if (!pages->pinned)
		return 0;

	rc = fill_set(area_set(iopt, area), area, iopt->huge_pages);
	if (rc)
		goto remove;
	set_live(iopt, area);
	return 0;

remove:
	mutex_lock(&iopt->lock);
	remove_area(iopt, area);
	mutex_unlock(&iopt->lock);
	wake_up_all(&iopt->idle);
unpin:
	if (pages->pinned)
		pages_unpin(pages);
free:
	kmem_cache_free(area_cache, area);
	return rc;
}

/* Make up to UNMAP_BATCH areas busy. All of them end at or before @last. */
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
	     node = iova_space_next(&iopt->space, node, last)) {
		struct area *area = to_area(node);

		if (node->blocked)
			continue;
		if (is_busy(area)) {
			if (*nr)
				break;
			rc = wait_idle(iopt, area, task_state);
			if (rc)
				return rc;
			goto again;
		}
		area->state = AREA_BUSY;
		areas[(*nr)++] = area;
	}
	return 0;
}

static void unmap_from_domains(struct io_pagetable *iopt, struct area **areas,
			       unsigned int nr, unsigned int edition)
{
	const struct domain_set *set = iopt->sets[edition];
	unsigned int i, k;

	for (i = 0; i < set_size(set); i++) {
		struct iommu_domain *domain = set->domains[i];
		struct iommu_iotlb_gather gather;

		iommu_iotlb_gather_init(&gather);
		for (k = 0; k < nr; k++) {
			unsigned long length = area_length(areas[k]);

			if (areas[k]->edition != edition)
				continue;
			WARN_ON(iommu_unmap_fast(domain, areas[k]->node.start,
						 length, &gather) != length);
		}
		iommu_iotlb_sync(domain, &gather);
	}
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
		if (areas[i]->pages->pinned)
			pages_unpin(areas[i]->pages);
}

static int unmap_range(struct io_pagetable *iopt, unsigned long start,
		       unsigned long last, unsigned int task_state,
		       unsigned long *unmapped)
{
	struct area *areas[UNMAP_BATCH];
	unsigned int i, nr;
	int rc;

	lockdep_assert_held(&iopt->lock);
	for (;;) {
		rc = take_areas(iopt, start, last, task_state, areas, &nr);
		if (rc || !nr)
			return rc;
		mutex_unlock(&iopt->lock);

		unmap_batch(iopt, areas, nr);

		mutex_lock(&iopt->lock);
		for (i = 0; i < nr; i++) {
			*unmapped += area_length(areas[i]);
			remove_area(iopt, areas[i]);
		}
		start = areas[nr - 1]->node.last;
		mutex_unlock(&iopt->lock);

		if (waitqueue_active(&iopt->idle))
			wake_up_all(&iopt->idle);
		for (i = 0; i < nr; i++) {
			pages_put(areas[i]->pages);
			kmem_cache_free(area_cache, areas[i]);
		}
		cond_resched();
		mutex_lock(&iopt->lock);
		/* What others map where we have been is not ours to unmap. */
		if (start >= last)
			return 0;
		start++;
	}
}

/**
 * iopt_unmap - take out all areas in a range
 * @iopt: the IO page table
 * @start: first byte
 * @last: last byte
 * @unmapped: out: bytes taken out, also when it fails
 *
 * Return: 0, with 0 bytes if nothing is mapped there; -ENOENT if the range cuts
 * an area, nothing is changed then; -EINTR on a fatal signal while another
 * thread has one of the areas busy.
 */
int iopt_unmap(struct io_pagetable *iopt, unsigned long start,
	       unsigned long last, unsigned long *unmapped)
{
	struct iova_node *node;
	int rc;

	*unmapped = 0;
	mutex_lock(&iopt->lock);
	node = iova_space_first(&iopt->space, start, start);
	rc = node && !node->blocked && node->start < start ? -ENOENT : 0;
	node = iova_space_first(&iopt->space, last, last);
	if (node && !node->blocked && node->last > last)
		rc = -ENOENT;
	if (!rc)
		rc = unmap_range(iopt, start, last, TASK_KILLABLE, unmapped);
	mutex_unlock(&iopt->lock);
	return rc;
}

/**
 * iopt_unmap_all - take out all areas before the IOAS goes; cannot fail
 * @iopt: the IO page table
 */
void iopt_unmap_all(struct io_pagetable *iopt)
{
	unsigned long unmapped = 0;

	mutex_lock(&iopt->lock);
	unmap_range(iopt, 0, ULONG_MAX, TASK_UNINTERRUPTIBLE, &unmapped);
	mutex_unlock(&iopt->lock);
}

static int fill_one(struct io_pagetable *iopt, struct area *area,
		    struct iommu_domain *domain)
{
	struct pages *pages = area->pages;
	bool first = !pages->pinned;
	int rc;

	if (!IS_ALIGNED(area->node.start | area_length(area) |
			offset_in_page(area->offset), iopt->alignment))
		return -EADDRINUSE;
	if (first) {
		rc = pages_pin(pages);
		if (rc)
			return rc;
	}
	rc = pages_map(pages, area->offset, area_length(area), domain,
		       area->node.start, area->prot, iopt->huge_pages);
	if (rc && first)
		pages_unpin(pages);
	return rc;
}

static void unfill_one(struct area *area, struct iommu_domain *domain,
		       bool last)
{
	iommu_unmap(domain, area->node.start, area_length(area));
	if (last)
		pages_unpin(area->pages);
}

/*
 * Bring all areas to the current edition, which has @domain more or less than
 * the other. Afterwards the other set is used by nobody.
 */
static int visit_areas(struct io_pagetable *iopt, struct iommu_domain *domain,
		       bool fill)
{
	unsigned int task_state = fill ? TASK_KILLABLE : TASK_UNINTERRUPTIBLE;
	struct iova_node *node;
	unsigned long cursor = 0;
	int rc = 0;

	lockdep_assert_held(&iopt->domains_lock);
	mutex_lock(&iopt->lock);
	while ((node = iova_space_first(&iopt->space, cursor, ULONG_MAX))) {
		struct area *area = to_area(node);
		unsigned long last = node->last;

		if (!node->blocked && area->edition != iopt->edition) {
			if (is_busy(area)) {
				rc = wait_idle(iopt, area, task_state);
				if (rc)
					break;
				continue;
			}
			area->state = AREA_BUSY;
			mutex_unlock(&iopt->lock);

			if (fill)
				rc = fill_one(iopt, area, domain);
			else
				unfill_one(area, domain,
					   !iopt->nr_domains);

			mutex_lock(&iopt->lock);
			if (!rc)
				area->edition = iopt->edition;
			set_live(iopt, area);
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

static unsigned long set_alignment(const struct domain_set *set,
				   bool huge_pages)
{
	unsigned long alignment = huge_pages ? 1 : PAGE_SIZE;
	unsigned int i;

	for (i = 0; i < set_size(set); i++)
		alignment = max(alignment,
				1UL << __ffs(set->domains[i]->pgsize_bitmap));
	return alignment;
}

static void switch_edition(struct io_pagetable *iopt)
{
	const struct domain_set *set;

	mutex_lock(&iopt->lock);
	iopt->edition = !iopt->edition;
	set = iopt->sets[iopt->edition];
	WRITE_ONCE(iopt->nr_domains, set_size(set));
	iopt->alignment = set_alignment(set, iopt->huge_pages);
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
	if (!rc && geometry->aperture_end < ULONG_MAX - 1)
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
 * alignment of the domain; the errors of pages_pin() and iommu_map(); -EINTR
 * on a fatal signal. The domain is empty again after a failure.
 */
int iopt_add_domain(struct io_pagetable *iopt, struct iommu_domain *domain)
{
	const struct domain_set *old;
	struct domain_set *new;
	int rc;

	if (!(domain->pgsize_bitmap & GENMASK(PAGE_SHIFT, 0)))
		return -EINVAL;

	mutex_lock(&iopt->domains_lock);
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
	rc = visit_areas(iopt, domain, true);
	if (rc) {
		switch_edition(iopt);
		visit_areas(iopt, domain, false);
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
	visit_areas(iopt, domain, false);
	iopt_unreserve(iopt, domain);
	mutex_unlock(&iopt->domains_lock);
}

/**
 * iopt_set_huge_pages - whether domains may use pages larger than PAGE_SIZE
 * @iopt: the IO page table
 * @enable: they may
 *
 * Return: 0; -EINVAL if they are to be disabled while something is mapped into
 * domains; -EADDRINUSE if an area is not aligned to PAGE_SIZE.
 */
int iopt_set_huge_pages(struct io_pagetable *iopt, bool enable)
{
	struct iova_node *node;
	int rc = 0;

	mutex_lock(&iopt->domains_lock);
	mutex_lock(&iopt->lock);
	if (enable == iopt->huge_pages)
		goto unlock;
	if (!enable && iopt->nr_areas && iopt->nr_domains) {
		rc = -EINVAL;
		goto unlock;
	}
	for (node = iova_space_first(&iopt->space, 0, ULONG_MAX);
	     node && !enable;
	     node = iova_space_next(&iopt->space, node, ULONG_MAX)) {
		if (node->blocked)
			continue;
		if (!PAGE_ALIGNED(node->start | area_length(to_area(node)) |
				  offset_in_page(to_area(node)->offset))) {
			rc = -EADDRINUSE;
			goto unlock;
		}
	}
	iopt->huge_pages = enable;
	iopt->alignment = set_alignment(iopt->sets[iopt->edition], enable);
unlock:
	mutex_unlock(&iopt->lock);
	mutex_unlock(&iopt->domains_lock);
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
	iova_space_init(&iopt->space);
	init_waitqueue_head(&iopt->idle);
	INIT_LIST_HEAD(&iopt->reserved);
	iopt->alignment = 1;
	iopt->huge_pages = true;
}

/**
 * iopt_destroy - free what is left
 * @iopt: without areas, domains and reservations
 */
void iopt_destroy(struct io_pagetable *iopt)
{
	WARN_ON(iopt->nr_areas || !list_empty(&iopt->reserved));
	kfree(iopt->sets[0]);
	kfree(iopt->sets[1]);
	kvfree(iopt->allowed);
	mutex_destroy(&iopt->lock);
	mutex_destroy(&iopt->domains_lock);
}

/**
 * iopt_cache_init - once, when the module is loaded
 *
 * Return: 0, or -ENOMEM.
 */
int iopt_cache_init(void)
{
	area_cache = kmem_cache_create("iommufd_area", sizeof(struct area),
				       __alignof__(struct area), SLAB_ACCOUNT,
				       NULL);
	return area_cache ? 0 : -ENOMEM;
}

/**
 * iopt_cache_exit - undo iopt_cache_init()
 */
void iopt_cache_exit(void)
{
	kmem_cache_destroy(area_cache);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Areas: mapped ranges of an IO page table, and who may touch one now.
 *
 * Who makes an area busy owns it, works without the lock, and sets it live or
 * removes it; others wait.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "area.h"
#include "io_pagetable.h"
#include "pages.h"

/**
 * struct mapping - memory and the area it was mapped with, in one allocation
 * @pages: the memory
 * @area: unused if the memory is mapped by other areas only
 */
struct mapping {
	struct pages pages;
	struct area area;
};

static struct kmem_cache *area_cache;

/**
 * area_busy - does somebody own an area
 * @area: the area
 *
 * Context: under iopt->lock. An owner may end it without the lock.
 */
bool area_busy(const struct area *area)
{
	/* Pairs with the release in area_set_live(). */
	return smp_load_acquire(&area->state) != AREA_LIVE;
}

/**
 * area_wake_waiters - somebody may wait for an area that was busy
 * @iopt: the IO page table
 */
void area_wake_waiters(struct io_pagetable *iopt)
{
	/* A waiter queues itself before it looks at the area. */
	if (wq_has_sleeper(&iopt->idle))
		wake_up_all(&iopt->idle);
}

/**
 * area_set_live - end the ownership of a busy area
 * @iopt: the IO page table
 * @area: owned by the caller; may be gone afterwards
 */
void area_set_live(struct io_pagetable *iopt, struct area *area)
{
	/* Pairs with the acquire in area_busy(). */
	smp_store_release(&area->state, AREA_LIVE);
	area_wake_waiters(iopt);
}

/**
 * area_wait_idle - wait until an area is not busy any more or is gone
 * @iopt: the IO page table
 * @area: was seen under the lock that is still held
 * @task_state: %TASK_KILLABLE or %TASK_UNINTERRUPTIBLE
 *
 * Context: iopt->lock is held, but dropped meanwhile: the caller looks again.
 * Return: 0, or -EINTR on a fatal signal.
 */
int area_wait_idle(struct io_pagetable *iopt, const struct area *area,
		   unsigned int task_state)
{
	DEFINE_WAIT(wait);
	int rc = 0;

	lockdep_assert_held(&iopt->lock);
	prepare_to_wait(&iopt->idle, &wait, task_state);
	if (area_busy(area)) {
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

static void area_describe(struct area *area, struct pages *pages,
			  unsigned long offset, unsigned long length, int prot)
{
	area->node.start = 0;
	area->node.last = length - 1;
	area->node.blocked = false;
	area->pages = pages;
	area->offset = offset;
	atomic_set(&area->pins, 0);
	area->prot = prot;
	area->state = AREA_HIDDEN;
}

/**
 * area_of_pages - the area that memory is mapped with first
 * @pages: just created; the reference is the area's from now on
 * @offset: first byte
 * @length: bytes, at least 1
 * @prot: IOMMU_READ and so on
 *
 * Return: the area, in no space yet. It takes no memory of its own.
 */
struct area *area_of_pages(struct pages *pages, unsigned long offset,
			   unsigned long length, int prot)
{
	struct area *area = &container_of(pages, struct mapping, pages)->area;

	area_describe(area, pages, offset, length, prot);
	return area;
}

/**
 * area_sharing - another area for memory that is mapped already
 * @pages: the memory; the area takes a reference of its own
 * @offset: first byte
 * @length: bytes, at least 1
 * @prot: IOMMU_READ and so on
 *
 * Return: the area, in no space yet, or NULL.
 */
struct area *area_sharing(struct pages *pages, unsigned long offset,
			  unsigned long length, int prot)
{
	struct area *area = kmem_cache_alloc(area_cache, GFP_KERNEL_ACCOUNT);

	if (!area)
		return NULL;
	refcount_inc(&pages->refs);
	area_describe(area, pages, offset, length, prot);
	return area;
}

/**
 * area_destroy - give back an area and its reference to the memory
 * @area: in no space; does not use its pages
 */
void area_destroy(struct area *area)
{
	struct pages *pages = area->pages;

	if (area != &container_of(pages, struct mapping, pages)->area)
		kmem_cache_free(area_cache, area);
	pages_put(pages);
}

/**
 * area_use_pages - pin the memory of an area
 * @area: busy, or in no space
 * @reason: for which request
 *
 * Return: see pages_use().
 */
int area_use_pages(struct area *area, const struct policy_reason *reason)
{
	return pages_use(area->pages, area_first_page(area),
			 area_last_page(area), reason);
}

/**
 * area_unuse_pages - undo area_use_pages(); cannot fail
 * @area: in no domain any more
 */
void area_unuse_pages(struct area *area)
{
	pages_unuse(area->pages, area_first_page(area), area_last_page(area));
}

/**
 * area_init - once, when the module is loaded
 *
 * Return: 0, or -ENOMEM.
 */
int area_init(void)
{
	int rc = pages_init(sizeof(struct mapping));

	if (rc)
		return rc;
	area_cache = kmem_cache_create("iommufd_area", sizeof(struct area),
				       __alignof__(struct area), SLAB_ACCOUNT,
				       NULL);
	if (!area_cache) {
		pages_exit();
		return -ENOMEM;
	}
	return 0;
}

/**
 * area_exit - undo area_init()
 */
void area_exit(void)
{
	kmem_cache_destroy(area_cache);
	pages_exit();
}

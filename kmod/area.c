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
	return smp_load_acquire(&area->state) == AREA_BUSY;
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

/**
 * area_alloc - memory for an area
 *
 * Return: the area, uninitialised, or NULL.
 */
struct area *area_alloc(void)
{
	return kmem_cache_alloc(area_cache, GFP_KERNEL_ACCOUNT);
}

/**
 * area_free - give it back
 * @area: in no space
 */
void area_free(struct area *area)
{
	kmem_cache_free(area_cache, area);
}

/**
 * area_init - once, when the module is loaded
 *
 * Return: 0, or -ENOMEM.
 */
int area_init(void)
{
	area_cache = kmem_cache_create("iommufd_area", sizeof(struct area),
				       __alignof__(struct area), SLAB_ACCOUNT,
				       NULL);
	return area_cache ? 0 : -ENOMEM;
}

/**
 * area_exit - undo area_init()
 */
void area_exit(void)
{
	kmem_cache_destroy(area_cache);
}

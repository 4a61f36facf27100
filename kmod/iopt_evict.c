// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses of an IO page table that have to let go.
 *
 * Who wants to remove an area hides it, so that nobody pins it anew, tells the
 * accesses with pins in it, and waits. A pin is told of only when it is complete.
 */
#include <linux/iommu.h>
#include <linux/sched/signal.h>

#include "area.h"
#include "io_pagetable.h"
#include "iopt_access.h"

/* An access that did not let go when told so is told again. */
#define TELL_AGAIN (HZ / 10)

static bool has_pins(struct iopt_access *access, unsigned long start,
		     unsigned long last)
{
	struct interval_tree_node *node;

	for (node = interval_tree_iter_first(&access->pins, start, last); node;
	     node = interval_tree_iter_next(node, start, last))
		if (to_pin(node)->ready)
			return true;
	return false;
}

/*
 * Until somebody unpins or a driver's call ends, or for a moment; not at all if it
 * was for an area which has no pins any more, for who reads or writes goes without
 * the lock.
 */
static int wait_a_moment(struct io_pagetable *iopt, const struct area *area,
			 unsigned int task_state)
{
	DEFINE_WAIT(wait);
	int rc = 0;

	lockdep_assert_held(&iopt->lock);
	prepare_to_wait(&iopt->idle, &wait, task_state);
	if (!area || area_pinned(area)) {
		mutex_unlock(&iopt->lock);
		schedule_timeout(TELL_AGAIN);
		if (signal_pending_state(task_state, current))
			rc = -EINTR;
		mutex_lock(&iopt->lock);
	}
	finish_wait(&iopt->idle, &wait);
	return rc;
}

static void tell(struct io_pagetable *iopt, struct iopt_access *access,
		 unsigned long start, unsigned long length)
{
	access->calls++;
	mutex_unlock(&iopt->lock);
	access->unmap(access, start, length);
	mutex_lock(&iopt->lock);
	access->calls--;
	area_wake_waiters(iopt);
}

/* One of those with pins in the range. */
static struct iopt_access *find_pinner(struct io_pagetable *iopt,
				       unsigned long start, unsigned long last)
{
	struct iopt_access *access;

	list_for_each_entry(access, &iopt->accesses, entry)
		if (has_pins(access, start, last))
			return access;
	return NULL;
}

static int evict(struct io_pagetable *iopt, struct area *area,
		 unsigned int task_state)
{
	struct iopt_access *access;
	int rc = 0;

	while (area_pinned(area) && !rc) {
		access = find_pinner(iopt, area->node.start, area->node.last);
		if (access)
			tell(iopt, access, area->node.start,
			     area_length(area));
		if (area_pinned(area) &&
		    (!access || has_pins(access, area->node.start,
					 area->node.last)))
			rc = wait_a_moment(iopt, area, task_state);
	}
	return rc;
}

/**
 * iopt_evict_accesses - wait until no access uses some areas any more
 * @iopt: the IO page table
 * @areas: hidden by the caller
 * @nr: how many
 * @task_state: %TASK_KILLABLE or %TASK_UNINTERRUPTIBLE
 *
 * Only accesses with pins in one of the areas are told.
 *
 * Context: iopt->lock is held, but dropped meanwhile if there are pins.
 * Return: 0, or -EINTR on a fatal signal.
 */
int iopt_evict_accesses(struct io_pagetable *iopt, struct area **areas,
			unsigned int nr, unsigned int task_state)
{
	unsigned int i;
	int rc = 0;

	lockdep_assert_held(&iopt->lock);
	for (i = 0; i < nr && !rc; i++)
		rc = evict(iopt, areas[i], task_state);
	return rc;
}

static bool any_pins(struct io_pagetable *iopt, unsigned long start,
		     unsigned long last)
{
	struct iopt_access *access;

	list_for_each_entry(access, &iopt->accesses, entry)
		if (interval_tree_iter_first(&access->pins, start, last))
			return true;
	return false;
}

/**
 * iopt_wait_unpinned - wait until no access is at work on an area
 * @iopt: the IO page table
 * @area: busy
 *
 * Context: iopt->lock is held, but dropped while an access reads or writes.
 * Return: 0; -EBUSY if one has pages pinned, for however long; -EINTR on a fatal
 * signal.
 */
int iopt_wait_unpinned(struct io_pagetable *iopt, struct area *area)
{
	int rc = 0;

	lockdep_assert_held(&iopt->lock);
	while (area_pinned(area) && !rc) {
		if (any_pins(iopt, area->node.start, area->node.last))
			return -EBUSY;
		rc = wait_a_moment(iopt, area, TASK_KILLABLE);
	}
	return rc;
}

/**
 * iopt_add_access - let a kernel user in
 * @iopt: the IO page table
 * @access: initialised; the caller's until iopt_remove_access()
 *
 * Return: 0, or -EADDRINUSE if an area is off the alignment it needs.
 */
int iopt_add_access(struct io_pagetable *iopt, struct iopt_access *access)
{
	int rc;

	mutex_lock(&iopt->lock);
	rc = iopt_check_alignment(iopt, access->alignment);
	if (!rc) {
		access->closed = false;
		list_add_tail(&access->entry, &iopt->accesses);
		iopt_update_alignment(iopt);
	}
	mutex_unlock(&iopt->lock);
	return rc;
}

/**
 * iopt_remove_access - send a kernel user away; cannot fail
 * @iopt: the IO page table
 * @access: added before; told to unpin everything, and waited for. Pins that
 *	find it gone give up.
 */
void iopt_remove_access(struct io_pagetable *iopt, struct iopt_access *access)
{
	mutex_lock(&iopt->lock);
	access->closed = true;
	if (has_pins(access, 0, ULONG_MAX))
		tell(iopt, access, 0, ULONG_MAX);
	while (access->calls || !RB_EMPTY_ROOT(&access->pins.rb_root)) {
		wait_a_moment(iopt, NULL, TASK_UNINTERRUPTIBLE);
		if (has_pins(access, 0, ULONG_MAX))
			tell(iopt, access, 0, ULONG_MAX);
	}
	list_del(&access->entry);
	iopt_update_alignment(iopt);
	mutex_unlock(&iopt->lock);
}

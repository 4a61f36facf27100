// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pinning much memory by several threads at the same time.
 *
 * Nearly all the time that it takes to pin memory nobody has touched yet goes
 * into clearing it. So the range is cut into slices, and the caller and some
 * workers take one after the other. Workers cannot be killed, so they leave what
 * may wait for user space to the caller; and whatever else they fail at, so that
 * errors are those the caller alone would have got.
 */
#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/cpuset.h>
#include <linux/kthread.h>
#include <linux/memcontrol.h>
#include <linux/moduleparam.h>
#include <linux/nodemask.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "account.h"
#include "pages.h"
#include "pages_pin.h"
#include "pin_wide.h"

/* Whole chunks, so that no two threads touch the same entry of the table. */
#define SLICE_PAGES (4 * PFN_CHUNK_PAGES)

static unsigned int pin_threads = 16;
module_param(pin_threads, uint, 0644);
MODULE_PARM_DESC(pin_threads,
		 "Threads that pin the memory of one request, no more than the CPUs it may use (default 16, 1: the caller alone)");

static struct workqueue_struct *workers;

struct worker {
	struct work_struct work;
	struct wide *wide;
};

/**
 * struct wide - a range that several threads pin
 * @pages: of which
 * @mm: the address space, in use for as long; NULL: a file
 * @memcg: pays for what workers allocate; a reference is held, or NULL
 * @first: first page
 * @last: last page
 * @nr_slices: in all
 * @pinned: a bit for each slice that is
 * @taken: slices that somebody has begun with, or more
 * @stop: begin with no other slice, and workers are to give theirs up
 * @running: workers that have begun and not ended
 * @idle: woken when they have ended
 * @nr_workers: beside the caller
 * @workers: they
 */
struct wide {
	struct pages *pages;
	struct mm_struct *mm;
	struct mem_cgroup *memcg;
	unsigned long first;
	unsigned long last;
	unsigned long nr_slices;
	unsigned long *pinned;
	atomic_long_t taken;
	bool stop;
	atomic_t running;
	wait_queue_head_t idle;
	unsigned int nr_workers;
	struct worker workers[] __counted_by(nr_workers);
};

/* The slice a page is in, counted from the beginning of the table. */
static unsigned long slice_of(const struct pages *pages, unsigned long index)
{
	return (pfn_table_head(&pages->table) + index) / SLICE_PAGES;
}

static void slice_range(const struct wide *wide, unsigned long slice,
			unsigned long *first, unsigned long *last)
{
	unsigned long head = pfn_table_head(&wide->pages->table);
	unsigned long place = (slice_of(wide->pages, wide->first) + slice) *
			      SLICE_PAGES;

	*first = slice ? place - head : wide->first;
	*last = min(place + SLICE_PAGES - head - 1, wide->last);
}

static int pin_slice(struct wide *wide, unsigned long slice,
		     struct batch *batch)
{
	unsigned long first, last;
	int rc;

	slice_range(wide, slice, &first, &last);
	rc = pin_pages(wide->pages, first, last, batch);
	if (!rc)
		set_bit(slice, wide->pinned);
	return rc;
}

static void unpin_slices(struct wide *wide)
{
	unsigned long slice, first, last;

	for_each_set_bit(slice, wide->pinned, wide->nr_slices) {
		slice_range(wide, slice, &first, &last);
		unpin_pages(wide->pages, first, last);
	}
}

static void pin_slices(struct wide *wide, struct batch *batch)
{
	unsigned long slice;
	int rc;

	while (!READ_ONCE(wide->stop)) {
		slice = atomic_long_fetch_inc(&wide->taken);
		if (slice >= wide->nr_slices)
			break;
		rc = pin_slice(wide, slice, batch);
		/* What is not for workers is no reason to leave it at that. */
		if (rc && rc != -EAGAIN)
			WRITE_ONCE(wide->stop, true);
	}
}

/* From the lowest address on, so that the first failure is the answer. */
static int pin_left_over(struct wide *wide, struct batch *batch)
{
	unsigned long slice;
	int rc;

	for_each_clear_bit(slice, wide->pinned, wide->nr_slices) {
		rc = pin_slice(wide, slice, batch);
		if (rc)
			return rc;
	}
	return 0;
}

static void help(struct work_struct *work)
{
	struct wide *wide = container_of(work, struct worker, work)->wide;
	struct mem_cgroup *memcg;
	struct batch batch;

	atomic_inc(&wide->running);
	memcg = set_active_memcg(wide->memcg);
	/* It looks for @stop as often as it fills this. */
	batch_init(&batch, PFN_CHUNK_PAGES);
	batch.stop = &wide->stop;
	if (wide->mm)
		kthread_use_mm(wide->mm);
	pin_slices(wide, &batch);
	if (wide->mm)
		kthread_unuse_mm(wide->mm);
	batch_free(&batch);
	set_active_memcg(memcg);
	if (atomic_dec_and_test(&wide->running))
		wake_up(&wide->idle);
}

static void start_workers(struct wide *wide)
{
	unsigned int i;

	for (i = 0; i < wide->nr_workers; i++)
		queue_work(workers, &wide->workers[i].work);
}

/* There is nothing left to begin with, or they are to stop. */
static void end_workers(struct wide *wide)
{
	unsigned int i;

	if (wait_event_killable(wide->idle, !atomic_read(&wide->running)))
		WRITE_ONCE(wide->stop, true);
	/* Those who have not begun never will. */
	for (i = 0; i < wide->nr_workers; i++)
		cancel_work_sync(&wide->workers[i].work);
}

/*
 * Workers go by neither the NUMA policy nor the cpuset of the caller, so one who
 * is not free to have memory from everywhere is left alone.
 */
static bool memory_from_anywhere(void)
{
#ifdef CONFIG_NUMA
	if (current->mempolicy)
		return false;
#endif
	return nodes_subset(node_states[N_MEMORY],
			    cpuset_current_mems_allowed);
}

static unsigned int count_threads(void)
{
	unsigned int threads = READ_ONCE(pin_threads);

	if (threads < 2 || !memory_from_anywhere())
		return 1;
	return min3(threads, num_online_cpus(),
		    (unsigned int)current->nr_cpus_allowed);
}

static struct wide *wide_alloc(unsigned long nr_slices, unsigned int nr_workers)
{
	struct wide *wide;
	unsigned int i;

	wide = kzalloc(struct_size(wide, workers, nr_workers),
		       GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!wide)
		return NULL;
	wide->pinned = bitmap_zalloc(nr_slices,
				     GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!wide->pinned) {
		kfree(wide);
		return NULL;
	}
	wide->nr_slices = nr_slices;
	wide->nr_workers = nr_workers;
	init_waitqueue_head(&wide->idle);
	for (i = 0; i < nr_workers; i++) {
		INIT_WORK(&wide->workers[i].work, help);
		wide->workers[i].wide = wide;
	}
	return wide;
}

static void wide_free(struct wide *wide)
{
	bitmap_free(wide->pinned);
	kfree(wide);
}

/* NULL: the caller does it alone. */
static struct wide *wide_create(struct pages *pages, unsigned long first,
				unsigned long last)
{
	unsigned long nr = slice_of(pages, last) - slice_of(pages, first) + 1;
	unsigned int threads = count_threads();
	struct wide *wide;

	if (threads < 2)
		return NULL;
	wide = wide_alloc(nr, min(nr, threads) - 1);
	if (!wide)
		return NULL;
	if (!pages->file) {
		wide->mm = pages->account->mm;
		if (!mmget_not_zero(wide->mm)) {
			wide_free(wide);
			return NULL;
		}
	}
	wide->pages = pages;
	wide->first = first;
	wide->last = last;
	wide->memcg = get_mem_cgroup_from_mm(current->mm);
	return wide;
}

static void wide_destroy(struct wide *wide)
{
	mem_cgroup_put(wide->memcg);
	if (wide->mm)
		mmput_async(wide->mm);
	wide_free(wide);
}

/**
 * pin_wide - pin many pages and enter them in the table
 * @pages: the pages
 * @first: first page
 * @last: last page; none of the range is pinned
 * @batch: room for the caller
 *
 * Context: pages->lock is held; may fault in user memory.
 * Return: as pin_pages().
 */
int pin_wide(struct pages *pages, unsigned long first, unsigned long last,
	     struct batch *batch)
{
	struct wide *wide = wide_create(pages, first, last);
	int rc;

	if (!wide)
		return pin_pages(pages, first, last, batch);
	start_workers(wide);
	pin_slices(wide, batch);
	end_workers(wide);
	rc = pin_left_over(wide, batch);
	if (rc)
		unpin_slices(wide);
	wide_destroy(wide);
	return rc;
}

/**
 * pin_wide_init - once, when the module is loaded
 *
 * Return: 0, or -ENOMEM.
 */
int pin_wide_init(void)
{
	/* No more work at a time than there are CPUs, whoever asks for it. */
	workers = alloc_workqueue("iommufd_pin", WQ_UNBOUND,
				  num_possible_cpus());
	return workers ? 0 : -ENOMEM;
}

/**
 * pin_wide_exit - undo pin_wide_init()
 */
void pin_wide_exit(void)
{
	destroy_workqueue(workers);
}

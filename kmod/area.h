/* SPDX-License-Identifier: GPL-2.0-only */
/* Areas: mapped ranges of an IO page table, and who may touch one now. */
#ifndef IOMMUFD_AREA_H
#define IOMMUFD_AREA_H

#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/types.h>

#include "iova_space.h"

struct io_pagetable;
struct pages;
struct policy_reason;

/**
 * enum area_state - who may touch an area
 * @AREA_LIVE: who holds the lock
 * @AREA_BUSY: who made it so; accesses may pin its memory all the same
 * @AREA_HIDDEN: who made it so; it is coming or leaving, and to accesses and
 *	copies not there
 */
enum area_state {
	AREA_LIVE,
	AREA_BUSY,
	AREA_HIDDEN,
};

/**
 * struct area - a mapped range of IO addresses
 * @node: place in io_pagetable.space; from 0 on before it has one
 * @pages: the memory; a reference is held
 * @offset: first byte of the memory, counted from pages->uptr
 * @pins: accesses at work on it, which keep it from being removed; they come under
 *	io_pagetable.lock
 * @prot: IOMMU_READ and so on
 * @state: enum area_state
 * @edition: index in io_pagetable.sets of the domains it is filled into
 */
struct area {
	struct iova_node node;
	struct pages *pages;
	unsigned long offset;
	atomic_t pins;
	u8 prot;
	u8 state;
	u8 edition;
};

/* Of a node that is not blocked. */
static inline struct area *to_area(struct iova_node *node)
{
	return container_of(node, struct area, node);
}

static inline unsigned long area_length(const struct area *area)
{
	return area->node.last - area->node.start + 1;
}

/* Indexes of the pages an area begins and ends in. */
static inline unsigned long area_first_page(const struct area *area)
{
	return area->offset >> PAGE_SHIFT;
}

static inline unsigned long area_last_page(const struct area *area)
{
	return (area->offset + area_length(area) - 1) >> PAGE_SHIFT;
}

/* The address and the length of an area, and where its memory begins. */
static inline bool area_aligned(const struct area *area, unsigned long align)
{
	return !((area->node.start | area_length(area) | area->offset) &
		 (align - 1));
}

/* If not, what accesses did to it is done. */
static inline bool area_pinned(const struct area *area)
{
	return atomic_read_acquire(&area->pins);
}

bool area_busy(const struct area *area);
void area_set_live(struct io_pagetable *iopt, struct area *area);
void area_wake_waiters(struct io_pagetable *iopt);
int area_wait_idle(struct io_pagetable *iopt, const struct area *area,
		   unsigned int task_state);

struct area *area_of_pages(struct pages *pages, unsigned long offset,
			   unsigned long length, int prot);
struct area *area_sharing(struct pages *pages, unsigned long offset,
			  unsigned long length, int prot);
void area_destroy(struct area *area);

int area_use_pages(struct area *area, const struct policy_reason *reason);
void area_unuse_pages(struct area *area);

int area_init(void);
void area_exit(void);

#endif

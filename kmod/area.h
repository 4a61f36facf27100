/* SPDX-License-Identifier: GPL-2.0-only */
/* Areas: mapped ranges of an IO page table, and who may touch one now. */
#ifndef IOMMUFD_AREA_H
#define IOMMUFD_AREA_H

#include <linux/types.h>

#include "iova_space.h"

struct io_pagetable;
struct pages;

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

/* Of a node that is not blocked. */
static inline struct area *to_area(struct iova_node *node)
{
	return container_of(node, struct area, node);
}

static inline unsigned long area_length(const struct area *area)
{
	return area->node.last - area->node.start + 1;
}

/* The address and the length of an area, and where its memory begins. */
static inline bool area_aligned(const struct area *area, unsigned long align)
{
	return !((area->node.start | area_length(area) | area->offset) &
		 (align - 1));
}

bool area_busy(const struct area *area);
void area_set_live(struct io_pagetable *iopt, struct area *area);
void area_wake_waiters(struct io_pagetable *iopt);
int area_wait_idle(struct io_pagetable *iopt, const struct area *area,
		   unsigned int task_state);

struct area *area_alloc(void);
void area_free(struct area *area);

int area_init(void);
void area_exit(void);

#endif

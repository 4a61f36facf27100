/* SPDX-License-Identifier: GPL-2.0-only */
/* What nobody can do without who maps user memory for devices */
#ifndef BENCH_PRIMITIVES_H
#define BENCH_PRIMITIVES_H

#include <linux/iommu.h>
#include <linux/mutex.h>

#include "floor.h"

/* Runs that one mapping may have: 4 GiB of 4K pages, 2 TiB of 2M pages */
#define MAX_RUNS (1UL << 20)
/* Pages that are pinned at a time */
#define BATCH 2048UL

/* Physically contiguous pages */
struct run {
	struct page *page;
	unsigned long nr;
};

/**
 * struct floor - an open file, one domain
 * @lock: one request at a time
 * @dev: the device that is attached; a reference
 * @domain: attached to it
 * @overhead: what it costs to look at the clock
 * @iova: where the mapping begins
 * @mapped: bytes of it
 * @nr_mapped: runs that is
 * @nr_runs: runs that are pinned; 0 if there is no mapping
 * @runs: room for MAX_RUNS
 * @pages: room for a batch
 */
struct floor {
	struct mutex lock;	/* see above */
	struct device *dev;
	struct iommu_domain *domain;
	u64 overhead;
	unsigned long iova;
	size_t mapped;
	unsigned long nr_mapped;
	unsigned long nr_runs;
	struct run *runs;
	struct page **pages;
};

int primitives_map(struct floor *floor, struct floor_range *range);
u64 primitives_unmap(struct floor *floor);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which pages are in use, by how many ranges. A pure data structure: it locks
 * nothing, and builds in user space too.
 */
#ifndef IOMMUFD_USES_H
#define IOMMUFD_USES_H

#include <linux/rbtree.h>
#include <linux/types.h>

/**
 * struct uses - a multiset of ranges of page indexes
 * @spans: the pages in at least one range, cut where one of them begins or ends
 *
 * The caller serialises all calls.
 */
struct uses {
	struct rb_root spans;
};

static inline void uses_init(struct uses *uses)
{
	uses->spans = RB_ROOT;
}

static inline bool uses_empty(const struct uses *uses)
{
	return RB_EMPTY_ROOT(&uses->spans);
}

int uses_add(struct uses *uses, unsigned long first, unsigned long last);
void uses_remove(struct uses *uses, unsigned long first, unsigned long last);
void uses_clear(struct uses *uses);
bool uses_cover(const struct uses *uses, unsigned long first,
		unsigned long last);
bool uses_next_used(const struct uses *uses, unsigned long *first,
		    unsigned long last, unsigned long *used_last);
bool uses_next_gap(const struct uses *uses, unsigned long *first,
		   unsigned long last, unsigned long *gap_last);

#endif

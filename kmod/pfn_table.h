/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page index -> physical page, for a run of user memory. A pure data structure:
 * it pins nothing, locks nothing, and builds in user space too.
 */
#ifndef IOMMUFD_PFN_TABLE_H
#define IOMMUFD_PFN_TABLE_H

#include <linux/bits.h>
#include <linux/types.h>

/* A chunk covers as much memory as a PMD maps, cut at the same addresses. */
#define PFN_CHUNK_SHIFT 9
#define PFN_CHUNK_PAGES BIT(PFN_CHUNK_SHIFT)

/**
 * struct pfn_table - physical addresses of pages
 * @shape: how many pages, and in the lowest %PFN_CHUNK_SHIFT bits the place of
 *	page 0 in its chunk, so that a huge page is one chunk
 * @one: the entry, when there is but one chunk
 * @many: the entries otherwise, one for each chunk; NULL while not allocated
 *
 * An entry is empty, one physical run that serves the whole chunk, or points to
 * a leaf with a word for each page of the chunk the table covers. What a chunk
 * has for pages that are not set is of no meaning. The caller serialises changes,
 * and looks up only pages that have been set and not been cleared since; other
 * pages may be set and cleared at the same time.
 */
struct pfn_table {
	unsigned long shape;
	union {
		u64 one;
		u64 *many;
	};
};

static inline unsigned long pfn_table_pages(const struct pfn_table *table)
{
	return table->shape >> PFN_CHUNK_SHIFT;
}

static inline unsigned int pfn_table_head(const struct pfn_table *table)
{
	return table->shape & (PFN_CHUNK_PAGES - 1);
}

void pfn_table_init(struct pfn_table *table, unsigned long first_vpn,
		    unsigned long nr_pages);
int pfn_table_alloc(struct pfn_table *table);
void pfn_table_free(struct pfn_table *table);
void pfn_table_widen(const struct pfn_table *table, unsigned long *first,
		     unsigned long *last);

int pfn_table_set(struct pfn_table *table, unsigned long index,
		  unsigned long pfn, unsigned long nr);
void pfn_table_set_only(struct pfn_table *table, unsigned long pfn);
void pfn_table_clear(struct pfn_table *table, unsigned long index,
		     unsigned long nr);
unsigned long pfn_table_get(const struct pfn_table *table, unsigned long index);
unsigned long pfn_table_run(const struct pfn_table *table, unsigned long index,
			    unsigned long max, unsigned long *pfn);
const u64 *pfn_table_leaf(const struct pfn_table *table, unsigned long index,
			  unsigned long max, unsigned long *nr);

#endif

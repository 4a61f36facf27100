// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page index -> physical page.
 *
 * Eight bytes for each 2 MiB of memory while a chunk is one physical run, as
 * huge pages are, and 0.2 % of the memory at worst. Lookup is two loads.
 */
#include <linux/bits.h>
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include <asm/barrier.h>

#include "pfn_table.h"

/*
 * An entry. A run is stored as the PFN its chunk's first page would have, which
 * wraps below zero when the run starts late in the chunk at a low PFN: all
 * arithmetic is modulo 2^63.
 */
#define ENTRY_EMPTY 0ULL
#define ENTRY_RUN BIT_ULL(0)
#define ENTRY_SHIFT 1
#define ENTRY_PFN_MASK (~0ULL >> ENTRY_SHIFT)

static bool entry_is_run(u64 entry)
{
	return entry & ENTRY_RUN;
}

static u64 entry_make_run(u64 base)
{
	return base << ENTRY_SHIFT | ENTRY_RUN;
}

static u64 entry_base(u64 entry)
{
	return entry >> ENTRY_SHIFT;
}

static u64 *entry_leaf(u64 entry)
{
	return (u64 *)(uintptr_t)entry;
}

static unsigned long nr_chunks(const struct pfn_table *table)
{
	unsigned long end = pfn_table_head(table) + pfn_table_pages(table);

	return (end + PFN_CHUNK_PAGES - 1) >> PFN_CHUNK_SHIFT;
}

static u64 *entry_at(const struct pfn_table *table, unsigned long chunk)
{
	if (nr_chunks(table) == 1)
		return (u64 *)&table->one;
	return &table->many[chunk];
}

/* First page of @chunk the table covers, as place in the chunk. */
static unsigned int chunk_first(const struct pfn_table *table,
				unsigned long chunk)
{
	return chunk ? 0 : pfn_table_head(table);
}

static unsigned int chunk_count(const struct pfn_table *table,
				unsigned long chunk)
{
	unsigned long first = chunk_first(table, chunk);
	unsigned long end = pfn_table_head(table) + pfn_table_pages(table) -
			    (chunk << PFN_CHUNK_SHIFT);

	return min(end, PFN_CHUNK_PAGES) - first;
}

/**
 * pfn_table_init - describe @nr_pages pages, none of them known yet
 * @table: to initialise
 * @first_vpn: virtual page number of page 0: decides where chunks are cut
 * @nr_pages: at least 1
 */
void pfn_table_init(struct pfn_table *table, unsigned long first_vpn,
		    unsigned long nr_pages)
{
	table->shape = nr_pages << PFN_CHUNK_SHIFT |
		       (first_vpn & (PFN_CHUNK_PAGES - 1));
	table->one = ENTRY_EMPTY;
	if (nr_chunks(table) > 1)
		table->many = NULL;
}

/**
 * pfn_table_alloc - make ready for pages to be set
 * @table: initialised, freed, or ready
 *
 * Return: 0, or -ENOMEM.
 */
int pfn_table_alloc(struct pfn_table *table)
{
	unsigned long chunks = nr_chunks(table);

	if (chunks == 1 || table->many)
		return 0;
	/* How much is up to user space: a fantastic length is no news. */
	table->many = kvcalloc(chunks, sizeof(u64),
			       GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	return table->many ? 0 : -ENOMEM;
}

static void entry_clear(u64 *entry)
{
	u64 old = *entry;

	WRITE_ONCE(*entry, ENTRY_EMPTY);
	if (old != ENTRY_EMPTY && !entry_is_run(old))
		kfree(entry_leaf(old));
}

/**
 * pfn_table_free - undo pfn_table_alloc()
 * @table: initialised; all that was set in it has been cleared, by whole chunks
 */
void pfn_table_free(struct pfn_table *table)
{
	if (nr_chunks(table) == 1)
		return;
	kvfree(table->many);
	table->many = NULL;
}

/**
 * pfn_table_widen - the chunks that a range of pages lies in
 * @table: the table
 * @first: in: first page; out: first page of its chunk
 * @last: in: last page; out: last page of its chunk
 */
void pfn_table_widen(const struct pfn_table *table, unsigned long *first,
		     unsigned long *last)
{
	unsigned long head = pfn_table_head(table), place;

	place = (head + *first) & ~(PFN_CHUNK_PAGES - 1);
	*first = place > head ? place - head : 0;
	place = (head + *last) | (PFN_CHUNK_PAGES - 1);
	*last = min(place - head, pfn_table_pages(table) - 1);
}

static int chunk_make_leaf(const struct pfn_table *table, unsigned long chunk,
			   u64 *entry)
{
	unsigned int first = chunk_first(table, chunk);
	unsigned int i, count = chunk_count(table, chunk);
	u64 *leaf;

	leaf = kmalloc_array(count, sizeof(*leaf), GFP_KERNEL_ACCOUNT);
	if (!leaf)
		return -ENOMEM;

	for (i = 0; i < count; i++)
		leaf[i] = (entry_base(*entry) + first + i) & ENTRY_PFN_MASK;
	/* Who looks a page up right now finds it here or there. */
	smp_store_release(entry, (uintptr_t)leaf);
	return 0;
}

/**
 * pfn_table_set - pages @index to @index + @nr - 1 are one physical run
 * @table: the table
 * @index: first page
 * @pfn: PFN of the first page
 * @nr: number of pages, all within the table; may be 0
 *
 * What a chunk held for other pages stays. After a failure the pages of the
 * request are undefined; others are not touched.
 *
 * Return: 0, or -ENOMEM.
 */
int pfn_table_set(struct pfn_table *table, unsigned long index,
		  unsigned long pfn, unsigned long nr)
{
	while (nr) {
		unsigned long place = pfn_table_head(table) + index;
		unsigned long chunk = place >> PFN_CHUNK_SHIFT;
		unsigned int in_chunk = place & (PFN_CHUNK_PAGES - 1);
		unsigned int n = min(nr, PFN_CHUNK_PAGES - in_chunk);
		u64 base = ((u64)pfn - in_chunk) & ENTRY_PFN_MASK;
		u64 *entry = entry_at(table, chunk);

		if (*entry == ENTRY_EMPTY || n == chunk_count(table, chunk)) {
			entry_clear(entry);
			WRITE_ONCE(*entry, entry_make_run(base));
		} else if (!entry_is_run(*entry) ||
			   entry_base(*entry) != base) {
			unsigned int i, first = chunk_first(table, chunk);
			int rc;

			if (entry_is_run(*entry)) {
				rc = chunk_make_leaf(table, chunk, entry);
				if (rc)
					return rc;
			}
			for (i = 0; i < n; i++)
				entry_leaf(*entry)[in_chunk - first + i] =
					pfn + i;
		}
		index += n;
		pfn += n;
		nr -= n;
	}
	return 0;
}

/**
 * pfn_table_set_only - pfn_table_set() for a table of one page
 * @table: the table
 * @pfn: PFN of the page
 */
void pfn_table_set_only(struct pfn_table *table, unsigned long pfn)
{
	u64 base = ((u64)pfn - pfn_table_head(table)) & ENTRY_PFN_MASK;

	WRITE_ONCE(table->one, entry_make_run(base));
}

/**
 * pfn_table_clear - pages are not known any more
 * @table: the table
 * @index: first page
 * @nr: number of pages, all within the table
 *
 * Gives back the memory of chunks that are in the range as a whole.
 */
void pfn_table_clear(struct pfn_table *table, unsigned long index,
		     unsigned long nr)
{
	while (nr) {
		unsigned long place = pfn_table_head(table) + index;
		unsigned long chunk = place >> PFN_CHUNK_SHIFT;
		unsigned int in_chunk = place & (PFN_CHUNK_PAGES - 1);
		unsigned int n = min(nr, PFN_CHUNK_PAGES - in_chunk);

		if (n == chunk_count(table, chunk))
			entry_clear(entry_at(table, chunk));
		index += n;
		nr -= n;
	}
}

/**
 * pfn_table_get - the PFN of a page
 * @table: the table
 * @index: a page that has been set
 *
 * Return: the PFN.
 */
unsigned long pfn_table_get(const struct pfn_table *table, unsigned long index)
{
	unsigned long place = pfn_table_head(table) + index;
	unsigned long chunk = place >> PFN_CHUNK_SHIFT;
	unsigned int in_chunk = place & (PFN_CHUNK_PAGES - 1);
	u64 entry = READ_ONCE(*entry_at(table, chunk));

	if (entry_is_run(entry))
		return (entry_base(entry) + in_chunk) & ENTRY_PFN_MASK;
	return entry_leaf(entry)[in_chunk - chunk_first(table, chunk)];
}

/**
 * pfn_table_run - the longest physical run from a page on
 * @table: the table
 * @index: first page of the run
 * @max: at most as many pages, all of which have been set
 * @pfn: out: PFN of the first page
 *
 * Takes a step for each chunk that is one run, else one for each page.
 *
 * Return: length of the run in pages, 1 to @max.
 */
unsigned long pfn_table_run(const struct pfn_table *table, unsigned long index,
			    unsigned long max, unsigned long *pfn)
{
	unsigned long nr = 0;

	while (nr < max) {
		unsigned long place = pfn_table_head(table) + index + nr;
		unsigned long chunk = place >> PFN_CHUNK_SHIFT;
		unsigned int in_chunk = place & (PFN_CHUNK_PAGES - 1);
		unsigned long n = min(max - nr, PFN_CHUNK_PAGES - in_chunk);
		u64 entry = READ_ONCE(*entry_at(table, chunk)), here;
		const u64 *leaf = NULL;
		unsigned long i;

		if (entry_is_run(entry)) {
			here = (entry_base(entry) + in_chunk) & ENTRY_PFN_MASK;
		} else {
			leaf = entry_leaf(entry) + in_chunk -
			       chunk_first(table, chunk);
			here = *leaf;
		}
		if (!nr)
			*pfn = here;
		else if (here != *pfn + nr)
			break;
		for (i = 1; leaf && i < n; i++)
			if (leaf[i] != here + i)
				return nr + i;
		nr += n;
	}
	return nr;
}

/**
 * pfn_table_leaf - the PFNs from a page on, if its chunk has a word for each
 * @table: the table
 * @index: first page
 * @max: at most as many pages, all of which have been set
 * @nr: out: how many, if there are some
 *
 * Return: the PFNs of the pages, or NULL if the chunk is one physical run.
 */
const u64 *pfn_table_leaf(const struct pfn_table *table, unsigned long index,
			  unsigned long max, unsigned long *nr)
{
	unsigned long place = pfn_table_head(table) + index;
	unsigned long chunk = place >> PFN_CHUNK_SHIFT;
	unsigned int in_chunk = place & (PFN_CHUNK_PAGES - 1);
	u64 entry = READ_ONCE(*entry_at(table, chunk));

	if (entry_is_run(entry))
		return NULL;
	*nr = min(max, PFN_CHUNK_PAGES - in_chunk);
	return entry_leaf(entry) + in_chunk - chunk_first(table, chunk);
}

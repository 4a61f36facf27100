/* SPDX-License-Identifier: GPL-2.0-only */
/* IO page tables of VT-d: is each flushed before it is freed? */
#ifndef TEST_TABLES_H
#define TEST_TABLES_H

#include "test.h"

#define TRACING "/sys/kernel/tracing/"

/* For a group of tests */
int tables_setup(void **state);
int tables_teardown(void **state);

/* Begin to watch this process, and children that it starts from now on. */
void tables_watch(void);

/*
 * Say what the next table allocated is going to translate. A range mapped in
 * pages of 4 KiB needs a table for each 2 MiB, and for each 1 GiB one above
 * them, allocated first.
 */
void tables_expect(uint64_t start, uint64_t length);
/*
 * The same for all tables of 2 MiB that an area needs. It may share its first
 * one with the area before.
 */
void tables_expect_lowest(uint64_t start, uint64_t length);

struct table_counts {
	unsigned int expected;
	unsigned int allocated;
	unsigned int freed;
};

/*
 * End the watch. Fails the test if a table was freed before the IOMMU was told
 * to forget all that the table translated, and where the table is. A caller has
 * to compare the counts with what must have happened.
 */
struct table_counts tables_check(void);

#endif

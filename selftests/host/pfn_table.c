// SPDX-License-Identifier: GPL-2.0-only
/* kmod/pfn_table.c against an array with a word for each page. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <linux/slab.h>

#include "model.h"
#include "pfn_table.h"
#include "random.h"

#define CHUNK PFN_CHUNK_PAGES
#define MAX_PAGES (6 * CHUNK)
#define UNKNOWN (~0UL)

static unsigned long model[MAX_PAGES];
static struct pfn_table table;

static void start(unsigned long first_vpn, unsigned long nr_pages)
{
	assert_true(nr_pages <= MAX_PAGES);
	memset(model, 0xff, sizeof(model));
	pfn_table_init(&table, first_vpn, nr_pages);
	assert_int_equal(pfn_table_alloc(&table), 0);
}

static int set(unsigned long index, unsigned long pfn, unsigned long nr)
{
	int rc = pfn_table_set(&table, index, pfn, nr);
	unsigned long i;

	/* After a failure nothing is known of the pages. */
	for (i = 0; i < nr; i++)
		model[index + i] = rc ? UNKNOWN : pfn + i;
	return rc;
}

static void clear(unsigned long index, unsigned long nr)
{
	pfn_table_clear(&table, index, nr);
	memset(model + index, 0xff, nr * sizeof(*model));
}

static unsigned long model_run(unsigned long index, unsigned long max)
{
	unsigned long nr = 1;

	while (nr < max && model[index + nr] == model[index] + nr)
		nr++;
	return nr;
}

/* Pages from @index on that have been set, up to @max. */
static unsigned long model_known(unsigned long index, unsigned long max)
{
	unsigned long nr = 0;

	while (nr < max && model[index + nr] != UNKNOWN)
		nr++;
	return nr;
}

static unsigned long model_unknown(unsigned long index, unsigned long max)
{
	unsigned long nr = 0;

	while (nr < max && model[index + nr] == UNKNOWN)
		nr++;
	return nr;
}

/* In a chunk that has words; one that has not is one run. */
static void check_leaf(unsigned long index, unsigned long max)
{
	unsigned long end = CHUNK - (pfn_table_head(&table) + index) % CHUNK;
	unsigned long nr, i;
	const u64 *pfns = pfn_table_leaf(&table, index, max, &nr);

	end = end < max ? end : max;
	if (!pfns) {
		assert_int_equal(model_run(index, end), end);
		return;
	}
	assert_int_equal(nr, end);
	for (i = 0; i < nr; i++)
		assert_int_equal(pfns[i], model[index + i]);
}

static void check_run(unsigned long index, unsigned long max)
{
	unsigned long pfn, known = model_known(index, max);

	if (!known)
		return;
	check_leaf(index, known);
	assert_int_equal(pfn_table_run(&table, index, known, &pfn),
			 model_run(index, known));
	assert_int_equal(pfn, model[index]);
}

static void check_all(void)
{
	unsigned long i;

	for (i = 0; i < pfn_table_pages(&table); i++)
		if (model[i] != UNKNOWN)
			assert_int_equal(pfn_table_get(&table, i), model[i]);
	for (i = 0; i < pfn_table_pages(&table); i++)
		if (model[i] != UNKNOWN &&
		    (!i || model[i] != model[i - 1] + 1))
			check_run(i, pfn_table_pages(&table) - i);
}

static unsigned long nr_chunks(void)
{
	unsigned long end = pfn_table_head(&table) + pfn_table_pages(&table);

	return (end + CHUNK - 1) / CHUNK;
}

/* The entries, unless there is but one, and at most a leaf for each. */
static unsigned long most_allocations(void)
{
	return nr_chunks() + (nr_chunks() > 1);
}

static void finish(void)
{
	check_all();
	assert_true(slab_live <= most_allocations());
	clear(0, pfn_table_pages(&table));
	assert_int_equal(slab_live, nr_chunks() > 1);
	pfn_table_free(&table);
	assert_int_equal(slab_live, 0);
}

/* As the module does it: of chunks of which no page is known nothing is kept. */
static void forget_unknown(unsigned long first, unsigned long last)
{
	pfn_table_widen(&table, &first, &last);
	while (first <= last) {
		unsigned long nr = model_unknown(first, last - first + 1);

		if (nr)
			clear(first, nr);
		first += nr ? nr : 1;
	}
}

static unsigned long chunks_known(void)
{
	unsigned long end = pfn_table_pages(&table), index = 0, nr = 0;

	while (index < end) {
		unsigned long first = index, last = index;

		pfn_table_widen(&table, &first, &last);
		assert_int_equal(first, index);
		assert_true(last < end);
		index = last + 1;
		nr += model_unknown(first, index - first) < index - first;
	}
	return nr;
}

static int setup(void **state)
{
	slab_start();
	return 0;
}

static void one_page_needs_no_allocation(void **state)
{
	start(77, 1);
	assert_int_equal(set(0, 12345, 1), 0);
	assert_int_equal(slab_live, 0);
	finish();
}

static void one_chunk_that_is_one_run_needs_no_allocation(void **state)
{
	start(CHUNK, CHUNK);
	assert_int_equal(set(0, 3 * CHUNK, CHUNK), 0);
	assert_int_equal(slab_live, 0);
	finish();
}

static void chunks_are_cut_at_user_addresses(void **state)
{
	/* One page before a huge page, the huge page, one page behind. */
	start(CHUNK - 1, CHUNK + 2);
	assert_int_equal(set(0, 1000, 1), 0);
	assert_int_equal(set(1, 7 * CHUNK, CHUNK), 0);
	assert_int_equal(set(CHUNK + 1, 2000, 1), 0);
	/* The array of entries, and no leaf. */
	assert_int_equal(slab_live, 1);
	check_run(1, CHUNK + 1);
	finish();
}

static void scattered_pages_need_a_leaf_for_each_chunk(void **state)
{
	unsigned long i;

	start(0, 2 * CHUNK);
	for (i = 0; i < 2 * CHUNK; i++)
		assert_int_equal(set(i, 10 * i, 1), 0);
	assert_int_equal(slab_live, 3);
	finish();
}

static void a_run_over_a_chunk_frees_its_leaf(void **state)
{
	start(0, 2 * CHUNK);
	assert_int_equal(set(0, 5, 1), 0);
	assert_int_equal(set(1, 100, 1), 0);
	assert_int_equal(slab_live, 2);
	assert_int_equal(set(0, 4096, CHUNK), 0);
	assert_int_equal(slab_live, 1);
	finish();

	/* Also when the table has but a part of the chunk. */
	start(CHUNK - 5, 10);
	assert_int_equal(set(0, 5, 1), 0);
	assert_int_equal(set(1, 100, 1), 0);
	assert_int_equal(set(9, 7, 1), 0);
	assert_int_equal(set(8, 70, 1), 0);
	assert_int_equal(slab_live, 3);
	assert_int_equal(set(0, 4096, 5), 0);
	assert_int_equal(set(5, 300, 5), 0);
	assert_int_equal(slab_live, 1);
	finish();
}

static void a_run_goes_on_over_chunks(void **state)
{
	unsigned long pfn;

	start(CHUNK - 3, 4 * CHUNK);
	assert_int_equal(set(0, 1UL << 20, 4 * CHUNK), 0);
	assert_int_equal(pfn_table_run(&table, 0, 4 * CHUNK, &pfn), 4 * CHUNK);
	assert_int_equal(pfn_table_run(&table, 2, 3, &pfn), 3);
	assert_int_equal(pfn, (1UL << 20) + 2);
	finish();
}

static void a_run_ends_in_a_leaf(void **state)
{
	unsigned long pfn;

	start(0, 2 * CHUNK);
	assert_int_equal(set(0, 9000, 2 * CHUNK), 0);
	assert_int_equal(set(CHUNK + 7, 1, 1), 0);
	assert_int_equal(pfn_table_run(&table, 5, 2 * CHUNK - 5, &pfn),
			 CHUNK + 2);
	finish();
}

/* The chunk's first page would have a PFN below zero. */
static void low_pfns_late_in_a_chunk(void **state)
{
	start(0, CHUNK);
	assert_int_equal(set(CHUNK - 2, 0, 2), 0);
	check_all();
	/* And with a leaf made of that run. */
	assert_int_equal(set(0, 700, 3), 0);
	finish();

	start(CHUNK - 1, 1);
	assert_int_equal(set(0, 0, 1), 0);
	finish();
}

static void highest_pfns(void **state)
{
	/* All a PFN can be: 64 bits of address less 12. */
	const unsigned long top = ~0UL >> 12;

	start(5, 2 * CHUNK);
	assert_int_equal(set(0, top - CHUNK + 1, CHUNK), 0);
	assert_int_equal(set(CHUNK, 3, 1), 0);
	assert_int_equal(set(CHUNK + 1, top, 1), 0);
	finish();
}

static void the_rest_of_a_chunk_stays(void **state)
{
	start(0, CHUNK);
	assert_int_equal(set(0, 50000, CHUNK), 0);
	assert_int_equal(set(10, 50010, 4), 0);
	assert_int_equal(slab_live, 0);
	assert_int_equal(set(10, 1, 4), 0);
	check_all();
	/* Written again as it was. */
	assert_int_equal(set(10, 50010, 4), 0);
	check_all();
	check_run(0, CHUNK);
	finish();
}

static void clearing_whole_chunks_gives_memory_back(void **state)
{
	start(CHUNK - 1, 2 * CHUNK);
	assert_int_equal(set(0, 9, 1), 0);
	assert_int_equal(set(1, 100, CHUNK), 0);
	assert_int_equal(set(7, 5, 1), 0);
	assert_int_equal(set(CHUNK + 1, 5000, CHUNK - 1), 0);
	assert_int_equal(set(CHUNK + 2, 5, 1), 0);
	assert_int_equal(slab_live, 3);
	/* The chunk in the midst, and as much of its neighbours as leaves them. */
	clear(1, 2 * CHUNK - 2);
	assert_int_equal(slab_live, 2);
	check_all();
	clear(0, 2 * CHUNK);
	assert_int_equal(slab_live, 1);
	assert_int_equal(set(0, 300, 2 * CHUNK), 0);
	assert_int_equal(slab_live, 1);
	finish();
}

static void cleared_in_part_the_rest_stays(void **state)
{
	start(0, CHUNK);
	assert_int_equal(set(0, 50000, CHUNK), 0);
	clear(10, 100);
	assert_int_equal(slab_live, 0);
	check_all();
	/* Back where they were, and elsewhere. */
	assert_int_equal(set(10, 50010, 50), 0);
	assert_int_equal(slab_live, 0);
	assert_int_equal(set(60, 7, 50), 0);
	check_all();
	clear(0, 60);
	clear(110, CHUNK - 110);
	check_all();
	clear(0, CHUNK);
	assert_int_equal(slab_live, 0);
	finish();
}

static void a_freed_table_can_be_used_again(void **state)
{
	start(3, 3 * CHUNK);
	assert_int_equal(set(0, 1000, 3 * CHUNK), 0);
	assert_int_equal(set(5, 1, 1), 0);
	finish();
	memset(model, 0xff, sizeof(model));
	assert_int_equal(pfn_table_alloc(&table), 0);
	assert_int_equal(set(CHUNK, 2000, CHUNK), 0);
	finish();
}

static void a_table_that_is_ready_stays_as_it_is(void **state)
{
	start(CHUNK - 1, CHUNK);
	assert_int_equal(set(0, 7, 2), 0);
	assert_int_equal(slab_live, 1);
	assert_int_equal(pfn_table_alloc(&table), 0);
	assert_int_equal(slab_live, 1);
	finish();
}

static void assert_wide(unsigned long first, unsigned long last,
			unsigned long wide_first, unsigned long wide_last)
{
	pfn_table_widen(&table, &first, &last);
	assert_int_equal(first, wide_first);
	assert_int_equal(last, wide_last);
}

static void ranges_are_widened_to_chunks(void **state)
{
	/* Three pages, a chunk, and five pages. */
	start(CHUNK - 3, CHUNK + 8);
	assert_wide(0, 0, 0, 2);
	assert_wide(2, 3, 0, CHUNK + 2);
	assert_wide(3, CHUNK + 2, 3, CHUNK + 2);
	assert_wide(CHUNK + 4, CHUNK + 5, CHUNK + 3, CHUNK + 7);
	assert_wide(1, CHUNK + 7, 0, CHUNK + 7);
	finish();
	start(9, 20);
	assert_wide(4, 5, 0, 19);
	finish();
}

/* The last use of a page in a chunk is that of a part of it. */
static void a_chunk_of_no_use_can_be_forgotten(void **state)
{
	start(0, 3 * CHUNK);
	assert_int_equal(set(CHUNK + 5, 100, 1), 0);
	assert_int_equal(set(CHUNK + 6, 200, 1), 0);
	assert_int_equal(slab_live, 2);
	clear(CHUNK + 5, 1);
	forget_unknown(CHUNK + 5, CHUNK + 5);
	check_all();
	assert_int_equal(slab_live, 2);
	clear(CHUNK + 6, 1);
	/* Of no meaning, but there. */
	assert_int_equal(slab_live, 2);
	forget_unknown(CHUNK + 6, CHUNK + 6);
	assert_int_equal(slab_live, 1);
	finish();
}

static void without_memory_alloc_fails(void **state)
{
	slab_fail(1);
	pfn_table_init(&table, 0, CHUNK + 1);
	assert_int_equal(pfn_table_alloc(&table), -ENOMEM);
	/* One chunk takes none. */
	start(0, CHUNK);
	assert_int_equal(set(0, 1, 1), 0);
	assert_int_equal(set(1, 7, 1), -ENOMEM);
	assert_int_equal(pfn_table_get(&table, 0), 1);
	finish();
}

static unsigned long random_pfn(unsigned long index)
{
	switch (random_below(5)) {
	case 0:
		/* What is already there, or goes on from it. */
		if (model[index] != UNKNOWN)
			return model[index];
		return index && model[index - 1] != UNKNOWN ?
		       model[index - 1] + 1 : 0;
	case 1:
		return random_below(2 * CHUNK);
	case 2:
		return index;
	case 3:
		return random_below(8) * CHUNK;
	default:
		return random_below(~0UL >> 13);
	}
}

static void random_set(unsigned long index, unsigned long nr)
{
	int rc = set(index, random_pfn(index), nr);

	if (rc) {
		assert_int_equal(rc, -ENOMEM);
		assert_int_not_equal(slab_fail_every, 0);
	}
	check_run(index, pfn_table_pages(&table) - index);
	if (index)
		check_run(index - 1, nr + 1);
}

/* As the module does it: set what is not known, in runs; clear what is. */
static void random_fill(unsigned long index, unsigned long end)
{
	while (index < end) {
		unsigned long nr = 1;

		if (model[index] == UNKNOWN) {
			nr = random_scale(model_unknown(index, end - index));
			random_set(index, nr);
		}
		index += nr;
	}
}

static void random_empty(unsigned long index, unsigned long end)
{
	while (index < end) {
		unsigned long nr = model_known(index, end - index);

		if (nr)
			clear(index, nr);
		index += nr ? nr : 1;
	}
}

/* Drawn again until there is memory for it, which one chunk does not need. */
static void random_table(void)
{
	memset(model, 0xff, sizeof(model));
	do {
		pfn_table_init(&table, random_below(2 * CHUNK),
			       random_scale(MAX_PAGES));
	} while (pfn_table_alloc(&table));
}

void model_start(void)
{
	slab_start();
	if (random_below(2))
		slab_fail(2 + random_below(16));
	random_table();
}

void model_operation(void)
{
	unsigned long index = random_below(pfn_table_pages(&table));
	unsigned long nr = random_scale(pfn_table_pages(&table) - index);

	switch (random_below(9)) {
	case 0:
	case 1:
	case 2:
		random_set(index, nr);
		break;
	case 3:
		clear(index, nr);
		break;
	case 4:
		random_fill(index, index + nr);
		break;
	case 5:
		random_empty(index, index + nr);
		break;
	case 6:
		if (nr)
			forget_unknown(index, index + nr - 1);
		break;
	default:
		check_run(index, nr);
	}
}

void model_finish(void)
{
	forget_unknown(0, pfn_table_pages(&table) - 1);
	assert_true(slab_live <= chunks_known() + (nr_chunks() > 1));
	finish();
}

static void random_operations(unsigned long left)
{
	while (left) {
		unsigned long nr = random_below(4000);

		random_table();
		for (; left && nr; left--, nr--) {
			model_operation();
			if (!random_below(1000))
				check_all();
		}
		model_finish();
	}
}

static void random_operations_match_the_model(void **state)
{
	random_operations(2000000);
}

static void nothing_leaks_when_allocations_fail(void **state)
{
	unsigned int every;

	for (every = 1; every <= 20; every++) {
		slab_start();
		slab_fail(every);
		random_operations(40000);
		assert_int_not_equal(slab_failed, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_page_needs_no_allocation, setup),
		cmocka_unit_test_setup(
			one_chunk_that_is_one_run_needs_no_allocation, setup),
		cmocka_unit_test_setup(chunks_are_cut_at_user_addresses, setup),
		cmocka_unit_test_setup(
			scattered_pages_need_a_leaf_for_each_chunk, setup),
		cmocka_unit_test_setup(a_run_over_a_chunk_frees_its_leaf, setup),
		cmocka_unit_test_setup(a_run_goes_on_over_chunks, setup),
		cmocka_unit_test_setup(a_run_ends_in_a_leaf, setup),
		cmocka_unit_test_setup(low_pfns_late_in_a_chunk, setup),
		cmocka_unit_test_setup(highest_pfns, setup),
		cmocka_unit_test_setup(the_rest_of_a_chunk_stays, setup),
		cmocka_unit_test_setup(clearing_whole_chunks_gives_memory_back,
				       setup),
		cmocka_unit_test_setup(cleared_in_part_the_rest_stays, setup),
		cmocka_unit_test_setup(a_freed_table_can_be_used_again, setup),
		cmocka_unit_test_setup(a_table_that_is_ready_stays_as_it_is,
				       setup),
		cmocka_unit_test_setup(ranges_are_widened_to_chunks, setup),
		cmocka_unit_test_setup(a_chunk_of_no_use_can_be_forgotten,
				       setup),
		cmocka_unit_test_setup(without_memory_alloc_fails, setup),
		cmocka_unit_test_setup(random_operations_match_the_model, setup),
		cmocka_unit_test_setup(nothing_leaks_when_allocations_fail, setup),
	};

	return cmocka_run_group_tests(tests, random_seed, NULL);
}

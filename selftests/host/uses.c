// SPDX-License-Identifier: GPL-2.0-only
/* kmod/uses.c against an array that counts for each page. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <linux/slab.h>

#include "model.h"
#include "random.h"
#include "uses.h"

#define MAX_PAGES 256
#define MAX_RANGES 300

struct range {
	unsigned long first, last;
};

static struct uses uses;
/* The page that the model knows as its first. */
static unsigned long base;
static struct range live[MAX_RANGES];
static unsigned int nr_live;
/* Of each page: the ranges it is in, those that begin and those that end there. */
static struct {
	unsigned int in, begins, ends;
} page[MAX_PAGES];

static void start(unsigned long at)
{
	base = at;
	nr_live = 0;
	memset(page, 0, sizeof(page));
	uses_init(&uses);
}

/* Spans it takes to tell all ranges from each other. */
static unsigned long model_spans(void)
{
	unsigned long i, nr = 0;

	for (i = 0; i < MAX_PAGES; i++)
		if (page[i].in && (!i || !page[i - 1].in || page[i].begins ||
				   page[i - 1].ends))
			nr++;
	return nr;
}

static bool model_gap(unsigned long *first, unsigned long last,
		      unsigned long *gap_last)
{
	while (*first <= last && page[*first].in)
		++*first;
	if (*first > last)
		return false;
	*gap_last = *first;
	while (*gap_last < last && !page[*gap_last + 1].in)
		++*gap_last;
	return true;
}

static void model_count(unsigned long first, unsigned long last, int by)
{
	unsigned long i;

	for (i = first; i <= last; i++)
		page[i].in += by;
	page[first].begins += by;
	page[last].ends += by;
}

static void check_gaps(unsigned long first, unsigned long last)
{
	unsigned long expected = first, expected_last;
	unsigned long gap = base + first, gap_last;
	bool covered = true;

	while (model_gap(&expected, last, &expected_last)) {
		covered = false;
		assert_true(uses_next_gap(&uses, &gap, base + last, &gap_last));
		assert_int_equal(gap, base + expected);
		assert_int_equal(gap_last, base + expected_last);
		gap = gap_last + 1;
		expected = expected_last + 1;
	}
	/* The search for the last gap may have come to the end of the range. */
	if (gap <= base + last)
		assert_false(uses_next_gap(&uses, &gap, base + last,
					   &gap_last));
	assert_int_equal(uses_cover(&uses, base + first, base + last), covered);
}

/* Each span is an allocation. */
static void check_all(void)
{
	check_gaps(0, MAX_PAGES - 1);
	assert_int_equal(slab_live, model_spans());
	assert_true(slab_live <= 2 * nr_live);
	assert_int_equal(uses_empty(&uses), !nr_live);
}

static int add(unsigned long first, unsigned long last)
{
	int rc = uses_add(&uses, base + first, base + last);

	if (!rc) {
		model_count(first, last, 1);
		live[nr_live++] = (struct range){ first, last };
	}
	check_all();
	return rc;
}

static void take(unsigned int i)
{
	struct range range = live[i];

	live[i] = live[--nr_live];
	uses_remove(&uses, base + range.first, base + range.last);
	model_count(range.first, range.last, -1);
	check_all();
}

static void finish(void)
{
	while (nr_live)
		take(nr_live / 2);
	assert_true(uses_empty(&uses));
	assert_int_equal(slab_live, 0);
}

static int setup(void **state)
{
	slab_start();
	start(0);
	return 0;
}

static void no_range_no_memory(void **state)
{
	check_all();
	assert_false(uses_cover(&uses, 0, 0));
	finish();
}

static void a_range_covers_what_it_is(void **state)
{
	assert_int_equal(add(10, 19), 0);
	assert_int_equal(slab_live, 1);
	assert_true(uses_cover(&uses, 10, 19));
	assert_true(uses_cover(&uses, 12, 12));
	assert_false(uses_cover(&uses, 9, 19));
	assert_false(uses_cover(&uses, 10, 20));
	finish();
}

static void the_same_range_often_is_one_span(void **state)
{
	int i;

	for (i = 0; i < 100; i++)
		assert_int_equal(add(10, 19), 0);
	assert_int_equal(slab_live, 1);
	for (i = 0; i < 99; i++)
		take(0);
	assert_true(uses_cover(&uses, 10, 19));
	finish();
}

static void neighbours_are_told_apart(void **state)
{
	assert_int_equal(add(0, 9), 0);
	assert_int_equal(add(10, 19), 0);
	assert_int_equal(slab_live, 2);
	assert_true(uses_cover(&uses, 0, 19));
	take(0);
	assert_true(uses_cover(&uses, 10, 19));
	assert_false(uses_cover(&uses, 9, 10));
	finish();
}

static void a_cut_goes_with_who_made_it(void **state)
{
	assert_int_equal(add(0, 99), 0);
	assert_int_equal(add(20, 29), 0);
	assert_int_equal(slab_live, 3);
	take(1);
	assert_int_equal(slab_live, 1);
	/* The outer one goes first. */
	assert_int_equal(add(20, 29), 0);
	take(0);
	assert_int_equal(slab_live, 1);
	assert_true(uses_cover(&uses, 20, 29));
	finish();
}

static void holes_are_filled_in_one_go(void **state)
{
	unsigned long i;

	for (i = 0; i < MAX_PAGES; i += 4)
		assert_int_equal(add(i, i + 1), 0);
	assert_int_equal(add(0, MAX_PAGES - 1), 0);
	assert_int_equal(slab_live, MAX_PAGES / 2);
	assert_true(uses_cover(&uses, 0, MAX_PAGES - 1));
	finish();
}

static void the_highest_pages(void **state)
{
	start(ULONG_MAX - MAX_PAGES);
	assert_int_equal(add(MAX_PAGES - 1, MAX_PAGES - 1), 0);
	assert_int_equal(add(0, MAX_PAGES - 1), 0);
	take(0);
	assert_int_equal(slab_live, 1);
	finish();
}

/* Two borders in a span, and a gap behind it: it fails at each of them. */
static void without_memory_nothing_changes(void **state)
{
	unsigned int nth;

	for (nth = 1; nth <= 3; nth++) {
		assert_int_equal(add(0, 49), 0);
		assert_int_equal(add(60, 99), 0);
		slab_fail(nth);
		assert_int_equal(add(10, 69), -ENOMEM);
		assert_int_equal(slab_live, 2);
		slab_fail(0);
		assert_int_equal(add(10, 69), 0);
		assert_int_equal(slab_live, 5);
		finish();
	}
}

static void random_range(struct range *range)
{
	range->first = random_below(MAX_PAGES);
	range->last = range->first +
		      random_scale(MAX_PAGES - range->first) - 1;
}

static void random_add(void)
{
	struct range range;
	int rc;

	/* One that is there already, now and then. */
	if (nr_live && !random_below(4))
		range = live[random_below(nr_live)];
	else
		random_range(&range);
	rc = add(range.first, range.last);
	if (rc) {
		assert_int_equal(rc, -ENOMEM);
		assert_int_not_equal(slab_fail_every, 0);
	}
}

void model_start(void)
{
	slab_start();
	if (random_below(2))
		slab_fail(1 + random_below(16));
	start(random_below(2) ? 0 : ULONG_MAX - MAX_PAGES);
}

void model_operation(void)
{
	struct range range;

	switch (random_below(8)) {
	case 0:
	case 1:
	case 2:
		if (nr_live < MAX_RANGES)
			random_add();
		break;
	case 3:
	case 4:
	case 5:
		if (nr_live)
			take(random_below(nr_live));
		break;
	default:
		random_range(&range);
		check_gaps(range.first, range.last);
	}
}

void model_finish(void)
{
	finish();
}

static void random_operations(unsigned long nr)
{
	model_start();
	while (nr--)
		model_operation();
	model_finish();
}

static void random_operations_match_the_model(void **state)
{
	int i;

	for (i = 0; i < 10; i++)
		random_operations(100000);
}

static void failing_allocations_match_the_model(void **state)
{
	unsigned int every;
	int i;

	for (every = 1; every <= 20; every++) {
		setup(state);
		slab_fail(every);
		for (i = 0; i < 50000; i++)
			model_operation();
		assert_int_not_equal(slab_failed, 0);
		finish();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(no_range_no_memory, setup),
		cmocka_unit_test_setup(a_range_covers_what_it_is, setup),
		cmocka_unit_test_setup(the_same_range_often_is_one_span, setup),
		cmocka_unit_test_setup(neighbours_are_told_apart, setup),
		cmocka_unit_test_setup(a_cut_goes_with_who_made_it, setup),
		cmocka_unit_test_setup(holes_are_filled_in_one_go, setup),
		cmocka_unit_test_setup(the_highest_pages, setup),
		cmocka_unit_test_setup(without_memory_nothing_changes, setup),
		cmocka_unit_test_setup(random_operations_match_the_model, setup),
		cmocka_unit_test_setup(failing_allocations_match_the_model,
				       setup),
	};

	return cmocka_run_group_tests(tests, random_seed, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* bpf/iova_window.bpf.c: places in a window that is more or less full. */
#include "policy.h"

#include "iova_window.bpf.c"

#define FIRST (4 * GIB)
#define LAST (8 * GIB - 1)

static int reset(void **state)
{
	policy_test_set(window_first, FIRST);
	policy_test_set(window_last, LAST);
	policy_test_set(align, PAGE);
	policy_test_set(top_down, false);
	policy_test_set(randomise, false);
	policy_test_set(huge_pages, false);
	return 0;
}

/* Where so many bytes go, which are there from then on */
static s64 place(u64 length)
{
	const struct iommufd_policy_iova_request req = { .length = length };
	s64 iova = iova_window.iova_alloc(&req);

	if (iova <= 0)
		return iova;
	assert_int_equal(iova % PAGE, 0);
	assert_in_range(iova, window_first, window_last);
	assert_in_range(iova + length - 1, iova, window_last);
	assert_true(policy_test_take(iova, length));
	return iova;
}

static int init(void)
{
	const struct iommufd_policy_init_info info = { .api_version = 1 };

	return iova_window.init(&info);
}

static void the_lowest_one_after_the_other(void **state)
{
	assert_int_equal(init(), 0);
	assert_int_equal(place(PAGE), FIRST);
	assert_int_equal(place(2 * PAGE), FIRST + PAGE);
	assert_int_equal(place(1), FIRST + 3 * PAGE);
	assert_int_equal(place(PAGE), FIRST + 4 * PAGE);
}

static void the_highest_one_after_the_other(void **state)
{
	policy_test_set(top_down, true);
	assert_int_equal(init(), 0);
	assert_int_equal(place(PAGE), LAST + 1 - PAGE);
	assert_int_equal(place(2 * PAGE), LAST + 1 - 3 * PAGE);
}

static void a_full_window_refuses(void **state)
{
	policy_test_set(window_last, FIRST + 2 * PAGE - 1);
	assert_int_equal(place(3 * PAGE), -ENOSPC);
	assert_int_equal(place(PAGE), FIRST);
	assert_int_equal(place(2 * PAGE), -ENOSPC);
	assert_int_equal(place(PAGE), FIRST + PAGE);
	assert_int_equal(place(PAGE), -ENOSPC);
}

/* Which would be no answer, and the kernel would choose */
static void address_0_is_never_answered(void **state)
{
	policy_test_set(window_first, 0);
	policy_test_set(window_last, 2 * PAGE - 1);
	policy_test_set(top_down, true);
	assert_int_equal(place(PAGE), PAGE);
	assert_int_equal(place(PAGE), -ENOSPC);
	policy_test_set(top_down, false);
	assert_int_equal(place(PAGE), -ENOSPC);
	policy_test_set(randomise, true);
	assert_int_equal(place(PAGE), -ENOSPC);
}

static void each_address_is_aligned(void **state)
{
	policy_test_set(align, 64 * PAGE);
	policy_test_set(window_first, FIRST + PAGE);
	assert_int_equal(init(), 0);
	assert_int_equal(place(PAGE), FIRST + 64 * PAGE);
	assert_int_equal(place(PAGE), FIRST + 128 * PAGE);
	policy_test_set(top_down, true);
	assert_int_equal(place(PAGE), LAST + 1 - 64 * PAGE);
}

static void huge_pages_begin_where_huge_pages_do(void **state)
{
	policy_test_set(huge_pages, true);
	assert_int_equal(place(PAGE), FIRST);
	assert_int_equal(place(2 * MIB), FIRST + 2 * MIB);
	assert_int_equal(place(PAGE), FIRST + PAGE);
	assert_int_equal(place(3 * MIB), FIRST + 4 * MIB);
	assert_int_equal(place(GIB), FIRST + GIB);
	policy_test_set(top_down, true);
	assert_int_equal(place(2 * MIB), LAST + 1 - 2 * MIB);
	assert_int_equal(place(PAGE), LAST + 1 - 2 * MIB - PAGE);
	assert_int_equal(place(GIB), FIRST + 2 * GIB);
}

static void where_no_huge_page_begins_a_smaller_alignment_does(void **state)
{
	policy_test_set(huge_pages, true);
	policy_test_set(window_first, FIRST + PAGE);
	policy_test_set(window_last, FIRST + PAGE + GIB + 2 * MIB);
	/* Only 2 MiB come first, then only pages. */
	assert_int_equal(place(GIB), FIRST + 2 * MIB);
	assert_int_equal(place(2 * MIB - PAGE), FIRST + PAGE);
	policy_test_reset();
	policy_test_set(window_last, FIRST + 3 * MIB);
	assert_int_equal(place(2 * MIB), FIRST + PAGE);
	/* An alignment that is larger anyway is kept. */
	policy_test_reset();
	policy_test_set(window_last, LAST);
	policy_test_set(align, 4 * MIB);
	assert_int_equal(place(2 * MIB), FIRST + 4 * MIB);
	assert_int_equal(policy_test.hole_calls, 1);
}

/* Both halves of the window are hit, and no order is kept. */
static void random_places(bool downwards)
{
	s64 iova, before = 0;
	int i, high = 0, ascents = 0;

	policy_test_set(randomise, true);
	policy_test_set(top_down, downwards);
	for (i = 0; i < 60; i++) {
		iova = place(PAGE);
		assert_true(iova > 0);
		high += (u64)iova >= FIRST + 2 * GIB;
		ascents += iova > before;
		before = iova;
	}
	assert_in_range(high, 15, 45);
	assert_in_range(ascents, 15, 45);
}

static void random_places_upwards(void **state)
{
	random_places(false);
}

static void random_places_downwards(void **state)
{
	random_places(true);
}

static void random_places_use_all_of_the_window(void **state)
{
	int i, down;

	policy_test_set(randomise, true);
	policy_test_set(window_last, FIRST + 32 * PAGE - 1);
	for (down = 0; down < 2; down++) {
		policy_test_reset();
		policy_test_set(top_down, down);
		for (i = 0; i < 32; i++)
			assert_in_range(place(PAGE), FIRST, FIRST + 31 * PAGE);
		assert_int_equal(place(PAGE), -ENOSPC);
	}
}

static void random_places_of_huge_pages(void **state)
{
	int i;

	policy_test_set(randomise, true);
	policy_test_set(huge_pages, true);
	for (i = 0; i < 30; i++)
		assert_int_equal(place(2 * MIB) % (2 * MIB), 0);
}

static void nonsense_is_not_loaded(void **state)
{
	static const u64 wrong[] = { 0, 1, PAGE / 2, PAGE + 1, 3 * PAGE };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		policy_test_set(align, wrong[i]);
		assert_int_equal(init(), -EINVAL);
	}
	policy_test_set(align, GIB);
	assert_int_equal(init(), 0);
	policy_test_set(window_first, LAST + 1);
	assert_int_equal(init(), -EINVAL);
	policy_test_set(window_first, 1ULL << 63);
	policy_test_set(window_last, UINT64_MAX);
	assert_int_equal(init(), -EINVAL);
	policy_test_set(window_first, 0);
	assert_int_equal(init(), 0);
	policy_test_set(window_last, 0);
	assert_int_equal(init(), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_lowest_one_after_the_other),
		TEST(the_highest_one_after_the_other),
		TEST(a_full_window_refuses),
		TEST(address_0_is_never_answered),
		TEST(each_address_is_aligned),
		TEST(huge_pages_begin_where_huge_pages_do),
		TEST(where_no_huge_page_begins_a_smaller_alignment_does),
		TEST(random_places_upwards),
		TEST(random_places_downwards),
		TEST(random_places_use_all_of_the_window),
		TEST(random_places_of_huge_pages),
		TEST(nonsense_is_not_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

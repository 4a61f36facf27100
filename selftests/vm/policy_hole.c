// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=120 */
/* iommufd_policy_find_hole(), which policies that choose IO addresses may call */
#include "lib/place.h"

#define BASE (64 * MIB)
#define MSI_WINDOW 0xfee00000UL
#define MSI_LAST 0xfeefffffUL

static struct policy policy;
static volatile struct place *place;
static int iommu;
static uint32_t ioas;
static struct edu edu;
static char *memory;

static int setup(void **state)
{
	edu.vfio = -1;
	iommu = context_open();
	ioas = ioas_new(iommu);
	memory = memory_new(HUGE);
	place = place_start(&policy, "place", "asking", PLACE_ANYWHERE);
	return 0;
}

static int teardown(void **state)
{
	policy_stop(&policy);
	if (edu.vfio >= 0)
		edu_close(&edu);
	munmap(memory, HUGE);
	return close(iommu);
}

/* What iommufd_policy_find_hole() answers about a request of this length */
static int64_t hole(uint64_t length, struct place_window window,
		    unsigned int flags)
{
	const unsigned long long calls = place->calls;
	uint64_t iova;

	place->window.start = window.start;
	place->window.last = window.last;
	place->window.align = window.align;
	place->flags = flags;
	/* Whether the kernel finds one by itself is another matter. */
	if (!ioas_map(iommu, ioas, memory, length, RW, &iova))
		assert_int_equal(ioas_unmap(iommu, ioas, iova, length, NULL),
				 0);
	assert_int_equal(place->calls, calls + 1);
	return place->found;
}

static int64_t lowest(uint64_t length, uint64_t first, uint64_t last)
{
	return hole(length, (struct place_window){ first, last, PAGE }, 0);
}

static int64_t highest(uint64_t length, uint64_t first, uint64_t last)
{
	return hole(length, (struct place_window){ first, last, PAGE },
		    IOMMUFD_POLICY_HOLE_HIGHEST);
}

static void holes_are_between_what_is_mapped(void **state)
{
	uint64_t first[8], end = BASE, i;

	/* Of one page, of two, and so on, each behind an area of one */
	for (i = 0; i < ARRAY_SIZE(first); i++) {
		assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW,
					     end), 0);
		first[i] = end + PAGE;
		end = first[i] + (i + 1) * PAGE;
	}
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW, end), 0);

	for (i = 0; i < ARRAY_SIZE(first); i++) {
		const uint64_t length = (i + 1) * PAGE;
		const uint64_t last = first[i] + length - 1;

		assert_int_equal(lowest(length, BASE, end), first[i]);
		assert_int_equal(lowest(length, BASE, last), first[i]);
		assert_int_equal(lowest(length, BASE, last - 1), -ENOSPC);
		assert_int_equal(highest(length, BASE, last), first[i]);
		assert_int_equal(highest(length, BASE, last - 1), -ENOSPC);
	}
	assert_int_equal(highest(PAGE, BASE, end), end - PAGE);
	assert_int_equal(lowest(i * PAGE + 1, BASE, end), -ENOSPC);
	assert_int_equal(highest(i * PAGE + 1, BASE, end), -ENOSPC);
}

static void holes_are_within_the_window_and_not_zero(void **state)
{
	const int64_t top = INT64_MAX - PAGE + 1;

	assert_int_equal(lowest(PAGE, 0, UINT64_MAX), PAGE);
	assert_int_equal(lowest(PAGE, 0, PAGE - 1), -ENOSPC);
	assert_int_equal(lowest(1, PAGE + 1, UINT64_MAX), 2 * PAGE);
	assert_int_equal(lowest(PAGE, BASE, BASE + PAGE - 1), BASE);
	assert_int_equal(lowest(PAGE, BASE, BASE + PAGE - 2), -ENOSPC);
	assert_int_equal(lowest(1, BASE, BASE), BASE);
	assert_int_equal(lowest(2, BASE, BASE), -ENOSPC);
	assert_int_equal(highest(PAGE, 0, 2 * PAGE - 1), PAGE);
	assert_int_equal(highest(PAGE, 0, 2 * PAGE - 2), -ENOSPC);
	assert_int_equal(highest(1, BASE, BASE + PAGE - 1), BASE);
	assert_int_equal(highest(PAGE, BASE, BASE + 2 * PAGE - 2), BASE);

	/* What is an answer, and no error */
	assert_int_equal(highest(PAGE, 0, UINT64_MAX), top);
	assert_int_equal(highest(2 * PAGE, 0, UINT64_MAX), top - PAGE);
	assert_int_equal(lowest(PAGE, INT64_MAX, UINT64_MAX), -ENOSPC);
	assert_int_equal(lowest(PAGE, top, UINT64_MAX), top);
}

static void holes_are_aligned(void **state)
{
	uint64_t align;

	for (align = PAGE; align < 1UL << 63; align <<= 1) {
		const struct place_window all = { 0, UINT64_MAX, align };
		const int64_t top = -align & INT64_MAX;

		assert_int_equal(hole(PAGE, all, 0), align);
		assert_int_equal(hole(PAGE, all, IOMMUFD_POLICY_HOLE_HIGHEST),
				 top);
	}
	/* A power of two that no address is a multiple of */
	assert_int_equal(hole(PAGE, (struct place_window){ 0, UINT64_MAX,
							   align }, 0),
			 -ENOSPC);
}

static void arguments_of_a_search_are_checked(void **state)
{
	static const uint64_t aligns[] = {
		0, 1, 2, PAGE / 2, PAGE - 1, PAGE + 1, 3 * PAGE,
		HUGE + PAGE, UINT64_MAX, 1UL << 63 | PAGE,
	};
	unsigned int bit;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(aligns); i++)
		assert_int_equal(hole(PAGE, (struct place_window){
					0, UINT64_MAX, aligns[i] }, 0),
				 -EINVAL);
	for (bit = 1; bit < 32; bit++)
		assert_int_equal(hole(PAGE, PLACE_ANYWHERE, 1U << bit),
				 -EINVAL);
	assert_int_equal(hole(PAGE, PLACE_ANYWHERE, UINT32_MAX), -EINVAL);
	assert_int_equal(lowest(PAGE, BASE, BASE - 1), -EINVAL);
	assert_int_equal(lowest(PAGE, 1, 0), -EINVAL);
	assert_int_equal(highest(PAGE, UINT64_MAX, 0), -EINVAL);
	/* Where no answer can be */
	assert_int_equal(lowest(PAGE, 1UL << 63, UINT64_MAX), -EINVAL);
	assert_policy_reads("place", "state", "active");
}

static void holes_are_where_user_space_allows_them(void **state)
{
	struct iommu_iova_range allowed[] = {
		{ 2 * BASE, 2 * BASE + 16 * PAGE - 1 },
		{ BASE, BASE + 2 * PAGE - 1 },
	};

	assert_int_equal(ioas_allow(iommu, ioas, allowed, 2), 0);
	assert_int_equal(lowest(PAGE, 0, UINT64_MAX), BASE);
	assert_int_equal(lowest(3 * PAGE, 0, UINT64_MAX), 2 * BASE);
	assert_int_equal(lowest(17 * PAGE, 0, UINT64_MAX), -ENOSPC);
	assert_int_equal(lowest(PAGE, BASE + PAGE + 1, UINT64_MAX), 2 * BASE);
	assert_int_equal(lowest(PAGE, BASE + 2 * PAGE, 2 * BASE - 1), -ENOSPC);
	assert_int_equal(lowest(2 * PAGE, BASE + PAGE, 2 * BASE), -ENOSPC);
	assert_int_equal(highest(PAGE, 0, UINT64_MAX), 2 * BASE + 15 * PAGE);
	assert_int_equal(highest(PAGE, 0, 2 * BASE + PAGE - 2),
			 BASE + PAGE);
	assert_int_equal(highest(2 * PAGE, 0, 2 * BASE + 2 * PAGE - 2), BASE);

	/* Two next to each other */
	allowed[1].start = allowed[0].last + 1;
	allowed[1].last = allowed[0].last + 16 * PAGE;
	assert_int_equal(ioas_allow(iommu, ioas, allowed, 2), 0);
	assert_int_equal(highest(PAGE, 0, UINT64_MAX), 2 * BASE + 31 * PAGE);
	assert_int_equal(ioas_allow(iommu, ioas, NULL, 0), 0);
	assert_int_equal(lowest(PAGE, 0, UINT64_MAX), PAGE);
}

static void reserved_addresses_are_no_holes(void **state)
{
	assert_int_equal(lowest(PAGE, MSI_WINDOW, UINT64_MAX), MSI_WINDOW);
	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(lowest(PAGE, MSI_WINDOW, MSI_LAST), -ENOSPC);
	assert_int_equal(highest(PAGE, MSI_WINDOW, MSI_LAST), -ENOSPC);
	assert_int_equal(lowest(PAGE, MSI_WINDOW, UINT64_MAX), MSI_LAST + 1);
	assert_int_equal(highest(PAGE, 0, MSI_LAST), MSI_WINDOW - PAGE);
	assert_int_equal(lowest(2 * PAGE, MSI_WINDOW - PAGE, UINT64_MAX),
			 MSI_LAST + 1);
	assert_int_equal(highest(2 * PAGE, 0, MSI_LAST + PAGE),
			 MSI_WINDOW - 2 * PAGE);
	/* No IOMMU reaches as far. */
	assert_int_equal(lowest(PAGE, 1UL << 60, UINT64_MAX), -ENOSPC);
	assert_true(highest(PAGE, 0, UINT64_MAX) < 1L << 60);

	assert_int_equal(edu_detach(&edu), 0);
	assert_int_equal(lowest(PAGE, MSI_WINDOW, UINT64_MAX), MSI_WINDOW);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(holes_are_between_what_is_mapped),
		TEST(holes_are_within_the_window_and_not_zero),
		TEST(holes_are_aligned),
		TEST(arguments_of_a_search_are_checked),
		TEST(holes_are_where_user_space_allows_them),
		TEST(reserved_addresses_are_no_holes),
	};

	return run_tap(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* IOAS objects: their life, and which IO addresses they have */
#include "test.h"

/* Where x86 devices send their interrupts */
#define MSI_START 0xfee00000UL
#define MSI_LAST 0xfeefffffUL

#define MAX_RANGES 16

static int iommu;
static uint32_t ioas;
static struct edu edu;

static int setup(void **state)
{
	iommu = context_open();
	edu_open(&edu, iommu);
	ioas = ioas_new(iommu);
	return 0;
}

static int teardown(void **state)
{
	edu_close(&edu);
	return close(iommu);
}

static uint32_t all_ranges(struct iommu_iova_range *ranges,
			   uint64_t *alignment)
{
	uint32_t nr = MAX_RANGES;

	assert_int_equal(ioas_ranges(iommu, ioas, ranges, &nr, alignment), 0);
	return nr;
}

static void assert_whole_space(void)
{
	struct iommu_iova_range ranges[MAX_RANGES];
	uint64_t alignment;

	assert_int_equal(all_ranges(ranges, &alignment), 1);
	assert_int_equal(ranges[0].start, 0);
	assert_int_equal(ranges[0].last, UINT64_MAX);
	assert_int_equal(alignment, 1);
}

static void destroyed_id_is_gone(void **state)
{
	void *memory = memory_new(PAGE);
	uint64_t iova = 0;
	uint32_t nr = 0;

	assert_int_equal(ioas_map(iommu, ioas, memory, PAGE, RW, &iova), 0);
	assert_int_equal(object_destroy(iommu, ioas), 0);
	assert_int_equal(object_destroy(iommu, ioas), -ENOENT);
	assert_int_equal(ioas_map(iommu, ioas, memory, PAGE, RW, &iova),
			 -ENOENT);
	assert_int_equal(ioas_unmap_all(iommu, ioas), -ENOENT);
	assert_int_equal(ioas_allow(iommu, ioas, NULL, 0), -ENOENT);
	assert_int_equal(ioas_ranges(iommu, ioas, NULL, &nr, NULL), -ENOENT);
	assert_int_equal(option_set(iommu, IOMMU_OPTION_HUGE_PAGES, ioas, 0),
			 -ENOENT);
	assert_int_equal(edu_attach(&edu, ioas), -ENOENT);
	munmap(memory, PAGE);
}

static void ids_nobody_gave_out(void **state)
{
	const uint32_t ids[] = { 0, 1000, INT32_MAX, UINT32_MAX };
	uint64_t iova = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		assert_int_equal(object_destroy(iommu, ids[i]), -ENOENT);
		assert_int_equal(ioas_map(iommu, ids[i], &iova, 1, RW, &iova),
				 -ENOENT);
		assert_int_equal(edu_attach(&edu, ids[i]), -ENOENT);
	}
}

static void ids_of_another_context(void **state)
{
	int other = context_open();
	uint64_t iova = 0;

	assert_int_equal(object_destroy(other, ioas), -ENOENT);
	assert_int_equal(ioas_map(other, ioas, &iova, 1, RW, &iova), -ENOENT);
	close(other);
}

static void device_is_no_ioas(void **state)
{
	uint64_t iova = 0;
	uint32_t nr = 0;

	assert_int_equal(ioas_map(iommu, edu.id, &iova, 1, RW, &iova), -ENOENT);
	assert_int_equal(ioas_unmap_all(iommu, edu.id), -ENOENT);
	assert_int_equal(ioas_allow(iommu, edu.id, NULL, 0), -ENOENT);
	assert_int_equal(ioas_ranges(iommu, edu.id, NULL, &nr, NULL), -ENOENT);
	assert_int_equal(edu_attach(&edu, edu.id), -EINVAL);
}

static void hwpt_is_no_ioas(void **state)
{
	int64_t hwpt = edu_attach_hwpt(&edu, ioas);
	uint64_t iova = 0;

	assert_return_code(hwpt, -hwpt);
	assert_int_not_equal(hwpt, ioas);
	assert_int_equal(ioas_map(iommu, hwpt, &iova, 1, RW, &iova), -ENOENT);
	assert_int_equal(ioas_unmap_all(iommu, hwpt), -ENOENT);
	assert_int_equal(object_destroy(iommu, hwpt), -EBUSY);
	/* It can be attached to, though */
	assert_int_equal(edu_attach_hwpt(&edu, hwpt), hwpt);
	assert_int_equal(edu_detach(&edu), 0);
	assert_int_equal(object_destroy(iommu, hwpt), -ENOENT);
}

static void bound_device_cannot_be_destroyed(void **state)
{
	assert_int_equal(object_destroy(iommu, edu.id), -EBUSY);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(object_destroy(iommu, edu.id), -EBUSY);
}

static void ioas_in_use_cannot_be_destroyed(void **state)
{
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(object_destroy(iommu, ioas), -EBUSY);
	assert_int_equal(ioas_areas(iommu, ioas), 0);
	assert_int_equal(edu_detach(&edu), 0);
	assert_int_equal(object_destroy(iommu, ioas), 0);
}

static void ioas_left_by_replace_can_be_destroyed(void **state)
{
	uint32_t other = ioas_new(iommu);

	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(edu_attach(&edu, other), 0);
	assert_whole_space();
	assert_int_equal(object_destroy(iommu, ioas), 0);
	assert_int_equal(object_destroy(iommu, other), -EBUSY);
}

static void fresh_ioas_has_the_whole_space(void **state)
{
	assert_whole_space();
}

static void room_for_no_range(void **state)
{
	uint64_t alignment;
	uint32_t nr = 0;

	assert_int_equal(ioas_ranges(iommu, ioas, NULL, &nr, &alignment),
			 -EMSGSIZE);
	assert_int_equal(nr, 1);
}

static void room_for_some_ranges(void **state)
{
	struct iommu_iova_range all[MAX_RANGES], some[MAX_RANGES] = {};
	uint32_t total, nr = 1;
	uint64_t alignment;

	assert_int_equal(edu_attach(&edu, ioas), 0);
	total = all_ranges(all, &alignment);
	assert_true(total > 1);
	assert_int_equal(ioas_ranges(iommu, ioas, some, &nr, NULL), -EMSGSIZE);
	assert_int_equal(nr, total);
	assert_memory_equal(&some[0], &all[0], sizeof(all[0]));
	/* Not behind the room there is */
	assert_int_equal(some[1].last, 0);
}

static void ranges_to_nowhere(void **state)
{
	uint32_t nr = 1;

	assert_int_equal(ioas_ranges(iommu, ioas, NULL, &nr, NULL), -EFAULT);
}

static void device_takes_msi_window_and_limits_aperture(void **state)
{
	struct iommu_iova_range ranges[MAX_RANGES];
	void *memory = memory_new(PAGE);
	uint64_t alignment, last, end = 0;
	uint32_t i, nr;

	assert_int_equal(edu_attach(&edu, ioas), 0);
	nr = all_ranges(ranges, &alignment);
	assert_int_equal(alignment, PAGE);
	for (i = 0; i < nr; i++) {
		assert_true(ranges[i].start <= ranges[i].last);
		assert_true(!i || ranges[i].start > ranges[i - 1].last + 1);
		assert_true(ranges[i].last < MSI_START ||
			    ranges[i].start > MSI_LAST);
		if (ranges[i].start == MSI_LAST + 1)
			end++;
		if (ranges[i].last == MSI_START - 1)
			end++;
	}
	/* No more than the window */
	assert_int_equal(end, 2);

	last = ranges[nr - 1].last;
	assert_true(last < UINT64_MAX);
	assert_int_equal(last & (last + 1), 0);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW, last + 1),
			 -EINVAL);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW,
				     last + 1 - PAGE), 0);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW, MSI_START),
			 -EINVAL);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW,
				     MSI_LAST + 1 - PAGE), -EINVAL);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW,
				     MSI_LAST + 1), 0);

	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	assert_int_equal(edu_detach(&edu), 0);
	assert_whole_space();
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW, MSI_START),
			 0);
	munmap(memory, PAGE);
}

static void attach_over_a_mapping_in_the_msi_window(void **state)
{
	void *memory = memory_new(PAGE);

	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW, MSI_START),
			 0);
	assert_int_equal(edu_attach(&edu, ioas), -EADDRINUSE);
	assert_whole_space();
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), 0);
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	munmap(memory, PAGE);
}

static void attach_over_a_mapping_above_the_aperture(void **state)
{
	void *memory = memory_new(PAGE);

	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW, 1UL << 63),
			 0);
	assert_int_equal(edu_attach(&edu, ioas), -EADDRINUSE);
	assert_whole_space();
	assert_int_equal(ioas_areas(iommu, ioas), 1);
	munmap(memory, PAGE);
}

static void attach_over_a_misaligned_mapping(void **state)
{
	char *memory = memory_new(2 * PAGE);

	assert_int_equal(ioas_map_at(iommu, ioas, memory + 1, PAGE, RW,
				     MIB + 1), 0);
	assert_int_equal(edu_attach(&edu, ioas), -EADDRINUSE);
	assert_whole_space();
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), 0);
	munmap(memory, 2 * PAGE);
}

static uint64_t choose(void *memory, uint64_t length)
{
	uint64_t iova = 0;

	assert_int_equal(ioas_map(iommu, ioas, memory, length, RW, &iova), 0);
	return iova;
}

static void chosen_addresses_stay_within_allowed(void **state)
{
	/* Not in order of address; room for one page, and for two */
	const struct iommu_iova_range allowed[] = {
		{ .start = 16 * MIB, .last = 16 * MIB + 2 * PAGE - 1 },
		{ .start = MIB, .last = MIB + PAGE - 1 },
	};
	void *memory = memory_new(2 * PAGE);
	uint64_t iova = 0;

	assert_int_equal(ioas_allow(iommu, ioas, allowed, 2), 0);
	assert_int_equal(choose(memory, 2 * PAGE), 16 * MIB);
	assert_int_equal(choose(memory, PAGE), MIB);
	assert_int_equal(ioas_map(iommu, ioas, memory, PAGE, RW, &iova),
			 -ENOSPC);
	assert_int_equal(ioas_areas(iommu, ioas), 2);
	/* User space may choose what it likes */
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW, 64 * MIB),
			 0);
	assert_int_equal(ioas_unmap(iommu, ioas, MIB, PAGE, NULL), 0);
	assert_int_equal(choose(memory, PAGE), MIB);
	munmap(memory, 2 * PAGE);
}

static void allowed_list_is_replaced_whole(void **state)
{
	const struct iommu_iova_range first[] = {
		{ .start = MIB, .last = 2 * MIB - 1 },
		{ .start = 4 * MIB, .last = 5 * MIB - 1 },
	};
	const struct iommu_iova_range second[] = {
		{ .start = 8 * MIB, .last = 9 * MIB - 1 },
	};
	void *memory = memory_new(PAGE);
	uint64_t iova = 0;

	assert_int_equal(ioas_allow(iommu, ioas, first, 2), 0);
	assert_int_equal(ioas_allow(iommu, ioas, second, 1), 0);
	iova = choose(memory, PAGE);
	assert_in_range(iova, second[0].start, second[0].last);
	assert_int_equal(ioas_allow(iommu, ioas, NULL, 0), 0);
	assert_int_equal(choose(memory, PAGE), PAGE);
	munmap(memory, PAGE);
}

static void bad_allowed_lists_change_nothing(void **state)
{
	const struct iommu_iova_range good = {
		.start = 8 * MIB, .last = 9 * MIB - 1
	};
	const struct iommu_iova_range lists[][2] = {
		{ { .start = MIB, .last = 2 * MIB }, { .start = 2, .last = 1 } },
		{ { .start = 1, .last = 2 }, { .start = MIB, .last = MIB } },
		{ { .start = MIB, .last = 2 * MIB },
		  { .start = 2 * MIB, .last = 3 * MIB } },
		{ { .start = MIB, .last = 4 * MIB },
		  { .start = 2 * MIB, .last = 3 * MIB } },
		{ { .start = MIB, .last = 2 * MIB },
		  { .start = MIB, .last = 2 * MIB } },
	};
	void *memory = memory_new(PAGE);
	uint64_t iova = 0;
	size_t i;

	assert_int_equal(ioas_allow(iommu, ioas, &good, 1), 0);
	for (i = 0; i < ARRAY_SIZE(lists); i++)
		assert_int_equal(ioas_allow(iommu, ioas, lists[i], 2), -EINVAL);
	assert_int_equal(ioas_allow(iommu, ioas, NULL, 1), -EFAULT);
	assert_int_equal(ioas_allow(iommu, ioas, lists[0], UINT32_MAX),
			 -ENOMEM);
	iova = choose(memory, PAGE);
	assert_in_range(iova, good.start, good.last);
	munmap(memory, PAGE);
}

static void ranges_that_touch_may_be_allowed(void **state)
{
	const struct iommu_iova_range touching[] = {
		{ .start = 2 * MIB, .last = 3 * MIB - 1 },
		{ .start = MIB, .last = 2 * MIB - 1 },
	};

	assert_int_equal(ioas_allow(iommu, ioas, touching, 2), 0);
}

static void reserved_addresses_cannot_be_allowed(void **state)
{
	const struct iommu_iova_range into_msi = {
		.start = MIB, .last = MSI_START
	};
	const struct iommu_iova_range up_to_msi = {
		.start = MIB, .last = MSI_START - 1
	};
	const struct iommu_iova_range all = { .start = 0, .last = UINT64_MAX };

	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(ioas_allow(iommu, ioas, &into_msi, 1), -EADDRINUSE);
	assert_int_equal(ioas_allow(iommu, ioas, &all, 1), -EADDRINUSE);
	assert_int_equal(ioas_allow(iommu, ioas, &up_to_msi, 1), 0);
}

static void device_cannot_take_allowed_addresses(void **state)
{
	const struct iommu_iova_range msi = {
		.start = MSI_LAST, .last = MSI_LAST + 1
	};

	assert_int_equal(ioas_allow(iommu, ioas, &msi, 1), 0);
	assert_int_equal(edu_attach(&edu, ioas), -EADDRINUSE);
	assert_whole_space();
	assert_int_equal(edu_detach(&edu), 0);
	assert_int_equal(ioas_allow(iommu, ioas, NULL, 0), 0);
	assert_int_equal(edu_attach(&edu, ioas), 0);
}

static void failed_replace_leaves_the_device_where_it_was(void **state)
{
	uint32_t other = ioas_new(iommu);
	void *memory = memory_new(PAGE);

	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(ioas_map_at(iommu, other, memory, PAGE, RW, MSI_START),
			 0);
	assert_int_equal(edu_attach(&edu, other), -EADDRINUSE);
	assert_int_equal(object_destroy(iommu, ioas), -EBUSY);
	assert_int_equal(object_destroy(iommu, other), 0);
	munmap(memory, PAGE);
}

#define TEST(_test) cmocka_unit_test_setup_teardown(_test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(destroyed_id_is_gone),
		TEST(ids_nobody_gave_out),
		TEST(ids_of_another_context),
		TEST(device_is_no_ioas),
		TEST(hwpt_is_no_ioas),
		TEST(bound_device_cannot_be_destroyed),
		TEST(ioas_in_use_cannot_be_destroyed),
		TEST(ioas_left_by_replace_can_be_destroyed),
		TEST(fresh_ioas_has_the_whole_space),
		TEST(room_for_no_range),
		TEST(room_for_some_ranges),
		TEST(ranges_to_nowhere),
		TEST(device_takes_msi_window_and_limits_aperture),
		TEST(attach_over_a_mapping_in_the_msi_window),
		TEST(attach_over_a_mapping_above_the_aperture),
		TEST(attach_over_a_misaligned_mapping),
		TEST(chosen_addresses_stay_within_allowed),
		TEST(allowed_list_is_replaced_whole),
		TEST(bad_allowed_lists_change_nothing),
		TEST(ranges_that_touch_may_be_allowed),
		TEST(reserved_addresses_cannot_be_allowed),
		TEST(device_cannot_take_allowed_addresses),
		TEST(failed_replace_leaves_the_device_where_it_was),
	};

	return run_tap(tests, NULL, NULL);
}

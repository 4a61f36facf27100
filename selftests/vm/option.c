// SPDX-License-Identifier: GPL-2.0-only
/* IOMMU_OPTION */
#include "test.h"

static int iommu;

static int setup(void **state)
{
	iommu = context_open();
	return 0;
}

static int teardown(void **state)
{
	return close(iommu);
}

static uint64_t rlimit_mode(void)
{
	uint64_t mode;

	assert_int_equal(option_get(iommu, IOMMU_OPTION_RLIMIT_MODE, 0, &mode),
			 0);
	return mode;
}

static uint64_t huge_pages(uint32_t ioas)
{
	uint64_t value;

	assert_int_equal(option_get(iommu, IOMMU_OPTION_HUGE_PAGES, ioas,
				    &value), 0);
	return value;
}

static void rlimit_mode_can_be_changed(void **state)
{
	assert_int_equal(rlimit_mode(), 0);
	assert_int_equal(option_set(iommu, IOMMU_OPTION_RLIMIT_MODE, 0, 1), 0);
	assert_int_equal(rlimit_mode(), 1);
	assert_int_equal(option_set(iommu, IOMMU_OPTION_RLIMIT_MODE, 0, 0), 0);
	assert_int_equal(rlimit_mode(), 0);
}

static void rlimit_mode_of_other_contexts_stays(void **state)
{
	int first = iommu;

	assert_int_equal(option_set(iommu, IOMMU_OPTION_RLIMIT_MODE, 0, 1), 0);
	iommu = context_open();
	assert_int_equal(rlimit_mode(), 0);
	close(iommu);
	iommu = first;
}

static void rlimit_mode_has_two_values(void **state)
{
	assert_int_equal(option_set(iommu, IOMMU_OPTION_RLIMIT_MODE, 0, 2),
			 -EINVAL);
	assert_int_equal(option_set(iommu, IOMMU_OPTION_RLIMIT_MODE, 0,
				    UINT64_MAX), -EINVAL);
	assert_int_equal(rlimit_mode(), 0);
}

static void rlimit_mode_takes_no_object(void **state)
{
	uint32_t ioas = ioas_new(iommu);
	uint64_t mode;

	assert_int_equal(option_get(iommu, IOMMU_OPTION_RLIMIT_MODE, ioas,
				    &mode), -EOPNOTSUPP);
	assert_int_equal(option_set(iommu, IOMMU_OPTION_RLIMIT_MODE, ioas, 1),
			 -EOPNOTSUPP);
}

static void rlimit_mode_stays_once_there_are_objects(void **state)
{
	uint32_t ioas = ioas_new(iommu);

	assert_int_equal(option_set(iommu, IOMMU_OPTION_RLIMIT_MODE, 0, 1),
			 -EBUSY);
	assert_int_equal(rlimit_mode(), 0);
	assert_int_equal(object_destroy(iommu, ioas), 0);
	assert_int_equal(option_set(iommu, IOMMU_OPTION_RLIMIT_MODE, 0, 1), 0);
}

static int set_as_nobody(void *arg)
{
	uint64_t mode;

	CHECK(!become_nobody());
	CHECK(option_set(iommu, IOMMU_OPTION_RLIMIT_MODE, 0, 1) == -EPERM);
	CHECK(!option_get(iommu, IOMMU_OPTION_RLIMIT_MODE, 0, &mode));
	CHECK(mode == 0);
	return 0;
}

static void rlimit_mode_needs_cap_sys_resource(void **state)
{
	assert_int_equal(in_child(set_as_nobody, NULL), 0);
	assert_int_equal(rlimit_mode(), 0);
}

static void huge_pages_can_be_changed(void **state)
{
	uint32_t ioas = ioas_new(iommu), other = ioas_new(iommu);

	assert_int_equal(huge_pages(ioas), 1);
	assert_int_equal(option_set(iommu, IOMMU_OPTION_HUGE_PAGES, ioas, 0),
			 0);
	assert_int_equal(huge_pages(ioas), 0);
	assert_int_equal(huge_pages(other), 1);
	assert_int_equal(option_set(iommu, IOMMU_OPTION_HUGE_PAGES, ioas, 1),
			 0);
	assert_int_equal(huge_pages(ioas), 1);
}

static void huge_pages_has_two_values(void **state)
{
	uint32_t ioas = ioas_new(iommu);

	assert_int_equal(option_set(iommu, IOMMU_OPTION_HUGE_PAGES, ioas, 2),
			 -EINVAL);
	assert_int_equal(huge_pages(ioas), 1);
}

static void huge_pages_needs_an_ioas(void **state)
{
	uint64_t value;

	assert_int_equal(option_get(iommu, IOMMU_OPTION_HUGE_PAGES, 0, &value),
			 -ENOENT);
	assert_int_equal(option_set(iommu, IOMMU_OPTION_HUGE_PAGES, 1000, 0),
			 -ENOENT);
}

static void huge_pages_stay_while_mapped_and_attached(void **state)
{
	void *memory = memory_new(PAGE);
	uint32_t ioas = ioas_new(iommu);
	struct edu edu;
	uint64_t iova;

	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(ioas_map(iommu, ioas, memory, PAGE, RW, &iova), 0);
	assert_int_equal(option_set(iommu, IOMMU_OPTION_HUGE_PAGES, ioas, 0),
			 -EINVAL);
	assert_int_equal(huge_pages(ioas), 1);
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	assert_int_equal(option_set(iommu, IOMMU_OPTION_HUGE_PAGES, ioas, 0),
			 0);
	/* Back is no problem: what is mapped stays as it is */
	assert_int_equal(ioas_map(iommu, ioas, memory, PAGE, RW, &iova), 0);
	assert_int_equal(option_set(iommu, IOMMU_OPTION_HUGE_PAGES, ioas, 1),
			 0);
	edu_close(&edu);
	munmap(memory, PAGE);
}

static void small_pages_want_page_alignment(void **state)
{
	char *memory = memory_new(PAGE);
	uint32_t ioas = ioas_new(iommu);

	assert_int_equal(ioas_map_at(iommu, ioas, memory, 1, RW, MIB), 0);
	assert_int_equal(option_set(iommu, IOMMU_OPTION_HUGE_PAGES, ioas, 0),
			 -EADDRINUSE);
	assert_int_equal(huge_pages(ioas), 1);
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	assert_int_equal(option_set(iommu, IOMMU_OPTION_HUGE_PAGES, ioas, 0),
			 0);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, 1, RW, MIB), -EINVAL);
	munmap(memory, PAGE);
}

#define TEST(_test) cmocka_unit_test_setup_teardown(_test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(rlimit_mode_can_be_changed),
		TEST(rlimit_mode_of_other_contexts_stays),
		TEST(rlimit_mode_has_two_values),
		TEST(rlimit_mode_takes_no_object),
		TEST(rlimit_mode_stays_once_there_are_objects),
		TEST(rlimit_mode_needs_cap_sys_resource),
		TEST(huge_pages_can_be_changed),
		TEST(huge_pages_has_two_values),
		TEST(huge_pages_needs_an_ioas),
		TEST(huge_pages_stay_while_mapped_and_attached),
		TEST(small_pages_want_page_alignment),
	};

	return run_tap(tests, NULL, NULL);
}

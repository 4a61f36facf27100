// SPDX-License-Identifier: GPL-2.0-only
/* lab: boot=own load=test */
/* Pages of which hardly two are neighbours: runs that are mapped together */
#include "lib/mock.h"

#define BASE (32 * MIB)
/* More than three times as many as are mapped together */
#define PAGES 128UL
#define LENGTH (PAGES * PAGE)
/* No divisor of PAGES in common */
#define STEP 37
/* An IO page of the mock IOMMU */
#define IO_PAGE 2048
#define PFN_MASK ((1ULL << 55) - 1)

static int iommu;
static uint32_t ioas, hwpt;
static char *memory;

static uint64_t pfn_at(int pagemap, unsigned long page)
{
	off_t at = ((uintptr_t)memory / PAGE + page) * sizeof(uint64_t);
	uint64_t entry;

	assert_int_equal(pread(pagemap, &entry, sizeof(entry), at),
			 sizeof(entry));
	assert_true(entry & PFN_MASK);
	return entry & PFN_MASK;
}

static unsigned long count_neighbours(void)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	unsigned long i, nr = 0;

	assert_return_code(pagemap, errno);
	for (i = 1; i < PAGES; i++)
		nr += pfn_at(pagemap, i) == pfn_at(pagemap, i - 1) + 1;
	close(pagemap);
	return nr;
}

static void touch(unsigned long step)
{
	assert_int_equal(madvise(memory, LENGTH, MADV_DONTNEED), 0);
	memory_touch(memory, LENGTH, step);
}

static int setup(void **state)
{
	int64_t id;

	iommu = context_open();
	ioas = ioas_new(iommu);
	id = mock_hwpt_new(iommu, ioas);
	assert_true(id > 0);
	hwpt = id;
	memory = memory_new(LENGTH);
	assert_int_equal(madvise(memory, LENGTH, MADV_NOHUGEPAGE), 0);
	touch(STEP);
	assert_in_range(count_neighbours(), 0, PAGES / 4);
	return 0;
}

static int teardown(void **state)
{
	munmap(memory, LENGTH);
	return close(iommu);
}

/* What is mapped is there, and what was mapped is gone */
static void assert_maps(uint64_t offset, uint64_t length, uint64_t iova)
{
	assert_int_equal(ioas_map_at(iommu, ioas, memory + offset, length, RW,
				     iova), 0);
	assert_int_equal(mock_check_map(iommu, hwpt, iova, memory + offset,
					length), 0);
	/* The check itself */
	assert_int_equal(mock_check_map(iommu, hwpt, iova, memory + offset,
					length + IO_PAGE), -EINVAL);
	assert_int_equal(ioas_unmap(iommu, ioas, iova, length, NULL), 0);
	assert_int_equal(mock_check_map(iommu, hwpt, iova, memory + offset,
					IO_PAGE), -EINVAL);
}

static void any_number_of_pages(void **state)
{
	unsigned long nr;

	for (nr = 1; nr < PAGES; nr++)
		assert_maps((PAGES - nr) / 2 * PAGE, nr * PAGE, BASE);
}

static void parts_of_pages(void **state)
{
	unsigned long nr;

	for (nr = 2; nr < PAGES; nr += 3) {
		assert_maps(IO_PAGE, nr * PAGE, BASE + IO_PAGE);
		assert_maps(IO_PAGE, nr * PAGE - IO_PAGE, BASE);
		assert_maps(0, nr * PAGE - IO_PAGE, BASE + 3 * IO_PAGE);
	}
}

static void without_huge_pages(void **state)
{
	assert_int_equal(option_set(iommu, IOMMU_OPTION_HUGE_PAGES, ioas, 0),
			 0);
	any_number_of_pages(state);
	/* Neighbours and others */
	touch(1);
	any_number_of_pages(state);
}

/* A second domain reads the same table */
static void in_another_domain(void **state)
{
	int64_t other;

	assert_int_equal(ioas_map_at(iommu, ioas, memory, LENGTH, RW, BASE), 0);
	other = mock_hwpt_new(iommu, ioas);
	assert_true(other > 0);
	assert_int_equal(mock_check_map(iommu, other, BASE, memory, LENGTH), 0);
	assert_int_equal(mock_check_map(iommu, hwpt, BASE, memory, LENGTH), 0);
}

#define TEST(_test) cmocka_unit_test_setup_teardown(_test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(any_number_of_pages),
		TEST(parts_of_pages),
		TEST(without_huge_pages),
		TEST(in_another_domain),
	};

	return run_tap(tests, NULL, NULL);
}

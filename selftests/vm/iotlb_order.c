// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=120 */
/*
 * An IO page table must not be freed before the IOMMU has been told to forget
 * the range that the table translated. The IOMMU caches addresses of tables, and
 * would walk a page that has a new owner.
 */
#include <linux/memfd.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/tables.h"
#include "lib/type1.h"

#define GIB (1024 * MIB)
/* One page is mapped here from the start, so the upper tables exist */
#define ANCHOR (16 * MIB)
#define BASE (32 * MIB)
/* Less than a table translates */
#define PART (64 * KIB)
#define LENGTH (8 * MIB)
/* Coprime to the number of pages */
#define STEP 37
/* Areas enough for more than one batch */
#define MANY 40UL

static int iommu;
static uint32_t ioas;
static struct edu edu;
static int group;
static char *memory;
static int file;

static int setup_memory(void **state)
{
	file = memfd_create("iotlb_order", MFD_CLOEXEC);
	assert_return_code(file, errno);
	assert_return_code(ftruncate(file, LENGTH), errno);
	memory = memory_file(file, LENGTH);
	assert_return_code(madvise(memory, LENGTH, MADV_NOHUGEPAGE), errno);
	memory_touch(memory, LENGTH, STEP);
	return 0;
}

static int setup(void **state)
{
	setup_memory(state);
	iommu = context_open();
	group = -1;
	ioas = ioas_new(iommu);
	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW, ANCHOR),
			 0);
	return 0;
}

static int setup_type1(void **state)
{
	setup_memory(state);
	iommu = context_open();
	group = group_open();
	assert_true(group >= 0);
	assert_int_equal(group_set_container(group, iommu), 0);
	assert_int_equal(type1_set_iommu(iommu, VFIO_TYPE1v2_IOMMU), 0);
	assert_int_equal(group_get_edu(group, &edu), 0);
	assert_int_equal(type1_map(iommu, memory, PAGE, DMA_RW, ANCHOR), 0);
	return 0;
}

static int teardown(void **state)
{
	if (edu.vfio >= 0)
		edu_close(&edu);
	if (group >= 0)
		close(group);
	munmap(memory, LENGTH);
	close(file);
	return close(iommu);
}

static void map(uint64_t iova, uint64_t length)
{
	assert_int_equal(ioas_map_at(iommu, ioas, memory, length, RW, iova),
			 0);
	tables_expect_lowest(iova, length);
}

static void unmap(uint64_t iova, uint64_t length)
{
	uint64_t unmapped;

	assert_int_equal(ioas_unmap(iommu, ioas, iova, length, &unmapped), 0);
	assert_int_equal(unmapped, length);
}

/* Tests map whole tables, parts of others, and know how many are freed. */
static void assert_freed(unsigned int nr)
{
	const struct table_counts counts = tables_check();

	assert_int_equal(counts.allocated, counts.expected);
	assert_int_equal(counts.freed, nr);
}

static void assert_all_freed(void)
{
	const struct table_counts counts = tables_check();

	assert_int_equal(counts.allocated, counts.expected);
	assert_int_equal(counts.freed, counts.expected);
}

static void areas_far_apart(void **state)
{
	uint64_t i;

	tables_watch();
	for (i = 0; i < MANY; i++)
		map(BASE + 2 * i * HUGE, HUGE);
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	assert_freed(MANY);
}

static void areas_of_different_sizes(void **state)
{
	tables_watch();
	map(BASE, HUGE);
	map(BASE + 2 * HUGE, 3 * HUGE);
	map(BASE + 6 * HUGE, PART);
	map(BASE + 8 * HUGE, 2 * HUGE);
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	assert_freed(6);
}

static void an_area_with_a_head(void **state)
{
	tables_watch();
	map(BASE - PART, PART + 3 * HUGE);
	unmap(BASE - PART, PART + 3 * HUGE);
	assert_freed(3);
}

static void an_area_with_a_tail(void **state)
{
	tables_watch();
	map(BASE, 3 * HUGE + PART);
	unmap(BASE, 3 * HUGE + PART);
	assert_freed(3);
}

static void an_area_with_head_and_tail(void **state)
{
	tables_watch();
	map(BASE - PART, PART + 3 * HUGE + PART);
	unmap(BASE - PART, PART + 3 * HUGE + PART);
	assert_freed(3);
}

static void adjacent_areas(void **state)
{
	tables_watch();
	map(BASE - PART, PART);
	map(BASE, HUGE);
	map(BASE + HUGE, 2 * HUGE);
	map(BASE + 3 * HUGE, PART);
	unmap(BASE - PART, PART + 3 * HUGE + PART);
	assert_freed(3);
}

/*
 * One huge page, again and again. An area that begins at its second small page
 * is mapped by small IO pages, as each of them is off the alignment of a huge
 * one.
 */
static char *repeat_huge_page(uint64_t length)
{
	int fd = memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB);
	char *start = memory_aligned(length, HUGE);
	uint64_t at;

	assert_return_code(fd, errno);
	assert_return_code(ftruncate(fd, HUGE), errno);
	for (at = 0; at < length; at += HUGE)
		assert_ptr_equal(mmap(start + at, HUGE, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_FIXED, fd, 0),
				 start + at);
	close(fd);
	return start;
}

/* The core unmaps it in a step of 1 GiB, then in steps of 2 MiB. */
static void an_area_of_more_than_1_gib(void **state)
{
	const uint64_t length = GIB + 2 * HUGE;
	long before = write_number("/proc/sys/vm/nr_hugepages", 1);
	char *large = repeat_huge_page(length + HUGE);
	struct table_counts counts;

	tables_watch();
	assert_int_equal(ioas_map_at(iommu, ioas, large + PAGE, length, RW,
				     GIB), 0);
	tables_expect(GIB, GIB);
	tables_expect_lowest(GIB, GIB);
	tables_expect(2 * GIB, GIB);
	tables_expect_lowest(2 * GIB, 2 * HUGE);
	unmap(GIB, length);
	counts = tables_check();
	assert_int_equal(counts.allocated, counts.expected);
	/* The table above the 512 goes only if 1 GiB is unmapped at once. */
	assert_in_range(counts.freed, 512 + 2, 1 + 512 + 2);
	munmap(large, length + HUGE);
	write_number("/proc/sys/vm/nr_hugepages", before);
}

static void type1_unmaps_all(void **state)
{
	uint64_t i;

	tables_watch();
	for (i = 0; i < 4; i++) {
		assert_int_equal(type1_map(iommu, memory, HUGE, DMA_RW,
					   BASE + 2 * i * HUGE), 0);
		tables_expect(BASE + 2 * i * HUGE, HUGE);
	}
	assert_int_equal(type1_unmap_all(iommu, NULL), 0);
	assert_freed(4);
}

static void close_edu(void)
{
	edu_close(&edu);
	edu.vfio = -1;
}

/* Two areas that begin and end in the middle of tables */
static void map_two(void)
{
	map(BASE - PART, PART + 2 * HUGE + PART);
	map(BASE + 4 * HUGE + PART, 2 * HUGE);
}

static void the_device_is_detached(void **state)
{
	tables_watch();
	map_two();
	assert_int_equal(edu_detach(&edu), 0);
	assert_int_equal(object_destroy(iommu, ioas), 0);
	assert_all_freed();
}

static void the_device_is_closed(void **state)
{
	tables_watch();
	map_two();
	close_edu();
	assert_int_equal(object_destroy(iommu, ioas), 0);
	assert_all_freed();
}

static void the_device_moves_to_another_ioas(void **state)
{
	uint32_t other = ioas_new(iommu);

	tables_watch();
	map_two();
	assert_int_equal(edu_attach(&edu, other), 0);
	assert_int_equal(object_destroy(iommu, ioas), 0);
	assert_all_freed();
}

/* The domain outlives the attachment, and is emptied later. */
static void a_hwpt_is_destroyed(void **state)
{
	int64_t hwpt = hwpt_alloc(iommu, edu.id, ioas, 0);

	assert_true(hwpt > 0);
	assert_int_equal(edu_attach(&edu, hwpt), 0);
	tables_watch();
	map_two();
	assert_int_equal(edu_detach(&edu), 0);
	assert_int_equal(object_destroy(iommu, hwpt), 0);
	assert_int_equal(object_destroy(iommu, ioas), 0);
	assert_all_freed();
}

/* Send SIGKILL to this process when it has mapped @nr physical runs. */
static int die_after_maps(unsigned int nr)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.sample_period = nr,
		.wakeup_events = 1,
	};
	FILE *id = fopen(TRACING "events/iommu/map/id", "re");
	int fd;

	CHECK(id && fscanf(id, "%llu", &attr.config) == 1);
	fclose(id);
	fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
	CHECK(fd >= 0);
	CHECK(!fcntl(fd, F_SETOWN, getpid()));
	CHECK(!fcntl(fd, F_SETSIG, SIGKILL));
	CHECK(!fcntl(fd, F_SETFL, O_ASYNC));
	return 0;
}

/* The signal comes when two of the tables are full. */
#define UNDONE (PART + 3 * HUGE)
#define MAPS_UNDONE ((PART + 2 * HUGE + HUGE / 2) / PAGE)

static int die_in_map(void *arg)
{
	CHECK(!die_after_maps(MAPS_UNDONE));
	ioas_map_at(iommu, ioas, memory, UNDONE, RW, BASE - PART);
	return 1;
}

/* The signal comes when the first of two areas is complete. */
static int die_in_copy(void *arg)
{
	const struct copy_source source = {
		.ioas = *(uint32_t *)arg,
		.iova = BASE - PART,
		.length = UNDONE,
	};

	CHECK(!die_after_maps(MAPS_UNDONE));
	ioas_copy_at(iommu, ioas, &source, RW, BASE - PART);
	return 1;
}

static void assert_undone_in_order(int (*run)(void *arg), void *arg)
{
	struct table_counts counts;
	int status;

	tables_watch();
	tables_expect_lowest(BASE - PART, UNDONE);
	status = in_child(run, arg);
	counts = tables_check();
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(ioas_areas(iommu, ioas), 1);
	/* The map may go on for a moment after the signal was sent. */
	assert_in_range(counts.allocated, 3, counts.expected);
	assert_in_range(counts.freed, 2, 3);
}

static void a_map_is_undone(void **state)
{
	assert_undone_in_order(die_in_map, NULL);
}

static void a_copy_is_undone(void **state)
{
	uint32_t source = ioas_new(iommu);

	assert_int_equal(ioas_map_at(iommu, source, memory, PART + 2 * HUGE,
				     RW, BASE - PART), 0);
	assert_int_equal(ioas_map_at(iommu, source, memory, HUGE, RW,
				     BASE + 2 * HUGE), 0);
	assert_undone_in_order(die_in_copy, &source);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(areas_far_apart),
		TEST(areas_of_different_sizes),
		TEST(an_area_with_a_head),
		TEST(an_area_with_a_tail),
		TEST(an_area_with_head_and_tail),
		TEST(adjacent_areas),
		TEST(an_area_of_more_than_1_gib),
		cmocka_unit_test_setup_teardown(type1_unmaps_all, setup_type1,
						teardown),
		TEST(the_device_is_detached),
		TEST(the_device_is_closed),
		TEST(the_device_moves_to_another_ioas),
		TEST(a_hwpt_is_destroyed),
		TEST(a_map_is_undone),
		TEST(a_copy_is_undone),
	};

	return run_tap(tests, tables_setup, tables_teardown);
}

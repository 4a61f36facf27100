// SPDX-License-Identifier: GPL-2.0-only
/* /dev/iommu as container of a VFIO group: real DMA, accounting, death */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "type1.h"

/* Below what edu can address, and at the start of a large IO page */
#define SOURCE (16 * MIB)
#define DESTINATION (64 * MIB)
/* Where a device on x86 writes its interrupts */
#define MSI_START 0xfee00000UL
#define MSI_LAST 0xfeefffffUL
/* What a process may lock in these tests */
#define LIMIT 16UL

static int iommu, group;
static struct edu edu;
static char *memory;

static int setup_group(void **state)
{
	iommu = context_open();
	group = group_open();
	assert_true(group >= 0);
	edu.vfio = -1;
	memory = memory_aligned(HUGE, HUGE);
	return 0;
}

static void open_device(unsigned long type)
{
	setup_group(NULL);
	assert_int_equal(group_set_container(group, iommu), 0);
	assert_int_equal(type1_set_iommu(iommu, type), 0);
	assert_int_equal(group_get_edu(group, &edu), 0);
}

static int setup_v1(void **state)
{
	open_device(VFIO_TYPE1_IOMMU);
	return 0;
}

static int setup_v2(void **state)
{
	open_device(VFIO_TYPE1v2_IOMMU);
	return 0;
}

static int teardown(void **state)
{
	if (edu.vfio >= 0)
		edu_close(&edu);
	close(group);
	munmap(memory, HUGE);
	return close(iommu);
}

static uint32_t ioas_of_group(void)
{
	uint32_t ioas;

	assert_int_equal(compat_get(iommu, &ioas), 0);
	return ioas;
}

static int64_t unmap(uint64_t iova, uint64_t length)
{
	uint64_t unmapped;
	int err = type1_unmap(iommu, iova, length, 0, &unmapped);

	return err ?: (int64_t)unmapped;
}

/* Random bytes that the device has now, and no other memory */
static void load_device(char *bytes)
{
	char *source = memory_new(PAGE);

	memory_random(source, PAGE);
	assert_int_equal(type1_map(iommu, source, PAGE, DMA_READ, SOURCE), 0);
	edu_read(&edu, SOURCE);
	assert_int_equal(unmap(SOURCE, PAGE), PAGE);
	memcpy(bytes, source, PAGE);
	munmap(source, PAGE);
}

static bool device_writes(uint64_t iova, const char *to)
{
	char bytes[EDU_LENGTH];

	load_device(bytes);
	edu_write(&edu, iova);
	return !memcmp(bytes, to, EDU_LENGTH);
}

static void a_group_brings_an_ioas(void **state)
{
	uint32_t ioas, again;

	assert_int_equal(compat_get(iommu, &ioas), -ENODEV);
	assert_int_equal(group_set_container(group, iommu), 0);
	ioas = ioas_of_group();
	assert_int_equal(group_set_container(group, iommu), -EINVAL);
	assert_int_equal(object_destroy(iommu, ioas), -EBUSY);
	/* It stays, for the next group */
	assert_int_equal(ioctl(group, VFIO_GROUP_UNSET_CONTAINER), 0);
	assert_int_equal(compat_get(iommu, &again), 0);
	assert_int_equal(again, ioas);
	assert_int_equal(group_set_container(group, iommu), 0);
	assert_int_equal(ioas_of_group(), ioas);
}

static void a_group_takes_the_ioas_that_is_set(void **state)
{
	uint32_t ioas = ioas_new(iommu);

	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW,
				     DESTINATION), 0);
	assert_int_equal(compat_set(iommu, ioas), 0);
	assert_int_equal(group_set_container(group, iommu), 0);
	assert_int_equal(ioas_of_group(), ioas);
	assert_int_equal(group_get_edu(group, &edu), 0);
	assert_true(device_writes(DESTINATION, memory));
}

static void a_device_needs_an_ioas(void **state)
{
	assert_int_equal(group_get_edu(group, &edu), -EINVAL);
	assert_int_equal(group_set_container(group, iommu), 0);
	assert_int_equal(compat_clear(iommu), 0);
	assert_int_equal(group_get_edu(group, &edu), -ENODEV);
	edu.vfio = -1;
}

static void a_device_stays_with_its_ioas(void **state)
{
	uint32_t ioas = ioas_of_group();

	assert_int_equal(type1_map(iommu, memory, PAGE, DMA_RW, DESTINATION),
			 0);
	assert_int_equal(compat_set(iommu, ioas_new(iommu)), 0);
	/* Into another IOAS: the device sees nothing of it */
	assert_int_equal(type1_map(iommu, memory + PAGE, PAGE, DMA_RW,
				   DESTINATION), 0);
	assert_int_equal(compat_clear(iommu), 0);
	assert_int_equal(object_destroy(iommu, ioas), -EBUSY);
	assert_int_equal(compat_set(iommu, ioas), 0);
	assert_true(device_writes(DESTINATION, memory));
}

static void the_device_reaches_what_is_mapped(void **state)
{
	int i;

	assert_int_equal(type1_map(iommu, memory, HUGE, DMA_RW, DESTINATION),
			 0);
	for (i = 0; i < 4; i++)
		assert_true(device_writes(DESTINATION + i * 77 * PAGE,
					  memory + i * 77 * PAGE));
	assert_int_equal(unmap(DESTINATION, HUGE), HUGE);
	assert_false(device_writes(DESTINATION, memory));
	assert_int_equal(type1_map(iommu, memory, PAGE, DMA_READ, DESTINATION),
			 0);
	assert_false(device_writes(DESTINATION, memory));
	assert_int_equal(type1_unmap_all(iommu, NULL), 0);
	assert_int_equal(type1_map(iommu, memory, PAGE, DMA_WRITE, DESTINATION),
			 0);
	assert_true(device_writes(DESTINATION, memory));
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), 1);
}

static void the_device_keeps_what_v1_leaves(void **state)
{
	const unsigned long pages = HUGE / PAGE, hole = 200;

	assert_int_equal(madvise(memory, HUGE, MADV_HUGEPAGE), 0);
	memset(memory, 1, HUGE);
	assert_int_equal(type1_map(iommu, memory, HUGE, DMA_RW, DESTINATION),
			 0);
	assert_int_equal(unmap(DESTINATION + hole * PAGE, PAGE), PAGE);
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), pages - 1);
	assert_true(device_writes(DESTINATION, memory));
	assert_true(device_writes(DESTINATION + (hole - 1) * PAGE,
				  memory + (hole - 1) * PAGE));
	assert_false(device_writes(DESTINATION + hole * PAGE,
				   memory + hole * PAGE));
	assert_true(device_writes(DESTINATION + (hole + 1) * PAGE,
				  memory + (hole + 1) * PAGE));
	/* The hole is free, and a mapping in it is one of its own */
	assert_int_equal(type1_map(iommu, memory + hole * PAGE, PAGE, DMA_RW,
				   DESTINATION + hole * PAGE), 0);
	assert_true(device_writes(DESTINATION + hole * PAGE,
				  memory + hole * PAGE));
	assert_int_equal(unmap(DESTINATION, HUGE), HUGE);
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), 0);
	assert_false(device_writes(DESTINATION, memory));
}

static void v1_parts_end_where_pages_do(void **state)
{
	assert_int_equal(type1_map(iommu, memory, 4 * PAGE, DMA_RW,
				   DESTINATION), 0);
	assert_int_equal(unmap(DESTINATION + PAGE / 2, PAGE), -EINVAL);
	assert_int_equal(unmap(DESTINATION + PAGE, PAGE / 2), -EINVAL);
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), 4);
	assert_int_equal(unmap(DESTINATION, 4 * PAGE), 4 * PAGE);
}

static void v1_comes_before_mappings(void **state)
{
	assert_int_equal(type1_map(iommu, memory, PAGE, DMA_RW, DESTINATION),
			 0);
	assert_int_equal(type1_set_iommu(iommu, VFIO_TYPE1_IOMMU), -EINVAL);
	assert_int_equal(type1_set_iommu(iommu, VFIO_TYPE1v2_IOMMU), 0);
	assert_int_equal(type1_unmap_all(iommu, NULL), 0);
	assert_int_equal(type1_set_iommu(iommu, VFIO_TYPE1_IOMMU), 0);
}

static void a_map_the_device_cannot_have(void **state)
{
	const struct {
		void *memory;
		uint64_t length;
		uint64_t iova;
		int error;
	} cases[] = {
		{ memory, PAGE, DESTINATION + PAGE / 2, -EINVAL },
		{ memory + PAGE / 2, PAGE, DESTINATION, -EINVAL },
		{ memory, PAGE / 2, DESTINATION, -EINVAL },
		{ memory, PAGE, MSI_START, -EINVAL },
		{ memory, 2 * PAGE, MSI_START - PAGE, -EINVAL },
		{ memory, PAGE, -PAGE, -EINVAL },
		{ (void *)PAGE, PAGE, DESTINATION, -EFAULT },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(type1_map(iommu, cases[i].memory,
					   cases[i].length, DMA_RW,
					   cases[i].iova), cases[i].error);
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), 0);
	assert_int_equal(type1_map(iommu, memory, PAGE, DMA_RW,
				   MSI_START - PAGE), 0);
	assert_int_equal(type1_map(iommu, memory, PAGE, DMA_RW, MSI_LAST + 1),
			 0);
}

/* As told by the interface of iommufd itself, and true */
static void information_is_that_of_the_device(void **state)
{
	struct vfio_iommu_type1_info *info = type1_info(iommu);
	struct vfio_iommu_type1_info_cap_iova_range *iova;
	struct iommu_iova_range ranges[16];
	uint32_t i, nr = ARRAY_SIZE(ranges);

	assert_true(info->iova_pgsizes & PAGE);
	assert_false(info->iova_pgsizes & (PAGE - 1));
	assert_int_equal(ioas_ranges(iommu, ioas_of_group(), ranges, &nr, NULL),
			 0);
	iova = type1_capability(info, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	assert_non_null(iova);
	assert_int_equal(iova->nr_iovas, nr);
	assert_true(nr >= 2);
	for (i = 0; i < nr; i++) {
		uint64_t start = iova->iova_ranges[i].start;
		uint64_t end = iova->iova_ranges[i].end;

		assert_int_equal(start, ranges[i].start);
		assert_int_equal(end, ranges[i].last);
		assert_true(end < MSI_START || start > MSI_LAST);
		assert_int_equal(type1_map(iommu, memory, PAGE, DMA_RW, start),
				 0);
		assert_int_equal(type1_map(iommu, memory, PAGE, DMA_RW,
					   end + 1 - PAGE), 0);
	}
	free(info);
}

/* The emulated IOMMU cannot keep a device from bypassing caches */
static void coherency_is_that_of_the_domains(void **state)
{
	assert_int_equal(type1_extension(iommu, VFIO_DMA_CC_IOMMU), 0);
	assert_int_equal(compat_set(iommu, ioas_new(iommu)), 0);
	assert_int_equal(type1_extension(iommu, VFIO_DMA_CC_IOMMU), 1);
}

static int map_pages(unsigned long first, unsigned long nr)
{
	return type1_map(iommu, memory, nr * PAGE, DMA_RW,
			 DESTINATION + first * PAGE);
}

/* From page @first on; leaves as much mapped as it may lock */
static int use_up_limit(void *arg)
{
	const unsigned long first = *(unsigned long *)arg;
	const long full = LIMIT * PAGE / KIB;

	CHECK(!become_tenant(LIMIT));
	CHECK(!map_pages(first, LIMIT / 2));
	CHECK(status_kib("VmLck:") == full / 2);
	CHECK(map_pages(first + 64, LIMIT / 2 + 1) == -ENOMEM);
	CHECK(status_kib("VmLck:") == full / 2);
	CHECK(!map_pages(first + 64, LIMIT / 2));
	CHECK(status_kib("VmLck:") == full);
	CHECK(status_kib("VmPin:") == full);
	CHECK(map_pages(first + 128, 1) == -ENOMEM);
	CHECK(unmap(DESTINATION + first * PAGE, 128 * PAGE) ==
	      LIMIT * (long)PAGE);
	CHECK(status_kib("VmLck:") == 0);
	CHECK(status_kib("VmPin:") == 0);
	CHECK(!map_pages(first, LIMIT));
	return 0;
}

/* The limit is not that of their user: what one leaves is no matter */
static void each_process_pays_for_itself(void **state)
{
	unsigned long first = 0;

	assert_int_equal(in_child(use_up_limit, &first), 0);
	assert_int_equal(fdinfo_value(iommu, "iommufd-charged:"), LIMIT);
	first = 256;
	assert_int_equal(in_child(use_up_limit, &first), 0);
	assert_int_equal(fdinfo_value(iommu, "iommufd-charged:"), 2 * LIMIT);
	assert_int_equal(type1_unmap_all(iommu, NULL), 0);
	assert_int_equal(fdinfo_value(iommu, "iommufd-charged:"), 0);
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), 0);
}

static int exceed_limit(void *arg)
{
	const struct rlimit limit = { .rlim_cur = PAGE, .rlim_max = PAGE };

	CHECK(!setrlimit(RLIMIT_MEMLOCK, &limit));
	CHECK(!map_pages(0, LIMIT));
	CHECK(status_kib("VmLck:") == 0);
	CHECK(status_kib("VmPin:") == (long)(LIMIT * PAGE / KIB));
	CHECK(fdinfo_value(iommu, "iommufd-charged:") == 0);
	return 0;
}

static void who_may_lock_anything_does(void **state)
{
	assert_int_equal(in_child(exceed_limit, NULL), 0);
}

/* All on its own, so that nothing of it can outlive it; killed at some point */
static int live(int ready)
{
	uint64_t i;

	iommu = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	CHECK(iommu >= 0);
	group = group_open();
	CHECK(group >= 0);
	CHECK(!group_set_container(group, iommu));
	CHECK(!type1_set_iommu(iommu, VFIO_TYPE1v2_IOMMU));
	CHECK(!group_get_edu(group, &edu));
	for (i = 0;; i++) {
		CHECK(!type1_map(iommu, memory, HUGE, DMA_RW, SOURCE));
		CHECK(!type1_map(iommu, memory, 9 * PAGE, DMA_RW, DESTINATION));
		if (!i)
			CHECK(write(ready, "", 1) == 1);
		CHECK(!type1_unmap(iommu, SOURCE, HUGE, 0, NULL));
		CHECK(!type1_unmap_all(iommu, NULL));
	}
}

static void killed_it_gives_all_back(void **state)
{
	int i, status, ready[2];
	pid_t pid;
	char byte;

	close(group);
	for (i = 0; i < 6; i++) {
		assert_int_equal(pipe(ready), 0);
		fflush(NULL);
		pid = fork();
		assert_return_code(pid, errno);
		if (!pid)
			_exit(live(ready[1]));
		/* Some die while they set up, the others later */
		if (i % 3)
			assert_int_equal(read(ready[0], &byte, 1), 1);
		usleep(i * 10000);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGKILL);
		assert_int_equal(pinned_pages(0), 0);
		close(ready[0]);
		close(ready[1]);
	}
	group = group_open();
	assert_true(group >= 0);
}

int main(void)
{
#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_group_brings_an_ioas, setup_group),
		TEST(a_group_takes_the_ioas_that_is_set, setup_group),
		TEST(a_device_needs_an_ioas, setup_group),
		TEST(a_device_stays_with_its_ioas, setup_v2),
		TEST(the_device_reaches_what_is_mapped, setup_v1),
		TEST(the_device_reaches_what_is_mapped, setup_v2),
		TEST(the_device_keeps_what_v1_leaves, setup_v1),
		TEST(v1_parts_end_where_pages_do, setup_v1),
		TEST(v1_comes_before_mappings, setup_v2),
		TEST(a_map_the_device_cannot_have, setup_v2),
		TEST(information_is_that_of_the_device, setup_v2),
		TEST(coherency_is_that_of_the_domains, setup_v2),
		TEST(each_process_pays_for_itself, setup_v2),
		TEST(who_may_lock_anything_does, setup_v2),
		TEST(killed_it_gives_all_back, setup_group),
	};

	return run_tap(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* lab: boot=own mem=8192 timeout=180 */
/* Huge pages, which are pinned whole: what devices reach, and what it counts */
#include <linux/memfd.h>
#include <linux/mman.h>

#include "lib/policy.h"

/* Within reach of edu, at the start of a large IO page */
#define BASE (32 * MIB)
/* What the device has read is written here, to be looked at */
#define BOUNCE (16 * MIB)
#define NR 4UL
#define LENGTH (NR * HUGE)
#define PAGES (LENGTH / PAGE)

#define THP "/sys/kernel/mm/transparent_hugepage/"
#define GIGANTIC "/sys/kernel/mm/hugepages/hugepages-1048576kB/"
#define GIB (1024 * MIB)

static int iommu;
static uint32_t ioas;
static struct edu edu;
static char *bounce;
/* LENGTH bytes, aligned to HUGE, not touched, to be of huge pages when they are */
static char *memory;
static struct policy policy;

static int setup_unattached(void **state)
{
	iommu = context_open();
	ioas = ioas_new(iommu);
	edu_open(&edu, iommu);
	bounce = memory_new(PAGE);
	memory = memory_aligned(LENGTH, HUGE);
	assert_return_code(madvise(memory, LENGTH, MADV_HUGEPAGE), errno);
	policy.object = NULL;
	return 0;
}

static int setup(void **state)
{
	setup_unattached(state);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(ioas_map_at(iommu, ioas, bounce, PAGE, RW, BOUNCE), 0);
	return 0;
}

static int teardown(void **state)
{
	if (policy.object)
		policy_stop(&policy);
	munmap(memory, LENGTH);
	munmap(bounce, PAGE);
	edu_close(&edu);
	return close(iommu);
}

static int map(const void *start, uint64_t length, uint32_t flags)
{
	return ioas_map_at(iommu, ioas, start, length, flags, BASE);
}

static void unmap(uint64_t length)
{
	assert_int_equal(ioas_unmap(iommu, ioas, BASE, length, NULL), 0);
}

/* Beside the page to look at */
static void assert_pinned(long nr)
{
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), nr + 1);
	assert_int_equal(status_kib("VmPin:"), (nr + 1) * PAGE / KIB);
	assert_int_equal(pinned_pages(nr + 1), nr + 1);
}

static void assert_device_reads(uint64_t iova, const void *expected)
{
	edu_read(&edu, iova);
	edu_write(&edu, BOUNCE);
	assert_memory_equal(bounce, expected, EDU_LENGTH);
}

/* What smaps says of the mapping that begins at @start, in bytes */
static size_t mapped_huge(const void *start, const char *key)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	unsigned long first, end;
	bool found = false;
	char line[256];
	size_t kib = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &first, &end) == 2)
			found = first == (uintptr_t)start;
		else if (found && !strncmp(line, key, strlen(key)))
			kib = strtoul(line + strlen(key), NULL, 10);
	}
	fclose(file);
	return kib * KIB;
}

static void assert_thp(size_t bytes)
{
	assert_int_equal(mapped_huge(memory, "AnonHugePages:"), bytes);
}

static void fill(void)
{
	memory_random(memory, LENGTH);
	assert_thp(LENGTH);
}

/* First, last, and on both sides of where one huge page ends */
static void assert_device_reads_all(const char *start, uint64_t length)
{
	assert_device_reads(BASE, start);
	assert_device_reads(BASE + length - PAGE, start + length - PAGE);
	assert_device_reads(BASE + length / 2, start + length / 2);
	assert_device_reads(BASE + length / 2 - PAGE, start + length / 2 - PAGE);
}

static void assert_maps_all(char *start, uint64_t length)
{
	assert_int_equal(map(start, length, RW), 0);
	assert_pinned(length / PAGE);
	assert_device_reads_all(start, length);
	unmap(length);
	assert_pinned(0);
}

static void pages_that_are_there(void **state)
{
	fill();
	assert_maps_all(memory, LENGTH);
	assert_thp(LENGTH);
}

static void pages_that_come_when_pinned(void **state)
{
	assert_thp(0);
	assert_int_equal(map(memory, LENGTH, RW), 0);
	assert_thp(LENGTH);
	assert_pinned(PAGES);
	memory_random(memory, LENGTH);
	assert_device_reads_all(memory, LENGTH);
	unmap(LENGTH);
}

static void parts_of_pages(void **state)
{
	const struct {
		size_t start, length;
	} parts[] = {
		{ PAGE, LENGTH - 2 * PAGE },
		{ HUGE - PAGE, 2 * PAGE },
		{ HUGE - 17 * PAGE, 34 * PAGE },
		{ HUGE / 2, HUGE },
		{ 3 * PAGE, 100 * PAGE },
		{ HUGE - 2 * PAGE, HUGE + 4 * PAGE },
	};
	size_t i;

	fill();
	for (i = 0; i < ARRAY_SIZE(parts); i++)
		assert_maps_all(memory + parts[i].start, parts[i].length);
	assert_thp(LENGTH);
}

static void one_page_many_times(void **state)
{
	unsigned int i;

	fill();
	for (i = 0; i < 8; i++)
		assert_int_equal(ioas_map_at(iommu, ioas, memory + i * PAGE,
					     HUGE, READ, BASE + i * LENGTH), 0);
	assert_pinned(8 * HUGE / PAGE);
	assert_device_reads(BASE + 7 * LENGTH, memory + 7 * PAGE);
	for (i = 0; i < 8; i++)
		assert_int_equal(ioas_unmap(iommu, ioas, BASE + i * LENGTH,
					    HUGE, NULL), 0);
	assert_pinned(0);
}

static void pages_between_small_ones(void **state)
{
	fill();
	/* Second and last are mapped page by page from now on */
	assert_return_code(mprotect(memory + HUGE + PAGE, PAGE, PROT_READ),
			   errno);
	assert_return_code(mprotect(memory + HUGE + PAGE, PAGE,
				    PROT_READ | PROT_WRITE), errno);
	assert_return_code(madvise(memory + LENGTH - PAGE, PAGE, MADV_DONTNEED),
			   errno);
	assert_thp(2 * HUGE);
	assert_maps_all(memory, LENGTH);
	assert_thp(2 * HUGE);
	assert_int_equal(map(memory, LENGTH, RW), 0);
	assert_device_reads(BASE + HUGE + PAGE, memory + HUGE + PAGE);
	assert_device_reads(BASE + LENGTH - HUGE, memory + LENGTH - HUGE);
	unmap(LENGTH);
}

static void move(char *from, char *to)
{
	assert_ptr_equal(mremap(from, PAGE, PAGE, MREMAP_MAYMOVE |
				MREMAP_FIXED, to), to);
}

/* The process sees them in another order than they are in */
static void pages_whose_parts_were_swapped(void **state)
{
	char *spare = memory_new(PAGE), *first = memory + HUGE + 5 * PAGE;
	char *second = memory + HUGE + 400 * PAGE, *page;

	fill();
	move(first, spare);
	move(second, first);
	move(spare, second);
	assert_int_equal(map(memory, LENGTH, RW), 0);
	assert_pinned(PAGES);
	for (page = first - PAGE; page <= first + PAGE; page += PAGE)
		assert_device_reads(BASE + (page - memory), page);
	for (page = second - PAGE; page <= second + PAGE; page += PAGE)
		assert_device_reads(BASE + (page - memory), page);
	unmap(LENGTH);
	assert_pinned(0);
}

static void a_whole_page_that_was_moved(void **state)
{
	char *other = memory_aligned(HUGE, HUGE);

	fill();
	assert_ptr_equal(mremap(memory + HUGE, HUGE, HUGE, MREMAP_MAYMOVE |
				MREMAP_FIXED, other), other);
	assert_int_equal(mapped_huge(other, "AnonHugePages:"), HUGE);
	assert_maps_all(other, HUGE);
	munmap(other, HUGE);
}

/* Reading maps the huge zero page, which is nobody's to be given away */
static void memory_that_was_only_read(void **state)
{
	size_t i;

	for (i = 0; i < NR; i++)
		assert_int_equal(((volatile char *)memory)[i * HUGE], 0);
	assert_thp(0);
	assert_int_equal(map(memory, LENGTH, READ), 0);
	assert_pinned(PAGES);
	memory_random(memory, LENGTH);
	assert_device_reads_all(memory, LENGTH);
	unmap(LENGTH);
	assert_pinned(0);
}

static int write_all(void *arg)
{
	memset(memory, 0x55, LENGTH);
	return 0;
}

static void fork_while_it_is_pinned(void **state)
{
	fill();
	assert_int_equal(map(memory, LENGTH, RW), 0);
	assert_int_equal(in_child(write_all, NULL), 0);
	assert_device_reads_all(memory, LENGTH);
	memory_random(memory, LENGTH);
	assert_device_reads_all(memory, LENGTH);
	unmap(LENGTH);
	assert_pinned(0);
}

static int nothing(void *arg)
{
	return 0;
}

/* A child has the same pages: they are not the parent's to be written to */
static void fork_before_it_is_pinned(void **state)
{
	const uint32_t access[] = { RW, READ };
	struct other child;
	size_t i;

	fill();
	for (i = 0; i < ARRAY_SIZE(access); i++) {
		other_start(&child, nothing, NULL);
		assert_int_equal(map(memory, LENGTH, access[i]), 0);
		assert_pinned(PAGES);
		memory_random(memory, LENGTH);
		assert_device_reads_all(memory, LENGTH);
		unmap(LENGTH);
		other_stop(&child);
		assert_pinned(0);
	}
}

static int attach(void *arg)
{
	CHECK(!edu_attach(&edu, ioas));
	return 0;
}

static void another_process_pins_it(void **state)
{
	fill();
	assert_int_equal(map(memory, LENGTH, RW), 0);
	assert_int_equal(in_child(attach, NULL), 0);
	assert_int_equal(ioas_map_at(iommu, ioas, bounce, PAGE, RW, BOUNCE), 0);
	assert_pinned(PAGES);
	assert_device_reads_all(memory, LENGTH);
	unmap(LENGTH);
	assert_pinned(0);
}

static void map_fixed(int flags, int fd)
{
	assert_ptr_equal(mmap(memory, LENGTH, PROT_READ | PROT_WRITE,
			      MAP_FIXED | flags, fd, 0), memory);
}

/* "always [advise] never": the word in brackets */
static void read_choice(const char *path, char choice[static 16])
{
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%*[^[][%15[^]]", choice), 1);
	fclose(file);
}

static void write_choice(const char *path, const char *choice)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(choice, file);
	assert_int_equal(fclose(file), 0);
}

static void map_huge_file(void)
{
	int fd = memfd_create("huge", MFD_CLOEXEC);
	char before[16];

	assert_return_code(fd, errno);
	assert_return_code(ftruncate(fd, LENGTH), errno);
	read_choice(THP "shmem_enabled", before);
	write_choice(THP "shmem_enabled", "always");
	map_fixed(MAP_SHARED, fd);
	memory_random(memory, LENGTH);
	write_choice(THP "shmem_enabled", before);
	assert_int_equal(mapped_huge(memory, "ShmemPmdMapped:"), LENGTH);
	close(fd);
}

static void pages_of_a_file(void **state)
{
	map_huge_file();
	assert_maps_all(memory, LENGTH);
	assert_maps_all(memory + 3 * PAGE, 3 * HUGE);
	assert_int_equal(mapped_huge(memory, "ShmemPmdMapped:"), LENGTH);
}

static void map_hugetlb(int flags)
{
	map_fixed(MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB | flags, -1);
}

static void hugetlb(int flags)
{
	long before = write_number("/proc/sys/vm/nr_hugepages", NR);

	assert_return_code(before, -before);
	map_hugetlb(flags);
	assert_int_equal(map(memory, LENGTH, RW), 0);
	assert_pinned(PAGES);
	unmap(LENGTH);
	memory_random(memory, LENGTH);
	assert_maps_all(memory, LENGTH);
	assert_maps_all(memory + PAGE, LENGTH - 2 * PAGE);
	assert_maps_all(memory + HUGE - 20 * PAGE, 40 * PAGE);
	munmap(memory, LENGTH);
	write_number("/proc/sys/vm/nr_hugepages", before);
}

static void hugetlb_pages(void **state)
{
	hugetlb(MAP_PRIVATE);
}

static void shared_hugetlb_pages(void **state)
{
	hugetlb(MAP_SHARED);
}

static char *gigantic_new(void)
{
	char *start = mmap(NULL, GIB, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			   MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_1GB, -1, 0);

	/* Memory can be in pieces from the start; the debug kernel has none. */
	if (start == MAP_FAILED)
		skip();
	return start;
}

static void a_gigantic_page(void **state)
{
	const struct {
		size_t start, length;
	} parts[] = {
		{ 0, 128 * MIB },
		{ GIB - 64 * MIB, 64 * MIB },
		{ 512 * MIB - 5 * PAGE, HUGE },
	};
	char *start = gigantic_new();
	size_t i;

	assert_int_equal(map(start, GIB, RW), 0);
	assert_pinned(GIB / PAGE);
	unmap(GIB);
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		memory_random(start + parts[i].start, HUGE);
		memory_random(start + parts[i].start + parts[i].length - HUGE,
			      HUGE);
		assert_maps_all(start + parts[i].start, parts[i].length);
	}
	munmap(start, GIB);
}

/* Each map counts each page: there is an end to that */
static void a_gigantic_page_is_not_pinned_too_often(void **state)
{
	const unsigned int most = INT32_MAX / (GIB / PAGE);
	char *start = gigantic_new();
	unsigned int i;
	uint64_t iova;
	int rc = 0;

	for (i = 0; i <= most && !rc; i++)
		rc = ioas_map(iommu, ioas, start, GIB, RW, &iova);
	assert_int_equal(rc, -ENOMEM);
	assert_in_range(i, most - 1, most + 1);
	assert_int_equal(ioas_areas(iommu, ioas), i);
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"),
			 (i - 1) * (GIB / PAGE) + 1);
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	assert_int_equal(pinned_pages(0), 0);
	assert_int_equal(map(start, GIB, RW), 0);
	unmap(GIB);
	munmap(start, GIB);
}

/* What a policy has judged was other memory */
static void a_kind_that_no_policy_has_judged(void **state)
{
	policy_open(&policy, "answer");
	policy.ops->flags = IOMMUFD_POLICY_F_MEM_KIND;
	assert_int_equal(policy_load(&policy), 0);
	assert_int_equal(policy_attach(&policy), 0);
	policy.answer->forbidden = IOMMUFD_POLICY_MEM_SHMEM;
	fill();
	assert_int_equal(map(memory, LENGTH, RW), 0);
	map_huge_file();
	assert_int_equal(edu_attach(&edu, ioas), -EAGAIN);
	assert_int_equal(pinned_pages(0), 0);
	map_fixed(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	assert_return_code(madvise(memory, LENGTH, MADV_HUGEPAGE), errno);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(pinned_pages(PAGES), PAGES);
	assert_thp(LENGTH);
}

/* All that was pinned before is given back */
static void a_hole_behind_huge_pages(void **state)
{
	fill();
	assert_return_code(munmap(memory + LENGTH - PAGE, PAGE), errno);
	assert_int_equal(map(memory, LENGTH, RW), -EFAULT);
	assert_pinned(0);
	assert_int_equal(ioas_areas(iommu, ioas), 1);
	assert_return_code(munmap(memory + 2 * HUGE, HUGE), errno);
	assert_int_equal(map(memory, LENGTH, RW), -EFAULT);
	assert_pinned(0);
	assert_maps_all(memory, 2 * HUGE);
	assert_thp(2 * HUGE);
}

static void memory_that_may_only_be_read(void **state)
{
	fill();
	assert_return_code(mprotect(memory, LENGTH, PROT_READ), errno);
	assert_int_equal(map(memory, LENGTH, RW), -EFAULT);
	assert_pinned(0);
	assert_int_equal(map(memory, LENGTH, READ), 0);
	assert_pinned(PAGES);
	assert_device_reads_all(memory, LENGTH);
	unmap(LENGTH);
	assert_return_code(mprotect(memory, LENGTH, PROT_NONE), errno);
	assert_int_equal(map(memory, LENGTH, READ), -EFAULT);
	assert_pinned(0);
}

static int map_as_tenant(void *arg)
{
	CHECK(!become_tenant(PAGES));
	CHECK(map(memory, LENGTH, RW) == 0);
	CHECK(fdinfo_value(iommu, "iommufd-charged:") == PAGES);
	CHECK(ioas_map_at(iommu, ioas, memory, PAGE, RW, BASE + GIB) ==
	      -ENOMEM);
	CHECK(!ioas_unmap(iommu, ioas, BASE, LENGTH, NULL));
	CHECK(fdinfo_value(iommu, "iommufd-charged:") == 0);
	CHECK(!ioas_map_at(iommu, ioas, memory, PAGE, RW, BASE + GIB));
	CHECK(map(memory, LENGTH, RW) == -ENOMEM);
	CHECK(!map(memory, LENGTH - PAGE, RW));
	CHECK(fdinfo_value(iommu, "iommufd-charged:") == PAGES);
	return 0;
}

static void each_page_is_paid_for(void **state)
{
	fill();
	assert_int_equal(in_child(map_as_tenant, NULL), 0);
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	assert_int_equal(pinned_pages(0), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_UNATTACHED(name) \
	cmocka_unit_test_setup_teardown(name, setup_unattached, teardown)
	const struct CMUnitTest tests[] = {
		TEST(pages_that_are_there),
		TEST(pages_that_come_when_pinned),
		TEST(parts_of_pages),
		TEST(one_page_many_times),
		TEST(pages_between_small_ones),
		TEST(pages_whose_parts_were_swapped),
		TEST(a_whole_page_that_was_moved),
		TEST(memory_that_was_only_read),
		TEST(memory_that_may_only_be_read),
		TEST(fork_while_it_is_pinned),
		TEST(fork_before_it_is_pinned),
		TEST_UNATTACHED(another_process_pins_it),
		TEST(pages_of_a_file),
		TEST(hugetlb_pages),
		TEST(shared_hugetlb_pages),
		TEST_UNATTACHED(a_kind_that_no_policy_has_judged),
		TEST(a_hole_behind_huge_pages),
		TEST(each_page_is_paid_for),
		TEST(a_gigantic_page),
		TEST(a_gigantic_page_is_not_pinned_too_often),
	};

	/* First, before memory is in more pieces than it has to be. */
	if (!access(GIGANTIC, F_OK) &&
	    write_number(GIGANTIC "nr_hugepages", 1) < 0)
		return 1;
	return run_tap(tests, NULL, NULL);
}

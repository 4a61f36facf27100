// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=180 */
/* What a device reaches: real DMA by edu, EDU_LENGTH bytes at a time */
#include <linux/memfd.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

#include "test.h"

/* Below what edu can address, 256 MiB, and at the start of a large IO page */
#define SOURCE (16 * MIB)
#define DESTINATION (64 * MIB)

static int iommu;
static uint32_t ioas;
static struct edu edu;
/* A page to read from and one to write to, mapped at the addresses above */
static char *source, *destination;

static int setup(void **state)
{
	iommu = context_open();
	ioas = ioas_new(iommu);
	edu_open(&edu, iommu);
	source = memory_new(PAGE);
	destination = memory_new(PAGE);
	memory_random(source, PAGE);
	return 0;
}

static int setup_attached(void **state)
{
	setup(state);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	return 0;
}

static int teardown(void **state)
{
	munmap(source, PAGE);
	munmap(destination, PAGE);
	edu_close(&edu);
	return close(iommu);
}

static void map_at(const void *memory, uint64_t length, uint32_t flags,
		   uint64_t iova)
{
	assert_int_equal(ioas_map_at(iommu, ioas, memory, length, flags, iova),
			 0);
}

static void map_both(void)
{
	map_at(source, PAGE, READ, SOURCE);
	map_at(destination, PAGE, RW, DESTINATION);
}

static void unmap(uint64_t iova, uint64_t length)
{
	assert_int_equal(ioas_unmap(iommu, ioas, iova, length, NULL), 0);
}

/* The device has random bytes, which are not those of any other memory */
static void load_device(void)
{
	memory_random(source, PAGE);
	edu_read(&edu, SOURCE);
}

static void assert_device_writes(uint64_t iova, const void *memory)
{
	load_device();
	assert_memory_not_equal(memory, source, EDU_LENGTH);
	edu_write(&edu, iova);
	assert_memory_equal(memory, source, EDU_LENGTH);
}

static void assert_device_cannot_write(uint64_t iova, const void *memory)
{
	char before[EDU_LENGTH];

	memcpy(before, memory, EDU_LENGTH);
	load_device();
	assert_memory_not_equal(before, source, EDU_LENGTH);
	edu_write(&edu, iova);
	assert_memory_equal(memory, before, EDU_LENGTH);
}

static void assert_device_reads(uint64_t iova, const void *memory)
{
	load_device();
	edu_read(&edu, iova);
	edu_write(&edu, DESTINATION);
	assert_memory_equal(destination, memory, EDU_LENGTH);
}

static void device_copies_byte_for_byte(void **state)
{
	int i;

	map_both();
	for (i = 0; i < 8; i++)
		assert_device_writes(DESTINATION, destination);
}

static void mapped_before_attach(void **state)
{
	map_both();
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_device_writes(DESTINATION, destination);
}

static void mapped_before_and_after_attach(void **state)
{
	map_at(source, PAGE, READ, SOURCE);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	map_at(destination, PAGE, RW, DESTINATION);
	assert_device_writes(DESTINATION, destination);
}

static void kernel_chooses_the_address(void **state)
{
	const struct iommu_iova_range reach = {
		.start = 128 * MIB, .last = 129 * MIB - 1
	};
	void *memory = memory_new(PAGE);
	uint64_t iova;

	assert_int_equal(ioas_allow(iommu, ioas, &reach, 1), 0);
	map_both();
	assert_int_equal(ioas_map(iommu, ioas, memory, PAGE, RW, &iova), 0);
	assert_device_writes(iova, memory);
	munmap(memory, PAGE);
}

/* Both ways at the first, the last and some pages between, and across pages */
static void assert_device_reaches(char *memory, uint64_t length, uint64_t iova)
{
	const uint64_t offsets[] = {
		0, 0x800, length / 2 - PAGE / 2, length / 3 & ~0xfffUL,
		length - EDU_LENGTH,
	};
	size_t i;

	memory_random(memory, length);
	map_both();
	map_at(memory, length, RW, iova);
	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		assert_device_reads(iova + offsets[i], memory + offsets[i]);
		assert_device_writes(iova + offsets[i], memory + offsets[i]);
	}
	unmap(iova, length);
	for (i = 0; i < ARRAY_SIZE(offsets); i++)
		assert_device_cannot_write(iova + offsets[i],
					   memory + offsets[i]);
}

static void scattered_small_pages(void **state)
{
	const size_t pages = 1024, step = 37;
	char *memory = memory_new(pages * PAGE);
	size_t i;

	assert_int_equal(madvise(memory, pages * PAGE, MADV_NOHUGEPAGE), 0);
	/* Out of order, so that hardly any two are neighbours */
	for (i = 0; i < pages; i++)
		memory[i * step % pages * PAGE] = 1;
	assert_device_reaches(memory, pages * PAGE, 32 * MIB);
	munmap(memory, pages * PAGE);
}

static bool is_huge(const char *memory)
{
	unsigned long start, end, kib = 0;
	bool found = false;
	char line[256];
	FILE *smaps;

	smaps = fopen("/proc/self/smaps", "re");
	assert_non_null(smaps);
	while (!kib && fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			found = (uintptr_t)memory >= start &&
				(uintptr_t)memory < end;
		if (found && sscanf(line, "AnonHugePages: %lu kB", &kib) == 1)
			break;
	}
	fclose(smaps);
	return kib;
}

static char *huge_new(size_t length)
{
	char *memory = memory_aligned(length, HUGE);

	assert_int_equal(madvise(memory, length, MADV_HUGEPAGE), 0);
	memset(memory, 1, length);
	assert_true(is_huge(memory));
	return memory;
}

static void transparent_huge_pages(void **state)
{
	char *memory = huge_new(2 * HUGE);

	assert_device_reaches(memory, 2 * HUGE, 32 * MIB);
	munmap(memory, 2 * HUGE);
}

static void part_of_a_huge_page(void **state)
{
	char *memory = huge_new(2 * HUGE);

	/* From the midst of one to the midst of the next */
	assert_device_reaches(memory + 5 * PAGE, HUGE, 32 * MIB);
	munmap(memory, 2 * HUGE);
}

static void huge_page_off_its_alignment(void **state)
{
	char *memory = huge_new(HUGE);

	assert_device_reaches(memory, HUGE, 32 * MIB + 3 * PAGE);
	munmap(memory, HUGE);
}

static void huge_page_without_huge_io_pages(void **state)
{
	char *memory = huge_new(HUGE);

	assert_int_equal(option_set(iommu, IOMMU_OPTION_HUGE_PAGES, ioas, 0),
			 0);
	assert_device_reaches(memory, HUGE, 32 * MIB);
	munmap(memory, HUGE);
}

static void hugetlb_pages(void **state)
{
	const char *pool = "/proc/sys/vm/nr_hugepages";
	long before = write_number(pool, 4);
	char *memory;
	int fd;

	assert_return_code(before, -before);
	fd = memfd_create("hugetlb", MFD_HUGETLB | MFD_HUGE_2MB | MFD_CLOEXEC);
	assert_return_code(fd, errno);
	assert_int_equal(ftruncate(fd, 2 * HUGE), 0);
	memory = memory_file(fd, 2 * HUGE);
	assert_device_reaches(memory, 2 * HUGE, 32 * MIB);
	munmap(memory, 2 * HUGE);
	close(fd);
	assert_int_equal(write_number(pool, before), 4);
}

static char *shmem_new(int *fd, size_t length)
{
	*fd = memfd_create("shmem", MFD_CLOEXEC);
	assert_return_code(*fd, errno);
	assert_int_equal(ftruncate(*fd, length), 0);
	return memory_file(*fd, length);
}

static void shared_memory(void **state)
{
	int fd;
	char *memory = shmem_new(&fd, MIB);

	assert_device_reaches(memory, MIB, 32 * MIB);
	munmap(memory, MIB);
	close(fd);
}

static void read_only_cannot_be_written(void **state)
{
	void *memory = memory_new(PAGE);

	map_both();
	map_at(memory, PAGE, READ, 128 * MIB);
	assert_device_cannot_write(128 * MIB, memory);
	assert_device_reads(128 * MIB, memory);
	munmap(memory, PAGE);
}

/* That it cannot be read is not shown: Linux lets VT-d read what it may write. */
static void write_only_can_be_written(void **state)
{
	void *memory = memory_new(PAGE);

	map_both();
	map_at(memory, PAGE, WRITE, 128 * MIB);
	assert_device_writes(128 * MIB, memory);
	munmap(memory, PAGE);
}

static void read_only_user_memory_can_be_read(void **state)
{
	void *memory = memory_new(PAGE);

	memory_random(memory, PAGE);
	assert_int_equal(mprotect(memory, PAGE, PROT_READ), 0);
	map_both();
	map_at(memory, PAGE, READ, 128 * MIB);
	assert_device_reads(128 * MIB, memory);
	munmap(memory, PAGE);
}

/* The zero page is shared by all: pinned for reading it has to go first */
static void untouched_memory_is_read_as_it_is_later(void **state)
{
	char *memory = memory_new(PAGE);

	map_both();
	map_at(memory, PAGE, READ, 128 * MIB);
	memory_random(memory, PAGE);
	assert_device_reads(128 * MIB, memory);
	munmap(memory, PAGE);
}

static void unmapped_is_out_of_reach(void **state)
{
	map_both();
	assert_device_writes(DESTINATION, destination);
	unmap(DESTINATION, PAGE);
	assert_device_cannot_write(DESTINATION, destination);
	assert_device_cannot_write(DESTINATION + PAGE, destination);
}

static void neighbours_of_unmapped_stay(void **state)
{
	char *memory = memory_new(3 * PAGE);
	int i;

	map_both();
	for (i = 0; i < 3; i++)
		map_at(memory + i * PAGE, PAGE, RW, 128 * MIB + i * PAGE);
	for (i = 0; i < 3; i++)
		assert_device_writes(128 * MIB + i * PAGE, memory + i * PAGE);
	unmap(128 * MIB + PAGE, PAGE);
	assert_device_cannot_write(128 * MIB + PAGE, memory + PAGE);
	assert_device_writes(128 * MIB, memory);
	assert_device_writes(128 * MIB + 2 * PAGE, memory + 2 * PAGE);
	munmap(memory, 3 * PAGE);
}

static void address_used_again_leads_to_the_new_memory(void **state)
{
	void *other = memory_new(PAGE);
	char before[PAGE];
	int i;

	map_both();
	for (i = 0; i < 4; i++) {
		assert_device_writes(DESTINATION, destination);
		unmap(DESTINATION, PAGE);
		map_at(other, PAGE, RW, DESTINATION);
		memcpy(before, destination, PAGE);
		assert_device_writes(DESTINATION, other);
		assert_memory_equal(destination, before, PAGE);
		unmap(DESTINATION, PAGE);
		map_at(destination, PAGE, RW, DESTINATION);
	}
	munmap(other, PAGE);
}

static void huge_page_gives_way_to_small_ones(void **state)
{
	char *memory = huge_new(HUGE), *small = memory_new(PAGE);

	map_both();
	map_at(memory, HUGE, RW, 32 * MIB);
	assert_device_writes(32 * MIB + PAGE, memory + PAGE);
	unmap(32 * MIB, HUGE);
	map_at(small, PAGE, RW, 32 * MIB + PAGE);
	assert_device_writes(32 * MIB + PAGE, small);
	assert_device_cannot_write(32 * MIB, memory);
	unmap(32 * MIB + PAGE, PAGE);
	map_at(memory, HUGE, RW, 32 * MIB);
	assert_device_writes(32 * MIB, memory);
	munmap(memory, HUGE);
	munmap(small, PAGE);
}

/* A second IOAS with the same source, and other memory at the destination */
static uint32_t second_ioas(void *memory)
{
	uint32_t second = ioas_new(iommu);

	assert_int_equal(ioas_map_at(iommu, second, source, PAGE, READ, SOURCE),
			 0);
	assert_int_equal(ioas_map_at(iommu, second, memory, PAGE, RW,
				     DESTINATION), 0);
	return second;
}

static void replace_leads_to_the_memory_of_the_other_ioas(void **state)
{
	char *other = memory_new(PAGE), before[PAGE];
	uint32_t second;
	int i;

	map_both();
	second = second_ioas(other);
	for (i = 0; i < 4; i++) {
		assert_int_equal(edu_attach(&edu, ioas), 0);
		memcpy(before, other, PAGE);
		assert_device_writes(DESTINATION, destination);
		assert_memory_equal(other, before, PAGE);
		assert_int_equal(edu_attach(&edu, second), 0);
		memcpy(before, destination, PAGE);
		assert_device_writes(DESTINATION, other);
		assert_memory_equal(destination, before, PAGE);
	}
	/* Only what is in the IOAS attached to has to be pinned */
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), 2);
	munmap(other, PAGE);
}

static void other_ioas_changes_nothing_for_the_device(void **state)
{
	char *other = memory_new(PAGE), before[PAGE];
	uint32_t second;

	map_both();
	second = second_ioas(other);
	memcpy(before, other, PAGE);
	assert_device_writes(DESTINATION, destination);
	assert_int_equal(ioas_unmap_all(iommu, second), 0);
	assert_device_writes(DESTINATION, destination);
	assert_int_equal(object_destroy(iommu, second), 0);
	assert_device_writes(DESTINATION, destination);
	assert_memory_equal(other, before, PAGE);
	munmap(other, PAGE);
}

static void detached_device_reaches_nothing(void **state)
{
	map_both();
	assert_device_writes(DESTINATION, destination);
	load_device();
	assert_int_equal(edu_detach(&edu), 0);
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), 0);
	memset(destination, 0x55, PAGE);
	edu_write(&edu, DESTINATION);
	assert_int_equal(destination[0], 0x55);
	assert_memory_equal(destination, destination + 1, PAGE - 1);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_device_writes(DESTINATION, destination);
}

static void device_bound_and_never_attached_reaches_nothing(void **state)
{
	map_both();
	memset(destination, 0x55, PAGE);
	edu_write(&edu, DESTINATION);
	assert_int_equal(destination[0], 0x55);
	assert_memory_equal(destination, destination + 1, PAGE - 1);
}

static void memory_user_space_has_given_up_stays(void **state)
{
	char *memory = memory_new(PAGE), copy[PAGE];

	map_both();
	map_at(memory, PAGE, RW, 128 * MIB);
	load_device();
	memcpy(copy, source, PAGE);
	munmap(memory, PAGE);
	edu_write(&edu, 128 * MIB);
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), 3);
	/* Nobody but the device can tell what is in there */
	assert_device_reads(128 * MIB, copy);
	unmap(128 * MIB, PAGE);
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), 2);
}

static void shared_memory_mapped_elsewhere_is_the_same(void **state)
{
	int fd;
	char *first = shmem_new(&fd, PAGE), *second = memory_file(fd, PAGE);
	char copy[PAGE];

	map_both();
	map_at(first, PAGE, RW, 128 * MIB);
	munmap(first, PAGE);
	assert_device_writes(128 * MIB, second);
	/* Neither does cutting the file free what is pinned */
	assert_int_equal(ftruncate(fd, 0), 0);
	load_device();
	memcpy(copy, source, PAGE);
	edu_write(&edu, 128 * MIB);
	assert_device_reads(128 * MIB, copy);
	munmap(second, PAGE);
	close(fd);
}

static void memory_mapped_twice_outlives_one_unmap(void **state)
{
	map_both();
	map_at(destination, PAGE, RW, 128 * MIB);
	unmap(DESTINATION, PAGE);
	assert_device_writes(128 * MIB, destination);
	assert_device_cannot_write(DESTINATION, destination);
}

static void fork_does_not_part_memory_and_device(void **state)
{
	pid_t pid;

	map_both();
	pid = fork();
	assert_return_code(pid, errno);
	if (!pid) {
		pause();
		_exit(0);
	}
	/* Written while a child shares it: the pages must not be copied away */
	destination[0] = 1;
	assert_device_writes(DESTINATION, destination);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ULL + now.tv_nsec / 1000;
}

/**
 * struct meanwhile - who maps and unmaps while a device is attached
 * @attaching: it is, right now
 * @stop: it is enough
 * @rounds: how often that began and ended while it was
 * @longest: such a round, us
 * @failed: a request failed
 */
struct meanwhile {
	atomic_bool attaching;
	atomic_bool stop;
	unsigned long rounds;
	uint64_t longest;
	bool failed;
};

static void *map_meanwhile(void *arg)
{
	struct meanwhile *meanwhile = arg;
	uint64_t start, took;

	while (!meanwhile->stop) {
		bool before = meanwhile->attaching;

		start = now_us();
		if (ioas_map_at(iommu, ioas, destination, PAGE, RW,
				DESTINATION) ||
		    ioas_unmap(iommu, ioas, DESTINATION, PAGE, NULL))
			meanwhile->failed = meanwhile->stop = true;
		took = now_us() - start;
		if (!before || !meanwhile->attaching)
			continue;
		meanwhile->rounds++;
		if (took > meanwhile->longest)
			meanwhile->longest = took;
	}
	return NULL;
}

/* All that is mapped has to be pinned, and mapped into the domain */
static void attach_stops_no_map_or_unmap(void **state)
{
	const size_t areas = 256;
	char *memory = memory_new(areas * MIB);
	struct meanwhile meanwhile = {};
	uint64_t start, took;
	pthread_t thread;
	size_t i;

	assert_int_equal(madvise(memory, areas * MIB, MADV_NOHUGEPAGE), 0);
	for (i = 0; i < areas; i++)
		map_at(memory + i * MIB, MIB, RW, (128 + i) * MIB);
	assert_int_equal(pthread_create(&thread, NULL, map_meanwhile,
					&meanwhile), 0);
	start = now_us();
	meanwhile.attaching = true;
	assert_int_equal(edu_attach(&edu, ioas), 0);
	meanwhile.attaching = false;
	took = now_us() - start;
	meanwhile.stop = true;
	pthread_join(thread, NULL);

	printf("# attached in %lu us; meanwhile %lu rounds, longest %lu us\n",
	       took, meanwhile.rounds, meanwhile.longest);
	assert_false(meanwhile.failed);
	assert_true(meanwhile.rounds > 20);
	assert_true(meanwhile.longest < took / 2);
	map_at(source, PAGE, READ, SOURCE);
	load_device();
	edu_write(&edu, 128 * MIB + PAGE);
	assert_memory_equal(memory + PAGE, source, EDU_LENGTH);
	munmap(memory, areas * MIB);
}

#define TEST(_test)							\
	cmocka_unit_test_setup_teardown(_test, setup_attached, teardown)
#define TEST_DETACHED(_test)						\
	cmocka_unit_test_setup_teardown(_test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(device_copies_byte_for_byte),
		TEST_DETACHED(mapped_before_attach),
		TEST_DETACHED(mapped_before_and_after_attach),
		TEST(kernel_chooses_the_address),
		TEST(scattered_small_pages),
		TEST(transparent_huge_pages),
		TEST(part_of_a_huge_page),
		TEST(huge_page_off_its_alignment),
		TEST(huge_page_without_huge_io_pages),
		TEST(hugetlb_pages),
		TEST(shared_memory),
		TEST(read_only_cannot_be_written),
		TEST(write_only_can_be_written),
		TEST(read_only_user_memory_can_be_read),
		TEST(untouched_memory_is_read_as_it_is_later),
		TEST(unmapped_is_out_of_reach),
		TEST(neighbours_of_unmapped_stay),
		TEST(address_used_again_leads_to_the_new_memory),
		TEST(huge_page_gives_way_to_small_ones),
		TEST_DETACHED(replace_leads_to_the_memory_of_the_other_ioas),
		TEST(other_ioas_changes_nothing_for_the_device),
		TEST(detached_device_reaches_nothing),
		TEST_DETACHED(device_bound_and_never_attached_reaches_nothing),
		TEST(memory_user_space_has_given_up_stays),
		TEST(shared_memory_mapped_elsewhere_is_the_same),
		TEST(memory_mapped_twice_outlives_one_unmap),
		TEST(fork_does_not_part_memory_and_device),
		TEST_DETACHED(attach_stops_no_map_or_unmap),
	};

	return run_tap(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* lab: boot=own load=test timeout=120 */
/* In-kernel users of an IOAS, as emulated devices are; see lib/mock.h */
#include "lib/mock.h"
#include "lib/worker.h"

#define BASE (32 * MIB)
/* Areas of a page each */
#define AREAS 16UL
#define LENGTH (AREAS * PAGE)
#define SECONDS 5
/* An area that is larger than a chunk of the table of its pages */
#define LARGE (5 * HUGE / 2)
#define LARGE_PAGES (LARGE / PAGE)
#define LARGE_BASE (64 * MIB)

static int iommu;
static uint32_t ioas;
static char *memory;
static int first, second;

static int setup(void **state)
{
	unsigned long i;

	iommu = context_open();
	ioas = ioas_new(iommu);
	memory = memory_new(LENGTH);
	for (i = 0; i < AREAS; i++)
		assert_int_equal(ioas_map_at(iommu, ioas, memory + i * PAGE,
					     PAGE, RW, BASE + i * PAGE), 0);
	first = access_new(iommu, ioas);
	assert_return_code(first, -first);
	second = access_new(iommu, ioas);
	assert_return_code(second, -second);
	return 0;
}

static int teardown(void **state)
{
	close(second);
	close(first);
	munmap(memory, LENGTH);
	return close(iommu);
}

static int64_t pin(int access, unsigned long page, unsigned long nr)
{
	return access_pin(iommu, access, BASE + page * PAGE, nr * PAGE,
			  memory + page * PAGE);
}

static uint32_t must_pin(int access, unsigned long page, unsigned long nr)
{
	int64_t id = pin(access, page, nr);

	assert_true(id >= 0);
	return id;
}

static int unmap(unsigned long page, unsigned long nr)
{
	return ioas_unmap(iommu, ioas, BASE + page * PAGE, nr * PAGE, NULL);
}

static void assert_pinned(long nr)
{
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), nr);
	assert_int_equal(pinned_pages(nr), nr);
}

static void reads_and_writes_reach_the_memory(void **state)
{
	const struct {
		uint64_t offset, length;
	} ranges[] = {
		{ 0, LENGTH }, { 0, 1 }, { LENGTH - 1, 1 }, { 1, LENGTH - 2 },
		{ PAGE - 1, 2 }, { 3 * PAGE + 5, 2 * PAGE }, { 77, 1000 },
	};
	char data[LENGTH], expected[LENGTH];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		uint64_t offset = ranges[i].offset, length = ranges[i].length;

		memory_random(expected, LENGTH);
		memcpy(memory, expected, LENGTH);
		memory_random(data, length);
		memcpy(expected + offset, data, length);
		assert_int_equal(access_write(iommu, first, BASE + offset, data,
					      length), 0);
		assert_memory_equal(memory, expected, LENGTH);
		memory_random(data, length);
		assert_int_equal(access_read(iommu, second, BASE + offset, data,
					     length), 0);
		assert_memory_equal(data, expected + offset, length);
	}
	assert_pinned(0);
}

static void reads_and_writes_that_are_refused(void **state)
{
	char data[2 * PAGE], before[LENGTH];

	memory_random(memory, LENGTH);
	memcpy(before, memory, LENGTH);
	memset(data, 0, sizeof(data));
	assert_int_equal(unmap(4, 1), 0);
	assert_int_equal(ioas_map_at(iommu, ioas, memory + 4 * PAGE, PAGE, READ,
				     BASE + 4 * PAGE), 0);
	assert_int_equal(unmap(8, 1), 0);
	assert_int_equal(access_write(iommu, first, BASE + 4 * PAGE, data, 8),
			 -EPERM);
	assert_int_equal(access_write(iommu, first, BASE + 8 * PAGE, data, 8),
			 -ENOENT);
	assert_int_equal(access_read(iommu, first, BASE + 8 * PAGE - 1, data,
				     2), -ENOENT);
	assert_int_equal(access_read(iommu, first, BASE + LENGTH, data, 1),
			 -ENOENT);
	assert_memory_equal(memory, before, LENGTH);
	assert_int_equal(access_read(iommu, first, BASE + 4 * PAGE, data, 8),
			 0);
	assert_memory_equal(data, memory + 4 * PAGE, 8);
}

static void pinned_once_by_any_number(void **state)
{
	uint32_t ids[3];

	ids[0] = must_pin(first, 2, 6);
	assert_pinned(6);
	ids[1] = must_pin(second, 5, 6);
	assert_pinned(9);
	ids[2] = must_pin(first, 0, AREAS);
	assert_pinned(AREAS);
	assert_true(mock_device_new(iommu, ioas) > 0);
	assert_pinned(AREAS);
	assert_int_equal(access_unpin(iommu, first, ids[0]), 0);
	assert_int_equal(access_unpin(iommu, first, ids[0]), -ENOENT);
	assert_int_equal(access_unpin(iommu, first, ids[2]), 0);
	assert_int_equal(access_unpin(iommu, second, ids[1]), 0);
	assert_pinned(AREAS);
}

static void pins_that_are_refused(void **state)
{
	assert_int_equal(unmap(8, 1), 0);
	assert_int_equal(pin(first, 8, 1), -ENOENT);
	assert_int_equal(pin(first, 0, AREAS), -ENOENT);
	assert_int_equal(pin(first, 7, 2), -ENOENT);
	assert_int_equal(munmap(memory + 9 * PAGE, PAGE), 0);
	assert_int_equal(pin(first, 9, 4), -EFAULT);
	must_pin(first, 10, 6);
	assert_pinned(6);
	assert_int_equal(unmap(0, AREAS), 0);
	assert_pinned(0);
}

/* The mock compares the pages with those of the process */
static uint32_t pin_large(int access, char *large, unsigned long page,
			  unsigned long nr)
{
	int64_t id = access_pin(iommu, access, LARGE_BASE + page * PAGE,
				nr * PAGE, large + page * PAGE);

	assert_true(id >= 0);
	return id;
}

/* Its pages are others each time, also where others stay pinned meanwhile */
static void pins_come_and_go_in_a_large_area(void **state)
{
	const unsigned long at[] = { 0, 1, 255, 256, 700, 767, 768, 1023,
				     LARGE_PAGES - 1 };
	char *large = memory_new(LARGE), data[8], zeroes[8] = {};
	unsigned int i, round;
	uint32_t ids[ARRAY_SIZE(at)], all;

	assert_int_equal(madvise(large, LARGE, MADV_NOHUGEPAGE), 0);
	assert_int_equal(ioas_map_at(iommu, ioas, large, LARGE, RW, LARGE_BASE),
			 0);
	for (round = 0; round < 16; round++) {
		for (i = 0; i < ARRAY_SIZE(at); i++)
			ids[i] = pin_large(first, large, at[i], 1);
		assert_pinned(ARRAY_SIZE(at));
		all = pin_large(second, large, round, LARGE_PAGES - round);
		assert_pinned(LARGE_PAGES - round + (round > 0) + (round > 1));
		if (round % 2)
			assert_int_equal(access_unpin(iommu, second, all), 0);
		for (i = round % 4; i < ARRAY_SIZE(at); i++)
			assert_int_equal(access_unpin(iommu, first, ids[i]), 0);
		for (i = 0; i < round % 4; i++)
			assert_int_equal(access_unpin(iommu, first, ids[i]), 0);
		if (round % 2 == 0)
			assert_int_equal(access_unpin(iommu, second, all), 0);
		assert_pinned(0);
		assert_int_equal(madvise(large, LARGE, MADV_DONTNEED), 0);
	}
	/* What is pinned is read, and what was pinned is not */
	memset(large + 300 * PAGE, 7, 8);
	ids[0] = pin_large(first, large, 300, 1);
	assert_int_equal(madvise(large, LARGE, MADV_DONTNEED), 0);
	assert_int_equal(access_read(iommu, second, LARGE_BASE + 300 * PAGE,
				     data, 8), 0);
	assert_memory_equal(data, "\7\7\7\7\7\7\7\7", 8);
	assert_int_equal(access_unpin(iommu, first, ids[0]), 0);
	assert_int_equal(access_read(iommu, second, LARGE_BASE + 300 * PAGE,
				     data, 8), 0);
	assert_memory_equal(data, zeroes, 8);
	munmap(large, LARGE);
}

static void an_unmap_takes_pins_away(void **state)
{
	uint32_t id = must_pin(first, 3, 2);

	assert_pinned(2);
	assert_int_equal(unmap(4, 1), 0);
	assert_pinned(0);
	assert_int_equal(access_unpin(iommu, first, id), -ENOENT);
	/* The other half of what was pinned is still mapped */
	must_pin(first, 3, 1);
	assert_int_equal(unmap(0, AREAS), 0);
	assert_pinned(0);
}

static void an_access_that_goes_takes_its_pins_along(void **state)
{
	must_pin(first, 0, 4);
	must_pin(second, 2, 4);
	assert_pinned(6);
	close(first);
	assert_pinned(4);
	first = access_new(iommu, ioas);
	assert_return_code(first, -first);
}

static void an_access_that_moves_leaves_its_pins(void **state)
{
	uint32_t other = ioas_new(iommu), id;
	char data[8];

	memory_random(memory, LENGTH);
	id = must_pin(first, 0, 4);
	assert_int_equal(ioas_map_at(iommu, other, memory + PAGE, PAGE, RW,
				     BASE), 0);
	assert_int_equal(access_move(iommu, first, UINT32_MAX), -ENOENT);
	assert_pinned(4);
	assert_int_equal(access_move(iommu, first, other), 0);
	assert_pinned(0);
	assert_int_equal(access_unpin(iommu, first, id), -ENOENT);
	assert_int_equal(access_read(iommu, first, BASE, data, 8), 0);
	assert_memory_equal(data, memory + PAGE, 8);
	assert_int_equal(access_read(iommu, first, BASE + PAGE, data, 8),
			 -ENOENT);
	assert_int_equal(object_destroy(iommu, other), -EBUSY);
}

/*
 * The mock takes a lock of the access both to pin and to be told of an unmap:
 * while a pin waits for a page of its own, nobody can tell it.
 */
static int uffd;
static pthread_t pinner;

static void *pin_last(void *arg)
{
	return (void *)(intptr_t)pin(first, AREAS - 1, 1);
}

static void hold_up_first(void)
{
	uffd = userfault_new(memory + (AREAS - 1) * PAGE, PAGE);
	assert_int_equal(pthread_create(&pinner, NULL, pin_last, NULL), 0);
	userfault_wait(uffd);
}

static int64_t let_first_go(void)
{
	void *id;

	userfault_resolve(uffd, memory + (AREAS - 1) * PAGE, PAGE);
	pthread_join(pinner, &id);
	return (intptr_t)id;
}

static void *unmap_page(void *arg)
{
	return (void *)(intptr_t)unmap(*(unsigned long *)arg, 1);
}

/* How the unmap of a page by another thread ends, if it does within seconds */
static int join(pthread_t thread, int seconds, void **result)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += seconds;
	return pthread_timedjoin_np(thread, result, &until);
}

static void an_unmap_waits_for_who_holds_on(void **state)
{
	unsigned long page = 0;
	pthread_t unmapper;
	void *result;
	uint32_t id;

	id = must_pin(first, 0, 1);
	hold_up_first();
	assert_int_equal(pthread_create(&unmapper, NULL, unmap_page, &page), 0);
	assert_int_equal(join(unmapper, 1, &result), ETIMEDOUT);
	/* Neither gone nor to be had */
	assert_int_equal(ioas_areas(iommu, ioas), AREAS);
	assert_int_equal(pinned_pages(1), 1);
	assert_int_equal(pin(second, 0, 1), -ENOENT);
	assert_true(let_first_go() >= 0);
	pthread_join(unmapper, &result);
	assert_int_equal((intptr_t)result, 0);
	assert_int_equal(access_unpin(iommu, first, id), -ENOENT);
	assert_int_equal(ioas_areas(iommu, ioas), AREAS - 1);
	assert_pinned(1);
}

static void only_who_has_pins_there_is_told(void **state)
{
	uint32_t of_first, of_second;
	unsigned long page = 1;
	pthread_t unmapper;
	void *result;

	of_first = must_pin(first, 0, 1);
	of_second = must_pin(second, 1, 1);
	hold_up_first();
	/* That first cannot be told is nothing to wait for */
	assert_int_equal(pthread_create(&unmapper, NULL, unmap_page, &page), 0);
	assert_int_equal(join(unmapper, 10, &result), 0);
	assert_int_equal((intptr_t)result, 0);
	assert_int_equal(access_unpin(iommu, second, of_second), -ENOENT);
	assert_true(let_first_go() >= 0);
	assert_int_equal(access_unpin(iommu, first, of_first), 0);
}

/* One of the pages that are this worker's to map: half of them */
static int unmap_and_map(struct worker *worker)
{
	unsigned long half = worker->window / WINDOW - 1;
	unsigned long page = half * (AREAS / 2) + draw(worker, AREAS / 2);

	CHECK(!unmap(page, 1));
	CHECK(!ioas_map_at(iommu, ioas, memory + page * PAGE, PAGE, RW,
			   BASE + page * PAGE));
	return 0;
}

static int pin_and_unpin(struct worker *worker)
{
	int access = draw(worker, 2) ? first : second;
	unsigned long page = draw(worker, AREAS);
	unsigned long nr = 1 + draw(worker, AREAS - page);
	int64_t id = pin(access, page, nr);
	int err;

	CHECK(id >= 0 || id == -ENOENT);
	if (id < 0)
		return 0;
	if (draw(worker, 2))
		sched_yield();
	err = access_unpin(iommu, access, id);
	CHECK(!err || err == -ENOENT);
	return 0;
}

static int read_and_write(struct worker *worker)
{
	int access = draw(worker, 2) ? first : second;
	uint64_t offset = draw(worker, LENGTH);
	uint64_t length = 1 + draw(worker, LENGTH - offset);
	char data[LENGTH];
	int err;

	memset(data, 0x5a, length);
	err = draw(worker, 2) ?
	      access_write(iommu, access, BASE + offset, data, length) :
	      access_read(iommu, access, BASE + offset, data, length);
	CHECK(!err || err == -ENOENT);
	return 0;
}

static void all_at_once(void **state)
{
	struct worker workers[] = {
		WORKER(unmap_and_map), WORKER(unmap_and_map),
		WORKER(pin_and_unpin), WORKER(pin_and_unpin),
		WORKER(read_and_write), WORKER(read_and_write),
	};

	run_all(workers, ARRAY_SIZE(workers), SECONDS);
	assert_int_equal(ioas_areas(iommu, ioas), AREAS);
	assert_pinned(0);
	must_pin(first, 0, AREAS);
	assert_int_equal(unmap(0, AREAS), 0);
	assert_pinned(0);
}

#define TEST(_test) cmocka_unit_test_setup_teardown(_test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(reads_and_writes_reach_the_memory),
		TEST(reads_and_writes_that_are_refused),
		TEST(pinned_once_by_any_number),
		TEST(pins_that_are_refused),
		TEST(pins_come_and_go_in_a_large_area),
		TEST(an_unmap_takes_pins_away),
		TEST(an_access_that_goes_takes_its_pins_along),
		TEST(an_access_that_moves_leaves_its_pins),
		TEST(an_unmap_waits_for_who_holds_on),
		TEST(only_who_has_pins_there_is_told),
		TEST(all_at_once),
	};

	return run_tap(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=120 */
/* Everything at once, for a while */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "test.h"

#define SECONDS 10
/* Each thread with fixed addresses has a window of its own */
#define WINDOW (64 * MIB)
#define SLOT (16 * PAGE)
#define SLOTS 64
/* Where the kernel chooses */
#define CHOSEN (1024 * MIB)

static int iommu;
static uint32_t ioas;
static struct edu edu;
static char *memory;
static atomic_bool stop;
/* An IOAS that comes and goes, and a HWPT */
static atomic_uint passing, passing_hwpt;

static int setup(void **state)
{
	iommu = context_open();
	ioas = ioas_new(iommu);
	edu_open(&edu, iommu);
	memory = memory_new(SLOT);
	stop = false;
	passing = passing_hwpt = 0;
	return 0;
}

static int teardown(void **state)
{
	munmap(memory, SLOT);
	edu_close(&edu);
	return close(iommu);
}

/**
 * struct worker - a thread that does the same over and over
 * @run: do it once; 0 is success
 * @seed: of its random numbers
 * @window: where it may map at will
 * @rounds: how often it was done
 * @failed: it was not 0
 */
struct worker {
	int (*run)(struct worker *worker);
	unsigned int seed;
	uint64_t window;
	unsigned long rounds;
	bool failed;
	pthread_t thread;
};

static unsigned int draw(struct worker *worker, unsigned int limit)
{
	return rand_r(&worker->seed) % limit;
}

static void *work(void *arg)
{
	struct worker *worker = arg;

	for (; !stop; worker->rounds++)
		if (worker->run(worker))
			worker->failed = stop = true;
	return NULL;
}

static void run_all(struct worker *workers, size_t nr, unsigned int seconds)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		workers[i].seed = i + 1;
		workers[i].window = (i + 1) * WINDOW;
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work,
						&workers[i]), 0);
	}
	sleep(seconds);
	stop = true;
	for (i = 0; i < nr; i++)
		pthread_join(workers[i].thread, NULL);
	for (i = 0; i < nr; i++) {
		printf("# thread %zu: %lu rounds\n", i, workers[i].rounds);
		assert_false(workers[i].failed);
		/* A thread that was never served shows nothing */
		assert_true(workers[i].rounds > 10);
	}
}

/* A few slots filled in any order, then emptied in any way */
static int map_fixed(struct worker *worker)
{
	unsigned int first = draw(worker, SLOTS), n = 1 + draw(worker, SLOTS);
	uint64_t iova, unmapped, length = (1 + draw(worker, 16)) * PAGE;
	unsigned int i;

	for (i = 0; i < n; i++) {
		iova = worker->window + (first + i * 7) % SLOTS * SLOT;
		CHECK(!ioas_map_at(iommu, ioas, memory, length, RW, iova));
		CHECK(ioas_map_at(iommu, ioas, memory, PAGE, RW, iova) ==
		      -EEXIST);
	}
	if (draw(worker, 2)) {
		CHECK(!ioas_unmap(iommu, ioas, worker->window, SLOTS * SLOT,
				  &unmapped));
		CHECK(unmapped == n * length);
		return 0;
	}
	for (i = 0; i < n; i++) {
		iova = worker->window + (first + i * 7) % SLOTS * SLOT;
		CHECK(!ioas_unmap(iommu, ioas, iova, length, &unmapped));
		CHECK(unmapped == length);
	}
	return 0;
}

static int map_chosen(struct worker *worker)
{
	uint64_t iova[16], unmapped, length = (1 + draw(worker, 16)) * PAGE;
	unsigned int i, n = 1 + draw(worker, 16);

	for (i = 0; i < n; i++) {
		CHECK(!ioas_map(iommu, ioas, memory, length, RW, &iova[i]));
		CHECK(iova[i] >= CHOSEN);
	}
	for (i = 0; i < n; i++) {
		CHECK(!ioas_unmap(iommu, ioas, iova[i], length, &unmapped));
		CHECK(unmapped == length);
	}
	return 0;
}

static int move_device(struct worker *worker)
{
	uint32_t other = passing, hwpt = passing_hwpt;
	int err;

	switch (draw(worker, 5)) {
	case 0:
		CHECK(!edu_detach(&edu));
		break;
	case 1:
		/* Gone by now, perhaps */
		err = other ? edu_attach(&edu, other) : 0;
		CHECK(!err || err == -ENOENT);
		break;
	case 2:
		err = hwpt ? edu_attach(&edu, hwpt) : 0;
		CHECK(!err || err == -ENOENT);
		break;
	default:
		CHECK(!edu_attach(&edu, ioas));
	}
	return 0;
}

static int come_and_go(struct worker *worker)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	uint64_t iova;
	int err;

	CHECK(!ioctl(iommu, IOMMU_IOAS_ALLOC, &alloc));
	CHECK(!ioas_map(iommu, alloc.out_ioas_id, memory, SLOT, RW, &iova));
	passing = alloc.out_ioas_id;
	usleep(draw(worker, 3000));
	passing = 0;
	CHECK(!ioas_map(iommu, alloc.out_ioas_id, memory, PAGE, RW, &iova));
	/* The device may have come, and will leave */
	do {
		err = object_destroy(iommu, alloc.out_ioas_id);
		CHECK(!err || err == -EBUSY);
	} while (err && !stop);
	return 0;
}

static int come_and_go_as_hwpt(struct worker *worker)
{
	int64_t hwpt = hwpt_alloc(iommu, edu.id, ioas, 0);
	int err;

	CHECK(hwpt > 0);
	passing_hwpt = hwpt;
	usleep(draw(worker, 3000));
	do {
		err = object_destroy(iommu, hwpt);
		CHECK(!err || err == -EBUSY);
	} while (err && !stop);
	if (!err)
		passing_hwpt = 0;
	return 0;
}

static int look_on(struct worker *worker)
{
	char path[64], text[4096];
	struct iommu_iova_range ranges[8];
	uint32_t nr = ARRAY_SIZE(ranges);
	uint64_t value;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", iommu);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK(read(fd, text, sizeof(text)) > 0);
	close(fd);
	CHECK(!ioas_ranges(iommu, ioas, ranges, &nr, NULL));
	CHECK(nr > 0);
	CHECK(!option_get(iommu, IOMMU_OPTION_HUGE_PAGES, ioas, &value));
	CHECK(object_destroy(iommu, edu.id) == -EBUSY);
	CHECK(object_destroy(iommu, UINT32_MAX) == -ENOENT);
	return 0;
}

static void assert_nothing_is_left(void)
{
	unsigned long areas, bytes;

	fdinfo_ioas(iommu, ioas, &areas, &bytes);
	assert_int_equal(areas, 0);
	assert_int_equal(bytes, 0);
	assert_int_equal(edu_detach(&edu), 0);
	if (passing_hwpt)
		assert_int_equal(object_destroy(iommu, passing_hwpt), 0);
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), 0);
	assert_int_equal(fdinfo_value(iommu, "iommufd-charged:"), 0);
	assert_int_equal(pinned_pages(0), 0);
	assert_int_equal(object_destroy(iommu, ioas), 0);
}

static void all_requests_at_once(void **state)
{
	const struct iommu_iova_range chosen = {
		.start = CHOSEN, .last = 2 * CHOSEN - 1
	};
	struct worker workers[] = {
		{ .run = map_fixed }, { .run = map_fixed },
		{ .run = map_chosen }, { .run = map_chosen },
		{ .run = move_device }, { .run = come_and_go },
		{ .run = come_and_go_as_hwpt }, { .run = look_on },
	};

	assert_int_equal(ioas_allow(iommu, ioas, &chosen, 1), 0);
	run_all(workers, ARRAY_SIZE(workers), SECONDS);
	assert_nothing_is_left();
}

/* More areas than are taken out in one go, in the first 62 pages of 64 */
static int unmap_up_to_the_border(struct worker *worker)
{
	uint64_t iova;
	int i, err;

	for (i = 0; i < 62; i++) {
		iova = WINDOW + i * PAGE;
		CHECK(!ioas_map_at(iommu, ioas, memory, PAGE, RW, iova));
	}
	/* Refused, or broken off, for the sake of the other */
	err = ioas_unmap(iommu, ioas, WINDOW, 64 * PAGE, NULL);
	CHECK(!err || err == -ENOENT);
	if (err)
		err = ioas_unmap(iommu, ioas, WINDOW, 62 * PAGE, NULL);
	CHECK(!err || err == -ENOENT);
	return 0;
}

/* An area across the end of what the other unmaps is not its to unmap */
static int map_across_the_border(struct worker *worker)
{
	const uint64_t iova = WINDOW + 62 * PAGE;
	uint64_t unmapped;

	CHECK(!ioas_map_at(iommu, ioas, memory, 4 * PAGE, RW, iova));
	if (draw(worker, 4) == 0)
		sched_yield();
	CHECK(!ioas_unmap(iommu, ioas, iova, 4 * PAGE, &unmapped));
	CHECK(unmapped == 4 * PAGE);
	return 0;
}

static void unmap_takes_nothing_beyond_its_range(void **state)
{
	struct worker workers[] = {
		{ .run = unmap_up_to_the_border },
		{ .run = map_across_the_border },
	};

	assert_int_equal(edu_attach(&edu, ioas), 0);
	run_all(workers, ARRAY_SIZE(workers), SECONDS / 2);
	assert_nothing_is_left();
}

#define TEST(_test) cmocka_unit_test_setup_teardown(_test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(all_requests_at_once),
		TEST(unmap_takes_nothing_beyond_its_range),
	};

	return run_tap(tests, NULL, NULL);
}

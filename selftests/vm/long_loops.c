// SPDX-License-Identifier: GPL-2.0-only
/* lab: boot=own smp=1 icount=yes timeout=600 */
/*
 * Requests about very many areas let other tasks run. The clock counts
 * instructions and there is one CPU: a thread that only looks at the clock sees
 * for how long it was kept from that.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

#include "test.h"

#define AREAS (1UL << 18)
#define AREA (2 * PAGE)
#define ALL (AREAS * AREA)
/* IO addresses of one IOAS: areas, and what they are copied to */
#define BASE (1UL << 32)
#define COPY (BASE + ALL)
/* Nanoseconds: some ticks of the scheduler, far less than a loop takes */
#define PATIENCE 12000000L
/* What a search may take that visits all areas: a nanosecond each */
#define SEARCH ((long)AREAS)

static int iommu;
static uint32_t ioas;
static struct edu edu;
static char *memory;

static atomic_bool watching;
static long longest;
static pthread_t watcher;

static long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void *watch(void *unused)
{
	long before = now(), after;

	while (watching) {
		after = now();
		if (after - before > longest)
			longest = after - before;
		before = after;
	}
	return NULL;
}

static void begin_watch(void)
{
	longest = 0;
	watching = true;
	assert_int_equal(pthread_create(&watcher, NULL, watch, NULL), 0);
}

static void end_watch(const char *what)
{
	watching = false;
	pthread_join(watcher, NULL);
	printf("# %s: others waited for %ld us\n", what, longest / 1000);
	assert_in_range(longest, 0, PATIENCE);
}

static int setup(void **state)
{
	iommu = context_open();
	ioas = ioas_new(iommu);
	edu_open(&edu, iommu);
	memory = memory_new(AREA);
	return 0;
}

static int teardown(void **state)
{
	munmap(memory, AREA);
	edu_close(&edu);
	close(iommu);
	assert_int_equal(pinned_pages(0), 0);
	return 0;
}

static int copy(uint32_t from, uint64_t length, uint32_t to, uint64_t iova)
{
	const struct copy_source source = { from, BASE, length };

	return ioas_copy_at(iommu, to, &source, RW, iova);
}

/* From BASE on: each copy has as many areas as there were. */
static void map_areas(void)
{
	uint64_t length;

	assert_int_equal(ioas_map_at(iommu, ioas, memory, AREA, RW, BASE), 0);
	for (length = AREA; length < ALL; length *= 2)
		assert_int_equal(copy(ioas, length, ioas, BASE + length), 0);
	assert_int_equal(ioas_areas(iommu, ioas), AREAS);
}

static void areas_are_copied(void **state)
{
	map_areas();
	begin_watch();
	assert_int_equal(copy(ioas, ALL, ioas, COPY), 0);
	end_watch("a copy");
	begin_watch();
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	end_watch("an unmap");
}

static void a_copy_finds_its_last_address_taken(void **state)
{
	uint32_t to = ioas_new(iommu);

	map_areas();
	assert_int_equal(ioas_map_at(iommu, to, memory, PAGE, RW,
				     COPY + ALL - PAGE), 0);
	begin_watch();
	assert_int_equal(copy(ioas, ALL, to, COPY), -EEXIST);
	end_watch("a copy to a range that is taken");
	assert_int_equal(ioas_areas(iommu, to), 1);
}

static void alignment_is_checked(void **state)
{
	map_areas();
	/* It takes little for each: twice as many of them */
	assert_int_equal(copy(ioas, ALL, ioas, COPY), 0);
	begin_watch();
	assert_int_equal(option_set(iommu, IOMMU_OPTION_HUGE_PAGES, ioas, 0),
			 0);
	end_watch("smaller IO pages");
}

static pid_t begin_copy(uint32_t to)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid)
		_exit(copy(ioas, ALL, to, COPY) ? 1 : 0);
	return pid;
}

static int wait_for(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* With all but a few areas in the domain, it is killed. */
static void a_copy_is_killed(void **state)
{
	uint32_t to = ioas_new(iommu);
	long start, takes;
	int status;
	pid_t pid;

	map_areas();
	assert_int_equal(edu_attach(&edu, to), 0);
	start = now();
	assert_int_equal(wait_for(begin_copy(to)), 0);
	takes = now() - start;
	assert_int_equal(ioas_unmap_all(iommu, to), 0);

	pid = begin_copy(to);
	assert_return_code(pid, errno);
	usleep(takes * 9 / 10 / 1000);
	begin_watch();
	kill(pid, SIGKILL);
	status = wait_for(pid);
	end_watch("a copy that is killed");
	assert_true(WIFSIGNALED(status));
	assert_int_equal(ioas_areas(iommu, to), 0);
}

static long map_a_byte(void)
{
	uint64_t iova;
	long start = now();

	assert_int_equal(ioas_map(iommu, ioas, memory + 5, 1, RW, &iova), 0);
	assert_int_equal(iova % PAGE, 5);
	return now() - start;
}

/* Holes that are long enough, and none has the wanted place in its page. */
static void holes_do_not_fit(void **state)
{
	unsigned long i;
	long takes;

	for (i = 1; i <= AREAS; i++)
		assert_int_equal(ioas_map_at(iommu, ioas, memory + 5, 1, RW,
					     i * PAGE + 5), 0);
	begin_watch();
	map_a_byte();
	end_watch("the first search for a hole");
	takes = map_a_byte();
	printf("# another search: %ld ns\n", takes);
	assert_in_range(takes, 0, SEARCH);
}

#define TEST_OF(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_OF(areas_are_copied),
		TEST_OF(a_copy_finds_its_last_address_taken),
		TEST_OF(alignment_is_checked),
		TEST_OF(a_copy_is_killed),
		TEST_OF(holes_do_not_fit),
	};

	return run_tap(tests, NULL, NULL);
}

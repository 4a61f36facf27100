// SPDX-License-Identifier: GPL-2.0-only
/*
 * parallel [cold]: what a second CPU is good for. One line of JSON each: requests of
 * two threads at the same time against those of one, and a large map of memory
 * nobody has touched by two threads against one. Wall time: variants take turns,
 * and of each the best round counts, for what else the host does only slows down.
 * What two threads of a program gain by counting, and by touching the memory
 * themselves, says how much there was to gain. With an argument, large maps alone.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

#include "test.h"

#define PARAMETER "/sys/module/iommufd/parameters/pin_threads"
#define ROUNDS 7
#define ROUND_NS 300000000ULL
#define COLD (1024 * MIB)
#define BASE (16 * MIB)

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

/**
 * struct place - where a thread maps and unmaps
 * @iommu: context
 * @ioas: IOAS in it
 * @iova: address that no other thread has
 * @done: how often
 */
struct place {
	int iommu;
	uint32_t ioas;
	uint64_t iova;
	unsigned long done;
};

static atomic_bool stop;

static void *map_and_unmap(void *arg)
{
	struct place *place = arg;
	void *memory = memory_new(PAGE);

	memset(memory, 1, PAGE);
	for (place->done = 0; !stop; place->done++)
		if (ioas_map_at(place->iommu, place->ioas, memory, PAGE, RW,
				place->iova) ||
		    ioas_unmap(place->iommu, place->ioas, place->iova, PAGE,
			       NULL))
			abort();
	munmap(memory, PAGE);
	return NULL;
}

/* Pairs a second of as many threads */
static double rate(struct place *places, unsigned int nr)
{
	const struct timespec round = { .tv_nsec = ROUND_NS };
	pthread_t threads[2];
	unsigned long done = 0;
	uint64_t start;
	unsigned int i;

	stop = false;
	start = now();
	for (i = 0; i < nr; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						map_and_unmap, &places[i]), 0);
	nanosleep(&round, NULL);
	stop = true;
	for (i = 0; i < nr; i++) {
		pthread_join(threads[i], NULL);
		done += places[i].done;
	}
	return done * 1e9 / (now() - start);
}

static void compare_requests(const char *where, struct place *places)
{
	double best[2] = {}, this;
	unsigned int i, k;

	for (i = 0; i < ROUNDS; i++)
		for (k = 0; k < 2; k++) {
			this = rate(places, k + 1);
			if (this > best[k])
				best[k] = this;
		}
	printf("{\"row\": \"map and unmap a page, %s\", \"one\": %.0f, \"two\": %.0f, \"unit\": \"pairs/s\", \"ratio\": %.2f}\n",
	       where, best[0], best[1], best[1] / best[0]);
	fflush(stdout);
}

static void requests(void)
{
	struct place places[2] = {};
	struct edu edu;
	int i, nvme;

	places[0].iommu = places[1].iommu = context_open();
	for (i = 0; i < 2; i++) {
		places[i].ioas = ioas_new(places[i].iommu);
		places[i].iova = BASE + i * BASE;
	}
	edu_open(&edu, places[0].iommu);
	assert_int_equal(edu_attach(&edu, places[0].ioas), 0);
	nvme = nvme_bind(places[1].iommu);
	assert_return_code(nvme, -nvme);
	assert_int_equal(nvme_attach(nvme, places[1].ioas), 0);
	compare_requests("in two IOASes", places);
	places[1].ioas = places[0].ioas;
	compare_requests("in one IOAS", places);
	close(nvme);

	places[1].iommu = context_open();
	places[1].ioas = ioas_new(places[1].iommu);
	nvme = nvme_bind(places[1].iommu);
	assert_return_code(nvme, -nvme);
	assert_int_equal(nvme_attach(nvme, places[1].ioas), 0);
	compare_requests("in two contexts", places);
	close(nvme);
	edu_close(&edu);
	for (i = 0; i < 2; i++)
		close(places[i].iommu);
}

static char *cold_new(int advice)
{
	char *memory = memory_aligned(COLD, HUGE);

	assert_return_code(madvise(memory, COLD, advice), errno);
	return memory;
}

/* The time of @nr threads that take a share each */
static uint64_t share(void *(*run)(void *arg), char *memory, unsigned int nr)
{
	uint64_t start = now();
	pthread_t threads[2];
	unsigned int i;

	for (i = 0; i < nr; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run,
						memory + i * (COLD / 2)), 0);
	for (i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
	return now() - start;
}

static void *count(void *arg)
{
	volatile unsigned long i;

	for (i = 0; i < 100000000; i++)
		;
	return NULL;
}

static void *touch(void *arg)
{
	volatile char *half = arg;
	size_t i;

	for (i = 0; i < COLD / 2; i += PAGE)
		half[i] = 1;
	return NULL;
}

/* By one thread, one half after the other */
static void *touch_all(void *arg)
{
	touch(arg);
	return touch((char *)arg + COLD / 2);
}

static int iommu;
static uint32_t ioas;

static uint64_t count_by(char *memory, unsigned int threads)
{
	return threads == 1 ? 2 * share(count, memory, 1) :
			      share(count, memory, 2);
}

static uint64_t touch_by(char *memory, unsigned int threads)
{
	return share(threads == 1 ? touch_all : touch, memory, threads);
}

static uint64_t map_by(char *memory, unsigned int threads)
{
	uint64_t start, time;

	assert_return_code(write_number(PARAMETER, threads), EINVAL);
	start = now();
	assert_int_equal(ioas_map_at(iommu, ioas, memory, COLD, RW, BASE), 0);
	time = now() - start;
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	return time;
}

static void compare_cold(const char *row, int advice,
			 uint64_t (*run)(char *memory, unsigned int threads))
{
	uint64_t best[2] = { UINT64_MAX, UINT64_MAX }, this;
	unsigned int i, k;
	char *memory;

	for (i = 0; i < ROUNDS; i++)
		for (k = 0; k < 2; k++) {
			memory = cold_new(advice);
			this = run(memory, k + 1);
			munmap(memory, COLD);
			if (this < best[k])
				best[k] = this;
		}
	printf("{\"row\": \"%s\", \"one\": %.3f, \"two\": %.3f, \"unit\": \"ms\", \"ratio\": %.2f}\n",
	       row, best[0] / 1e6, best[1] / 1e6, (double)best[0] / best[1]);
	fflush(stdout);
}

/* A process that maps, killed when half of it is pinned */
static void cancel(void)
{
	const long half = COLD / PAGE / 2;
	uint64_t start, time;
	long reached;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_return_code(pid, errno);
	if (!pid)
		_exit(ioas_map_at(iommu, ioas, cold_new(MADV_NOHUGEPAGE), COLD,
				  RW, BASE) != -EINTR);
	do {
		reached = pinned_pages_now();
	} while (reached < half);
	start = now();
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	time = now() - start;
	assert_true(reached < (long)(COLD / PAGE));
	printf("{\"row\": \"killed while it maps\", \"pinned\": %ld, \"ms\": %.3f, \"pinned after\": %ld}\n",
	       reached, time / 1e6, pinned_pages(0));
}

static void cold(void)
{
	struct edu edu;

	iommu = context_open();
	ioas = ioas_new(iommu);
	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	compare_cold("count", MADV_NORMAL, count_by);
	compare_cold("touch 1 GiB, 4K pages", MADV_NOHUGEPAGE, touch_by);
	compare_cold("map 1 GiB never touched, 4K pages", MADV_NOHUGEPAGE,
		     map_by);
	compare_cold("touch 1 GiB, huge pages", MADV_HUGEPAGE, touch_by);
	compare_cold("map 1 GiB never touched, huge pages", MADV_HUGEPAGE,
		     map_by);
	cancel();
	edu_close(&edu);
	close(iommu);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		requests();
	cold();
	return 0;
}

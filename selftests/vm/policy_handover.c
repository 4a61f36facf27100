// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=240 */
/* Another process is to pay while memory is pinned: policies pay for all of it. */
#include <sched.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/policy.h"
#include "lib/worker.h"

/* Mappings of a page each that are in no domain and make a handover take long */
#define IDLE_MAPPINGS 50000UL
#define ROUNDS 40
/* Pinned at any moment of a handover: some are handed over early, some late */
#define PARTS 16
#define PART_PAGES 64UL
#define BURSTS 8

static struct policy policy;
static int iommu, file;
static uint32_t ioas, idle_ioas;
static struct edu edu;

static int map_part(uint32_t where, uint64_t pages, uint64_t iova)
{
	const struct file_range range = { file, 0, pages * PAGE };

	return ioas_map_file(iommu, where, &range, RW | FIXED, &iova);
}

static int setup(void **state)
{
	iommu = context_open();
	ioas = ioas_new(iommu);
	idle_ioas = ioas_new(iommu);
	edu_open(&edu, iommu);
	file = memfd_create("handover", 0);
	assert_return_code(file, errno);
	assert_int_equal(ftruncate(file, PART_PAGES * PAGE), 0);
	policy_open_object(&policy, "payer", "payer");
	assert_int_equal(policy_load(&policy), 0);
	assert_int_equal(policy_attach(&policy), 0);
	return 0;
}

static int teardown(void **state)
{
	edu_close(&edu);
	close(iommu);
	close(file);
	policy_stop(&policy);
	assert_int_equal(pinned_pages(0), 0);
	return 0;
}

static long pinned(void)
{
	return fdinfo_value(iommu, "iommufd-pinned:");
}

static void assert_all_is_paid_for(long pages)
{
	assert_int_equal(pinned(), pages);
	assert_int_equal(policy_number("payer", "paid"), pages);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static pid_t begin_handover(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(ioas_change_process(iommu) ? 1 : 0);
	return pid;
}

static int end_handover(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static double measure_handover(void)
{
	double start = now();
	pid_t pid = begin_handover();

	assert_return_code(pid, errno);
	assert_int_equal(end_handover(pid), 0);
	return now() - start;
}

static void map_everything(void)
{
	unsigned long i;

	for (i = 0; i < PARTS; i++)
		assert_int_equal(map_part(ioas, PART_PAGES,
					  (i + 1) * MIB), 0);
	for (i = 0; i < IDLE_MAPPINGS; i++)
		assert_int_equal(map_part(idle_ioas, 1, (i + 1) * PAGE), 0);
}

/* Emulated CPUs take long turns; tasks on one of them take short ones. */
static void share_a_cpu(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	assert_return_code(sched_setaffinity(0, sizeof(cpus), &cpus), errno);
}

/* A domain pins everything in the middle of a handover, earlier or later. */
static void pinned_while_it_is_handed_over(void **state)
{
	const long all = PARTS * PART_PAGES;
	double takes;
	int64_t hwpt;
	pid_t pid;
	int i;

	share_a_cpu();
	map_everything();
	takes = measure_handover();
	printf("# a handover takes %.0f ms\n", takes * 1e3);
	for (i = 0; i < ROUNDS; i++) {
		pid = begin_handover();
		assert_return_code(pid, errno);
		usleep(takes * 1e6 * i / ROUNDS);
		hwpt = hwpt_alloc(iommu, edu.id, ioas, 0);
		assert_int_equal(end_handover(pid), 0);
		assert_true(hwpt > 0);
		assert_all_is_paid_for(all);
		assert_int_equal(object_destroy(iommu, hwpt), 0);
		assert_all_is_paid_for(0);
	}
}

static int maps_and_unmaps(struct worker *worker)
{
	uint64_t iova = worker->window + draw(worker, PARTS) * MIB;
	int rc;

	if (map_part(ioas, 1 + draw(worker, PART_PAGES), iova))
		return 1;
	if (draw(worker, 4))
		usleep(draw(worker, 1000));
	rc = ioas_unmap(iommu, ioas, worker->window, WINDOW, NULL);
	return rc;
}

static int makes_domains(struct worker *worker)
{
	int64_t hwpt = hwpt_alloc(iommu, edu.id, ioas, 0);

	if (hwpt <= 0)
		return 1;
	usleep(draw(worker, 1000));
	return object_destroy(iommu, hwpt);
}

static int attaches(struct worker *worker)
{
	if (edu_attach(&edu, ioas))
		return 1;
	usleep(draw(worker, 1000));
	return edu_detach(&edu);
}

static int hands_over(struct worker *worker)
{
	pid_t pid = begin_handover();

	return pid < 0 || end_handover(pid);
}

static void everything_at_once(void **state)
{
	struct worker workers[] = {
		WORKER(maps_and_unmaps),
		WORKER(maps_and_unmaps),
		WORKER(makes_domains),
		WORKER(attaches),
		WORKER(hands_over),
		WORKER(hands_over),
	};
	unsigned int i;

	for (i = 0; i < PARTS; i++)
		assert_int_equal(map_part(ioas, PART_PAGES, (i + 1) * MIB), 0);
	for (i = 0; i < BURSTS; i++) {
		run_all(workers, ARRAY_SIZE(workers), 1);
		assert_all_is_paid_for(0);
		assert_int_equal(edu_attach(&edu, ioas), 0);
		assert_all_is_paid_for(PARTS * PART_PAGES);
		assert_int_equal(edu_detach(&edu), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pinned_while_it_is_handed_over,
						setup, teardown),
		cmocka_unit_test_setup_teardown(everything_at_once, setup,
						teardown),
	};

	return run_tap(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=400 */
/* Pages are counted by whose they are, and walks end while all else changes. */
#include <linux/userfaultfd.h>
#include <poll.h>

#include "lib/cgroup.h"
#include "lib/look.h"
#include "lib/policy.h"
#include "lib/worker.h"

#define BASE (16 * MIB)
#define WALKS 1000
#define STEADY 8
#define CGROUP "look"
#define NOBODY 65534

static int iommu;
static uint32_t ioas;
static struct edu edu;
static char *memory;

static int setup(void **state)
{
	edu.vfio = -1;
	look_open();
	iommu = context_open();
	ioas = ioas_new(iommu);
	memory = memory_new(HUGE);
	return 0;
}

static int teardown(void **state)
{
	if (edu.vfio >= 0)
		edu_close(&edu);
	munmap(memory, HUGE);
	look_close();
	return close(iommu);
}

static int map_at(uint64_t iova, unsigned long pages)
{
	return ioas_map_at(iommu, ioas, memory, pages * PAGE, RW, iova);
}

static int map_two_in_cgroup(void *arg)
{
	CHECK(!cgroup_enter(CGROUP));
	CHECK(!map_at(2 * BASE, 2));
	return 0;
}

static int map_four_in_inner_cgroup(void *arg)
{
	CHECK(!cgroup_enter(CGROUP "/inner"));
	CHECK(!become_tenant(16));
	CHECK(!map_at(3 * BASE, 4));
	return 0;
}

static uint64_t pinned_by_user(uint32_t uid)
{
	look->uid = uid;
	assert_int_equal(look_run("count"), 0);
	return look->by_user;
}

static uint64_t pinned_by_context(uint64_t id)
{
	look->ctx_id = id;
	assert_int_equal(look_run("count"), 0);
	return look->by_context;
}

static uint64_t pinned_by_cgroup(uint64_t id)
{
	look->cgroup_id = id;
	assert_int_equal(look_run("count"), 0);
	return look->by_cgroup;
}

static void pinned_pages_are_counted_by_whose_they_are(void **state)
{
	struct other outer, inner;
	uint64_t outer_id, inner_id, root_id;

	root_id = cgroup_id("");
	cgroup_new(CGROUP);
	cgroup_new(CGROUP "/inner");
	outer_id = cgroup_id(CGROUP);
	inner_id = cgroup_id(CGROUP "/inner");
	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), 0);

	assert_int_equal(map_at(BASE, 1), 0);
	other_start(&outer, map_two_in_cgroup, NULL);
	other_start(&inner, map_four_in_inner_cgroup, NULL);
	assert_int_equal(pinned_by_context(context_id(iommu)), 7);
	assert_int_equal(pinned_by_user(0), 3);
	assert_int_equal(pinned_by_user(NOBODY), 4);
	/* With all below it */
	assert_int_equal(pinned_by_cgroup(inner_id), 4);
	assert_int_equal(pinned_by_cgroup(outer_id), 6);
	assert_int_equal(pinned_by_cgroup(root_id), 7);

	assert_int_equal(pinned_by_context(0), 0);
	assert_int_equal(pinned_by_context(UINT64_MAX), 0);
	assert_int_equal(pinned_by_user(12345), 0);
	assert_int_equal(pinned_by_user(UINT32_MAX), 0);
	assert_int_equal(pinned_by_cgroup(0), 0);
	assert_int_equal(pinned_by_cgroup(UINT64_MAX), 0);

	assert_int_equal(ioas_unmap(iommu, ioas, 3 * BASE, 4 * PAGE, NULL), 0);
	assert_int_equal(pinned_by_cgroup(outer_id), 2);
	assert_int_equal(pinned_by_user(NOBODY), 0);
	other_stop(&inner);
	other_stop(&outer);
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	assert_int_equal(pinned_by_context(context_id(iommu)), 0);
	assert_int_equal(pinned_by_cgroup(root_id), 0);
	cgroup_remove(CGROUP "/inner");
	cgroup_remove(CGROUP);
}

/* Two contexts, the same memory */
static void what_two_contexts_pin_counts_twice(void **state)
{
	int other = context_open();
	uint32_t theirs = ioas_new(other);
	int nvme = nvme_bind(other);

	assert_true(nvme >= 0);
	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(nvme_attach(nvme, theirs), 0);
	assert_int_equal(map_at(BASE, 3), 0);
	assert_int_equal(ioas_map_at(other, theirs, memory, 3 * PAGE, RW, BASE),
			 0);
	assert_int_equal(pinned_by_context(context_id(iommu)), 3);
	assert_int_equal(pinned_by_context(context_id(other)), 3);
	assert_int_equal(pinned_by_user(0), 6);
	assert_int_equal(pinned_by_cgroup(cgroup_id("")), 6);
	close(nvme);
	close(other);
	assert_int_equal(pinned_by_user(0), 3);
}

static int walk_everything(struct worker *worker)
{
	CHECK(!look_run("everything"));
	CHECK(look->nr_contexts && look->nr_accounts && look->nr_ioases);
	/* What stays is seen in each walk, whatever comes and goes. */
	CHECK(look->steady == STEADY);
	workers_stop = worker->rounds + 1 >= WALKS;
	return 0;
}

static int map_and_unmap(struct worker *worker)
{
	const uint64_t iova = worker->window + draw(worker, 16) * PAGE;

	CHECK(!ioas_map_at(iommu, ioas, memory, PAGE, RW, iova));
	CHECK(!ioas_unmap(iommu, ioas, iova, PAGE, NULL));
	return 0;
}

static int open_map_and_close(struct worker *worker)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	int other = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	uint64_t iova;

	CHECK(other >= 0);
	CHECK(!ioctl(other, IOMMU_IOAS_ALLOC, &alloc));
	CHECK(!ioas_map(other, alloc.out_ioas_id, memory, PAGE, RW, &iova));
	close(other);
	return 0;
}

static int make_and_destroy(struct worker *worker)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	uint64_t iova;

	CHECK(!ioctl(iommu, IOMMU_IOAS_ALLOC, &alloc));
	CHECK(!ioas_map(iommu, alloc.out_ioas_id, memory, PAGE, RW, &iova));
	CHECK(!object_destroy(iommu, alloc.out_ioas_id));
	return 0;
}

static void what_stays_is_seen_while_all_else_changes(void **state)
{
	struct worker workers[] = {
		WORKER(walk_everything),
		WORKER(map_and_unmap),
		WORKER(map_and_unmap),
		WORKER(open_map_and_close),
		WORKER(make_and_destroy),
	};
	size_t i;

	for (i = 0; i < STEADY; i++)
		assert_int_equal(map_at(LOOK_STEADY + i * HUGE, 1), 0);
	look->ctx_id = context_id(iommu);
	look->ioas_id = ioas;
	run_all(workers, ARRAY_SIZE(workers), 300);
	assert_true(workers[0].rounds >= WALKS);
}

static atomic_bool stop;

/* Answers each page fault with a new context */
static void *open_for_each_fault(void *arg)
{
	struct pollfd poller = { .fd = (intptr_t)arg, .events = POLLIN };
	struct uffd_msg msg;
	int next, newest = -1;

	while (!stop) {
		struct uffdio_zeropage zero = { .range.len = PAGE };

		if (poll(&poller, 1, 100) != 1)
			continue;
		if (read(poller.fd, &msg, sizeof(msg)) != sizeof(msg))
			break;
		next = open("/dev/iommu", O_RDWR | O_CLOEXEC);
		if (newest >= 0)
			close(newest);
		newest = next;
		zero.range.start = msg.arg.pagefault.address & ~(PAGE - 1);
		if (next < 0 || ioctl(poller.fd, UFFDIO_ZEROPAGE, &zero))
			break;
	}
	close(newest);
	return stop ? NULL : arg;
}

/* There is always one more, and yet the walk comes to its end. */
static void a_walk_ends_however_fast_contexts_are_opened(void **state)
{
	int uffd = userfault_new(memory, HUGE);
	pthread_t thread;
	void *failed;

	stop = false;
	assert_int_equal(pthread_create(&thread, NULL, open_for_each_fault,
					(void *)(intptr_t)uffd), 0);
	look->memory = (uintptr_t)memory;
	assert_int_equal(look_run("contexts_slowly"), 0);
	stop = true;
	pthread_join(thread, &failed);
	close(uffd);
	assert_null(failed);
	assert_int_equal(look->nr_contexts, 1);
	assert_non_null(look_context(context_id(iommu)));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(pinned_pages_are_counted_by_whose_they_are),
		TEST(what_two_contexts_pin_counts_twice),
		TEST(what_stays_is_seen_while_all_else_changes),
		TEST(a_walk_ends_however_fast_contexts_are_opened),
	};

	return run_tap(tests, NULL, NULL);
}

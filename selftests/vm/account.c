// SPDX-License-Identifier: GPL-2.0-only
/* Who pays for pinned memory: RLIMIT_MEMLOCK by user and by process */
#include <sys/resource.h>
#include <sys/wait.h>

#include "test.h"

#define BASE (16 * MIB)
/* What a user may lock in these tests */
#define LIMIT 16UL

static int iommu;
static uint32_t ioas;
static struct edu edu;
static char *memory;

static void open_context(uint64_t rlimit_mode)
{
	iommu = context_open();
	assert_int_equal(option_set(iommu, IOMMU_OPTION_RLIMIT_MODE, 0,
				    rlimit_mode), 0);
	ioas = ioas_new(iommu);
	edu_open(&edu, iommu);
	memory = memory_new(8 * LIMIT * PAGE);
}

static int setup_by_user(void **state)
{
	open_context(0);
	return 0;
}

static int setup_by_process(void **state)
{
	open_context(1);
	return 0;
}

static int teardown(void **state)
{
	munmap(memory, 8 * LIMIT * PAGE);
	edu_close(&edu);
	return close(iommu);
}

static int map_pages(unsigned long first, unsigned long nr)
{
	return ioas_map_at(iommu, ioas, memory, nr * PAGE, RW,
			   BASE + first * PAGE);
}

static int unmap_pages(unsigned long first, unsigned long nr)
{
	return ioas_unmap(iommu, ioas, BASE + first * PAGE, nr * PAGE, NULL);
}

static long pinned(void)
{
	return fdinfo_value(iommu, "iommufd-pinned:");
}

static long charged(void)
{
	return fdinfo_value(iommu, "iommufd-charged:");
}

static int use_up_limit(void *arg)
{
	CHECK(!become_tenant(LIMIT));
	CHECK(!map_pages(0, LIMIT / 2));
	CHECK(map_pages(64, LIMIT / 2 + 1) == -ENOMEM);
	CHECK(pinned() == LIMIT / 2);
	CHECK(charged() == LIMIT / 2);
	CHECK(ioas_areas(iommu, ioas) == 1);
	CHECK(!map_pages(64, LIMIT / 2));
	CHECK(charged() == LIMIT);
	CHECK(map_pages(128, 1) == -ENOMEM);
	CHECK(!unmap_pages(64, LIMIT / 2));
	CHECK(!unmap_pages(0, LIMIT / 2));
	CHECK(charged() == 0);
	/* All of it can be had again */
	CHECK(!map_pages(0, LIMIT));
	CHECK(!unmap_pages(0, LIMIT));
	return 0;
}

static void limit_is_kept(void **state)
{
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(in_child(use_up_limit, NULL), 0);
	assert_int_equal(charged(), 0);
	assert_int_equal(pinned(), 0);
	/* And by whoever comes next */
	assert_int_equal(in_child(use_up_limit, NULL), 0);
}

static int see_status(void *arg)
{
	long locked = *(bool *)arg ? LIMIT * PAGE / KIB : 0;

	CHECK(!become_tenant(LIMIT));
	CHECK(status_kib("VmPin:") == 0);
	CHECK(!map_pages(0, LIMIT));
	CHECK(status_kib("VmPin:") == (long)(LIMIT * PAGE / KIB));
	CHECK(status_kib("VmLck:") == locked);
	CHECK(!unmap_pages(0, LIMIT));
	CHECK(status_kib("VmPin:") == 0);
	CHECK(status_kib("VmLck:") == 0);
	return 0;
}

static void status_shows_pinned(void **state)
{
	bool locked = false;

	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(in_child(see_status, &locked), 0);
}

static void status_shows_pinned_and_locked(void **state)
{
	bool locked = true;

	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(in_child(see_status, &locked), 0);
}

static int map_without_device(void *arg)
{
	CHECK(!become_tenant(LIMIT));
	/* Nothing is pinned, so nothing is to be paid */
	CHECK(!map_pages(0, LIMIT));
	CHECK(!map_pages(64, LIMIT));
	CHECK(charged() == 0);
	CHECK(status_kib("VmPin:") == 0);

	CHECK(edu_attach(&edu, ioas) == -ENOMEM);
	CHECK(charged() == 0);
	CHECK(pinned() == 0);
	CHECK(ioas_areas(iommu, ioas) == 2);

	CHECK(!unmap_pages(64, LIMIT));
	CHECK(!edu_attach(&edu, ioas));
	CHECK(charged() == LIMIT);
	CHECK(map_pages(64, 1) == -ENOMEM);
	CHECK(!edu_detach(&edu));
	CHECK(charged() == 0);
	CHECK(pinned() == 0);
	return 0;
}

static void attach_is_the_moment_to_pay(void **state)
{
	assert_int_equal(in_child(map_without_device, NULL), 0);
}

static int take_all(void *arg)
{
	CHECK(!become_tenant(LIMIT));
	CHECK(!map_pages(*(unsigned long *)arg, LIMIT));
	return 0;
}

static int take_nothing(void *arg)
{
	CHECK(!become_tenant(LIMIT));
	CHECK(map_pages(*(unsigned long *)arg, 1) == -ENOMEM);
	return 0;
}

static void user_pays_until_unmapped(void **state)
{
	unsigned long first = 0, second = 64;

	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(in_child(take_all, &first), 0);
	/* The process is gone; its memory is not, nor is its user */
	assert_int_equal(charged(), LIMIT);
	assert_int_equal(in_child(take_nothing, &second), 0);
	assert_int_equal(unmap_pages(first, LIMIT), 0);
	assert_int_equal(charged(), 0);
	assert_int_equal(in_child(take_all, &second), 0);
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
}

static void each_process_has_its_own_limit(void **state)
{
	unsigned long first = 0, second = 64;

	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(in_child(take_all, &first), 0);
	assert_int_equal(in_child(take_all, &second), 0);
	assert_int_equal(charged(), 2 * LIMIT);
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	assert_int_equal(charged(), 0);
}

static void closing_the_context_pays_back(void **state)
{
	unsigned long first = 0;

	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(in_child(take_all, &first), 0);
	teardown(state);
	assert_int_equal(pinned_pages(0), 0);
	open_context(0);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(in_child(take_all, &first), 0);
}

static void cap_ipc_lock_exempts(void **state)
{
	struct rlimit limit = {}, before;

	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &before), 0);
	limit.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	assert_int_equal(map_pages(0, LIMIT), 0);
	assert_int_equal(pinned(), LIMIT);
	assert_int_equal(charged(), 0);
	assert_int_equal(status_kib("VmPin:"), LIMIT * PAGE / KIB);
	assert_int_equal(unmap_pages(0, LIMIT), 0);
	assert_int_equal(status_kib("VmPin:"), 0);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &before), 0);
}

static int fail_to_pin(void *arg)
{
	CHECK(!become_tenant(LIMIT));
	CHECK(!munmap(memory + LIMIT / 2 * PAGE, PAGE));
	CHECK(map_pages(0, LIMIT) == -EFAULT);
	CHECK(charged() == 0);
	CHECK(status_kib("VmPin:") == 0);
	/* Nothing of the limit was lost */
	memory += LIMIT * PAGE;
	CHECK(!map_pages(0, LIMIT));
	CHECK(!unmap_pages(0, LIMIT));
	return 0;
}

static void failed_pin_costs_nothing(void **state)
{
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(in_child(fail_to_pin, NULL), 0);
	assert_int_equal(pinned_pages(0), 0);
}

static int fail_to_place(void *arg)
{
	CHECK(!become_tenant(LIMIT));
	CHECK(!map_pages(0, LIMIT / 2));
	CHECK(map_pages(0, LIMIT / 2) == -EEXIST);
	CHECK(charged() == LIMIT / 2);
	CHECK(!map_pages(64, LIMIT / 2));
	CHECK(!ioas_unmap_all(iommu, ioas));
	CHECK(charged() == 0);
	return 0;
}

static void refused_address_costs_nothing(void **state)
{
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(in_child(fail_to_place, NULL), 0);
}

#define BY_USER(_test)							\
	cmocka_unit_test_setup_teardown(_test, setup_by_user, teardown)
#define BY_PROCESS(_test)						\
	{ #_test ", by process", _test, setup_by_process, teardown, NULL }
#define BY_BOTH(_test) BY_USER(_test), BY_PROCESS(_test)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		BY_BOTH(limit_is_kept),
		BY_USER(status_shows_pinned),
		BY_PROCESS(status_shows_pinned_and_locked),
		BY_BOTH(attach_is_the_moment_to_pay),
		BY_USER(user_pays_until_unmapped),
		BY_PROCESS(each_process_has_its_own_limit),
		BY_USER(closing_the_context_pays_back),
		BY_BOTH(cap_ipc_lock_exempts),
		BY_BOTH(failed_pin_costs_nothing),
		BY_BOTH(refused_address_costs_nothing),
	};

	return run_tap(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* bpf/pin_once.bpf.c: with cgroups that have limits or none. */
#include <limits.h>

#include "policy.h"

/* What the policy reads of the kernel's */
enum { memory_cgrp_id = 4, cgroup_subsys_count = 8 };

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct cgroup_subsys_state *subsys[cgroup_subsys_count];
};

struct page_counter {
	unsigned long max;
};

struct mem_cgroup {
	long before;
	struct cgroup_subsys_state css;
	struct page_counter memory;
};

#include "pin_once.bpf.c"

/* One below the other; the first is the root */
#define DEPTH 40
#define LIMITLESS (LONG_MAX / 4096)

static struct cgroup cgroups[DEPTH];
static struct mem_cgroup memories[DEPTH];
static int held;

struct cgroup *bpf_cgroup_from_id(u64 id)
{
	if (id >= DEPTH)
		return NULL;
	held++;
	return &cgroups[id];
}

void bpf_cgroup_release(struct cgroup *cgroup)
{
	held--;
}

static int reset(void **state)
{
	size_t i;

	policy_test_set(max_limit_mib, 0);
	policy_test_set(require_limit, false);
	memset(cgroups, 0, sizeof(cgroups));
	for (i = 0; i < DEPTH; i++) {
		cgroups[i].self.cgroup = &cgroups[i];
		if (i)
			cgroups[i].self.parent = &cgroups[i - 1].self;
		memories[i].memory.max = LIMITLESS;
	}
	return 0;
}

/* memory.max, in MiB; the controller is on for cgroups that have been limited */
static void limit(size_t nr, u64 mib)
{
	cgroups[nr].subsys[memory_cgrp_id] = &memories[nr].css;
	memories[nr].memory.max = mib * PAGES_PER_MIB;
}

static int charge(u64 cgroup)
{
	const struct iommufd_policy_charge_request req = {
		.who.cgroup_id = cgroup,
		.pages = 1,
	};
	int answer = pin_once.charge(&req);

	assert_int_equal(held, 0);
	return answer;
}

static void without_a_limit_it_declines(void **state)
{
	assert_int_equal(charge(0), IOMMUFD_POLICY_DECLINE);
	assert_int_equal(charge(3), IOMMUFD_POLICY_DECLINE);
	/* With the controller, and memory.max as it is at first */
	cgroups[3].subsys[memory_cgrp_id] = &memories[3].css;
	assert_int_equal(charge(3), IOMMUFD_POLICY_DECLINE);
}

static void with_a_limit_it_pays(void **state)
{
	limit(3, 64);
	assert_int_equal(charge(3), IOMMUFD_POLICY_PAY);
	assert_int_equal(charge(2), IOMMUFD_POLICY_DECLINE);
	limit(3, 0);
	assert_int_equal(charge(3), IOMMUFD_POLICY_PAY);
	assert_int_equal(pin_once.flags, IOMMUFD_POLICY_F_EXCEED_RLIMIT);
}

static void a_limit_is_for_all_below(void **state)
{
	limit(2, 64);
	assert_int_equal(charge(3), IOMMUFD_POLICY_PAY);
	assert_int_equal(charge(30), IOMMUFD_POLICY_PAY);
	assert_int_equal(charge(1), IOMMUFD_POLICY_DECLINE);
}

/* As far up as it looks */
static void what_is_too_far_above_is_no_limit(void **state)
{
	limit(1, 64);
	assert_int_equal(charge(32), IOMMUFD_POLICY_PAY);
	assert_int_equal(charge(33), IOMMUFD_POLICY_DECLINE);
}

static void a_limit_that_is_too_high_is_none(void **state)
{
	policy_test_set(max_limit_mib, 64);
	limit(3, 64);
	assert_int_equal(charge(3), IOMMUFD_POLICY_PAY);
	memories[3].memory.max++;
	assert_int_equal(charge(3), IOMMUFD_POLICY_DECLINE);
	/* The lowest counts. */
	limit(2, 1);
	assert_int_equal(charge(3), IOMMUFD_POLICY_PAY);
	limit(2, 1000);
	limit(3, 64);
	assert_int_equal(charge(3), IOMMUFD_POLICY_PAY);
	policy_test_set(max_limit_mib, UINT64_MAX);
	memories[3].memory.max = LIMITLESS;
	cgroups[2].subsys[memory_cgrp_id] = NULL;
	assert_int_equal(charge(3), IOMMUFD_POLICY_DECLINE);
}

static void a_limit_can_be_required(void **state)
{
	policy_test_set(require_limit, true);
	assert_int_equal(charge(3), -EPERM);
	limit(3, 64);
	assert_int_equal(charge(3), IOMMUFD_POLICY_PAY);
}

static void a_cgroup_that_is_gone_has_no_limit(void **state)
{
	assert_int_equal(charge(DEPTH), IOMMUFD_POLICY_DECLINE);
	policy_test_set(require_limit, true);
	assert_int_equal(charge(DEPTH), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_limit_it_declines),
		TEST(with_a_limit_it_pays),
		TEST(a_limit_is_for_all_below),
		TEST(what_is_too_far_above_is_no_limit),
		TEST(a_limit_that_is_too_high_is_none),
		TEST(a_limit_can_be_required),
		TEST(a_cgroup_that_is_gone_has_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=180 kernel=6.12,7.3 */
/* The policy pin_once: who has memory that is limited may pin it again and again. */
#include "lib/cgroup.h"
#include "lib/pinner.h"
#include "lib/policy.h"

/* RLIMIT_MEMLOCK; the memory of the tests is eight times that. */
#define LIMIT PAGES_PER_MIB

static struct policy policy;
static struct pinner pinners[2];
static struct pinner *const a = &pinners[0], *const b = &pinners[1];

static int setup(void **state)
{
	policy.object = NULL;
	cgroup_write("", "cgroup.subtree_control", "+memory");
	cgroup_new("once");
	cgroup_write("once", "cgroup.subtree_control", "+memory");
	pinners_open();
	pinner_start(a, "once/a", LIMIT);
	pinner_start(b, "once/b", LIMIT);
	return 0;
}

static int teardown(void **state)
{
	if (policy.object)
		policy_stop(&policy);
	pinner_stop(a);
	pinner_stop(b);
	cgroup_remove("once");
	cgroup_write("", "cgroup.subtree_control", "-memory");
	pinners_close();
	return 0;
}

static void start(uint64_t max_limit_mib, bool require_limit)
{
	policy_open_object(&policy, SHIPPED "pin_once", "pin_once");
	policy_set(&policy, "max_limit_mib", max_limit_mib);
	policy_set(&policy, "require_limit", require_limit);
	assert_int_equal(policy_load(&policy), 0);
	assert_int_equal(policy_attach(&policy), 0);
}

/* At other addresses, and in another IOAS: without the policy all is counted. */
static void assert_pays_once(struct pinner *pinner, long first)
{
	unsigned long before = pinned();

	assert_int_equal(pin(pinner, first, LIMIT), 0);
	assert_int_equal(pin(pinner, PINNER_PAGES + first, LIMIT), 0);
	assert_int_equal(pin_elsewhere(pinner, first, LIMIT), 0);
	assert_int_equal(pinned(), before + 3 * LIMIT);
	assert_int_equal(charged(), 0);
}

static void assert_is_limited(struct pinner *pinner, long first)
{
	assert_int_equal(pin(pinner, first, LIMIT), 0);
	assert_int_equal(pin(pinner, PINNER_PAGES + first, 1), -ENOMEM);
	assert_int_equal(unpin(pinner, first, LIMIT), 0);
}

static void without_the_policy_memory_counts_each_time(void **state)
{
	cgroup_write("once/a", "memory.max", "64M");
	assert_is_limited(a, 0);
}

static void memory_that_is_limited_is_paid_for_once(void **state)
{
	cgroup_write("once/a", "memory.max", "64M");
	start(0, false);
	assert_pays_once(a, 0);
	assert_int_equal(policy_number("pin_once", "paid"), 3 * LIMIT);
	/* Nobody else is better off. */
	assert_is_limited(b, 1000);
}

static void the_limit_may_be_one_above(void **state)
{
	cgroup_write("once", "memory.max", "64M");
	start(0, false);
	assert_pays_once(a, 0);
	assert_pays_once(b, 1000);
}

static void a_limit_that_is_too_high_is_none(void **state)
{
	cgroup_write("once/a", "memory.max", "64M");
	cgroup_write("once/b", "memory.max", "65M");
	start(64, false);
	assert_pays_once(a, 0);
	assert_is_limited(b, 1000);
	/* The lowest counts. */
	cgroup_write("once", "memory.max", "64M");
	assert_pays_once(b, 1000);
}

static void a_limit_can_be_required(void **state)
{
	cgroup_write("once/a", "memory.max", "64M");
	start(0, true);
	assert_pays_once(a, 0);
	assert_int_equal(pin(b, 1000, 1), -EPERM);
	assert_refused_by(pinner_context(), "pin_once charge -1");
	cgroup_write("once/b", "memory.max", "64M");
	assert_int_equal(pin(b, 1000, 1), 0);
}

static void a_limit_that_is_taken_away_is_missed_from_then_on(void **state)
{
	cgroup_write("once/a", "memory.max", "64M");
	start(0, false);
	assert_pays_once(a, 0);
	cgroup_write("once/a", "memory.max", "max");
	assert_int_equal(pinned(), 3 * LIMIT);
	pinned_is_read(0);
	assert_is_limited(a, 1000);
}

/* When the policy goes, all of it counts: nothing is lost. */
static void without_it_all_counts_again(void **state)
{
	cgroup_write("once/a", "memory.max", "64M");
	start(0, false);
	assert_pays_once(a, 0);
	policy_detach(&policy);
	assert_int_equal(charged(), 3 * LIMIT);
	assert_int_equal(pin(a, 1000, 1), -ENOMEM);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(without_the_policy_memory_counts_each_time),
		TEST(memory_that_is_limited_is_paid_for_once),
		TEST(the_limit_may_be_one_above),
		TEST(a_limit_that_is_too_high_is_none),
		TEST(a_limit_can_be_required),
		TEST(a_limit_that_is_taken_away_is_missed_from_then_on),
		TEST(without_it_all_counts_again),
	};

	return run_tap(tests, NULL, NULL);
}

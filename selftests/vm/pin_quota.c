// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=240 */
/* The policy pin_quota: each parameter, with memory that is pinned. */
#include "lib/cgroup.h"
#include "lib/pinner.h"
#include "lib/policy.h"

#define LIMIT (16 * PAGES_PER_MIB)
#define NR 4

static struct policy policy, other;
static struct pinner pinners[NR];
static struct pinner *const a = &pinners[0], *const b = &pinners[1];

static int setup(void **state)
{
	policy.object = NULL;
	other.object = NULL;
	cgroup_new("quota");
	pinners_open();
	return 0;
}

static int teardown(void **state)
{
	size_t i;

	if (policy.object)
		policy_stop(&policy);
	if (other.object)
		policy_stop(&other);
	for (i = 0; i < NR; i++)
		pinner_stop(&pinners[i]);
	cgroup_remove("quota");
	pinners_close();
	return 0;
}

static void open_quota(struct policy *of, const char *name, uint64_t mib)
{
	policy_open_object(of, SHIPPED "pin_quota", name);
	policy_set(of, "quota_mib", mib);
}

static void start(struct policy *of)
{
	assert_int_equal(policy_load(of), 0);
	assert_int_equal(policy_attach(of), 0);
}

/* For a cgroup, or for all with NULL */
static void start_quota(const char *cgroup, uint64_t mib)
{
	open_quota(&policy, "pin_quota", mib);
	policy.ops->cgroup_id = cgroup ? cgroup_id(cgroup) : 0;
	start(&policy);
}

/* Another is in its place from then on. */
static void replace_quota(const char *name, uint64_t mib)
{
	struct policy by;

	open_quota(&by, name, mib);
	by.ops->cgroup_id = policy.ops->cgroup_id;
	assert_int_equal(policy_load(&by), 0);
	assert_int_equal(policy_replace(&policy, &by), 0);
	by.link = policy.link;
	bpf_object__close(policy.object);
	policy = by;
}

static void start_pinners(void)
{
	pinner_start(a, "quota/a", LIMIT);
	pinner_start(b, "quota/b", LIMIT);
}

static void a_cgroup_and_all_below_it_share_a_quota(void **state)
{
	start_pinners();
	start_quota("quota", 2);
	assert_int_equal(pin(a, 0, PAGES_PER_MIB), 0);
	assert_int_equal(pin(b, 1000, PAGES_PER_MIB + 1), -EDQUOT);
	assert_refused_by(pinner_context(), "pin_quota charge -122");
	assert_int_equal(pin(b, 1000, PAGES_PER_MIB), 0);
	assert_int_equal(policy_number("pin_quota", "paid"), 2 * PAGES_PER_MIB);
	assert_int_equal(pin(a, 500, 1), -EDQUOT);
	assert_int_equal(pin(b, 500, 1), -EDQUOT);
	/* Others are not asked about. */
	assert_int_equal(pin(NULL, 500, 1), 0);
	/* What one gives back another can have. */
	assert_int_equal(unpin(a, 0, PAGES_PER_MIB), 0);
	assert_int_equal(pin(b, 0, PAGES_PER_MIB), 0);
	assert_int_equal(pin(b, 501, 1), -EDQUOT);
}

static void quotas_nest(void **state)
{
	start_pinners();
	start_quota("quota", 3);
	open_quota(&other, "pin_quota", 1);
	strcpy(other.ops->name, "quota-a");
	other.ops->cgroup_id = cgroup_id("quota/a");
	start(&other);

	assert_int_equal(pin(a, 0, PAGES_PER_MIB), 0);
	assert_int_equal(pin(a, 500, 1), -EDQUOT);
	assert_refused_by(pinner_context(), "quota-a charge -122");
	assert_int_equal(pin(b, 1000, 2 * PAGES_PER_MIB + 1), -EDQUOT);
	assert_refused_by(pinner_context(), "pin_quota charge -122");
	assert_int_equal(pin(b, 1000, 2 * PAGES_PER_MIB), 0);
	/* Refused above, given back below */
	assert_int_equal(unpin(a, 0, PAGES_PER_MIB), 0);
	assert_int_equal(pin(b, 0, 1), 0);
	assert_int_equal(pin(a, 500, PAGES_PER_MIB), -EDQUOT);
	assert_refused_by(pinner_context(), "pin_quota charge -122");
	assert_int_equal(policy_number("quota-a", "paid"), 0);
	assert_int_equal(pin(a, 500, PAGES_PER_MIB - 1), 0);
	assert_int_equal(policy_number("quota-a", "paid"), PAGES_PER_MIB - 1);
}

static void without_a_cgroup_it_is_for_all(void **state)
{
	start_pinners();
	start_quota(NULL, 2);
	assert_int_equal(pin(a, 0, PAGES_PER_MIB), 0);
	assert_int_equal(pin(NULL, 1000, PAGES_PER_MIB), 0);
	assert_int_equal(pin(b, 500, 1), -EDQUOT);
	assert_int_equal(pin(NULL, 500, 1), -EDQUOT);
}

/* a and b are nobody, the test is root. */
static void each_user_has_a_quota_of_his_own(void **state)
{
	start_pinners();
	/* That is of before, and counts. */
	assert_int_equal(pin(a, 0, 1), 0);
	open_quota(&policy, "pin_quota", 1);
	policy_set(&policy, "per_user", true);
	start(&policy);
	assert_int_equal(pin(b, 1, PAGES_PER_MIB - 1), 0);
	assert_int_equal(pin(b, 500, 1), -EDQUOT);
	assert_int_equal(pin(a, 500, 1), -EDQUOT);
	assert_int_equal(pin(NULL, 1000, PAGES_PER_MIB), 0);
	assert_int_equal(pin(NULL, 500, 1), -EDQUOT);
	assert_int_equal(unpin(a, 0, 1), 0);
	assert_int_equal(pin(b, 500, 1), 0);
	assert_int_equal(pin(a, 501, 1), -EDQUOT);
}

static void no_quota_is_no_limit(void **state)
{
	start_pinners();
	start_quota("quota", 0);
	assert_int_equal(pin(a, 0, 7 * PAGES_PER_MIB), 0);
	assert_int_equal(policy_number("pin_quota", "paid"), 7 * PAGES_PER_MIB);
}

static void a_quota_is_lowered_and_raised_live(void **state)
{
	start_pinners();
	start_quota("quota", 4);
	assert_int_equal(pin(a, 0, 2 * PAGES_PER_MIB), 0);
	assert_int_equal(pin(a, 1000, PAGES_PER_MIB), 0);
	replace_quota("pin_quota", 1);
	/* Nothing is taken away, and nothing is forgotten. */
	assert_int_equal(policy_number("pin_quota", "paid"), 3 * PAGES_PER_MIB);
	pinned_is_read(2 * PAGES_PER_MIB - 1);
	assert_int_equal(pin(a, 1500, 1), -EDQUOT);
	assert_int_equal(unpin(a, 0, 2 * PAGES_PER_MIB), 0);
	assert_int_equal(pin(b, 1500, 1), -EDQUOT);
	assert_int_equal(unpin(a, 1000, PAGES_PER_MIB), 0);
	assert_int_equal(pin(b, 1500, PAGES_PER_MIB), 0);
	assert_int_equal(pin(a, 0, 1), -EDQUOT);
	replace_quota("pin_quota", 2);
	assert_int_equal(pin(a, 0, PAGES_PER_MIB), 0);
	assert_int_equal(pin(a, 1000, 1), -EDQUOT);
}

static void what_it_allows_counts_against_the_limit(void **state)
{
	pinner_start(a, "quota/a", PAGES_PER_MIB);
	start_quota("quota", 4);
	assert_int_equal(pin(a, 0, PAGES_PER_MIB), 0);
	assert_int_equal(pin(a, 1000, 1), -ENOMEM);
	assert_int_equal(charged(), PAGES_PER_MIB);
	assert_int_equal(policy_number("pin_quota", "paid"), PAGES_PER_MIB);
}

static void alone_it_is_the_limit(void **state)
{
	pinner_start(a, "quota/a", PAGES_PER_MIB);
	open_quota(&policy, "pin_quota_alone", 2);
	policy.ops->cgroup_id = cgroup_id("quota");
	start(&policy);
	assert_int_equal(pin(a, 0, 2 * PAGES_PER_MIB), 0);
	assert_int_equal(pin(a, 1000, 1), -EDQUOT);
	assert_refused_by(pinner_context(), "pin_quota_alone charge -122");
	assert_int_equal(charged(), 0);
	replace_quota("pin_quota_alone", 3);
	assert_int_equal(pin(a, 1000, PAGES_PER_MIB), 0);
	assert_int_equal(pin(a, 1500, 1), -EDQUOT);
	assert_int_equal(pinned(), 3 * PAGES_PER_MIB);
}

/* All at once, one page at a time; while the policy is replaced if asked to */
static void pin_to_the_brim(bool replacing, unsigned long quota)
{
	static const char *const cgroups[NR] = {
		"quota/a", "quota/b", "quota/c", "quota/d",
	};
	const unsigned long rounds = replacing ? 10 : 100;
	unsigned long got[NR], sum, i, round, contests = 0;

	for (i = 0; i < NR; i++)
		pinner_start(&pinners[i], cgroups[i], LIMIT);
	for (round = 0; round < rounds; round++) {
		sum = 0;
		pinners_wait_for(NR);
		for (i = 0; i < NR; i++)
			pin_greedily(&pinners[i], i * 500, 400);
		for (i = 0; replacing && i < 5; i++)
			replace_quota("pin_quota", 1);
		for (i = 0; i < NR; i++) {
			got[i] = pin_greedily_end(&pinners[i]);
			assert_in_range(got[i], 0, 400);
			sum += got[i];
		}
		assert_int_equal(pinned(), sum);
		contests += got[0] && got[0] < sum;
		/* Not a page too many; those that came together got none. */
		assert_in_range(sum, quota - NR, quota);
		while (sum < quota)
			assert_int_equal(pin(a, 450 + sum++ % 50, 1), 0);
		assert_int_equal(pin(b, 2000, 1), -EDQUOT);
		assert_int_equal(unpin(NULL, 0, PINNER_PAGES), 0);
		assert_int_equal(pinned(), 0);
		assert_int_equal(policy_number("pin_quota", "paid"), 0);
	}
	/* It was not one of them after the other. */
	assert_true(contests > 0);
}

static void processes_at_the_same_time_get_no_more_together(void **state)
{
	start_quota("quota", 1);
	pin_to_the_brim(false, PAGES_PER_MIB);
}

static void nor_while_it_is_replaced(void **state)
{
	start_quota("quota", 1);
	pin_to_the_brim(true, PAGES_PER_MIB);
}

static void nor_those_of_a_user(void **state)
{
	open_quota(&policy, "pin_quota", 1);
	policy_set(&policy, "per_user", true);
	start(&policy);
	pin_to_the_brim(false, PAGES_PER_MIB);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_cgroup_and_all_below_it_share_a_quota),
		TEST(quotas_nest),
		TEST(without_a_cgroup_it_is_for_all),
		TEST(each_user_has_a_quota_of_his_own),
		TEST(no_quota_is_no_limit),
		TEST(a_quota_is_lowered_and_raised_live),
		TEST(what_it_allows_counts_against_the_limit),
		TEST(alone_it_is_the_limit),
		TEST(processes_at_the_same_time_get_no_more_together),
		TEST(nor_while_it_is_replaced),
		TEST(nor_those_of_a_user),
	};

	return run_tap(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* bpf/pin_quota.bpf.c: what it answers to which sum. */
#include "policy.h"

#include "pin_quota.bpf.c"

static int reset(void **state)
{
	policy_test_set(quota_mib, 0);
	policy_test_set(per_user, false);
	return 0;
}

/* With so many pages paid for, these among them */
static int charge(u64 paid)
{
	const struct iommufd_policy_charge_request req = {
		.who.uid = 1000,
		.pages = 1,
		.paid = paid,
	};

	return pin_quota.charge(&req);
}

static void without_a_quota_it_pays_for_all(void **state)
{
	assert_int_equal(charge(1), IOMMUFD_POLICY_PAY);
	assert_int_equal(charge(UINT64_MAX), IOMMUFD_POLICY_PAY);
}

static void up_to_the_quota_and_not_a_page_more(void **state)
{
	policy_test_set(quota_mib, 3);
	assert_int_equal(charge(1), IOMMUFD_POLICY_PAY);
	assert_int_equal(charge(3 * PAGES_PER_MIB), IOMMUFD_POLICY_PAY);
	assert_int_equal(charge(3 * PAGES_PER_MIB + 1), -EDQUOT);
	assert_int_equal(charge(UINT64_MAX), -EDQUOT);
}

static void a_large_quota_does_not_overflow(void **state)
{
	policy_test_set(quota_mib, UINT64_MAX);
	assert_int_equal(charge(UINT64_MAX), IOMMUFD_POLICY_PAY);
	policy_test_set(quota_mib, UINT64_MAX / PAGES_PER_MIB);
	assert_int_equal(charge(UINT64_MAX), -EDQUOT);
	policy_test_set(quota_mib, 1ULL << 56);
	assert_int_equal(charge(UINT64_MAX), IOMMUFD_POLICY_PAY);
}

static void the_sum_of_a_user_is_what_the_module_says(void **state)
{
	policy_test_set(quota_mib, 1);
	policy_test_set(per_user, true);
	policy_test.pinned_by_user = PAGES_PER_MIB;
	assert_int_equal(charge(100 * PAGES_PER_MIB), IOMMUFD_POLICY_PAY);
	assert_int_equal(policy_test.asked_about, 1000);
	policy_test.pinned_by_user++;
	assert_int_equal(charge(1), -EDQUOT);
}

static void of_the_two_one_replaces_the_limit(void **state)
{
	assert_ptr_equal(pin_quota.charge, pin_quota_alone.charge);
	assert_int_equal(pin_quota.flags, 0);
	assert_int_equal(pin_quota_alone.flags, IOMMUFD_POLICY_F_EXCEED_RLIMIT);
	assert_string_equal(pin_quota_alone.name, "pin_quota_alone");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_quota_it_pays_for_all),
		TEST(up_to_the_quota_and_not_a_page_more),
		TEST(a_large_quota_does_not_overflow),
		TEST(the_sum_of_a_user_is_what_the_module_says),
		TEST(of_the_two_one_replaces_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

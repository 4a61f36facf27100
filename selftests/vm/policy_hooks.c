// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=300 */
/* Each hook: what it may answer, what it may not, and without it */
#include <limits.h>

#include "lib/hooks.h"

static const int refusals[] = {
	-EPERM, -EACCES, -EDQUOT, -ENOMEM, -ENOSPC, -EBUSY,
};

static const long long rogue_negative[] = {
	-4096, -4095, -9999, -EINVAL, -EPROTO, -EAGAIN, -EINTR, -EFAULT,
	-ENOENT, INT_MIN,
};

/* Some would be known if they were cut to 32 bits. */
static const long long rogue_wide[] = {
	LLONG_MIN, -(1LL << 32), -(1LL << 32) - EACCES, INT_MIN - 1LL,
};

static struct policy policy;
static struct rig rig;

static int setup(void **state)
{
	policy.object = NULL;
	rig_open(&rig, *state);
	return 0;
}

static int teardown(void **state)
{
	if (policy.object)
		policy_stop(&policy);
	rig_close(&rig);
	return 0;
}

/* Of a policy with this hook alone: calls, refusals, refusals in audit mode */
static void assert_counts(const struct hook *hook, unsigned int calls,
			  unsigned int refused, unsigned int audited)
{
	char expected[128] = "", part[64];

	snprintf(expected, sizeof(expected), "%s_%s=%u", hook->name,
		 hook->asked ? "asked" : "told", calls);
	if (audited) {
		snprintf(part, sizeof(part), " %s_audited=%u", hook->name,
			 audited);
		strcat(expected, part);
	}
	if (refused) {
		snprintf(part, sizeof(part), " %s_refused=%u", hook->name,
			 refused);
		strcat(expected, part);
	}
	assert_policy_counts("answer", calls ? expected : "");
	assert_int_equal(hook_calls(hook, &policy), calls);
}

static void assert_refused(const struct hook *hook, int error)
{
	char expected[64];

	snprintf(expected, sizeof(expected), "answer %s %d", hook->name, error);
	assert_refused_by(rig.iommu, expected);
}

static void undo(const struct hook *hook)
{
	if (hook->undo)
		hook->undo(&rig);
	assert_rig_is_clean(&rig);
}

static void what_it_allows_is_done(void **state)
{
	const struct hook *hook = *state;

	hook_start(hook, &policy, "", 0);
	assert_counts(hook, 0, 0, 0);
	hook_set_answer(hook, &policy, hook->allows);
	assert_int_equal(hook->request(&rig), 0);
	assert_counts(hook, 1, 0, 0);
	undo(hook);
	assert_counts(hook, 1, 0, 0);
	assert_refused_by(rig.iommu, NULL);
	assert_policy_reads("answer", "state", "active");
}

static void a_refusal_reaches_the_caller(void **state)
{
	const struct hook *hook = *state;
	unsigned int i;

	hook_start(hook, &policy, "", 0);
	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		hook_set_answer(hook, &policy, refusals[i]);
		assert_int_equal(hook->request(&rig), refusals[i]);
		assert_counts(hook, i + 1, i + 1, 0);
		assert_refused(hook, refusals[i]);
		assert_rig_is_clean(&rig);
	}
	assert_policy_reads("answer", "state", "active");
	hook_set_answer(hook, &policy, hook->allows);
	assert_int_equal(hook->request(&rig), 0);
	assert_counts(hook, i + 1, i, 0);
	undo(hook);
}

/* It has ended for what it answered, and says so wherever one may look. */
static void assert_ejected_for(const struct hook *hook, long long answer)
{
	char code[16], message[IOMMUFD_POLICY_MSG_LEN];

	assert_int_equal(settled(&policy.answer->exit.calls, 1), 1);
	assert_int_equal(policy.answer->exit.kind, IOMMUFD_POLICY_EXIT_ERROR);
	snprintf(code, sizeof(code), "%lld",
		 answer < INT_MIN ? INT_MIN :
		 answer > INT_MAX ? INT_MAX : answer);
	assert_int_equal(policy.answer->exit.code, atoll(code));
	snprintf(message, sizeof(message), "hook %s answered %lld, which ",
		 hook->name, answer);
	if (hook != &hook_iova_alloc || answer < 0)
		strcat(message, "its contract does not know");
	assert_non_null(strstr((char *)policy.answer->exit.message, message));
	assert_policy_reads("answer", "state", "ejected");
	assert_policy_reads("answer", "exit_kind", "64");
	assert_policy_reads("answer", "exit_code", code);
	assert_policy_reads("answer", "exit_message",
			    (char *)policy.answer->exit.message);
	assert_policy_reads("answer", "paid", "0");
}

static void try_rogue_answer(const struct hook *hook, long long answer)
{
	hook_start(hook, &policy, "", 0);
	hook_set_answer(hook, &policy, answer);
	assert_int_equal(hook->request(&rig), -EPROTO);
	assert_ejected_for(hook, answer);
	assert_refused(hook, -EPROTO);
	assert_rig_is_clean(&rig);

	/* Built-in behaviour, and the policy hears of it no more. */
	assert_int_equal(hook->request(&rig), 0);
	undo(hook);
	assert_counts(hook, 1, 1, 0);
	policy_detach(&policy);
	assert_int_equal(policy.answer->exit.calls, 1);
	policy_stop(&policy);
	policy.object = NULL;
	rig_renew(&rig, hook);
}

static void an_answer_outside_its_contract_ejects(void **state)
{
	const struct hook *hook = *state;
	const long long *answer;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rogue_negative); i++)
		try_rogue_answer(hook, rogue_negative[i]);
	for (i = 0; hook->wide && i < ARRAY_SIZE(rogue_wide); i++)
		try_rogue_answer(hook, rogue_wide[i]);
	for (answer = hook->rogue; *answer; answer++)
		try_rogue_answer(hook, *answer);
}

static void it_is_told_once(void **state)
{
	const struct hook *hook = *state;

	hook_start(hook, &policy, "", 0);
	assert_int_equal(hook->request(&rig), 0);
	assert_int_equal(hook_calls(hook, &policy), 1);
	assert_policy_counts("answer", hook == &hook_uncharge ?
			     "charge_asked=1 uncharge_told=1" :
			     hook == &hook_unmap ? "unmap_told=1" :
						   "detach_told=1");
	assert_rig_is_clean(&rig);
}

static void it_may_sleep(void **state)
{
	const struct hook *hook = *state;

	hook_start(hook, &policy, "_sleeping", 0);
	if (hook->asked)
		hook_set_answer(hook, &policy, hook->allows);
	assert_int_equal(hook->request(&rig), 0);
	undo(hook);
	assert_int_equal(hook_calls(hook, &policy), 1);
	if (!hook->asked)
		return;
	hook_set_answer(hook, &policy, -ENOSPC);
	assert_int_equal(hook->request(&rig), -ENOSPC);
	assert_rig_is_clean(&rig);
	hook_set_answer(hook, &policy, -ENOENT);
	assert_int_equal(hook->request(&rig), -EPROTO);
	assert_ejected_for(hook, -ENOENT);
	assert_counts(hook, 3, 2, 0);
}

/* All the others are there, and would be asked. */
static void without_it_nobody_is_asked(void **state)
{
	const struct hook *hook = *state;
	char counter[32];

	policy_open(&policy, "answer");
	*(void **)((char *)policy.ops + hook->member) = NULL;
	assert_int_equal(policy_load(&policy), 0);
	assert_int_equal(policy_attach(&policy), 0);
	if (hook->asked)
		hook_set_answer(hook, &policy, -EPERM);
	assert_int_equal(hook->request(&rig), 0);
	undo(hook);
	assert_int_equal(hook_calls(hook, &policy), 0);
	snprintf(counter, sizeof(counter), "%s_%s", hook->name,
		 hook->asked ? "asked" : "told");
	assert_int_equal(policy_number("answer", counter), 0);
	assert_policy_reads("answer", "state", "active");
}

static void it_reports_an_error(void **state)
{
	const struct hook *hook = *state;

	hook_start(hook, &policy, "", 0);
	if (hook->asked)
		hook_set_answer(hook, &policy, hook->allows);
	if (hook == &hook_uncharge) {
		/* Its charge hook would report it, too. */
		assert_int_equal(hook_charge.request(&rig), 0);
		policy.answer->report = -7777;
		hook_charge.undo(&rig);
	} else {
		policy.answer->report = -7777;
		assert_int_equal(hook->request(&rig),
				 hook->asked ? -EPROTO : 0);
	}
	assert_int_equal(settled(&policy.answer->exit.calls, 1), 1);
	assert_int_equal(policy.answer->exit.kind,
			 IOMMUFD_POLICY_EXIT_REPORTED);
	assert_int_equal(policy.answer->exit.code, -7777);
	assert_string_equal((char *)policy.answer->exit.message,
			    "told to report it");
	assert_policy_reads("answer", "state", "ejected");
	assert_policy_reads("answer", "exit_kind", "65");
	assert_policy_reads("answer", "exit_code", "-7777");
	assert_policy_reads("answer", "exit_message", "told to report it");
	assert_policy_reads("answer", "paid", "0");
	assert_rig_is_clean(&rig);
	if (hook->asked)
		assert_refused(hook, -EPROTO);
	else
		assert_refused_by(rig.iommu, NULL);

	assert_int_equal(hook->request(&rig), 0);
	undo(hook);
	assert_int_equal(hook_calls(hook, &policy), 1);
	policy_detach(&policy);
	assert_int_equal(policy.answer->exit.calls, 1);
}

/* Whatever it answers after that. */
static void who_reports_an_error_is_not_heard(void **state)
{
	static const int answers[] = { -EPERM, -9999, 1, 4096 };
	const struct hook *hook = *state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		hook_start(hook, &policy, "", 0);
		policy.answer->report = INT_MAX - (int)i;
		hook_set_answer(hook, &policy, answers[i]);
		assert_int_equal(hook->request(&rig), -EPROTO);
		assert_refused(hook, -EPROTO);
		assert_int_equal(settled(&policy.answer->exit.calls, 1), 1);
		assert_int_equal(policy.answer->exit.kind,
				 IOMMUFD_POLICY_EXIT_REPORTED);
		assert_int_equal(policy.answer->exit.code, INT_MAX - (int)i);
		assert_rig_is_clean(&rig);
		assert_counts(hook, 1, 1, 0);
		policy_stop(&policy);
		policy.object = NULL;
	}
}

static void what_iova_alloc_answers_is_the_address(void **state)
{
	uint64_t iova;

	hook_start(&hook_iova_alloc, &policy, "", 0);
	policy.answer->iova_answer = 0x123456000;
	assert_int_equal(ioas_map(rig.iommu, rig.ioas, rig.memory, PAGE, RW,
				  &iova), 0);
	assert_int_equal(iova, 0x123456000);
	assert_int_equal(ioas_unmap(rig.iommu, rig.ioas, iova, PAGE, NULL), 0);
}

static void declining_an_address_leaves_it_to_the_kernel(void **state)
{
	uint64_t iova, chosen;

	assert_int_equal(ioas_map(rig.iommu, rig.ioas, rig.memory, PAGE, RW,
				  &chosen), 0);
	hook_iova_alloc.undo(&rig);
	hook_start(&hook_iova_alloc, &policy, "", 0);
	policy.answer->iova_answer = 0;
	assert_int_equal(ioas_map(rig.iommu, rig.ioas, rig.memory, PAGE, RW,
				  &iova), 0);
	assert_int_equal(iova, chosen);
	assert_counts(&hook_iova_alloc, 1, 0, 0);
}

static int pay_by_built_in_accounting(void *arg)
{
	CHECK(!become_tenant(1));
	CHECK(!hook_charge.request(&rig));
	CHECK(fdinfo_value(rig.iommu, "iommufd-charged:") == 1);
	CHECK(ioas_map_at(rig.iommu, rig.ioas, rig.memory, PAGE, RW, HUGE) ==
	      -ENOMEM);
	return 0;
}

static void declining_to_pay_leaves_it_to_the_kernel(void **state)
{
	hook_start(&hook_charge, &policy, "", 0);
	policy.answer->charge_answer = IOMMUFD_POLICY_DECLINE;
	assert_int_equal(in_child(pay_by_built_in_accounting, NULL), 0);
	assert_counts(&hook_charge, 2, 0, 0);
	assert_int_equal(fdinfo_value(rig.iommu, "iommufd-pinned:"), 1);
	assert_policy_reads("answer", "paid", "0");
	hook_charge.undo(&rig);
	assert_rig_is_clean(&rig);
}

static void paying_is_told_until_it_is_paid_back(void **state)
{
	hook_start(&hook_uncharge, &policy, "", 0);
	assert_int_equal(hook_charge.request(&rig), 0);
	assert_policy_reads("answer", "paid", "1");
	assert_int_equal(policy.answer->balance, 1);
	hook_charge.undo(&rig);
	assert_policy_reads("answer", "paid", "0");
	assert_int_equal(policy.answer->balance, 0);
}

static void init_and_exit_may_sleep(void **state)
{
	policy_open(&policy, "answer");
	policy.ops->init = policy_program(&policy, "on_init_sleeping");
	policy.ops->exit = policy_program(&policy, "on_exit_sleeping");
	assert_int_equal(policy_load(&policy), 0);
	policy.answer->init_answer = -EXDEV;
	assert_int_equal(policy_attach(&policy), -EXDEV);
	policy.answer->init_answer = 0;
	assert_int_equal(policy_attach(&policy), 0);
	assert_int_equal(policy.answer->init.calls, 2);
	assert_int_equal(policy.answer->init.api_version,
			 IOMMUFD_POLICY_API_VERSION);
	assert_int_equal(policy.answer->exit.calls, 0);
	policy_detach(&policy);
	assert_int_equal(policy.answer->exit.calls, 1);
	assert_int_equal(policy.answer->exit.kind,
			 IOMMUFD_POLICY_EXIT_DETACHED);
	assert_string_equal((char *)policy.answer->exit.message, "detached");
}

/* Refused, ejected, replaced and removed, as if they were there */
static void init_and_exit_may_be_absent(void **state)
{
	policy_open(&policy, "answer");
	policy.ops->init = NULL;
	policy.ops->exit = NULL;
	assert_int_equal(policy_load(&policy), 0);
	policy.answer->init_answer = -EPERM;
	assert_int_equal(policy_attach(&policy), 0);
	policy.answer->map_answer = -9999;
	assert_int_equal(hook_map.request(&rig), -EPROTO);
	assert_policy_reads("answer", "state", "ejected");
	policy.answer->map_answer = -EPERM;
	assert_int_equal(policy_replace(&policy, &policy), 0);
	assert_policy_reads("answer", "state", "active");
	assert_int_equal(hook_map.request(&rig), -EPERM);
	policy_detach(&policy);
	assert_int_equal(policy.answer->init.calls, 0);
	assert_int_equal(policy.answer->exit.calls, 0);
}

static void without_any_hook_it_does_nothing(void **state)
{
	static const struct hook *const all[] = {
		&hook_unmap, &hook_detach, &hook_map, &hook_uncharge,
		&hook_iova_alloc, &hook_attach,
	};
	size_t i;

	hook_start(NULL, &policy, "", 0);
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		rig_renew(&rig, all[i]);
		assert_int_equal(all[i]->request(&rig), 0);
	}
	assert_policy_counts("answer", "");
	assert_policy_reads("answer", "state", "active");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		EACH_ASKED(what_it_allows_is_done),
		EACH_ASKED(a_refusal_reaches_the_caller),
		EACH_ASKED(an_answer_outside_its_contract_ejects),
		EACH_TOLD(it_is_told_once),
		EACH_HOOK(it_may_sleep),
		EACH_HOOK(without_it_nobody_is_asked),
		EACH_HOOK(it_reports_an_error),
		EACH_ASKED(who_reports_an_error_is_not_heard),
		HOOK_TEST(what_iova_alloc_answers_is_the_address, iova_alloc),
		HOOK_TEST(declining_an_address_leaves_it_to_the_kernel,
			  iova_alloc),
		HOOK_TEST(declining_to_pay_leaves_it_to_the_kernel, charge),
		HOOK_TEST(paying_is_told_until_it_is_paid_back, uncharge),
		HOOK_TEST(init_and_exit_may_sleep, map),
		HOOK_TEST(init_and_exit_may_be_absent, map),
		HOOK_TEST(without_any_hook_it_does_nothing, map),
	};

	return run_tap(tests, NULL, NULL);
}

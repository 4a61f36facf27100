// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=240 */
/* Failing open and failing closed, enforcing and auditing */
#include <limits.h>
#include <sys/stat.h>

#include "lib/cgroup.h"
#include "lib/hooks.h"
#include "lib/type1.h"

#define MODE POLICIES "/answer/mode"
#define CGROUP "policy-modes"
#define CLOSED IOMMUFD_POLICY_F_FAIL_CLOSED
#define AUDIT IOMMUFD_POLICY_F_AUDIT

static struct policy policy, next;
static struct rig rig;

static int setup(void **state)
{
	policy.object = NULL;
	next.object = NULL;
	rig_open(&rig, *state);
	return 0;
}

static int teardown(void **state)
{
	if (policy.object)
		policy_stop(&policy);
	if (next.object)
		policy_stop(&next);
	rig_close(&rig);
	return 0;
}

/* 0 or a negative errno */
static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err;

	assert_return_code(fd, errno);
	err = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return err;
}

/* With all hooks */
static void start_all(uint64_t flags)
{
	policy_open(&policy, "answer");
	policy.ops->flags = flags;
	assert_int_equal(policy_load(&policy), 0);
	assert_int_equal(policy_attach(&policy), 0);
}

static int map(void)
{
	return hook_map.request(&rig);
}

static int attach(void)
{
	return edu_attach(&rig.edu, rig.ioas);
}

static void assert_closed(const char *code)
{
	assert_int_equal(settled(&policy.answer->exit.calls, 1), 1);
	assert_policy_reads("answer", "state", "closed");
	assert_policy_reads("answer", "exit_kind", "64");
	assert_policy_reads("answer", "exit_code", code);
}

static void assert_refuses_map_and_attach(void)
{
	assert_int_equal(map(), -EPROTO);
	assert_refused_by(rig.iommu, "answer map -71");
	assert_int_equal(attach(), -EPROTO);
	assert_refused_by(rig.iommu, "answer attach -71");
}

static void assert_refuses_nothing(void)
{
	assert_int_equal(map(), 0);
	assert_int_equal(attach(), 0);
	assert_int_equal(edu_detach(&rig.edu), 0);
	hook_map.undo(&rig);
}

/* Whichever hook it was that went wrong */
static void a_closed_policy_refuses_map_and_attach(void **state)
{
	const struct hook *hook = *state;

	start_all(CLOSED);
	hook_set_answer(hook, &policy, -9999);
	assert_int_equal(hook->request(&rig), -EPROTO);
	assert_closed("-9999");
	hook_set_answer(hook, &policy, 0);
	assert_refuses_map_and_attach();
}

/* It had no opinion on either, and yet nothing is to go on without it. */
static void one_with_no_other_hook_does_so_too(void **state)
{
	const struct hook *hook = *state;

	hook_start(hook, &policy, "", CLOSED);
	hook_set_answer(hook, &policy, -9999);
	assert_int_equal(hook->request(&rig), -EPROTO);
	assert_closed("-9999");
	assert_refuses_map_and_attach();
}

static void one_that_has_reported_an_error_is_closed_too(void **state)
{
	const struct hook *hook = *state;
	bool paid = hook == &hook_uncharge;

	hook_start(hook, &policy, "", CLOSED);
	if (paid)
		assert_int_equal(hook_charge.request(&rig), 0);
	policy.answer->report = 5;
	if (paid)
		hook_charge.undo(&rig);
	else
		assert_int_equal(hook->request(&rig),
				 hook->asked ? -EPROTO : 0);
	assert_int_equal(settled(&policy.answer->exit.calls, 1), 1);
	assert_policy_reads("answer", "state", "closed");
	assert_policy_reads("answer", "exit_kind", "65");
	assert_policy_reads("answer", "exit_message", "told to report it");
	assert_refuses_map_and_attach();
	assert_rig_is_clean(&rig);
}

/* What is there can be used, given back and looked at. */
static void a_closed_policy_is_not_called(void **state)
{
	struct answer before;
	uint64_t iova;

	start_all(CLOSED);
	assert_int_equal(attach(), 0);
	assert_int_equal(map(), 0);
	assert_policy_reads("answer", "paid", "1");
	policy.answer->map_answer = -9999;
	assert_int_equal(ioas_map(rig.iommu, rig.ioas, rig.memory, PAGE, RW,
				  &iova), -EPROTO);
	assert_closed("-9999");
	assert_int_equal(policy.answer->exit.paid, 1);
	assert_policy_reads("answer", "paid", "0");
	memcpy(&before, (void *)policy.answer, sizeof(before));

	assert_int_equal(fdinfo_value(rig.iommu, "iommufd-pinned:"), 1);
	assert_int_equal(ioas_map(rig.iommu, rig.ioas, rig.memory, PAGE, RW,
				  &iova), -EPROTO);
	hook_map.undo(&rig);
	assert_int_equal(edu_detach(&rig.edu), 0);
	assert_rig_is_clean(&rig);
	assert_int_equal(attach(), -EPROTO);
	assert_memory_equal((void *)policy.answer, &before, sizeof(before));
	/* Of the refusals, it was asked about the first alone. */
	assert_policy_counts("answer", "attach_asked=1 attach_refused=1 "
			     "charge_asked=1 map_asked=2 map_refused=2");
}

static void a_closed_policy_refuses_each_kind_of_map(void **state)
{
	const struct copy_source source = { rig.ioas, 0x4000000, PAGE };
	int fd = memfd_create("modes", MFD_CLOEXEC);
	const struct file_range range = { fd, 0, PAGE };
	uint64_t iova;

	assert_return_code(ftruncate(fd, PAGE), errno);
	assert_int_equal(map(), 0);
	hook_start(&hook_map, &policy, "", CLOSED);
	policy.answer->map_answer = 1;
	assert_int_equal(ioas_map(rig.iommu, rig.ioas, rig.memory, PAGE, RW,
				  &iova), -EPROTO);
	assert_closed("1");
	assert_int_equal(ioas_copy(rig.iommu, rig.ioas, &source, RW, &iova),
			 -EPROTO);
	assert_int_equal(ioas_map_file(rig.iommu, rig.ioas, &range, RW, &iova),
			 -EPROTO);
	assert_int_equal(compat_set(rig.iommu, rig.ioas), 0);
	assert_int_equal(type1_map(rig.iommu, rig.memory, PAGE, DMA_RW, HUGE),
			 -EPROTO);
	assert_policy_counts("answer", "map_asked=1 map_refused=4");
	assert_int_equal(ioas_areas(rig.iommu, rig.ioas), 1);
	close(fd);
}

static void start_closed(void)
{
	hook_start(&hook_map, &policy, "", CLOSED);
	policy.answer->map_answer = -9999;
	assert_int_equal(map(), -EPROTO);
	assert_closed("-9999");
	assert_refuses_map_and_attach();
}

static void it_is_closed_until_it_is_removed(void **state)
{
	start_closed();
	policy_detach(&policy);
	assert_refuses_nothing();
	assert_int_equal(policy.answer->exit.calls, 1);
}

static void it_is_closed_until_it_is_replaced(void **state)
{
	start_closed();
	policy_open(&next, "answer");
	assert_int_equal(policy_load(&next), 0);
	/* One that will not begin leaves it as it is. */
	next.answer->init_answer = -EPERM;
	assert_int_equal(policy_replace(&policy, &next), -EPERM);
	assert_closed("-9999");
	assert_refuses_map_and_attach();

	next.answer->init_answer = 0;
	assert_int_equal(policy_replace(&policy, &next), 0);
	assert_policy_reads("answer", "state", "active");
	assert_refuses_nothing();
	assert_int_equal(next.answer->map.calls, 1);
	assert_int_equal(policy.answer->exit.calls, 1);
	/* Which does not fail closed. */
	next.answer->map_answer = -9999;
	assert_int_equal(map(), -EPROTO);
	assert_policy_reads("answer", "state", "ejected");
	assert_refuses_nothing();
}

static void it_is_closed_until_all_are_put_out_of_service(void **state)
{
	start_closed();
	assert_int_equal(write_text(OFF, "1"), 0);
	assert_refuses_nothing();
	assert_int_equal(policy.answer->exit.calls, 1);
	/* What it ended of stays what it ended of. */
	assert_policy_reads("answer", "state", "ejected");
	assert_policy_reads("answer", "exit_kind", "64");
	assert_policy_reads("answer", "exit_code", "-9999");
	/* A way back, from which it can fail again */
	assert_int_equal(policy_replace(&policy, &policy), 0);
	assert_int_equal(map(), -EPROTO);
	assert_policy_reads("answer", "state", "closed");
	assert_refuses_map_and_attach();
}

static void one_that_is_put_out_of_service_is_not_closed(void **state)
{
	hook_start(&hook_map, &policy, "", CLOSED);
	policy.answer->map_answer = -EPERM;
	assert_int_equal(map(), -EPERM);
	assert_int_equal(write_text(OFF, "1"), 0);
	assert_policy_reads("answer", "state", "off");
	assert_refuses_nothing();
}

static int map_and_attach_inside(void *arg)
{
	CHECK(!cgroup_enter(CGROUP));
	CHECK(map() == -EPROTO);
	CHECK(attach() == -EPROTO);
	return 0;
}

static void it_is_closed_for_its_scope_only(void **state)
{
	cgroup_new(CGROUP);
	policy_open(&policy, "answer");
	policy.ops->flags = CLOSED;
	policy.ops->cgroup_id = cgroup_id(CGROUP);
	assert_int_equal(policy_load(&policy), 0);
	assert_int_equal(policy_attach(&policy), 0);
	policy.answer->map_answer = -9999;
	assert_int_equal(in_child(map_and_attach_inside, NULL), 0);
	assert_closed("-9999");
	assert_refuses_nothing();
	cgroup_remove(CGROUP);
}

static void in_audit_mode_a_refusal_is_counted_only(void **state)
{
	const struct hook *hook = *state;
	char expected[64];

	hook_start(hook, &policy, "", AUDIT);
	assert_policy_reads("answer", "mode", "audit");
	hook_set_answer(hook, &policy, -EACCES);
	assert_int_equal(hook->request(&rig), 0);
	hook->undo(&rig);
	assert_int_equal(hook_calls(hook, &policy), 1);
	snprintf(expected, sizeof(expected), "%s_asked=1 %s_audited=1",
		 hook->name, hook->name);
	assert_policy_counts("answer", expected);
	assert_refused_by(rig.iommu, NULL);
	assert_policy_reads("answer", "state", "active");
	assert_rig_is_clean(&rig);
	/* What it allows is nothing to count. */
	hook_set_answer(hook, &policy, hook->allows);
	assert_int_equal(hook->request(&rig), 0);
	hook->undo(&rig);
	snprintf(expected, sizeof(expected), "%s_asked=2 %s_audited=1",
		 hook->name, hook->name);
	assert_policy_counts("answer", expected);
}

static void the_mode_changes_while_it_runs(void **state)
{
	const struct hook *hook = *state;
	char expected[96];

	hook_start(hook, &policy, "", 0);
	assert_policy_reads("answer", "mode", "enforce");
	hook_set_answer(hook, &policy, -EDQUOT);
	assert_int_equal(hook->request(&rig), -EDQUOT);
	assert_int_equal(write_text(MODE, "audit\n"), 0);
	assert_policy_reads("answer", "mode", "audit");
	assert_int_equal(hook->request(&rig), 0);
	hook->undo(&rig);
	assert_int_equal(write_text(MODE, "enforce"), 0);
	assert_policy_reads("answer", "mode", "enforce");
	assert_int_equal(hook->request(&rig), -EDQUOT);
	snprintf(expected, sizeof(expected),
		 "%s_asked=3 %s_audited=1 %s_refused=2", hook->name,
		 hook->name, hook->name);
	assert_policy_counts("answer", expected);
	assert_rig_is_clean(&rig);
}

static void no_other_mode_can_be_written(void **state)
{
	static const char *const bad[] = {
		"\n", "0", "1", "on", "Audit", "audit mode", "audi", "audits",
		" audit", "enforce enforce", "audit\n\n", "off",
	};
	struct stat st;
	size_t i;

	hook_start(&hook_map, &policy, "", 0);
	assert_return_code(stat(MODE, &st), errno);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(st.st_uid, 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(write_text(MODE, bad[i]), -EINVAL);
		assert_policy_reads("answer", "mode", "enforce");
	}
	assert_int_equal(write_text(MODE, "audit"), 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(write_text(MODE, bad[i]), -EINVAL);
		assert_policy_reads("answer", "mode", "audit");
	}
}

static void try_rogue_answer(const struct hook *hook, long long answer)
{
	char expected[64];

	hook_start(hook, &policy, "", AUDIT);
	hook_set_answer(hook, &policy, answer);
	assert_int_equal(hook->request(&rig), 0);
	hook->undo(&rig);
	assert_int_equal(settled(&policy.answer->exit.calls, 1), 1);
	assert_int_equal(policy.answer->exit.kind, IOMMUFD_POLICY_EXIT_ERROR);
	assert_int_equal(policy.answer->exit.paid, 0);
	assert_policy_reads("answer", "state", "ejected");
	snprintf(expected, sizeof(expected), "%s_asked=1 %s_audited=1",
		 hook->name, hook->name);
	assert_policy_counts("answer", expected);
	assert_refused_by(rig.iommu, NULL);
	assert_rig_is_clean(&rig);
	policy_stop(&policy);
	policy.object = NULL;
}

static void in_audit_mode_a_rogue_answer_ejects_only(void **state)
{
	const struct hook *hook = *state;
	const long long *answer;

	try_rogue_answer(hook, -9999);
	try_rogue_answer(hook, INT_MIN);
	for (answer = hook->rogue; *answer; answer++)
		try_rogue_answer(hook, *answer);
}

static void in_audit_mode_a_reported_error_ejects_only(void **state)
{
	const struct hook *hook = *state;

	hook_start(hook, &policy, "", AUDIT);
	hook_set_answer(hook, &policy, hook->allows);
	policy.answer->report = 33;
	assert_int_equal(hook->request(&rig), 0);
	hook->undo(&rig);
	assert_int_equal(settled(&policy.answer->exit.calls, 1), 1);
	assert_int_equal(policy.answer->exit.kind,
			 IOMMUFD_POLICY_EXIT_REPORTED);
	assert_int_equal(policy.answer->exit.code, 33);
	assert_int_equal(policy.answer->exit.paid, 0);
	assert_refused_by(rig.iommu, NULL);
	assert_rig_is_clean(&rig);
}

static void in_audit_mode_a_closed_policy_refuses_nothing(void **state)
{
	hook_start(&hook_map, &policy, "", CLOSED | AUDIT);
	policy.answer->map_answer = -9999;
	assert_int_equal(map(), 0);
	hook_map.undo(&rig);
	assert_closed("-9999");
	assert_refuses_nothing();
	assert_policy_counts("answer", "attach_audited=1 map_asked=1 "
			     "map_audited=2");
	assert_refused_by(rig.iommu, NULL);

	/* The mode can be changed in this state as in any other. */
	assert_int_equal(write_text(MODE, "enforce"), 0);
	assert_refuses_map_and_attach();
	assert_int_equal(write_text(MODE, "audit"), 0);
	assert_refuses_nothing();
	assert_policy_counts("answer", "attach_audited=2 attach_refused=1 "
			     "map_asked=1 map_audited=3 map_refused=1");
}

static void in_audit_mode_an_address_is_not_used(void **state)
{
	uint64_t iova, chosen;

	assert_int_equal(ioas_map(rig.iommu, rig.ioas, rig.memory, PAGE, RW,
				  &chosen), 0);
	hook_map.undo(&rig);
	assert_int_not_equal(chosen, 0x123456000);
	hook_start(&hook_iova_alloc, &policy, "", AUDIT);
	policy.answer->iova_answer = 0x123456000;
	assert_int_equal(ioas_map(rig.iommu, rig.ioas, rig.memory, PAGE, RW,
				  &iova), 0);
	assert_int_equal(iova, chosen);
	assert_policy_counts("answer", "iova_alloc_asked=1");
	assert_policy_reads("answer", "state", "active");

	/* It is looked at all the same: this one is in use now. */
	policy.answer->iova_answer = iova;
	assert_int_equal(ioas_map(rig.iommu, rig.ioas, rig.memory, PAGE, RW,
				  &chosen), 0);
	assert_int_not_equal(chosen, iova);
	assert_int_equal(settled(&policy.answer->exit.calls, 1), 1);
	assert_non_null(strstr((char *)policy.answer->exit.message,
			       "which is in use"));
	assert_policy_counts("answer",
			     "iova_alloc_asked=2 iova_alloc_audited=1");
}

static void in_audit_mode_who_refuses_to_pay_does_not(void **state)
{
	hook_start(&hook_uncharge, &policy, "", AUDIT);
	policy.answer->charge_answer = -EDQUOT;
	assert_int_equal(map(), 0);
	assert_policy_reads("answer", "paid", "0");
	assert_int_equal(fdinfo_value(rig.iommu, "iommufd-pinned:"), 1);
	hook_map.undo(&rig);
	assert_policy_counts("answer", "charge_asked=1 charge_audited=1");

	/* Who pays keeps books in this mode as in the other. */
	policy.answer->charge_answer = IOMMUFD_POLICY_PAY;
	assert_int_equal(map(), 0);
	assert_policy_reads("answer", "paid", "1");
	hook_map.undo(&rig);
	assert_policy_reads("answer", "paid", "0");
	assert_policy_counts("answer", "charge_asked=2 charge_audited=1 "
			     "uncharge_told=1");
	assert_int_equal(policy.answer->balance, 0);
}

/* For the others, what one in audit mode refuses has not happened. */
static void in_audit_mode_the_next_one_decides(void **state)
{
	hook_start(&hook_map, &policy, "", AUDIT);
	policy_start(&next, "behind");
	policy.answer->map_answer = -EPERM;
	assert_int_equal(map(), 0);
	hook_map.undo(&rig);
	assert_int_equal(next.answer->map.calls, 1);
	next.answer->map_answer = -ENOSPC;
	assert_int_equal(map(), -ENOSPC);
	assert_refused_by(rig.iommu, "behind map -28");
	assert_policy_counts("answer", "map_asked=2 map_audited=2");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		EACH_ASKED(a_closed_policy_refuses_map_and_attach),
		EACH_ASKED(one_with_no_other_hook_does_so_too),
		EACH_HOOK(one_that_has_reported_an_error_is_closed_too),
		HOOK_TEST(a_closed_policy_is_not_called, map),
		HOOK_TEST(a_closed_policy_refuses_each_kind_of_map, map),
		HOOK_TEST(it_is_closed_until_it_is_removed, map),
		HOOK_TEST(it_is_closed_until_it_is_replaced, map),
		HOOK_TEST(it_is_closed_until_all_are_put_out_of_service, map),
		HOOK_TEST(one_that_is_put_out_of_service_is_not_closed, map),
		HOOK_TEST(it_is_closed_for_its_scope_only, map),
		EACH_ASKED(in_audit_mode_a_refusal_is_counted_only),
		EACH_ASKED(the_mode_changes_while_it_runs),
		HOOK_TEST(no_other_mode_can_be_written, map),
		EACH_ASKED(in_audit_mode_a_rogue_answer_ejects_only),
		EACH_ASKED(in_audit_mode_a_reported_error_ejects_only),
		HOOK_TEST(in_audit_mode_a_closed_policy_refuses_nothing, map),
		HOOK_TEST(in_audit_mode_an_address_is_not_used, iova_alloc),
		HOOK_TEST(in_audit_mode_who_refuses_to_pay_does_not, charge),
		HOOK_TEST(in_audit_mode_the_next_one_decides, map),
	};

	return run_tap(tests, NULL, NULL);
}

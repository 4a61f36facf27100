// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=180 */
/* Whose requests policies are asked about, in which order, and who prevails. */
#include <bpf/bpf.h>

#include "lib/cgroup.h"
#include "lib/policy.h"
#include "lib/puppet.h"

#define BASE (16 * MIB)
#define TOP "scope"
#define LEAF TOP "/leaf"
#define SIBLING TOP "/sibling"

enum { OF_LEAF, OF_TOP, OF_SYSTEM, LEVELS };

/* Nearest first, as they are asked */
static const struct {
	const char *name;
	const char *cgroup;
	int error;
} levels[LEVELS] = {
	/* Neither the names nor the errors are in that order. */
	[OF_LEAF] = { "m-leaf", LEAF, -EBUSY },
	[OF_TOP] = { "z-top", TOP, -EACCES },
	[OF_SYSTEM] = { "a-system", NULL, -ENOSPC },
};

static struct policy policies[LEVELS], next;
static struct puppet puppet;
static int iommu;
static uint32_t ioas;
static struct edu edu;
static char *memory;

static int setup(void **state)
{
	memset(policies, 0, sizeof(policies));
	next.object = NULL;
	cgroup_new(TOP);
	cgroup_new(LEAF);
	cgroup_new(SIBLING);
	iommu = context_open();
	ioas = ioas_new(iommu);
	edu_open(&edu, iommu);
	memory = memory_new(HUGE);
	puppet_start(&puppet);
	cgroup_move(LEAF, puppet.pid);
	return 0;
}

static int teardown(void **state)
{
	size_t i;

	puppet_kill(&puppet);
	if (next.object)
		policy_stop(&next);
	for (i = 0; i < LEVELS; i++)
		if (policies[i].object)
			policy_stop(&policies[i]);
	munmap(memory, HUGE);
	edu_close(&edu);
	close(iommu);
	if (!access("/sys/fs/cgroup/" LEAF, F_OK))
		cgroup_remove(LEAF);
	cgroup_remove(SIBLING);
	cgroup_remove(TOP);
	return 0;
}

/* Opened, with the turns of the first one */
static void open_at(struct policy *policy, const char *name, const char *cgroup,
		    int priority)
{
	policy_open(policy, name);
	policy->ops->cgroup_id = cgroup ? cgroup_id(cgroup) : 0;
	policy->ops->priority = priority;
	if (policy == policies)
		return;
	assert_int_equal(bpf_map__reuse_fd(
		bpf_object__find_map_by_name(policy->object, "turns"),
		bpf_object__find_map_fd_by_name(policies[0].object, "turns")),
		0);
}

static void start_at(struct policy *policy, const char *name,
		     const char *cgroup, int priority)
{
	open_at(policy, name, cgroup, priority);
	assert_int_equal(policy_load(policy), 0);
	assert_int_equal(policy_attach(policy), 0);
}

static void start_levels(void)
{
	size_t i;

	for (i = 0; i < LEVELS; i++)
		start_at(&policies[i], levels[i].name, levels[i].cgroup, 0);
}

static long map_page(long page, long nr)
{
	return ioas_map_at(iommu, ioas, memory + page * PAGE, nr * PAGE, RW,
			   BASE + page * PAGE);
}

static long unmap_page(long page, long nr)
{
	return ioas_unmap(iommu, ioas, BASE + page * PAGE, nr * PAGE, NULL);
}

static long attach(long a, long b)
{
	return edu_attach(&edu, ioas);
}

static long map_and_unmap(long a, long b)
{
	return map_page(0, 1) ?: unmap_page(0, 1);
}

static long attach_and_detach(long a, long b)
{
	return attach(0, 0) ?: edu_detach(&edu);
}

static void assert_refusal(const char *hook, int level)
{
	char expected[64];

	if (level == LEVELS) {
		assert_refused_by(iommu, NULL);
		return;
	}
	snprintf(expected, sizeof(expected), "%s %s %d", levels[level].name,
		 hook, levels[level].error);
	assert_refused_by(iommu, expected);
}

/* What a policy answers, and has been asked, at an offset in struct answer */
#define ANSWER(level, type, at)						\
	(*(volatile type *)((char *)policies[level].answer + (at)))

static void each_combination(const char *hook, size_t answer, size_t calls,
			     size_t turn, puppet_step *step)
{
	answer_u64 before[LEVELS], last;
	unsigned int refusing;
	int i, winner;

	start_levels();
	/* First none, so that there is no earlier refusal to be seen. */
	for (refusing = 0; refusing < 1 << LEVELS; refusing++) {
		winner = refusing ? __builtin_ctz(refusing) : LEVELS;
		for (i = 0; i < LEVELS; i++) {
			before[i] = ANSWER(i, answer_u64, calls);
			ANSWER(i, int, answer) =
				refusing & 1 << i ? levels[i].error : 0;
		}
		assert_int_equal(puppet_do(&puppet, step, 0, 0),
				 winner < LEVELS ? levels[winner].error : 0);
		assert_refusal(hook, winner);
		/* Those behind the first refusal are not asked. */
		for (i = 0, last = 0; i < LEVELS; i++) {
			assert_int_equal(ANSWER(i, answer_u64, calls),
					 before[i] + (i <= winner));
			if (i > winner)
				continue;
			assert_true(ANSWER(i, answer_u64, turn) > last);
			last = ANSWER(i, answer_u64, turn);
		}
	}
}

static void the_nearest_refusal_of_a_map_wins(void **state)
{
	each_combination("map", offsetof(struct answer, map_answer),
			 offsetof(struct answer, map.calls),
			 offsetof(struct answer, map.turn), map_and_unmap);
}

static void the_nearest_refusal_of_an_attach_wins(void **state)
{
	each_combination("attach", offsetof(struct answer, attach_answer),
			 offsetof(struct answer, attach.calls),
			 offsetof(struct answer, attach.turn),
			 attach_and_detach);
}

/* Whoever pays of the first @asked is uncharged, and the last one first. */
static void assert_uncharged(int asked, const int *answers,
			     const answer_u64 *uncharges, answer_u64 since)
{
	int i;

	for (i = asked - 1; i >= 0; i--) {
		const volatile struct answer *answer = policies[i].answer;

		assert_int_equal(answer->balance, 0);
		assert_int_equal(policy_number(levels[i].name, "paid"), 0);
		if (answers[i] != IOMMUFD_POLICY_PAY) {
			assert_int_equal(answer->uncharge.calls, uncharges[i]);
			continue;
		}
		assert_int_equal(answer->uncharge.calls, uncharges[i] + 1);
		assert_int_equal(answer->uncharge.pages, 4);
		assert_true(answer->uncharge.turn > since);
		since = answer->uncharge.turn;
	}
}

static void charge_with(const int answers[LEVELS])
{
	answer_u64 charges[LEVELS], uncharges[LEVELS], turn = 0;
	int i, asked = 0, error = 0;

	for (i = 0; i < LEVELS; i++) {
		policies[i].answer->charge_answer = answers[i];
		charges[i] = policies[i].answer->charge.calls;
		uncharges[i] = policies[i].answer->uncharge.calls;
		if (!error)
			asked++;
		if (!error && answers[i] < 0)
			error = answers[i];
	}
	assert_int_equal(puppet_do(&puppet, map_page, 0, 4), error);
	for (i = 0; i < LEVELS; i++) {
		const volatile struct answer *answer = policies[i].answer;

		assert_int_equal(answer->charge.calls,
				 charges[i] + (i < asked));
		if (i >= asked)
			continue;
		assert_int_equal(answer->charge.pages, 4);
		assert_true(answer->charge.turn > turn);
		turn = answer->charge.turn;
	}
	if (error) {
		assert_refusal("charge", asked - 1);
		/* It is no payer itself, and those before it have it back. */
		assert_uncharged(asked - 1, answers, uncharges, turn);
		assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), 0);
		return;
	}
	for (i = 0; i < LEVELS; i++) {
		const int pays = answers[i] == IOMMUFD_POLICY_PAY ? 4 : 0;

		assert_int_equal(policies[i].answer->balance, pays);
		assert_int_equal(policy_number(levels[i].name, "paid"), pays);
		assert_int_equal(policies[i].answer->uncharge.calls,
				 uncharges[i]);
	}
	assert_int_equal(unmap_page(0, 4), 0);
	assert_uncharged(LEVELS, answers, uncharges, turn);
}

/* Each of them pays, declines or refuses. */
static void charges_go_all_the_way_up_and_back(void **state)
{
	int answers[LEVELS], i, code, rest;

	start_levels();
	assert_int_equal(edu_attach(&edu, ioas), 0);
	for (code = 0; code < 3 * 3 * 3; code++) {
		for (i = 0, rest = code; i < LEVELS; i++, rest /= 3) {
			const int any[] = {
				IOMMUFD_POLICY_PAY,
				IOMMUFD_POLICY_DECLINE,
				levels[i].error,
			};

			answers[i] = any[rest % 3];
		}
		charge_with(answers);
	}
}

static void assert_asked(unsigned int leaf, unsigned int top,
			 unsigned int system)
{
	assert_int_equal(policies[OF_LEAF].answer->map.calls, leaf);
	assert_int_equal(policies[OF_TOP].answer->map.calls, top);
	assert_int_equal(policies[OF_SYSTEM].answer->map.calls, system);
}

static void only_policies_in_scope_are_asked(void **state)
{
	start_levels();
	policies[OF_LEAF].answer->map_answer = -EPERM;
	/* The test itself is in the root. */
	assert_int_equal(map_and_unmap(0, 0), 0);
	assert_asked(0, 0, 1);
	cgroup_move(SIBLING, puppet.pid);
	assert_int_equal(puppet_do(&puppet, map_and_unmap, 0, 0), 0);
	assert_asked(0, 1, 2);
	cgroup_move(TOP, puppet.pid);
	assert_int_equal(puppet_do(&puppet, map_and_unmap, 0, 0), 0);
	assert_asked(0, 2, 3);
	assert_int_equal(policy_number("m-leaf", "map_asked"), 0);
}

static void a_move_takes_effect_at_the_next_request(void **state)
{
	start_levels();
	policies[OF_LEAF].answer->map_answer = -EPERM;
	assert_int_equal(puppet_do(&puppet, map_and_unmap, 0, 0), -EPERM);
	cgroup_move(SIBLING, puppet.pid);
	assert_int_equal(puppet_do(&puppet, map_and_unmap, 0, 0), 0);
	assert_int_equal(policies[OF_TOP].answer->map.who.cgroup_id,
			 cgroup_id(SIBLING));
	cgroup_move(LEAF, puppet.pid);
	assert_int_equal(puppet_do(&puppet, map_and_unmap, 0, 0), -EPERM);
	assert_asked(2, 1, 1);
}

/* What is pinned later is for where the process is by then. */
static void who_moves_pays_where_it_is_and_gets_it_back_where_it_was(void **state)
{
	const volatile struct answer *leaf;

	start_levels();
	leaf = policies[OF_LEAF].answer;
	cgroup_move(SIBLING, puppet.pid);
	assert_int_equal(puppet_do(&puppet, map_page, 0, 4), 0);
	cgroup_move(LEAF, puppet.pid);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(leaf->balance, 4);
	assert_int_equal(leaf->charge.who.cgroup_id, cgroup_id(LEAF));

	cgroup_move(SIBLING, puppet.pid);
	assert_int_equal(policy_number("m-leaf", "paid"), 4);
	assert_int_equal(puppet_do(&puppet, map_page, 4, 2), 0);
	assert_int_equal(leaf->balance, 4);
	assert_int_equal(policies[OF_TOP].answer->balance, 6);
	assert_int_equal(puppet_do(&puppet, unmap_page, 0, 6), 0);
	assert_int_equal(leaf->balance, 0);
	assert_int_equal(leaf->uncharge.who.cgroup_id, cgroup_id(LEAF));
	assert_int_equal(policies[OF_TOP].answer->balance, 0);
}

/* In the order of the array they have to be asked. */
static void assert_order(void)
{
	answer_u64 turn = 0;
	size_t i;

	assert_int_equal(puppet_do(&puppet, map_and_unmap, 0, 0), 0);
	for (i = 0; i < LEVELS; i++) {
		assert_true(policies[i].answer->map.turn > turn);
		turn = policies[i].answer->map.turn;
	}
}

/* In whichever order they come */
static void assert_order_however_started(const char *const names[LEVELS],
					 const int priorities[LEVELS],
					 const char *cgroup)
{
	static const int orders[][LEVELS] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
		{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};
	size_t i, j;

	for (i = 0; i < LEVELS; i++) {
		open_at(&policies[i], names[i], cgroup, priorities[i]);
		assert_int_equal(policy_load(&policies[i]), 0);
	}
	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		for (j = 0; j < LEVELS; j++)
			assert_int_equal(
				policy_attach(&policies[orders[i][j]]), 0);
		assert_order();
		for (j = 0; j < LEVELS; j++)
			policy_detach(&policies[j]);
	}
}

static void the_highest_priority_in_a_cgroup_is_asked_first(void **state)
{
	assert_order_however_started((const char *[]){ "z", "m", "a" },
				     (const int[]){ 2, 0, -2147483647 - 1 },
				     LEAF);
}

static void the_highest_priority_of_the_system_is_asked_first(void **state)
{
	assert_order_however_started((const char *[]){ "m", "z", "a" },
				     (const int[]){ 2147483647, -1, -2 }, NULL);
}

static void of_one_priority_in_a_cgroup_the_name_decides(void **state)
{
	assert_order_however_started((const char *[]){ "A", "a", "aa" },
				     (const int[]){ 7, 7, 7 }, LEAF);
}

static void of_one_priority_in_the_system_the_name_decides(void **state)
{
	assert_order_however_started((const char *[]){ "a", "b", "c" },
				     (const int[]){ -7, -7, -7 }, NULL);
}

static void priority_does_not_reach_beyond_a_cgroup(void **state)
{
	start_at(&policies[OF_LEAF], "z", LEAF, -5);
	start_at(&policies[OF_TOP], "m", TOP, 0);
	start_at(&policies[OF_SYSTEM], "a", NULL, 5);
	assert_order();
}

static void a_cgroup_has_to_exist(void **state)
{
	uint64_t gone;

	cgroup_new("scope-gone");
	gone = cgroup_id("scope-gone");
	cgroup_remove("scope-gone");

	policy_open(&policies[0], "answer");
	policies[0].ops->cgroup_id = gone;
	assert_int_equal(policy_load(&policies[0]), 0);
	assert_int_equal(policy_attach(&policies[0]), -ENOENT);
	assert_int_equal(policies[0].answer->init.calls, 0);
	policy_stop(&policies[0]);

	policy_open(&policies[0], "answer");
	policies[0].ops->cgroup_id = 0xdeadbeefdeadbeef;
	assert_int_equal(policy_load(&policies[0]), 0);
	assert_int_equal(policy_attach(&policies[0]), -ENOENT);
	assert_null(policy_read("answer", "state"));
}

static void sysfs_tells_the_scope(void **state)
{
	char id[32];

	start_at(&policies[0], "of-leaf", LEAF, -12);
	start_at(&policies[1], "of-system", NULL, 34);
	start_at(&policies[2], "of-root", "", 0);
	snprintf(id, sizeof(id), "%lu", cgroup_id(LEAF));
	assert_policy_reads("of-leaf", "scope", "cgroup:/" LEAF);
	assert_policy_reads("of-leaf", "cgroup_id", id);
	assert_policy_reads("of-leaf", "priority", "-12");
	assert_policy_reads("of-system", "scope", "system");
	assert_policy_reads("of-system", "cgroup_id", "0");
	assert_policy_reads("of-system", "priority", "34");
	snprintf(id, sizeof(id), "%lu", cgroup_id(""));
	assert_policy_reads("of-root", "scope", "cgroup:/");
	assert_policy_reads("of-root", "cgroup_id", id);
	/* A cgroup as any other: nearer than the system. */
	assert_int_equal(puppet_do(&puppet, map_and_unmap, 0, 0), 0);
	assert_true(policies[2].answer->map.turn <
		    policies[1].answer->map.turn);
}

static void refuses_to_replace(const char *cgroup, int priority)
{
	open_at(&next, "answer", cgroup, priority);
	assert_int_equal(policy_load(&next), 0);
	assert_int_equal(policy_replace(&policies[0], &next), -EINVAL);
	assert_int_equal(next.answer->init.calls, 0);
	policy_stop(&next);
	next.object = NULL;
}

static void scope_and_priority_stay_when_replaced(void **state)
{
	start_at(&policies[0], "answer", LEAF, 3);
	policies[0].answer->map_answer = -EPERM;
	refuses_to_replace(NULL, 3);
	refuses_to_replace(TOP, 3);
	refuses_to_replace(LEAF, 4);
	refuses_to_replace(LEAF, 0);
	assert_int_equal(policies[0].answer->exit.calls, 0);
	assert_int_equal(puppet_do(&puppet, map_and_unmap, 0, 0), -EPERM);

	open_at(&next, "answer", LEAF, 3);
	assert_int_equal(policy_load(&next), 0);
	assert_int_equal(policy_replace(&policies[0], &next), 0);
	assert_int_equal(puppet_do(&puppet, map_and_unmap, 0, 0), 0);
	assert_int_equal(next.answer->map.calls, 1);
}

static void remove_leaf(void)
{
	cgroup_move(TOP, puppet.pid);
	cgroup_remove(LEAF);
}

static void a_policy_whose_cgroup_is_removed_is_orphaned(void **state)
{
	char id[32];

	start_levels();
	snprintf(id, sizeof(id), "%lu", cgroup_id(LEAF));
	assert_policy_reads("m-leaf", "state", "active");
	remove_leaf();
	assert_policy_reads("m-leaf", "state", "orphaned");
	assert_policy_reads("m-leaf", "cgroup_id", id);
	assert_policy_reads("m-leaf", "exit_kind", "0");
	assert_policy_reads("z-top", "state", "active");

	/* One of the same name in the same place is another one. */
	cgroup_new(LEAF);
	assert_policy_reads("m-leaf", "state", "orphaned");
	policies[OF_LEAF].answer->map_answer = -EPERM;
	policies[OF_LEAF].answer->attach_answer = -EPERM;
	cgroup_move(LEAF, puppet.pid);
	assert_int_equal(puppet_do(&puppet, map_and_unmap, 0, 0), 0);
	assert_int_equal(puppet_do(&puppet, attach_and_detach, 0, 0), 0);
	assert_asked(0, 1, 1);

	policy_detach(&policies[OF_LEAF]);
	assert_int_equal(policies[OF_LEAF].answer->exit.calls, 1);
	assert_int_equal(policies[OF_LEAF].answer->exit.kind,
			 IOMMUFD_POLICY_EXIT_DETACHED);
	assert_null(policy_read("m-leaf", "state"));
}

static void an_orphan_is_uncharged_for_what_it_has_paid(void **state)
{
	const volatile struct answer *leaf;

	start_levels();
	leaf = policies[OF_LEAF].answer;
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(puppet_do(&puppet, map_page, 0, 4), 0);
	remove_leaf();
	assert_int_equal(policy_number("m-leaf", "paid"), 4);
	assert_int_equal(puppet_do(&puppet, map_page, 4, 4), 0);
	assert_int_equal(leaf->charge.calls, 1);
	assert_int_equal(puppet_do(&puppet, unmap_page, 0, 8), 0);
	assert_int_equal(leaf->uncharge.calls, 1);
	assert_int_equal(leaf->uncharge.pages, 4);
	assert_int_equal(leaf->balance, 0);
	assert_int_equal(policy_number("m-leaf", "paid"), 0);
	assert_int_equal(policies[OF_TOP].answer->balance, 0);
}

static void an_orphan_can_be_replaced_and_stays_one(void **state)
{
	const uint64_t id = cgroup_id(LEAF);

	start_levels();
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(puppet_do(&puppet, map_page, 0, 4), 0);
	remove_leaf();
	policy_open(&next, "m-leaf");
	next.ops->cgroup_id = id;
	assert_int_equal(policy_load(&next), 0);
	assert_int_equal(policy_replace(&policies[OF_LEAF], &next), 0);
	assert_policy_reads("m-leaf", "state", "orphaned");
	assert_int_equal(next.answer->init.paid, 4);
	assert_int_equal(puppet_do(&puppet, unmap_page, 0, 4), 0);
	assert_int_equal(next.answer->uncharge.pages, 4);
	assert_int_equal(puppet_do(&puppet, map_and_unmap, 0, 0), 0);
	assert_int_equal(next.answer->map.calls, 0);
}

static long map_new_file(long nr, long unused)
{
	struct file_range range = {
		.fd = memfd_create("scope", MFD_CLOEXEC),
		.length = nr * PAGE,
	};
	uint64_t iova = BASE;

	if (ftruncate(range.fd, range.length))
		return -errno;
	return ioas_map_file(iommu, ioas, &range, RW | FIXED, &iova);
}

/* Its process has died there, and what it mapped can still be pinned. */
static void an_orphan_is_not_asked_to_pay_for_the_dead(void **state)
{
	start_levels();
	policies[OF_LEAF].answer->charge_answer = -EPERM;
	assert_int_equal(puppet_do(&puppet, map_new_file, 4, 0), 0);
	puppet_kill(&puppet);
	cgroup_remove(LEAF);
	assert_policy_reads("m-leaf", "state", "orphaned");
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(policies[OF_LEAF].answer->charge.calls, 0);
	assert_int_equal(policies[OF_TOP].answer->charge.calls, 1);
	assert_int_equal(policies[OF_TOP].answer->balance, 4);
	assert_int_equal(policies[OF_SYSTEM].answer->balance, 4);
	assert_int_equal(edu_detach(&edu), 0);
	assert_int_equal(policies[OF_TOP].answer->balance, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_nearest_refusal_of_a_map_wins),
		TEST(the_nearest_refusal_of_an_attach_wins),
		TEST(charges_go_all_the_way_up_and_back),
		TEST(only_policies_in_scope_are_asked),
		TEST(a_move_takes_effect_at_the_next_request),
		TEST(who_moves_pays_where_it_is_and_gets_it_back_where_it_was),
		TEST(the_highest_priority_in_a_cgroup_is_asked_first),
		TEST(the_highest_priority_of_the_system_is_asked_first),
		TEST(of_one_priority_in_a_cgroup_the_name_decides),
		TEST(of_one_priority_in_the_system_the_name_decides),
		TEST(priority_does_not_reach_beyond_a_cgroup),
		TEST(a_cgroup_has_to_exist),
		TEST(sysfs_tells_the_scope),
		TEST(scope_and_priority_stay_when_replaced),
		TEST(a_policy_whose_cgroup_is_removed_is_orphaned),
		TEST(an_orphan_is_uncharged_for_what_it_has_paid),
		TEST(an_orphan_can_be_replaced_and_stays_one),
		TEST(an_orphan_is_not_asked_to_pay_for_the_dead),
	};

	return run_tap(tests, NULL, NULL);
}

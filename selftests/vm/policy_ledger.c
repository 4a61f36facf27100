// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=600 */
/* What policies pay for beside the built-in accounting, and when they go. */
#include <sys/resource.h>

#include "lib/books.h"
#include "lib/cgroup.h"
#include "lib/policy.h"
#include "lib/puppet.h"
#include "lib/quota.h"

#define BASE (16 * MIB)
/* What the tenant may lock, in pages */
#define LIMIT 16UL
#define PAGES (8 * LIMIT)
/* A page that no other mapping has */
#define FAR (4 * LIMIT)
#define CGROUP "ledger"
#define ROUNDS 100

/**
 * struct terms - who counts what a policy pays for
 * @per_process: against the limit, the process by itself; else the user
 * @exempt: nobody: the process may lock what it likes
 * @exceeds: nobody: the policy says so
 */
struct terms {
	bool per_process;
	bool exempt;
	bool exceeds;
};

static const struct terms by_user, by_process = { .per_process = true };
static const struct terms exempt = { .exempt = true };
static const struct terms exceeding_by_user = { .exceeds = true };
static const struct terms exceeding_by_process = {
	.per_process = true, .exceeds = true
};
static const struct terms exceeding_exempt = {
	.exempt = true, .exceeds = true
};

static const struct terms *terms;
static struct policy policy, next;
static struct puppet tenant;
static int iommu;
static uint32_t ioas;
static struct edu edu;
static char *memory;
/* Of all processes */
static volatile bool *stop;

static long become(long unused, long unused_too)
{
	struct rlimit limit = { LIMIT * PAGE, LIMIT * PAGE };

	if (terms->exempt)
		return setrlimit(RLIMIT_MEMLOCK, &limit);
	return become_tenant(LIMIT);
}

static void begin(const struct terms *its_terms)
{
	terms = its_terms;
	memset(&policy, 0, sizeof(policy));
	memset(&next, 0, sizeof(next));
	iommu = context_open();
	assert_int_equal(option_set(iommu, IOMMU_OPTION_RLIMIT_MODE, 0,
				    terms->per_process), 0);
	ioas = ioas_new(iommu);
	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	puppet_start(&tenant);
	cgroup_move(CGROUP, tenant.pid);
	assert_int_equal(puppet_do(&tenant, become, 0, 0), 0);
}

static void end(void)
{
	puppet_kill(&tenant);
	if (policy.object)
		policy_stop(&policy);
	if (next.object)
		policy_stop(&next);
	edu_close(&edu);
	close(iommu);
	books_agree(NULL, 0, 0, 0);
}

static int setup(void **state)
{
	begin(*state);
	return 0;
}

static int teardown(void **state)
{
	end();
	return 0;
}

static int setup_all(void **state)
{
	memory = memory_new(PAGES * PAGE);
	stop = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cgroup_new(CGROUP);
	books_open();
	return 0;
}

static int teardown_all(void **state)
{
	books_close();
	cgroup_remove(CGROUP);
	munmap((void *)stop, PAGE);
	munmap(memory, PAGES * PAGE);
	return 0;
}

static long map_at(long first, long nr)
{
	return ioas_map_at(iommu, ioas, memory + first * PAGE, nr * PAGE, RW,
			   BASE + first * PAGE);
}

static long unmap_at(long first, long nr)
{
	return ioas_unmap(iommu, ioas, BASE + first * PAGE, nr * PAGE, NULL);
}

static int map(long first, long nr)
{
	return puppet_do(&tenant, map_at, first, nr);
}

static int unmap(long first, long nr)
{
	return puppet_do(&tenant, unmap_at, first, nr);
}

static long status(long key, long unused)
{
	return status_kib((const char *)key) * KIB / PAGE;
}

static unsigned long tenant_status(const char *key)
{
	return puppet_do(&tenant, status, (long)key, 0);
}

static void prepare(struct policy *p, const char *name, bool exceeds)
{
	policy_open(p, name);
	p->ops->flags = exceeds ? IOMMUFD_POLICY_F_EXCEED_RLIMIT : 0;
	assert_int_equal(policy_load(p), 0);
}

static void start(struct policy *p, const char *name, bool exceeds)
{
	prepare(p, name, exceeds);
	assert_int_equal(policy_attach(p), 0);
}

/* What the built-in accounting counts while a policy pays, or none does */
static unsigned long counted(unsigned long pages)
{
	return terms->exempt || terms->exceeds ? 0 : pages;
}

static unsigned long counted_alone(unsigned long pages)
{
	return terms->exempt ? 0 : pages;
}

static void answer_all(enum iommufd_policy_payment payment)
{
	if (policy.answer)
		policy.answer->charge_answer = payment;
	if (next.answer)
		next.answer->charge_answer = payment;
}

/*
 * So many pages are pinned, and charged to the one that the terms say. What a
 * user is charged shows in what is left of the limit.
 */
static void assert_charged(unsigned long pinned, unsigned long charged)
{
	const unsigned long left = charged < LIMIT ? LIMIT - charged : 0;

	books_agree(&iommu, 1, pinned, charged);
	assert_int_equal(tenant_status("VmPin:"), pinned);
	assert_int_equal(tenant_status("VmLck:"),
			 terms->per_process ? charged : 0);
	if (terms->exempt)
		return;
	answer_all(IOMMUFD_POLICY_DECLINE);
	assert_int_equal(map(FAR, left + 1), -ENOMEM);
	if (left) {
		assert_int_equal(map(FAR, left), 0);
		assert_int_equal(unmap(FAR, left), 0);
	}
	answer_all(IOMMUFD_POLICY_PAY);
}

/* The same where a process by itself may be charged a moment later. */
static void assert_settles(unsigned long pinned, unsigned long charged)
{
	int tries;

	for (tries = 0; terms->per_process && tries < 1000; tries++) {
		if (fdinfo_value(iommu, "iommufd-charged:") == (long)charged)
			break;
		usleep(10000);
	}
	assert_charged(pinned, charged);
}

static void assert_paid(const char *name, struct policy *p, long pages)
{
	assert_int_equal(policy_number(name, "paid"), pages);
	assert_int_equal(p->answer->balance, pages);
}

static void what_it_pays_for_is_counted_by_its_flag(void **state)
{
	start(&policy, "answer", terms->exceeds);
	assert_charged(0, 0);
	assert_int_equal(map(0, 5), 0);
	assert_charged(5, counted(5));
	assert_paid("answer", &policy, 5);
	assert_int_equal(map(5, 6), 0);
	assert_charged(11, counted(11));
	assert_paid("answer", &policy, 11);
	assert_int_equal(unmap(0, 5), 0);
	assert_charged(6, counted(6));
	assert_paid("answer", &policy, 6);
	assert_int_equal(unmap(5, 6), 0);
	assert_charged(0, 0);
	assert_paid("answer", &policy, 0);
}

static void who_pays_is_told_what_counts_beside_it(void **state)
{
	const volatile struct answer_charge *seen;

	start(&policy, "answer", terms->exceeds);
	seen = &policy.answer->charge;
	assert_int_equal(map(0, 5), 0);
	assert_int_equal(map(5, 6), 0);
	assert_int_equal(seen->pinned, 5);
	assert_int_equal(seen->charged, counted(5));
	assert_int_equal(seen->limit, terms->exempt ? UINT64_MAX : LIMIT);
	assert_int_equal(seen->limit_kind,
			 terms->exempt ? IOMMUFD_POLICY_LIMIT_NONE :
			 terms->per_process ? IOMMUFD_POLICY_LIMIT_PROCESS :
					      IOMMUFD_POLICY_LIMIT_USER);
}

static void without_the_flag_the_limit_refuses_what_it_pays_for(void **state)
{
	start(&policy, "answer", false);
	assert_int_equal(map(0, LIMIT + 1), -ENOMEM);
	assert_int_equal(policy.answer->charge.calls, 1);
	assert_int_equal(policy.answer->uncharge.calls, 1);
	assert_int_equal(policy.answer->uncharge.pages, LIMIT + 1);
	assert_paid("answer", &policy, 0);
	/* It was not the policy's refusal. */
	assert_refused_by(iommu, NULL);
	assert_charged(0, 0);
	assert_int_equal(map(0, LIMIT), 0);
	assert_int_equal(map(LIMIT, 1), -ENOMEM);
	assert_paid("answer", &policy, LIMIT);
	assert_charged(LIMIT, LIMIT);
}

static void with_the_flag_the_limit_is_exceeded(void **state)
{
	start(&policy, "answer", true);
	assert_int_equal(map(0, LIMIT + 1), 0);
	assert_int_equal(map(LIMIT + 1, LIMIT), 0);
	assert_paid("answer", &policy, 2 * LIMIT + 1);
	assert_charged(2 * LIMIT + 1, 0);
	assert_int_equal(unmap(0, LIMIT + 1), 0);
	assert_paid("answer", &policy, LIMIT);
	assert_charged(LIMIT, 0);
}

/* As much as can be had: beyond the limit, if that is exceeded */
static unsigned long pay_for_all(void)
{
	const unsigned long half = terms->exceeds || terms->exempt ? LIMIT :
								     LIMIT / 2;

	start(&policy, "answer", terms->exceeds);
	assert_int_equal(map(0, half), 0);
	assert_int_equal(map(half, half), 0);
	assert_charged(2 * half, counted(2 * half));
	return half;
}

/* It has gone: its @half twice is counted, not refused, and given back. */
static void assert_moved(unsigned long half)
{
	const answer_u64 uncharges = policy.answer->uncharge.calls;

	assert_int_equal(policy.answer->exit.calls, 1);
	assert_int_equal(policy.answer->exit.paid, 2 * half);
	assert_settles(2 * half, counted_alone(2 * half));
	assert_int_equal(unmap(half, half), 0);
	assert_settles(half, counted_alone(half));
	assert_int_equal(unmap(0, half), 0);
	assert_settles(0, 0);
	assert_int_equal(policy.answer->uncharge.calls, uncharges);
}

static void what_it_had_paid_for_is_counted_when_detached(void **state)
{
	unsigned long half = pay_for_all();

	policy_detach(&policy);
	assert_moved(half);
}

static void what_it_had_paid_for_is_counted_when_the_link_closes(void **state)
{
	unsigned long half = pay_for_all();

	bpf_link__destroy(policy.link);
	policy.link = NULL;
	assert_int_equal(settled(&policy.answer->exit.calls, 1), 1);
	assert_moved(half);
}

static void what_it_had_paid_for_is_counted_when_ejected(void **state)
{
	unsigned long half = pay_for_all();

	policy.answer->charge_answer = 2;
	assert_int_equal(map(FAR, 1), -EPROTO);
	assert_int_equal(settled(&policy.answer->exit.calls, 1), 1);
	assert_policy_reads("answer", "state", "ejected");
	assert_int_equal(policy_number("answer", "paid"), 0);
	assert_moved(half);
}

static void switch_off(void)
{
	int fd = open(OFF, O_WRONLY | O_CLOEXEC);

	assert_return_code(fd, errno);
	assert_int_equal(write(fd, "1", 1), 1);
	close(fd);
}

static void what_it_had_paid_for_is_counted_when_switched_off(void **state)
{
	unsigned long half = pay_for_all();

	switch_off();
	assert_int_equal(policy_number("answer", "paid"), 0);
	assert_moved(half);
	/* Back in service it has paid for nothing. */
	prepare(&next, "answer", terms->exceeds);
	assert_int_equal(policy_replace(&policy, &next), 0);
	assert_int_equal(next.answer->init.paid, 0);
	assert_int_equal(map(0, 3), 0);
	assert_paid("answer", &next, 3);
	assert_charged(3, counted(3));
}

static void the_dead_are_charged_for_what_it_had_paid(void **state)
{
	unsigned long half = pay_for_all();
	int tries;

	puppet_kill(&tenant);
	books_agree(&iommu, 1, 2 * half, counted(2 * half));
	policy_detach(&policy);
	assert_int_equal(policy.answer->exit.paid, 2 * half);
	for (tries = 0; tries < 1000; tries++) {
		if (fdinfo_value(iommu, "iommufd-charged:") ==
		    (long)counted_alone(2 * half))
			break;
		usleep(10000);
	}
	books_agree(&iommu, 1, 2 * half, counted_alone(2 * half));
	assert_int_equal(unmap_at(0, 2 * half), 0);
	books_agree(&iommu, 1, 0, 0);
}

static void the_successor_is_uncharged(void **state)
{
	unsigned long half = pay_for_all();

	prepare(&next, "answer", terms->exceeds);
	assert_int_equal(policy_replace(&policy, &next), 0);
	assert_int_equal(next.answer->init.paid, 2 * half);
	assert_int_equal(policy.answer->exit.paid, 2 * half);
	assert_int_equal(policy_number("answer", "paid"), 2 * half);
	assert_charged(2 * half, counted(2 * half));

	assert_int_equal(unmap(0, half), 0);
	assert_int_equal(next.answer->uncharge.pages, half);
	assert_int_equal(next.answer->balance, -(long long)half);
	assert_int_equal(policy.answer->uncharge.calls, 0);
	assert_int_equal(policy_number("answer", "paid"), half);
	assert_charged(half, counted(half));
	/* What both have paid for */
	assert_int_equal(map(0, 3), 0);
	assert_int_equal(policy_number("answer", "paid"), half + 3);
	policy_detach(&policy);
	assert_int_equal(next.answer->exit.paid, half + 3);
	assert_settles(half + 3, counted_alone(half + 3));
	assert_int_equal(unmap(0, 2 * half), 0);
	assert_settles(0, 0);
}

/* It pays by its own flag for what comes, and what was stays as it was. */
static void a_successor_without_the_flag_changes_no_charges(void **state)
{
	start(&policy, "answer", true);
	assert_int_equal(map(0, 2 * LIMIT), 0);
	prepare(&next, "answer", false);
	assert_int_equal(policy_replace(&policy, &next), 0);
	assert_charged(2 * LIMIT, 0);
	assert_int_equal(map(2 * LIMIT, LIMIT + 1), -ENOMEM);
	assert_int_equal(map(2 * LIMIT, LIMIT), 0);
	assert_charged(3 * LIMIT, LIMIT);
	policy_detach(&policy);
	assert_settles(3 * LIMIT, 3 * LIMIT);
	assert_int_equal(unmap(0, 2 * LIMIT), 0);
	assert_settles(LIMIT, LIMIT);
	assert_int_equal(unmap(2 * LIMIT, LIMIT), 0);
	assert_settles(0, 0);
}

static void a_successor_without_uncharge_loses_nothing(void **state)
{
	unsigned long half = pay_for_all();

	policy_open(&next, "answer");
	next.ops->uncharge = NULL;
	assert_int_equal(policy_load(&next), 0);
	assert_int_equal(policy_replace(&policy, &next), 0);
	assert_int_equal(policy_number("answer", "paid"), 2 * half);
	assert_int_equal(unmap(0, 2 * half), 0);
	assert_int_equal(policy_number("answer", "paid"), 0);
	assert_int_equal(policy_number("answer", "uncharge_told"), 0);
	assert_charged(0, 0);
}

static void pages_are_counted_when_the_last_that_exceeds_goes(void **state)
{
	start(&policy, "first", true);
	start(&next, "second", true);
	assert_int_equal(map(0, LIMIT), 0);
	assert_int_equal(map(LIMIT, LIMIT), 0);
	assert_paid("first", &policy, 2 * LIMIT);
	assert_paid("second", &next, 2 * LIMIT);
	assert_charged(2 * LIMIT, 0);
	policy_detach(&policy);
	assert_charged(2 * LIMIT, 0);
	assert_int_equal(unmap(0, LIMIT), 0);
	assert_paid("second", &next, LIMIT);
	assert_int_equal(policy.answer->balance, 2 * LIMIT);
	policy_detach(&next);
	assert_settles(LIMIT, LIMIT);
	assert_int_equal(unmap(LIMIT, LIMIT), 0);
	assert_settles(0, 0);
}

/* Of two who pay the one that does not exceed stays. */
static void who_stays_is_uncharged_for_what_is_counted_again(void **state)
{
	start(&policy, "exceeds", true);
	start(&next, "stays", false);
	assert_int_equal(map(0, 2 * LIMIT), 0);
	assert_charged(2 * LIMIT, 0);
	policy_detach(&policy);
	assert_settles(2 * LIMIT, 2 * LIMIT);
	assert_paid("stays", &next, 2 * LIMIT);
	assert_int_equal(unmap(0, 2 * LIMIT), 0);
	assert_paid("stays", &next, 0);
	assert_settles(0, 0);
}

/* Two lives of one policy: the second goes on with the maps of the first. */
static void start_quota(unsigned long quota)
{
	quota_open(&policy, NULL);
	policy.ops->flags = terms->exceeds ? IOMMUFD_POLICY_F_EXCEED_RLIMIT : 0;
	assert_int_equal(policy_load(&policy), 0);
	quota_open(&next, &policy);
	next.ops->flags = policy.ops->flags;
	assert_int_equal(policy_load(&next), 0);
	quota_set(&policy, CGROUP, quota);
	assert_int_equal(policy_attach(&policy), 0);
}

/* Until it is stopped or killed, in the second quarter of memory */
static long map_and_unmap(long seed, long unused)
{
	unsigned int state = seed;
	long done = 0;

	while (!*stop) {
		long first = LIMIT + rand_r(&state) % LIMIT;
		long nr = 1 + rand_r(&state) % (LIMIT / 2);

		long err = map_at(first, nr);

		/* For a moment more may be counted than there is. */
		if (err == -ENOMEM)
			continue;
		if (err)
			return err;
		/* Others unmap it, too. */
		unmap_at(first, nr);
		done++;
	}
	return done;
}

enum step { UNMAP, DETACH, KILL, STEPS };

static void take_step(enum step step, bool last)
{
	if (last)
		assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	switch (step) {
	case UNMAP:
		assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
		break;
	case DETACH:
		if (last) {
			assert_int_equal(policy_number("quota", "paid"), 0);
			assert_int_equal(quota_used(&policy, CGROUP), 0);
		}
		policy_detach(&policy);
		break;
	default:
		/* In the middle of it, unless there is more to be seen. */
		*stop = last;
		if (last) {
			assert_true(puppet_end(&tenant) > 0);
			assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
			assert_settles(0, 0);
		}
		puppet_kill(&tenant);
	}
}

static void play_round(unsigned int round)
{
	static const enum step orders[][STEPS] = {
		{ UNMAP, DETACH, KILL }, { DETACH, UNMAP, KILL },
		{ UNMAP, KILL, DETACH }, { KILL, UNMAP, DETACH },
		{ DETACH, KILL, UNMAP }, { KILL, DETACH, UNMAP },
	};
	const enum step *order = orders[round / 6 % ARRAY_SIZE(orders)];
	size_t i;

	*stop = false;
	start_quota(LIMIT);
	assert_int_equal(map(0, LIMIT / 4), 0);
	assert_int_equal(map(LIMIT / 4, LIMIT / 4), 0);
	puppet_begin(&tenant, map_and_unmap, round, 0);
	assert_int_equal(policy_replace(&policy, &next), 0);
	assert_int_equal(unmap_at(0, LIMIT / 4), 0);
	assert_int_equal(policy_replace(&policy, &policy), 0);
	for (i = 0; i < STEPS; i++)
		take_step(order[i], i == STEPS - 1);
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), 0);
	assert_int_equal(fdinfo_value(iommu, "iommufd-charged:"), 0);
}

static void a_hundred_rounds_leave_nothing_behind(void **state)
{
	static const struct terms *const all[] = {
		&by_user, &by_process, &exempt, &exceeding_by_user,
		&exceeding_by_process, &exceeding_exempt,
	};
	unsigned int round;

	for (round = 0; round < ROUNDS; round++) {
		begin(all[round % ARRAY_SIZE(all)]);
		play_round(round);
		end();
	}
}

int main(void)
{
#define TERMS(_test, _terms)						\
	{ #_test ", " #_terms, _test, setup, teardown, (void *)&_terms }
#define LIMITED(_test) TERMS(_test, by_user), TERMS(_test, by_process)
#define ALL(_test)							\
	LIMITED(_test), TERMS(_test, exempt),				\
	TERMS(_test, exceeding_by_user),				\
	TERMS(_test, exceeding_by_process),				\
	TERMS(_test, exceeding_exempt)
	static const struct CMUnitTest tests[] = {
		ALL(what_it_pays_for_is_counted_by_its_flag),
		ALL(who_pays_is_told_what_counts_beside_it),
		LIMITED(without_the_flag_the_limit_refuses_what_it_pays_for),
		LIMITED(with_the_flag_the_limit_is_exceeded),
		ALL(what_it_had_paid_for_is_counted_when_detached),
		ALL(what_it_had_paid_for_is_counted_when_the_link_closes),
		ALL(what_it_had_paid_for_is_counted_when_ejected),
		ALL(what_it_had_paid_for_is_counted_when_switched_off),
		ALL(the_dead_are_charged_for_what_it_had_paid),
		ALL(the_successor_is_uncharged),
		LIMITED(a_successor_without_the_flag_changes_no_charges),
		ALL(a_successor_without_uncharge_loses_nothing),
		LIMITED(pages_are_counted_when_the_last_that_exceeds_goes),
		LIMITED(who_stays_is_uncharged_for_what_is_counted_again),
		cmocka_unit_test(a_hundred_rounds_leave_nothing_behind),
	};

	return run_tap(tests, setup_all, teardown_all);
}

// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=180 */
/* Every kfunc, called from every context, while another thread is charged. */
#include <linux/bpf.h>
#include <sys/utsname.h>

#include "lib/contexts.h"

/* Calls per combination */
#define CALLS 16
/* A timer that takes a lock of the charges deadlocks long before. */
#define ROUNDS 10000

/* The kernel's preempt_count, and its flag of workqueue workers */
#define PREEMPT_DISABLED 0xffU
#define IN_SOFTIRQ 0x100U
#define IN_INTERRUPT 0xffff00U
#define PF_WQ_WORKER 0x20U

static const struct caller hook = {
	"hook", HOOK(iova_alloc), 0,
};

static const struct caller sleepable_hook = {
	"hook", HOOK(iova_alloc), BPF_F_SLEEPABLE,
};

static const struct caller observer = {
	"observer", NO_HOOK, BPF_F_SLEEPABLE,
};

/**
 * struct row - the verdicts about one kfunc
 * @caller: the calling program
 * @name: of the kfunc in contexts.bpf.c
 * @kfunc: its name in the kernel
 * @verdicts: one letter for each of contexts[], on 6.12 and on 7.3
 */
struct row {
	const struct caller *caller;
	const char *name;
	const char *kfunc;
	const char *verdicts[2];
};

static bool is_7_3;

static bool in_task(void)
{
	return !(record->preempt_count & IN_INTERRUPT);
}

static bool in_rcu(void)
{
	return in_task() && record->rcu_depth;
}

static bool without_preemption(void)
{
	return in_task() && record->preempt_count & PREEMPT_DISABLED;
}

static bool in_softirq(void)
{
	return record->preempt_count & IN_SOFTIRQ;
}

static bool in_worker(void)
{
	return in_task() && record->task_flags & PF_WQ_WORKER;
}

/**
 * struct context - where a kfunc is called
 * @name: in contexts.bpf.c
 * @was_there: the record of the latest call fits
 */
static const struct context {
	const char *name;
	bool (*was_there)(void);
} contexts[] = {
	{ "plain", in_task },
	{ "loop", in_task },
	{ "each", in_rcu },
	{ "vma", in_task },
	{ "rcu", in_rcu },
	{ "global", in_rcu },
	{ "preempt", without_preemption },
	{ "irq", in_task },
	{ "lock", in_task },
	{ "timer", in_softirq },
	{ "wq", in_worker },
};

static void load(const struct caller *caller, const char *context,
		 const char *name)
{
	char full[64];

	snprintf(full, sizeof(full), "%s_%s_%s", caller->prefix, context, name);
	load_program(full, caller->hook, caller->flags);
}

static void assert_was_there(const struct context *context)
{
	if (!context->was_there())
		fail_msg("not called in %s: preempt_count %x, RCU %u, task %x",
			 context->name, record->preempt_count,
			 record->rcu_depth, record->task_flags);
}

static void assert_runs(const struct row *row, const struct context *context)
{
	/* The first error ejects the policy, and fails the request. */
	const bool ejects = !strcmp(row->name, "error");

	run_program(row->caller, ejects ? 1 : CALLS);
	if (ejects)
		assert_policy_reads("contexts", "state", "ejected");
	assert_int_equal(map_failures, ejects);
	assert_int_equal(record->empty, 0);
	assert_was_there(context);
}

/* A kfunc that may sleep fails instead, and its walk is empty. */
static void assert_runs_empty(const struct row *row,
			      const struct context *context)
{
	run_program(row->caller, CALLS);
	assert_int_equal(map_failures, 0);
	if (record->calls)
		fail_msg("%s works in %s", row->name, context->name);
	assert_was_there(context);
}

/* The message of the verifier; NULL for programs it accepts */
static const char *message_of(char verdict)
{
	switch (verdict) {
	case 'R':	/* accepted, and runs */
	case 'E':	/* accepted; the kfunc sees that it must not sleep */
		return NULL;
	case 'S':	/* sleeps; the program must not */
		return "program must be sleepable to call sleepable kfunc %s";
	case 'W':	/* sleeps; the section must not */
		return "kernel func %s is sleepable within";
	case 'G':	/* sleeps in a global function; its caller must not */
		return "sleepable global function in_global_";
	case 'L':
		return "function calls are not allowed while holding a lock";
	case 'N':	/* not registered for the type, or filtered */
		return "calling kernel function %s is not allowed";
	case 'A':	/* needs a request, which the context lacks */
		return "must be referenced or trusted";
	case 'H':	/* 6.12 has no bpf_find_vma() for hooks, */
		return "program of this type cannot use helper bpf_find_vma";
	case 'K':	/* and no bpf_local_irq_save() at all */
		return "invalid func unknown";
	}
	fail_msg("no verdict '%c'", verdict);
	return NULL;
}

static void assert_refused(const struct row *row, const struct context *context,
			   const char *format)
{
	char message[128];

	snprintf(message, sizeof(message), format, row->kfunc);
	if (program < 0 && strstr(verifier_log, message))
		return;
	print_error("%s\n", verifier_log);
	fail_msg("%s in %s: %d, without '%s'", row->name, context->name,
		 program, message);
}

static void assert_verdict(const struct row *row, const struct context *context,
			   char verdict)
{
	const char *message = message_of(verdict);

	load(row->caller, context->name, row->name);
	if (message) {
		assert_refused(row, context, message);
		return;
	}
	if (program < 0) {
		print_error("%s\n", verifier_log);
		fail_msg("%s in %s: %d", row->name, context->name, program);
	}
	if (verdict == 'R')
		assert_runs(row, context);
	else
		assert_runs_empty(row, context);
	unload_program();
}

static void in_each_context(void **state)
{
	const struct row *row = *state;
	const char *verdicts = row->verdicts[is_7_3];
	size_t i;

	assert_int_equal(strlen(verdicts), 2 * ARRAY_SIZE(contexts) - 1);
	for (i = 0; i < ARRAY_SIZE(contexts); i++)
		assert_verdict(row, &contexts[i], verdicts[2 * i]);
}

/* The timer interrupts charges on its CPU, and must not wait for them. */
static void a_timer_sums_while_memory_is_charged(void **state)
{
	int i;

	load(&hook, "timer", "pinned_by_user");
	assert_true(program >= 0);
	attach_program(hook.hook);
	for (i = 0; i < ROUNDS; i++)
		assert_int_equal(map_and_unmap(), 0);
	end_callbacks();
	print_message("# %llu sums\n", record->calls);
	assert_true(record->calls > CALLS);
	assert_int_equal(record->empty, 0);
	assert_true(in_softirq());
}

/* Makes requests of all kinds, so that every hook is called. */
static void assert_hook_runs(const char *name, int hook, unsigned int flags)
{
	unsigned long before;

	load_program(name, hook, flags);
	if (program < 0)
		fail_msg("%s as hook %d: %s", name, hook, verifier_log);
	attach_program(hook);
	start_mapping();
	contexts_reattach();
	/* The first of these may have begun while the device was detached. */
	before = map_rounds;
	while (map_rounds < before + 2)
		usleep(1000);
	stop_mapping();
	unload_program();
	assert_int_equal(map_failures, 0);
	/* Nothing is pinned while the device is detached. */
	if (!record->calls && !record->empty)
		fail_msg("%s as hook %d was not called", name, hook);
}

static void assert_each_hook_runs(const char *name, unsigned int flags)
{
	int i;

	for (i = 0; i < NR_HOOKS; i++)
		assert_hook_runs(name, i, flags);
}

static void every_hook_sums(void **state)
{
	assert_each_hook_runs("hook_plain_pinned_by_context", 0);
	assert_each_hook_runs("hook_plain_pinned_by_user", 0);
	assert_each_hook_runs("hook_plain_pinned_by_cgroup", 0);
	assert_each_hook_runs("hook_plain_pinned_by_user", BPF_F_SLEEPABLE);
}

static void every_hook_walks(void **state)
{
	assert_each_hook_runs("hook_plain_walk_ioas", BPF_F_SLEEPABLE);
}

static int group_setup(void **state)
{
	struct utsname uts;

	assert_int_equal(uname(&uts), 0);
	is_7_3 = strncmp(uts.release, "6.12.", 5);
	contexts_open();
	return 0;
}

static int group_teardown(void **state)
{
	contexts_close();
	return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, contexts_teardown)
#define ROW(_caller, _name, _kfunc, _6_12, _7_3)			\
	{								\
		#_name ", " #_caller, in_each_context, NULL,		\
		contexts_teardown, (void *)&(const struct row){		\
			&(_caller), #_name, _kfunc, { _6_12, _7_3 },	\
		},							\
	}
#define CALL(_caller, _name, ...)					\
	ROW(_caller, _name, "iommufd_policy_" #_name, __VA_ARGS__)
#define SUMS(_caller, ...)						\
	CALL(_caller, pinned_by_context, __VA_ARGS__),			\
	CALL(_caller, pinned_by_user, __VA_ARGS__),			\
	CALL(_caller, pinned_by_cgroup, __VA_ARGS__)
#define WALK(_caller, _kind, ...)					\
	ROW(_caller, walk_##_kind, "bpf_iter_iommufd_" #_kind "_new",	\
	    __VA_ARGS__)
#define WALKS(_caller, ...)						\
	WALK(_caller, context, __VA_ARGS__),				\
	WALK(_caller, account, __VA_ARGS__),				\
	WALK(_caller, area, __VA_ARGS__),				\
	WALK(_caller, range, __VA_ARGS__)

	const struct CMUnitTest tests[] = {
		TEST(a_timer_sums_while_memory_is_charged),
		TEST(every_hook_sums),
		TEST(every_hook_walks),
		/*
		 * plain, loop, each, vma, rcu, global, preempt, irq, lock,
		 * timer, wq; the first line is for 6.12, the second for 7.3.
		 * Both verifiers overlook that a hash calls back under RCU, and
		 * that of 6.12 that timers of sleepable programs must not
		 * sleep, nor global functions called under RCU.
		 */
		SUMS(hook,
		     "R R R H R R R K L R R",
		     "R R R R R R R R L R R"),
		CALL(hook, error,
		     "R R R H R A R K L A A",
		     "R R R R R A R R L A A"),
		CALL(hook, find_hole,
		     "S S S H S S S K L S A",
		     "S S S S S G S S L S A"),
		WALK(hook, ioas,
		     "S S S H S S S K L S R",
		     "S S S S S G S S L S R"),
		WALKS(hook,
		      "N N N H N N N K L N N",
		      "N N N N N N N N L N N"),

		SUMS(sleepable_hook,
		     "R R R H R R R K L R R",
		     "R R R R R R R R L R R"),
		CALL(sleepable_hook, error,
		     "R R R H R A R K L A A",
		     "R R R R R A R R L A A"),
		CALL(sleepable_hook, find_hole,
		     "R R E H W A W K L A A",
		     "R R E R W G W W L S A"),
		WALK(sleepable_hook, ioas,
		     "R R E H W E W K L E R",
		     "R R E R W G W W L S R"),
		WALKS(sleepable_hook,
		      "N N N H N N N K L N N",
		      "N N N N N N N N L N N"),

		SUMS(observer,
		     "R R R R R R R K L R R",
		     "R R R R R R R R L R R"),
		CALL(observer, error,
		     "N N N N N N N K L N N",
		     "N N N N N N N N L N N"),
		CALL(observer, find_hole,
		     "N N N N N N N K L N N",
		     "N N N N N N N N L N N"),
		WALK(observer, ioas,
		     "R R E R W E W K L E R",
		     "R R E R W G W W L S R"),
		WALKS(observer,
		      "R R E R W E W K L E R",
		      "R R E R W G W W L S R"),
	};

	return run_tap(tests, group_setup, group_teardown);
}

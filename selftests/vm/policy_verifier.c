// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=180 */
/* What must not load does not, and the verifier says why. */
#include "lib/policy.h"

#define HOOK(name) { #name, offsetof(struct iommufd_policy_ops, name) }

static const struct hook {
	const char *name;
	size_t place;
} hooks[] = {
	HOOK(map),
	HOOK(unmap),
	HOOK(attach),
	HOOK(detach),
	HOOK(iova_alloc),
	HOOK(charge),
	HOOK(uncharge),
	HOOK(init),
	HOOK(exit),
};

static const struct hook map = HOOK(map);
static const struct hook attach = HOOK(attach);
static const struct hook iova_alloc = HOOK(iova_alloc);
static const struct hook init = HOOK(init);
static const struct hook end = HOOK(exit);

static const char *const kinds[] = {
	"context", "account", "ioas", "area", "range",
};

static struct policy policy;

static int setup(void **state)
{
	policy.object = NULL;
	return 0;
}

static int teardown(void **state)
{
	if (policy.object)
		policy_stop(&policy);
	return 0;
}

/* One after another: each needs a load of its own */
static void start_over(void)
{
	teardown(NULL);
	policy_open_object(&policy, "reject", "reject");
}

static void assert_verifier_says(int err, const char *what, const char *message)
{
	if (err != -EACCES && err != -EINVAL)
		fail_msg("loading %s: %d", what, err);
	if (!strstr(verifier_log, message)) {
		print_error("%s\n", verifier_log);
		fail_msg("about %s the verifier does not say: %s", what,
			 message);
	}
}

static int load_hook(const struct hook *hook, const char *program)
{
	start_over();
	*(void **)((char *)policy.ops + hook->place) =
		policy_program(&policy, program);
	return policy_load(&policy);
}

static void assert_hook_loads(const struct hook *hook, const char *program)
{
	int err = load_hook(hook, program);

	if (err)
		fail_msg("loading %s: %d: %s", program, err, verifier_log);
}

static void assert_hook_refused(const struct hook *hook, const char *program,
				const char *message)
{
	assert_verifier_says(load_hook(hook, program), program, message);
}

/* A program that is no hook, with no policy */
static int load_program(const char *program)
{
	start_over();
	bpf_map__set_autocreate(policy.map, false);
	bpf_program__set_autoload(policy_program(&policy, program), true);
	return bpf_object__load(policy.object);
}

static void assert_program_refused(const char *program, const char *message)
{
	assert_verifier_says(load_program(program), program, message);
}

/* A struct_ops of the kernel itself, whose one hook is the program */
static int load_tcp(const char *program)
{
	struct bpf_map *map;
	char name[64];

	start_over();
	snprintf(name, sizeof(name), "%s_ops", program);
	map = bpf_object__find_map_by_name(policy.object, name);
	assert_non_null(map);
	bpf_map__set_autocreate(policy.map, false);
	bpf_map__set_autocreate(map, true);
	bpf_program__set_autoload(policy_program(&policy, program), true);
	return bpf_object__load(policy.object);
}

static void assert_each_hook_refused(const char *misuse, const char *message)
{
	char program[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		snprintf(program, sizeof(program), "%s_%s", hooks[i].name,
			 misuse);
		assert_hook_refused(&hooks[i], program, message);
	}
}

static void assert_each_iterator_refused(const char *misuse,
					 const char *message)
{
	char program[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		snprintf(program, sizeof(program), "%s_%s", kinds[i], misuse);
		assert_program_refused(program, message);
	}
}

/* Or the rest would show nothing. */
static void what_does_nothing_wrong_loads(void **state)
{
	char program[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		snprintf(program, sizeof(program), "%s_reads", hooks[i].name);
		assert_hook_loads(&hooks[i], program);
	}
	assert_hook_loads(&iova_alloc, "hole_right");
	assert_hook_loads(&map, "error_right");
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		snprintf(program, sizeof(program), "%s_right", kinds[i]);
		assert_int_equal(load_program(program), 0);
	}
	assert_int_equal(load_tcp("tcp_right"), 0);
}

static void a_hook_cannot_write_to_its_request(void **state)
{
	assert_each_hook_refused("writes", "only read is supported");
}

static void a_hook_cannot_read_beyond_its_request(void **state)
{
	assert_each_hook_refused("reads_beyond", "access beyond struct");
}

static void a_hook_has_no_arguments_beyond_its_own(void **state)
{
	assert_each_hook_refused("second_argument",
				 "invalid bpf_context access");
}

static void a_hook_that_sleeps_has_to_say_so(void **state)
{
	assert_each_hook_refused("sleeps", "program must be sleepable");
}

static void a_hook_has_to_answer(void **state)
{
	assert_hook_refused(&map, "map_answers_nothing", "R0 !read_ok");
}

/* The verifier does not mind: the module has to. */
static void a_pointer_is_no_answer(void **state)
{
	int iommu = context_open();
	uint32_t ioas = ioas_new(iommu);
	void *memory = memory_new(PAGE);
	uint64_t iova;

	assert_hook_loads(&map, "map_answers_a_pointer");
	assert_int_equal(policy_attach(&policy), 0);
	assert_int_equal(ioas_map(iommu, ioas, memory, PAGE, RW, &iova),
			 -EPROTO);
	assert_policy_reads("reject", "state", "ejected");
	assert_int_equal(ioas_map(iommu, ioas, memory, PAGE, RW, &iova), 0);
	munmap(memory, PAGE);
	close(iommu);
}

static void only_hooks_that_sleep_look_for_holes(void **state)
{
	assert_hook_refused(&iova_alloc, "hole_awake",
			    "program must be sleepable to call sleepable kfunc iommufd_policy_find_hole");
	assert_hook_refused(&iova_alloc, "hole_under_rcu",
			    "iommufd_policy_find_hole is sleepable within");
}

/* The module finds its own things around them. */
static void holes_are_for_requests_of_the_module_only(void **state)
{
	assert_hook_refused(&map, "hole_for_map",
			    "expected pointer to STRUCT iommufd_policy_iova_request");
	assert_hook_refused(&iova_alloc, "hole_for_part",
			    "expected pointer to STRUCT iommufd_policy_iova_request");
	assert_hook_refused(&iova_alloc, "hole_for_null",
			    "Possibly NULL pointer passed to trusted");
	assert_hook_refused(&iova_alloc, "hole_for_number",
			    "STRUCT iommufd_policy_iova_request");
	assert_hook_refused(&iova_alloc, "hole_for_copy",
			    "STRUCT iommufd_policy_iova_request");
	assert_hook_refused(&iova_alloc, "hole_for_made_up",
			    "STRUCT iommufd_policy_iova_request");
	assert_hook_refused(&iova_alloc, "hole_for_kept",
			    "must be referenced or trusted");
}

static void errors_are_of_requests_of_the_module_only(void **state)
{
	assert_hook_refused(&map, "error_of_null",
			    "Possibly NULL pointer passed to trusted");
	assert_hook_refused(&map, "error_of_part",
			    "expected pointer to STRUCT iommufd_policy_who");
	assert_hook_refused(&map, "error_of_number",
			    "STRUCT iommufd_policy_who");
	assert_hook_refused(&map, "error_of_copy",
			    "STRUCT iommufd_policy_who");
	assert_hook_refused(&map, "error_of_made_up",
			    "STRUCT iommufd_policy_who");
	assert_hook_refused(&init, "error_of_init",
			    "expected pointer to STRUCT iommufd_policy_who");
	assert_hook_refused(&end, "error_of_exit",
			    "expected pointer to STRUCT iommufd_policy_who");
}

static void the_text_of_an_error_is_a_constant(void **state)
{
	assert_hook_refused(&map, "error_text_changes",
			    "R3 does not point to a readonly map");
	assert_hook_refused(&map, "error_text_on_stack",
			    "doesn't point to a const string");
	assert_hook_refused(&attach, "error_text_of_request",
			    "doesn't point to a const string");
	assert_hook_refused(&map, "error_without_text",
			    "Possibly NULL pointer passed to trusted");
}

static void who_looks_cannot_speak_for_a_policy(void **state)
{
	assert_program_refused("looker_finds_hole",
			       "calling kernel function iommufd_policy_find_hole is not allowed");
	assert_program_refused("looker_reports",
			       "calling kernel function iommufd_policy_error is not allowed");
}

static void who_traces_has_nothing_to_ask(void **state)
{
	assert_program_refused("tracer_counts",
			       "calling kernel function iommufd_policy_pinned_by_user is not allowed");
}

static void other_struct_ops_are_no_policies(void **state)
{
	static const char *const programs[][2] = {
		{ "tcp_counts_context", "iommufd_policy_pinned_by_context" },
		{ "tcp_counts_user", "iommufd_policy_pinned_by_user" },
		{ "tcp_counts_cgroup", "iommufd_policy_pinned_by_cgroup" },
		{ "tcp_reports", "iommufd_policy_error" },
		{ "tcp_finds_hole", "iommufd_policy_find_hole" },
	};
	char message[96];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(programs); i++) {
		snprintf(message, sizeof(message),
			 "calling kernel function %s is not allowed",
			 programs[i][1]);
		assert_verifier_says(load_tcp(programs[i][0]), programs[i][0],
				     message);
	}
}

static void no_hook_looks_at_everything(void **state)
{
	assert_each_hook_refused("looks",
				 "calling kernel function bpf_iter_iommufd_context_new is not allowed");
}

static void a_walk_has_a_beginning_and_an_end(void **state)
{
	assert_each_iterator_refused("not_destroyed", "Unreleased reference");
	assert_each_iterator_refused("after_destroy",
				     "expected an initialized iter_iommufd_");
	assert_each_iterator_refused("without_new",
				     "expected an initialized iter_iommufd_");
	assert_each_iterator_refused("new_twice",
				     "expected uninitialized iter_iommufd_");
	assert_program_refused("ioas_from_context",
			       "expected an initialized iter_iommufd_ioas");
}

static void where_a_walk_is_cannot_be_forged(void **state)
{
	assert_each_iterator_refused("not_on_stack",
				     "expected pointer to an iterator on stack");
	assert_each_iterator_refused("forged",
				     "expected an initialized iter_iommufd_");
}

static void a_walk_may_sleep(void **state)
{
	assert_each_iterator_refused("under_rcu", "is sleepable within");
}

static void what_a_walk_shows_is_read_only(void **state)
{
	assert_each_iterator_refused("writes", "only read is supported");
	assert_each_iterator_refused("reads_beyond", "access beyond struct");
	assert_each_iterator_refused("unchecked", "invalid mem access");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_does_nothing_wrong_loads),
		TEST(a_hook_cannot_write_to_its_request),
		TEST(a_hook_cannot_read_beyond_its_request),
		TEST(a_hook_has_no_arguments_beyond_its_own),
		TEST(a_hook_that_sleeps_has_to_say_so),
		TEST(a_hook_has_to_answer),
		TEST(a_pointer_is_no_answer),
		TEST(only_hooks_that_sleep_look_for_holes),
		TEST(holes_are_for_requests_of_the_module_only),
		TEST(errors_are_of_requests_of_the_module_only),
		TEST(the_text_of_an_error_is_a_constant),
		TEST(who_looks_cannot_speak_for_a_policy),
		TEST(who_traces_has_nothing_to_ask),
		TEST(other_struct_ops_are_no_policies),
		TEST(no_hook_looks_at_everything),
		TEST(a_walk_has_a_beginning_and_an_end),
		TEST(where_a_walk_is_cannot_be_forged),
		TEST(a_walk_may_sleep),
		TEST(what_a_walk_shows_is_read_only),
	};

	return run_tap(tests, NULL, NULL);
}

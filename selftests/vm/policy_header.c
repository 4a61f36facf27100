// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=120 */
/*
 * What is compiled with the header loads on modules that are older or newer, if
 * they have what it uses, and else says what they lack.
 */
#include "lib/policy.h"
#include "bpf/contract.h"

#define IOVA 0x4000000

static struct bpf_object *object;
static struct bpf_link *attached;
static int iommu;
static uint32_t ioas;
static char *memory;
static char said[64 * KIB];

static int setup(void **state)
{
	object = NULL;
	attached = NULL;
	iommu = context_open();
	ioas = ioas_new(iommu);
	memory = memory_new(HUGE);
	return 0;
}

static int teardown(void **state)
{
	if (attached) {
		bpf_link__detach(attached);
		bpf_link__destroy(attached);
	}
	if (object)
		bpf_object__close(object);
	munmap(memory, HUGE);
	return close(iommu);
}

static int map(void)
{
	return ioas_map_at(iommu, ioas, memory, 2 * PAGE, READ, IOVA);
}

static int keep_what_libbpf_says(enum libbpf_print_level level,
				 const char *format, va_list args)
{
	size_t used = strlen(said);

	if (level == LIBBPF_WARN)
		vsnprintf(said + used, sizeof(said) - used, format, args);
	return 0;
}

static struct bpf_map *open_policy(const char *file, const char *name)
{
	struct bpf_map *map, *policy;

	object = object_open(file);
	said[0] = '\0';
	libbpf_set_print(keep_what_libbpf_says);
	policy = bpf_object__find_map_by_name(object, name);
	assert_non_null(policy);
	bpf_object__for_each_map(map, object)
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			bpf_map__set_autocreate(map, map == policy);
	return policy;
}

static void start(const char *file, const char *name)
{
	struct bpf_map *policy = open_policy(file, name);

	if (bpf_object__load(object))
		fail_msg("%s: %s%s", name, said, verifier_log);
	attached = bpf_map__attach_struct_ops(policy);
	if (!attached)
		fail_msg("%s: %s%s", name, strerror(errno), said);
}

static const volatile struct found *found(void)
{
	struct bpf_map *bss = bpf_object__find_map_by_name(object, ".bss");
	size_t size;
	void *value;

	value = bpf_map__initial_value(bss, &size);
	assert_true(size >= sizeof(struct found));
	return value;
}

static void assert_request_was_true(void)
{
	const volatile struct found *seen = found();

	assert_int_equal(map(), 0);
	assert_int_equal(seen->calls, 1);
	assert_int_equal(seen->ctx_id, fdinfo_value(iommu, "iommufd-ctx:\t"));
	assert_int_equal(seen->uid, getuid());
	assert_int_equal(seen->tgid, getpid());
	assert_int_equal(seen->iova, IOVA);
	assert_int_equal(seen->length, 2 * PAGE);
	assert_int_equal(seen->uptr, (uintptr_t)memory);
	assert_int_equal(seen->op, IOMMUFD_POLICY_OP_IOAS_MAP);
	assert_int_equal(seen->ioas_id, ioas);
	assert_int_equal(seen->prot, IOMMUFD_POLICY_PROT_READ);
	assert_int_equal(seen->fixed, 1);
}

static void assert_missing(const char *file, const char *name, int error,
			   const char *message)
{
	open_policy(file, name);
	assert_int_equal(bpf_object__load(object), error);
	if (!strstr(said, message) && !strstr(verifier_log, message)) {
		print_error("%s%s\n", said, verifier_log);
		fail_msg("about %s nobody says: %s", name, message);
	}
}

static int map_as_nobody(void *arg)
{
	CHECK(!become_nobody());
	CHECK(map() == -EPERM);
	return 0;
}

static void the_example_in_the_header_is_a_policy(void **state)
{
	start("example", "root_only");
	assert_int_equal(in_child(map_as_nobody, NULL), 0);
	assert_refused_by(iommu, "root_only map -1");
	assert_int_equal(map(), 0);
	assert_int_equal(policy_number("root_only", "map_asked"), 2);
}

static void one_for_an_older_module_reads_what_is_there_now(void **state)
{
	start("older", "older");
	assert_request_was_true();
	assert_policy_reads("older", "state", "active");
}

static void one_for_an_older_module_still_reports(void **state)
{
	struct edu edu;

	start("older", "older");
	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), -EPROTO);
	assert_policy_reads("older", "exit_kind", "65");
	assert_policy_reads("older", "exit_code", "5");
	assert_policy_reads("older", "exit_message", "from long ago");
	assert_int_equal(edu_attach(&edu, ioas), 0);
	edu_close(&edu);
}

static void one_for_a_newer_module_does_without(void **state)
{
	const volatile struct found *seen;

	start("newer", "newer");
	assert_request_was_true();
	seen = found();
	assert_int_equal(seen->known, (1 << FOUND_KNOWN) - 1);
	assert_int_equal(seen->unknown, 0);
	assert_int_equal(seen->pinned, 0);
}

static void what_it_finds_it_uses(void **state)
{
	struct edu edu;

	start("newer", "newer");
	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(map(), 0);
	assert_int_equal(found()->pinned, 0);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, READ, HUGE), 0);
	assert_int_equal(found()->pinned, 2);
	edu_close(&edu);
}

static void a_hook_that_is_missing_is_named(void **state)
{
	assert_missing("newer", "newer_hook", -ENOTSUP,
		       "Cannot find member resize");
}

static void a_data_member_that_is_missing_is_named(void **state)
{
	assert_missing("newer", "newer_data", -ENOTSUP,
		       "Cannot find member budget");
}

static void a_member_of_a_request_that_is_missing_is_named(void **state)
{
	assert_missing("newer", "newer_member", -EINVAL,
		       "struct iommufd_policy_map_request.colour");
}

static void an_enumerator_that_is_missing_is_named(void **state)
{
	assert_missing("newer", "newer_value", -EINVAL,
		       "enum iommufd_policy_mem::IOMMUFD_POLICY_MEM_NEWER");
}

static void a_function_that_is_missing_is_named(void **state)
{
	assert_missing("newer", "newer_function", -EINVAL,
		       "'iommufd_policy_paint' is referenced but wasn't resolved");
}

static void a_function_it_insists_on_is_named(void **state)
{
	assert_missing("strong", "strong", -EINVAL,
		       "'iommufd_policy_paint': not found");
}

/* Nothing is missing to libbpf: the module has to say it. */
static void a_flag_that_is_missing_is_refused(void **state)
{
	struct bpf_map *policy = open_policy("newer", "newer_flag");

	assert_int_equal(bpf_object__load(object), 0);
	assert_null(bpf_map__attach_struct_ops(policy));
	assert_int_equal(errno, EINVAL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_example_in_the_header_is_a_policy),
		TEST(one_for_an_older_module_reads_what_is_there_now),
		TEST(one_for_an_older_module_still_reports),
		TEST(one_for_a_newer_module_does_without),
		TEST(what_it_finds_it_uses),
		TEST(a_hook_that_is_missing_is_named),
		TEST(a_data_member_that_is_missing_is_named),
		TEST(a_member_of_a_request_that_is_missing_is_named),
		TEST(an_enumerator_that_is_missing_is_named),
		TEST(a_function_that_is_missing_is_named),
		TEST(a_function_it_insists_on_is_named),
		TEST(a_flag_that_is_missing_is_refused),
	};

	return run_tap(tests, NULL, NULL);
}

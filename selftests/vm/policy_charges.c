// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=180 */
/* Who is charged is told for what, and against which limit. */
#include <sys/resource.h>

#include "lib/asker.h"

/* Within reach of edu */
#define BASE (16 * MIB)

static struct policy policy;
static volatile struct answer *seen;
static int iommu;
static uint64_t context;
static uint32_t ioas;
static struct edu edu;
static char *memory;

static void open_context(uint64_t rlimit_mode)
{
	iommu = context_open();
	context = context_id(iommu);
	assert_int_equal(option_set(iommu, IOMMU_OPTION_RLIMIT_MODE, 0,
				    rlimit_mode), 0);
	ioas = ioas_new(iommu);
	edu_open(&edu, iommu);
	memory = memory_new(16 * PAGE);
	asker_prepare();
	policy_start(&policy, "answer");
	seen = policy.answer;
}

static int setup_by_user(void **state)
{
	open_context(0);
	return 0;
}

static int setup_by_process(void **state)
{
	open_context(1);
	return 0;
}

static int teardown(void **state)
{
	policy_stop(&policy);
	asker_remove();
	munmap(memory, 16 * PAGE);
	edu_close(&edu);
	return close(iommu);
}

static int map_at(unsigned long first, unsigned long nr)
{
	return ioas_map_at(iommu, ioas, memory + first * PAGE, nr * PAGE, RW,
			   BASE + first * PAGE);
}

/* Memory of three pages at two places, and of two pages at one */
static void map_before(void)
{
	const struct copy_source first = { ioas, BASE, 3 * PAGE };

	assert_int_equal(map_at(0, 3), 0);
	assert_int_equal(ioas_copy_at(iommu, ioas, &first, RW, BASE + MIB), 0);
	assert_int_equal(ioas_map_at(iommu, ioas, memory + 8 * PAGE, 2 * PAGE,
				     RW, BASE + HUGE), 0);
	assert_int_equal(seen->charge.calls, 0);
}

/* Once, for each page once */
static bool is_charged_for_filling(void)
{
	return seen->charge.calls == 1 && seen->balance == 5 &&
	       seen->charge.op == IOMMUFD_POLICY_OP_FILL_DOMAIN &&
	       seen->charge.ioas_id == ioas && seen->charge.pages == 5 &&
	       seen->charge.asked == 5 && seen->charge.pinned == 0 &&
	       is_root(&seen->charge.who, context);
}

static int fill_by_attach(void *arg)
{
	CHECK(!become_asker());
	CHECK(!edu_attach(&edu, ioas));
	CHECK(is_charged_for_filling());
	CHECK(is_asker(&seen->attach.who, context));
	CHECK(!edu_detach(&edu));
	CHECK(seen->uncharge.calls == 2 && seen->balance == 0);
	CHECK(is_root(&seen->uncharge.who, context));
	CHECK(is_asker(&seen->detach.who, context));
	return 0;
}

static void an_attach_to_what_is_mapped(void **state)
{
	map_before();
	assert_int_equal(in_child(fill_by_attach, NULL), 0);
	assert_policy_counts("answer", "attach_asked=1 charge_asked=1 "
			     "detach_told=1 map_asked=3 uncharge_told=2");
}

static int fill_by_hwpt(void *arg)
{
	int64_t hwpt;

	CHECK(!become_asker());
	hwpt = hwpt_alloc(iommu, edu.id, ioas, 0);
	CHECK(hwpt > 0);
	CHECK(is_charged_for_filling());
	CHECK(!object_destroy(iommu, hwpt));
	CHECK(seen->uncharge.calls == 2 && seen->balance == 0);
	return 0;
}

static void a_hwpt_of_what_is_mapped(void **state)
{
	map_before();
	assert_int_equal(in_child(fill_by_hwpt, NULL), 0);
	assert_policy_counts("answer", "charge_asked=1 map_asked=3 "
			     "uncharge_told=2");
}

static int take_over(void *arg)
{
	CHECK(!become_asker());
	CHECK(!ioas_change_process(iommu));
	CHECK(is_asker(&seen->charge.who, context));
	CHECK(seen->charge.op == IOMMUFD_POLICY_OP_CHANGE_PROCESS);
	CHECK(seen->charge.ioas_id == 0);
	CHECK(seen->charge.pages == 5 && seen->charge.asked == 5);
	CHECK(seen->charge.pinned == 0);
	CHECK(seen->charge.calls == 3);
	CHECK(is_root(&seen->uncharge.who, context));
	CHECK(seen->uncharge.calls == 2 && seen->balance == 5);
	/* It has paid already. */
	CHECK(!ioas_change_process(iommu));
	CHECK(seen->charge.calls == 3 && seen->uncharge.calls == 2);

	CHECK(!ioas_unmap_all(iommu, ioas));
	CHECK(is_asker(&seen->uncharge.who, context));
	CHECK(seen->uncharge.calls == 4 && seen->balance == 0);
	return 0;
}

static void who_takes_over_memory(void **state)
{
	int fd = memfd_create("charges", MFD_CLOEXEC);
	const struct file_range ranges[] = {
		{ fd, 0, 2 * PAGE }, { fd, 4 * PAGE, 3 * PAGE },
	};
	uint64_t iova;
	size_t i;

	assert_return_code(ftruncate(fd, 8 * PAGE), errno);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		assert_int_equal(ioas_map_file(iommu, ioas, &ranges[i], RW,
					       &iova), 0);
	assert_int_equal(in_child(take_over, NULL), 0);
	assert_policy_counts("answer", "attach_asked=1 charge_asked=3 "
			     "iova_alloc_asked=2 map_asked=2 uncharge_told=4 "
			     "unmap_told=1");
	close(fd);
}

static int pay_against_a_limit(void *arg)
{
	unsigned int kind = *(unsigned int *)arg;

	CHECK(!become_asker());
	CHECK(!map_at(0, 3));
	CHECK(is_asker(&seen->charge.who, context));
	CHECK(seen->charge.op == IOMMUFD_POLICY_OP_IOAS_MAP);
	CHECK(seen->charge.ioas_id == ioas);
	CHECK(seen->charge.pages == 3 && seen->charge.asked == 3);
	CHECK(seen->charge.pinned == 0 && seen->charge.charged == 0);
	CHECK(seen->charge.limit == ASKER_LIMIT && seen->charge.limit_kind == kind);
	/* What it counts besides is none of ours. */
	if (kind == IOMMUFD_POLICY_LIMIT_PROCESS)
		CHECK(!mlock(memory + 15 * PAGE, PAGE));
	CHECK(!map_at(4, 5));
	CHECK(seen->charge.pages == 5 && seen->charge.asked == 5);
	CHECK(seen->charge.pinned == 3);
	CHECK(seen->charge.charged ==
	      3 + (kind == IOMMUFD_POLICY_LIMIT_PROCESS));
	CHECK(seen->charge.limit == ASKER_LIMIT && seen->charge.limit_kind == kind);

	CHECK(!ioas_unmap(iommu, ioas, BASE, 3 * PAGE, NULL));
	CHECK(is_asker(&seen->uncharge.who, context));
	CHECK(seen->uncharge.pages == 3);
	CHECK(!ioas_unmap_all(iommu, ioas));
	CHECK(seen->uncharge.pages == 5);
	return 0;
}

static void assert_limit_is(unsigned int kind)
{
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(in_child(pay_against_a_limit, &kind), 0);
	assert_policy_counts("answer", "attach_asked=1 charge_asked=2 "
			     "map_asked=2 uncharge_told=2 unmap_told=2");
	assert_int_equal(seen->balance, 0);
}

static void a_charge_against_the_limit_of_a_user(void **state)
{
	assert_limit_is(IOMMUFD_POLICY_LIMIT_USER);
}

static void a_charge_against_the_limit_of_a_process(void **state)
{
	assert_limit_is(IOMMUFD_POLICY_LIMIT_PROCESS);
}

static int pay_without_limit(void *arg)
{
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };

	CHECK(!setrlimit(RLIMIT_MEMLOCK, &none));
	CHECK(!become_nobody());
	CHECK(!map_at(0, 3));
	CHECK(!map_at(4, 5));
	CHECK(seen->charge.pinned == 3 && seen->charge.charged == 3);
	CHECK(seen->charge.limit == UINT64_MAX);
	CHECK(seen->charge.limit_kind == *(unsigned int *)arg);
	return 0;
}

static void a_charge_of_who_has_no_limit(void **state)
{
	unsigned int kind = IOMMUFD_POLICY_LIMIT_USER;

	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(in_child(pay_without_limit, &kind), 0);
}

static void a_charge_of_a_process_that_has_no_limit(void **state)
{
	unsigned int kind = IOMMUFD_POLICY_LIMIT_PROCESS;

	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(in_child(pay_without_limit, &kind), 0);
}

static void a_charge_of_who_is_exempt(void **state)
{
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(map_at(0, 3), 0);
	assert_int_equal(map_at(4, 5), 0);
	assert_true(is_root(&seen->charge.who, context));
	assert_int_equal(seen->charge.pages, 5);
	assert_int_equal(seen->charge.pinned, 3);
	assert_int_equal(seen->charge.charged, 0);
	assert_int_equal(seen->charge.limit, UINT64_MAX);
	assert_int_equal(seen->charge.limit_kind, IOMMUFD_POLICY_LIMIT_NONE);
}

/* It is known before anything is pinned. */
static void what_cannot_be_mapped_is_not_charged(void **state)
{
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(map_at(0, 1), 0);
	assert_int_equal(map_at(0, 1), -EEXIST);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW, 0xfee00000),
			 -EINVAL);
	assert_policy_counts("answer", "attach_asked=1 charge_asked=1 "
			     "map_asked=3");
}

static void what_cannot_be_pinned_is_paid_back(void **state)
{
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(munmap(memory + 2 * PAGE, PAGE), 0);
	assert_int_equal(map_at(0, 4), -EFAULT);
	assert_int_equal(seen->charge.pages, 4);
	assert_int_equal(seen->uncharge.pages, 4);
	assert_true(is_root(&seen->uncharge.who, context));
	assert_policy_counts("answer", "attach_asked=1 charge_asked=1 "
			     "map_asked=1 uncharge_told=1");
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), 0);
}

#define BY_USER(_test)							\
	cmocka_unit_test_setup_teardown(_test, setup_by_user, teardown)
#define BY_PROCESS(_test)						\
	cmocka_unit_test_setup_teardown(_test, setup_by_process, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		BY_USER(an_attach_to_what_is_mapped),
		BY_USER(a_hwpt_of_what_is_mapped),
		BY_USER(who_takes_over_memory),
		BY_USER(a_charge_against_the_limit_of_a_user),
		BY_PROCESS(a_charge_against_the_limit_of_a_process),
		BY_USER(a_charge_of_who_has_no_limit),
		BY_PROCESS(a_charge_of_a_process_that_has_no_limit),
		BY_USER(a_charge_of_who_is_exempt),
		BY_USER(what_cannot_be_mapped_is_not_charged),
		BY_USER(what_cannot_be_pinned_is_paid_back),
	};

	return run_tap(tests, NULL, NULL);
}

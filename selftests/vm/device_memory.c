// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=180 */
/*
 * Memory that cannot be pinned fails with EFAULT, also where it exceeds what the
 * process may pin: QEMU recognises a BAR by that errno and does without it.
 */
#include "lib/policy.h"
#include "lib/type1.h"

/* Within reach of edu */
#define BASE (16 * MIB)
/* Pages a tenant may lock: fewer than the BAR has */
#define LIMIT 16UL
/* Pages of ordinary memory before the BAR and before the hole, within the limit */
#define BEFORE 8UL

/**
 * struct way - how memory is mapped and who is asked to pay
 * @per_process: the limit is that of the process, not of the user
 * @type1: map with VFIO_IOMMU_MAP_DMA, which is always limited per process
 * @policy: a policy has a charge hook
 * @answer: of that hook
 * @refused: errno for memory that can be pinned, beyond the limit
 */
struct way {
	bool per_process;
	bool type1;
	bool policy;
	int answer;
	int refused;
};

static const struct way by_user = { .refused = -ENOMEM };
static const struct way by_process = {
	.per_process = true,
	.refused = -ENOMEM,
};
static const struct way by_type1 = { .type1 = true, .refused = -ENOMEM };
static const struct way by_user_with_payer = {
	.policy = true,
	.answer = IOMMUFD_POLICY_PAY,
	.refused = -ENOMEM,
};
static const struct way by_user_with_refuser = {
	.policy = true,
	.answer = -EDQUOT,
	.refused = -EDQUOT,
};
static const struct way by_type1_with_refuser = {
	.type1 = true,
	.policy = true,
	.answer = -EDQUOT,
	.refused = -EDQUOT,
};

static const struct way *way;
static struct policy policy;
static int iommu;
static uint32_t ioas;
static struct edu edu;
/* More pages than the limit, which can be pinned */
static char *memory;
/* BEFORE pages of memory, and the BAR behind them */
static char *bar;
static size_t bar_pages;

static void place_bar(void)
{
	char *memory_and_bar = memory_new(BEFORE * PAGE + edu.regs_length);

	bar = mremap((void *)edu.regs, edu.regs_length, edu.regs_length,
		     MREMAP_MAYMOVE | MREMAP_FIXED,
		     memory_and_bar + BEFORE * PAGE);
	assert_ptr_equal(bar, memory_and_bar + BEFORE * PAGE);
	edu.regs = bar;
	bar_pages = edu.regs_length / PAGE;
	assert_true(bar_pages > LIMIT);
}

static int setup(void **state)
{
	way = *state;
	iommu = context_open();
	assert_int_equal(option_set(iommu, IOMMU_OPTION_RLIMIT_MODE, 0,
				    way->per_process), 0);
	ioas = ioas_new(iommu);
	assert_int_equal(compat_set(iommu, ioas), 0);
	edu_open(&edu, iommu);
	place_bar();
	memory = memory_new(2 * LIMIT * PAGE);
	if (!way->policy)
		return 0;
	policy_start(&policy, "answer");
	policy.answer->charge_answer = way->answer;
	return 0;
}

static int teardown(void **state)
{
	if (way->policy)
		policy_stop(&policy);
	munmap(memory, 2 * LIMIT * PAGE);
	munmap(bar - BEFORE * PAGE, BEFORE * PAGE);
	edu_close(&edu);
	close(iommu);
	assert_int_equal(pinned_pages(0), 0);
	return 0;
}

static int map_at(const char *start, size_t pages, unsigned long place)
{
	uint64_t iova = BASE + place * MIB;

	if (way->type1)
		return type1_map(iommu, start, pages * PAGE, DMA_RW, iova);
	return ioas_map_at(iommu, ioas, start, pages * PAGE, RW, iova);
}

static bool nothing_is_charged(void)
{
	return fdinfo_value(iommu, "iommufd-pinned:") == 0 &&
	       fdinfo_value(iommu, "iommufd-charged:") == 0 &&
	       status_kib("VmPin:") == 0 && status_kib("VmLck:") == 0 &&
	       (!way->policy || policy.answer->balance == 0);
}

static int map_bar(void *arg)
{
	CHECK(!become_tenant(LIMIT));
	CHECK(map_at(bar, bar_pages, 0) == -EFAULT);
	/* Part of it, of which the limit would permit as much */
	CHECK(map_at(bar, LIMIT, 0) == -EFAULT);
	CHECK(map_at(bar + PAGE, 1, 0) == -EFAULT);
	CHECK(nothing_is_charged());
	CHECK(ioas_areas(iommu, ioas) == 0);
	return 0;
}

static void mapping_a_bar(void **state)
{
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(in_child(map_bar, NULL), 0);
}

static int map_bar_behind_memory(void *arg)
{
	const char *start = bar - BEFORE * PAGE;

	CHECK(!become_tenant(LIMIT));
	CHECK(map_at(start, BEFORE + bar_pages, 0) == -EFAULT);
	CHECK(map_at(start, BEFORE + 1, 0) == -EFAULT);
	CHECK(nothing_is_charged());
	CHECK(ioas_areas(iommu, ioas) == 0);
	return 0;
}

static void mapping_memory_with_a_bar_behind(void **state)
{
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(in_child(map_bar_behind_memory, NULL), 0);
}

static int map_hole(void *arg)
{
	CHECK(!become_tenant(LIMIT));
	CHECK(!munmap(memory + BEFORE * PAGE, (2 * LIMIT - BEFORE) * PAGE));
	CHECK(map_at(memory, 2 * LIMIT, 0) == -EFAULT);
	CHECK(map_at(memory + BEFORE * PAGE, 2 * LIMIT - BEFORE, 0) == -EFAULT);
	CHECK(nothing_is_charged());
	CHECK(ioas_areas(iommu, ioas) == 0);
	return 0;
}

static void mapping_a_hole(void **state)
{
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(in_child(map_hole, NULL), 0);
}

static int map_memory(void *arg)
{
	CHECK(!become_tenant(LIMIT));
	CHECK(map_at(memory, LIMIT + 1, 0) == way->refused);
	CHECK(nothing_is_charged());
	CHECK(ioas_areas(iommu, ioas) == 0);
	return 0;
}

static void mapping_memory_is_refused_as_before(void **state)
{
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(in_child(map_memory, NULL), 0);
}

static int attach_to_bar(void *arg)
{
	CHECK(!become_tenant(LIMIT));
	CHECK(!map_at(bar, bar_pages, 0));
	CHECK(edu_attach(&edu, ioas) == -EFAULT);
	CHECK(hwpt_alloc(iommu, edu.id, ioas, 0) == -EFAULT);
	CHECK(nothing_is_charged());
	return 0;
}

static void attaching_to_a_bar(void **state)
{
	assert_int_equal(in_child(attach_to_bar, NULL), 0);
}

static int attach_to_memory_and_bar(void *arg)
{
	CHECK(!become_tenant(LIMIT));
	CHECK(!map_at(memory, BEFORE, 0));
	CHECK(!map_at(bar, bar_pages, 1));
	CHECK(edu_attach(&edu, ioas) == -EFAULT);
	CHECK(nothing_is_charged());
	CHECK(ioas_areas(iommu, ioas) == 2);
	return 0;
}

static void attaching_to_memory_and_a_bar(void **state)
{
	assert_int_equal(in_child(attach_to_memory_and_bar, NULL), 0);
}

static int attach_to_memory(void *arg)
{
	CHECK(!become_tenant(LIMIT));
	CHECK(!map_at(memory, LIMIT + 1, 0));
	CHECK(edu_attach(&edu, ioas) == way->refused);
	CHECK(nothing_is_charged());
	return 0;
}

static void attaching_to_memory_is_refused_as_before(void **state)
{
	assert_int_equal(in_child(attach_to_memory, NULL), 0);
}

#define WAY(_test, _way)						\
	{ #_test ", " #_way, _test, setup, teardown, (void *)&_way }
#define EACH_WAY(_test)							\
	WAY(_test, by_user), WAY(_test, by_process),			\
	WAY(_test, by_type1), WAY(_test, by_user_with_payer),		\
	WAY(_test, by_user_with_refuser),				\
	WAY(_test, by_type1_with_refuser)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		EACH_WAY(mapping_a_bar),
		EACH_WAY(mapping_memory_with_a_bar_behind),
		EACH_WAY(mapping_a_hole),
		EACH_WAY(mapping_memory_is_refused_as_before),
		EACH_WAY(attaching_to_a_bar),
		EACH_WAY(attaching_to_memory_and_a_bar),
		EACH_WAY(attaching_to_memory_is_refused_as_before),
	};

	return run_tap(tests, NULL, NULL);
}

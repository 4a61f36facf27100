// SPDX-License-Identifier: GPL-2.0-only
/* IOAS_COPY, and what policies are asked about it */
#include "lib/policy.h"

#define BASE (16 * MIB)
#define ELSEWHERE (64 * MIB)
#define PAGES 64UL
#define LENGTH (PAGES * PAGE)

static int iommu;
/* A device is attached to it */
static uint32_t src;
static uint32_t dst;
static struct edu edu;
static char *memory;
static struct policy policy;

static int setup(void **state)
{
	iommu = context_open();
	src = ioas_new(iommu);
	dst = ioas_new(iommu);
	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, src), 0);
	memory = memory_new(LENGTH);
	policy.object = NULL;
	return 0;
}

static int teardown(void **state)
{
	if (policy.object)
		policy_stop(&policy);
	munmap(memory, LENGTH);
	edu_close(&edu);
	return close(iommu);
}

static void map_pages(uint64_t first, uint64_t nr)
{
	assert_int_equal(ioas_map_at(iommu, src, memory + first * PAGE,
				     nr * PAGE, RW, BASE + first * PAGE), 0);
}

static struct copy_source pages(uint64_t first, uint64_t nr)
{
	return (struct copy_source){ src, BASE + first * PAGE, nr * PAGE };
}

static void assert_copied(unsigned long areas)
{
	assert_int_equal(ioas_areas(iommu, dst), areas);
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), 16);
	assert_int_equal(pinned_pages(16), 16);
}

static void is_told_the_truth(void **state)
{
	struct copy_source from = pages(3, 5);
	volatile struct answer_map *seen;
	uint64_t iova;

	map_pages(0, 16);
	policy_start(&policy, "answer");
	seen = &policy.answer->map;
	assert_int_equal(ioas_copy_at(iommu, dst, &from, READ, ELSEWHERE), 0);
	assert_int_equal(seen->calls, 1);
	assert_int_equal(seen->op, IOMMUFD_POLICY_OP_IOAS_COPY);
	assert_int_equal(seen->ioas_id, dst);
	assert_int_equal(seen->src_ioas_id, src);
	assert_int_equal(seen->src_iova, BASE + 3 * PAGE);
	assert_int_equal(seen->iova, ELSEWHERE);
	assert_int_equal(seen->length, 5 * PAGE);
	assert_int_equal(seen->uptr, 0);
	assert_int_equal(seen->prot, IOMMUFD_POLICY_PROT_READ);
	assert_int_equal(seen->mem, IOMMUFD_POLICY_MEM_ALL);
	assert_int_equal(seen->fixed, 1);
	assert_int_equal(seen->who.ctx_id, fdinfo_value(iommu, "iommufd-ctx:"));
	assert_int_equal(seen->who.tgid, getpid());

	assert_int_equal(ioas_copy(iommu, src, &from, RW, &iova), 0);
	assert_int_equal(seen->calls, 2);
	assert_int_equal(seen->ioas_id, src);
	assert_int_equal(seen->iova, 0);
	assert_int_equal(seen->prot,
			 IOMMUFD_POLICY_PROT_READ | IOMMUFD_POLICY_PROT_WRITE);
	assert_int_equal(seen->fixed, 0);
	/* Of a mapping there is no source */
	map_pages(32, 1);
	assert_int_equal(seen->op, IOMMUFD_POLICY_OP_IOAS_MAP);
	assert_int_equal(seen->src_ioas_id, 0);
	assert_int_equal(seen->src_iova, 0);
}

static void can_refuse(void **state)
{
	const struct copy_source from = pages(0, 16);

	map_pages(0, 16);
	policy_start(&policy, "answer");
	policy.answer->map_answer = -EDQUOT;
	assert_int_equal(ioas_copy_at(iommu, dst, &from, RW, BASE), -EDQUOT);
	assert_copied(0);
	assert_refused_by(iommu, "answer map -122");
	/* One that forbids a kind of memory does not know that it is not that */
	policy.answer->map_answer = 0;
	policy.answer->forbidden = IOMMUFD_POLICY_MEM_PFNMAP;
	assert_int_equal(ioas_copy_at(iommu, dst, &from, RW, BASE), -EACCES);
	assert_copied(0);
	policy.answer->forbidden = 0;
	assert_int_equal(ioas_copy_at(iommu, dst, &from, RW, BASE), 0);
	assert_copied(1);
	assert_int_equal(policy_number("answer", "map_refused"), 2);
}

static void is_not_asked_about_nonsense(void **state)
{
	struct copy_source from = pages(0, 1);

	map_pages(0, 1);
	policy_start(&policy, "answer");
	assert_int_equal(ioas_copy_at(iommu, dst, &from, 0, BASE), -EINVAL);
	assert_int_equal(ioas_copy_at(iommu, edu.id, &from, RW, BASE),
			 -ENOENT);
	from.ioas = UINT32_MAX;
	assert_int_equal(ioas_copy_at(iommu, dst, &from, RW, BASE), -ENOENT);
	assert_int_equal(policy.answer->map.calls, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(is_told_the_truth),
		TEST(can_refuse),
		TEST(is_not_asked_about_nonsense),
	};

	return run_tap(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=180 */
/* Policies that pay for pinned pages: how much, for whom, and when. */

#include "lib/books.h"
#include "lib/cgroup.h"
#include "lib/policy.h"
#include "lib/puppet.h"
#include "lib/quota.h"
#include "lib/type1.h"

#define BASE (16 * MIB)
#define PAGES 512UL
/* More than any test pins */
#define LIMIT (2 * PAGES)

/**
 * struct vmm - a process with a context of its own, in a cgroup of its own
 * @cgroup: the cgroup
 * @process: the process; it is nobody
 * @iommu: the context, which the test has opened
 * @ioas: an IOAS in it
 */
static struct vmm {
	const char *cgroup;
	struct puppet process;
	int iommu;
	uint32_t ioas;
} vmms[2] = { { .cgroup = "money-a" }, { .cgroup = "money-b" } };

static struct vmm *const a = &vmms[0], *const b = &vmms[1];
/* Which one the process is */
static struct vmm *self = &vmms[0];
static struct policy policy;
static struct edu edu;
static int nvme, group;
static char *memory;

static long become(long nr, long unused)
{
	self = &vmms[nr];
	return become_tenant(LIMIT);
}

static int setup_processes(void **state)
{
	size_t i;

	policy.object = NULL;
	edu.vfio = -1;
	nvme = -1;
	group = -1;
	memory = memory_new(PAGES * PAGE);
	books_open();
	for (i = 0; i < 2; i++) {
		vmms[i].iommu = context_open();
		vmms[i].ioas = ioas_new(vmms[i].iommu);
	}
	return 0;
}

static void start_processes(void)
{
	size_t i;

	for (i = 0; i < 2; i++) {
		cgroup_new(vmms[i].cgroup);
		puppet_start(&vmms[i].process);
		cgroup_move(vmms[i].cgroup, vmms[i].process.pid);
		assert_int_equal(puppet_do(&vmms[i].process, become, i, 0), 0);
	}
}

static int setup(void **state)
{
	setup_processes(state);
	edu_open(&edu, a->iommu);
	nvme = nvme_bind(b->iommu);
	assert_return_code(nvme, -nvme);
	start_processes();
	return 0;
}

/* edu sees the IOAS of one, and the NVMe that of the other. */
static int setup_attached(void **state)
{
	setup(state);
	assert_int_equal(edu_attach(&edu, a->ioas), 0);
	assert_int_equal(nvme_attach(nvme, b->ioas), 0);
	return 0;
}

static int setup_type1(void **state)
{
	setup_processes(state);
	group = group_open();
	assert_return_code(group, -group);
	assert_int_equal(group_set_container(group, a->iommu), 0);
	assert_int_equal(type1_set_iommu(a->iommu, VFIO_TYPE1_IOMMU), 0);
	assert_int_equal(group_get_edu(group, &edu), 0);
	start_processes();
	return 0;
}

static int teardown(void **state)
{
	size_t i;

	for (i = 0; i < 2; i++) {
		puppet_kill(&vmms[i].process);
		cgroup_remove(vmms[i].cgroup);
	}
	if (policy.object)
		policy_stop(&policy);
	if (edu.vfio >= 0)
		edu_close(&edu);
	if (nvme >= 0)
		close(nvme);
	if (group >= 0)
		close(group);
	for (i = 0; i < 2; i++)
		close(vmms[i].iommu);
	books_agree(NULL, 0, 0, 0);
	books_close();
	munmap(memory, PAGES * PAGE);
	return 0;
}

/* By page of memory, at an address that goes with it */
static long map_at(long first, long nr)
{
	return ioas_map_at(self->iommu, self->ioas, memory + first * PAGE,
			   nr * PAGE, RW, BASE + first * PAGE);
}

static long unmap_at(long first, long nr)
{
	return ioas_unmap(self->iommu, self->ioas, BASE + first * PAGE,
			  nr * PAGE, NULL);
}

static long map(struct vmm *vmm, long first, long nr)
{
	return puppet_do(&vmm->process, map_at, first, nr);
}

static long unmap(struct vmm *vmm, long first, long nr)
{
	return puppet_do(&vmm->process, unmap_at, first, nr);
}

static void set_quota(const struct vmm *vmm, unsigned long pages)
{
	quota_set(&policy, vmm->cgroup, pages);
}

static unsigned long used(const struct vmm *vmm)
{
	return quota_used(&policy, vmm->cgroup);
}

static void start_quota(unsigned long of_a, unsigned long of_b)
{
	quota_open(&policy, NULL);
	assert_int_equal(policy_load(&policy), 0);
	set_quota(a, of_a);
	set_quota(b, of_b);
	assert_int_equal(policy_attach(&policy), 0);
}

/* All agree on what is pinned, by whom, and that the policy pays for it. */
static void assert_pinned(unsigned long of_a, unsigned long of_b)
{
	const int contexts[] = { a->iommu, b->iommu };
	const unsigned long sum = of_a + of_b;

	books_agree(contexts, 2, sum, sum);
	assert_int_equal(books_by_cgroup(a->cgroup), of_a);
	assert_int_equal(books_by_cgroup(b->cgroup), of_b);
}

static void assert_quota_used(unsigned long of_a, unsigned long of_b)
{
	assert_pinned(of_a, of_b);
	assert_int_equal(used(a), of_a);
	assert_int_equal(used(b), of_b);
	assert_int_equal(policy_number("quota", "paid"), of_a + of_b);
}

/* The same for a policy that pays for all. */
static void assert_answer_paid(unsigned long of_a, unsigned long of_b)
{
	assert_pinned(of_a, of_b);
	assert_int_equal(policy.answer->balance, of_a + of_b);
	assert_int_equal(policy_number("answer", "paid"), of_a + of_b);
}

static void two_vmms_of_one_user_have_quotas_of_their_own(void **state)
{
	start_quota(8, 16);
	assert_int_equal(map(a, 0, 8), 0);
	assert_quota_used(8, 0);
	assert_int_equal(map(a, 8, 1), -EDQUOT);
	assert_refused_by(a->iommu, "quota charge -122");
	assert_int_equal(map(b, 0, 17), -EDQUOT);
	assert_refused_by(b->iommu, "quota charge -122");
	assert_quota_used(8, 0);
	assert_int_equal(map(b, 0, 8), 0);
	assert_int_equal(map(b, 8, 8), 0);
	assert_quota_used(8, 16);
	assert_int_equal(map(b, 16, 1), -EDQUOT);

	/* What one gives back is not for the other. */
	assert_int_equal(unmap(a, 0, 8), 0);
	assert_quota_used(0, 16);
	assert_int_equal(map(b, 16, 1), -EDQUOT);
	assert_int_equal(map(a, 0, 8), 0);
	assert_int_equal(unmap(b, 0, 8), 0);
	assert_quota_used(8, 8);
	assert_int_equal(policy_number("quota", "charge_asked"), 8);
	assert_int_equal(policy_number("quota", "charge_refused"), 4);
	assert_int_equal(policy_number("quota", "uncharge_told"), 2);
}

static void a_quota_below_use_refuses_only_new_charges(void **state)
{
	struct copy_source source = { a->ioas, BASE, 8 * PAGE };

	start_quota(8, 0);
	assert_int_equal(map(a, 0, 4), 0);
	assert_int_equal(map(a, 4, 4), 0);
	set_quota(a, 2);
	assert_quota_used(8, 0);
	assert_int_equal(map(a, 8, 1), -EDQUOT);
	/* The device has it all as before, and it can be mapped once more. */
	memory_random(memory, PAGE);
	edu_read(&edu, BASE + 7 * PAGE);
	assert_int_equal(ioas_copy_at(a->iommu, a->ioas, &source, RW,
				      BASE + 100 * PAGE), 0);
	assert_int_equal(unmap(a, 100, 8), 0);
	assert_quota_used(8, 0);

	assert_int_equal(unmap(a, 4, 4), 0);
	assert_int_equal(map(a, 8, 1), -EDQUOT);
	assert_quota_used(4, 0);
	assert_int_equal(unmap(a, 0, 4), 0);
	assert_int_equal(map(a, 0, 3), -EDQUOT);
	assert_int_equal(map(a, 0, 2), 0);
	assert_int_equal(map(a, 2, 1), -EDQUOT);
	set_quota(a, 3);
	assert_int_equal(map(a, 2, 1), 0);
	assert_quota_used(3, 0);
}

static void shared_memory_in_three_ioases_is_paid_once(void **state)
{
	const uint32_t ioases[] = { a->ioas, ioas_new(a->iommu),
				    ioas_new(a->iommu) };
	struct copy_source source = { a->ioas, BASE, 8 * PAGE };
	size_t i;

	/* Each IOAS has a domain, which what is mapped there is for. */
	for (i = 1; i < 3; i++)
		assert_true(hwpt_alloc(a->iommu, edu.id, ioases[i], 0) > 0);
	policy_start(&policy, "answer");
	assert_int_equal(map(a, 0, 8), 0);
	for (i = 1; i < 3; i++)
		assert_int_equal(ioas_copy_at(a->iommu, ioases[i], &source, RW,
					      BASE), 0);
	assert_int_equal(policy.answer->charge.calls, 1);
	assert_answer_paid(8, 0);
	/* Paid for until the last one is gone */
	for (i = 0; i < 3; i++) {
		assert_answer_paid(8, 0);
		assert_int_equal(policy.answer->uncharge.calls, 0);
		assert_int_equal(ioas_unmap_all(a->iommu, ioases[i]), 0);
	}
	assert_int_equal(policy.answer->uncharge.calls, 1);
	assert_int_equal(policy.answer->uncharge.pages, 8);
	assert_answer_paid(0, 0);
}

static int copy(uint32_t from, unsigned long first, unsigned long nr,
		unsigned long to)
{
	struct copy_source source = { from, BASE + first * PAGE, nr * PAGE };

	return ioas_copy_at(a->iommu, a->ioas, &source, RW, BASE + to * PAGE);
}

static void assert_charged(unsigned long pages, unsigned long asked)
{
	assert_int_equal(policy.answer->charge.pages, pages);
	assert_int_equal(policy.answer->charge.asked, asked);
}

static void overlapping_copies_are_paid_for_where_they_are_new(void **state)
{
	uint32_t source = ioas_new(a->iommu);

	policy_start(&policy, "answer");
	assert_int_equal(ioas_map_at(a->iommu, source, memory, 16 * PAGE, RW,
				     BASE), 0);
	assert_int_equal(policy.answer->charge.calls, 0);
	assert_int_equal(copy(source, 0, 8, 0), 0);
	assert_charged(8, 8);
	assert_int_equal(copy(source, 4, 8, 100), 0);
	assert_charged(4, 8);
	assert_int_equal(copy(source, 2, 4, 200), 0);
	assert_int_equal(policy.answer->charge.calls, 2);
	assert_int_equal(copy(source, 0, 16, 300), 0);
	assert_charged(4, 16);
	assert_int_equal(policy.answer->balance, 16);

	/* The last quarter had no other use, then the first two pages, ... */
	assert_int_equal(unmap_at(300, 16), 0);
	assert_int_equal(policy.answer->balance, 12);
	assert_int_equal(unmap_at(0, 8), 0);
	assert_int_equal(policy.answer->balance, 10);
	assert_int_equal(unmap_at(200, 4), 0);
	assert_int_equal(policy.answer->balance, 8);
	assert_int_equal(policy_number("answer", "paid"), 8);
	/* In the place of what was given back */
	assert_int_equal(copy(source, 0, 16, 300), 0);
	assert_charged(8, 16);
	assert_int_equal(unmap_at(100, 8), 0);
	assert_int_equal(policy.answer->balance, 16);
	assert_int_equal(unmap_at(300, 16), 0);
	assert_answer_paid(0, 0);
}

static void parts_that_v1_cuts_out_are_given_back(void **state)
{
	policy_start(&policy, "answer");
	assert_int_equal(type1_map(a->iommu, memory, 16 * PAGE, DMA_RW, BASE),
			 0);
	assert_int_equal(policy.answer->charge.calls, 1);
	assert_int_equal(policy.answer->charge.op, IOMMUFD_POLICY_OP_TYPE1_MAP);
	assert_int_equal(type1_unmap(a->iommu, BASE + 5 * PAGE, 3 * PAGE, 0,
				     NULL), 0);
	assert_int_equal(policy.answer->balance, 13);
	assert_int_equal(policy_number("answer", "paid"), 13);
	assert_int_equal(fdinfo_value(a->iommu, "iommufd-pinned:"), 13);
	assert_int_equal(type1_unmap(a->iommu, BASE, 5 * PAGE, 0, NULL), 0);
	assert_int_equal(policy.answer->balance, 8);
	assert_int_equal(type1_unmap_all(a->iommu, NULL), 0);
	assert_int_equal(policy.answer->charge.calls, 1);
	assert_answer_paid(0, 0);
}

static long unmap_page_of_memory(long page, long unused)
{
	return munmap(memory + page * PAGE, PAGE);
}

static void what_cannot_be_pinned_costs_nothing(void **state)
{
	policy_start(&policy, "answer");
	assert_int_equal(puppet_do(&a->process, unmap_page_of_memory, 6, 0),
			 0);
	assert_int_equal(map(a, 0, 8), -EFAULT);
	assert_int_equal(policy.answer->charge.calls, 1);
	assert_int_equal(policy.answer->uncharge.calls, 1);
	assert_int_equal(policy.answer->uncharge.pages, 8);
	assert_answer_paid(0, 0);
	/* Nor does what finds no place. */
	assert_int_equal(map(a, 0, 4), 0);
	assert_int_equal(map(a, 0, 4), -EEXIST);
	assert_answer_paid(4, 0);
}

static void an_attach_charges_for_what_was_mapped_before(void **state)
{
	policy_start(&policy, "answer");
	assert_int_equal(map(a, 0, 2), 0);
	assert_int_equal(map(a, 2, 3), 0);
	assert_int_equal(map(a, 16, 5), 0);
	assert_int_equal(policy.answer->charge.calls, 0);
	assert_answer_paid(0, 0);
	assert_int_equal(edu_attach(&edu, a->ioas), 0);
	/* All of it at once, and given back one by one */
	assert_int_equal(policy.answer->charge.calls, 1);
	assert_int_equal(policy.answer->charge.pages, 10);
	assert_int_equal(policy.answer->charge.op,
			 IOMMUFD_POLICY_OP_FILL_DOMAIN);
	assert_int_equal(policy.answer->charge.ioas_id, a->ioas);
	assert_answer_paid(10, 0);
	assert_int_equal(edu_detach(&edu), 0);
	assert_answer_paid(0, 0);
}

static void a_refused_charge_fails_the_attach_and_leaves_nothing(void **state)
{
	long page;

	start_quota(9, 0);
	for (page = 0; page < 10; page++)
		assert_int_equal(map(a, page, 1), 0);
	assert_int_equal(edu_attach(&edu, a->ioas), -EDQUOT);
	assert_refused_by(a->iommu, "quota charge -122");
	assert_quota_used(0, 0);
	assert_int_equal(policy_number("quota", "charge_asked"), 1);
	assert_int_equal(policy_number("quota", "uncharge_told"), 0);
	/* Not attached: there is nothing to detach for the next one. */
	set_quota(a, 10);
	assert_int_equal(edu_attach(&edu, a->ioas), 0);
	assert_quota_used(10, 0);
	assert_int_equal(edu_detach(&edu), 0);
	assert_quota_used(0, 0);
	assert_int_equal(unmap(a, 0, 10), 0);
	assert_int_equal(object_destroy(a->iommu, a->ioas), 0);
}

static void a_refused_hwpt_leaves_nothing(void **state)
{
	start_quota(5, 0);
	assert_int_equal(map(a, 0, 3), 0);
	assert_int_equal(map(a, 3, 3), 0);
	assert_int_equal(hwpt_alloc(a->iommu, edu.id, a->ioas, 0), -EDQUOT);
	assert_quota_used(0, 0);
	assert_int_equal(object_destroy(a->iommu, a->ioas), 0);
}

/* The test itself is another process, of another user and cgroup. */
static void who_has_mapped_pays_whoever_attaches_and_unmaps(void **state)
{
	const volatile struct answer_who *payer, *paid;

	policy_start(&policy, "answer");
	payer = &policy.answer->charge.who;
	paid = &policy.answer->uncharge.who;
	assert_int_equal(map(a, 0, 4), 0);
	assert_int_equal(edu_attach(&edu, a->ioas), 0);
	assert_answer_paid(4, 0);
	assert_int_equal(payer->tgid, a->process.pid);
	assert_int_equal(payer->uid, 65534);
	assert_int_equal(payer->cgroup_id, cgroup_id(a->cgroup));
	assert_int_equal(payer->opener_uid, 0);

	assert_int_equal(unmap_at(0, 4), 0);
	assert_int_equal(paid->tgid, a->process.pid);
	assert_int_equal(paid->uid, 65534);
	assert_int_equal(paid->cgroup_id, cgroup_id(a->cgroup));
	assert_int_equal(paid->ctx_id, payer->ctx_id);
	assert_answer_paid(0, 0);
}

static long use_context_of(long nr, long unused)
{
	self = &vmms[nr];
	return 0;
}

/* They have the same file descriptor. */
static void of_those_who_share_a_context_each_pays_for_itself(void **state)
{
	start_quota(8, 16);
	assert_int_equal(puppet_do(&b->process, use_context_of, 0, 0), 0);
	assert_int_equal(map(a, 0, 8), 0);
	assert_int_equal(map(b, 8, 16), 0);
	assert_quota_used(8, 16);
	assert_int_equal(map(a, 100, 1), -EDQUOT);
	/* What the one has mapped, the other unmaps. */
	assert_int_equal(unmap(b, 0, 8), 0);
	assert_quota_used(0, 16);
	assert_int_equal(unmap(a, 8, 16), 0);
	assert_quota_used(0, 0);
}

static void the_dead_pay_until_unmapped(void **state)
{
	start_quota(8, 0);
	assert_int_equal(map(a, 0, 3), 0);
	assert_int_equal(map(a, 3, 5), 0);
	puppet_kill(&a->process);
	assert_quota_used(8, 0);
	assert_int_equal(unmap_at(0, 3), 0);
	assert_quota_used(5, 0);
	assert_int_equal(unmap_at(3, 5), 0);
	assert_quota_used(0, 0);
}

static long map_new_file(long first, long nr)
{
	struct file_range range = {
		.fd = memfd_create("money", MFD_CLOEXEC),
		.length = nr * PAGE,
	};
	uint64_t iova = BASE + first * PAGE;

	if (ftruncate(range.fd, range.length))
		return -errno;
	return ioas_map_file(self->iommu, self->ioas, &range, RW | FIXED,
			     &iova);
}

/* Another process takes over the context that this one has been in. */
static long take_over(long nr, long unused)
{
	return ioas_change_process(vmms[nr].iommu);
}

static void who_takes_over_a_context_pays_from_then_on(void **state)
{
	start_quota(8, 7);
	assert_int_equal(puppet_do(&a->process, map_new_file, 0, 5), 0);
	assert_int_equal(puppet_do(&a->process, map_new_file, 8, 3), 0);
	assert_quota_used(8, 0);
	assert_int_equal(puppet_do(&b->process, take_over, 0, 0), -EDQUOT);
	assert_refused_by(a->iommu, "quota charge -122");
	assert_quota_used(8, 0);
	set_quota(b, 8);
	assert_int_equal(puppet_do(&b->process, take_over, 0, 0), 0);
	assert_quota_used(0, 8);
	assert_int_equal(unmap(a, 0, 5), 0);
	assert_quota_used(0, 3);
	assert_int_equal(puppet_do(&a->process, take_over, 0, 0), 0);
	assert_quota_used(3, 0);
	assert_int_equal(unmap(a, 8, 3), 0);
	assert_quota_used(0, 0);
}

static void closing_the_context_gives_it_all_back(void **state)
{
	start_quota(8, 4);
	assert_int_equal(map(a, 0, 8), 0);
	assert_int_equal(map(b, 0, 4), 0);
	assert_quota_used(8, 4);
	/* Both have the descriptors of the other. */
	puppet_kill(&a->process);
	puppet_kill(&b->process);
	edu_close(&edu);
	edu.vfio = -1;
	close(a->iommu);
	books_agree(&b->iommu, 1, 4, 4);
	assert_int_equal(used(a), 0);
	assert_int_equal(policy_number("quota", "paid"), 4);
	a->iommu = context_open();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define ATTACHED(name)							\
	cmocka_unit_test_setup_teardown(name, setup_attached, teardown)
#define TYPE1(name) cmocka_unit_test_setup_teardown(name, setup_type1, teardown)
	const struct CMUnitTest tests[] = {
		ATTACHED(two_vmms_of_one_user_have_quotas_of_their_own),
		ATTACHED(a_quota_below_use_refuses_only_new_charges),
		ATTACHED(shared_memory_in_three_ioases_is_paid_once),
		ATTACHED(overlapping_copies_are_paid_for_where_they_are_new),
		TYPE1(parts_that_v1_cuts_out_are_given_back),
		ATTACHED(what_cannot_be_pinned_costs_nothing),
		TEST(an_attach_charges_for_what_was_mapped_before),
		TEST(a_refused_charge_fails_the_attach_and_leaves_nothing),
		TEST(a_refused_hwpt_leaves_nothing),
		TEST(who_has_mapped_pays_whoever_attaches_and_unmaps),
		ATTACHED(of_those_who_share_a_context_each_pays_for_itself),
		ATTACHED(the_dead_pay_until_unmapped),
		ATTACHED(who_takes_over_a_context_pays_from_then_on),
		ATTACHED(closing_the_context_gives_it_all_back),
	};

	return run_tap(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Each hook that requests meet, with a request that it is asked about once. */
#include <limits.h>

#include "lib/hooks.h"

#define IOVA 0x4000000
/* Reserved by the IOMMU of the VM for interrupts */
#define RESERVED 0xfee00000LL

#define HOOK(_name)							\
	.name = #_name,							\
	.member = offsetof(struct iommufd_policy_ops, _name)

static int map(struct rig *rig)
{
	return ioas_map_at(rig->iommu, rig->ioas, rig->memory, PAGE, RW, IOVA);
}

static int map_anywhere(struct rig *rig)
{
	uint64_t iova;

	return ioas_map(rig->iommu, rig->ioas, rig->memory, PAGE, RW, &iova);
}

static int unmap(struct rig *rig)
{
	return ioas_unmap(rig->iommu, rig->ioas, IOVA, PAGE, NULL);
}

static int map_and_unmap(struct rig *rig)
{
	return map(rig) ?: unmap(rig);
}

static void undo_map(struct rig *rig)
{
	assert_int_equal(ioas_unmap_all(rig->iommu, rig->ioas), 0);
}

static int attach(struct rig *rig)
{
	return edu_attach(&rig->edu, rig->ioas);
}

static int attach_and_detach(struct rig *rig)
{
	return attach(rig) ?: edu_detach(&rig->edu);
}

static void undo_attach(struct rig *rig)
{
	assert_int_equal(edu_detach(&rig->edu), 0);
}

static const long long rogue_int[] = { 1, 4096, INT_MAX, 0 };
static const long long rogue_charge[] = { 2, 4096, INT_MAX, 0 };
static const long long rogue_iova[] = {
	1, IOVA + 1, RESERVED, LLONG_MAX, LLONG_MAX - PAGE + 1, 0
};

const struct hook hook_map = {
	HOOK(map),
	.calls = offsetof(struct answer, map.calls),
	.answer = offsetof(struct answer, map_answer),
	.asked = true,
	.rogue = rogue_int,
	.request = map,
	.undo = undo_map,
};

const struct hook hook_unmap = {
	HOOK(unmap),
	.calls = offsetof(struct answer, unmap.calls),
	.request = map_and_unmap,
};

const struct hook hook_attach = {
	HOOK(attach),
	.calls = offsetof(struct answer, attach.calls),
	.answer = offsetof(struct answer, attach_answer),
	.asked = true,
	.rogue = rogue_int,
	.request = attach,
	.undo = undo_attach,
};

const struct hook hook_detach = {
	HOOK(detach),
	.calls = offsetof(struct answer, detach.calls),
	.request = attach_and_detach,
};

const struct hook hook_iova_alloc = {
	HOOK(iova_alloc),
	.calls = offsetof(struct answer, iova.calls),
	.answer = offsetof(struct answer, iova_answer),
	.asked = true,
	.wide = true,
	.attached = true,
	.allows = IOVA,
	.rogue = rogue_iova,
	.request = map_anywhere,
	.undo = undo_map,
};

const struct hook hook_charge = {
	HOOK(charge),
	.calls = offsetof(struct answer, charge.calls),
	.answer = offsetof(struct answer, charge_answer),
	.asked = true,
	.attached = true,
	.allows = IOMMUFD_POLICY_PAY,
	.rogue = rogue_charge,
	.request = map,
	.undo = undo_map,
};

const struct hook hook_uncharge = {
	HOOK(uncharge),
	.calls = offsetof(struct answer, uncharge.calls),
	.attached = true,
	.request = map_and_unmap,
};

void rig_open(struct rig *rig, const struct hook *hook)
{
	rig->iommu = context_open();
	rig->ioas = ioas_new(rig->iommu);
	edu_open(&rig->edu, rig->iommu);
	rig->memory = memory_new(PAGE);
	if (hook->attached)
		assert_int_equal(attach(rig), 0);
}

void rig_close(struct rig *rig)
{
	munmap(rig->memory, PAGE);
	edu_close(&rig->edu);
	close(rig->iommu);
}

void rig_renew(struct rig *rig, const struct hook *hook)
{
	rig_close(rig);
	rig_open(rig, hook);
}

void assert_rig_is_clean(struct rig *rig)
{
	assert_int_equal(ioas_areas(rig->iommu, rig->ioas), 0);
	assert_int_equal(fdinfo_value(rig->iommu, "iommufd-pinned:"), 0);
	assert_int_equal(fdinfo_value(rig->iommu, "iommufd-charged:"), 0);
	assert_int_equal(status_kib("VmPin:"), 0);
	assert_int_equal(status_kib("VmLck:"), 0);
}

static void set(const struct hook *hook, struct policy *policy,
		const char *suffix)
{
	void **member = (void **)((char *)policy->ops + hook->member);
	char program[64];

	snprintf(program, sizeof(program), "on_%s%s", hook->name, suffix);
	*member = policy_program(policy, program);
}

void hook_start(const struct hook *hook, struct policy *policy,
		const char *suffix, uint64_t flags)
{
	static const struct hook *const all[] = {
		&hook_map, &hook_unmap, &hook_attach, &hook_detach,
		&hook_iova_alloc, &hook_charge, &hook_uncharge,
	};
	size_t i;

	policy_open(policy, "answer");
	for (i = 0; i < ARRAY_SIZE(all); i++)
		*(void **)((char *)policy->ops + all[i]->member) = NULL;
	if (hook)
		set(hook, policy, suffix);
	if (hook == &hook_uncharge)
		set(&hook_charge, policy, suffix);
	policy->ops->flags = flags;
	assert_int_equal(policy_load(policy), 0);
	assert_int_equal(policy_attach(policy), 0);
}

void hook_set_answer(const struct hook *hook, struct policy *policy,
		     long long answer)
{
	volatile char *at = (volatile char *)policy->answer + hook->answer;

	assert_true(hook->asked);
	if (hook->wide)
		*(volatile long long *)at = answer;
	else
		*(volatile int *)at = answer;
}

answer_u64 hook_calls(const struct hook *hook, struct policy *policy)
{
	return *(volatile answer_u64 *)((volatile char *)policy->answer +
					hook->calls);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* Each hook that requests meet, with a request that it is asked about once. */
#ifndef TEST_HOOKS_H
#define TEST_HOOKS_H

#include "policy.h"

/**
 * struct rig - what requests are made of
 * @iommu: a context
 * @ioas: an IOAS of it
 * @edu: bound to the context
 * @memory: a page of the process
 */
struct rig {
	int iommu;
	uint32_t ioas;
	struct edu edu;
	char *memory;
};

/**
 * struct hook - a hook, and a request that meets it
 * @name: as the contract calls it
 * @member: offset in struct iommufd_policy_ops
 * @calls: offset in struct answer
 * @answer: likewise, if it is asked
 * @asked: it answers; else it is told
 * @wide: @answer is a long long, not an int
 * @attached: the device is attached to the IOAS before
 * @allows: an answer that lets the request succeed
 * @rogue: answers that are outside its contract and positive; ends with 0
 * @request: returns 0 or a negative errno
 * @undo: a request that has succeeded; NULL if nothing is left of it
 */
struct hook {
	const char *name;
	size_t member;
	size_t calls;
	size_t answer;
	bool asked;
	bool wide;
	bool attached;
	long long allows;
	const long long *rogue;
	int (*request)(struct rig *rig);
	void (*undo)(struct rig *rig);
};

extern const struct hook hook_map, hook_unmap, hook_attach, hook_detach,
			 hook_iova_alloc, hook_charge, hook_uncharge;

void rig_open(struct rig *rig, const struct hook *hook);
void rig_close(struct rig *rig);
/* A new context: nobody has refused anything in it */
void rig_renew(struct rig *rig, const struct hook *hook);
/* Nothing is mapped, pinned or counted */
void assert_rig_is_clean(struct rig *rig);

/*
 * A policy "answer" with init, exit and this hook, or NULL; that of uncharge pays,
 * too. @suffix "_sleeping" is for those that may sleep, "" for others.
 */
void hook_start(const struct hook *hook, struct policy *policy,
		const char *suffix, uint64_t flags);
void hook_set_answer(const struct hook *hook, struct policy *policy,
		     long long answer);
answer_u64 hook_calls(const struct hook *hook, struct policy *policy);

/* cmocka_unit_test_setup_teardown() of a test for one hook, in *state */
#define HOOK_TEST(_test, _hook)						\
	{ #_test ", " #_hook, _test, setup, teardown, (void *)&hook_##_hook }
#define EACH_ASKED(_test)						\
	HOOK_TEST(_test, map), HOOK_TEST(_test, attach),		\
	HOOK_TEST(_test, iova_alloc), HOOK_TEST(_test, charge)
#define EACH_TOLD(_test)						\
	HOOK_TEST(_test, unmap), HOOK_TEST(_test, detach),		\
	HOOK_TEST(_test, uncharge)
#define EACH_HOOK(_test) EACH_ASKED(_test), EACH_TOLD(_test)

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The walk over the policies, made anew where the hook is known: a policy that
 * is asked about maps costs a third of what the map itself does.
 */
#ifndef IOMMUFD_POLICY_WALK_H
#define IOMMUFD_POLICY_WALK_H

#include "ctx.h"
#include "policy_question.h"
#include "policy_registry.h"
#include "trace.h"

/**
 * policy_told - a hook was called that answers nothing
 * @q: the question
 * @hook: its hook
 */
static inline void policy_told(struct question *q, enum policy_hook hook)
{
	this_cpu_inc(q->policy->stats->asked[hook]);
}

/**
 * policy_judge - an answer, as the caller of the request may see it
 * @q: the question
 * @hook: its hook
 * @answer: what it was answered
 * @fault: what is wrong with an answer that is not negative, or NULL
 *
 * Context: under policy_srcu.
 * Return: 0, or an errno for the caller of the request.
 */
static __always_inline int policy_judge(struct question *q,
					enum policy_hook hook, s64 answer,
					const char *fault)
{
	trace_iommufd_policy_decision(q->ictx->id, q->policy->name,
				      policy_hook_names[hook], answer,
				      READ_ONCE(q->policy->audit));
	policy_told(q, hook);
	if (likely(answer >= 0 && !fault && !q->reported))
		return 0;
	return policy_judge_bad(q, answer, fault);
}

/* 0 or an errno: there is nothing else to say. */
static __always_inline int judge_plain(struct question *q,
				       enum policy_hook hook, int answer)
{
	return policy_judge(q, hook, answer,
			    answer > 0 ? POLICY_UNKNOWN : NULL);
}

static __always_inline int ask_map(struct question *q)
{
	if (!q->ops->map)
		return 0;
	if (!q->kinds_known && q->ops->flags & IOMMUFD_POLICY_F_MEM_KIND)
		return -EAGAIN;
	return judge_plain(q, POLICY_MAP, q->ops->map(&q->map));
}

static inline int ask_attach(struct question *q)
{
	if (!q->ops->attach)
		return 0;
	return judge_plain(q, POLICY_ATTACH, q->ops->attach(&q->attach));
}

static inline int tell_unmap(struct question *q)
{
	if (q->ops->unmap) {
		q->ops->unmap(&q->unmap);
		policy_told(q, POLICY_UNMAP);
	}
	return 0;
}

static inline int tell_detach(struct question *q)
{
	if (q->ops->detach) {
		q->ops->detach(&q->detach);
		policy_told(q, POLICY_DETACH);
	}
	return 0;
}

static __always_inline int ask_one(struct question *q, enum policy_hook hook)
{
	switch (hook) {
	case POLICY_MAP:
		return ask_map(q);
	case POLICY_UNMAP:
		return tell_unmap(q);
	case POLICY_ATTACH:
		return ask_attach(q);
	case POLICY_DETACH:
		return tell_detach(q);
	case POLICY_IOVA_ALLOC:
		return iova_ask_one(q);
	default:
		return charge_ask_one(q);
	}
}

/**
 * policy_walk - ask all policies in scope, in their order
 * @q: the question
 * @hook: its hook
 *
 * Ends with the first answer that is not 0.
 *
 * Context: may sleep; waits for nothing that user space can hold up.
 * Return: that answer: an errno for the caller of the request; -EAGAIN, which
 * no policy can answer, if one wants to know the kind of memory and it was not
 * found out; 1 if an address was chosen.
 */
static __always_inline int policy_walk(struct question *q,
				       enum policy_hook hook)
{
	struct policy *policy;
	int idx, rc = 0;

	idx = srcu_read_lock(&policy_srcu);
	list_for_each_entry_srcu(policy, &policies, entry,
				 srcu_read_lock_held(&policy_srcu)) {
		if (!policy_in_scope(policy, q->task))
			continue;
		q->policy = policy;
		if (likely(policy_decides(policy))) {
			q->ops = srcu_dereference(policy->ops, &policy_srcu);
			q->reported = false;
			rc = ask_one(q, hook);
		} else {
			rc = policy_refuse_closed(q);
		}
		if (rc)
			break;
	}
	srcu_read_unlock(&policy_srcu, idx);
	return rc;
}

#endif

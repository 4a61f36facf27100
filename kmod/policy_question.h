/* SPDX-License-Identifier: GPL-2.0-only */
/* A request on its way through the policies. */
#ifndef IOMMUFD_POLICY_QUESTION_H
#define IOMMUFD_POLICY_QUESTION_H

#include <linux/cgroup.h>
#include <linux/sched.h>

#include "ctx.h"
#include "iommufd_policy.h"
#include "policy.h"

struct io_pagetable;
struct iova_request;
struct bill;
struct policy;

/**
 * struct question - what is asked, and how far it has come
 * @hook: which hook is asked
 * @ictx: the context
 * @task: whose cgroup decides about the scope; its reference is the caller's
 * @policy: the policy being asked, under policy_srcu
 * @ops: its hooks
 * @reported: it has reported an error with iommufd_policy_error()
 * @kinds_known: map.mem is set
 * @iopt: iova_alloc: where the address is to be
 * @where: iova_alloc: what for, and the answer
 * @bill: charge: who has paid
 * @who: who asks; the same in all requests
 * @map: argument of the map hook; and so on
 *
 * Programs see pointers to the requests, and hand them to kfuncs, which find the
 * question around them.
 */
struct question {
	enum policy_hook hook;
	struct iommufd_ctx *ictx;
	struct task_struct *task;
	struct policy *policy;
	const struct iommufd_policy_ops *ops;
	bool reported;
	bool kinds_known;
	struct io_pagetable *iopt;
	struct iova_request *where;
	struct bill *bill;
	union {
		struct iommufd_policy_who who;
		struct iommufd_policy_map_request map;
		struct iommufd_policy_unmap_request unmap;
		struct iommufd_policy_attach_request attach;
		struct iommufd_policy_detach_request detach;
		struct iommufd_policy_iova_request iova;
		struct iommufd_policy_charge_request charge;
		struct iommufd_policy_uncharge_request uncharge;
	};
};

static_assert(!offsetof(struct iommufd_policy_map_request, who) &&
	      !offsetof(struct iommufd_policy_unmap_request, who) &&
	      !offsetof(struct iommufd_policy_attach_request, who) &&
	      !offsetof(struct iommufd_policy_detach_request, who) &&
	      !offsetof(struct iommufd_policy_iova_request, who) &&
	      !offsetof(struct iommufd_policy_charge_request, who) &&
	      !offsetof(struct iommufd_policy_uncharge_request, who));

/* What is wrong with most answers outside the contract. */
#define POLICY_UNKNOWN "which its contract does not know"

/**
 * question_of_task - something is asked of policies
 * @q: to initialise, but for the request
 * @hook: which hook is to be asked
 * @ictx: the context
 * @task: who asks, or who is to pay; its reference is the caller's
 * @uid: the user of that
 *
 * Requests are set member by member: to clear them first would cost as much as
 * all the rest.
 */
static __always_inline void question_of_task(struct question *q,
					     enum policy_hook hook,
					     struct iommufd_ctx *ictx,
					     struct task_struct *task,
					     kuid_t uid)
{
	q->hook = hook;
	q->ictx = ictx;
	q->task = task;
	q->kinds_known = true;
	q->who.ctx_id = ictx->id;
	q->who.opener_uid = ictx->opener_uid;
	q->who.uid = __kuid_val(uid);
	q->who.tgid = task_tgid_nr(task);
	/* Cheaper than rcu_read_lock(), and RCU waits for it all the same. */
	preempt_disable();
	q->who.cgroup_id =
		cgroup_id(rcu_dereference_sched(task->cgroups)->dfl_cgrp);
	preempt_enable();
}

void question_init(struct question *q, enum policy_hook hook,
		   struct iommufd_ctx *ictx);
int policy_ask(struct question *q);
int policy_judge_bad(struct question *q, s64 answer, const char *fault);
int policy_refuse_closed(struct question *q);

int iova_ask_one(struct question *q);
int charge_ask_one(struct question *q);

#endif

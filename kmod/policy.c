// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asking the loaded BPF policies, and taking nothing they say on trust.
 *
 * Every policy in scope is asked, in the order of the list; the first refusal
 * wins. Whatever may block on user space is done before policy_srcu is entered:
 * attaching and detaching policies waits for it.
 */
#include <linux/seq_file.h>

#include "ctx.h"
#include "policy.h"
#include "policy_kfuncs.h"
#include "policy_question.h"
#include "policy_registry.h"
#include "policy_struct_ops.h"
#include "policy_sysfs.h"
#include "trace.h"

const char *const policy_hook_names[POLICY_HOOKS] = {
	[POLICY_MAP] = "map",
	[POLICY_UNMAP] = "unmap",
	[POLICY_ATTACH] = "attach",
	[POLICY_DETACH] = "detach",
	[POLICY_IOVA_ALLOC] = "iova_alloc",
	[POLICY_CHARGE] = "charge",
	[POLICY_UNCHARGE] = "uncharge",
};

static bool is_refusal(s64 answer)
{
	switch (answer) {
	case -EPERM:
	case -EACCES:
	case -EDQUOT:
	case -ENOMEM:
	case -ENOSPC:
	case -EBUSY:
		return true;
	default:
		return false;
	}
}

static void note_refusal(const struct question *q, int error)
{
	struct policy_refusal *refusal = &q->ictx->refusal;

	spin_lock(&refusal->lock);
	strscpy(refusal->policy, q->policy->name);
	refusal->hook = policy_hook_names[q->hook];
	refusal->error = error;
	spin_unlock(&refusal->lock);
}

/* What the request gets, for the policy is in audit mode or not. */
static int enforce(const struct question *q, int error)
{
	struct policy_stats __percpu *stats = q->policy->stats;

	if (READ_ONCE(q->policy->audit)) {
		this_cpu_inc(stats->audited[q->hook]);
		return 0;
	}
	this_cpu_inc(stats->refused[q->hook]);
	note_refusal(q, error);
	return error;
}

static void breach(const struct question *q, s64 answer, const char *fault)
{
	char message[IOMMUFD_POLICY_MSG_LEN];

	if (q->reported)
		return;
	snprintf(message, sizeof(message), "hook %s answered %lld, %s",
		 policy_hook_names[q->hook], answer,
		 fault ?: POLICY_UNKNOWN);
	policy_eject(q->policy, q->ops, IOMMUFD_POLICY_EXIT_ERROR,
		     clamp(answer, INT_MIN, INT_MAX), message);
}

/**
 * policy_judge - an answer, as the caller of the request may see it
 * @q: the question
 * @answer: what it was answered
 * @fault: what is wrong with an answer that is not negative, or NULL
 *
 * Context: under policy_srcu.
 * Return: 0, or an errno for the caller of the request.
 */
int policy_judge(struct question *q, s64 answer, const char *fault)
{
	trace_iommufd_policy_decision(q->ictx->id, q->policy->name,
				      policy_hook_names[q->hook], answer,
				      READ_ONCE(q->policy->audit));
	this_cpu_inc(q->policy->stats->asked[q->hook]);
	if (answer >= 0 && !fault && !q->reported)
		return 0;
	if (is_refusal(answer) && !q->reported)
		return enforce(q, answer);
	breach(q, answer, fault);
	return enforce(q, -EPROTO);
}

/**
 * policy_told - a hook was called that answers nothing
 * @q: the question
 */
void policy_told(struct question *q)
{
	this_cpu_inc(q->policy->stats->asked[q->hook]);
}

/* 0 or an errno: there is nothing else to say. */
static int judge_plain(struct question *q, int answer)
{
	return policy_judge(q, answer, answer > 0 ? POLICY_UNKNOWN : NULL);
}

static int ask_map(struct question *q)
{
	if (!q->ops->map)
		return 0;
	if (!q->kinds_known && q->ops->flags & IOMMUFD_POLICY_F_MEM_KIND)
		return -EAGAIN;
	return judge_plain(q, q->ops->map(&q->map));
}

static int ask_attach(struct question *q)
{
	return q->ops->attach ? judge_plain(q, q->ops->attach(&q->attach)) : 0;
}

static int tell_unmap(struct question *q)
{
	if (q->ops->unmap) {
		q->ops->unmap(&q->unmap);
		policy_told(q);
	}
	return 0;
}

static int tell_detach(struct question *q)
{
	if (q->ops->detach) {
		q->ops->detach(&q->detach);
		policy_told(q);
	}
	return 0;
}

static int ask_one(struct question *q)
{
	switch (q->hook) {
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

/* It was ejected, and asked for nothing to be done without it. */
static int refuse_closed(struct question *q)
{
	if (!READ_ONCE(q->policy->closed) ||
	    (q->hook != POLICY_MAP && q->hook != POLICY_ATTACH))
		return 0;
	return enforce(q, -EPROTO);
}

/**
 * policy_ask - ask all policies in scope, in their order
 * @q: the question
 *
 * Ends with the first answer that is not 0.
 *
 * Context: may sleep; waits for nothing that user space can hold up.
 * Return: that answer: an errno for the caller of the request; -EAGAIN, which
 * no policy can answer, if one wants to know the kind of memory and it was not
 * found out; 1 if an address was chosen.
 */
int policy_ask(struct question *q)
{
	struct policy *policy;
	int idx, rc = 0;

	idx = srcu_read_lock(&policy_srcu);
	list_for_each_entry_srcu(policy, &policies, entry,
				 srcu_read_lock_held(&policy_srcu)) {
		if (!policy_in_scope(policy, q->task))
			continue;
		q->policy = policy;
		if (policy_decides(policy)) {
			q->ops = srcu_dereference(policy->ops, &policy_srcu);
			q->reported = false;
			rc = ask_one(q);
		} else {
			rc = refuse_closed(q);
		}
		if (rc)
			break;
	}
	srcu_read_unlock(&policy_srcu, idx);
	return rc;
}

/**
 * policy_show_refusal - who refused something in this context last
 * @refusal: of the context
 * @seq: fdinfo; gets a line, or none if nobody did
 */
void policy_show_refusal(struct policy_refusal *refusal, struct seq_file *seq)
{
	spin_lock(&refusal->lock);
	if (refusal->policy[0])
		seq_printf(seq, "iommufd-refused-by:\t%s %s %d\n",
			   refusal->policy, refusal->hook, refusal->error);
	spin_unlock(&refusal->lock);
}

/**
 * policy_init - let policies be loaded, as soon as the module is live
 *
 * Return: 0, or the errors of policy_sysfs_create(), struct_ops_register() and
 * kfuncs_register().
 */
int policy_init(void)
{
	int rc = policy_sysfs_create();

	if (rc)
		return rc;
	rc = kfuncs_register();
	if (!rc)
		rc = struct_ops_register();
	if (rc)
		policy_sysfs_remove();
	return rc;
}

/**
 * policy_exit - undo policy_init(); no policy is loaded
 */
void policy_exit(void)
{
	policy_sysfs_remove();
}

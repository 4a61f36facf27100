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
#include "policy_walk.h"

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
 * policy_judge_bad - policy_judge() of an answer that is not plainly well
 * @q: the question
 * @answer: what it was answered
 * @fault: what is wrong with an answer that is not negative, or NULL
 *
 * Return: see policy_judge().
 */
int policy_judge_bad(struct question *q, s64 answer, const char *fault)
{
	if (is_refusal(answer) && !q->reported)
		return enforce(q, answer);
	breach(q, answer, fault);
	return enforce(q, -EPROTO);
}

/**
 * policy_refuse_closed - instead of asking a policy that has ended
 * @q: the question
 *
 * Return: -EPROTO if it was ejected and asked for nothing to be done without it;
 * else 0.
 */
int policy_refuse_closed(struct question *q)
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
 * Context: may sleep; waits for nothing that user space can hold up.
 * Return: see policy_walk().
 */
int policy_ask(struct question *q)
{
	return policy_walk(q, q->hook);
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

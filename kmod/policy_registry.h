/* SPDX-License-Identifier: GPL-2.0-only */
/* The loaded policies: who is there, since when, and why not any more. */
#ifndef IOMMUFD_POLICY_REGISTRY_H
#define IOMMUFD_POLICY_REGISTRY_H

#include <linux/atomic.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/srcu.h>
#include <linux/workqueue.h>

#include "iommufd_policy.h"
#include "policy.h"

struct bpf_link;
struct cgroup;
struct task_struct;

/**
 * struct policy_stats - counters of a policy, on one CPU
 * @asked: answers of each hook, or how often it was told
 * @refused: refusals, breaches of the contract and, by a closed policy that was
 *	not asked, requests that were refused for it
 * @audited: those that were not refused, in audit mode
 */
struct policy_stats {
	unsigned long asked[POLICY_HOOKS];
	unsigned long refused[POLICY_HOOKS];
	unsigned long audited[POLICY_HOOKS];
};

/**
 * struct policy - a loaded policy, from its link to the end of it
 * @kobj: /sys/kernel/iommufd/policy/NAME; its life is the policy's
 * @entry: in the list of all, in the order they are asked; removed under the
 *	registry lock, read under policy_srcu
 * @ops: its hooks; replaced under the registry lock, read under policy_srcu
 * @counted: the hooks that are counted in policy_hooked, or NULL
 * @link: the BPF link; not a reference
 * @cgroup: whose requests it is asked about, with a reference; NULL: all
 * @priority: which of those of one cgroup is asked first
 * @name: unique
 * @audit: what it refuses goes on all the same
 * @closed: out of service, and requests in its scope are refused
 * @stats: counters
 * @exit_lock: for changes of @exit
 * @exit: why it does not decide any more; kind is set once, and read without
 *	the lock
 * @retired: out of service, and its exit hook runs or has run
 * @eject_work: retires it, outside of the request that found it at fault
 * @payers: what it has paid for, struct payer; under ledger_lock
 * @paid: pages it has paid for, and those it is being asked to pay for
 */
struct policy {
	struct kobject kobj;
	struct list_head entry;
	const struct iommufd_policy_ops __rcu *ops;
	const struct iommufd_policy_ops *counted;
	struct bpf_link *link;
	struct cgroup *cgroup;
	s32 priority;
	char name[IOMMUFD_POLICY_NAME_LEN];
	bool audit;
	bool closed;
	struct policy_stats __percpu *stats;
	spinlock_t exit_lock;	/* see above */
	struct iommufd_policy_exit_info exit;
	bool retired;
	struct work_struct eject_work;
	struct list_head payers;
	atomic_long_t paid;
};

extern struct srcu_struct policy_srcu;
extern struct static_key_false policy_wants_kinds;
extern struct list_head policies;
extern const char *const policy_hook_names[POLICY_HOOKS];

/**
 * policy_decides - is a policy to be asked
 * @policy: the policy
 *
 * Its hooks are to be read after this: those of a policy that has ended are
 * replaced before it decides again.
 *
 * Return: false from the moment it is at fault or put out of service.
 */
static inline bool policy_decides(const struct policy *policy)
{
	/* Pairs with registry_replace(). */
	return smp_load_acquire(&policy->exit.kind) == IOMMUFD_POLICY_EXIT_NONE;
}

int registry_add(const struct iommufd_policy_ops *ops, struct bpf_link *link);
void registry_remove(struct bpf_link *link);
int registry_replace(const struct iommufd_policy_ops *ops,
		     struct bpf_link *link);

bool policy_orphaned(const struct policy *policy);
bool cgroup_in_scope(const struct policy *policy, struct task_struct *task);
void policy_eject(struct policy *policy, const struct iommufd_policy_ops *ops,
		  u32 kind, int code, const char *message);

/**
 * policy_in_scope - is a policy asked about a process
 * @policy: the policy
 * @task: the process; it may have ended
 *
 * Return: true if so.
 */
static inline bool policy_in_scope(const struct policy *policy,
				   struct task_struct *task)
{
	return !policy->cgroup || cgroup_in_scope(policy, task);
}

void registry_off(void);

unsigned long ledger_paid(const struct policy *policy);
void ledger_close(struct policy *policy);

#endif

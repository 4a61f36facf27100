/* SPDX-License-Identifier: GPL-2.0-only */
/* The loaded policies: who is there, since when, and why not any more. */
#ifndef IOMMUFD_POLICY_REGISTRY_H
#define IOMMUFD_POLICY_REGISTRY_H

#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/srcu.h>
#include <linux/workqueue.h>

#include "iommufd_policy.h"

struct bpf_link;

/**
 * struct policy_stats - counters of a policy, on one CPU
 * @map_asked: answers of its map hook
 * @map_refused: of these, refusals and breaches of the contract
 * @attach_asked: answers of its attach hook
 * @attach_refused: of these, refusals and breaches of the contract
 */
struct policy_stats {
	unsigned long map_asked;
	unsigned long map_refused;
	unsigned long attach_asked;
	unsigned long attach_refused;
};

/**
 * struct policy - a loaded policy, from its link to the end of it
 * @kobj: /sys/kernel/iommufd/policy/NAME; its life is the policy's
 * @entry: in the list of all, by name; removed under the registry lock, read
 *	under policy_srcu
 * @ops: its hooks; replaced under the registry lock, read under policy_srcu
 * @link: the BPF link; not a reference
 * @name: unique
 * @stats: counters
 * @exit_lock: for changes of @exit
 * @exit: why it does not decide any more; kind is set once, and read without
 *	the lock
 * @retired: out of service, and its exit hook runs or has run
 * @eject_work: retires it, outside of the request that found it at fault
 */
struct policy {
	struct kobject kobj;
	struct list_head entry;
	const struct iommufd_policy_ops __rcu *ops;
	struct bpf_link *link;
	char name[IOMMUFD_POLICY_NAME_LEN];
	struct policy_stats __percpu *stats;
	spinlock_t exit_lock;	/* see above */
	struct iommufd_policy_exit_info exit;
	bool retired;
	struct work_struct eject_work;
};

extern struct srcu_struct policy_srcu;
extern struct list_head policies;

int registry_add(const struct iommufd_policy_ops *ops, struct bpf_link *link);
void registry_remove(struct bpf_link *link);
int registry_replace(const struct iommufd_policy_ops *ops,
		     struct bpf_link *link);

bool policy_decides(const struct policy *policy);
void policy_eject(struct policy *policy, const struct iommufd_policy_ops *ops,
		  int code, const char *hook);
bool registry_wants_kinds(void);

void registry_off(void);

#endif

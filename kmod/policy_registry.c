// SPDX-License-Identifier: GPL-2.0-only
/*
 * The loaded policies: who is there, since when, and why not any more.
 *
 * Requests walk the list under SRCU and never wait for its lock. Whatever takes
 * a policy out of service waits for them before its exit hook runs.
 */
#include <linux/bpf.h>
#include <linux/cgroup.h>
#include <linux/ctype.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "policy.h"
#include "policy_registry.h"
#include "policy_sysfs.h"
#include "trace.h"

DEFINE_STATIC_KEY_ARRAY_FALSE(policy_hooked, POLICY_HOOKS);
/* Is there a policy that reads the kind of memory: it has to be looked up. */
DEFINE_STATIC_KEY_FALSE(policy_wants_kinds);
DEFINE_SRCU(policy_srcu);
LIST_HEAD(policies);

/*
 * For the list and what stands in it, and the names in sysfs. The BPF core may
 * hold its own lock outside of it.
 */
static DEFINE_MUTEX(registry_lock);

/**
 * policy_orphaned - has the cgroup of a policy been removed
 * @policy: the policy
 *
 * Return: true if so: no process is in it any more, nor below it.
 */
bool policy_orphaned(const struct policy *policy)
{
	return policy->cgroup && compat_cgroup_is_dead(policy->cgroup);
}

/**
 * cgroup_in_scope - is a policy of a cgroup asked about a process
 * @policy: the policy
 * @task: the process; it may have ended
 *
 * Return: true if so; false for all if the policy is orphaned.
 */
bool cgroup_in_scope(const struct policy *policy, struct task_struct *task)
{
	bool in;

	/* Who has died in the cgroup is part of it when it is removed. */
	if (policy_orphaned(policy))
		return false;
	rcu_read_lock();
	in = cgroup_is_descendant(task_dfl_cgroup(task), policy->cgroup);
	rcu_read_unlock();
	return in;
}

/* The first reason stays, and one that is not of the present hooks is none. */
static bool latch_exit(struct policy *policy,
		       const struct iommufd_policy_ops *ops, u32 kind, int code,
		       const char *message)
{
	bool first;

	spin_lock(&policy->exit_lock);
	first = policy_decides(policy) && rcu_access_pointer(policy->ops) == ops;
	if (first) {
		policy->exit.code = code;
		strscpy(policy->exit.message, message);
		policy->closed = kind >= IOMMUFD_POLICY_EXIT_ERROR &&
				 ops->flags & IOMMUFD_POLICY_F_FAIL_CLOSED;
		/* Pairs with policy_decides(). */
		smp_store_release(&policy->exit.kind, kind);
	}
	spin_unlock(&policy->exit_lock);
	return first;
}

/* What hooks requests have to ask about since these are in service. */
static unsigned int ops_hooks(const struct iommufd_policy_ops *ops)
{
	unsigned int hooks = 0;

	/* One that fails closed refuses even what it has no hook for. */
	if (ops->map || ops->flags & IOMMUFD_POLICY_F_FAIL_CLOSED)
		hooks |= BIT(POLICY_MAP);
	if (ops->attach || ops->flags & IOMMUFD_POLICY_F_FAIL_CLOSED)
		hooks |= BIT(POLICY_ATTACH);
	if (ops->unmap)
		hooks |= BIT(POLICY_UNMAP);
	if (ops->detach)
		hooks |= BIT(POLICY_DETACH);
	if (ops->iova_alloc)
		hooks |= BIT(POLICY_IOVA_ALLOC);
	if (ops->charge)
		hooks |= BIT(POLICY_CHARGE);
	return hooks;
}

static void count_hooks(const struct iommufd_policy_ops *ops)
{
	unsigned int hook, hooks = ops_hooks(ops);

	if (ops->flags & IOMMUFD_POLICY_F_MEM_KIND)
		static_branch_inc(&policy_wants_kinds);
	for (hook = 0; hook < POLICY_HOOKS; hook++)
		if (hooks & BIT(hook))
			static_branch_inc(&policy_hooked[hook]);
}

static void uncount_hooks(const struct iommufd_policy_ops *ops)
{
	unsigned int hook, hooks = ops_hooks(ops);

	for (hook = 0; hook < POLICY_HOOKS; hook++)
		if (hooks & BIT(hook))
			static_branch_dec(&policy_hooked[hook]);
	if (ops->flags & IOMMUFD_POLICY_F_MEM_KIND)
		static_branch_dec(&policy_wants_kinds);
}

/* No hook that both have is uncounted in between; NULL: none counts. */
static void set_counted(struct policy *policy,
			const struct iommufd_policy_ops *ops)
{
	lockdep_assert_held(&registry_lock);
	if (ops)
		count_hooks(ops);
	if (policy->counted)
		uncount_hooks(policy->counted);
	policy->counted = ops;
}

static void ops_exit(const struct policy *policy,
		     const struct iommufd_policy_ops *ops,
		     const struct iommufd_policy_exit_info *info)
{
	trace_iommufd_policy_exit(policy->name, info->kind, info->code,
				  info->message);
	if (ops->exit)
		ops->exit(info);
}

static const struct iommufd_policy_ops *current_ops(struct policy *policy)
{
	return rcu_dereference_protected(policy->ops,
					 lockdep_is_held(&registry_lock));
}

/* Out of service, for the reason latched; no request is in it afterwards. */
static void policy_retire(struct policy *policy)
{
	const struct iommufd_policy_ops *ops = current_ops(policy);

	lockdep_assert_held(&registry_lock);
	if (policy->retired)
		return;
	policy->retired = true;
	synchronize_srcu(&policy_srcu);
	if (!policy->closed)
		set_counted(policy, NULL);
	policy->exit.paid = ledger_paid(policy);
	ledger_close(policy);
	ops_exit(policy, ops, &policy->exit);
	kobject_uevent(&policy->kobj, KOBJ_OFFLINE);
}

static void eject_worker(struct work_struct *work)
{
	struct policy *policy = container_of(work, struct policy, eject_work);

	mutex_lock(&registry_lock);
	/* It may have been replaced or removed meanwhile. */
	if (!policy_decides(policy))
		policy_retire(policy);
	mutex_unlock(&registry_lock);
}

/**
 * policy_eject - a policy broke its contract: do not ask it any more
 * @policy: the policy
 * @ops: its hooks that did so; if others are in place by now, those stay
 * @kind: %IOMMUFD_POLICY_EXIT_ERROR or %IOMMUFD_POLICY_EXIT_REPORTED
 * @code: its answer
 * @message: what is wrong with that
 *
 * Context: under policy_srcu.
 */
void policy_eject(struct policy *policy, const struct iommufd_policy_ops *ops,
		  u32 kind, int code, const char *message)
{
	if (!latch_exit(policy, ops, kind, code, message))
		return;
	pr_warn("iommufd: policy %s ejected: %s\n", policy->name, message);
	queue_work(system_unbound_wq, &policy->eject_work);
}

static struct policy *find_by_name(const char *name)
{
	struct policy *policy;

	list_for_each_entry(policy, &policies, entry)
		if (!strcmp(policy->name, name))
			return policy;
	return NULL;
}

static struct policy *find_by_link(const struct bpf_link *link)
{
	struct policy *policy;

	list_for_each_entry(policy, &policies, entry)
		if (policy->link == link)
			return policy;
	return NULL;
}

static int ops_init(const struct iommufd_policy_ops *ops,
		    const struct policy *replaced)
{
	const struct iommufd_policy_init_info info = {
		.api_version = IOMMUFD_POLICY_API_VERSION,
		.replaces = !!replaced,
		.paid = replaced ? ledger_paid(replaced) : 0,
	};
	int rc = ops->init ? ops->init(&info) : 0;

	return rc > 0 || rc < -MAX_ERRNO ? -EPROTO : rc;
}

static int check_name(const char *name)
{
	size_t i, len = strnlen(name, IOMMUFD_POLICY_NAME_LEN);

	if (!len || len == IOMMUFD_POLICY_NAME_LEN)
		return -EINVAL;
	for (i = 0; i < len; i++)
		if (!isalnum(name[i]) && !strchr("_-", name[i]))
			return -EINVAL;
	return 0;
}

/* Which of two is asked first: -1 for @a. */
static int compare_policies(const struct policy *a, const struct policy *b)
{
	/* Nearer to the process; the whole system comes last. */
	int level_a = a->cgroup ? a->cgroup->level : -1;
	int level_b = b->cgroup ? b->cgroup->level : -1;

	if (level_a != level_b)
		return level_a > level_b ? -1 : 1;
	if (a->priority != b->priority)
		return a->priority > b->priority ? -1 : 1;
	return strcmp(a->name, b->name);
}

static void insert_policy(struct policy *policy)
{
	struct policy *behind;

	lockdep_assert_held(&registry_lock);
	list_for_each_entry(behind, &policies, entry)
		if (compare_policies(policy, behind) < 0)
			break;
	list_add_tail_rcu(&policy->entry, &behind->entry);
}

/* Freed through its kobject from here on. */
static struct policy *policy_alloc(const struct iommufd_policy_ops *ops,
				   struct bpf_link *link)
{
	struct policy *policy = kzalloc(sizeof(*policy), GFP_KERNEL_ACCOUNT);

	if (!policy)
		return NULL;
	policy->stats = alloc_percpu_gfp(struct policy_stats,
					 GFP_KERNEL_ACCOUNT);
	if (!policy->stats) {
		kfree(policy);
		return NULL;
	}
	policy->link = link;
	policy->priority = ops->priority;
	policy->audit = ops->flags & IOMMUFD_POLICY_F_AUDIT;
	strscpy(policy->name, ops->name);
	spin_lock_init(&policy->exit_lock);
	INIT_WORK(&policy->eject_work, eject_worker);
	INIT_LIST_HEAD(&policy->payers);
	RCU_INIT_POINTER(policy->ops, ops);
	policy_sysfs_init(policy);
	return policy;
}

static int set_scope(struct policy *policy, u64 id)
{
	struct cgroup *cgroup;

	if (!id)
		return 0;
	cgroup = cgroup_get_from_id(id);
	if (IS_ERR(cgroup))
		return -ENOENT;
	policy->cgroup = cgroup;
	return 0;
}

/**
 * registry_add - a link of a policy was made
 * @ops: the policy; stays until registry_remove() or registry_replace()
 * @link: the link
 *
 * Context: the BPF core holds its update lock.
 * Return: 0; -EINVAL for a bad name; -ENOENT if there is no such cgroup;
 * -EEXIST if one of that name is loaded; what its init hook answers; -EPROTO if
 * that is no errno; -ENOMEM.
 */
int registry_add(const struct iommufd_policy_ops *ops, struct bpf_link *link)
{
	struct policy *policy;
	int rc;

	rc = check_name(ops->name);
	if (rc)
		return rc;
	policy = policy_alloc(ops, link);
	if (!policy)
		return -ENOMEM;

	mutex_lock(&registry_lock);
	rc = find_by_name(ops->name) ? -EEXIST : 0;
	if (!rc)
		rc = set_scope(policy, ops->cgroup_id);
	if (!rc)
		rc = ops_init(ops, NULL);
	if (rc)
		goto put;
	rc = kobject_add(&policy->kobj, NULL, "%s", policy->name);
	if (rc) {
		const struct iommufd_policy_exit_info info = {
			.kind = IOMMUFD_POLICY_EXIT_DETACHED,
			.code = rc,
		};

		ops_exit(policy, ops, &info);
		goto put;
	}
	set_counted(policy, ops);
	insert_policy(policy);
	kobject_uevent(&policy->kobj, KOBJ_ADD);
	mutex_unlock(&registry_lock);
	return 0;

put:
	mutex_unlock(&registry_lock);
	kobject_put(&policy->kobj);
	return rc;
}

/**
 * registry_remove - a link of a policy is gone
 * @link: the link
 *
 * Context: the BPF core may hold its update lock. Waits for the requests that
 * are in hooks of policies.
 */
void registry_remove(struct bpf_link *link)
{
	struct policy *policy;

	mutex_lock(&registry_lock);
	policy = find_by_link(link);
	if (WARN_ON(!policy)) {
		mutex_unlock(&registry_lock);
		return;
	}
	latch_exit(policy, current_ops(policy), IOMMUFD_POLICY_EXIT_DETACHED, 0,
		   "detached");
	list_del_rcu(&policy->entry);
	policy_retire(policy);
	set_counted(policy, NULL);
	/* Retired for another reason, it may still be walked over. */
	synchronize_srcu(&policy_srcu);
	/* With the list, or another one could not take the name at once. */
	kobject_del(&policy->kobj);
	mutex_unlock(&registry_lock);

	cancel_work_sync(&policy->eject_work);
	kobject_put(&policy->kobj);
}

static bool may_replace(const struct policy *policy,
			const struct iommufd_policy_ops *ops)
{
	return !strncmp(ops->name, policy->name, IOMMUFD_POLICY_NAME_LEN) &&
	       ops->priority == policy->priority &&
	       ops->cgroup_id ==
		       (policy->cgroup ? cgroup_id(policy->cgroup) : 0);
}

/**
 * registry_replace - a link is to have another policy
 * @ops: the new one, of the same name
 * @link: the link
 *
 * Requests see the old one or the new one. One that had been ejected is in
 * service again.
 *
 * Context: the BPF core holds its update lock.
 * Return: 0; -EINVAL if name, cgroup or priority differ; what its init hook
 * answers, or -EPROTO if that is no errno: the old one goes on then.
 */
int registry_replace(const struct iommufd_policy_ops *ops,
		     struct bpf_link *link)
{
	struct iommufd_policy_exit_info info = {
		.kind = IOMMUFD_POLICY_EXIT_REPLACED,
		.message = "replaced",
	};
	const struct iommufd_policy_ops *old;
	struct policy *policy;
	int rc = -EINVAL;

	mutex_lock(&registry_lock);
	policy = find_by_link(link);
	if (WARN_ON(!policy) || !may_replace(policy, ops))
		goto unlock;
	rc = ops_init(ops, policy);
	if (rc)
		goto unlock;

	old = current_ops(policy);
	set_counted(policy, ops);
	spin_lock(&policy->exit_lock);
	/* Ejected, but not yet retired: the old one ends for that reason. */
	if (!policy_decides(policy))
		info = policy->exit;
	rcu_assign_pointer(policy->ops, ops);
	policy->exit.code = 0;
	policy->exit.message[0] = '\0';
	policy->exit.paid = 0;
	policy->closed = false;
	/* Pairs with policy_decides(): who sees this sees the new hooks. */
	smp_store_release(&policy->exit.kind, IOMMUFD_POLICY_EXIT_NONE);
	spin_unlock(&policy->exit_lock);
	synchronize_srcu(&policy_srcu);
	if (policy->retired) {
		policy->retired = false;
		kobject_uevent(&policy->kobj, KOBJ_ONLINE);
	} else {
		info.paid = ledger_paid(policy);
		ops_exit(policy, old, &info);
		kobject_uevent(&policy->kobj, KOBJ_CHANGE);
	}
unlock:
	mutex_unlock(&registry_lock);
	return rc;
}

/**
 * registry_off - put all policies out of service
 *
 * They stay listed until their links go, and can be replaced.
 */
void registry_off(void)
{
	struct policy *policy;

	mutex_lock(&registry_lock);
	/* None decides any more before any is waited for. */
	list_for_each_entry(policy, &policies, entry)
		latch_exit(policy, current_ops(policy),
			   IOMMUFD_POLICY_EXIT_OFF, 0,
			   "put out of service by an operator");
	list_for_each_entry(policy, &policies, entry) {
		policy_retire(policy);
		/* Also those that had refused all since they were ejected. */
		if (policy->closed) {
			WRITE_ONCE(policy->closed, false);
			kobject_uevent(&policy->kobj, KOBJ_CHANGE);
		}
		set_counted(policy, NULL);
	}
	mutex_unlock(&registry_lock);
}

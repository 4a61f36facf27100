// SPDX-License-Identifier: GPL-2.0-only
/* /sys/kernel/iommufd: versions, the emergency off, a folder a policy. */
#include <linux/bpf.h>
#include <linux/cgroup.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "policy_registry.h"
#include "policy_sysfs.h"

static struct kobject *iommufd_kobj;
static struct kset *policy_kset;

static struct policy *to_policy(struct kobject *kobj)
{
	return container_of(kobj, struct policy, kobj);
}

static const char *policy_state(const struct policy *policy)
{
	switch (READ_ONCE(policy->exit.kind)) {
	case IOMMUFD_POLICY_EXIT_NONE:
		return policy_orphaned(policy) ? "orphaned" : "active";
	case IOMMUFD_POLICY_EXIT_DETACHED:
		return "detached";
	case IOMMUFD_POLICY_EXIT_OFF:
		return "off";
	default:
		return READ_ONCE(policy->closed) ? "closed" : "ejected";
	}
}

/**
 * struct policy_attr - a file of a policy in sysfs
 * @attr: name and mode
 * @show: prints the value, or NULL for a counter
 * @store: sets it; NULL: it cannot be set
 * @counter: offset of a counter in struct policy_stats
 */
struct policy_attr {
	struct attribute attr;
	int (*show)(const struct policy *policy, char *buf);
	int (*store)(struct policy *policy, const char *buf);
	size_t counter;
};

static int state_show(const struct policy *policy, char *buf)
{
	return sysfs_emit(buf, "%s\n", policy_state(policy));
}

static int link_id_show(const struct policy *policy, char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(policy->link->id));
}

static int exit_kind_show(const struct policy *policy, char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(policy->exit.kind));
}

static int exit_code_show(const struct policy *policy, char *buf)
{
	return sysfs_emit(buf, "%d\n", policy->exit.code);
}

static int exit_message_show(const struct policy *policy, char *buf)
{
	return sysfs_emit(buf, "%s\n", policy->exit.message);
}

static const char *policy_mode(const struct policy *policy)
{
	return READ_ONCE(policy->audit) ? "audit" : "enforce";
}

static int mode_show(const struct policy *policy, char *buf)
{
	return sysfs_emit(buf, "%s\n", policy_mode(policy));
}

static int mode_store(struct policy *policy, const char *buf)
{
	bool audit = sysfs_streq(buf, "audit");

	if (!audit && !sysfs_streq(buf, "enforce"))
		return -EINVAL;
	if (xchg(&policy->audit, audit) != audit)
		kobject_uevent(&policy->kobj, KOBJ_CHANGE);
	return 0;
}

static int scope_show(const struct policy *policy, char *buf)
{
	int len;

	if (!policy->cgroup)
		return sysfs_emit(buf, "system\n");
	len = sysfs_emit(buf, "cgroup:");
	/* With room for the end of the line. */
	cgroup_path(policy->cgroup, buf + len, PAGE_SIZE - len - 1);
	len = strlen(buf);
	return len + sysfs_emit_at(buf, len, "\n");
}

static int cgroup_id_show(const struct policy *policy, char *buf)
{
	return sysfs_emit(buf, "%llu\n",
			  policy->cgroup ? cgroup_id(policy->cgroup) : 0);
}

static int priority_show(const struct policy *policy, char *buf)
{
	return sysfs_emit(buf, "%d\n", policy->priority);
}

static int paid_show(const struct policy *policy, char *buf)
{
	return sysfs_emit(buf, "%lu\n", ledger_paid(policy));
}

static int counter_show(const struct policy *policy, size_t counter, char *buf)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		void *stats = per_cpu_ptr(policy->stats, cpu);

		sum += READ_ONCE(*(unsigned long *)(stats + counter));
	}
	return sysfs_emit(buf, "%lu\n", sum);
}

#define COUNTER(_name, _counter, _hook)					\
	{								\
		.attr = { _name, 0444 },				\
		.counter = offsetof(struct policy_stats, _counter[_hook]), \
	}

static struct policy_attr policy_attr[] = {
	{ { "state", 0444 }, state_show },
	{ { "mode", 0644 }, mode_show, mode_store },
	{ { "scope", 0444 }, scope_show },
	{ { "cgroup_id", 0444 }, cgroup_id_show },
	{ { "priority", 0444 }, priority_show },
	{ { "link_id", 0444 }, link_id_show },
	{ { "exit_kind", 0444 }, exit_kind_show },
	{ { "exit_code", 0444 }, exit_code_show },
	{ { "exit_message", 0444 }, exit_message_show },
	{ { "paid", 0444 }, paid_show },
	COUNTER("map_asked", asked, POLICY_MAP),
	COUNTER("map_refused", refused, POLICY_MAP),
	COUNTER("map_audited", audited, POLICY_MAP),
	COUNTER("unmap_told", asked, POLICY_UNMAP),
	COUNTER("attach_asked", asked, POLICY_ATTACH),
	COUNTER("attach_refused", refused, POLICY_ATTACH),
	COUNTER("attach_audited", audited, POLICY_ATTACH),
	COUNTER("detach_told", asked, POLICY_DETACH),
	COUNTER("iova_alloc_asked", asked, POLICY_IOVA_ALLOC),
	COUNTER("iova_alloc_refused", refused, POLICY_IOVA_ALLOC),
	COUNTER("iova_alloc_audited", audited, POLICY_IOVA_ALLOC),
	COUNTER("charge_asked", asked, POLICY_CHARGE),
	COUNTER("charge_refused", refused, POLICY_CHARGE),
	COUNTER("charge_audited", audited, POLICY_CHARGE),
	COUNTER("uncharge_told", asked, POLICY_UNCHARGE),
};

static struct attribute *policy_attrs[ARRAY_SIZE(policy_attr) + 1];
ATTRIBUTE_GROUPS(policy);

static ssize_t policy_attr_show(struct kobject *kobj, struct attribute *attr,
				char *buf)
{
	const struct policy_attr *pa = container_of(attr, struct policy_attr,
						    attr);
	const struct policy *policy = to_policy(kobj);

	return pa->show ? pa->show(policy, buf) :
			  counter_show(policy, pa->counter, buf);
}

static ssize_t policy_attr_store(struct kobject *kobj, struct attribute *attr,
				 const char *buf, size_t count)
{
	const struct policy_attr *pa = container_of(attr, struct policy_attr,
						    attr);
	int rc = pa->store ? pa->store(to_policy(kobj), buf) : -EIO;

	return rc ?: count;
}

static const struct sysfs_ops policy_sysfs_ops = {
	.show = policy_attr_show,
	.store = policy_attr_store,
};

static void policy_release(struct kobject *kobj)
{
	struct policy *policy = to_policy(kobj);

	if (policy->cgroup)
		cgroup_put(policy->cgroup);
	free_percpu(policy->stats);
	kfree(policy);
}

static const struct kobj_type policy_ktype = {
	.release = policy_release,
	.sysfs_ops = &policy_sysfs_ops,
	.default_groups = policy_groups,
};

static const char *policy_uevent_name(const struct kobject *kobj)
{
	return "iommufd";
}

/* What a policy is and how it is, with each event. */
static int policy_uevent(const struct kobject *kobj, struct kobj_uevent_env *env)
{
	const struct policy *policy = container_of(kobj, struct policy, kobj);

	if (add_uevent_var(env, "IOMMUFD_POLICY=%s", policy->name) ||
	    add_uevent_var(env, "IOMMUFD_STATE=%s", policy_state(policy)) ||
	    add_uevent_var(env, "IOMMUFD_MODE=%s", policy_mode(policy)) ||
	    add_uevent_var(env, "IOMMUFD_EXIT_KIND=%u", policy->exit.kind) ||
	    add_uevent_var(env, "IOMMUFD_EXIT_CODE=%d", policy->exit.code) ||
	    add_uevent_var(env, "IOMMUFD_EXIT_MESSAGE=%s",
			   policy->exit.message))
		return -ENOMEM;
	return 0;
}

static const struct kset_uevent_ops policy_uevent_ops = {
	.name = policy_uevent_name,
	.uevent = policy_uevent,
};

/**
 * policy_sysfs_init - prepare the folder of a policy
 * @policy: its stats are allocated; from now on its kobject frees both
 */
void policy_sysfs_init(struct policy *policy)
{
	policy->kobj.kset = policy_kset;
	kobject_init(&policy->kobj, &policy_ktype);
}

static ssize_t off_store(struct kobject *kobj, struct kobj_attribute *attr,
			 const char *buf, size_t count)
{
	bool off;
	int rc;

	rc = kstrtobool(buf, &off);
	if (rc)
		return rc;
	if (!off)
		return -EINVAL;
	registry_off();
	return count;
}

static ssize_t version_show(struct kobject *kobj, struct kobj_attribute *attr,
			    char *buf)
{
	return sysfs_emit(buf, "%s\n", THIS_MODULE->version);
}

static ssize_t api_version_show(struct kobject *kobj,
				struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", IOMMUFD_POLICY_API_VERSION);
}

static struct kobj_attribute off_attr = __ATTR_WO(off);
static struct kobj_attribute version_attr = __ATTR_RO(version);
static struct kobj_attribute api_version_attr = __ATTR_RO(api_version);

static const struct attribute *iommufd_attrs[] = {
	&off_attr.attr,
	&version_attr.attr,
	&api_version_attr.attr,
	NULL,
};

/**
 * policy_sysfs_create - /sys/kernel/iommufd, without policies
 *
 * Return: 0, or -ENOMEM and other errors of sysfs.
 */
int policy_sysfs_create(void)
{
	size_t i;
	int rc;

	for (i = 0; i < ARRAY_SIZE(policy_attr); i++)
		policy_attrs[i] = &policy_attr[i].attr;

	iommufd_kobj = kobject_create_and_add("iommufd", kernel_kobj);
	if (!iommufd_kobj)
		return -ENOMEM;
	rc = sysfs_create_files(iommufd_kobj, iommufd_attrs);
	if (rc)
		goto put;
	policy_kset = kset_create_and_add("policy", &policy_uevent_ops,
					  iommufd_kobj);
	if (policy_kset)
		return 0;
	rc = -ENOMEM;
put:
	kobject_put(iommufd_kobj);
	return rc;
}

/**
 * policy_sysfs_remove - undo policy_sysfs_create()
 *
 * No policy is left: each link held the module.
 */
void policy_sysfs_remove(void)
{
	kset_unregister(policy_kset);
	kobject_put(iommufd_kobj);
}

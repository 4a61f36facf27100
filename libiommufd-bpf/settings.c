// SPDX-License-Identifier: LGPL-2.1-or-later
/* What an operator decides about a policy before it is loaded */
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "internal.h"

#define CGROUPS "/sys/fs/cgroup"

/* Those of enum iommufd_policy_flags that are the operator's */
#define FLAG_FAIL_CLOSED (1ULL << 1)
#define FLAG_AUDIT (1ULL << 2)

/* To change it */
static void *member(struct iommufd_policy_object *obj, const char *name,
		    size_t size, int *err)
{
	void *value;

	*err = object_check_chosen(obj);
	if (!*err)
		*err = object_check_open(obj);
	if (*err)
		return NULL;
	value = policy_member(obj, obj->policy, name, size);
	*err = value ? 0 : host_fail(obj->host, -ENOEXEC,
				     "%s: its policies have no %s: compile it with the current iommufd_policy.bpf.h",
				     obj->path, name);
	return value;
}

static bool is_cgroup2(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* Beside version 1 it has a directory of its own. */
static const char *cgroup_root(void)
{
	if (is_cgroup2(CGROUPS))
		return CGROUPS;
	return is_cgroup2(CGROUPS "/unified") ? CGROUPS "/unified" : NULL;
}

/* Where it is mounted, or as /proc/PID/cgroup names it */
static int find_cgroup(struct iommufd_policy_host *host, const char *path,
		       uint64_t *id)
{
	const char *root = cgroup_root();
	size_t len = root ? strlen(root) : 0;
	char full[PATH_MAX];
	struct stat st;

	if (!root)
		return host_fail(host, -ENOENT,
				 "no cgroup v2 filesystem on " CGROUPS ": mount it with 'mount -t cgroup2 cgroup2 " CGROUPS "'");
	if (!strncmp(path, root, len) && (path[len] == '/' || !path[len]))
		path += len;
	if (snprintf(full, sizeof(full), "%s/%s", root, path) >=
	    (int)sizeof(full))
		return host_fail(host, -ENAMETOOLONG,
				 "the name of the cgroup is too long");
	if (stat(full, &st))
		return host_fail(host, -errno, "no cgroup '%s': %s", path,
				 strerror(errno));
	if (!S_ISDIR(st.st_mode) || !is_cgroup2(full))
		return host_fail(host, -EINVAL, "'%s' is not a cgroup v2",
				 full);
	*id = st.st_ino;
	return 0;
}

EXPORT int iommufd_policy_object_set_scope(struct iommufd_policy_object *obj,
					   const char *scope)
{
	static const char prefix[] = "cgroup:";
	uint64_t *value, id = 0;
	int err;

	value = member(obj, "cgroup_id", sizeof(*value), &err);
	if (err)
		return err;
	if (!strncmp(scope, prefix, strlen(prefix)))
		err = find_cgroup(obj->host, scope + strlen(prefix), &id);
	else if (strcmp(scope, "system"))
		err = host_fail(obj->host, -EINVAL,
				"'%s' is not a scope: it is 'system' or 'cgroup:PATH'",
				scope);
	if (!err)
		*value = id;
	return err;
}

EXPORT int iommufd_policy_object_set_priority(struct iommufd_policy_object *obj,
					      int32_t priority)
{
	int32_t *value;
	int err;

	value = member(obj, "priority", sizeof(*value), &err);
	if (!err)
		*value = priority;
	return err;
}

static int set_flag(struct iommufd_policy_object *obj, uint64_t flag, bool on)
{
	uint64_t *value;
	int err;

	value = member(obj, "flags", sizeof(*value), &err);
	if (!err)
		*value = on ? *value | flag : *value & ~flag;
	return err;
}

EXPORT int iommufd_policy_object_set_audit(struct iommufd_policy_object *obj,
					   bool audit)
{
	return set_flag(obj, FLAG_AUDIT, audit);
}

EXPORT int
iommufd_policy_object_set_fail_closed(struct iommufd_policy_object *obj,
				      bool closed)
{
	return set_flag(obj, FLAG_FAIL_CLOSED, closed);
}

/* 0 if the policy was compiled without such a member */
static uint64_t number(struct iommufd_policy_object *obj, const char *name,
		       size_t size)
{
	const void *value = policy_member(obj, obj->policy, name, size);

	if (!value)
		return 0;
	return size == sizeof(uint64_t) ? *(const uint64_t *)value :
					  *(const uint32_t *)value;
}

EXPORT int
iommufd_policy_object_settings(struct iommufd_policy_object *obj,
			       struct iommufd_policy_settings *settings)
{
	struct iommufd_policy_settings now = {};
	uint64_t flags;
	int err = object_check_chosen(obj);

	if (!err)
		err = host_check_sz(obj->host, settings->sz,
				    SIZE_UP_TO(now, fail_closed));
	if (err)
		return err;
	flags = number(obj, "flags", sizeof(flags));
	now.cgroup_id = number(obj, "cgroup_id", sizeof(now.cgroup_id));
	now.priority = number(obj, "priority", sizeof(now.priority));
	now.audit = flags & FLAG_AUDIT;
	now.fail_closed = flags & FLAG_FAIL_CLOSED;
	copy_out(settings, &now, sizeof(now));
	return 0;
}

int settings_keep(struct iommufd_policy_object *obj, const char *name)
{
	uint64_t cgroup_id, priority, *scope;
	int err;

	if (!status_number(name, "cgroup_id", &cgroup_id) ||
	    !status_number(name, "priority", &priority))
		return host_fail(obj->host, -ENOENT,
				 "policy '%s' went away: load it instead",
				 name);
	scope = member(obj, "cgroup_id", sizeof(*scope), &err);
	if (err)
		return err;
	*scope = cgroup_id;
	return iommufd_policy_object_set_priority(obj, priority);
}

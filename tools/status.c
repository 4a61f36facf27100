// SPDX-License-Identifier: GPL-2.0-only
/* What is known of a loaded policy */
#include <stdio.h>

#include "cmd.h"

static void count(const char *hook, const struct iommufd_policy_count *count,
		  counter_fn fn, void *arg)
{
	fn(hook, "asked", count->asked, arg);
	fn(hook, "refused", count->refused, arg);
	fn(hook, "audited", count->audited, arg);
}

void each_counter(const struct iommufd_policy_status *policy, counter_fn fn,
		  void *arg)
{
	count("map", &policy->map, fn, arg);
	count("attach", &policy->attach, fn, arg);
	count("iova_alloc", &policy->iova_alloc, fn, arg);
	count("charge", &policy->charge, fn, arg);
	fn("unmap", "told", policy->unmap.asked, arg);
	fn("detach", "told", policy->detach.asked, arg);
	fn("uncharge", "told", policy->uncharge.asked, arg);
}

static void add_string(struct json_object *obj, const char *key,
		       const char *value)
{
	json_object_object_add(obj, key, json_object_new_string(value));
}

static void add_number(struct json_object *obj, const char *key, uint64_t value)
{
	json_object_object_add(obj, key, json_object_new_uint64(value));
}

static void add_counter(const char *hook, const char *what, uint64_t value,
			void *arg)
{
	char key[32];

	snprintf(key, sizeof(key), "%s_%s", hook, what);
	add_number(arg, key, value);
}

struct json_object *status_json(const struct iommufd_policy_status *policy)
{
	struct json_object *obj = json_object_new_object();

	add_string(obj, "name", policy->name);
	add_string(obj, "state", policy->state);
	add_string(obj, "mode", policy->mode);
	add_string(obj, "scope", policy->scope);
	add_number(obj, "cgroup_id", policy->cgroup_id);
	json_object_object_add(obj, "priority",
			       json_object_new_int(policy->priority));
	add_number(obj, "link_id", policy->link_id);
	add_number(obj, "paid", policy->paid);
	each_counter(policy, add_counter, obj);
	add_number(obj, "exit_kind", policy->exit_kind);
	json_object_object_add(obj, "exit_code",
			       json_object_new_int(policy->exit_code));
	add_string(obj, "exit_message", policy->exit_message);
	json_object_object_add(obj, "pinned", *policy->pinned ?
			       json_object_new_string(policy->pinned) : NULL);
	return obj;
}

// SPDX-License-Identifier: GPL-2.0-only
/* iommufd-bpf list */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"

static void print_table(const struct iommufd_policy_status *policy)
{
	printf("%-15s %-8s %4s %10s %8s %12s %8s %s\n", "NAME", "STATE", "LINK",
	       "MAP-ASKED", "REFUSED", "ATTACH-ASKED", "REFUSED", "PINNED");
	for (; policy; policy = policy->next) {
		printf("%-15s %-8s %4" PRIu32 " %10" PRIu64 " %8" PRIu64
		       " %12" PRIu64 " %8" PRIu64 " %s\n",
		       policy->name, policy->state, policy->link_id,
		       policy->map_asked, policy->map_refused,
		       policy->attach_asked, policy->attach_refused,
		       *policy->pinned ? policy->pinned : "-");
		if (*policy->exit_message)
			printf("  %s\n", policy->exit_message);
	}
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

static struct json_object *
policy_json(const struct iommufd_policy_status *policy)
{
	struct json_object *obj = json_object_new_object();

	add_string(obj, "name", policy->name);
	add_string(obj, "state", policy->state);
	add_number(obj, "link_id", policy->link_id);
	add_number(obj, "map_asked", policy->map_asked);
	add_number(obj, "map_refused", policy->map_refused);
	add_number(obj, "attach_asked", policy->attach_asked);
	add_number(obj, "attach_refused", policy->attach_refused);
	add_number(obj, "exit_kind", policy->exit_kind);
	json_object_object_add(obj, "exit_code",
			       json_object_new_int(policy->exit_code));
	add_string(obj, "exit_message", policy->exit_message);
	json_object_object_add(obj, "pinned", *policy->pinned ?
			       json_object_new_string(policy->pinned) : NULL);
	return obj;
}

static struct json_object *
list_json(const struct iommufd_policy_status *policy)
{
	struct json_object *list = json_object_new_array();

	for (; policy; policy = policy->next)
		json_object_array_add(list, policy_json(policy));
	return list;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = { COMMON_OPTIONS, {} };
	struct iommufd_policy_status *policies;
	struct iommufd_policy_host *host;
	int err, ret = EXIT_SUCCESS;

	cmd_getopt(&cmd_list, argc, argv, options);
	cmd_operands(&cmd_list, argc, argv, 0);

	host = open_host();
	err = iommufd_policy_list(host, &policies);
	if (err)
		ret = host_failed(host, err);
	else if (opt_json)
		out_set_json(list_json(policies));
	else
		print_table(policies);
	iommufd_policy_list_free(policies);
	iommufd_policy_host_close(host);
	return ret;
}

const struct command cmd_list = {
	.name = "list",
	.summary = "Show the loaded policies and what they decided",
	.run = run,
};

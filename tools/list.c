// SPDX-License-Identifier: GPL-2.0-only
/* iommufd-bpf list */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"

static void print_table(const struct iommufd_policy_status *policy)
{
	printf("%-15s %-8s %-7s %9s %9s %9s %9s  %s\n", "NAME", "STATE", "MODE",
	       "MAPS", "REFUSED", "ATTACHES", "REFUSED", "SCOPE");
	for (; policy; policy = policy->next) {
		printf("%-15s %-8s %-7s %9" PRIu64 " %9" PRIu64 " %9" PRIu64
		       " %9" PRIu64 "  %s%s\n",
		       policy->name, policy->state,
		       *policy->mode ? policy->mode : "-",
		       policy->map.asked, policy->map.refused,
		       policy->attach.asked, policy->attach.refused,
		       *policy->scope ? policy->scope : "-",
		       *policy->pinned ? "" : " (not pinned)");
		if (*policy->exit_message)
			printf("  %s\n", policy->exit_message);
	}
}

static struct json_object *
list_json(const struct iommufd_policy_status *policy)
{
	struct json_object *list = json_object_new_array();

	for (; policy; policy = policy->next)
		json_object_array_add(list, status_json(policy));
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
	.notes = "'show NAME' tells all that is known of one.\n",
	.run = run,
};

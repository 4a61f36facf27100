// SPDX-License-Identifier: GPL-2.0-only
/* iommufd-bpf show */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

static void print_counter(const char *hook, const char *what, uint64_t value,
			  void *arg)
{
	if (value)
		fprintf(arg, "%s %s %" PRIu64 "\n", hook, what, value);
}

static void print_policy(const struct iommufd_policy_status *policy)
{
	printf("policy %s: %s", policy->name, policy->state);
	if (*policy->mode)
		printf(", %s", policy->mode);
	printf("\n");
	if (*policy->exit_message)
		printf("because %s (kind %" PRIu32 ", code %" PRId32 ")\n",
		       policy->exit_message, policy->exit_kind,
		       policy->exit_code);
	if (*policy->scope)
		printf("scope %s, priority %" PRId32 "\n", policy->scope,
		       policy->priority);
	printf("BPF link %" PRIu32 ", %s\n", policy->link_id,
	       *policy->pinned ? policy->pinned : "held by another program");
	if (policy->paid)
		printf("pages paid for %" PRIu64 "\n", policy->paid);
	each_counter(policy, print_counter, stdout);
}

static int run(int argc, char **argv)
{
	static const struct option options[] = { COMMON_OPTIONS, {} };
	struct iommufd_policy_status *policies, *policy;
	struct iommufd_policy_host *host;
	int err, ret = EXIT_SUCCESS;
	const char *name;

	cmd_getopt(&cmd_show, argc, argv, options);
	cmd_operands(&cmd_show, argc, argv, 1);
	name = argv[optind];

	host = open_host();
	err = iommufd_policy_list(host, &policies);
	policy = policies;
	while (policy && strcmp(policy->name, name))
		policy = policy->next;
	if (err)
		ret = host_failed(host, err);
	else if (!policy)
		ret = out_fail(-ENOENT,
			       "no policy '%s' is loaded: 'iommufd-bpf list' shows those that are",
			       name);
	else if (opt_json)
		out_set_json(status_json(policy));
	else
		print_policy(policy);
	iommufd_policy_list_free(policies);
	iommufd_policy_host_close(host);
	return ret;
}

const struct command cmd_show = {
	.name = "show",
	.operands = "NAME",
	.summary = "Show all that is known of a policy",
	.run = run,
};

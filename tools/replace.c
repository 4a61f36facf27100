// SPDX-License-Identifier: GPL-2.0-only
/* iommufd-bpf replace */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

static int replace(const char *name, const char *path, const char *policy,
		   const struct settings *settings)
{
	struct iommufd_policy_host *host = open_host();
	struct iommufd_policy_object *obj = NULL;
	int err, ret = EXIT_SUCCESS;

	err = iommufd_policy_object_open(host, path, &obj);
	if (!err && policy)
		err = iommufd_policy_object_select(obj, policy);
	if (!err)
		err = settings_apply(settings, obj);
	if (!err)
		err = iommufd_policy_replace(obj, name);
	if (err)
		ret = host_failed(host, err);
	else
		out_loaded(obj);

	iommufd_policy_object_close(obj);
	iommufd_policy_host_close(host);
	return ret;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "policy", required_argument, NULL, 'p' },
		{ "set", required_argument, NULL, 's' },
		COMMON_OPTIONS,
		{}
	};
	struct settings settings = {};
	const char *policy = NULL;
	int opt, ret;

	while ((opt = cmd_getopt(&cmd_replace, argc, argv, options)) != -1) {
		switch (opt) {
		case 'p':
			policy = optarg;
			break;
		case 's':
			settings_add(&settings, &cmd_replace, optarg);
			break;
		}
	}
	cmd_operands(&cmd_replace, argc, argv, 2);

	ret = replace(argv[optind], argv[optind + 1], policy, &settings);
	free(settings.items);
	return ret;
}

const struct command cmd_replace = {
	.name = "replace",
	.operands = "NAME FILE",
	.args = "[--policy POLICY] [--set PARAM=VALUE]...",
	.summary = "Put a policy in the place of a loaded one, with no gap",
	.options = "  -p, --policy POLICY    which one, if FILE has several\n"
		"  -s, --set PARAM=VALUE  set a parameter; 'inspect FILE' shows them\n",
	.notes = "The new policy has name, scope, priority and mode of the old one, which stays\n"
		"in force if anything fails.\n",
	.run = run,
};

// SPDX-License-Identifier: GPL-2.0-only
/* iommufd-bpf load */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

static int load(const char *path, const char *policy, const char *name,
		const struct settings *settings)
{
	struct iommufd_policy_host *host = open_host();
	struct iommufd_policy_object *obj = NULL;
	int err, ret = EXIT_SUCCESS;

	err = iommufd_policy_object_open(host, path, &obj);
	if (!err && policy)
		err = iommufd_policy_object_select(obj, policy);
	if (!err && name)
		err = iommufd_policy_object_rename(obj, name);
	if (!err)
		err = settings_apply(settings, obj);
	if (!err)
		err = iommufd_policy_load(obj);
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
		{ "name", required_argument, NULL, 'n' },
		{ "policy", required_argument, NULL, 'p' },
		{ "set", required_argument, NULL, 's' },
		COMMON_OPTIONS,
		{}
	};
	const char *name = NULL, *policy = NULL;
	struct settings settings = {};
	int opt, ret;

	while ((opt = cmd_getopt(&cmd_load, argc, argv, options)) != -1) {
		switch (opt) {
		case 'n':
			name = optarg;
			break;
		case 'p':
			policy = optarg;
			break;
		case 's':
			settings_add(&settings, &cmd_load, optarg);
			break;
		}
	}
	cmd_operands(&cmd_load, argc, argv, 1);

	ret = load(argv[optind], policy, name, &settings);
	free(settings.items);
	return ret;
}

const struct command cmd_load = {
	.name = "load",
	.operands = "FILE",
	.args = "[--policy POLICY] [--name NAME] [--set PARAM=VALUE]...",
	.summary = "Put a policy in force",
	.options = "  -p, --policy POLICY    which one, if FILE has several\n"
		"  -n, --name NAME        load it under another name\n"
		"  -s, --set PARAM=VALUE  set a parameter; 'inspect FILE' shows them\n",
	.run = run,
};

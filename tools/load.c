// SPDX-License-Identifier: GPL-2.0-only
/* iommufd-bpf load */
#include <stdlib.h>

#include "cmd.h"

/**
 * struct wishes - how a policy is to be loaded; what is not said stays as compiled
 * @policy: which of several in the file, or NULL
 * @name: another name for it, or NULL
 * @scope: whose requests it decides about, or NULL
 * @priority: text of a number, or NULL
 * @mode: "audit", "enforce" or NULL
 * @fail: "closed", "open" or NULL
 * @settings: parameters
 */
struct wishes {
	const char *policy;
	const char *name;
	const char *scope;
	const char *priority;
	const char *mode;
	const char *fail;
	struct settings settings;
};

static int prepare(struct iommufd_policy_object *obj,
		   const struct wishes *wishes)
{
	int err = 0;

	if (wishes->policy)
		err = iommufd_policy_object_select(obj, wishes->policy);
	if (!err && wishes->name)
		err = iommufd_policy_object_rename(obj, wishes->name);
	if (!err && wishes->scope)
		err = iommufd_policy_object_set_scope(obj, wishes->scope);
	if (!err && wishes->priority)
		err = iommufd_policy_object_set_priority(obj,
			number_between(&cmd_load, "--priority",
				       wishes->priority, INT32_MIN, INT32_MAX));
	if (!err && wishes->mode)
		err = iommufd_policy_object_set_audit(obj,
			either_word(&cmd_load, "--mode", wishes->mode,
				    "enforce", "audit"));
	if (!err && wishes->fail)
		err = iommufd_policy_object_set_fail_closed(obj,
			either_word(&cmd_load, "--fail", wishes->fail,
				    "open", "closed"));
	return err ?: settings_apply(&wishes->settings, obj);
}

static int load(const char *path, const struct wishes *wishes)
{
	struct iommufd_policy_host *host = open_host();
	struct iommufd_policy_object *obj = NULL;
	int err, ret = EXIT_SUCCESS;

	err = iommufd_policy_object_open(host, path, &obj);
	if (!err)
		err = prepare(obj, wishes);
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
		{ "scope", required_argument, NULL, OPT_SCOPE },
		{ "priority", required_argument, NULL, OPT_PRIORITY },
		{ "mode", required_argument, NULL, OPT_MODE },
		{ "fail", required_argument, NULL, OPT_FAIL },
		COMMON_OPTIONS,
		{}
	};
	struct wishes wishes = {};
	int opt, ret;

	while ((opt = cmd_getopt(&cmd_load, argc, argv, options)) != -1) {
		switch (opt) {
		case 'n':
			wishes.name = optarg;
			break;
		case 'p':
			wishes.policy = optarg;
			break;
		case 's':
			settings_add(&wishes.settings, &cmd_load, optarg);
			break;
		case OPT_SCOPE:
			wishes.scope = optarg;
			break;
		case OPT_PRIORITY:
			wishes.priority = optarg;
			break;
		case OPT_MODE:
			wishes.mode = optarg;
			break;
		case OPT_FAIL:
			wishes.fail = optarg;
			break;
		}
	}
	cmd_operands(&cmd_load, argc, argv, 1);

	ret = load(argv[optind], &wishes);
	free(wishes.settings.items);
	return ret;
}

const struct command cmd_load = {
	.name = "load",
	.operands = "FILE",
	.args = "[--policy POLICY] [--name NAME] [--scope SCOPE]\n"
		"       [--priority N] [--mode MODE] [--fail FAIL] [--set PARAM=VALUE]...",
	.summary = "Put a policy in force",
	.options = "  -p, --policy POLICY    which one, if FILE has several\n"
		"  -n, --name NAME        load it under another name\n"
		"      --scope SCOPE      whose requests it decides about: 'system', or\n"
		"                         'cgroup:PATH', of that cgroup and all below it\n"
		"      --priority N       of the same scope, the highest is asked first\n"
		"      --mode MODE        'audit': what it refuses is counted, and goes on;\n"
		"                         or 'enforce'\n"
		"      --fail FAIL        'closed': after a wrong answer requests are refused\n"
		"                         until it is replaced or unloaded; or 'open'\n"
		"  -s, --set PARAM=VALUE  set a parameter; 'inspect FILE' shows them\n",
	.notes = "What is not said is as the policy was compiled.\n",
	.run = run,
};

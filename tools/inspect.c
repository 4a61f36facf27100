// SPDX-License-Identifier: GPL-2.0-only
/* iommufd-bpf inspect */
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"

static struct json_object *show_policies(struct iommufd_policy_object *obj)
{
	struct json_object *list = json_object_new_array();
	const char *name;
	unsigned int i;

	for (i = 0; (name = iommufd_policy_object_policy(obj, i)); i++) {
		out_text("policy %s\n", name);
		json_object_array_add(list, json_object_new_string(name));
	}
	return list;
}

static struct json_object *show_params(struct iommufd_policy_object *obj)
{
	struct iommufd_policy_param param = { .sz = sizeof(param) };
	struct json_object *list = json_object_new_array();
	struct json_object *entry;
	unsigned int i;

	for (i = 0; !iommufd_policy_object_param(obj, i, &param); i++) {
		out_text("parameter %s=%s (%s)\n", param.name, param.value,
			 param.type);
		entry = json_object_new_object();
		json_object_object_add(entry, "name",
				       json_object_new_string(param.name));
		json_object_object_add(entry, "type",
				       json_object_new_string(param.type));
		json_object_object_add(entry, "size",
				       json_object_new_uint64(param.size));
		json_object_object_add(entry, "default",
				       json_object_new_string(param.value));
		json_object_array_add(list, entry);
	}
	return list;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = { COMMON_OPTIONS, {} };
	struct iommufd_policy_object *obj;
	struct iommufd_policy_host *host;
	int err, ret = EXIT_SUCCESS;

	cmd_getopt(&cmd_inspect, argc, argv, options);
	cmd_operands(&cmd_inspect, argc, argv, 1);

	host = open_host();
	err = iommufd_policy_object_open(host, argv[optind], &obj);
	if (err) {
		ret = host_failed(host, err);
	} else {
		json_object_object_add(out_json(), "policies",
				       show_policies(obj));
		json_object_object_add(out_json(), "parameters",
				       show_params(obj));
		iommufd_policy_object_close(obj);
	}
	iommufd_policy_host_close(host);
	return ret;
}

const struct command cmd_inspect = {
	.name = "inspect",
	.operands = "FILE",
	.summary = "Show the policies in a file and their parameters",
	.notes = "Needs neither root nor iommufd.\n",
	.run = run,
};

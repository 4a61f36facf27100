// SPDX-License-Identifier: GPL-2.0-only
/* iommufd-bpf check */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

#define COMPLAINT_SIZE 256

/* What the verifier has said last, before it counted what it had done */
static void keep_complaint(void *arg, const char *text)
{
	char *complaint = arg;
	const char *line, *end;
	size_t len;

	if (opt_verbose)
		fputs(text, stderr);
	if (!strstr(text, "BEGIN PROG LOAD LOG"))
		return;
	for (line = text; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		if (!strncmp(line, "processed ", 10) || !strncmp(line, "--", 2))
			continue;
		len = end - line;
		if (len && len < COMPLAINT_SIZE) {
			memcpy(complaint, line, len);
			complaint[len] = '\0';
		}
	}
}

static int check(struct iommufd_policy_host *host, const char *path,
		 const char *policy, const char *complaint)
{
	struct iommufd_policy_object *obj = NULL;
	int err, ret = EXIT_SUCCESS;

	err = iommufd_policy_object_open(host, path, &obj);
	if (!err && policy)
		err = iommufd_policy_object_select(obj, policy);
	if (!err)
		err = iommufd_policy_check(obj);
	if (err && *complaint)
		ret = out_fail(err,
			       "cannot load %s: the verifier says '%s': -v shows its log",
			       path, complaint);
	else if (err)
		ret = host_failed(host, err);
	else
		out_text("policy %s would load\n",
			 iommufd_policy_object_name(obj));
	if (!err)
		json_object_object_add(out_json(), "name",
				       json_object_new_string(iommufd_policy_object_name(obj)));
	iommufd_policy_object_close(obj);
	return ret;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "policy", required_argument, NULL, 'p' },
		COMMON_OPTIONS,
		{}
	};
	char complaint[COMPLAINT_SIZE] = "";
	const struct iommufd_policy_host_opts opts = {
		.sz = sizeof(opts),
		.log = keep_complaint,
		.log_arg = complaint,
	};
	struct iommufd_policy_host *host;
	const char *policy = NULL;
	int opt, ret;

	while ((opt = cmd_getopt(&cmd_check, argc, argv, options)) != -1)
		if (opt == 'p')
			policy = optarg;
	cmd_operands(&cmd_check, argc, argv, 1);

	if (iommufd_policy_host_open(&opts, &host))
		abort();
	ret = check(host, argv[optind], policy, complaint);
	iommufd_policy_host_close(host);
	return ret;
}

const struct command cmd_check = {
	.name = "check",
	.operands = "FILE",
	.args = "[--policy POLICY]",
	.summary = "Try whether a policy would load",
	.options = "  -p, --policy POLICY    which one, if FILE has several\n",
	.notes = "The kernel looks at it; it is not put in force, and nothing is left of it.\n",
	.run = run,
};

// SPDX-License-Identifier: GPL-2.0-only
/* iommufd-bpf unload */
#include <stdlib.h>

#include "cmd.h"

static int run(int argc, char **argv)
{
	static const struct option options[] = { COMMON_OPTIONS, {} };
	struct iommufd_policy_host *host;
	int err, ret = EXIT_SUCCESS;

	cmd_getopt(&cmd_unload, argc, argv, options);
	cmd_operands(&cmd_unload, argc, argv, 1);

	host = open_host();
	err = iommufd_policy_unload(host, argv[optind]);
	if (err)
		ret = host_failed(host, err);
	iommufd_policy_host_close(host);
	return ret;
}

const struct command cmd_unload = {
	.name = "unload",
	.operands = "NAME",
	.summary = "End a policy",
	.notes = "When this returns, the policy has answered its last request.\n",
	.run = run,
};

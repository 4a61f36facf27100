// SPDX-License-Identifier: GPL-2.0-only
/* iommufd-bpf mode */
#include <stdlib.h>

#include "cmd.h"

static int run(int argc, char **argv)
{
	static const struct option options[] = { COMMON_OPTIONS, {} };
	struct iommufd_policy_host *host;
	int err, ret = EXIT_SUCCESS;
	bool audit;

	cmd_getopt(&cmd_mode, argc, argv, options);
	cmd_operands(&cmd_mode, argc, argv, 2);
	audit = either_word(&cmd_mode, "mode", argv[optind + 1], "enforce",
			    "audit");

	host = open_host();
	err = iommufd_policy_set_audit(host, argv[optind], audit);
	if (err)
		ret = host_failed(host, err);
	iommufd_policy_host_close(host);
	return ret;
}

const struct command cmd_mode = {
	.name = "mode",
	.operands = "NAME audit|enforce",
	.summary = "Switch a policy between audit and enforce",
	.notes = "In audit mode what it refuses is counted and traced, and goes on.\n",
	.run = run,
};

// SPDX-License-Identifier: GPL-2.0-only
/* iommufd-bpf off */
#include <stdlib.h>

#include "cmd.h"

static int run(int argc, char **argv)
{
	static const struct option options[] = { COMMON_OPTIONS, {} };
	struct iommufd_policy_host *host;
	int err, ret = EXIT_SUCCESS;

	cmd_getopt(&cmd_off, argc, argv, options);
	cmd_operands(&cmd_off, argc, argv, 0);

	host = open_host();
	err = iommufd_policy_off(host);
	if (err)
		ret = host_failed(host, err);
	iommufd_policy_host_close(host);
	return ret;
}

const struct command cmd_off = {
	.name = "off",
	.summary = "In an emergency: put all policies out of service",
	.notes = "They stay listed, and decide nothing any more, until each is replaced or\n"
		"unloaded. The same by hand: echo 1 >/sys/kernel/iommufd/off\n",
	.run = run,
};

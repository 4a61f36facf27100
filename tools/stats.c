// SPDX-License-Identifier: GPL-2.0-only
/* iommufd-bpf stats */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"

static const char counters_head[] = "NAME            HOOK            ASKED    REFUSED    AUDITED";

/**
 * struct wanted - what is to be shown
 * @name: of one policy; NULL: of all
 * @interval: seconds from one look to the next; 0: there is one only
 * @looks: how many
 * @openmetrics: in that format
 * @output: the file it goes to, or NULL
 */
struct wanted {
	const char *name;
	long interval;
	long looks;
	bool openmetrics;
	const char *output;
};

static void print_counts(const char *name, const char *hook,
			 const struct iommufd_policy_count *count)
{
	if (count->asked || count->refused || count->audited)
		printf("%-15s %-10s %10" PRIu64 " %10" PRIu64 " %10" PRIu64
		       "\n", name, hook, count->asked, count->refused,
		       count->audited);
}

static void print_policy(const struct iommufd_policy_status *policy)
{
	print_counts(policy->name, "map", &policy->map);
	print_counts(policy->name, "unmap", &policy->unmap);
	print_counts(policy->name, "attach", &policy->attach);
	print_counts(policy->name, "detach", &policy->detach);
	print_counts(policy->name, "iova_alloc", &policy->iova_alloc);
	print_counts(policy->name, "charge", &policy->charge);
	print_counts(policy->name, "uncharge", &policy->uncharge);
}

/* Just the one that is wanted; the list is not much longer for the rest */
static int keep_one(struct iommufd_policy_status **listp, const char *name)
{
	struct iommufd_policy_status *policy, *found = NULL, *next;

	for (policy = *listp; policy; policy = next) {
		next = policy->next;
		policy->next = NULL;
		if (strcmp(policy->name, name))
			iommufd_policy_list_free(policy);
		else
			found = policy;
	}
	*listp = found;
	return found ? 0 : out_fail(-ENOENT,
				    "no policy '%s' is loaded: 'iommufd-bpf list' shows those that are",
				    name);
}

static void print_json(const struct iommufd_policy_status *policy)
{
	struct json_object *list = json_object_new_array();

	for (; policy; policy = policy->next)
		json_object_array_add(list, status_json(policy));
	out_set_json(list);
}

static int print(const struct iommufd_policy_status *policy,
		 const struct wanted *wanted)
{
	int err;

	if (wanted->openmetrics) {
		err = openmetrics_write(policy, wanted->output);
		return err ? out_fail(err, "cannot write %s: %s",
				      wanted->output, strerror(-err)) : 0;
	}
	if (opt_json) {
		print_json(policy);
		return 0;
	}
	puts(counters_head);
	for (; policy; policy = policy->next)
		print_policy(policy);
	return 0;
}

static int look(struct iommufd_policy_host *host, const struct wanted *wanted)
{
	struct iommufd_policy_status *policies;
	int err, ret = 0;

	err = iommufd_policy_list(host, &policies);
	if (err)
		return host_failed(host, err);
	if (wanted->name)
		ret = keep_one(&policies, wanted->name);
	if (!ret)
		ret = print(policies, wanted);
	iommufd_policy_list_free(policies);
	return ret;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "interval", required_argument, NULL, 'i' },
		{ "count", required_argument, NULL, 'c' },
		{ "openmetrics", no_argument, NULL, OPT_OPENMETRICS },
		{ "output", required_argument, NULL, 'o' },
		COMMON_OPTIONS,
		{}
	};
	struct wanted wanted = { .looks = 1 };
	struct iommufd_policy_host *host;
	long done = 0;
	int opt, ret;

	while ((opt = cmd_getopt(&cmd_stats, argc, argv, options)) != -1) {
		switch (opt) {
		case 'i':
			wanted.interval = number_between(&cmd_stats,
							 "--interval", optarg,
							 1, 86400);
			wanted.looks = LONG_MAX;
			break;
		case 'c':
			wanted.looks = number_between(&cmd_stats, "--count",
						      optarg, 1, LONG_MAX);
			break;
		case OPT_OPENMETRICS:
			wanted.openmetrics = true;
			break;
		case 'o':
			wanted.output = optarg;
			break;
		}
	}
	if (argc - optind)
		wanted.name = argv[optind++];
	cmd_operands(&cmd_stats, argc, argv, 0);
	if (wanted.output && !wanted.openmetrics)
		usage_error(&cmd_stats, "--output goes with --openmetrics");
	if (wanted.openmetrics && opt_json)
		usage_error(&cmd_stats, "--openmetrics is not JSON");
	if (wanted.looks > 1 && !wanted.interval)
		usage_error(&cmd_stats, "--count goes with --interval");
	/* A reader of the format takes the first "# EOF" for the end */
	if (wanted.openmetrics && wanted.interval && !wanted.output)
		usage_error(&cmd_stats,
			    "--openmetrics with --interval needs --output");

	host = open_host();
	do {
		if (done)
			sleep(wanted.interval);
		ret = look(host, &wanted);
		/* One document a look, as it comes; the last one in the end */
		if (!ret && ++done < wanted.looks)
			out_flush();
	} while (!ret && done < wanted.looks);
	iommufd_policy_host_close(host);
	return ret;
}

const struct command cmd_stats = {
	.name = "stats",
	.operands = "[NAME]",
	.args = "[--interval SECONDS [--count N]] [--openmetrics [--output FILE]]",
	.summary = "Show how often the hooks of policies were called",
	.options = "  -i, --interval SECONDS  again and again\n"
		"  -c, --count N           so many times\n"
		"      --openmetrics       as text for monitoring systems\n"
		"  -o, --output FILE       into this file, which is replaced as a whole\n",
	.run = run,
};

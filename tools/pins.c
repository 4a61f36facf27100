// SPDX-License-Identifier: GPL-2.0-only
/* iommufd-bpf pins: who has pinned how much */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "groups.h"
#include "names.h"

static const char *const sort_keys[] = { "pinned", "charged", "name" };

static void show_group(const struct group *group, void *arg)
{
	const struct groups *groups = arg;
	char pinned[HUMAN_SIZE], charged[HUMAN_SIZE];
	long page = sysconf(_SC_PAGESIZE);
	struct json_object *obj;

	if (!opt_json) {
		printf("%8s %8s %8u  %s\n",
		       human_size(group->pinned * page, pinned),
		       human_size(group->charged * page, charged),
		       group->contexts, group_text(groups, group));
		return;
	}
	obj = json_object_new_object();
	group_json(groups, group, obj);
	add_number(obj, "contexts", group->contexts);
	add_number(obj, "pinned_pages", group->pinned);
	add_number(obj, "charged_pages", group->charged);
	out_array_add(obj);
}

static void show_totals(const struct groups *groups)
{
	struct json_object *totals = json_object_new_object();
	char pinned[HUMAN_SIZE], charged[HUMAN_SIZE];
	long page = sysconf(_SC_PAGESIZE);

	out_text("%8s %8s %8u  in all\n",
		 human_size(groups->pinned * page, pinned),
		 human_size(groups->charged * page, charged), groups->contexts);
	add_number(totals, "contexts", groups->contexts);
	add_number(totals, "pinned_pages", groups->pinned);
	add_number(totals, "charged_pages", groups->charged);
	json_object_object_add(out_json(), "totals", totals);
	add_number(out_json(), "page_size", page);
	add_string(out_json(), "by", group_by_name(groups->by));
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "by", required_argument, NULL, 'b' },
		{ "ctx", required_argument, NULL, 'c' },
		{ "sort", required_argument, NULL, 's' },
		COMMON_OPTIONS,
		{}
	};
	enum group_sort sort = SORT_PINNED;
	struct groups groups = {};
	uint64_t ctx_id = 0;
	int opt;

	while ((opt = cmd_getopt(&cmd_pins, argc, argv, options)) != -1) {
		switch (opt) {
		case 'b':
			groups.by = group_parse_by(&cmd_pins, optarg);
			break;
		case 'c':
			ctx_id = cmd_number(&cmd_pins, "--ctx", optarg,
					    UINT64_MAX);
			break;
		case 's':
			for (sort = 0; strcmp(sort_keys[sort], optarg); sort++)
				if (sort == SORT_NAME)
					usage_error(&cmd_pins, "--sort %s: not one of pinned, charged, name",
						    optarg);
			break;
		}
	}
	cmd_operands(&cmd_pins, argc, argv, 0);

	if (groups_look(&groups, ctx_id))
		return EXIT_FAILURE;
	groups_sort(&groups, sort);
	if (opt_json)
		out_array("pins");
	else
		printf("%8s %8s %8s  %s\n", "PINNED", "CHARGED", "CONTEXTS",
		       group_heading(groups.by));
	groups_each(&groups, show_group, &groups);
	show_totals(&groups);
	groups_free(&groups);
	return EXIT_SUCCESS;
}

const struct command cmd_pins = {
	.name = "pins",
	.args = "[--by process|cgroup|user|context] [--ctx ID] [--sort KEY]",
	.summary = "Show who has pinned how much memory for devices",
	.options = "  -b, --by WHAT          add up by process (default), cgroup, user or context\n"
		"  -c, --ctx ID           in this context alone\n"
		"  -s, --sort KEY         by pinned (default), charged or name\n",
	.notes = "Each page counts once in a context, however many IOASes, devices and accesses use it.\n"
		 "CHARGED is what counts against RLIMIT_MEMLOCK; the rest is exempt, or a policy has paid\n"
		 "for it and taken it off the limit.\n",
	.run = run,
};

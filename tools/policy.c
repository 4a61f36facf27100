// SPDX-License-Identifier: GPL-2.0-only
/* What the subcommands about policies share */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

static void print_log(void *arg, const char *text)
{
	fputs(text, arg);
}

struct iommufd_policy_host *open_host(void)
{
	struct iommufd_policy_host_opts opts = {
		.sz = sizeof(opts),
		.log = opt_verbose ? print_log : NULL,
		.log_arg = stderr,
	};
	struct iommufd_policy_host *host;

	if (iommufd_policy_host_open(&opts, &host))
		abort();
	return host;
}

int host_failed(const struct iommufd_policy_host *host, int err)
{
	return out_fail(err, "%s", iommufd_policy_host_error(host));
}

bool either_word(const struct command *cmd, const char *option,
		 const char *value, const char *no, const char *yes)
{
	bool is_yes = !strcmp(value, yes);

	if (!is_yes && strcmp(value, no))
		usage_error(cmd, "%s %s: not %s or %s", option, value, no, yes);
	return is_yes;
}

long number_between(const struct command *cmd, const char *option,
		    const char *value, long least, long most)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(value, &end, 0);
	if (errno || end == value || *end || number < least || number > most)
		usage_error(cmd, "%s %s: not a number from %ld to %ld", option,
			    value, least, most);
	return number;
}

void out_loaded(struct iommufd_policy_object *obj)
{
	const char *name = iommufd_policy_object_name(obj);

	out_text("policy %s is in force\n", name);
	json_object_object_add(out_json(), "name", json_object_new_string(name));
}

void settings_add(struct settings *settings, const struct command *cmd,
		  char *item)
{
	char *equals = strchr(item, '=');

	if (!equals || equals == item)
		usage_error(cmd, "--set %s: not NAME=VALUE", item);
	*equals = '\0';
	settings->items = reallocarray(settings->items, settings->count + 1,
				       sizeof(*settings->items));
	if (!settings->items)
		abort();
	settings->items[settings->count++] = item;
}

int settings_apply(const struct settings *settings,
		   struct iommufd_policy_object *obj)
{
	const char *name;
	int i, err = 0;

	for (i = 0; i < settings->count && !err; i++) {
		name = settings->items[i];
		err = iommufd_policy_object_set_param(obj, name,
						      name + strlen(name) + 1);
	}
	return err;
}

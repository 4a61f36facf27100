// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policies as OpenMetrics text, for what operators watch a fleet with: the textfile
 * collector of node_exporter reads such files.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"

struct sample {
	FILE *file;
	const struct iommufd_policy_status *policy;
	const char *what;
};

/* Names have letters that need no escape; a path of a cgroup may have any */
static void print_escaped(FILE *file, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", file);
		else if (*text == '"' || *text == '\\')
			fprintf(file, "\\%c", *text);
		else
			fputc(*text, file);
	}
}

static void print_sample(const char *hook, const char *what, uint64_t value,
			 void *arg)
{
	const struct sample *sample = arg;

	if (strcmp(what, sample->what))
		return;
	fprintf(sample->file,
		"iommufd_policy_%s_total{policy=\"%s\",hook=\"%s\"} %" PRIu64
		"\n", what, sample->policy->name, hook, value);
}

static void print_counters(FILE *file,
			   const struct iommufd_policy_status *policies,
			   const char *what, const char *help)
{
	struct sample sample = { file, policies, what };

	fprintf(file, "# TYPE iommufd_policy_%s counter\n"
		"# HELP iommufd_policy_%s %s\n", what, what, help);
	for (; sample.policy; sample.policy = sample.policy->next)
		each_counter(sample.policy, print_sample, &sample);
}

static void print_info(FILE *file, const struct iommufd_policy_status *policy)
{
	fputs("# TYPE iommufd_policy info\n"
	      "# HELP iommufd_policy Loaded policies, and what is said of them.\n",
	      file);
	for (; policy; policy = policy->next) {
		fprintf(file, "iommufd_policy_info{policy=\"%s\",state=\"%s\",mode=\"%s\",scope=\"",
			policy->name, policy->state, policy->mode);
		print_escaped(file, policy->scope);
		fputs("\"} 1\n", file);
	}
}

static void print_gauges(FILE *file, const struct iommufd_policy_status *policies)
{
	const struct iommufd_policy_status *policy;

	fputs("# TYPE iommufd_policy_active gauge\n"
	      "# HELP iommufd_policy_active 1 if the policy decides, else 0.\n",
	      file);
	for (policy = policies; policy; policy = policy->next)
		fprintf(file, "iommufd_policy_active{policy=\"%s\"} %d\n",
			policy->name, !strcmp(policy->state, "active"));
	fputs("# TYPE iommufd_policy_paid_pages gauge\n"
	      "# HELP iommufd_policy_paid_pages Pinned pages the policy has paid for.\n",
	      file);
	for (policy = policies; policy; policy = policy->next)
		fprintf(file, "iommufd_policy_paid_pages{policy=\"%s\"} %" PRIu64
			"\n", policy->name, policy->paid);
}

static void print_all(FILE *file, const struct iommufd_policy_status *policies)
{
	print_info(file, policies);
	print_gauges(file, policies);
	print_counters(file, policies, "asked", "Requests a hook was asked about.");
	print_counters(file, policies, "refused", "Requests it refused.");
	print_counters(file, policies, "audited",
		       "Refusals that were let pass in audit mode.");
	print_counters(file, policies, "told", "Events a hook was told of.");
	fputs("# EOF\n", file);
}

/* Who reads the file sees the old or the new text, whole. */
static int replace_file(const struct iommufd_policy_status *policies,
			const char *path)
{
	char *new;
	FILE *file;
	int fd, err = 0;

	if (asprintf(&new, "%s.XXXXXX", path) < 0)
		abort();
	fd = mkstemp(new);
	file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!file) {
		err = -errno;
		free(new);
		return err;
	}
	print_all(file, policies);
	if (fchmod(fd, 0644) || fflush(file))
		err = -errno;
	if (fclose(file) && !err)
		err = -errno;
	if (!err && rename(new, path))
		err = -errno;
	if (err)
		unlink(new);
	free(new);
	return err;
}

int openmetrics_write(const struct iommufd_policy_status *policies,
		      const char *path)
{
	if (path)
		return replace_file(policies, path);
	print_all(stdout, policies);
	return 0;
}

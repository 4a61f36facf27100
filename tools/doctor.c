// SPDX-License-Identifier: GPL-2.0-only
/* iommufd-bpf doctor: what is wrong here, and what to do about it */
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "doctor.h"
#include "names.h"

static const struct {
	const char *name;
	void (*run)(struct finding *finding);
} checks[] = {
	{ "module", check_module },
	{ "policies", check_policies },
	{ "module-btf", check_module_btf },
	{ "kernel-btf", check_kernel_btf },
	{ "kernel-options", check_options },
	{ "struct-ops", check_struct_ops },
	{ "bpffs", check_bpffs },
	{ "cgroup", check_cgroup },
	{ "capabilities", check_capabilities },
	{ "lockdown", check_lockdown },
	{ "policy-states", check_dead },
	{ "iommu", check_iommu },
	{ "dev-iommu", check_dev_iommu },
	{ "vfio", check_vfio },
	{ "vfio-files", check_vfio_files },
	{ "vfio-cdev", check_vfio_cdev },
};

static const char *const states[] = { "ok", "wrong", "unknown" };
static const char *const colours[] = { "\033[32m", "\033[31m", "\033[33m" };

static void find(struct finding *finding, enum finding_state state,
		 const char *fmt, va_list ap)
{
	finding->state = state;
	vsnprintf(finding->what, sizeof(finding->what), fmt, ap);
}

void found_ok(struct finding *finding, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	find(finding, FINDING_OK, fmt, ap);
	va_end(ap);
}

void found_unknown(struct finding *finding, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	find(finding, FINDING_UNKNOWN, fmt, ap);
	va_end(ap);
}

void found_wrong(struct finding *finding, const char *advice, const char *fmt,
		 ...)
{
	va_list ap;

	va_start(ap, fmt);
	find(finding, FINDING_WRONG, fmt, ap);
	va_end(ap);
	snprintf(finding->advice, sizeof(finding->advice), "%s", advice);
}

bool read_line(const char *path, char *text, size_t len)
{
	FILE *file = fopen(path, "re");
	bool got;

	if (!file)
		return false;
	got = fgets(text, len, file);
	fclose(file);
	if (got)
		text[strcspn(text, "\n")] = '\0';
	return got;
}

int count_entries(const char *path)
{
	const struct dirent *entry;
	DIR *dir = opendir(path);
	int nr = 0;

	if (!dir)
		return -1;
	while ((entry = readdir(dir)))
		nr += *entry->d_name != '.';
	closedir(dir);
	return nr;
}

static void show(const char *name, const struct finding *finding)
{
	const bool colour = isatty(STDOUT_FILENO);
	struct json_object *obj;

	if (opt_json) {
		obj = json_object_new_object();
		add_string(obj, "check", name);
		add_string(obj, "state", states[finding->state]);
		add_string(obj, "what", finding->what);
		add_string(obj, "advice",
			    *finding->advice ? finding->advice : NULL);
		out_array_add(obj);
		return;
	}
	printf("%s%-7s%s  %-14s  %s%s%s\n", colour ? colours[finding->state] : "",
	       states[finding->state], colour ? "\033[0m" : "", name,
	       finding->what, *finding->advice ? ": " : "", finding->advice);
}

static int run(int argc, char **argv)
{
	static const struct option options[] = { COMMON_OPTIONS, {} };
	unsigned int wrong = 0;
	size_t i;

	cmd_getopt(&cmd_doctor, argc, argv, options);
	cmd_operands(&cmd_doctor, argc, argv, 0);

	if (opt_json)
		out_array("checks");
	for (i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		struct finding finding = {};

		checks[i].run(&finding);
		wrong += finding.state == FINDING_WRONG;
		show(checks[i].name, &finding);
	}
	add_number(out_json(), "wrong", wrong);
	return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}

const struct command cmd_doctor = {
	.name = "doctor",
	.summary = "Look for what is wrong on this host, and say what to do",
	.notes = "A line for each check: 'ok'; 'wrong', with what to do; or 'unknown' if it cannot be\n"
		 "told. The exit code is 1 if anything is wrong.\n",
	.run = run,
};

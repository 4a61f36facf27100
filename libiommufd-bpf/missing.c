// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What an object uses that the module or the kernel lacks. Only libbpf finds it
 * out, and says so only in its log; where it uses other words than these, its
 * caller knows as much as the errno tells.
 */
#include <stdio.h>
#include <string.h>

#include "internal.h"

/* What is between @before and @after: a @kind of thing */
static const struct {
	const char *before;
	const char *after;
	const char *kind;
} findings[] = {
	{ ": Cannot find member ", " in kernel BTF",
	  "struct iommufd_policy_ops." },
	{ "extern (func ksym) '", "': not found", "function " },
	{ "kfunc '", "' is referenced but wasn't resolved", "function " },
	/* "<byte_off> [7] struct s.member (0:1 @ offset 8)", "... = 5" */
	{ "failed to resolve CO-RE relocation <byte_off> [", " (", "" },
	{ "failed to resolve CO-RE relocation <enumval_value> [", " = ", "" },
};

/* Past the number of a type that is in brackets, if there is one */
static const char *skip_type_id(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits && !strncmp(text + digits, "] ", 2) ? text + digits + 2 :
							    text;
}

void missing_note(struct iommufd_policy_host *host, const char *log)
{
	const char *start, *end;
	size_t i;

	for (i = 0; i < sizeof(findings) / sizeof(findings[0]); i++) {
		start = strstr(log, findings[i].before);
		if (!start)
			continue;
		start = skip_type_id(start + strlen(findings[i].before));
		end = strstr(start, findings[i].after);
		if (!end || memchr(start, '\n', end - start))
			continue;
		snprintf(host->missing, sizeof(host->missing), "%s%.*s",
			 findings[i].kind, (int)(end - start), start);
		return;
	}
}

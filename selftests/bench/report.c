// SPDX-License-Identifier: GPL-2.0-only
/* What comes out: a line of JSON for each value, and progress */
#include <fnmatch.h>

#include "bench.h"

static const char *peer_name;
static char **patterns;
static FILE *results;

void check(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "bench: cannot %s: %s\n", what, strerror(-err));
	exit(EXIT_FAILURE);
}

void report_as(const char *peer)
{
	peer_name = peer;
}

void report_start(const char *file, char **rows)
{
	patterns = rows;
	results = fopen(file, "ae");
	check(results ? 0 : -errno, file);
}

bool wanted(const char *row)
{
	char **pattern;

	if (!*patterns)
		return true;
	for (pattern = patterns; *pattern; pattern++)
		if (!fnmatch(*pattern, row, 0))
			return true;
	return false;
}

bool wanted_any(const char *const *rows, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (wanted(rows[i]))
			return true;
	return false;
}

static void begin(const char *row, uint64_t x)
{
	printf("  %-8s %-24s", peer_name, row);
	fprintf(results, "{\"row\":\"%s\",\"peer\":\"%s\"", row, peer_name);
	if (!x)
		return;
	printf(" %14llu", (unsigned long long)x);
	fprintf(results, ",\"x\":%llu", (unsigned long long)x);
}

static void end(void)
{
	check(fflush(stdout) || fflush(results) ? -errno : 0,
	      "write the result");
}

void report(const char *row, double value)
{
	report_at(row, 0, value);
}

void report_at(const char *row, uint64_t x, double value)
{
	if (!wanted(row))
		return;
	begin(row, x);
	printf(" %14.2f\n", value);
	fprintf(results, ",\"value\":%.3f}\n", value);
	end();
}

void report_none(const char *row, uint64_t x, const char *why)
{
	if (!wanted(row))
		return;
	begin(row, x);
	printf(" %14s\n", why);
	fprintf(results, ",\"value\":null,\"why\":\"%s\"}\n", why);
	end();
}

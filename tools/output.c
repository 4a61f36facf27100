// SPDX-License-Identifier: GPL-2.0-only
/* What people and programs read */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

static struct json_object *document;
/* Name of the member whose elements are being printed, and how many were */
static const char *array;
static size_t array_length;
/* The document is the last one of many, a line each */
static bool lines;
/* Told last, after what was done before the failure */
static char *failure;

struct json_object *out_json(void)
{
	if (!document)
		document = json_object_new_object();
	return document;
}

void out_set_json(struct json_object *doc)
{
	json_object_put(document);
	document = doc;
}

static const char *compact(struct json_object *obj)
{
	return json_object_to_json_string_ext(obj, JSON_C_TO_STRING_PLAIN |
					      JSON_C_TO_STRING_NOSLASHESCAPE);
}

void out_array(const char *name)
{
	array = name;
	if (opt_json)
		printf("{\n  \"%s\":[", array);
}

void out_array_add(struct json_object *obj)
{
	printf("%s\n    %s", array_length++ ? "," : "", compact(obj));
	json_object_put(obj);
}

void out_line(struct json_object *obj)
{
	lines = true;
	puts(compact(obj));
	json_object_put(obj);
}

/* What is in the document comes after the array */
static void end_array(void)
{
	printf("%s]", array_length ? "\n  " : "");
	json_object_object_foreach(out_json(), key, value)
		printf(",\n  \"%s\":%s", key, compact(value));
	puts("\n}");
	array = NULL;
	array_length = 0;
}

void out_text(const char *fmt, ...)
{
	va_list ap;

	if (opt_json)
		return;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
}

static void add_failure(int err)
{
	struct json_object *error = json_object_new_object();
	const char *code = strerrorname_np(-err);

	json_object_object_add(error, "code",
			       json_object_new_string(code ?: "EINVAL"));
	json_object_object_add(error, "message",
			       json_object_new_string(failure));
	json_object_object_add(out_json(), "error", error);
}

int out_fail(int err, const char *fmt, ...)
{
	va_list ap;

	free(failure);
	va_start(ap, fmt);
	if (vasprintf(&failure, fmt, ap) < 0)
		abort();
	va_end(ap);
	if (opt_json)
		add_failure(err);
	return EXIT_FAILURE;
}

void out_flush(void)
{
	if (opt_json && array) {
		end_array();
	} else if (opt_json && lines) {
		if (json_object_object_length(out_json()))
			puts(compact(out_json()));
	} else if (opt_json) {
		puts(json_object_to_json_string_ext(out_json(),
						    JSON_C_TO_STRING_PRETTY |
						    JSON_C_TO_STRING_NOSLASHESCAPE));
	} else if (failure) {
		fflush(stdout);
		fprintf(stderr, "iommufd-bpf: %s\n", failure);
	}
	out_set_json(NULL);
	free(failure);
	failure = NULL;
}

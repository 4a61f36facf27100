/* SPDX-License-Identifier: GPL-2.0-only */
/* What the subcommands of iommufd-bpf share */
#ifndef IOMMUFD_BPF_CMD_H
#define IOMMUFD_BPF_CMD_H

#include <getopt.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "libiommufd-bpf.h"

/* Exit codes, beside EXIT_SUCCESS and EXIT_FAILURE */
#define EXIT_USAGE 2

struct command {
	const char *name;
	/* What follows the name, if anything: operands, then options */
	const char *operands;
	const char *args;
	const char *summary;
	/* Its own options, and what else is to be known, for --help */
	const char *options;
	const char *notes;
	int (*run)(int argc, char **argv);
};

extern const struct command cmd_apply, cmd_check, cmd_inspect, cmd_load,
	cmd_replace, cmd_unload, cmd_list, cmd_show, cmd_mode, cmd_stats,
	cmd_off, cmd_areas, cmd_pins, cmd_top, cmd_map, cmd_watch,
	cmd_doctor, cmd_map_test, cmd_dma_test;

extern bool opt_json, opt_verbose;

/* Values of options without a letter */
enum {
	OPT_VERSION = 256,
	OPT_SCOPE,
	OPT_PRIORITY,
	OPT_MODE,
	OPT_FAIL,
	OPT_OPENMETRICS,
};

#define COMMON_OPTIONS					\
	{ "json", no_argument, NULL, 'j' },		\
	{ "verbose", no_argument, NULL, 'v' },		\
	{ "help", no_argument, NULL, 'h' }

/*
 * The next option; @cmd is NULL outside of a subcommand. Common ones are dealt with, wrong ones end
 * the program. @options ends with COMMON_OPTIONS and an empty one. A value that
 * is a letter is a short option too.
 */
int cmd_getopt(const struct command *cmd, int argc, char **argv,
	       const struct option *options);
/* End the program for wrong usage */
void __attribute__((noreturn, format(printf, 2, 3)))
usage_error(const struct command *cmd, const char *fmt, ...);
/* The operands, @count of them, are left after the options; else wrong usage */
void cmd_operands(const struct command *cmd, int argc, char **argv, int count);

/*
 * output.c: text for people, or one JSON document with -j. out_fail() takes a
 * negative errno and one line, which is told at the end; it returns
 * EXIT_FAILURE.
 */
int __attribute__((format(printf, 2, 3)))
out_fail(int err, const char *fmt, ...);
void __attribute__((format(printf, 1, 2))) out_text(const char *fmt, ...);
/* output.c: the JSON document; an object unless it was set */
struct json_object *out_json(void);
void out_set_json(struct json_object *doc);
/*
 * output.c: for what may be too much for a document: its first member is the
 * array @name, whose elements are printed as they are added, and then put. With
 * -j only.
 */
void out_array(const char *name);
void out_array_add(struct json_object *obj);
/* output.c: a document of its own, on one line, now; with -j only */
void out_line(struct json_object *obj);
void out_flush(void);

/* number.c: the value of an option, or wrong usage */
uint64_t cmd_number(const struct command *cmd, const char *option,
		    const char *text, uint64_t max);

/* policy.c */
struct iommufd_policy_host *open_host(void);
/* policy.c: out_fail() with what the library says */
int host_failed(const struct iommufd_policy_host *host, int err);
/* policy.c: one of two words; anything else is wrong usage */
bool either_word(const struct command *cmd, const char *option,
		 const char *value, const char *no, const char *yes);
/* policy.c: a number; anything else is wrong usage */
long number_between(const struct command *cmd, const char *option,
		    const char *value, long least, long most);
/* policy.c: say which policy was loaded */
void out_loaded(struct iommufd_policy_object *obj);
/* policy.c: --set NAME=VALUE, done on @obj in the order they came */
struct settings {
	/* The "=" of each is a NUL */
	char **items;
	int count;
};
void settings_add(struct settings *settings, const struct command *cmd,
		  char *item);
int settings_apply(const struct settings *settings,
		   struct iommufd_policy_object *obj);

/* status.c: what is known of a policy, by the names of the files in sysfs */
struct json_object *status_json(const struct iommufd_policy_status *policy);
/* status.c: call @fn with each counter of its hooks */
typedef void (*counter_fn)(const char *hook, const char *what, uint64_t value,
			   void *arg);
void each_counter(const struct iommufd_policy_status *policy, counter_fn fn,
		  void *arg);
/* openmetrics.c: all policies, as text to be scraped; 0 or a negative errno */
int openmetrics_write(const struct iommufd_policy_status *policies,
		      const char *path);

#endif

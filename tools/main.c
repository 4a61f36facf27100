// SPDX-License-Identifier: GPL-2.0-only
/* iommufd-bpf: BPF policies of iommufd, and whether devices obey them */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

bool opt_json, opt_verbose;

static const struct command *const commands[] = {
	&cmd_inspect, &cmd_check, &cmd_load, &cmd_replace, &cmd_unload,
	&cmd_apply, &cmd_list, &cmd_show, &cmd_mode, &cmd_stats, &cmd_off,
	&cmd_areas, &cmd_pins, &cmd_top, &cmd_map, &cmd_watch,
	&cmd_doctor, &cmd_map_test, &cmd_dma_test,
};

static const char common_help[] =
	"  -j, --json             print JSON, errors too\n"
	"  -v, --verbose          show the messages of libbpf and the verifier\n"
	"  -h, --help             show this\n";

static const char exit_help[] =
	"\nExit codes: 0 done, 1 failed, 2 wrong usage\n";

static void program_help(void)
{
	size_t i;

	printf("Usage: iommufd-bpf [-jv] COMMAND ...\n\n"
	       "BPF policies of iommufd, and tests of what devices may do.\n\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
	printf("\n%s"
	       "      --version          show the version\n"
	       "\n'iommufd-bpf COMMAND --help' tells more.\n%s",
	       common_help, exit_help);
}

static void command_help(const struct command *cmd)
{
	printf("Usage: iommufd-bpf %s", cmd->name);
	if (cmd->operands)
		printf(" %s", cmd->operands);
	if (cmd->args)
		printf(" %s", cmd->args);
	printf("\n\n%s.\n\n%s%s", cmd->summary, cmd->options ?: "",
	       common_help);
	if (cmd->notes)
		printf("\n%s", cmd->notes);
	fputs(exit_help, stdout);
}

void usage_error(const struct command *cmd, const char *fmt, ...)
{
	char message[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	out_fail(-EINVAL, "%s: see 'iommufd-bpf %s%s--help'", message,
		 cmd ? cmd->name : "", cmd ? " " : "");
	out_flush();
	exit(EXIT_USAGE);
}

int cmd_getopt(const struct command *cmd, int argc, char **argv,
	       const struct option *options)
{
	char letters[64], *p = letters;
	const struct option *option;
	int value;

	/* The first operand of the program is the command */
	if (!cmd)
		*p++ = '+';
	*p++ = ':';
	for (option = options; option->name; option++) {
		if (option->val > 127)
			continue;
		*p++ = option->val;
		if (option->has_arg == required_argument)
			*p++ = ':';
	}
	*p = '\0';

	for (;;) {
		value = getopt_long(argc, argv, letters, options, NULL);
		switch (value) {
		case 'j':
			opt_json = true;
			break;
		case 'v':
			opt_verbose = true;
			break;
		case 'h':
			if (cmd)
				command_help(cmd);
			else
				program_help();
			exit(EXIT_SUCCESS);
		case ':':
			usage_error(cmd, "option '%s' needs a value",
				    argv[optind - 1]);
		case '?':
			usage_error(cmd, "no option '%s'", argv[optind - 1]);
		default:
			return value;
		}
	}
}

void cmd_operands(const struct command *cmd, int argc, char **argv, int count)
{
	if (argc - optind < count)
		usage_error(cmd, "%s needs %s", cmd->name, cmd->operands);
	if (argc - optind > count)
		usage_error(cmd, "'%s' is one too many", argv[optind + count]);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "version", no_argument, NULL, OPT_VERSION },
		COMMON_OPTIONS,
		{}
	};
	size_t i;
	int ret;

	/* Steps of a test are seen as they are done, through a pipe too */
	setvbuf(stdout, NULL, _IOLBF, 0);
	opterr = 0;
	if (cmd_getopt(NULL, argc, argv, options) == OPT_VERSION) {
		printf("iommufd-bpf %s\n", IOMMUFD_BPF_VERSION);
		return EXIT_SUCCESS;
	}
	if (optind == argc)
		usage_error(NULL, "no command given");

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i]->name, argv[optind]))
			break;
	if (i == ARRAY_SIZE(commands))
		usage_error(NULL, "no command '%s'", argv[optind]);

	argc -= optind;
	argv += optind;
	optind = 0;
	ret = commands[i]->run(argc, argv);
	out_flush();
	return ret;
}

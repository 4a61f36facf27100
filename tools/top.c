// SPDX-License-Identifier: GPL-2.0-only
/* iommufd-bpf top: who pins and asks, live */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <ncurses.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "groups.h"
#include "names.h"
#include "walk.h"
#include "watch.h"
#include "watch.skel.h"

/**
 * struct top - what is shown, round by round
 * @skel: counts requests
 * @now: this round
 * @before: the one before
 * @seconds: between the two
 * @interval: the same, as it was asked for
 * @rounds: how many there are to be; 0: no end
 * @curses: on a terminal, and not line by line
 * @row: next line there
 */
struct top {
	struct watch_bpf *skel;
	struct groups now;
	struct groups before;
	double seconds;
	unsigned int interval;
	uint64_t rounds;
	bool curses;
	int row;
};

static volatile sig_atomic_t stopped;

static void stop(int signal __attribute__((unused)))
{
	stopped = 1;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static void __attribute__((format(printf, 2, 3)))
say(struct top *top, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (!top->curses)
		puts(line);
	else if (top->row < LINES)
		mvaddnstr(top->row++, 0, line, COLS);
}

static void add_rates(struct top *top)
{
	const int map = bpf_map__fd(top->skel->maps.rates);
	uint32_t tgid, *before = NULL, last;
	struct watch_rates rates;

	while (!bpf_map_get_next_key(map, before, &tgid)) {
		if (!bpf_map_lookup_elem(map, &tgid, &rates))
			groups_add_rates(&top->now, tgid, &rates);
		last = tgid;
		before = &last;
	}
}

/* How much more than in the round before, a second */
static void rates_of(const struct top *top, const struct group *group,
		     double *requests, double *refused)
{
	const struct group *before = groups_find(&top->before, group->key);

	*requests = *refused = 0;
	if (top->seconds <= 0)
		return;
	*requests = (group->requests - (before ? before->requests : 0)) /
		    top->seconds;
	*refused = (group->refused - (before ? before->refused : 0)) /
		   top->seconds;
}

static struct json_object *group_row(const struct top *top,
				     const struct group *group,
				     double requests, double refused)
{
	struct json_object *obj = json_object_new_object();

	group_json(&top->now, group, obj);
	add_number(obj, "pinned_pages", group->pinned);
	add_number(obj, "charged_pages", group->charged);
	add_number(obj, "mapped", group->mapped);
	add_number(obj, "areas", group->areas);
	json_object_object_add(obj, "requests_per_second",
			       json_object_new_double(requests));
	json_object_object_add(obj, "refused_per_second",
			       json_object_new_double(refused));
	return obj;
}

static void show_rows(struct top *top, struct json_object *rows)
{
	char pinned[HUMAN_SIZE], mapped[HUMAN_SIZE];
	long page = sysconf(_SC_PAGESIZE);
	double requests, refused;
	size_t i;

	for (i = 0; i < top->now.nr; i++) {
		const struct group *group = top->now.list[i];

		rates_of(top, group, &requests, &refused);
		/* Gone, but for having asked once */
		if (!group->pinned && !group->areas && !requests && !refused)
			continue;
		if (rows) {
			json_object_array_add(rows, group_row(top, group, requests,
							      refused));
			continue;
		}
		say(top, "%8s %8s %8" PRIu64 " %9.1f %9.1f  %s",
		    human_size(group->pinned * page, pinned),
		    human_size(group->mapped, mapped), group->areas, requests,
		    refused, group_text(&top->now, group));
	}
}

static void show_json(struct top *top)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *rows = json_object_new_array();

	add_string(obj, "by", group_by_name(top->now.by));
	json_object_object_add(obj, "seconds",
			       json_object_new_double(top->seconds));
	add_number(obj, "contexts", top->now.contexts);
	add_number(obj, "pinned_pages", top->now.pinned);
	show_rows(top, rows);
	json_object_object_add(obj, "rows", rows);
	out_line(obj);
}

static void show(struct top *top)
{
	char pinned[HUMAN_SIZE];

	if (opt_json) {
		show_json(top);
		return;
	}
	top->row = 0;
	if (top->curses)
		erase();
	say(top, "%u contexts, %s pinned", top->now.contexts,
	    human_size(top->now.pinned * sysconf(_SC_PAGESIZE), pinned));
	say(top, "%8s %8s %8s %9s %9s  %s", "PINNED", "MAPPED", "AREAS",
	    "REQUEST/s", "REFUSED/s", group_heading(top->now.by));
	show_rows(top, NULL);
	if (top->curses)
		refresh();
}

/* False if somebody has had enough */
static bool wait_for_next(const struct top *top)
{
	const struct timespec nap = { .tv_sec = top->interval };
	int key;

	if (!top->curses) {
		nanosleep(&nap, NULL);
		return !stopped;
	}
	key = getch();
	return !stopped && key != 'q';
}

static int rounds(struct top *top)
{
	double last = now(), time;
	uint64_t round = 0;

	do {
		if (groups_look(&top->now, 0))
			return EXIT_FAILURE;
		add_rates(top);
		groups_sort(&top->now, SORT_PINNED);
		time = now();
		top->seconds = round ? time - last : 0;
		last = time;
		show(top);
		groups_free(&top->before);
		top->before = top->now;
		top->now = (struct groups){ .by = top->before.by,
					    .with_areas = true };
	} while (++round != top->rounds && wait_for_next(top));
	return EXIT_SUCCESS;
}

static int start_counting(struct top *top)
{
	int err;

	if (walk_check_host())
		return EXIT_FAILURE;
	top->skel = watch_bpf__open();
	if (!top->skel)
		return out_fail(-errno, "cannot open the BPF programs that count: %s",
				strerror(errno));
	top->skel->rodata->only_count = true;
	err = watch_bpf__load(top->skel) ?: watch_bpf__attach(top->skel);
	if (!err)
		return EXIT_SUCCESS;
	if (err == -EPERM || err == -EACCES)
		return out_fail(err, "not allowed to load the BPF programs that count: run this as root");
	return out_fail(err, "cannot load the BPF programs that count: %s: see what '--verbose' says; the loaded iommufd may be older than this program",
			strerror(-err));
}

static int top_run(struct top *top)
{
	struct sigaction action = { .sa_handler = stop };
	int ret = start_counting(top);

	if (!ret) {
		sigaction(SIGINT, &action, NULL);
		sigaction(SIGTERM, &action, NULL);
		if (top->curses) {
			initscr();
			cbreak();
			noecho();
			timeout(top->interval * 1000);
		}
		ret = rounds(top);
		if (top->curses)
			endwin();
	}
	groups_free(&top->before);
	watch_bpf__destroy(top->skel);
	return ret;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "batch", no_argument, NULL, 'b' },
		{ "by", required_argument, NULL, 'B' },
		{ "count", required_argument, NULL, 'n' },
		{ "interval", required_argument, NULL, 'i' },
		COMMON_OPTIONS,
		{}
	};
	struct top top = { .interval = 1, .now.with_areas = true };
	bool batch = false;
	int opt;

	while ((opt = cmd_getopt(&cmd_top, argc, argv, options)) != -1) {
		switch (opt) {
		case 'b':
			batch = true;
			break;
		case 'B':
			top.now.by = group_parse_by(&cmd_top, optarg);
			if (top.now.by == BY_CONTEXT)
				usage_error(&cmd_top, "--by context: requests are counted by process, cgroup or user");
			break;
		case 'n':
			top.rounds = cmd_number(&cmd_top, "--count", optarg,
						UINT64_MAX);
			break;
		case 'i':
			top.interval = cmd_number(&cmd_top, "--interval",
						  optarg, 3600) ?: 1;
			break;
		}
	}
	cmd_operands(&cmd_top, argc, argv, 0);
	top.curses = !batch && !opt_json && isatty(STDIN_FILENO) &&
		     isatty(STDOUT_FILENO);
	return top_run(&top);
}

const struct command cmd_top = {
	.name = "top",
	.args = "[--by process|cgroup|user] [--interval SECONDS] [--batch] [--count N]",
	.summary = "Show live who pins memory and asks for more",
	.options = "  -B, --by WHAT          a row for each process (default), cgroup or user\n"
		"  -i, --interval SECONDS between two rounds, 1\n"
		"  -b, --batch            print one round below the other, also on a terminal\n"
		"  -n, --count N          end after N rounds\n",
	.notes = "'q' ends it. Without a terminal it is as with --batch; with -j each round is a line.\n"
		 "Of the first round there are no rates. Requests are counted while it runs.\n",
	.run = run,
};

// SPDX-License-Identifier: GPL-2.0-only
/* iommufd-bpf watch: what happens, as it happens */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "names.h"
#include "walk.h"
#include "watch.h"
#include "watch.skel.h"
#include "watch_audit.h"
#include "watch_show.h"

#define POLL_MS 200

static volatile sig_atomic_t stopped;

static void stop(int signal __attribute__((unused)))
{
	stopped = 1;
}

bool watch_goes_on(const struct watch *watch)
{
	return !stopped && (!watch->count || watch->seen < watch->count);
}

static bool is_wanted(const struct watch *watch,
		      const struct watch_event *event)
{
	if (watch->policy && strcmp(event->policy, watch->policy))
		return false;
	if (!watch->refused)
		return true;
	return event->kind == WATCH_DECISION ? event->answer < 0 :
	       event->kind == WATCH_EXIT || event->error;
}

static int take_event(void *arg, void *data, size_t size)
{
	struct watch *watch = arg;

	/* More may come at once than were asked for */
	if (size < sizeof(struct watch_event) || !watch_goes_on(watch) ||
	    !is_wanted(watch, data))
		return 0;
	watch->seen++;
	watch_show(data);
	return 0;
}

int watch_poll(struct watch *watch, int map, ring_buffer_sample_fn take)
{
	struct sigaction action = { .sa_handler = stop };
	struct ring_buffer *ring;
	int err = 0;

	ring = ring_buffer__new(map, take, watch, NULL);
	if (!ring)
		return out_fail(-errno, "cannot read the ring buffer: %s",
				strerror(errno));
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	/* Who starts this waits for it to see everything from here on */
	fprintf(stderr, "watching\n");
	while (watch_goes_on(watch) && err >= 0) {
		err = ring_buffer__poll(ring, POLL_MS);
		if (err == -EINTR)
			err = 0;
	}
	ring_buffer__free(ring);
	if (err < 0)
		return out_fail(err, "cannot read the ring buffer: %s",
				strerror(-err));
	return EXIT_SUCCESS;
}

void watch_end(const struct watch *watch, uint64_t lost)
{
	struct json_object *end = json_object_new_object();

	if (!opt_json) {
		fprintf(stderr, "%" PRIu64 " events, %" PRIu64 " lost\n",
			watch->seen, lost);
		json_object_put(end);
		return;
	}
	add_string(end, "event", "end");
	add_number(end, "seen", watch->seen);
	add_number(end, "lost", lost);
	out_line(end);
}

static uint32_t wanted_kinds(const struct watch *watch)
{
	const uint32_t pages = 1U << WATCH_CHARGE | 1U << WATCH_UNCHARGE;

	if (watch->policy)
		return 1U << WATCH_DECISION | 1U << WATCH_EXIT;
	return watch->charges ? UINT32_MAX : ~pages;
}

static int follow(struct watch *watch)
{
	struct watch_bpf *skel;
	int err, ret;

	if (walk_check_host())
		return EXIT_FAILURE;
	skel = watch_bpf__open();
	if (!skel)
		return out_fail(-errno, "cannot open the BPF programs that watch: %s",
				strerror(errno));
	skel->rodata->wanted = wanted_kinds(watch);
	err = watch_bpf__load(skel) ?: watch_bpf__attach(skel);
	if (err == -EPERM || err == -EACCES)
		ret = out_fail(err, "not allowed to load the BPF programs that watch: run this as root");
	else if (err)
		ret = out_fail(err, "cannot load the BPF programs that watch: %s: see what '--verbose' says; the loaded iommufd may be older than this program",
			       strerror(-err));
	else
		ret = watch_poll(watch, bpf_map__fd(skel->maps.events),
				 take_event);
	if (!err)
		watch_end(watch, skel->bss->lost);
	watch_bpf__destroy(skel);
	return ret;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "audit", required_argument, NULL, 'a' },
		{ "charges", no_argument, NULL, 'c' },
		{ "count", required_argument, NULL, 'n' },
		{ "policy", required_argument, NULL, 'p' },
		{ "refused", no_argument, NULL, 'r' },
		COMMON_OPTIONS,
		{}
	};
	const char *audit = NULL;
	struct watch watch = {};
	int opt;

	while ((opt = cmd_getopt(&cmd_watch, argc, argv, options)) != -1) {
		switch (opt) {
		case 'a':
			audit = optarg;
			break;
		case 'c':
			watch.charges = true;
			break;
		case 'n':
			watch.count = cmd_number(&cmd_watch, "--count", optarg,
						 UINT64_MAX);
			break;
		case 'p':
			watch.policy = optarg;
			break;
		case 'r':
			watch.refused = true;
			break;
		}
	}
	cmd_operands(&cmd_watch, argc, argv, 0);
	if (audit && (watch.policy || watch.refused || watch.charges))
		usage_error(&cmd_watch, "--audit goes with --count alone");
	return audit ? watch_audit(&watch, audit) : follow(&watch);
}

const struct command cmd_watch = {
	.name = "watch",
	.args = "[--policy NAME] [--refused] [--charges] [--count N] | --audit NAME [--count N]",
	.summary = "Follow requests and what policies decide, as it happens",
	.options = "  -p, --policy NAME      decisions and end of this policy alone\n"
		"  -r, --refused          what was refused or failed alone\n"
		"  -c, --charges          charges and what is given back, too\n"
		"  -a, --audit NAME       what the policy 'audit' writes, loaded as NAME\n"
		"  -n, --count N          end after N events\n",
	.notes = "Ends on ^C, and says then how many events were lost because they came too fast.\n"
		 "With -j each event is one line.\n",
	.run = run,
};

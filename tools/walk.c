// SPDX-License-Identifier: GPL-2.0-only
/* What the commands that look at mappings look at */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmd.h"
#include "walk.h"
#include "walk.skel.h"

/* How often to try with more room for what has come meanwhile */
#define TRIES 8

static int print_log(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level != LIBBPF_DEBUG && opt_verbose)
		vfprintf(stderr, fmt, ap);
	return 0;
}

static int refuse(int err, const char *why)
{
	out_fail(err, "%s", why);
	return err;
}

int walk_check_host(void)
{
	libbpf_set_print(print_log);
	if (access("/sys/module/iommufd", F_OK))
		return refuse(-ENODEV, "iommufd is not loaded: load it with 'modprobe iommufd'");
	if (access("/sys/kernel/iommufd", F_OK))
		return refuse(-ENODEV, "the loaded iommufd cannot be looked into (no /sys/kernel/iommufd): it is the kernel's own; load the one this program came with instead");
	if (access("/sys/kernel/btf/iommufd", F_OK))
		return refuse(-EOPNOTSUPP, "the loaded iommufd has no BTF, so no program can look into it: build it with pahole installed and load it again");
	return 0;
}

static int load_failed(int err)
{
	if (err == -EPERM || err == -EACCES)
		out_fail(err, "not allowed to load the BPF program that looks: run this as root");
	else
		out_fail(err, "cannot load the BPF program that looks: %s: see what '--verbose' says; the loaded iommufd may be older than this program",
			 strerror(-err));
	return err;
}

static int load(struct walk *walk, size_t room)
{
	int err;

	walk->skel = walk_bpf__open();
	if (!walk->skel)
		return load_failed(-errno);
	bpf_map__set_max_entries(walk->skel->maps.records, room ?: 1);
	err = walk_bpf__load(walk->skel);
	return err ? load_failed(err) : 0;
}

static int run(struct walk *walk)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int err;

	walk->skel->bss->state.nr = 0;
	err = bpf_prog_test_run_opts(bpf_program__fd(walk->skel->progs.walk),
				     &opts);
	if (err)
		out_fail(err, "the BPF program that looks did not run: %s",
			 strerror(-err));
	return err;
}

static void unload(struct walk *walk)
{
	walk_bpf__destroy(walk->skel);
	walk->skel = NULL;
}

/* How many records there would be, now */
static int count(struct walk *walk, unsigned int flags, uint64_t ctx_id,
		 size_t *nr)
{
	int err = load(walk, 0);

	if (!err) {
		walk->skel->bss->state.ctx_id = ctx_id;
		walk->skel->bss->state.ranges = flags & WALK_RANGES;
		err = run(walk);
		*nr = walk->skel->bss->state.nr;
	}
	unload(walk);
	return err;
}

static int look(struct walk *walk, unsigned int flags, uint64_t ctx_id,
		size_t room)
{
	struct walk_state *state;
	int err;

	err = load(walk, room);
	if (err)
		return err;
	state = &walk->skel->bss->state;
	state->ctx_id = ctx_id;
	state->ranges = flags & WALK_RANGES;
	state->areas = flags & WALK_AREAS;
	state->room = room;
	err = run(walk);
	if (!err)
		walk->nr = state->nr;
	return err;
}

static int map_records(struct walk *walk, size_t room)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *records;

	walk->mapped = (room * sizeof(struct walk_record) + page - 1) / page *
		       page;
	records = mmap(NULL, walk->mapped, PROT_READ, MAP_SHARED,
		       bpf_map__fd(walk->skel->maps.records), 0);
	if (records == MAP_FAILED)
		return refuse(-errno, "cannot map what was seen");
	walk->records = records;
	return 0;
}

int walk_begin(struct walk *walk, unsigned int flags, uint64_t ctx_id)
{
	size_t room = 0;
	int err, i;

	memset(walk, 0, sizeof(*walk));
	err = walk_check_host();
	if (!err)
		err = count(walk, flags, ctx_id, &room);
	for (i = 0; !err && i < TRIES; i++) {
		room += room / 8 + 64;
		err = look(walk, flags, ctx_id, room);
		if (!err && walk->nr <= room)
			return map_records(walk, room);
		room = walk->nr;
		unload(walk);
	}
	unload(walk);
	return err ?: refuse(-EAGAIN, "mappings come faster than they can be looked at: try again");
}

void walk_end(struct walk *walk)
{
	if (walk->records)
		munmap((void *)walk->records, walk->mapped);
	unload(walk);
}

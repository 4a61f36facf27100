// SPDX-License-Identifier: GPL-2.0-only
/* iommufd-bpf map: a picture of IO address spaces */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd.h"
#include "names.h"
#include "policy_values.h"
#include "walk.h"

#define DEFAULT_WIDTH 80
#define MAX_WIDTH 500

enum segment_kind {
	SEGMENT_HOLE,
	SEGMENT_MAPPED,
	SEGMENT_RESERVED,
};

static const char *const segment_names[] = { "hole", "mapped", "reserved" };
static const char segment_signs[] = { '.', '#', 'x' };

/* Addresses of one kind, from hole to hole */
struct segment {
	enum segment_kind kind;
	uint64_t start;
	uint64_t last;
	uint64_t areas;
};

/* An IOAS, with its records: reserved ranges, allowed ones, areas */
struct space {
	const struct walk_record *ioas;
	const struct walk_record *end;
	struct segment *segments;
	size_t nr;
	size_t room;
};

static void add_segment(struct space *space, enum segment_kind kind,
			uint64_t start, uint64_t last)
{
	struct segment *before = space->segments + space->nr - 1;

	if (space->nr && kind == SEGMENT_MAPPED && before->kind == kind) {
		before->last = last;
		before->areas++;
		return;
	}
	if (space->nr == space->room) {
		space->room = space->room * 2 ?: 16;
		space->segments = reallocarray(space->segments, space->room,
					       sizeof(*space->segments));
		if (!space->segments)
			abort();
	}
	space->segments[space->nr++] = (struct segment){
		.kind = kind,
		.start = start,
		.last = last,
		.areas = kind == SEGMENT_MAPPED,
	};
}

static bool is_reserved(const struct walk_record *record)
{
	return record->kind == WALK_RANGE &&
	       record->range.kind == IOMMUFD_POLICY_RANGE_RESERVED;
}

/* The next of a kind, or @end */
static const struct walk_record *next_reserved(const struct walk_record *record,
					       const struct walk_record *end)
{
	while (record < end && !is_reserved(record))
		record++;
	return record;
}

static const struct walk_record *next_area(const struct walk_record *record,
					   const struct walk_record *end)
{
	while (record < end && record->kind != WALK_AREA)
		record++;
	return record;
}

/* Both are by address, and disjoint but for what came between the looks. */
static void make_segments(struct space *space)
{
	const struct walk_record *reserved, *area, *end = space->end;
	uint64_t start, last, next = 0;
	enum segment_kind kind;

	reserved = next_reserved(space->ioas + 1, end);
	area = next_area(space->ioas + 1, end);
	while (reserved < end || area < end) {
		if (area == end || (reserved < end &&
				    reserved->range.start < area->area.iova)) {
			kind = SEGMENT_RESERVED;
			start = reserved->range.start;
			last = reserved->range.last;
			reserved = next_reserved(reserved + 1, end);
		} else {
			kind = SEGMENT_MAPPED;
			start = area->area.iova;
			last = start + area->area.length - 1;
			area = next_area(area + 1, end);
		}
		if (start > next)
			add_segment(space, SEGMENT_HOLE, next, start - 1);
		add_segment(space, kind, start, last);
		next = last + 1;
		if (!next)
			return;
	}
	add_segment(space, SEGMENT_HOLE, next, UINT64_MAX);
}

/*
 * Of the addresses with something in them: what lies below and above is one hole
 * each. A cell shows what is most telling in it.
 */
static void draw(const struct space *space, unsigned int width)
{
	size_t first = 0, end = space->nr, i;
	uint64_t start, last, cell, nr, from, to;
	char bar[MAX_WIDTH + 1], size[HUMAN_SIZE];

	while (first < end && space->segments[first].kind == SEGMENT_HOLE)
		first++;
	while (end > first && space->segments[end - 1].kind == SEGMENT_HOLE)
		end--;
	if (first == end) {
		printf("nothing mapped, nothing reserved\n\n");
		return;
	}
	start = space->segments[first].start;
	last = space->segments[end - 1].last;
	cell = (last - start) / width + 1;
	nr = (last - start) / cell + 1;
	memset(bar, '.', nr);
	bar[nr] = '\0';
	for (i = first; i < end; i++) {
		const struct segment *segment = &space->segments[i];

		if (segment->kind == SEGMENT_HOLE)
			continue;
		from = (segment->start - start) / cell;
		to = (segment->last - start) / cell;
		for (; from <= to; from++) {
			uint64_t cell_start = start + from * cell;
			uint64_t cell_last = cell_start + (cell - 1);
			bool whole = segment->start <= cell_start &&
				     (segment->last >= cell_last ||
				      cell_last < cell_start ||
				      segment->last == last);

			if (segment->kind == SEGMENT_MAPPED)
				bar[from] = whole ? '#' : '+';
			else if (bar[from] == '.')
				bar[from] = 'x';
		}
	}
	printf("%s\n0x%" PRIx64 " to 0x%" PRIx64 ", %s each; # mapped, + mapped in part, x reserved, . hole\n\n",
	       bar, start, last, human_size(cell, size));
}

static void print_segments(const struct space *space, size_t limit)
{
	char size[HUMAN_SIZE];
	size_t i;

	for (i = 0; i < space->nr; i++) {
		const struct segment *segment = &space->segments[i];
		/* Up to the last address from 0 on, it is 2^64 */
		uint64_t length = segment->last - segment->start + 1;

		if (limit && i == limit) {
			printf("  and %zu more: '--limit 0' shows them\n",
			       space->nr - limit);
			break;
		}
		printf("%c 0x%016" PRIx64 " 0x%016" PRIx64 " %6s  %s",
		       segment_signs[segment->kind], segment->start,
		       segment->last, length ? human_size(length, size) : "16E",
		       segment_names[segment->kind]);
		if (segment->areas > 1)
			printf(", %" PRIu64 " areas", segment->areas);
		printf("\n");
	}
	printf("\n");
}

static void print_allowed(const struct space *space)
{
	const struct walk_record *record;

	for (record = space->ioas + 1; record < space->end; record++)
		if (record->kind == WALK_RANGE &&
		    record->range.kind == IOMMUFD_POLICY_RANGE_ALLOWED)
			printf("allowed 0x%llx to 0x%llx\n",
			       record->range.start, record->range.last);
}

static struct json_object *segments_json(const struct space *space)
{
	struct json_object *list = json_object_new_array(), *obj;
	size_t i;

	for (i = 0; i < space->nr; i++) {
		obj = json_object_new_object();
		add_string(obj, "kind", segment_names[space->segments[i].kind]);
		add_number(obj, "start", space->segments[i].start);
		add_number(obj, "last", space->segments[i].last);
		if (space->segments[i].kind == SEGMENT_MAPPED)
			add_number(obj, "areas", space->segments[i].areas);
		json_object_array_add(list, obj);
	}
	return list;
}

static struct json_object *allowed_json(const struct space *space)
{
	struct json_object *list = json_object_new_array(), *obj;
	const struct walk_record *record;

	for (record = space->ioas + 1; record < space->end; record++) {
		if (record->kind != WALK_RANGE ||
		    record->range.kind != IOMMUFD_POLICY_RANGE_ALLOWED)
			continue;
		obj = json_object_new_object();
		add_number(obj, "start", record->range.start);
		add_number(obj, "last", record->range.last);
		json_object_array_add(list, obj);
	}
	return list;
}

static void show_json(const struct space *space)
{
	struct json_object *obj = json_object_new_object();

	add_number(obj, "ctx", space->ioas->ctx_id);
	add_number(obj, "ioas", space->ioas->ioas_id);
	add_number(obj, "areas", space->ioas->ioas.areas);
	add_number(obj, "bytes", space->ioas->ioas.bytes);
	add_number(obj, "domains", space->ioas->ioas.domains);
	json_object_object_add(obj, "ranges", segments_json(space));
	json_object_object_add(obj, "allowed", allowed_json(space));
	out_array_add(obj);
}

static void show_text(const struct space *space, unsigned int width,
		      size_t limit)
{
	char size[HUMAN_SIZE];

	printf("context %llu IOAS %u: %llu areas, %s mapped, %u domains\n",
	       space->ioas->ctx_id, space->ioas->ioas_id,
	       space->ioas->ioas.areas,
	       human_size(space->ioas->ioas.bytes, size),
	       space->ioas->ioas.domains);
	draw(space, width);
	print_allowed(space);
	print_segments(space, limit);
}

static int map(uint64_t ctx_id, uint32_t ioas_id, unsigned int width,
	       size_t limit)
{
	const struct walk_record *record, *end;
	struct walk walk;

	if (walk_begin(&walk, WALK_AREAS | WALK_RANGES, ctx_id))
		return EXIT_FAILURE;
	if (opt_json)
		out_array("spaces");
	end = walk.records + walk.nr;
	for (record = walk.records; record < end; record++) {
		struct space space = { .ioas = record };

		if (record->kind != WALK_IOAS ||
		    (ioas_id && record->ioas_id != ioas_id))
			continue;
		space.end = record + 1;
		while (space.end < end && space.end->ioas_id == record->ioas_id &&
		       space.end->kind != WALK_IOAS)
			space.end++;
		make_segments(&space);
		if (opt_json)
			show_json(&space);
		else
			show_text(&space, width, limit);
		free(space.segments);
	}
	walk_end(&walk);
	return EXIT_SUCCESS;
}

static unsigned int terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return DEFAULT_WIDTH;
	return size.ws_col < MAX_WIDTH ? size.ws_col : MAX_WIDTH;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "ctx", required_argument, NULL, 'c' },
		{ "ioas", required_argument, NULL, 'i' },
		{ "limit", required_argument, NULL, 'n' },
		{ "width", required_argument, NULL, 'w' },
		COMMON_OPTIONS,
		{}
	};
	unsigned int width = terminal_width();
	uint64_t ctx_id = 0;
	uint32_t ioas_id = 0;
	size_t limit = 40;
	int opt;

	while ((opt = cmd_getopt(&cmd_map, argc, argv, options)) != -1) {
		switch (opt) {
		case 'c':
			ctx_id = cmd_number(&cmd_map, "--ctx", optarg,
					    UINT64_MAX);
			break;
		case 'i':
			ioas_id = cmd_number(&cmd_map, "--ioas", optarg,
					     UINT32_MAX);
			break;
		case 'n':
			limit = cmd_number(&cmd_map, "--limit", optarg,
					   SIZE_MAX);
			break;
		case 'w':
			width = cmd_number(&cmd_map, "--width", optarg,
					   MAX_WIDTH) ?: 1;
			break;
		}
	}
	cmd_operands(&cmd_map, argc, argv, 0);
	return map(ctx_id, ioas_id, width, limit);
}

const struct command cmd_map = {
	.name = "map",
	.args = "[--ctx ID] [--ioas ID] [--width COLUMNS] [--limit N]",
	.summary = "Show a picture of IO address spaces",
	.options = "  -c, --ctx ID           those of this context\n"
		"  -i, --ioas ID          of IOASes of this id\n"
		"  -w, --width COLUMNS    of the picture; default: as wide as the terminal\n"
		"  -n, --limit N          ranges listed for each, 40; 0: all\n",
	.notes = "A row of equal pieces of the addresses from the first that is mapped or reserved to the\n"
		 "last, then the ranges: what is mapped, reserved, and free. Where user space has allowed\n"
		 "the kernel to choose, and no longer elsewhere, is shown as 'allowed'.\n",
	.run = run,
};

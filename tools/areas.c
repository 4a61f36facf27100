// SPDX-License-Identifier: GPL-2.0-only
/* iommufd-bpf areas: who has mapped what */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroups.h"
#include "cmd.h"
#include "names.h"
#include "policy_values.h"
#include "walk.h"

struct filter {
	bool by_pid, by_user, by_cgroup, by_ioas;
	uint64_t ctx_id;
	uint64_t cgroup_id;
	uint32_t pid;
	uint32_t uid;
	uint32_t ioas_id;
};

/* Of those that were found, and of them shown: the first @limit, or all if 0 */
struct found {
	const struct walk_record **records;
	size_t nr;
	size_t limit;
	uint64_t bytes;
	uint64_t pinned;
};

static bool is_wanted(const struct filter *filter,
		      const struct walk_record *record)
{
	const struct walk_area *area = &record->area;

	if (record->kind != WALK_AREA)
		return false;
	return (!filter->by_ioas || record->ioas_id == filter->ioas_id) &&
	       (!filter->by_pid || area->tgid == filter->pid) &&
	       (!filter->by_user || area->uid == filter->uid) &&
	       (!filter->by_cgroup || area->cgroup_id == filter->cgroup_id);
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int by_place(const void *pa, const void *pb)
{
	/* The order of the walk, which is that of the array */
	return COMPARE(*(const struct walk_record **)pa,
		       *(const struct walk_record **)pb);
}

#define SORT(name, compare)						\
	static int by_##name(const void *pa, const void *pb)		\
	{								\
		const struct walk_record *a, *b;			\
									\
		a = *(const struct walk_record **)pa;			\
		b = *(const struct walk_record **)pb;			\
		return (compare) ?: by_place(pa, pb);			\
	}

SORT(iova, COMPARE(a->area.iova, b->area.iova))
SORT(size, COMPARE(b->area.length, a->area.length))
SORT(pinned, COMPARE(b->area.pinned, a->area.pinned))
SORT(pid, COMPARE(a->area.tgid, b->area.tgid))
SORT(user, COMPARE(a->area.uid, b->area.uid))
SORT(cgroup, strcmp(name_text(cgroup_path(a->area.cgroup_id)),
		    name_text(cgroup_path(b->area.cgroup_id))))

static const struct {
	const char *key;
	int (*compare)(const void *pa, const void *pb);
} sorts[] = {
	{ "ctx", by_place },
	{ "iova", by_iova },
	{ "size", by_size },
	{ "pinned", by_pinned },
	{ "pid", by_pid },
	{ "user", by_user },
	{ "cgroup", by_cgroup },
};

static const char *mem_kind(uint32_t mem)
{
	switch (mem) {
	case IOMMUFD_POLICY_MEM_ANON:
		return "anon";
	case IOMMUFD_POLICY_MEM_SHMEM:
		return "shmem";
	case IOMMUFD_POLICY_MEM_HUGETLB:
		return "hugetlb";
	case IOMMUFD_POLICY_MEM_FILE:
		return "file";
	}
	return NULL;
}

static const char *charged_to(const struct walk_area *area)
{
	if (!area->pinned)
		return NULL;
	if (area->paid)
		return "policy";
	switch (area->limit_kind) {
	case IOMMUFD_POLICY_LIMIT_USER:
		return "user";
	case IOMMUFD_POLICY_LIMIT_PROCESS:
		return "process";
	}
	return "exempt";
}

static void prot_text(uint32_t prot, char text[3])
{
	text[0] = prot & IOMMUFD_POLICY_PROT_READ ? 'r' : '-';
	text[1] = prot & IOMMUFD_POLICY_PROT_WRITE ? 'w' : '-';
	text[2] = '\0';
}

static void print_area(const struct walk_record *record)
{
	const struct walk_area *area = &record->area;
	char size[HUMAN_SIZE], pinned[HUMAN_SIZE], prot[3];

	prot_text(area->prot, prot);
	printf("%7" PRIu32 " %-15s %-8s %4llu %4" PRIu32 " %18s0x%-16llx %6s %s %-7s %6s %-7s %s\n",
	       area->tgid, name_text(process_name(area->tgid)),
	       user_text(area->uid), record->ctx_id, record->ioas_id, "",
	       area->iova, human_size(area->length, size), prot,
	       name_text(mem_kind(area->mem)),
	       human_size(area->pinned * sysconf(_SC_PAGESIZE), pinned),
	       name_text(charged_to(area)),
	       name_text(cgroup_path(area->cgroup_id)));
}

static struct json_object *area_json(const struct walk_record *record)
{
	struct json_object *obj = json_object_new_object();
	const struct walk_area *area = &record->area;
	char prot[3];

	prot_text(area->prot, prot);
	add_process(obj, area->tgid);
	add_user(obj, area->uid);
	add_cgroup(obj, area->cgroup_id);
	add_number(obj, "ctx", record->ctx_id);
	add_number(obj, "ioas", record->ioas_id);
	add_number(obj, "iova", area->iova);
	add_number(obj, "length", area->length);
	add_number(obj, area->of_file ? "file_offset" : "uptr", area->uptr);
	add_string(obj, "prot", prot);
	add_string(obj, "kind", mem_kind(area->mem));
	add_number(obj, "pinned_pages", area->pinned);
	add_string(obj, "charged_to", charged_to(area));
	add_bool(obj, "shared", area->shared);
	return obj;
}

static void show(const struct found *found)
{
	size_t i, nr = found->nr;

	if (found->limit && found->limit < nr)
		nr = found->limit;
	if (opt_json)
		out_array("areas");
	else
		printf("%7s %-15s %-8s %4s %4s %-18s %6s %s %-7s %6s %-7s %s\n",
		       "PID", "COMM", "USER", "CTX", "IOAS", "IOVA", "SIZE",
		       "RW", "KIND", "PINNED", "CHARGED", "CGROUP");
	for (i = 0; i < nr; i++) {
		if (opt_json)
			out_array_add(area_json(found->records[i]));
		else
			print_area(found->records[i]);
	}
}

static void show_totals(const struct found *found)
{
	struct json_object *totals = json_object_new_object();
	uint64_t pinned = found->pinned * sysconf(_SC_PAGESIZE);
	char size[HUMAN_SIZE], pinned_size[HUMAN_SIZE];

	out_text("%zu areas, %s mapped, %s pinned\n", found->nr,
		 human_size(found->bytes, size),
		 human_size(pinned, pinned_size));
	add_number(totals, "areas", found->nr);
	add_number(totals, "bytes", found->bytes);
	add_number(totals, "pinned_pages", found->pinned);
	json_object_object_add(out_json(), "totals", totals);
}

static int areas(const struct filter *filter, size_t sort, size_t limit)
{
	struct found found = { .limit = limit };
	struct walk walk;
	size_t i;

	if (walk_begin(&walk, WALK_AREAS, filter->ctx_id))
		return EXIT_FAILURE;
	found.records = calloc(walk.nr ?: 1, sizeof(*found.records));
	if (!found.records)
		abort();
	for (i = 0; i < walk.nr; i++) {
		const struct walk_record *record = &walk.records[i];

		if (!is_wanted(filter, record))
			continue;
		found.records[found.nr++] = record;
		found.bytes += record->area.length;
		found.pinned += record->area.pinned;
	}
	qsort(found.records, found.nr, sizeof(*found.records),
	      sorts[sort].compare);
	show(&found);
	show_totals(&found);
	free(found.records);
	walk_end(&walk);
	return EXIT_SUCCESS;
}

static size_t parse_sort(const char *key)
{
	size_t i;

	for (i = 0; i < sizeof(sorts) / sizeof(*sorts); i++)
		if (!strcmp(sorts[i].key, key))
			return i;
	usage_error(&cmd_areas, "--sort %s: not one of ctx, iova, size, pinned, pid, user, cgroup",
		    key);
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "cgroup", required_argument, NULL, 'g' },
		{ "ctx", required_argument, NULL, 'c' },
		{ "ioas", required_argument, NULL, 'i' },
		{ "limit", required_argument, NULL, 'n' },
		{ "pid", required_argument, NULL, 'p' },
		{ "sort", required_argument, NULL, 's' },
		{ "user", required_argument, NULL, 'u' },
		COMMON_OPTIONS,
		{}
	};
	struct filter filter = {};
	size_t sort = 0, limit = 0;
	int opt;

	while ((opt = cmd_getopt(&cmd_areas, argc, argv, options)) != -1) {
		switch (opt) {
		case 'g':
			if (!cgroup_find(optarg, &filter.cgroup_id))
				return out_fail(-ENOENT, "no cgroup %s below /sys/fs/cgroup: see 'systemd-cgls'",
						optarg);
			filter.by_cgroup = true;
			break;
		case 'c':
			filter.ctx_id = cmd_number(&cmd_areas, "--ctx", optarg,
						   UINT64_MAX);
			break;
		case 'i':
			filter.ioas_id = cmd_number(&cmd_areas, "--ioas",
						    optarg, UINT32_MAX);
			filter.by_ioas = true;
			break;
		case 'n':
			limit = cmd_number(&cmd_areas, "--limit", optarg,
					   SIZE_MAX);
			break;
		case 'p':
			filter.pid = cmd_number(&cmd_areas, "--pid", optarg,
						INT32_MAX);
			filter.by_pid = true;
			break;
		case 's':
			sort = parse_sort(optarg);
			break;
		case 'u':
			if (!user_find(optarg, &filter.uid))
				return out_fail(-ENOENT, "no user '%s': give a name or a number",
						optarg);
			filter.by_user = true;
			break;
		}
	}
	cmd_operands(&cmd_areas, argc, argv, 0);
	return areas(&filter, sort, limit);
}

const struct command cmd_areas = {
	.name = "areas",
	.args = "[--pid PID] [--user USER] [--cgroup PATH] [--ctx ID] [--ioas ID] [--sort KEY] [--limit N]",
	.summary = "Show who has mapped what for devices",
	.options = "  -p, --pid PID          of this process alone\n"
		"  -u, --user USER        of this user, by name or number\n"
		"  -g, --cgroup PATH      of processes in this cgroup\n"
		"  -c, --ctx ID           in this context\n"
		"  -i, --ioas ID          in IOASes of this id\n"
		"  -s, --sort KEY         by ctx (default), iova, size, pinned, pid, user or cgroup\n"
		"  -n, --limit N          show the first N; the totals are of all\n",
	.notes = "KIND is that of the first page, if it is pinned. CHARGED says what the pinned pages\n"
		 "count against: RLIMIT_MEMLOCK of the user or of the process, nothing (exempt, for\n"
		 "CAP_IPC_LOCK), or what a policy has paid for. Pages that several areas share are\n"
		 "pinned once and shown with each: 'pins' has the sums that are true.\n",
	.run = run,
};

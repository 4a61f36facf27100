// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that the kernel takes, as the memory cgroup of the process is charged
 * for it: IO page tables, which are the IOMMU driver's, and the rest.
 */
#include "bench.h"
#include "lib/cgroup.h"

#define CGROUP "bench"
#define IOVA (1UL << 32)
#define AREAS 20000
/* Seconds until the kernel has summed up what CPUs have counted: two, and more */
#define SETTLED 5

/* What it is charged for; without the tables of the process itself */
struct charged {
	double own, tables;
};

static double stat_value(const char *key)
{
	char line[128], name[64];
	double value = -1;
	long long n;
	FILE *file;

	file = fopen("/sys/fs/cgroup/" CGROUP "/memory.stat", "re");
	check(file ? 0 : -errno, "read memory.stat");
	while (value < 0 && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %lld", name, &n) == 2 &&
		    !strcmp(name, key))
			value = n;
	fclose(file);
	check(value < 0 ? -ENODATA : 0, key);
	return value;
}

static struct charged charged_now(void)
{
	struct charged now;

	sleep(SETTLED);
	now.tables = stat_value("sec_pagetables");
	now.own = stat_value("kernel") - stat_value("pagetables") -
		  stat_value("kernel_stack") - now.tables;
	return now;
}

static void one_page_areas(const struct peer *peer)
{
	struct charged before, after;
	struct space space;

	if (!wanted("memory_area") && !wanted("memory_area_tables"))
		return;
	space_open(&space, peer, true);
	/* What is needed once, before */
	space_fill(&space, 0, 1, PAGE);
	before = charged_now();
	space_fill(&space, 1, AREAS, PAGE);
	after = charged_now();
	report("memory_area", (after.own - before.own) / AREAS);
	report("memory_area_tables", (after.tables - before.tables) / AREAS);
	space_close(&space);
}

struct gigabyte {
	enum kind kind;
	const char *rows[2];
};

static const struct gigabyte gigabytes[] = {
	{ KIND_SCATTERED, { "memory_gib_scattered",
			    "memory_gib_scattered_tables" } },
	{ KIND_THP, { "memory_gib_thp", "memory_gib_thp_tables" } },
	{ KIND_1G, { "memory_gib_1g", "memory_gib_1g_tables" } },
};

static void gigabyte(const struct peer *peer, const struct gigabyte *gigabyte)
{
	struct range range = { .length = GIB, .iova = IOVA };
	struct charged before, after;
	struct space space;
	char *memory;

	memory = kind_new(gigabyte->kind, GIB);
	range.memory = memory;
	space_open(&space, peer, true);
	before = charged_now();
	space_map(&space, &range);
	after = charged_now();
	report(gigabyte->rows[0], after.own - before.own);
	report(gigabyte->rows[1], after.tables - before.tables);
	space_close(&space);
	kind_free(memory, GIB);
}

void rows_memory(const struct peer *peer)
{
	size_t i;

	cgroup_new(CGROUP);
	check(cgroup_enter(CGROUP), "enter a cgroup");
	one_page_areas(peer);
	for (i = 0; i < ARRAY_SIZE(gigabytes); i++)
		if (wanted_any(gigabytes[i].rows,
			       ARRAY_SIZE(gigabytes[i].rows)))
			gigabyte(peer, &gigabytes[i]);
	check(cgroup_enter(""), "leave a cgroup");
	cgroup_remove(CGROUP);
}

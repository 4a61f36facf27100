// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that the kernel takes, in whole pages, whoever is charged for it: IO page
 * tables, which are the IOMMU driver's, and the rest.
 */
#include "bench.h"

#define IOVA (1UL << 32)
#define AREAS 20000

struct taken {
	double own, tables;
};

/* In bytes; failing ends the program. */
static double meminfo(const char *key)
{
	double value = -1;
	char line[128];
	FILE *file;

	file = fopen("/proc/meminfo", "re");
	check(file ? 0 : -errno, "read /proc/meminfo");
	while (value < 0 && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key)))
			value = KIB * strtod(line + strlen(key), NULL);
	fclose(file);
	check(value < 0 ? -ENODATA : 0, key);
	return value;
}

static struct taken taken_now(void)
{
	/* CPUs count for themselves until somebody reads this. */
	int fd = open("/proc/sys/vm/stat_refresh", O_RDONLY | O_CLOEXEC);
	struct taken now;
	char byte;

	check(fd < 0 || read(fd, &byte, 1) < 0 ? -errno : 0,
	      "have memory counted");
	close(fd);
	now.own = meminfo("SUnreclaim:") + meminfo("VmallocUsed:") +
		  meminfo("Percpu:");
	now.tables = meminfo("SecPageTables:");
	return now;
}

static void one_page_areas(const struct peer *peer)
{
	struct taken before, after;
	struct space space;

	if (!wanted("memory_area") && !wanted("memory_area_tables"))
		return;
	space_open(&space, peer, true);
	/* What is needed once, before */
	space_fill(&space, 0, 1, PAGE);
	before = taken_now();
	space_fill(&space, 1, AREAS, PAGE);
	after = taken_now();
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
	struct taken before, after;
	struct space space;
	char *memory;

	memory = kind_new(gigabyte->kind, GIB);
	range.memory = memory;
	space_open(&space, peer, true);
	before = taken_now();
	space_map(&space, &range);
	after = taken_now();
	report(gigabyte->rows[0], after.own - before.own);
	report(gigabyte->rows[1], after.tables - before.tables);
	space_close(&space);
	kind_free(memory, GIB);
}

void rows_memory(const struct peer *peer)
{
	size_t i;

	one_page_areas(peer);
	for (i = 0; i < ARRAY_SIZE(gigabytes); i++)
		if (wanted_any(gigabytes[i].rows,
			       ARRAY_SIZE(gigabytes[i].rows)))
			gigabyte(peer, &gigabytes[i]);
}

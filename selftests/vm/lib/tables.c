// SPDX-License-Identifier: GPL-2.0-only
/*
 * Order of flushes and frees, from trace events of VT-d and of the page
 * allocator. A page that iommu_map() or iommu_map_sg() allocates is a table.
 */
#include <inttypes.h>
#include <sys/stat.h>

#include "tables.h"

/* A trace buffer that no other test uses */
#define INSTANCE TRACING "instances/tables/"
#define MOST_TABLES 600

/* Fields of the VT-d descriptor that invalidates the IOTLB */
#define GRANULARITY(qw0) ((qw0) >> 4 & 3)
#define GRANULARITY_PAGES 3
#define ADDRESS(qw1) ((qw1) & ~(PAGE - 1))
#define ORDER(qw1) ((qw1) & 0x3f)
/* Invalidation hint: the IOMMU may keep the addresses of tables */
#define LEAVES_ONLY(qw1) ((qw1) & 0x40)

/* An IO page table, and the range that it translates */
struct table {
	uint64_t start;
	uint64_t length;
	uint64_t pfn;
	bool flushed;
	bool freed;
};

/* The tables that a test expects, in the order of their allocation */
static struct table tables[MOST_TABLES];
static struct table_counts counts;
static unsigned int nr_early;
static const struct table *first_early;
/* The page allocated last, until its stack shows that it is a table */
static uint64_t new_pfn;
/* The next invalidation belongs to a map, not to an unmap */
static bool mapped;

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_return_code(fd, errno);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

int tables_setup(void **state)
{
	static const char *const events[] = {
		"kmem/mm_page_alloc", "kmem/mm_page_free",
		"intel_iommu/qi_submit", "intel_iommu/cache_tag_flush_range_np",
	};
	char path[128];
	size_t i;

	assert_return_code(mkdir(INSTANCE, 0700), errno);
	put(INSTANCE "tracing_on", "0");
	put(INSTANCE "buffer_size_kb", "8192");
	/* One order for the events of all CPUs */
	put(INSTANCE "trace_clock", "counter");
	put(INSTANCE "options/event-fork", "1");
	snprintf(path, sizeof(path), "%d", getpid());
	put(INSTANCE "set_event_pid", path);
	put(INSTANCE "events/kmem/mm_page_alloc/trigger", "stacktrace");
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		snprintf(path, sizeof(path), INSTANCE "events/%s/enable",
			 events[i]);
		put(path, "1");
	}
	return 0;
}

int tables_teardown(void **state)
{
	return rmdir(INSTANCE);
}

void tables_watch(void)
{
	counts = (struct table_counts){};
	nr_early = 0;
	first_early = NULL;
	new_pfn = 0;
	mapped = false;
	put(INSTANCE "trace", "");
	put(INSTANCE "tracing_on", "1");
}

void tables_expect(uint64_t start, uint64_t length)
{
	assert_true(counts.expected < MOST_TABLES);
	tables[counts.expected++] = (struct table){
		.start = start,
		.length = length,
	};
}

void tables_expect_lowest(uint64_t start, uint64_t length)
{
	uint64_t at = start & ~(HUGE - 1);

	if (counts.expected && tables[counts.expected - 1].start == at &&
	    tables[counts.expected - 1].length == HUGE)
		at += HUGE;
	for (; at < start + length; at += HUGE)
		tables_expect(at, HUGE);
}

static void table_allocated(void)
{
	if (counts.allocated < counts.expected)
		tables[counts.allocated].pfn = new_pfn;
	counts.allocated++;
	new_pfn = 0;
}

static void flushed(const char *descriptor)
{
	uint64_t qw0, qw1, start = 0, last = UINT64_MAX;
	struct table *table;

	assert_int_equal(sscanf(descriptor, "%*[^:]: %" SCNx64 " %" SCNx64,
				&qw0, &qw1), 2);
	if (mapped || LEAVES_ONLY(qw1)) {
		mapped = false;
		return;
	}
	if (GRANULARITY(qw0) == GRANULARITY_PAGES) {
		start = ADDRESS(qw1);
		last = start + (PAGE << ORDER(qw1)) - 1;
	}
	for (table = tables; table < tables + counts.expected; table++)
		if (table->pfn && table->start >= start &&
		    table->start + table->length - 1 <= last)
			table->flushed = true;
}

static void page_freed(uint64_t pfn)
{
	struct table *table = tables;

	while (table < tables + counts.expected &&
	       (table->pfn != pfn || table->freed))
		table++;
	if (table == tables + counts.expected)
		return;
	table->freed = true;
	counts.freed++;
	if (table->flushed)
		return;
	if (!nr_early++)
		first_early = table;
}

static bool has(const char *line, const char *text, const char **behind)
{
	const char *found = strstr(line, text);

	*behind = found ? found + strlen(text) : NULL;
	return found;
}

static uint64_t read_pfn(const char *fields)
{
	uint64_t pfn;

	assert_int_equal(sscanf(fields, "%*s pfn=%" SCNx64, &pfn), 1);
	return pfn;
}

static void read_line(const char *line)
{
	const char *fields;

	if (has(line, " mm_page_alloc: ", &fields))
		new_pfn = read_pfn(fields);
	else if (new_pfn && has(line, " => iommu_map", &fields))
		table_allocated();
	else if (has(line, " mm_page_free: ", &fields))
		page_freed(read_pfn(fields));
	else if (has(line, " cache_tag_flush_range_np: ", &fields))
		mapped = true;
	else if (has(line, " qi_submit: iotlb_inv ", &fields))
		flushed(fields);
}

static void read_trace(void)
{
	FILE *trace = fopen(INSTANCE "trace", "re");
	size_t room = 0;
	char *line = NULL;

	assert_non_null(trace);
	while (getline(&line, &room, trace) > 0)
		read_line(line);
	free(line);
	fclose(trace);
}

struct table_counts tables_check(void)
{
	put(INSTANCE "tracing_on", "0");
	read_trace();
	assert_true(counts.allocated <= counts.expected);
	if (nr_early)
		fail_msg("%u of %u tables were freed before their flush, first that of 0x%"
			 PRIx64 "-0x%" PRIx64, nr_early, counts.freed,
			 first_early->start,
			 first_early->start + first_early->length - 1);
	return counts;
}

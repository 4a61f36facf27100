// SPDX-License-Identifier: GPL-2.0-only
/*
 * profile PORT DIR PEER [ROW]...: has the emulator, whose monitor is at PORT, write
 * down each instruction of some requests of each row, or of those that match one
 * of the patterns, into DIR/ROW as the emulator sees DIR. Prints for each row its
 * name, how many requests that were, and where the instructions begin and end: at
 * the function of that address.
 */
#include <fcntl.h>
#include <stdarg.h>

#include "access/access.h"
#include "bench.h"

#define REQUESTS 8
#define IOVA (1UL << 32)

static int port;
static FILE *monitor;
static const char *trace_dir;

/* Until it asks for the next command. */
static void wait_for_prompt(void)
{
	static const char prompt[] = "\n(qemu) ";
	size_t seen = 0;
	int c;

	while (prompt[seen]) {
		c = fgetc(monitor);
		check(c == EOF ? -EIO : 0, "hear from the monitor");
		seen = c == prompt[seen] ? seen + 1 : c == *prompt;
	}
}

static void __attribute__((format(printf, 1, 2))) tell(const char *format, ...)
{
	va_list ap;
	int said;

	va_start(ap, format);
	said = vdprintf(port, format, ap);
	va_end(ap);
	check(said < 0 ? -errno : 0, "speak to the monitor");
	wait_for_prompt();
}

/* What is between two calls of it is what is asked for. */
static void __attribute__((noinline)) mark(void)
{
	asm volatile("");
}

static void begin(const char *row)
{
	tell("logfile %s/%s\n", trace_dir, row);
	tell("log exec,nochain\n");
	mark();
}

static void end(const char *row)
{
	mark();
	tell("log none\n");
	printf("%s %d %016lx\n", row, REQUESTS, (unsigned long)mark);
	check(fflush(stdout) ? -errno : 0, "say what was done");
}

static void pair(const struct peer *peer, bool attached, const char *row)
{
	struct range range = space_area(0, PAGE);
	struct space space;
	int i;

	if (!wanted(row))
		return;
	range.iova = IOVA;
	space_open(&space, peer, attached);
	for (i = 0; i < 2 * REQUESTS; i++) {
		if (i == REQUESTS)
			begin(row);
		space_map(&space, &range);
		space_unmap(&space, &range);
	}
	end(row);
	space_close(&space);
}

static struct range extra(int i)
{
	struct range range = space_area(i, PAGE);

	range.iova = SPACE_FREE + i * PAGE;
	return range;
}

/* All at once: each request of a series has the one before behind it. */
static void series(struct space *space, const char *row,
		   uint64_t (*request)(struct space *space,
				       struct range *range))
{
	struct range ranges[2 * REQUESTS];
	int i;

	for (i = 0; i < 2 * REQUESTS; i++)
		ranges[i] = extra(i);
	for (i = 0; i < 2 * REQUESTS; i++) {
		if (i == REQUESTS && wanted(row))
			begin(row);
		request(space, &ranges[i]);
	}
	if (wanted(row))
		end(row);
}

static uint64_t map_fixed(struct space *space, struct range *range)
{
	return space_map(space, range);
}

static uint64_t unmap_fixed(struct space *space, struct range *range)
{
	return space_unmap(space, range);
}

static uint64_t map_again(struct space *space, struct range *range)
{
	return space_refused(space, space->peer->map(space, range), -EEXIST);
}

static void areas(const struct peer *peer)
{
	static const char *const rows[] = {
		"fixed_map_8000", "refused_8000", "fixed_unmap_8000",
		"chosen_8000",
	};
	struct space space;

	if (!wanted_any(rows, ARRAY_SIZE(rows)))
		return;
	space_open(&space, peer, true);
	space_fill(&space, 0, 8000, PAGE);
	series(&space, rows[0], map_fixed);
	series(&space, rows[1], map_again);
	series(&space, rows[2], unmap_fixed);
	if (peer->map_chosen)
		series(&space, rows[3], space_map_chosen);
	space_close(&space);
}

static void ask_access(int access, const char *row, unsigned long number,
		       uint64_t length)
{
	struct access_range range = { .iova = IOVA, .length = length };
	int i;

	if (!wanted(row))
		return;
	for (i = 0; i < 2 * REQUESTS; i++) {
		if (i == REQUESTS)
			begin(row);
		check(ioctl(access, number, &range) ? -errno : 0,
		      "access memory");
	}
	end(row);
}

static void accesses(const struct peer *peer)
{
	static const char *const rows[] = { "access_pin_1", "access_read_64" };
	struct range range = {
		.length = GIB,
		.iova = IOVA,
	};
	struct space space;
	char *memory;
	int access;

	if (!peer->has_ioas || !wanted_any(rows, ARRAY_SIZE(rows)))
		return;
	memory = kind_new(KIND_THP, GIB);
	range.memory = memory;
	space_open(&space, peer, false);
	space_map(&space, &range);
	access = access_open(&space);
	ask_access(access, rows[0], ACCESS_PIN, PAGE);
	ask_access(access, rows[1], ACCESS_READ, 64);
	close(access);
	space_close(&space);
	kind_free(memory, GIB);
}

int main(int argc, char **argv)
{
	const struct peer *peer = argc > 3 ? peer_find(argv[3]) : NULL;

	if (!peer) {
		fprintf(stderr, "usage: profile PORT DIR ours|in-tree|type1 [ROW]...\n");
		return 2;
	}
	port = open(argv[1], O_RDWR | O_CLOEXEC);
	monitor = port < 0 ? NULL : fdopen(port, "r");
	check(monitor ? 0 : -errno, argv[1]);
	trace_dir = argv[2];
	report_start("/dev/null", argv + 4);
	tell("one-insn-per-tb on\n");

	pair(peer, true, "pair");
	if (!peer->needs_device)
		pair(peer, false, "pair_unattached");
	areas(peer);
	accesses(peer);
	return 0;
}

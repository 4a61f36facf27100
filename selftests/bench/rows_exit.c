// SPDX-License-Identifier: GPL-2.0-only
/* The end of a process that has a gigabyte mapped */
#include <sys/wait.h>

#include "bench.h"

#define LENGTH GIB
#define IOVA (1UL << 32)
#define ROUNDS 5
#define ROW "exit"

/* In the child, which says when it began to end */
static void live(const struct peer *peer, const char *memory, uint64_t length,
		 volatile uint64_t *start)
{
	struct range range = {
		.memory = memory,
		.length = length,
		.iova = IOVA,
	};
	struct space space;

	space_open(&space, peer, true);
	if (length)
		space_map(&space, &range);
	*start = clock_now();
	_exit(0);
}

static uint64_t one_exit(const struct peer *peer, const char *memory,
			 uint64_t length, volatile uint64_t *start)
{
	uint64_t cost;
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	check(pid < 0 ? -errno : 0, "fork");
	if (!pid)
		live(peer, memory, length, start);
	check(waitpid(pid, &status, 0) == pid ? 0 : -errno, "wait");
	cost = clock_since(*start);
	check(status ? -ECHILD : 0, "map in a child");
	return cost;
}

static uint64_t exits(const struct peer *peer, const char *memory,
		      uint64_t length, volatile uint64_t *start)
{
	uint64_t costs[ROUNDS];
	int i;

	for (i = 0; i < ROUNDS; i++)
		costs[i] = one_exit(peer, memory, length, start);
	return median(costs, ROUNDS);
}

/* The memory is shared with the parent, so that nobody pays for freeing it. */
void rows_exit(const struct peer *peer)
{
	volatile uint64_t *start;
	uint64_t with, without;
	char *memory;

	if (!wanted(ROW))
		return;
	start = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(start == MAP_FAILED ? -errno : 0, "share memory");
	memory = kind_new(KIND_HUGETLB, LENGTH);
	without = exits(peer, memory, 0, start);
	with = exits(peer, memory, LENGTH, start);
	report(ROW, ((double)with - without) / (LENGTH / PAGE));
	kind_free(memory, LENGTH);
	munmap((void *)start, PAGE);
}

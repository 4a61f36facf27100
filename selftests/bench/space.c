// SPDX-License-Identifier: GPL-2.0-only
/* What all peers have in common */
#include "bench.h"

/* Where interrupts are written on x86: no mapping may be there. */
#define MSI_FIRST 0xfee00000UL
#define MSI_LENGTH 0x100000UL
/* Areas share pages, but not one: its pins are counted in 31 bits. */
#define FILL_PAGES 256

static const struct peer *const peers[] = {
	&peer_ours,
	&peer_in_tree,
	&peer_type1,
};

const struct peer *peer_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(peers); i++)
		if (!strcmp(peers[i]->name, name))
			return peers[i];
	return NULL;
}

void space_open(struct space *space, const struct peer *peer, bool attached)
{
	*space = (struct space){ .peer = peer, .fd = -1, .group = -1 };
	report_as(peer->name);
	peer->open(space, attached);
	space->attached = attached;
}

void space_close(struct space *space)
{
	space->peer->close(space);
}

uint64_t space_map(struct space *space, const struct range *range)
{
	check(space->peer->map(space, range), "map");
	return space->cost;
}

uint64_t space_unmap(struct space *space, const struct range *range)
{
	check(space->peer->unmap(space, range), "unmap");
	return space->cost;
}

uint64_t space_map_chosen(struct space *space, struct range *range)
{
	check(space->peer->map_chosen(space, range),
	      "map where the kernel chooses");
	return space->cost;
}

uint64_t space_refused(struct space *space, int err, int expected)
{
	if (err != expected) {
		fprintf(stderr, "bench: %s answers %d, not %d\n",
			space->peer->name, err, expected);
		exit(EXIT_FAILURE);
	}
	return space->cost;
}

static const char *fill_memory(void)
{
	static char *memory;

	if (!memory)
		memory = kind_new(KIND_4K, FILL_PAGES * PAGE);
	return memory;
}

struct range space_area(uint64_t n, uint64_t stride)
{
	struct range range = {
		.memory = fill_memory() + n % FILL_PAGES * PAGE,
		.length = PAGE,
		.iova = n * stride,
	};

	if (range.iova + PAGE > MSI_FIRST)
		range.iova += MSI_LENGTH;
	return range;
}

void space_fill(struct space *space, uint64_t first, uint64_t areas,
		uint64_t stride)
{
	struct range range;
	uint64_t i;

	for (i = first; i < first + areas; i++) {
		range = space_area(i, stride);
		space_map(space, &range);
	}
}

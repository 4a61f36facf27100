// SPDX-License-Identifier: GPL-2.0-only
/* What one request costs, against how much it maps */
#include "bench.h"

#define IOVA (1UL << 32)
#define ROUNDS 9
#define MAP_ROW "size_map"
#define UNMAP_ROW "size_unmap"
/* What is going to take longer than this is left out, and said so. */
#define PATIENCE 30e9

static const uint64_t sizes[] = {
	4 * KIB, 64 * KIB, 2 * MIB, 64 * MIB, GIB, 32 * GIB, TIB,
};

/* The cost of both */
static double measure(struct space *space, const struct range *range)
{
	int i, rounds = range->length > GIB ? 1 : ROUNDS;
	uint64_t map[ROUNDS], unmap[ROUNDS], map_cost, unmap_cost;

	for (i = 0; i < rounds; i++) {
		map[i] = space_map(space, range);
		unmap[i] = space_unmap(space, range);
	}
	map_cost = median(map, rounds);
	unmap_cost = median(unmap, rounds);
	report_at(MAP_ROW, range->length, map_cost);
	report_at(UNMAP_ROW, range->length, unmap_cost);
	return map_cost + unmap_cost;
}

static void size_of(const struct peer *peer, const char *memory)
{
	struct range range = { .memory = memory, .iova = IOVA };
	struct space space;
	double cost = 0;
	size_t i;

	space_open(&space, peer, true);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (i && cost / sizes[i - 1] * sizes[i] > PATIENCE) {
			report_none(MAP_ROW, sizes[i], "too slow");
			report_none(UNMAP_ROW, sizes[i], "too slow");
			break;
		}
		range.length = sizes[i];
		cost = measure(&space, &range);
	}
	space_close(&space);
}

void rows_size(const struct peer *peer, const struct peer *floor)
{
	char *memory;

	if (!wanted(MAP_ROW) && !wanted(UNMAP_ROW))
		return;
	memory = kind_alias(TIB);
	size_of(peer, memory);
	if (floor)
		size_of(floor, memory);
	kind_free(memory, TIB);
}

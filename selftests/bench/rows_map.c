// SPDX-License-Identifier: GPL-2.0-only
/* Large mappings of warm memory, and one page */
#include "bench.h"

#define LENGTH (256 * MIB)
#define IOVA (1UL << 32)
#define ROUNDS 5
#define PAIRS 256

struct large {
	enum kind kind;
	const char *rows[2];
};

static const struct large larges[] = {
	{ KIND_4K, { "map_4k", "unmap_4k" } },
	{ KIND_SCATTERED, { "map_scattered", "unmap_scattered" } },
	{ KIND_THP, { "map_thp", "unmap_thp" } },
	{ KIND_HUGETLB, { "map_hugetlb", "unmap_hugetlb" } },
};

static void large(const struct peer *peer, const struct large *large,
		  const char *memory)
{
	struct range range = {
		.memory = memory,
		.length = LENGTH,
		.iova = IOVA,
	};
	uint64_t map[ROUNDS], unmap[ROUNDS];
	struct space space;
	int i;

	space_open(&space, peer, true);
	for (i = 0; i < ROUNDS; i++) {
		map[i] = space_map(&space, &range);
		unmap[i] = space_unmap(&space, &range);
	}
	report(large->rows[0], (double)median(map, ROUNDS) / (LENGTH / PAGE));
	report(large->rows[1],
	       (double)median(unmap, ROUNDS) / (LENGTH / PAGE));
	space_close(&space);
}

static void larges_of(const struct peer *peer, const struct peer *floor)
{
	char *memory;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(larges); i++) {
		if (!wanted_any(larges[i].rows, ARRAY_SIZE(larges[i].rows)))
			continue;
		memory = kind_new(larges[i].kind, LENGTH);
		large(peer, &larges[i], memory);
		if (floor)
			large(floor, &larges[i], memory);
		kind_free(memory, LENGTH);
	}
}

void row_pair(const struct peer *peer, bool attached, const char *row)
{
	struct range range = { .length = PAGE, .iova = IOVA };
	uint64_t costs[PAIRS];
	struct space space;
	char *memory;
	int i;

	if (!wanted(row))
		return;
	memory = kind_new(KIND_4K, PAGE);
	range.memory = memory;
	space_open(&space, peer, attached);
	for (i = 0; i < PAIRS; i++) {
		costs[i] = space_map(&space, &range);
		costs[i] += space_unmap(&space, &range);
	}
	report(row, median(costs, PAIRS));
	space_close(&space);
	kind_free(memory, PAGE);
}

void rows_map(const struct peer *peer, const struct peer *floor)
{
	larges_of(peer, floor);
	row_pair(peer, true, "pair");
	if (!peer->needs_device)
		row_pair(peer, false, "pair_unattached");
	if (floor)
		row_pair(floor, true, "pair");
}

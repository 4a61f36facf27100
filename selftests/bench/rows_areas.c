// SPDX-License-Identifier: GPL-2.0-only
/* One page more, with thousands mapped already */
#include "bench.h"

#define SAMPLES 256

static void fixed(struct space *space, const char *map_row,
		  const char *unmap_row)
{
	uint64_t map[SAMPLES], unmap[SAMPLES];
	struct range range;
	int i;

	for (i = 0; i < SAMPLES; i++) {
		range = space_area(i, PAGE);
		range.iova = SPACE_FREE + i * PAGE;
		map[i] = space_map(space, &range);
	}
	for (i = 0; i < SAMPLES; i++) {
		range.iova = SPACE_FREE + i * PAGE;
		unmap[i] = space_unmap(space, &range);
	}
	report(map_row, median(map, SAMPLES));
	report(unmap_row, median(unmap, SAMPLES));
}

static void chosen(struct space *space, const char *row)
{
	struct range ranges[SAMPLES];
	uint64_t map[SAMPLES];
	int i;

	for (i = 0; i < SAMPLES; i++) {
		ranges[i] = space_area(i, PAGE);
		map[i] = space_map_chosen(space, &ranges[i]);
	}
	for (i = 0; i < SAMPLES; i++)
		space_unmap(space, &ranges[i]);
	report(row, median(map, SAMPLES));
}

static void unmap_all(struct space *space, uint64_t areas, const char *row)
{
	check(space->peer->unmap_all(space), "unmap all");
	report(row, (double)space->cost / areas);
}

struct areas {
	unsigned int count;
	const char *rows[4];
};

static const struct areas sizes[] = {
	{ 2000, { "fixed_map_2000", "fixed_unmap_2000", "chosen_2000",
		  "unmap_all_2000" } },
	{ 8000, { "fixed_map_8000", "fixed_unmap_8000", "chosen_8000",
		  "unmap_all_8000" } },
};

static void measure(const struct peer *peer, const struct areas *size)
{
	struct space space;

	space_open(&space, peer, true);
	space_fill(&space, 0, size->count, PAGE);
	fixed(&space, size->rows[0], size->rows[1]);
	if (peer->map_chosen)
		chosen(&space, size->rows[2]);
	unmap_all(&space, size->count, size->rows[3]);
	space_close(&space);
}

void rows_areas(const struct peer *peer)
{
	size_t i;

	if (!peer->unmap_all)
		return;
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		if (wanted_any(sizes[i].rows, ARRAY_SIZE(sizes[i].rows)))
			measure(peer, &sizes[i]);
}

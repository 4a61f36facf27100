// SPDX-License-Identifier: GPL-2.0-only
/* What one area more or less costs, against how many there are */
#include "bench.h"

#define SAMPLES 32

static const uint64_t counts[] = { 10, 1000, 100000, 1000000 };

enum {
	MAP,
	UNMAP,
	LOOKUP,
	CHOSEN,
	FREED,
	FULL,
	UNMAP_ALL,
	NR_DENSE,
};

/* One area beside the other */
static const char *const dense_rows[NR_DENSE] = {
	[MAP] = "grow_map",
	[UNMAP] = "grow_unmap",
	[LOOKUP] = "grow_lookup",
	[CHOSEN] = "grow_chosen",
	[FREED] = "grow_chosen_freed",
	[FULL] = "grow_chosen_full",
	[UNMAP_ALL] = "grow_unmap_all",
};

/* A hole of a page between any two, and two pages wanted */
#define FRAGMENTED_ROW "grow_chosen_fragmented"

static int samples_of(uint64_t areas)
{
	return areas / 2 < SAMPLES ? areas / 2 : SAMPLES;
}

/* Spread over all of them, at random */
static struct range sample_area(uint64_t areas, int i)
{
	uint64_t share = areas / samples_of(areas);

	return space_area(i * share + random() % share, PAGE);
}

static void fixed(struct space *space, uint64_t areas)
{
	uint64_t map[SAMPLES], unmap[SAMPLES];
	struct range range;
	int i;

	for (i = 0; i < SAMPLES; i++) {
		range = space_area(i, PAGE);
		range.iova = SPACE_FREE;
		map[i] = space_map(space, &range);
		unmap[i] = space_unmap(space, &range);
	}
	report_at(dense_rows[MAP], areas, median(map, SAMPLES));
	report_at(dense_rows[UNMAP], areas, median(unmap, SAMPLES));
}

/* What is there already is found, and the request refused. */
static void lookup(struct space *space, uint64_t areas)
{
	int i, samples = samples_of(areas);
	uint64_t cost[SAMPLES];
	struct range range;

	for (i = 0; i < samples; i++) {
		range = sample_area(areas, i);
		cost[i] = space_refused(space, space->peer->map(space, &range),
					-EEXIST);
	}
	report_at(dense_rows[LOOKUP], areas, median(cost, samples));
}

static void chosen(struct space *space, uint64_t areas, uint64_t length,
		   const char *row)
{
	uint64_t cost[SAMPLES];
	struct range range;
	int i;

	for (i = 0; i < SAMPLES; i++) {
		range = space_area(0, PAGE);
		range.length = length;
		cost[i] = space_map_chosen(space, &range);
		space_unmap(space, &range);
	}
	report_at(row, areas, median(cost, SAMPLES));
}

/* Areas are unmapped here and there, and as many mapped again. */
static void freed(struct space *space, uint64_t areas)
{
	int i, samples = samples_of(areas);
	struct range ranges[SAMPLES];
	uint64_t cost[SAMPLES];

	for (i = 0; i < samples; i++) {
		ranges[i] = sample_area(areas, i);
		space_unmap(space, &ranges[i]);
	}
	for (i = 0; i < samples; i++)
		cost[i] = space_map_chosen(space, &ranges[i]);
	report_at(dense_rows[FREED], areas, median(cost, samples));
}

/* Nothing is free where it is allowed. Last: it forbids the rest of the space. */
static void full(struct space *space, uint64_t areas)
{
	struct range range = space_area(areas - 1, PAGE);
	uint64_t cost[SAMPLES];
	int i;

	check(space->peer->allow(space, 0, range.iova + PAGE - 1),
	      "allow IO addresses");
	for (i = 0; i < SAMPLES; i++) {
		cost[i] = space_refused(space,
					space->peer->map_chosen(space, &range),
					-ENOSPC);
	}
	report_at(dense_rows[FULL], areas, median(cost, SAMPLES));
}

static void dense(const struct peer *peer, uint64_t areas)
{
	struct space space;

	space_open(&space, peer, true);
	space_fill(&space, 0, areas, PAGE);
	fixed(&space, areas);
	lookup(&space, areas);
	if (peer->has_ioas) {
		chosen(&space, areas, PAGE, dense_rows[CHOSEN]);
		freed(&space, areas);
		full(&space, areas);
	}
	check(peer->unmap_all(&space), "unmap all");
	report_at(dense_rows[UNMAP_ALL], areas, (double)space.cost / areas);
	space_close(&space);
}

static void fragmented(const struct peer *peer, uint64_t areas)
{
	struct space space;

	space_open(&space, peer, true);
	space_fill(&space, 0, areas, 2 * PAGE);
	chosen(&space, areas, 2 * PAGE, FRAGMENTED_ROW);
	space_close(&space);
}

void rows_growth(const struct peer *peer, uint64_t limit)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counts) && counts[i] <= limit; i++) {
		if (wanted_any(dense_rows, NR_DENSE))
			dense(peer, counts[i]);
		if (peer->has_ioas && wanted(FRAGMENTED_ROW))
			fragmented(peer, counts[i]);
	}
}

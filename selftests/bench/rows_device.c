// SPDX-License-Identifier: GPL-2.0-only
/* Domains and copies of a gigabyte that is mapped already */
#include "bench.h"

#define LENGTH GIB
#define PAGES ((double)(LENGTH / PAGE))
#define IOVA (1UL << 32)
#define ROUNDS 5

/* A domain more for the IOAS, and away with it */
static uint64_t second_domain(struct space *space)
{
	uint64_t start = clock_now(), cost;
	int64_t hwpt = hwpt_alloc(space->fd, space->edu.id, space->ioas, 0);

	cost = clock_since(start);
	check(hwpt < 0 ? hwpt : 0, "allocate a HWPT");
	check(object_destroy(space->fd, hwpt), "destroy a HWPT");
	return cost;
}

static uint64_t copy(struct space *space, uint32_t to)
{
	struct copy_source source = { space->ioas, IOVA, LENGTH };
	uint64_t start = clock_now(), cost;
	int err = ioas_copy_at(space->fd, to, &source, RW, IOVA);

	cost = clock_since(start);
	check(err, "copy");
	check(ioas_unmap(space->fd, to, IOVA, LENGTH, NULL), "unmap the copy");
	return cost;
}

/* To another IOAS with a domain that is there already */
static uint64_t copy_to_other(struct space *space)
{
	uint32_t other = ioas_new(space->fd);
	int64_t hwpt = hwpt_alloc(space->fd, space->edu.id, other, 0);
	uint64_t cost;

	check(hwpt < 0 ? hwpt : 0, "allocate a HWPT");
	cost = copy(space, other);
	check(object_destroy(space->fd, hwpt), "destroy a HWPT");
	check(object_destroy(space->fd, other), "destroy an IOAS");
	return cost;
}

static uint64_t move(struct space *space, uint32_t to)
{
	uint64_t start = clock_now(), cost;
	int err = edu_attach(&space->edu, to);

	cost = clock_since(start);
	check(err, "replace the domain");
	return cost;
}

/* To an IOAS that has the same memory mapped: one domain filled, one emptied */
static uint64_t move_to_other(struct space *space)
{
	uint32_t other = ioas_new(space->fd);
	struct copy_source source = { space->ioas, IOVA, LENGTH };
	uint64_t cost;

	check(ioas_copy_at(space->fd, other, &source, RW, IOVA), "copy");
	cost = move(space, other);
	move(space, space->ioas);
	check(object_destroy(space->fd, other), "destroy an IOAS");
	return cost;
}

/* What a row does, and with what memory mapped */
struct work {
	const char *row;
	enum kind kind;
	uint64_t (*run)(struct space *space);
};

static const struct work works[] = {
	{ "second_domain_4k", KIND_SCATTERED, second_domain },
	{ "second_domain_thp", KIND_THP, second_domain },
	{ "copy_4k", KIND_SCATTERED, copy_to_other },
	{ "copy_thp", KIND_THP, copy_to_other },
	{ "replace_4k", KIND_SCATTERED, move_to_other },
	{ "replace_thp", KIND_THP, move_to_other },
};

static void measure(const struct peer *peer, const struct work *work)
{
	struct range range = { .length = LENGTH, .iova = IOVA };
	uint64_t costs[ROUNDS];
	struct space space;
	char *memory;
	int i;

	memory = kind_new(work->kind, LENGTH);
	range.memory = memory;
	space_open(&space, peer, true);
	space_map(&space, &range);
	for (i = 0; i < ROUNDS; i++)
		costs[i] = work->run(&space);
	report(work->row, median(costs, ROUNDS) / PAGES);
	space_close(&space);
	kind_free(memory, LENGTH);
}

void rows_device(const struct peer *peer)
{
	size_t i;

	for (i = 0; peer->has_ioas && i < ARRAY_SIZE(works); i++)
		if (wanted(works[i].row))
			measure(peer, &works[i]);
}

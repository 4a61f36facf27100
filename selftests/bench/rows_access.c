// SPDX-License-Identifier: GPL-2.0-only
/* What drivers of emulated devices do, timed in the kernel */
#include "access/access.h"
#include "bench.h"

#define LENGTH GIB
#define IOVA (1UL << 32)
#define ROUNDS 9

struct pin {
	uint64_t pages;
	const char *rows[2];
};

static const struct pin pins[] = {
	{ 1, { "access_pin_1", "access_unpin_1" } },
	{ 512, { "access_pin_512", "access_unpin_512" } },
	{ 262144, { "access_pin_262144", "access_unpin_262144" } },
};

#define READ_ROW "access_read_64"

static struct access_range request(int access, unsigned long number,
				   uint64_t length)
{
	struct access_range range = { .iova = IOVA, .length = length };

	check(ioctl(access, number, &range) ? -errno : 0, "access memory");
	return range;
}

static void pin(int access, const struct pin *pin)
{
	uint64_t pin_cost[ROUNDS], unpin_cost[ROUNDS];
	struct access_range range;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		range = request(access, ACCESS_PIN, pin->pages * PAGE);
		pin_cost[i] = range.cost;
		unpin_cost[i] = range.undo_cost;
	}
	report(pin->rows[0], (double)median(pin_cost, ROUNDS) / pin->pages);
	report(pin->rows[1], (double)median(unpin_cost, ROUNDS) / pin->pages);
}

static void read_64(int access)
{
	uint64_t cost[ROUNDS];
	int i;

	for (i = 0; i < ROUNDS; i++)
		cost[i] = request(access, ACCESS_READ, 64).cost;
	report(READ_ROW, median(cost, ROUNDS));
}

int access_open(const struct space *space)
{
	struct access_target target = {
		.iommufd = space->fd,
		.ioas = space->ioas,
	};
	int access = open("/dev/" ACCESS_DEVICE, O_RDWR | O_CLOEXEC);

	check(access < 0 ? -errno : 0, "open the access");
	check(ioctl(access, ACCESS_ATTACH, &target) ? -errno : 0,
	      "attach the access");
	return access;
}

static bool any_wanted(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pins); i++)
		if (wanted_any(pins[i].rows, ARRAY_SIZE(pins[i].rows)))
			return true;
	return wanted(READ_ROW);
}

void rows_access(const struct peer *peer)
{
	struct range range = { .length = LENGTH, .iova = IOVA };
	struct space space;
	char *memory;
	int access;
	size_t i;

	if (!peer->has_ioas || !any_wanted())
		return;
	memory = kind_new(KIND_THP, LENGTH);
	range.memory = memory;
	space_open(&space, peer, false);
	space_map(&space, &range);
	access = access_open(&space);
	for (i = 0; i < ARRAY_SIZE(pins); i++)
		pin(access, &pins[i]);
	read_64(access);
	close(access);
	space_close(&space);
	kind_free(memory, LENGTH);
}

// SPDX-License-Identifier: GPL-2.0-only
/* The bare primitives, which are timed in the kernel */
#include "bench.h"
#include "floor/floor.h"

static void floor_open(struct space *space, bool attached)
{
	(void)attached;
	space->fd = open("/dev/" FLOOR_DEVICE, O_RDWR | O_CLOEXEC);
	check(space->fd < 0 ? -errno : 0, "open the floor");
}

static void floor_close(struct space *space)
{
	close(space->fd);
}

static int request(struct space *space, unsigned long number,
		   const struct range *range)
{
	struct floor_range floor = {
		.memory = (uintptr_t)range->memory,
		.length = range->length,
		.iova = range->iova,
	};

	if (ioctl(space->fd, number, &floor))
		return -errno;
	space->cost = floor.cost;
	return 0;
}

static int floor_map(struct space *space, const struct range *range)
{
	return request(space, FLOOR_MAP, range);
}

static int floor_unmap(struct space *space, const struct range *range)
{
	return request(space, FLOOR_UNMAP, range);
}

const struct peer peer_floor = {
	.name = "floor",
	.needs_device = true,
	.open = floor_open,
	.close = floor_close,
	.map = floor_map,
	.unmap = floor_unmap,
};

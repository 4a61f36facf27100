// SPDX-License-Identifier: GPL-2.0-only
/* A VFIO container with a type1 IOMMU, and edu in it */
#include "bench.h"
#include "type1.h"

static void type1_open(struct space *space, bool attached)
{
	(void)attached;
	space->fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	check(space->fd < 0 ? -errno : 0, "open a VFIO container");
	space->group = group_open();
	check(space->group < 0 ? space->group : 0, "open the group of edu");
	check(group_set_container(space->group, space->fd),
	      "put the group into the container");
	check(type1_set_iommu(space->fd, VFIO_TYPE1v2_IOMMU),
	      "choose the type of the IOMMU");
	check(group_get_edu(space->group, &space->edu), "open edu");
}

static void type1_close(struct space *space)
{
	edu_close(&space->edu);
	close(space->group);
	close(space->fd);
}

static int type1_map_range(struct space *space, const struct range *range)
{
	uint64_t start = clock_now();
	int err = type1_map(space->fd, range->memory, range->length, DMA_RW,
			    range->iova);

	space->cost = clock_since(start);
	return err;
}

static int type1_unmap_range(struct space *space, const struct range *range)
{
	uint64_t start = clock_now();
	int err = type1_unmap(space->fd, range->iova, range->length, 0, NULL);

	space->cost = clock_since(start);
	return err;
}

static int type1_unmap_everything(struct space *space)
{
	uint64_t start = clock_now();
	int err = type1_unmap_all(space->fd, NULL);

	space->cost = clock_since(start);
	return err;
}

const struct peer peer_type1 = {
	.name = "type1",
	.needs_device = true,
	.open = type1_open,
	.close = type1_close,
	.map = type1_map_range,
	.unmap = type1_unmap_range,
	.unmap_all = type1_unmap_everything,
};

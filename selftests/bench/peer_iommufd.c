// SPDX-License-Identifier: GPL-2.0-only
/* /dev/iommu, whoever serves it, with edu attached through its VFIO cdev */
#include "bench.h"

static void iommufd_open(struct space *space, bool attached)
{
	space->fd = context_open();
	space->ioas = ioas_new(space->fd);
	if (!attached)
		return;
	edu_open(&space->edu, space->fd);
	check(edu_attach(&space->edu, space->ioas), "attach edu");
}

static void iommufd_close(struct space *space)
{
	if (space->attached)
		edu_close(&space->edu);
	close(space->fd);
}

static int iommufd_map(struct space *space, const struct range *range)
{
	uint64_t iova = range->iova, start = clock_now();
	int err = ioas_map(space->fd, space->ioas, range->memory,
			   range->length, RW | FIXED, &iova);

	space->cost = clock_since(start);
	return err;
}

static int iommufd_map_chosen(struct space *space, struct range *range)
{
	uint64_t start = clock_now();
	int err = ioas_map(space->fd, space->ioas, range->memory,
			   range->length, RW, &range->iova);

	space->cost = clock_since(start);
	return err;
}

static int iommufd_unmap(struct space *space, const struct range *range)
{
	uint64_t start = clock_now();
	int err = ioas_unmap(space->fd, space->ioas, range->iova,
			     range->length, NULL);

	space->cost = clock_since(start);
	return err;
}

static int iommufd_unmap_all(struct space *space)
{
	uint64_t start = clock_now();
	int err = ioas_unmap_all(space->fd, space->ioas);

	space->cost = clock_since(start);
	return err;
}

static int iommufd_allow(struct space *space, uint64_t first, uint64_t last)
{
	struct iommu_iova_range range = { .start = first, .last = last };

	return ioas_allow(space->fd, space->ioas, &range, 1);
}

#define IOMMUFD				\
	.has_ioas = true,			\
	.open = iommufd_open,			\
	.close = iommufd_close,			\
	.map = iommufd_map,			\
	.map_chosen = iommufd_map_chosen,	\
	.unmap = iommufd_unmap,			\
	.unmap_all = iommufd_unmap_all,		\
	.allow = iommufd_allow

const struct peer peer_ours = { .name = "ours", IOMMUFD };
const struct peer peer_in_tree = { .name = "in-tree", IOMMUFD };

/* SPDX-License-Identifier: GPL-2.0-only */
/* /dev/iommu as a container that groups come to and leave again */
#ifndef TEST_CONTAINER_H
#define TEST_CONTAINER_H

#include "type1.h"

/* Where it is mapped, within reach of edu, and how much */
#define CONTAINER_BASE (64 * MIB)
#define CONTAINER_PAGES 16UL

/**
 * struct container - a context, and those that use it as their container
 * @iommu: the context
 * @group: the group of edu, open
 * @other: that of nvme, or -1
 * @nvme: nvme bound without its group, or -1
 * @edu: edu; its @vfio is -1 unless it is open
 * @memory: what container_map() maps
 */
struct container {
	int iommu;
	int group;
	int other;
	int nvme;
	struct edu edu;
	char *memory;
};

/* Failing fails the test, where nothing else is said */
void container_open(struct container *container);
void container_close(struct container *container);
/* The group of edu, as type1v2 */
void container_enter(struct container *container);
void container_leave(struct container *container);
void container_leave_by_closing(struct container *container);
void container_open_other(struct container *container);
void container_bind_nvme(struct container *container);
void container_unbind_nvme(struct container *container);
void container_close_edu(struct container *container);
/* 0 or a negative errno */
int container_map(const struct container *container);
uint32_t container_ioas(const struct container *container);
unsigned long container_areas(const struct container *container);

#endif

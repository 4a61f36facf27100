/* SPDX-License-Identifier: GPL-2.0-only */
/* The VFIO type1 ABI: containers, groups, and what is mapped for them */
#ifndef TEST_TYPE1_H
#define TEST_TYPE1_H

#include <linux/vfio.h>

#include "test.h"

#define DMA_READ VFIO_DMA_MAP_FLAG_READ
#define DMA_WRITE VFIO_DMA_MAP_FLAG_WRITE
#define DMA_RW (DMA_READ | DMA_WRITE)

/* IOMMU_VFIO_IOAS: 0 or a negative errno */
int compat_get(int container, uint32_t *ioas);
int compat_set(int container, uint32_t ioas);
int compat_clear(int container);

/* What an ioctl answers, or a negative errno */
int type1_extension(int container, unsigned long extension);
int type1_set_iommu(int container, unsigned long type);

/* 0 or a negative errno */
int type1_map(int container, const void *memory, uint64_t length,
	      uint32_t flags, uint64_t iova);
/* @unmapped may be NULL, and is written on success */
int type1_unmap(int container, uint64_t iova, uint64_t length, uint32_t flags,
		uint64_t *unmapped);
int type1_unmap_all(int container, uint64_t *unmapped);

/* All of VFIO_IOMMU_GET_INFO, to be freed; failing fails the test */
struct vfio_iommu_type1_info *type1_info(int container);
/* The capability, or NULL; that the chain is sound is asserted */
void *type1_capability(struct vfio_iommu_type1_info *info, uint16_t id);

/* The group of edu, or of a device; a file descriptor or a negative errno */
int group_open(void);
int group_open_at(const char *bdf);
/* 0 or a negative errno */
int group_set_container(int group, int container);
int group_unset_container(int group);
/* edu out of its group, ready for DMA; 0 or a negative errno */
int group_get_edu(int group, struct edu *edu);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the test build of the module can do besides: accesses, as drivers of
 * emulated devices have them, and mock devices.
 */
#ifndef TEST_MOCK_H
#define TEST_MOCK_H

#include "test.h"

/* Is it the test build? */
bool mock_available(int iommu);
/* A mock device, attached to an IOAS: its object, or a negative errno */
int64_t mock_device_new(int iommu, uint32_t ioas);
/* The same: the HWPT it is attached to, or a negative errno */
int64_t mock_hwpt_new(int iommu, uint32_t ioas);
/* 0 if each page of @memory is where it should be in a HWPT, or a negative errno */
int mock_check_map(int iommu, uint32_t hwpt, uint64_t iova, const void *memory,
		   uint64_t length);

/* A file descriptor, or a negative errno */
int access_new(int iommu, uint32_t ioas);
int access_move(int iommu, int access, uint32_t ioas);
/* Its id, or a negative errno; @memory is what has to be there */
int64_t access_pin(int iommu, int access, uint64_t iova, uint64_t length,
		   const void *memory);
int access_unpin(int iommu, int access, uint32_t id);
int access_read(int iommu, int access, uint64_t iova, void *data,
		uint64_t length);
int access_write(int iommu, int access, uint64_t iova, const void *data,
		 uint64_t length);

#endif

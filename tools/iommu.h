/* SPDX-License-Identifier: GPL-2.0-only */
/* /dev/iommu as the tests of devices and policies need it */
#ifndef IOMMUFD_BPF_IOMMU_H
#define IOMMUFD_BPF_IOMMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Negative errno, with out_fail() done; so do the others that return int */
int iommu_open(void);
int iommu_ioas_alloc(int iommu, uint32_t *ioas);

/* One mapping; iova is the kernel's choice unless fixed */
struct iommu_mapping {
	void *memory;
	size_t length;
	bool writable;
	bool fixed;
	uint64_t iova;
};

/* @memory is its name for people. A refusal names the policy. */
int iommu_map(int iommu, uint32_t ioas, struct iommu_mapping *mapping,
	      const char *memory);
int iommu_unmap(int iommu, uint32_t ioas, const struct iommu_mapping *mapping);

/*
 * out_fail() if a policy has refused something in this context, with the policy
 * that did so last; false if none has. @what could not be done to what.
 */
bool iommu_refused(int iommu, int err, const char *what);

#endif

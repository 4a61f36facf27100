/* SPDX-License-Identifier: GPL-2.0-only */
/* Who may use which IO addresses: reserved and allowed ranges of an IOAS. */
#ifndef IOMMUFD_IOPT_RESERVE_H
#define IOMMUFD_IOPT_RESERVE_H

#include <linux/list.h>

struct io_pagetable;
struct iommu_iova_range;

int iopt_reserve(struct io_pagetable *iopt, const void *owner,
		 unsigned long start, unsigned long last);
void iopt_unreserve(struct io_pagetable *iopt, const void *owner);

int iopt_allow(struct io_pagetable *iopt, struct iommu_iova_range *ranges,
	       unsigned long nr);
bool iopt_next_reserved(struct io_pagetable *iopt, unsigned long from,
			struct iommu_iova_range *range);
bool iopt_next_allowed(struct io_pagetable *iopt, unsigned long from,
		       struct iommu_iova_range *range);
bool iopt_next_usable(struct io_pagetable *iopt, unsigned long *cursor,
		      struct iommu_iova_range *range);

#endif

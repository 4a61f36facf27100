/* SPDX-License-Identifier: GPL-2.0-only */
/* What a mock IOMMU driver has to do differently from kernel to kernel. */
#ifndef IOMMUFD_COMPAT_MOCK_H
#define IOMMUFD_COMPAT_MOCK_H

#include <linux/iommu.h>
#include <linux/version.h>

#include "../mock/mock.h"

/* One allocator of domains became several in 6.13. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline struct iommu_domain *
compat_mock_domain_alloc(struct device *dev, u32 flags,
			 struct iommu_domain *parent,
			 const struct iommu_user_data *user_data)
{
	return parent ? ERR_PTR(-EOPNOTSUPP) :
			mock_domain_alloc(dev, flags, user_data);
}

#define COMPAT_MOCK_DOMAIN_ALLOC .domain_alloc_user = compat_mock_domain_alloc
#else
#define COMPAT_MOCK_DOMAIN_ALLOC .domain_alloc_paging_flags = mock_domain_alloc
#endif

/* Before 6.17 nobody could ask for a type. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define compat_mock_hw_info_type u32
#else
#define compat_mock_hw_info_type enum iommu_hw_info_type
#endif

/* Drivers are told the domain before since 6.19. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
#define compat_mock_domain_attach mock_domain_attach
#else
static inline int compat_mock_domain_attach(struct iommu_domain *domain,
					    struct device *dev,
					    struct iommu_domain *old)
{
	return mock_domain_attach(domain, dev);
}
#endif

#endif

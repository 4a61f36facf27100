/* SPDX-License-Identifier: GPL-2.0-only */
/* Every difference between kernel versions, and nothing else. */
#ifndef IOMMUFD_COMPAT_H
#define IOMMUFD_COMPAT_H

#include <linux/iommu.h>
#include <linux/module.h>

/* Symbol namespaces became strings in 6.13. */
#define MODULE_IMPORT_IOMMUFD_INTERNAL() MODULE_IMPORT_NS(IOMMUFD_INTERNAL)

/* Declared in drivers/iommu/iommu-priv.h, which no headers package has. */
int iommu_group_replace_domain(struct iommu_group *group,
			       struct iommu_domain *new_domain);

/**
 * compat_paging_domain_alloc - a domain for user mappings
 * @dev: a device it has to suit
 * @attach_first: out: page sizes and aperture are final only after a device
 *	has been attached
 *
 * iommu_paging_domain_alloc() of 6.12 gives Intel domains that know 4K pages
 * only until they are attached; the driver's own call does better.
 *
 * Return: the domain, or an ERR_PTR() of the driver.
 */
static inline struct iommu_domain *
compat_paging_domain_alloc(struct device *dev, bool *attach_first)
{
	const struct iommu_ops *ops = dev->iommu->iommu_dev->ops;
	struct iommu_domain *domain;

	*attach_first = !ops->domain_alloc_user;
	if (!ops->domain_alloc_user)
		return iommu_paging_domain_alloc(dev);
	domain = ops->domain_alloc_user(dev, 0, NULL, NULL);
	/* Most drivers leave this to the caller. */
	if (!IS_ERR(domain))
		domain->owner = ops;
	return domain;
}

#endif

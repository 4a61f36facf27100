/* SPDX-License-Identifier: GPL-2.0-only */
/* Every difference between kernel versions, and nothing else. */
#ifndef IOMMUFD_COMPAT_H
#define IOMMUFD_COMPAT_H

#include <linux/btf.h>
#include <linux/cgroup.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/version.h>

/* Symbol namespaces became strings in 6.13. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define MODULE_IMPORT_IOMMUFD_INTERNAL() MODULE_IMPORT_NS(IOMMUFD_INTERNAL)
#else
#define MODULE_IMPORT_IOMMUFD_INTERNAL() MODULE_IMPORT_NS("IOMMUFD_INTERNAL")
#endif

/* Declared in drivers/iommu/iommu-priv.h, which no headers package has. */
int iommu_attach_group_handle(struct iommu_domain *domain,
			      struct iommu_group *group,
			      struct iommu_attach_handle *handle);
void iommu_detach_group_handle(struct iommu_domain *domain,
			       struct iommu_group *group);
int iommu_replace_group_handle(struct iommu_group *group,
			       struct iommu_domain *new_domain,
			       struct iommu_attach_handle *handle);

/* The arguments of kfuncs are trusted unless they say otherwise, since 7.0. */
#ifdef KF_TRUSTED_ARGS
#define COMPAT_KF_TRUSTED_ARGS KF_TRUSTED_ARGS
#else
#define COMPAT_KF_TRUSTED_ARGS 0
#endif

static inline bool compat_cgroup_is_dead(const struct cgroup *cgroup)
{
	return !(cgroup->self.flags & CSS_ONLINE);
}

static inline const struct iommu_ops *compat_iommu_ops(struct device *dev)
{
	return dev->iommu->iommu_dev->ops;
}

/**
 * compat_paging_domain_alloc - a domain for user mappings
 * @dev: a device it has to suit
 * @flags: IOMMU_HWPT_ALLOC_NEST_PARENT and so on
 * @attach_first: out: page sizes and aperture are final only after a device
 *	has been attached
 *
 * iommu_paging_domain_alloc() of 6.12 gives Intel domains that know 4K pages
 * only until they are attached; the driver's own call does better.
 *
 * Return: the domain; ERR_PTR(-EOPNOTSUPP) for flags the driver does not know,
 * or another ERR_PTR() of it.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline struct iommu_domain *
compat_paging_domain_alloc(struct device *dev, u32 flags, bool *attach_first)
{
	const struct iommu_ops *ops = compat_iommu_ops(dev);
	struct iommu_domain *domain;

	*attach_first = !ops->domain_alloc_user;
	if (!ops->domain_alloc_user && flags)
		return ERR_PTR(-EOPNOTSUPP);
	if (!ops->domain_alloc_user)
		return iommu_paging_domain_alloc(dev);
	domain = ops->domain_alloc_user(dev, flags, NULL, NULL);
	/* Most drivers leave this to the caller. */
	if (!IS_ERR(domain))
		domain->owner = ops;
	return domain;
}
#else
static inline struct iommu_domain *
compat_paging_domain_alloc(struct device *dev, u32 flags, bool *attach_first)
{
	*attach_first = false;
	return iommu_paging_domain_alloc_flags(dev, flags);
}
#endif

/**
 * compat_unmap_step - how much of a range to unmap with one iommu_unmap()
 * @iova: first byte
 * @length: bytes, within one range of PUD_SIZE
 *
 * iommu_unmap() goes from small IO pages to large ones at a boundary of
 * PMD_SIZE and back again, and a driver may flush its IOTLB at each change.
 * Before 6.19 Intel's frees page tables too early then: intel_iommu_unmap() puts
 * those of the next part on the list that the flush of the part before frees.
 * The same happens where two ranges do not touch.
 *
 * Return: bytes that it unmaps with IO pages of one size.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
static inline unsigned long compat_unmap_step(unsigned long iova,
					      unsigned long length)
{
	unsigned long head = -iova & ~PMD_MASK;

	if (length < head + PMD_SIZE)
		return length;
	return head ?: length & PMD_MASK;
}
#else
static inline unsigned long compat_unmap_step(unsigned long iova,
					      unsigned long length)
{
	return length;
}
#endif

/**
 * compat_hw_info - what the IOMMU driver tells about the IOMMU of a device
 * @dev: the device
 * @length: out: bytes
 * @type: in: which information, for drivers that know several, as those of 6.12
 *	do not; out: which it is
 *
 * Return: to be freed by the caller; NULL if the driver has nothing to tell;
 * an ERR_PTR() of it.
 */
static inline void *compat_hw_info(struct device *dev, u32 *length, u32 *type)
{
	const struct iommu_ops *ops = compat_iommu_ops(dev);

	*length = 0;
	/* What the type points to became an enum of that size. */
	if (ops->hw_info)
		return ops->hw_info(dev, length, (void *)type);
	*type = 0;
	return NULL;
}

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Domains of the mock IOMMU. The page table has one entry for each IO page, at
 * its first address: like hardware it cannot unmap part of one.
 */
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <uapi/linux/iommufd.h>

#include "../compat/mock.h"
#include "../compat/uapi.h"
#include "mock.h"

#define ORDER_BITS 6
#define ALLOC_FLAGS (IOMMU_HWPT_ALLOC_NEST_PARENT | \
		     IOMMU_HWPT_ALLOC_PASID | \
		     IOMMU_HWPT_ALLOC_DIRTY_TRACKING)

/**
 * struct mock_domain - a domain
 * @domain: what the core knows of it
 * @table: physical address and order of an IO page by its first address, both
 *	counted in mock pages
 * @flags: IOMMU_HWPT_ALLOC_* it was allocated with
 * @tracking: dirty pages are tracked
 */
struct mock_domain {
	struct iommu_domain domain;
	struct xarray table;
	u32 flags;
	bool tracking;
};

static struct mock_domain *to_mock_domain(struct iommu_domain *domain)
{
	return container_of(domain, struct mock_domain, domain);
}

static void *make_entry(phys_addr_t paddr, size_t size)
{
	return xa_mk_value(paddr / MOCK_PAGE_SIZE << ORDER_BITS |
			   ilog2(size / MOCK_PAGE_SIZE));
}

static phys_addr_t entry_paddr(void *entry)
{
	return (phys_addr_t)(xa_to_value(entry) >> ORDER_BITS) * MOCK_PAGE_SIZE;
}

static size_t entry_size(void *entry)
{
	return (size_t)MOCK_PAGE_SIZE
	       << (xa_to_value(entry) & GENMASK(ORDER_BITS - 1, 0));
}

/* The IO page that covers an address, if any, and where it begins. */
static void *find_entry(struct mock_domain *mock, unsigned long iova,
			unsigned long *start)
{
	unsigned int shift;
	void *entry;

	for_each_set_bit(shift, &mock->domain.pgsize_bitmap, BITS_PER_LONG) {
		*start = round_down(iova, BIT(shift));
		entry = xa_load(&mock->table, *start / MOCK_PAGE_SIZE);
		if (entry && iova - *start < entry_size(entry))
			return entry;
	}
	return NULL;
}

static int map_page(struct mock_domain *mock, unsigned long iova,
		    phys_addr_t paddr, size_t size, gfp_t gfp)
{
	unsigned long index = iova / MOCK_PAGE_SIZE, start;
	unsigned long last = (iova + size - 1) / MOCK_PAGE_SIZE;

	if (WARN_ON(find_entry(mock, iova, &start) ||
		    xa_find(&mock->table, &index, last, XA_PRESENT)))
		return -EADDRINUSE;
	if (mock_should_fail())
		return -ENOMEM;
	return xa_err(xa_store(&mock->table, iova / MOCK_PAGE_SIZE,
			       make_entry(paddr, size), gfp));
}

static int mock_map_pages(struct iommu_domain *domain, unsigned long iova,
			  phys_addr_t paddr, size_t pgsize, size_t pgcount,
			  int prot, gfp_t gfp, size_t *mapped)
{
	struct mock_domain *mock = to_mock_domain(domain);
	int rc;

	while (pgcount--) {
		rc = map_page(mock, iova, paddr, pgsize, gfp);
		if (rc)
			return rc;
		iova += pgsize;
		paddr += pgsize;
		*mapped += pgsize;
	}
	return 0;
}

/* What is not mapped, or part of an IO page, is an error of the caller. */
static size_t mock_unmap_pages(struct iommu_domain *domain, unsigned long iova,
			       size_t pgsize, size_t pgcount,
			       struct iommu_iotlb_gather *gather)
{
	struct mock_domain *mock = to_mock_domain(domain);
	size_t length = pgsize * pgcount, done = 0;
	unsigned long index;
	void *entry;

	while (done < length) {
		index = (iova + done) / MOCK_PAGE_SIZE;
		entry = xa_load(&mock->table, index);
		if (WARN_ON(!entry || entry_size(entry) > length - done))
			break;
		xa_erase(&mock->table, index);
		done += entry_size(entry);
	}
	return done;
}

static phys_addr_t mock_iova_to_phys(struct iommu_domain *domain,
				     dma_addr_t iova)
{
	unsigned long start;
	void *entry = find_entry(to_mock_domain(domain), iova, &start);

	return entry ? entry_paddr(entry) + iova - start : 0;
}

static void mock_domain_free(struct iommu_domain *domain)
{
	struct mock_domain *mock = to_mock_domain(domain);

	WARN_ON(!xa_empty(&mock->table));
	xa_destroy(&mock->table);
	kfree(mock);
}

static const struct iommu_domain_ops mock_domain_ops = {
	.attach_dev = compat_mock_domain_attach,
	.map_pages = mock_map_pages,
	.unmap_pages = mock_unmap_pages,
	.iova_to_phys = mock_iova_to_phys,
	.free = mock_domain_free,
};

static int mock_set_dirty_tracking(struct iommu_domain *domain, bool enabled)
{
	to_mock_domain(domain)->tracking = enabled;
	return 0;
}

static const struct iommu_dirty_ops mock_dirty_ops = {
	.set_dirty_tracking = mock_set_dirty_tracking,
};

/* Nothing but the kind of page table is asked of user space. */
static int page_table_type(const struct iommu_user_data *user_data, u32 *type)
{
	struct iommu_hwpt_selftest config = {};
	int rc = 0;

	if (user_data && user_data->type == IOMMU_HWPT_DATA_SELFTEST)
		rc = iommu_copy_struct_from_user(&config, user_data,
						 IOMMU_HWPT_DATA_SELFTEST,
						 iotlb);
	else if (user_data && user_data->type != IOMMU_HWPT_DATA_NONE)
		rc = -EOPNOTSUPP;
	if (!rc && config.pagetable_type > MOCK_IOMMUPT_HUGE)
		rc = -EOPNOTSUPP;
	*type = config.pagetable_type;
	return rc;
}

/**
 * mock_domain_alloc - a paging domain for user mappings
 * @dev: a mock device
 * @flags: IOMMU_HWPT_ALLOC_*
 * @user_data: a &struct iommu_hwpt_selftest of user space, or NULL
 *
 * Return: the domain; ERR_PTR(-EOPNOTSUPP) for unknown flags, data of another
 * type, an unknown kind of page table or dirty tracking on a device without,
 * ERR_PTR(-ENOMEM), or the errors of iommu_copy_struct_from_user().
 */
struct iommu_domain *mock_domain_alloc(struct device *dev, u32 flags,
				       const struct iommu_user_data *user_data)
{
	bool dirty = flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING;
	struct iommu_domain *domain;
	struct mock_domain *mock;
	u32 type;
	int rc;

	if (flags & ~ALLOC_FLAGS)
		return ERR_PTR(-EOPNOTSUPP);
	if (dirty && to_mock_device(dev)->flags & MOCK_FLAGS_DEVICE_NO_DIRTY)
		return ERR_PTR(-EOPNOTSUPP);
	rc = page_table_type(user_data, &type);
	if (rc)
		return ERR_PTR(rc);
	mock = mock_should_fail() ? NULL : kzalloc(sizeof(*mock), GFP_KERNEL);
	if (!mock)
		return ERR_PTR(-ENOMEM);

	xa_init(&mock->table);
	mock->flags = flags;
	domain = &mock->domain;
	domain->type = IOMMU_DOMAIN_UNMANAGED;
	domain->ops = &mock_domain_ops;
	domain->dirty_ops = dirty ? &mock_dirty_ops : NULL;
	domain->geometry.force_aperture = true;
	if (type == MOCK_IOMMUPT_HUGE) {
		domain->pgsize_bitmap = PAGE_SIZE | MOCK_HUGE_PAGE_SIZE;
		domain->geometry.aperture_end = ULONG_MAX;
	} else {
		domain->pgsize_bitmap = MOCK_PAGE_SIZE | PAGE_SIZE |
					MOCK_HUGE_PAGE_SIZE;
		domain->geometry.aperture_start = MOCK_APERTURE_START;
		domain->geometry.aperture_end = MOCK_APERTURE_LAST;
	}
	return domain;
}

/**
 * mock_domain_attach - let a device translate through a domain
 * @domain: the domain, which may be the one that blocks
 * @dev: a mock device
 *
 * Return: 0, or -EINVAL if the domain tracks dirty pages and the device cannot.
 */
int mock_domain_attach(struct iommu_domain *domain, struct device *dev)
{
	if (domain->dirty_ops &&
	    to_mock_device(dev)->flags & MOCK_FLAGS_DEVICE_NO_DIRTY)
		return -EINVAL;
	return 0;
}

/**
 * mock_domain_is - is this a paging domain of the mock IOMMU?
 * @domain: any domain
 *
 * Return: true if it is.
 */
bool mock_domain_is(struct iommu_domain *domain)
{
	return domain->ops == &mock_domain_ops;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A mock IOMMU with mock devices and accesses, and the ioctl that drives them:
 * what the kernel's own selftests of iommufd talk to. In test builds only.
 */
#ifndef IOMMUFD_MOCK_H
#define IOMMUFD_MOCK_H

#include <linux/types.h>

#ifdef IOMMUFD_TEST_BUILD

/* The test ABI is published in drivers/iommu/iommufd of the kernel's source. */
#include <iommufd_test.h>

#include <linux/platform_device.h>

struct io_pagetable;
struct iommu_domain;
struct iommu_user_data;
struct ucmd;

/**
 * struct mock_device - a device behind the mock IOMMU
 * @pdev: what the driver core knows of it
 * @flags: MOCK_FLAGS_DEVICE_*
 * @cache: what vIOMMU invalidations would clear
 */
struct mock_device {
	struct platform_device pdev;
	u32 flags;
	u32 cache[MOCK_DEV_CACHE_NUM];
};

static inline struct mock_device *to_mock_device(struct device *dev)
{
	return container_of(dev, struct mock_device, pdev.dev);
}

int mock_init(void);
void mock_exit(void);
int mock_ioctl(struct ucmd *ucmd);
bool mock_should_fail(void);
void mock_unreserve(struct io_pagetable *iopt);

int mock_iommu_init(void);
void mock_iommu_exit(void);
int mock_iommu_add(struct mock_device *mdev);
void mock_iommu_forget(struct mock_device *mdev);

struct iommu_domain *mock_domain_alloc(struct device *dev, u32 flags,
				       const struct iommu_user_data *user_data);
int mock_domain_attach(struct iommu_domain *domain, struct device *dev);
bool mock_domain_is(struct iommu_domain *domain);

int mock_device_create_ioctl(struct ucmd *ucmd);
int mock_device_replace_ioctl(struct ucmd *ucmd);
int mock_device_check_cache_ioctl(struct ucmd *ucmd);

int mock_access_create_ioctl(struct ucmd *ucmd);
int mock_access_replace_ioctl(struct ucmd *ucmd);
int mock_access_pin_ioctl(struct ucmd *ucmd);
int mock_access_unpin_ioctl(struct ucmd *ucmd);
int mock_access_rw_ioctl(struct ucmd *ucmd);

int mock_check_map_ioctl(struct ucmd *ucmd);
int mock_check_refs_ioctl(struct ucmd *ucmd);

#else

static inline int mock_init(void)
{
	return 0;
}

static inline void mock_exit(void)
{
}

static inline bool mock_should_fail(void)
{
	return false;
}

struct io_pagetable;
static inline void mock_unreserve(struct io_pagetable *iopt)
{
}

#endif

#endif

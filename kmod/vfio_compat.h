/* SPDX-License-Identifier: GPL-2.0-only */
/* The VFIO type1 ABI on /dev/iommu. */
#ifndef IOMMUFD_VFIO_COMPAT_H
#define IOMMUFD_VFIO_COMPAT_H

#include <linux/mutex.h>
#include <linux/types.h>

struct ioas;
struct iommufd_ctx;
struct ucmd;

/**
 * struct vfio_compat - what a context is to users of the type1 ABI
 * @lock: for what follows; held for no longer than making an IOAS takes
 * @ioas: what they map into; used, or NULL
 * @no_iommu: VFIO uses the context for devices without an IOMMU
 */
struct vfio_compat {
	struct mutex lock;	/* see above */
	struct ioas *ioas;
	bool no_iommu;
};

void vfio_compat_init(struct vfio_compat *compat);
void vfio_compat_destroy(struct vfio_compat *compat);

struct ioas *vfio_compat_pin(struct iommufd_ctx *ictx);

int vfio_ioas_ioctl(struct ucmd *ucmd);
int vfio_type1_ioctl(struct iommufd_ctx *ictx, unsigned int cmd,
		     unsigned long arg);

#endif

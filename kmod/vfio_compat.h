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
 * enum compat_use - what becomes of mappings in the IOAS of a container
 * @COMPAT_KEPT: they stay: user space has set the IOAS, or none is set
 * @COMPAT_FRESH: they stay: no group has come since VFIO's IOAS was emptied
 * @COMPAT_GROUPED: they go with the last user: VFIO created the IOAS for groups
 * @COMPAT_LEFT: they are going: the last user has left
 */
enum compat_use {
	COMPAT_KEPT,
	COMPAT_FRESH,
	COMPAT_GROUPED,
	COMPAT_LEFT,
};

/**
 * struct vfio_compat - what a context is to users of the type1 ABI
 * @lock: for what follows; held for no longer than making an IOAS takes
 * @empty_lock: held while @ioas is emptied or replaced, so for as long as requests
 *	on it take: always taken killable. Outside of @lock; what ends
 *	%COMPAT_LEFT is under both.
 * @ioas: what they map into; used, or NULL
 * @users: references to the context that drivers have
 * @use: what becomes of its mappings
 * @no_iommu: VFIO uses the context for devices without an IOMMU
 */
struct vfio_compat {
	struct mutex lock;		/* see above */
	struct mutex empty_lock;	/* see above */
	struct ioas *ioas;
	unsigned long users;
	enum compat_use use;
	bool no_iommu;
};

void vfio_compat_init(struct vfio_compat *compat);
void vfio_compat_destroy(struct vfio_compat *compat);

struct ioas *vfio_compat_pin(struct iommufd_ctx *ictx);

int vfio_compat_join(struct iommufd_ctx *ictx);
void vfio_compat_get(struct iommufd_ctx *ictx);
void vfio_compat_put(struct iommufd_ctx *ictx);

int vfio_ioas_ioctl(struct ucmd *ucmd);
int vfio_type1_ioctl(struct iommufd_ctx *ictx, unsigned int cmd,
		     unsigned long arg);
int vfio_type1_empty(struct iommufd_ctx *ictx, struct ioas *ioas);

#endif

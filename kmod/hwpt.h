/* SPDX-License-Identifier: GPL-2.0-only */
/* HWPT objects: a domain of the IOMMU, filled from an IOAS. */
#ifndef IOMMUFD_HWPT_H
#define IOMMUFD_HWPT_H

#include <linux/list.h>

#include "object.h"

struct ioas;
struct iommu_domain;
struct iommufd_ctx;
struct iommufd_device;
struct ucmd;

/**
 * struct hwpt - a domain as object
 * @obj: the object
 * @ioas: what it is made of; used
 * @domain: the domain; owned
 * @entry: in ioas->hwpts
 * @automatic: made to attach a device to the IOAS, for any other that suits,
 *	and gone with the last; else user space's, until IOMMU_DESTROY
 * @filled: the domain is in ioas->iopt; under ioas->attach_lock once published
 * @attach_first: the domain is final only once a device is attached
 * @coherent: devices cannot bypass cache coherency; under ioas->attach_lock
 * @msi_cookie: the domain has a window for MSI addresses; likewise
 */
struct hwpt {
	struct object obj;
	struct ioas *ioas;
	struct iommu_domain *domain;
	struct list_head entry;
	bool automatic;
	bool filled;
	bool attach_first;
	bool coherent;
	bool msi_cookie;
};

static inline struct hwpt *to_hwpt(struct object *obj)
{
	return container_of(obj, struct hwpt, obj);
}

struct hwpt *hwpt_create(struct iommufd_ctx *ictx, struct ioas *ioas,
			 const struct iommufd_device *idev, u32 flags);
int hwpt_fill(struct hwpt *hwpt);
void hwpt_empty(struct hwpt *hwpt);
void hwpt_publish(struct iommufd_ctx *ictx, struct hwpt *hwpt);
void hwpt_abort(struct iommufd_ctx *ictx, struct hwpt *hwpt);
bool hwpt_enforce_coherency(struct hwpt *hwpt);
struct hwpt *hwpt_next_automatic(struct ioas *ioas, struct hwpt *prev);
void hwpt_unuse(struct iommufd_ctx *ictx, struct hwpt *hwpt);

int hwpt_alloc_ioctl(struct ucmd *ucmd);

#endif

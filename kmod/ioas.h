/* SPDX-License-Identifier: GPL-2.0-only */
/* IOAS objects. */
#ifndef IOMMUFD_IOAS_H
#define IOMMUFD_IOAS_H

#include "io_pagetable.h"
#include "iommufd_policy.h"
#include "object.h"

struct iommu_ioas_map;
struct iommufd_ctx;
struct seq_file;
struct ucmd;

/**
 * struct ioas - an IO address space
 * @obj: the object
 * @ictx: the context
 * @iopt: what is mapped in it
 * @attach_lock: serialises devices that are attached
 * @hwpts_lock: for @hwpts
 * @hwpts: struct hwpt made of it
 */
struct ioas {
	struct object obj;
	struct iommufd_ctx *ictx;
	struct io_pagetable iopt;
	struct mutex attach_lock;	/* see above */
	spinlock_t hwpts_lock;		/* see above */
	struct list_head hwpts;
};

static inline struct ioas *to_ioas(struct object *obj)
{
	return container_of(obj, struct ioas, obj);
}

struct ioas *ioas_create(struct iommufd_ctx *ictx);
struct ioas *ioas_pin(struct iommufd_ctx *ictx, u32 id);
struct ioas *ioas_use(struct iommufd_ctx *ictx, u32 id);

int ioas_alloc_ioctl(struct ucmd *ucmd);
int ioas_iova_ranges_ioctl(struct ucmd *ucmd);
int ioas_allow_iovas_ioctl(struct ucmd *ucmd);
int ioas_map_ioctl(struct ucmd *ucmd);
int ioas_map_file_ioctl(struct ucmd *ucmd);
int ioas_copy_ioctl(struct ucmd *ucmd);
int ioas_unmap_ioctl(struct ucmd *ucmd);
int ioas_option_ioctl(struct ucmd *ucmd);
int ioas_check_map(const struct iommu_ioas_map *cmd);
int ioas_map_user(struct iommufd_ctx *ictx, struct ioas *ioas,
		  struct iommu_ioas_map *cmd, enum iommufd_policy_op op);
void ioas_show(struct object *obj, struct seq_file *seq);

#endif

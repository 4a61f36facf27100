/* SPDX-License-Identifier: GPL-2.0-only */
/* All contexts there are, for who looks at the whole. */
#ifndef IOMMUFD_CONTEXTS_H
#define IOMMUFD_CONTEXTS_H

#include <linux/mutex.h>
#include <linux/types.h>

struct account;
struct iommufd_ctx;

extern struct mutex contexts_lock;

int contexts_add(struct iommufd_ctx *ictx);
void contexts_remove(struct iommufd_ctx *ictx);

struct iommufd_ctx *contexts_find(u64 id);
u64 contexts_newest(void);
struct iommufd_ctx *contexts_next(u64 after, u64 last);

u64 contexts_pinned(bool (*match)(const struct iommufd_ctx *ictx,
				  const struct account *account, u64 key),
		    u64 key);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Allocators that fail on demand and know what has not been freed. */
#ifndef HOST_SLAB_H
#define HOST_SLAB_H

#include <linux/types.h>
#include <stddef.h>

#define GFP_KERNEL_ACCOUNT 0
#define __GFP_NOWARN 0

/* Every allocation of this number fails; 0: none does. */
extern unsigned int slab_fail_every;
/* Allocations that have failed. */
extern unsigned long slab_failed;
/* Allocations not freed yet. */
extern unsigned long slab_live;

/* Forget all that was, and let none fail. */
void slab_start(void);
/* Set slab_fail_every; the allocations in between count from now. */
void slab_fail(unsigned int every);

void *kmalloc(size_t size, int gfp);
void *kmalloc_array(size_t n, size_t size, int gfp);
void *kvcalloc(size_t n, size_t size, int gfp);
void kfree(const void *p);
void kvfree(const void *p);

#endif

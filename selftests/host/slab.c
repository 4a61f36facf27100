// SPDX-License-Identifier: GPL-2.0-only
#include <linux/slab.h>
#include <stdlib.h>
#include <string.h>

unsigned int slab_fail_every;
unsigned long slab_failed;
unsigned long slab_live;
static unsigned long slab_calls;

void slab_fail(unsigned int every)
{
	slab_fail_every = every;
	slab_calls = 0;
}

void slab_start(void)
{
	slab_fail(0);
	slab_failed = 0;
	slab_live = 0;
}

static void *allocate(size_t n, size_t size, int fill)
{
	void *p;

	if (slab_fail_every && ++slab_calls % slab_fail_every == 0) {
		slab_failed++;
		return NULL;
	}
	p = malloc(n * size);
	if (!p)
		abort();
	memset(p, fill, n * size);
	slab_live++;
	return p;
}

/* Poisoned: nobody may rely on what is in it. */
void *kmalloc(size_t size, int gfp)
{
	return allocate(1, size, 0xa5);
}

void *kmalloc_array(size_t n, size_t size, int gfp)
{
	return allocate(n, size, 0xa5);
}

void *kvcalloc(size_t n, size_t size, int gfp)
{
	return allocate(n, size, 0);
}

void kfree(const void *p)
{
	slab_live -= !!p;
	free((void *)p);
}

void kvfree(const void *p)
{
	kfree(p);
}

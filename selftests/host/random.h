/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a test gets its choices from: random.c, or fuzz.c, for which they are
 * what libFuzzer came up with.
 */
#ifndef HOST_RANDOM_H
#define HOST_RANDOM_H

#include <stdint.h>

/* Set up of a group of tests. */
int random_seed(void **state);

/* 0 to @n - 1 */
uint64_t random_below(uint64_t n);

/* Small values are as likely as large ones. 1 to about @n */
static inline uint64_t random_scale(uint64_t n)
{
	uint64_t limit = n >> random_below(64 - __builtin_clzll(n));

	return 1 + random_below(limit ? limit : 1);
}

#endif

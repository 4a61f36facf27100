// SPDX-License-Identifier: GPL-2.0-only
/* The same numbers in each run, unless SEED in the environment says otherwise. */
#include <stdio.h>
#include <stdlib.h>

#include "random.h"

static uint64_t random_state;

int random_seed(void **state)
{
	const char *text = getenv("SEED");

	random_state = text ? strtoull(text, NULL, 0) : 20261122;
	printf("# SEED=%llu\n", (unsigned long long)random_state);
	fflush(stdout);
	return 0;
}

/* splitmix64 */
static uint64_t random_u64(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint64_t random_below(uint64_t n)
{
	return random_u64() % n;
}

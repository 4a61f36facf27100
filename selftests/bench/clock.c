// SPDX-License-Identifier: GPL-2.0-only
/* Time, and what is to be read off several measurements */
#include <time.h>

#include "bench.h"

#define SAMPLES 256

static uint64_t overhead;

uint64_t clock_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

void clock_start(void)
{
	uint64_t samples[SAMPLES], start;
	int i;

	for (i = 0; i < SAMPLES; i++) {
		start = clock_now();
		samples[i] = clock_now() - start;
	}
	overhead = median(samples, SAMPLES);
}

uint64_t clock_since(uint64_t start)
{
	return clock_now() - start - overhead;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

uint64_t median(uint64_t *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

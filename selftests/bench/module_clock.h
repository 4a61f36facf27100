/* SPDX-License-Identifier: GPL-2.0-only */
/* How the modules here measure in the kernel */
#ifndef BENCH_MODULE_CLOCK_H
#define BENCH_MODULE_CLOCK_H

#include <linux/ktime.h>
#include <linux/minmax.h>

#define CLOCK_CALIBRATIONS 256

/* What it costs to look at it: the least, for an interrupt never makes it less */
static inline u64 clock_overhead(void)
{
	u64 start, least = U64_MAX;
	int i;

	for (i = 0; i < CLOCK_CALIBRATIONS; i++) {
		start = ktime_get_ns();
		least = min(least, ktime_get_ns() - start);
	}
	return least;
}

#endif

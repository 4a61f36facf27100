// SPDX-License-Identifier: GPL-2.0-only
/*
 * map_cost [-a] LENGTH...: what it costs to map LENGTH bytes where the kernel
 * chooses, and to unmap them; with -a into a device. One line each: bytes, and
 * nanoseconds, which are instructions where the clock counts these.
 */
#include <time.h>

#include "test.h"

#define SAMPLE 256

static int iommu;
static char *memory;

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The clock's own interrupts hit some: the middle one is none of those. */
static uint64_t median(uint64_t *values)
{
	qsort(values, SAMPLE, sizeof(*values), compare);
	return values[SAMPLE / 2];
}

static void measure(uint32_t ioas, uint64_t length)
{
	uint64_t map[SAMPLE], unmap[SAMPLE], iova, start;
	int i;

	for (i = 0; i < SAMPLE; i++) {
		start = now();
		assert_int_equal(ioas_map(iommu, ioas, memory, length, RW,
					  &iova), 0);
		map[i] = now() - start;
		start = now();
		assert_int_equal(ioas_unmap(iommu, ioas, iova, length, NULL),
				 0);
		unmap[i] = now() - start;
	}
	printf("%llu %llu %llu\n", (unsigned long long)length,
	       (unsigned long long)median(map),
	       (unsigned long long)median(unmap));
}

int main(int argc, char **argv)
{
	struct edu edu = { .vfio = -1 };
	uint64_t largest = 0;
	uint32_t ioas;
	int i, first = 1;

	iommu = context_open();
	ioas = ioas_new(iommu);
	if (argc > 1 && !strcmp(argv[1], "-a")) {
		edu_open(&edu, iommu);
		assert_int_equal(edu_attach(&edu, ioas), 0);
		first = 2;
	}
	for (i = first; i < argc; i++)
		if (strtoull(argv[i], NULL, 0) > largest)
			largest = strtoull(argv[i], NULL, 0);
	memory = memory_new(largest);
	madvise(memory, largest, MADV_HUGEPAGE);
	memset(memory, 1, largest);
	for (i = first; i < argc; i++)
		measure(ioas, strtoull(argv[i], NULL, 0));
	if (edu.vfio >= 0)
		edu_close(&edu);
	return 0;
}

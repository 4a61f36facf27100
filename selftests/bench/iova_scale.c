// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a map costs when much is mapped already, without a device: the price of
 * finding and taking IO addresses. One page of memory is mapped over and over.
 */
#include <time.h>

#include "test.h"

/* A multiple of what a slab holds, so that all sizes pay for the same */
#define SAMPLE 256
#define FIXED_BASE (1UL << 40)

/**
 * struct layout - how the areas lie that are there
 * @stride: from one to the next; all but one page is a hole
 * @pages: to map then; a hole does not take it
 */
struct layout {
	const char *name;
	uint64_t stride;
	unsigned int pages;
};

static const struct layout layouts[] = {
	{ "dense", PAGE, 1 },
	{ "holes", 2 * PAGE, 2 },
};

struct cost {
	double chosen, fixed, unmap;
};

static int iommu;
static char *memory;

static void check(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "iova_scale: cannot %s: %s\n", what, strerror(-err));
	exit(EXIT_FAILURE);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static uint32_t new_ioas(void)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

	check(ioctl(iommu, IOMMU_IOAS_ALLOC, &alloc) ? -errno : 0,
	      "allocate an IOAS");
	return alloc.out_ioas_id;
}

static struct cost measure(uint32_t ioas, uint64_t length)
{
	uint64_t iova[SAMPLE];
	struct cost cost;
	double start;
	int i;

	start = now();
	for (i = 0; i < SAMPLE; i++)
		check(ioas_map(iommu, ioas, memory, length, RW, &iova[i]),
		      "map");
	cost.chosen = (now() - start) / SAMPLE;

	start = now();
	for (i = 0; i < SAMPLE; i++)
		check(ioas_unmap(iommu, ioas, iova[i], length, NULL), "unmap");
	cost.unmap = (now() - start) / SAMPLE;

	start = now();
	for (i = 0; i < SAMPLE; i++)
		check(ioas_map_at(iommu, ioas, memory, length, RW,
				  FIXED_BASE + i * length), "map");
	cost.fixed = (now() - start) / SAMPLE;
	for (i = 0; i < SAMPLE; i++)
		check(ioas_unmap(iommu, ioas, FIXED_BASE + i * length, length,
				 NULL), "unmap");
	return cost;
}

static void report(const struct layout *layout, unsigned long areas)
{
	uint32_t ioas = new_ioas();
	struct cost cost;
	unsigned long i;

	for (i = 0; i < areas; i++)
		check(ioas_map_at(iommu, ioas, memory, PAGE, RW,
				  PAGE + i * layout->stride), "map");
	/* What comes first pays for warming up */
	measure(ioas, layout->pages * PAGE);
	cost = measure(ioas, layout->pages * PAGE);
	printf("%-6s %8lu areas: map where the kernel chooses %6.0f ns, fixed %6.0f ns, unmap %6.0f ns\n",
	       layout->name, areas, cost.chosen, cost.fixed, cost.unmap);
	printf("{\"benchmark\":\"iova_scale\",\"layout\":\"%s\",\"areas\":%lu,\"map_chosen_ns\":%.0f,\"map_fixed_ns\":%.0f,\"unmap_ns\":%.0f}\n",
	       layout->name, areas, cost.chosen, cost.fixed, cost.unmap);
	fflush(stdout);
	check(object_destroy(iommu, ioas), "destroy the IOAS");
}

int main(int argc, char **argv)
{
	size_t i;
	int k;

	if (argc < 2) {
		fprintf(stderr, "usage: iova_scale AREAS...\n");
		return 2;
	}
	iommu = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	check(iommu < 0 ? -errno : 0, "open /dev/iommu");
	memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(memory == MAP_FAILED ? -errno : 0, "get memory");
	for (i = 0; i < ARRAY_SIZE(layouts); i++)
		for (k = 1; k < argc; k++)
			report(&layouts[i], strtoul(argv[k], NULL, 0));
	return 0;
}

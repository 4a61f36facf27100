// SPDX-License-Identifier: GPL-2.0-only
/*
 * map_cost [-a] [-m MEMORY] [-n SAMPLES] LENGTH...: what it costs to map LENGTH
 * bytes where the kernel chooses, and to unmap them; with -a into a device. MEMORY
 * is 4K, thp, 2M or 1G: small pages, transparent huge pages (what it is if nothing
 * is said) or those of hugetlbfs; or it is same: one page of 2 MiB over and over, so
 * that it makes no difference how pages lie. One line each: bytes, and nanoseconds,
 * which are instructions where the clock counts these.
 */
#include <getopt.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <time.h>

#include "test.h"

static int iommu;
static char *memory;
static unsigned int samples = 256;

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
	qsort(values, samples, sizeof(*values), compare);
	return values[samples / 2];
}

static void measure(uint32_t ioas, uint64_t length)
{
	uint64_t map[samples], unmap[samples], iova, start;
	unsigned int i;

	for (i = 0; i < samples; i++) {
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

/* None of them is a neighbour of the one before. */
static void *same_page(size_t length)
{
	int fd = memfd_create("same", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB);
	char *start = memory_aligned(length, HUGE);
	size_t place;

	assert_return_code(fd, errno);
	assert_return_code(ftruncate(fd, HUGE), errno);
	for (place = 0; place < length; place += HUGE)
		assert_ptr_not_equal(mmap(start + place, HUGE,
					  PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_FIXED, fd, 0),
				     MAP_FAILED);
	close(fd);
	return start;
}

static void *memory_of(const char *kind, size_t length)
{
	int flags = 0, advice = MADV_NOHUGEPAGE;
	char *start;

	if (!strcmp(kind, "same"))
		return memset(same_page(length), 1, length);
	if (!strcmp(kind, "thp"))
		advice = MADV_HUGEPAGE;
	else if (!strcmp(kind, "2M"))
		flags = MAP_HUGETLB | MAP_HUGE_2MB;
	else if (!strcmp(kind, "1G"))
		flags = MAP_HUGETLB | MAP_HUGE_1GB;
	else
		assert_string_equal(kind, "4K");

	if (flags) {
		start = mmap(NULL, length, PROT_READ | PROT_WRITE, flags |
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert_ptr_not_equal(start, MAP_FAILED);
	} else {
		start = memory_new(length);
		assert_return_code(madvise(start, length, advice), errno);
	}
	return memset(start, 1, length);
}

int main(int argc, char **argv)
{
	struct edu edu = { .vfio = -1 };
	const char *kind = "thp";
	uint64_t largest = 0;
	bool attach = false;
	uint32_t ioas;
	int i, option;

	while ((option = getopt(argc, argv, "am:n:")) >= 0) {
		switch (option) {
		case 'a':
			attach = true;
			break;
		case 'm':
			kind = optarg;
			break;
		case 'n':
			samples = strtoul(optarg, NULL, 0);
			break;
		default:
			return 2;
		}
	}

	iommu = context_open();
	ioas = ioas_new(iommu);
	if (attach) {
		edu_open(&edu, iommu);
		assert_int_equal(edu_attach(&edu, ioas), 0);
	}
	for (i = optind; i < argc; i++)
		if (strtoull(argv[i], NULL, 0) > largest)
			largest = strtoull(argv[i], NULL, 0);
	memory = memory_of(kind, largest);
	for (i = optind; i < argc; i++)
		measure(ioas, strtoull(argv[i], NULL, 0));
	if (attach)
		edu_close(&edu);
	return 0;
}

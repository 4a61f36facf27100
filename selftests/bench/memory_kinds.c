// SPDX-License-Identifier: GPL-2.0-only
/* Memory in pages of all sizes, and the proof that it is */
#include <linux/memfd.h>
#include <linux/mman.h>

#include "bench.h"

/* Odd: it takes every page once, and neighbours a long time apart. */
#define SCATTER 0x9e3779b1UL
#define PFN_MASK ((1ULL << 55) - 1)

const char *const kind_names[] = {
	[KIND_4K] = "4k",
	[KIND_SCATTERED] = "scattered",
	[KIND_THP] = "thp",
	[KIND_HUGETLB] = "hugetlb",
	[KIND_1G] = "1g",
};

static const uint64_t kind_size[] = {
	[KIND_4K] = PAGE,
	[KIND_SCATTERED] = PAGE,
	[KIND_THP] = HUGE,
	[KIND_HUGETLB] = HUGE,
	[KIND_1G] = GIB,
};

static uint64_t pagemap_read(int pagemap, const char *memory, uint64_t page)
{
	uint64_t entry;
	off_t at = ((uintptr_t)memory / PAGE + page) * sizeof(entry);

	check(pread(pagemap, &entry, sizeof(entry), at) == sizeof(entry) ?
	      0 : -EIO, "read the pagemap");
	return entry & PFN_MASK;
}

/* Pages that are physical neighbours of the one before */
static uint64_t neighbours(const char *memory, uint64_t length)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t i, pfn, count = 0, before = 0;

	check(pagemap < 0 ? -errno : 0, "open the pagemap");
	for (i = 0; i < length / PAGE; i++) {
		pfn = pagemap_read(pagemap, memory, i);
		check(pfn ? 0 : -EPERM, "see where memory is");
		count += pfn == before + 1;
		before = pfn;
	}
	close(pagemap);
	return count;
}

/* What is measured otherwise would be something else. */
static void check_kind(enum kind kind, const char *memory, uint64_t length)
{
	uint64_t pages = length / PAGE, joined = neighbours(memory, length);
	bool good;

	if (kind == KIND_SCATTERED)
		good = joined <= pages / 64;
	else
		good = joined >= pages - length / kind_size[kind];
	if (good)
		return;
	fprintf(stderr, "bench: %llu of %llu pages lie beside the one before: not what %s is\n",
		(unsigned long long)joined, (unsigned long long)pages,
		kind_names[kind]);
	exit(EXIT_FAILURE);
}

static char *hugetlb_new(uint64_t length, int size)
{
	void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB | size,
			    -1, 0);

	check(memory == MAP_FAILED ? -errno : 0, "get memory of hugetlbfs");
	return memory;
}

static char *anonymous_new(uint64_t length, int advice)
{
	char *memory = memory_aligned(length, HUGE);

	check(madvise(memory, length, advice) ? -errno : 0,
	      "advise the size of pages");
	return memory;
}

void kind_touch(char *memory, uint64_t length, bool scattered)
{
	uint64_t i, pages = length / PAGE, step = scattered ? SCATTER : 1;

	for (i = 0; i < pages; i++)
		memory[i * step % pages * PAGE] = 1;
}

char *kind_new(enum kind kind, uint64_t length)
{
	char *memory;

	switch (kind) {
	case KIND_4K:
	case KIND_SCATTERED:
		memory = anonymous_new(length, MADV_NOHUGEPAGE);
		break;
	case KIND_THP:
		memory = anonymous_new(length, MADV_HUGEPAGE);
		break;
	case KIND_HUGETLB:
		memory = hugetlb_new(length, MAP_HUGE_2MB);
		break;
	default:
		memory = hugetlb_new(length, MAP_HUGE_1GB);
	}
	kind_touch(memory, length, kind == KIND_SCATTERED);
	/* How the kernel gives out small pages is not ours to say. */
	if (kind != KIND_4K)
		check_kind(kind, memory, length);
	return memory;
}

char *kind_alias(uint64_t length)
{
	int fd = memfd_create("bench", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB);
	char *all, *memory, *at;

	check(fd < 0 || ftruncate(fd, GIB) ? -errno : 0,
	      "get a file of hugetlbfs");
	all = mmap(NULL, length + HUGE, PROT_NONE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	check(all == MAP_FAILED ? -errno : 0, "get addresses");
	memory = all + (-(uintptr_t)all & (HUGE - 1));
	for (at = memory; at < memory + length; at += GIB)
		check(mmap(at, GIB, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd, 0) == at ?
		      0 : -errno, "map a file once more");
	close(fd);
	munmap(memory + length, all + HUGE - memory);
	return memory;
}

void kind_free(char *memory, uint64_t length)
{
	check(munmap(memory, length) ? -errno : 0, "free memory");
}

// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=120 */
/* IOAS_COPY: memory mapped again, wherever that is, is pinned and paid once */
#include <sys/wait.h>

#include "test.h"

/* Within reach of edu */
#define BASE (16 * MIB)
#define ELSEWHERE (64 * MIB)
#define SCRATCH (128 * MIB)
#define PAGES 64UL
#define LENGTH (PAGES * PAGE)

static int iommu;
/* Usually edu is attached to the one and nvme to the other, if at all */
static uint32_t src, dst;
static struct edu edu;
static int nvme;
static char *memory;

static int setup(void **state)
{
	iommu = context_open();
	src = ioas_new(iommu);
	dst = ioas_new(iommu);
	edu_open(&edu, iommu);
	nvme = nvme_bind(iommu);
	assert_return_code(nvme, -nvme);
	memory = memory_new(LENGTH);
	return 0;
}

static int setup_attached(void **state)
{
	setup(state);
	assert_int_equal(edu_attach(&edu, src), 0);
	assert_int_equal(nvme_attach(nvme, dst), 0);
	return 0;
}

static int teardown(void **state)
{
	munmap(memory, LENGTH);
	close(nvme);
	edu_close(&edu);
	return close(iommu);
}

static void map_pages(uint64_t first, uint64_t nr)
{
	assert_int_equal(ioas_map_at(iommu, src, memory + first * PAGE,
				     nr * PAGE, RW, BASE + first * PAGE), 0);
}

static struct copy_source pages(uint64_t first, uint64_t nr)
{
	return (struct copy_source){ src, BASE + first * PAGE, nr * PAGE };
}

/* To the same pages of the window at @iova */
static int copy_to(uint32_t ioas, uint64_t first, uint64_t nr, uint64_t iova)
{
	struct copy_source from = pages(first, nr);

	return ioas_copy_at(iommu, ioas, &from, RW, iova + first * PAGE);
}

static int copy_pages(uint64_t first, uint64_t nr)
{
	return copy_to(dst, first, nr, BASE);
}

static int unmap(uint32_t ioas, uint64_t first, uint64_t nr)
{
	return ioas_unmap(iommu, ioas, BASE + first * PAGE, nr * PAGE, NULL);
}

static void assert_mapped(uint32_t ioas, unsigned long areas,
			  unsigned long nr_pages)
{
	unsigned long areas_now, bytes_now;

	fdinfo_ioas(iommu, ioas, &areas_now, &bytes_now);
	assert_int_equal(areas_now, areas);
	assert_int_equal(bytes_now, nr_pages * PAGE);
}

/* By the books and in fact; the test maps nothing else */
static void assert_pinned(long nr)
{
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), nr);
	assert_int_equal(status_kib("VmPin:"), nr * PAGE / KIB);
	assert_int_equal(pinned_pages(nr), nr);
}

static void all_of_an_area(void **state)
{
	map_pages(0, 16);
	assert_int_equal(copy_pages(0, 16), 0);
	assert_mapped(src, 1, 16);
	assert_mapped(dst, 1, 16);
}

static void any_part_of_an_area(void **state)
{
	map_pages(0, 16);
	assert_int_equal(copy_pages(0, 1), 0);
	assert_int_equal(copy_pages(15, 1), 0);
	assert_int_equal(copy_pages(3, 5), 0);
	assert_mapped(dst, 3, 7);
	/* Each is an area of its own */
	assert_int_equal(unmap(dst, 3, 5), 0);
	assert_mapped(dst, 2, 2);
}

static void over_several_areas(void **state)
{
	unsigned long i;

	for (i = 0; i < 8; i++)
		map_pages(4 * i, 4);
	assert_int_equal(copy_pages(2, 26), 0);
	assert_mapped(dst, 7, 26);
	/* Cut where the sources are */
	assert_int_equal(unmap(dst, 2, 3), -ENOENT);
	assert_int_equal(unmap(dst, 2, 2), 0);
	assert_int_equal(unmap(dst, 8, 20), 0);
	assert_mapped(dst, 1, 4);
}

static void over_very_many_areas(void **state)
{
	const unsigned long nr = 3000;
	struct copy_source from = { src, BASE, nr * PAGE };
	unsigned long i;

	for (i = 0; i < nr; i++)
		assert_int_equal(ioas_map_at(iommu, src, memory, PAGE, RW,
					     BASE + i * PAGE), 0);
	assert_int_equal(ioas_copy_at(iommu, dst, &from, RW, BASE), 0);
	assert_mapped(dst, nr, nr);
}

static void over_a_hole(void **state)
{
	map_pages(0, 8);
	map_pages(9, 7);
	assert_int_equal(copy_pages(0, 16), -ENOENT);
	assert_int_equal(copy_pages(7, 2), -ENOENT);
	assert_int_equal(copy_pages(8, 1), -ENOENT);
	assert_int_equal(copy_pages(8, 8), -ENOENT);
	assert_int_equal(copy_pages(15, 2), -ENOENT);
	assert_int_equal(copy_pages(32, 1), -ENOENT);
	assert_mapped(dst, 0, 0);
	map_pages(8, 1);
	assert_int_equal(copy_pages(0, 16), 0);
	assert_mapped(dst, 3, 16);
}

static void into_the_same_ioas(void **state)
{
	map_pages(0, 16);
	assert_int_equal(copy_to(src, 4, 8, ELSEWHERE), 0);
	assert_mapped(src, 2, 24);
	/* Onto itself, in whole and in part */
	assert_int_equal(copy_to(src, 0, 16, BASE), -EEXIST);
	assert_int_equal(copy_to(src, 0, 8, BASE + 8 * PAGE), -EEXIST);
	assert_mapped(src, 2, 24);
}

static void kernel_chooses_the_address(void **state)
{
	const struct iommu_iova_range window = {
		.start = ELSEWHERE, .last = ELSEWHERE + 4 * PAGE - 1
	};
	struct copy_source from = pages(2, 4);
	uint64_t one, two;

	map_pages(0, 16);
	assert_int_equal(ioas_copy(iommu, dst, &from, RW, &one), 0);
	assert_int_equal(ioas_copy(iommu, dst, &from, RW, &two), 0);
	assert_mapped(dst, 2, 8);
	assert_true(one && two);
	assert_true(labs((long)(one - two)) >= (long)(4 * PAGE));
	assert_int_equal(ioas_unmap_all(iommu, dst), 0);

	assert_int_equal(ioas_allow(iommu, dst, &window, 1), 0);
	assert_int_equal(ioas_copy(iommu, dst, &from, RW, &one), 0);
	assert_int_equal(one, ELSEWHERE);
	assert_int_equal(ioas_copy(iommu, dst, &from, RW, &two), -ENOSPC);
	assert_mapped(dst, 1, 4);
	assert_int_equal(unmap(dst, (ELSEWHERE - BASE) / PAGE, 4), 0);
	assert_int_equal(ioas_copy(iommu, dst, &from, RW, &two), 0);
	assert_int_equal(two, ELSEWHERE);
}

static void bytes_need_no_alignment_without_a_device(void **state)
{
	struct copy_source from = { src, BASE + 5, 7 };
	uint64_t iova;

	map_pages(0, 2);
	assert_int_equal(ioas_copy_at(iommu, dst, &from, RW, BASE + 1), 0);
	assert_int_equal(ioas_copy(iommu, dst, &from, RW, &iova), 0);
	/* As user space has it in its page */
	assert_int_equal(iova % PAGE, 5);
	assert_int_equal(nvme_attach(nvme, dst), -EADDRINUSE);
	assert_int_equal(ioas_unmap_all(iommu, dst), 0);
}

static void device_wants_page_alignment(void **state)
{
	struct copy_source from = { src, BASE + 5, PAGE };
	uint64_t iova;

	map_pages(0, 2);
	assert_int_equal(ioas_copy_at(iommu, dst, &from, RW, BASE + 5),
			 -EINVAL);
	assert_int_equal(ioas_copy(iommu, dst, &from, RW, &iova), -EINVAL);
	from.iova = BASE;
	assert_int_equal(ioas_copy_at(iommu, dst, &from, RW, BASE + 1),
			 -EINVAL);
	from.length = PAGE / 2;
	assert_int_equal(ioas_copy_at(iommu, dst, &from, RW, BASE), -EINVAL);
	assert_mapped(dst, 0, 0);
	assert_pinned(2);
}

static void requests_that_make_no_sense(void **state)
{
	struct copy_source from = pages(0, 1), empty = pages(0, 0);
	uint64_t iova = BASE;

	map_pages(0, 1);
	assert_int_equal(ioas_copy_at(iommu, dst, &from, RW | 1 << 7, BASE),
			 -EOPNOTSUPP);
	assert_int_equal(ioas_copy_at(iommu, dst, &from, 0, BASE), -EINVAL);
	assert_int_equal(ioas_copy(iommu, dst, &from, 0, &iova), -EINVAL);
	assert_int_equal(ioas_copy_at(iommu, dst, &empty, RW, BASE), -EINVAL);
	assert_mapped(dst, 0, 0);
}

static void ranges_that_leave_an_address_space(void **state)
{
	struct copy_source from = pages(0, 2);

	map_pages(0, 2);
	assert_int_equal(ioas_copy_at(iommu, dst, &from, RW, -PAGE),
			 -EOVERFLOW);
	assert_int_equal(ioas_copy_at(iommu, dst, &from, RW, UINT64_MAX),
			 -EOVERFLOW);
	from.iova = -PAGE;
	assert_int_equal(ioas_copy_at(iommu, dst, &from, RW, BASE),
			 -EOVERFLOW);
	from.iova = UINT64_MAX;
	assert_int_equal(ioas_copy_at(iommu, dst, &from, RW, BASE),
			 -EOVERFLOW);
	from = pages(0, 2);
	from.length = UINT64_MAX;
	assert_int_equal(ioas_copy_at(iommu, dst, &from, RW, 0), -EOVERFLOW);
	assert_mapped(dst, 0, 0);
}

static void the_last_addresses(void **state)
{
	struct copy_source from = { src, -PAGE, PAGE };

	assert_int_equal(ioas_map_at(iommu, src, memory, PAGE, RW, -PAGE), 0);
	assert_int_equal(ioas_copy_at(iommu, dst, &from, RW, -PAGE), 0);
	assert_mapped(dst, 1, 1);
	assert_int_equal(ioas_copy_at(iommu, dst, &from, RW, -PAGE), -EEXIST);
}

static void objects_that_are_no_ioas(void **state)
{
	struct copy_source from = pages(0, 1);

	map_pages(0, 1);
	assert_int_equal(ioas_copy_at(iommu, edu.id, &from, RW, BASE), -ENOENT);
	assert_int_equal(ioas_copy_at(iommu, 0, &from, RW, BASE), -ENOENT);
	from.ioas = edu.id;
	assert_int_equal(ioas_copy_at(iommu, dst, &from, RW, BASE), -ENOENT);
	from.ioas = UINT32_MAX;
	assert_int_equal(ioas_copy_at(iommu, dst, &from, RW, BASE), -ENOENT);
	assert_mapped(dst, 0, 0);
	/* Neither is kept by a request that failed */
	assert_int_equal(object_destroy(iommu, dst), 0);
	assert_int_equal(object_destroy(iommu, src), 0);
}

static void what_is_there_is_not_copied_over(void **state)
{
	map_pages(0, 16);
	assert_int_equal(ioas_map_at(iommu, dst, memory, PAGE, RW,
				     BASE + 8 * PAGE), 0);
	assert_int_equal(copy_pages(0, 16), -EEXIST);
	assert_int_equal(copy_pages(8, 1), -EEXIST);
	assert_int_equal(copy_pages(0, 9), -EEXIST);
	assert_mapped(dst, 1, 1);
	assert_int_equal(copy_pages(0, 8), 0);
	assert_int_equal(copy_pages(9, 7), 0);
	assert_mapped(dst, 3, 16);
}

static void reserved_addresses_are_refused(void **state)
{
	struct copy_source from = pages(0, 2);

	map_pages(0, 2);
	assert_int_equal(ioas_copy_at(iommu, dst, &from, RW, 0xfee00000),
			 -EINVAL);
	assert_int_equal(ioas_copy_at(iommu, dst, &from, RW, 0xfedff000),
			 -EINVAL);
	assert_mapped(dst, 0, 0);
	assert_pinned(2);
}

static void no_more_may_be_written_than_was_mapped_so(void **state)
{
	struct copy_source from = pages(0, 4);

	assert_int_equal(ioas_map_at(iommu, src, memory, 2 * PAGE, RW, BASE),
			 0);
	assert_int_equal(ioas_map_at(iommu, src, memory, 2 * PAGE, READ,
				     BASE + 2 * PAGE), 0);
	assert_int_equal(ioas_copy_at(iommu, dst, &from, RW, BASE), -EPERM);
	assert_int_equal(ioas_copy_at(iommu, dst, &from, WRITE, BASE), -EPERM);
	assert_mapped(dst, 0, 0);
	assert_int_equal(ioas_copy_at(iommu, dst, &from, READ, BASE), 0);
	/* A copy to read from is of memory that may be written */
	from = (struct copy_source){ dst, BASE, 2 * PAGE };
	assert_int_equal(ioas_copy_at(iommu, dst, &from, RW, ELSEWHERE), 0);
	from.iova += 2 * PAGE;
	assert_int_equal(ioas_copy_at(iommu, dst, &from, RW, SCRATCH), -EPERM);
}

static void answer_that_cannot_be_written_unmaps(void **state)
{
	struct iommu_ioas_copy *command = memory_new(PAGE);

	map_pages(0, 4);
	*command = (struct iommu_ioas_copy){
		.size = sizeof(*command),
		.flags = RW,
		.dst_ioas_id = dst,
		.src_ioas_id = src,
		.length = 4 * PAGE,
		.src_iova = BASE,
	};
	assert_int_equal(mprotect(command, PAGE, PROT_READ), 0);
	assert_int_equal(ioctl(iommu, IOMMU_IOAS_COPY, command), -1);
	assert_int_equal(errno, EFAULT);
	assert_mapped(dst, 0, 0);
	assert_mapped(src, 1, 4);
	munmap(command, PAGE);
}

static void any_number_of_copies_is_pinned_once(void **state)
{
	unsigned long i;

	map_pages(0, 16);
	assert_pinned(16);
	for (i = 0; i < 10; i++) {
		assert_int_equal(copy_to(src, 0, 16, ELSEWHERE + i * MIB), 0);
		assert_int_equal(copy_to(dst, 0, 16, ELSEWHERE + i * MIB), 0);
		assert_int_equal(copy_to(dst, 3, 5, SCRATCH + i * MIB), 0);
	}
	assert_pinned(16);
	assert_int_equal(ioas_unmap_all(iommu, src), 0);
	assert_pinned(16);
	/* What is left are the parts */
	assert_int_equal(ioas_unmap(iommu, dst, ELSEWHERE, 10 * MIB, NULL), 0);
	assert_pinned(5);
	assert_int_equal(ioas_unmap_all(iommu, dst), 0);
	assert_pinned(0);
}

static void pinned_by_whoever_has_a_device(void **state)
{
	map_pages(0, 16);
	assert_int_equal(copy_pages(4, 8), 0);
	assert_pinned(0);
	assert_int_equal(nvme_attach(nvme, dst), 0);
	assert_pinned(8);
	assert_int_equal(edu_attach(&edu, src), 0);
	assert_pinned(16);
	/* Moved into one domain, out of the other */
	assert_int_equal(nvme_attach(nvme, src), 0);
	assert_pinned(16);
	assert_int_equal(nvme_attach(nvme, dst), 0);
	assert_int_equal(edu_detach(&edu), 0);
	assert_pinned(8);
	assert_int_equal(unmap(dst, 4, 8), 0);
	assert_pinned(0);
	assert_mapped(src, 1, 16);
}

static void each_page_stays_pinned_while_something_has_it(void **state)
{
	map_pages(0, 32);
	assert_int_equal(copy_pages(0, 8), 0);
	assert_int_equal(copy_pages(20, 4), 0);
	assert_int_equal(copy_to(dst, 6, 6, ELSEWHERE), 0);
	assert_pinned(32);
	assert_int_equal(unmap(src, 0, 32), 0);
	assert_pinned(12 + 4);
	assert_int_equal(unmap(dst, 0, 8), 0);
	assert_pinned(6 + 4);
	assert_int_equal(unmap(dst, 20, 4), 0);
	assert_pinned(6);
	assert_int_equal(ioas_unmap_all(iommu, dst), 0);
	assert_pinned(0);
}

static void a_copy_of_a_copy(void **state)
{
	struct copy_source first = { dst, BASE + 2 * PAGE, 8 * PAGE };
	struct copy_source second = { dst, ELSEWHERE + PAGE, 4 * PAGE };

	map_pages(0, 16);
	assert_int_equal(copy_pages(0, 16), 0);
	assert_int_equal(ioas_copy_at(iommu, dst, &first, RW, ELSEWHERE), 0);
	assert_int_equal(ioas_copy_at(iommu, dst, &second, RW, SCRATCH), 0);
	assert_int_equal(object_destroy(iommu, src), -EBUSY);
	assert_int_equal(edu_detach(&edu), 0);
	assert_int_equal(object_destroy(iommu, src), 0);
	assert_pinned(16);
	assert_int_equal(unmap(dst, 0, 16), 0);
	assert_pinned(8);
	assert_int_equal(ioas_unmap(iommu, dst, ELSEWHERE, 8 * PAGE, NULL), 0);
	assert_pinned(4);
	assert_int_equal(ioas_unmap_all(iommu, dst), 0);
	assert_pinned(0);
}

static void a_failed_copy_leaves_what_was_pinned(void **state)
{
	const unsigned long gap = 8;

	/* Not in use by any device yet, so that the copy has to pin it */
	assert_int_equal(edu_detach(&edu), 0);
	map_pages(0, 16);
	assert_int_equal(copy_pages(0, 4), 0);
	assert_pinned(4);
	assert_int_equal(munmap(memory + gap * PAGE, PAGE), 0);
	assert_int_equal(copy_to(dst, 0, 16, ELSEWHERE), -EFAULT);
	assert_mapped(dst, 1, 4);
	assert_pinned(4);
	/* What has been pinned has to be there no more */
	assert_int_equal(munmap(memory, gap * PAGE), 0);
	assert_int_equal(copy_to(dst, 0, 4, ELSEWHERE), 0);
	assert_int_equal(copy_to(dst, 0, 5, SCRATCH), -EFAULT);
	assert_pinned(4);
}

/* Random bytes, which are not those of any other memory */
static void load_device(void)
{
	memory_random(memory, PAGE);
	edu_read(&edu, BASE);
}

static void assert_device_writes(uint64_t iova, const char *where)
{
	load_device();
	assert_memory_not_equal(where, memory, EDU_LENGTH);
	edu_write(&edu, iova);
	assert_memory_equal(where, memory, EDU_LENGTH);
}

static void assert_device_cannot_write(uint64_t iova, const char *where)
{
	load_device();
	edu_write(&edu, iova);
	assert_memory_not_equal(where, memory, EDU_LENGTH);
}

/* The device sees copies only: page 0 to read from, the others to write */
static void setup_dma(void)
{
	map_pages(0, PAGES);
	assert_int_equal(edu_attach(&edu, dst), 0);
	assert_int_equal(copy_pages(0, 1), 0);
}

static void device_reaches_the_same_memory(void **state)
{
	setup_dma();
	assert_int_equal(copy_pages(1, 31), 0);
	assert_int_equal(copy_to(dst, 40, 8, ELSEWHERE), 0);
	assert_device_writes(BASE + PAGE, memory + PAGE);
	assert_device_writes(BASE + 31 * PAGE, memory + 31 * PAGE);
	assert_device_writes(ELSEWHERE + 40 * PAGE, memory + 40 * PAGE);
	assert_device_writes(ELSEWHERE + 46 * PAGE + PAGE / 2,
			     memory + 46 * PAGE + PAGE / 2);
	assert_device_cannot_write(BASE + 32 * PAGE, memory + 32 * PAGE);
	assert_device_cannot_write(ELSEWHERE + 39 * PAGE, memory + 39 * PAGE);
}

static void device_reaches_a_copy_without_its_source(void **state)
{
	setup_dma();
	assert_int_equal(copy_pages(4, 4), 0);
	assert_int_equal(ioas_unmap_all(iommu, src), 0);
	assert_device_writes(BASE + 7 * PAGE, memory + 7 * PAGE);
	assert_int_equal(object_destroy(iommu, src), 0);
	assert_device_writes(BASE + 4 * PAGE, memory + 4 * PAGE);
	assert_pinned(5);
	assert_int_equal(unmap(dst, 4, 4), 0);
	assert_device_cannot_write(BASE + 4 * PAGE, memory + 4 * PAGE);
	assert_pinned(1);
}

static void device_reaches_a_source_without_its_copy(void **state)
{
	setup_dma();
	assert_int_equal(edu_attach(&edu, src), 0);
	assert_int_equal(copy_pages(4, 4), 0);
	assert_int_equal(object_destroy(iommu, dst), 0);
	assert_device_writes(BASE + 7 * PAGE, memory + 7 * PAGE);
	assert_pinned(PAGES);
}

static void device_moves_between_source_and_copy(void **state)
{
	int i;

	setup_dma();
	assert_int_equal(copy_pages(1, 8), 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(edu_attach(&edu, src), 0);
		assert_device_writes(BASE + 8 * PAGE, memory + 8 * PAGE);
		assert_pinned(PAGES);
		assert_int_equal(edu_attach(&edu, dst), 0);
		assert_device_writes(BASE + 8 * PAGE, memory + 8 * PAGE);
		assert_device_cannot_write(BASE + 9 * PAGE, memory + 9 * PAGE);
		assert_pinned(9);
	}
}

static void a_copy_to_read_from_cannot_be_written(void **state)
{
	struct copy_source from = pages(1, 1);

	setup_dma();
	assert_int_equal(ioas_copy_at(iommu, dst, &from, READ, ELSEWHERE), 0);
	assert_device_cannot_write(ELSEWHERE, memory + PAGE);
	assert_int_equal(copy_pages(1, 1), 0);
	memory_random(memory + PAGE, PAGE);
	edu_read(&edu, ELSEWHERE);
	edu_write(&edu, BASE);
	assert_memory_equal(memory, memory + PAGE, EDU_LENGTH);
}

static void part_of_a_huge_page(void **state)
{
	const uint64_t skip = 100 * PAGE, length = HUGE + 50 * PAGE;
	struct copy_source from = { src, ELSEWHERE + skip, length };
	char *huge = memory_aligned(2 * HUGE, HUGE);

	assert_int_equal(madvise(huge, 2 * HUGE, MADV_HUGEPAGE), 0);
	setup_dma();
	assert_int_equal(ioas_map_at(iommu, src, huge, 2 * HUGE, RW,
				     ELSEWHERE), 0);
	assert_int_equal(ioas_copy_at(iommu, dst, &from, RW, SCRATCH), 0);
	assert_pinned(1 + length / PAGE);
	assert_device_writes(SCRATCH, huge + skip);
	assert_device_writes(SCRATCH + HUGE, huge + skip + HUGE);
	assert_device_writes(SCRATCH + length - PAGE,
			     huge + skip + length - PAGE);
	assert_device_cannot_write(SCRATCH + length, huge + skip + length);
	assert_int_equal(nvme_attach(nvme, src), 0);
	assert_pinned(PAGES + 2 * HUGE / PAGE);
	assert_int_equal(ioas_unmap(iommu, dst, SCRATCH, length, NULL), 0);
	assert_device_cannot_write(SCRATCH, huge + skip);
	assert_pinned(PAGES + 2 * HUGE / PAGE);
	munmap(huge, 2 * HUGE);
}

/* What a user may lock in these tests */
#define LIMIT 16UL

static int copy_up_to_the_limit(void *arg)
{
	struct copy_source from = { src, BASE, LIMIT * PAGE };
	long locked = *(bool *)arg ? LIMIT * PAGE / KIB : 0;
	uint64_t iova;
	int i;

	CHECK(!become_tenant(LIMIT));
	CHECK(!ioas_map_at(iommu, src, memory, LIMIT * PAGE, RW, BASE));
	for (i = 0; i < 10; i++) {
		CHECK(!ioas_copy(iommu, dst, &from, RW, &iova));
		CHECK(!ioas_copy(iommu, src, &from, RW, &iova));
	}
	CHECK(fdinfo_value(iommu, "iommufd-charged:") == LIMIT);
	CHECK(status_kib("VmPin:") == (long)(LIMIT * PAGE / KIB));
	CHECK(status_kib("VmLck:") == locked);
	CHECK(ioas_map(iommu, src, memory, PAGE, RW, &iova) == -ENOMEM);
	CHECK(!ioas_unmap_all(iommu, src));
	CHECK(fdinfo_value(iommu, "iommufd-charged:") == LIMIT);
	CHECK(ioas_map(iommu, src, memory, PAGE, RW, &iova) == -ENOMEM);
	CHECK(!ioas_unmap_all(iommu, dst));
	CHECK(fdinfo_value(iommu, "iommufd-charged:") == 0);
	CHECK(status_kib("VmPin:") == 0);
	CHECK(status_kib("VmLck:") == 0);
	return 0;
}

static void a_user_pays_once(void **state)
{
	bool locked = false;

	assert_int_equal(in_child(copy_up_to_the_limit, &locked), 0);
	assert_pinned(0);
}

static void a_process_pays_once(void **state)
{
	bool locked = true;

	assert_int_equal(option_set(iommu, IOMMU_OPTION_RLIMIT_MODE, 0, 1),
			 -EBUSY);
	teardown(state);
	iommu = context_open();
	assert_int_equal(option_set(iommu, IOMMU_OPTION_RLIMIT_MODE, 0, 1), 0);
	src = ioas_new(iommu);
	dst = ioas_new(iommu);
	edu_open(&edu, iommu);
	nvme = nvme_bind(iommu);
	memory = memory_new(LENGTH);
	assert_int_equal(edu_attach(&edu, src), 0);
	assert_int_equal(nvme_attach(nvme, dst), 0);
	assert_int_equal(in_child(copy_up_to_the_limit, &locked), 0);
	assert_pinned(0);
}

static int copy_beyond_the_limit(void *arg)
{
	CHECK(!become_tenant(LIMIT));
	CHECK(!ioas_map_at(iommu, src, memory, 2 * LIMIT * PAGE, RW, BASE));
	CHECK(copy_pages(0, LIMIT + 1) == -ENOMEM);
	CHECK(fdinfo_value(iommu, "iommufd-charged:") == 0);
	CHECK(!copy_pages(0, LIMIT));
	/* One that is paid already, and one that is not */
	CHECK(!copy_to(dst, LIMIT - 1, 1, ELSEWHERE));
	CHECK(copy_to(dst, LIMIT - 1, 2, SCRATCH) == -ENOMEM);
	CHECK(ioas_areas(iommu, dst) == 2);
	CHECK(fdinfo_value(iommu, "iommufd-charged:") == LIMIT);
	CHECK(!ioas_unmap_all(iommu, dst));
	CHECK(fdinfo_value(iommu, "iommufd-charged:") == 0);
	CHECK(!ioas_unmap_all(iommu, src));
	return 0;
}

static void only_what_is_copied_is_paid(void **state)
{
	assert_int_equal(nvme_attach(nvme, dst), 0);
	assert_int_equal(in_child(copy_beyond_the_limit, NULL), 0);
	assert_pinned(0);
}

static int map_and_go(void *arg)
{
	return ioas_map_at(iommu, src, memory, 16 * PAGE, RW, BASE) ? 1 : 0;
}

static void copies_of_memory_whose_process_is_gone(void **state)
{
	assert_int_equal(in_child(map_and_go, NULL), 0);
	assert_int_equal(pinned_pages(16), 16);
	assert_int_equal(copy_pages(4, 8), 0);
	assert_int_equal(ioas_unmap_all(iommu, src), 0);
	assert_int_equal(pinned_pages(8), 8);
	/* Nobody but who has it pinned has it any more */
	assert_int_equal(nvme_attach(nvme, src), 0);
	assert_int_equal(pinned_pages(0), 0);
}

static void memory_that_went_with_its_process(void **state)
{
	assert_int_equal(in_child(map_and_go, NULL), 0);
	assert_int_equal(copy_pages(4, 8), 0);
	assert_int_equal(nvme_attach(nvme, dst), -EFAULT);
	assert_int_equal(ioas_unmap_all(iommu, dst), 0);
	assert_int_equal(nvme_attach(nvme, dst), 0);
	assert_int_equal(copy_pages(4, 8), -EFAULT);
	assert_mapped(dst, 0, 0);
	assert_mapped(src, 1, 16);
	assert_pinned(0);
}

#define TEST(_test) cmocka_unit_test_setup_teardown(_test, setup, teardown)
#define TEST_ATTACHED(_test)						\
	{ #_test ", devices attached", _test, setup_attached, teardown, NULL }
#define TEST_BOTH(_test) TEST(_test), TEST_ATTACHED(_test)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST_BOTH(all_of_an_area),
		TEST_BOTH(any_part_of_an_area),
		TEST_BOTH(over_several_areas),
		TEST_BOTH(over_very_many_areas),
		TEST_BOTH(over_a_hole),
		TEST_BOTH(into_the_same_ioas),
		TEST_BOTH(kernel_chooses_the_address),
		TEST(bytes_need_no_alignment_without_a_device),
		TEST_ATTACHED(device_wants_page_alignment),
		TEST_BOTH(requests_that_make_no_sense),
		TEST_BOTH(ranges_that_leave_an_address_space),
		TEST(the_last_addresses),
		TEST(objects_that_are_no_ioas),
		TEST_BOTH(what_is_there_is_not_copied_over),
		TEST_ATTACHED(reserved_addresses_are_refused),
		TEST_BOTH(no_more_may_be_written_than_was_mapped_so),
		TEST_BOTH(answer_that_cannot_be_written_unmaps),
		TEST_ATTACHED(any_number_of_copies_is_pinned_once),
		TEST(pinned_by_whoever_has_a_device),
		TEST_ATTACHED(each_page_stays_pinned_while_something_has_it),
		TEST_ATTACHED(a_copy_of_a_copy),
		TEST_ATTACHED(a_failed_copy_leaves_what_was_pinned),
		TEST(device_reaches_the_same_memory),
		TEST(device_reaches_a_copy_without_its_source),
		TEST(device_reaches_a_source_without_its_copy),
		TEST(device_moves_between_source_and_copy),
		TEST(a_copy_to_read_from_cannot_be_written),
		TEST(part_of_a_huge_page),
		TEST_ATTACHED(a_user_pays_once),
		TEST_ATTACHED(a_process_pays_once),
		TEST(only_what_is_copied_is_paid),
		TEST_ATTACHED(copies_of_memory_whose_process_is_gone),
		TEST(memory_that_went_with_its_process),
	};

	return run_tap(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The type1 ABI on wrong requests for ranges: /dev/iommu, with a device and
 * without, answers as the kernel's own vfio_iommu_type1 does.
 */
#include <sys/utsname.h>

#include "lib/type1.h"

#define BASE (16 * MIB)
#define ALL VFIO_DMA_UNMAP_FLAG_ALL

static int container, group;
static struct edu edu;
static char *memory;
/* The answer to a range that wraps */
static int wraps;

static int setup_context(void **state)
{
	container = context_open();
	group = -1;
	edu.vfio = -1;
	memory = memory_new(2 * PAGE);
	wraps = -EOVERFLOW;
	return 0;
}

static int setup_without_device(void **state)
{
	setup_context(state);
	return compat_set(container, ioas_new(container));
}

static int add_device(void)
{
	group = group_open();
	assert_return_code(group, -group);
	assert_int_equal(group_set_container(group, container), 0);
	assert_int_equal(type1_set_iommu(container, VFIO_TYPE1v2_IOMMU), 0);
	return group_get_edu(group, &edu);
}

static int setup_with_device(void **state)
{
	setup_context(state);
	return add_device();
}

/* That of 6.12 does not tell a range that wraps from other wrong ones. */
static int setup_vfio(void **state)
{
	struct utsname name;

	setup_context(state);
	close(container);
	container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	assert_return_code(container, errno);
	assert_return_code(uname(&name), errno);
	if (!strncmp(name.release, "6.12.", 5))
		wraps = -EINVAL;
	return add_device();
}

static int teardown(void **state)
{
	if (edu.vfio >= 0)
		edu_close(&edu);
	if (group >= 0)
		close(group);
	munmap(memory, 2 * PAGE);
	return close(container);
}

static void assert_mapped(uint64_t bytes)
{
	uint64_t unmapped;

	assert_int_equal(type1_unmap_all(container, &unmapped), 0);
	assert_int_equal(unmapped, bytes);
}

static void a_map_is_checked(void **state)
{
	const struct {
		void *memory;
		uint64_t length;
		uint32_t flags;
		uint64_t iova;
		int error;
	} cases[] = {
		{ memory, PAGE, 0, BASE, -EINVAL },
		{ memory, PAGE, DMA_RW | VFIO_DMA_MAP_FLAG_VADDR, BASE,
		  -EINVAL },
		{ memory, PAGE, DMA_RW | 1U << 31, BASE, -EINVAL },
		{ memory, 0, DMA_RW, BASE, -EINVAL },
		{ memory, 0, 0, BASE, -EINVAL },
		/* It wraps in IO address space, in memory, in both */
		{ memory, 2 * PAGE, DMA_RW, -PAGE, wraps },
		{ memory, PAGE, DMA_RW, 1 - PAGE, wraps },
		{ memory, PAGE, DMA_RW, UINT64_MAX, wraps },
		{ memory, 2, DMA_RW, UINT64_MAX, wraps },
		{ memory, -PAGE, DMA_RW, BASE, wraps },
		{ (void *)-PAGE, 2 * PAGE, DMA_RW, BASE, wraps },
		{ (void *)UINTPTR_MAX, 2, DMA_RW, BASE, wraps },
		{ (void *)-PAGE, 2 * PAGE, DMA_RW, -PAGE, wraps },
		{ memory, UINT64_MAX, DMA_RW, 0, wraps },
		{ memory, UINT64_MAX, DMA_RW, 2, wraps },
		/* Whatever else is wrong, but flags and size */
		{ memory, 2 * PAGE, 0, -PAGE, wraps },
		{ memory + 1, 2 * PAGE, DMA_RW, -PAGE, wraps },
		{ memory, 2 * PAGE, DMA_RW | 1U << 31, -PAGE, -EINVAL },
		{ memory, 0, DMA_RW, UINT64_MAX, -EINVAL },
		{ (void *)UINTPTR_MAX, 0, DMA_RW, BASE, -EINVAL },
		/* It does not wrap, and no IOMMU maps single bytes */
		{ memory, 1, DMA_RW, UINT64_MAX, -EINVAL },
		{ NULL, UINT64_MAX, DMA_RW, 0, -EINVAL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		int err = type1_map(container, cases[i].memory, cases[i].length,
				    cases[i].flags, cases[i].iova);

		if (err != cases[i].error)
			print_message("# case %zu\n", i);
		assert_int_equal(err, cases[i].error);
	}
	assert_mapped(0);
}

/* Up to the last address, where no process has memory */
static void memory_of_nobody_is_not_mapped(void **state)
{
	assert_int_equal(type1_map(container, (void *)-PAGE, PAGE, DMA_RW,
				   BASE), -EFAULT);
	assert_mapped(0);
}

static void an_unmap_is_checked(void **state)
{
	const struct {
		uint64_t iova;
		uint64_t length;
		uint32_t flags;
		int error;
	} cases[] = {
		{ BASE, 0, 0, -EINVAL },
		{ 0, 0, 0, -EINVAL },
		{ UINT64_MAX, 0, 0, -EINVAL },
		{ BASE, 0, ALL, -EINVAL },
		{ 0, PAGE, ALL, -EINVAL },
		{ 0, UINT64_MAX, ALL, -EINVAL },
		{ -PAGE, 2 * PAGE, ALL, -EINVAL },
		{ BASE, PAGE, 1U << 31, -EINVAL },
		{ -PAGE, 2 * PAGE, 1U << 31, -EINVAL },
		{ 0, 0, ALL | VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, -EINVAL },
		{ -PAGE, 2 * PAGE, 0, wraps },
		{ 2 * PAGE, -PAGE, 0, wraps },
		{ -PAGE, -PAGE, 0, wraps },
		/* It wraps, and is off any alignment */
		{ 2, UINT64_MAX, 0, -EINVAL },
		{ 2 * PAGE, UINT64_MAX, 0, -EINVAL },
		{ UINT64_MAX, 2 * PAGE, 0, -EINVAL },
		{ 1 - PAGE, 2 * PAGE, 0, -EINVAL },
	};
	struct vfio_iommu_type1_dma_unmap unmap;
	size_t i;

	assert_int_equal(type1_map(container, memory, PAGE, DMA_RW, BASE), 0);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		int err;

		unmap = (struct vfio_iommu_type1_dma_unmap){
			.argsz = sizeof(unmap),
			.flags = cases[i].flags,
			.iova = cases[i].iova,
			.size = cases[i].length,
		};
		err = ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap) ?
		      -errno : 0;
		if (err != cases[i].error)
			print_message("# case %zu\n", i);
		assert_int_equal(err, cases[i].error);
		assert_int_equal(unmap.size, cases[i].length);
	}
	assert_mapped(PAGE);
}

static void an_unmap_may_reach_the_last_address(void **state)
{
	uint64_t unmapped;

	assert_int_equal(type1_map(container, memory, PAGE, DMA_RW, BASE), 0);
	assert_int_equal(type1_unmap(container, -PAGE, PAGE, 0, &unmapped), 0);
	assert_int_equal(unmapped, 0);
	assert_int_equal(type1_unmap(container, 2 * BASE, -2 * BASE, 0,
				     &unmapped), 0);
	assert_int_equal(unmapped, 0);
	assert_mapped(PAGE);
}

/* As those of VFIO, which reach so far with another IOMMU */
static void the_last_page_is_mapped_and_unmapped(void **state)
{
	uint64_t unmapped;

	assert_int_equal(type1_map(container, memory, 2 * PAGE, DMA_RW,
				   -2 * PAGE), 0);
	assert_int_equal(type1_unmap(container, -2 * PAGE, 3 * PAGE, 0, NULL),
			 -EOVERFLOW);
	assert_int_equal(type1_unmap(container, -2 * PAGE, 2 * PAGE, 0,
				     &unmapped), 0);
	assert_int_equal(unmapped, 2 * PAGE);
	assert_int_equal(type1_map(container, memory, PAGE, DMA_RW, -PAGE), 0);
	assert_mapped(PAGE);
}

int main(void)
{
#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_map_is_checked, setup_vfio),
		TEST(a_map_is_checked, setup_with_device),
		TEST(a_map_is_checked, setup_without_device),
		TEST(memory_of_nobody_is_not_mapped, setup_vfio),
		TEST(memory_of_nobody_is_not_mapped, setup_with_device),
		TEST(memory_of_nobody_is_not_mapped, setup_without_device),
		TEST(an_unmap_is_checked, setup_vfio),
		TEST(an_unmap_is_checked, setup_with_device),
		TEST(an_unmap_is_checked, setup_without_device),
		TEST(an_unmap_may_reach_the_last_address, setup_vfio),
		TEST(an_unmap_may_reach_the_last_address, setup_with_device),
		TEST(an_unmap_may_reach_the_last_address, setup_without_device),
		TEST(the_last_page_is_mapped_and_unmapped,
		     setup_without_device),
	};

	return run_tap(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* The VFIO type1 ABI on a context that no device uses */
#include <pthread.h>

#include "lib/policy.h"
#include "lib/type1.h"

#define BASE (16 * MIB)
#define UNMAPPABLE ((void *)PAGE)

static int iommu;
static uint32_t ioas;
static char *memory;

static int setup(void **state)
{
	iommu = context_open();
	memory = memory_new(HUGE);
	return 0;
}

static int setup_ioas(void **state)
{
	setup(state);
	ioas = ioas_new(iommu);
	assert_int_equal(compat_set(iommu, ioas), 0);
	return 0;
}

static int setup_v1(void **state)
{
	setup_ioas(state);
	assert_int_equal(type1_set_iommu(iommu, VFIO_TYPE1_IOMMU), 0);
	return 0;
}

static int setup_v2(void **state)
{
	setup_ioas(state);
	assert_int_equal(type1_set_iommu(iommu, VFIO_TYPE1v2_IOMMU), 0);
	return 0;
}

static int teardown(void **state)
{
	munmap(memory, HUGE);
	return close(iommu);
}

static int answer(unsigned long number, void *argument)
{
	return ioctl(iommu, number, argument) ? -errno : 0;
}

static int map_pages(unsigned long first, unsigned long nr)
{
	return type1_map(iommu, memory, nr * PAGE, DMA_RW,
			 BASE + first * PAGE);
}

/* Bytes, or a negative errno */
static int64_t unmap_pages(unsigned long first, unsigned long nr)
{
	uint64_t unmapped;
	int err = type1_unmap(iommu, BASE + first * PAGE, nr * PAGE, 0,
			      &unmapped);

	return err ?: (int64_t)unmapped;
}

static void version_and_extensions(void **state)
{
	const unsigned long yes[] = {
		VFIO_TYPE1_IOMMU, VFIO_TYPE1v2_IOMMU, VFIO_UNMAP_ALL,
	};
	const unsigned long no[] = {
		VFIO_SPAPR_TCE_IOMMU, VFIO_EEH, 6 /* nesting */,
		VFIO_SPAPR_TCE_v2_IOMMU, VFIO_UPDATE_VADDR, 0, 12345, -1UL,
		/* Asked of no IOAS */
		VFIO_DMA_CC_IOMMU,
	};
	size_t i;

	assert_int_equal(ioctl(iommu, VFIO_GET_API_VERSION),
			 VFIO_API_VERSION);
	for (i = 0; i < ARRAY_SIZE(yes); i++)
		assert_int_equal(type1_extension(iommu, yes[i]), 1);
	for (i = 0; i < ARRAY_SIZE(no); i++)
		assert_int_equal(type1_extension(iommu, no[i]), 0);
}

static void nothing_works_without_an_ioas(void **state)
{
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };
	uint32_t id;

	assert_int_equal(compat_get(iommu, &id), -ENODEV);
	assert_int_equal(type1_set_iommu(iommu, VFIO_TYPE1_IOMMU), -ENODEV);
	assert_int_equal(type1_set_iommu(iommu, VFIO_TYPE1v2_IOMMU), -ENODEV);
	assert_int_equal(answer(VFIO_IOMMU_GET_INFO, &info), -ENODEV);
	assert_int_equal(map_pages(0, 1), -ENODEV);
	assert_int_equal(unmap_pages(0, 1), -ENODEV);
	assert_int_equal(type1_unmap_all(iommu, NULL), -ENODEV);
}

static void other_ioctls_are_not_known(void **state)
{
	const unsigned long numbers[] = {
		VFIO_IOMMU_DIRTY_PAGES, VFIO_IOMMU_ENABLE, VFIO_IOMMU_DISABLE,
		VFIO_GROUP_GET_STATUS, VFIO_DEVICE_GET_INFO,
		_IO(VFIO_TYPE + 1, VFIO_BASE),
	};
	char argument[256] = {};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		assert_int_equal(answer(numbers[i], argument), -ENOTTY);
}

static void other_iommus_are_refused(void **state)
{
	const unsigned long types[] = {
		0, VFIO_SPAPR_TCE_IOMMU, VFIO_DMA_CC_IOMMU, VFIO_NOIOMMU_IOMMU,
		12345, (1UL << 32) | VFIO_TYPE1_IOMMU,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		assert_int_equal(type1_set_iommu(iommu, types[i]), -EINVAL);
}

static void the_ioas_is_set_and_cleared(void **state)
{
	uint32_t other = ioas_new(iommu), id;

	assert_int_equal(compat_get(iommu, &id), 0);
	assert_int_equal(id, ioas);
	assert_int_equal(compat_set(iommu, ioas), 0);
	assert_int_equal(compat_set(iommu, other), 0);
	assert_int_equal(compat_get(iommu, &id), 0);
	assert_int_equal(id, other);
	assert_int_equal(compat_clear(iommu), 0);
	assert_int_equal(compat_get(iommu, &id), -ENODEV);
	assert_int_equal(compat_clear(iommu), 0);
	assert_int_equal(map_pages(0, 1), -ENODEV);
}

static void a_wrong_ioas_changes_nothing(void **state)
{
	struct iommu_vfio_ioas command = { .size = sizeof(command) };
	uint32_t id;

	assert_int_equal(compat_set(iommu, ioas + 1000), -ENOENT);
	assert_int_equal(compat_set(iommu, 0), -ENOENT);
	command.op = 3;
	assert_int_equal(answer(IOMMU_VFIO_IOAS, &command), -EOPNOTSUPP);
	command.op = IOMMU_VFIO_IOAS_CLEAR;
	command.__reserved = 1;
	assert_int_equal(answer(IOMMU_VFIO_IOAS, &command), -EOPNOTSUPP);
	command.__reserved = 0;
	command.size--;
	assert_int_equal(answer(IOMMU_VFIO_IOAS, &command), -EINVAL);
	assert_int_equal(compat_get(iommu, &id), 0);
	assert_int_equal(id, ioas);
}

static void the_ioas_cannot_be_destroyed_while_set(void **state)
{
	uint32_t other = ioas_new(iommu);

	assert_int_equal(object_destroy(iommu, ioas), -EBUSY);
	assert_int_equal(map_pages(0, 1), 0);
	assert_int_equal(compat_set(iommu, other), 0);
	assert_int_equal(object_destroy(iommu, ioas), 0);
	assert_int_equal(object_destroy(iommu, other), -EBUSY);
	assert_int_equal(compat_clear(iommu), 0);
	assert_int_equal(object_destroy(iommu, other), 0);
}

static void both_interfaces_see_the_same_mappings(void **state)
{
	assert_int_equal(map_pages(0, 4), 0);
	assert_int_equal(ioas_areas(iommu, ioas), 1);
	assert_int_equal(ioas_unmap(iommu, ioas, BASE, 4 * PAGE, NULL), 0);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, READ, BASE), 0);
	assert_int_equal(map_pages(0, 1), -EEXIST);
	assert_int_equal(unmap_pages(0, 1), PAGE);
}

static void a_map_goes_where_nothing_is(void **state)
{
	assert_int_equal(map_pages(0, 1), 0);
	assert_int_equal(map_pages(0, 1), -EEXIST);
	assert_int_equal(map_pages(-1, 2), -EEXIST);
	assert_int_equal(ioas_areas(iommu, ioas), 1);
	assert_int_equal(type1_map(iommu, memory, PAGE, DMA_READ,
				   BASE + PAGE), 0);
	assert_int_equal(type1_map(iommu, memory, PAGE, DMA_WRITE,
				   BASE + 2 * PAGE), 0);
	assert_int_equal(ioas_areas(iommu, ioas), 3);
}

/* Flags of features that are not there */
static void unknown_flags_are_refused(void **state)
{
	assert_int_equal(type1_map(iommu, memory, PAGE,
				   VFIO_DMA_MAP_FLAG_VADDR, BASE), -EINVAL);
	assert_int_equal(map_pages(0, 1), 0);
	assert_int_equal(type1_unmap(iommu, BASE, PAGE,
				     VFIO_DMA_UNMAP_FLAG_VADDR, NULL), -EINVAL);
	assert_int_equal(type1_unmap(iommu, BASE, PAGE,
				     VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
				     NULL), -EINVAL);
	assert_int_equal(type1_unmap(iommu, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL |
				     VFIO_DMA_UNMAP_FLAG_VADDR, NULL), -EINVAL);
	assert_int_equal(ioas_areas(iommu, ioas), 1);
}

/* Sizes smaller than what was published first, and memory that is not there */
static void arguments_are_checked(void **state)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map) - 1,
		.flags = DMA_RW,
		.vaddr = (uintptr_t)memory,
		.size = PAGE,
		.iova = BASE,
	};
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap) - 1,
		.size = PAGE,
		.iova = BASE,
	};
	struct vfio_iommu_type1_info info = {
		.argsz = offsetof(struct vfio_iommu_type1_info,
				  cap_offset) - 1,
	};

	assert_int_equal(answer(VFIO_IOMMU_MAP_DMA, &map), -EINVAL);
	assert_int_equal(answer(VFIO_IOMMU_UNMAP_DMA, &unmap), -EINVAL);
	assert_int_equal(answer(VFIO_IOMMU_GET_INFO, &info), -EINVAL);
	assert_int_equal(answer(VFIO_IOMMU_MAP_DMA, UNMAPPABLE), -EFAULT);
	assert_int_equal(answer(VFIO_IOMMU_UNMAP_DMA, UNMAPPABLE), -EFAULT);
	assert_int_equal(answer(VFIO_IOMMU_GET_INFO, UNMAPPABLE), -EFAULT);
	assert_int_equal(ioas_areas(iommu, ioas), 0);
	/* Larger ones are those of programs newer than the ABI */
	map.argsz = sizeof(map) + 100;
	assert_int_equal(answer(VFIO_IOMMU_MAP_DMA, &map), 0);
	unmap.argsz = sizeof(unmap) + 100;
	assert_int_equal(answer(VFIO_IOMMU_UNMAP_DMA, &unmap), 0);
	assert_int_equal(unmap.size, PAGE);
}

static void what_was_unmapped_is_told(void **state)
{
	uint64_t unmapped;

	assert_int_equal(unmap_pages(0, 1), 0);
	assert_int_equal(map_pages(0, 1), 0);
	assert_int_equal(map_pages(2, 3), 0);
	assert_int_equal(map_pages(100, 1), 0);
	assert_int_equal(unmap_pages(0, 50), 4 * PAGE);
	assert_int_equal(unmap_pages(0, 50), 0);
	assert_int_equal(map_pages(0, 7), 0);
	assert_int_equal(type1_unmap_all(iommu, &unmapped), 0);
	assert_int_equal(unmapped, 8 * PAGE);
	assert_int_equal(type1_unmap_all(iommu, &unmapped), 0);
	assert_int_equal(unmapped, 0);
	/* All addresses but the first page */
	assert_int_equal(map_pages(0, 7), 0);
	assert_int_equal(type1_unmap(iommu, PAGE, -PAGE, 0, &unmapped), 0);
	assert_int_equal(unmapped, 7 * PAGE);
}

static void v2_keeps_mappings_whole(void **state)
{
	assert_int_equal(map_pages(0, 8), 0);
	assert_int_equal(unmap_pages(0, 4), -ENOENT);
	assert_int_equal(unmap_pages(4, 4), -ENOENT);
	assert_int_equal(unmap_pages(2, 4), -ENOENT);
	assert_int_equal(unmap_pages(4, 100), -ENOENT);
	assert_int_equal(ioas_areas(iommu, ioas), 1);
	assert_int_equal(unmap_pages(0, 8), 8 * PAGE);
}

static void assert_mapped(uint64_t expected)
{
	unsigned long areas, bytes;

	fdinfo_ioas(iommu, ioas, &areas, &bytes);
	assert_int_equal(bytes, expected * PAGE);
}

static void v1_unmaps_any_part(void **state)
{
	assert_int_equal(map_pages(0, 16), 0);
	assert_int_equal(map_pages(16, 16), 0);
	assert_int_equal(unmap_pages(4, 2), 2 * PAGE);
	assert_mapped(30);
	assert_int_equal(unmap_pages(0, 1), PAGE);
	assert_mapped(29);
	/* Across two mappings, a hole and what is left of a mapping */
	assert_int_equal(unmap_pages(3, 15), 13 * PAGE);
	assert_mapped(16);
	assert_int_equal(map_pages(0, 1), 0);
	assert_int_equal(map_pages(1, 1), -EEXIST);
	assert_int_equal(unmap_pages(31, 100), PAGE);
	assert_int_equal(unmap_pages(0, 100), 16 * PAGE);
	assert_mapped(0);
}

static void v1_means_small_io_pages(void **state)
{
	uint64_t huge;

	assert_int_equal(option_get(iommu, IOMMU_OPTION_HUGE_PAGES, ioas,
				    &huge), 0);
	assert_int_equal(huge, 0);
	/* Once more, and the other, change nothing */
	assert_int_equal(type1_set_iommu(iommu, VFIO_TYPE1_IOMMU), 0);
	assert_int_equal(type1_set_iommu(iommu, VFIO_TYPE1v2_IOMMU), 0);
	assert_int_equal(option_get(iommu, IOMMU_OPTION_HUGE_PAGES, ioas,
				    &huge), 0);
	assert_int_equal(huge, 0);
}

static void v2_leaves_large_io_pages(void **state)
{
	uint64_t huge;

	assert_int_equal(option_get(iommu, IOMMU_OPTION_HUGE_PAGES, ioas,
				    &huge), 0);
	assert_int_equal(huge, 1);
}

static void information_is_sound(void **state)
{
	struct vfio_iommu_type1_info_cap_iova_range *iova;
	struct vfio_iommu_type1_info_dma_avail *avail;
	struct vfio_iommu_type1_info *info = type1_info(iommu);

	assert_true(info->iova_pgsizes & PAGE);
	assert_false(info->iova_pgsizes & (PAGE - 1));
	avail = type1_capability(info, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL);
	assert_non_null(avail);
	assert_true(avail->avail > 65535);
	iova = type1_capability(info, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	assert_non_null(iova);
	/* All there is but the last page */
	assert_int_equal(iova->nr_iovas, 1);
	assert_int_equal(iova->iova_ranges[0].start, 0);
	assert_int_equal(iova->iova_ranges[0].end, -PAGE - 1);
	assert_null(type1_capability(info, VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION));
	free(info);
}

static bool filled(const unsigned char *bytes, size_t length, int with)
{
	while (length && *bytes == with) {
		bytes++;
		length--;
	}
	return !length;
}

/* Programs of all ages: nothing is written beyond the room they have */
static void information_fits_into_any_room(void **state)
{
	const size_t least = offsetof(struct vfio_iommu_type1_info, cap_offset);
	struct vfio_iommu_type1_info *info = type1_info(iommu);
	const uint32_t all = info->argsz;
	unsigned char *buffer;
	uint32_t room;

	free(info);
	buffer = malloc(2 * all);
	assert_non_null(buffer);
	info = (void *)buffer;
	for (room = least; room < 2 * all; room++) {
		memset(buffer, 0xaa, 2 * all);
		info->argsz = room;
		assert_int_equal(answer(VFIO_IOMMU_GET_INFO, info), 0);
		assert_int_equal(info->argsz, all);
		assert_int_equal(info->flags, VFIO_IOMMU_INFO_PGSIZES |
				 VFIO_IOMMU_INFO_CAPS);
		assert_true(filled(buffer + room, 2 * all - room, 0xaa));
		if (room < sizeof(*info))
			continue;
		assert_int_equal(info->cap_offset,
				 room < all ? 0 : sizeof(*info));
		assert_true(room < all || filled(buffer + all, room - all,
						 0xaa));
	}
	free(buffer);
}

static void a_policy_is_asked(void **state)
{
	struct policy policy;

	policy_start(&policy, "answer");
	policy.answer->map_answer = -EACCES;
	assert_int_equal(map_pages(3, 2), -EACCES);
	assert_refused_by(iommu, "answer map -13");
	assert_int_equal(ioas_areas(iommu, ioas), 0);
	assert_int_equal(policy.answer->map.calls, 1);
	assert_int_equal(policy.answer->map.iova, BASE + 3 * PAGE);
	assert_int_equal(policy.answer->map.length, 2 * PAGE);
	assert_int_equal(policy.answer->map.ioas_id, ioas);
	assert_int_equal(policy.answer->map.fixed, 1);
	policy.answer->map_answer = 0;
	assert_int_equal(map_pages(3, 2), 0);
	assert_int_equal(policy.answer->map.calls, 2);
	policy_stop(&policy);
}

/* What two threads do to each other's IOAS: whoever wins, nobody else loses */
#define ROUNDS 2000

static void *change_ioas(void *arg)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	int i, err;

	for (i = 0; i < ROUNDS; i++) {
		if (ioctl(iommu, IOMMU_IOAS_ALLOC, &alloc) ||
		    compat_set(iommu, alloc.out_ioas_id))
			return "cannot be set";
		if (i % 3 == 0 && compat_clear(iommu))
			return "cannot be cleared";
		if (i % 3 == 1 && compat_set(iommu, ioas))
			return "cannot be set back";
		err = object_destroy(iommu, alloc.out_ioas_id);
		if (err != (i % 3 == 2 ? -EBUSY : 0))
			return "is destroyed as it should not be";
		if (i % 3 == 2 && (compat_clear(iommu) ||
				   object_destroy(iommu, alloc.out_ioas_id)))
			return "cannot be destroyed";
	}
	return NULL;
}

static void *use_ioas(void *arg)
{
	uint32_t id;
	int err, i;

	for (i = 0; i < ROUNDS; i++) {
		err = map_pages(i % 16, 1);
		if (err && err != -ENODEV && err != -EEXIST)
			return "cannot be mapped into";
		err = type1_unmap_all(iommu, NULL);
		if (err && err != -ENODEV)
			return "cannot be unmapped from";
		err = compat_get(iommu, &id);
		if (err && err != -ENODEV)
			return "cannot be got";
	}
	return NULL;
}

static void changed_while_it_is_used(void **state)
{
	pthread_t thread;
	void *why[2];

	assert_int_equal(pthread_create(&thread, NULL, use_ioas, NULL), 0);
	why[0] = change_ioas(NULL);
	assert_int_equal(pthread_join(thread, &why[1]), 0);
	assert_null(why[0]);
	assert_null(why[1]);
	assert_int_equal(compat_set(iommu, ioas), 0);
}

int main(void)
{
#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(version_and_extensions, setup),
		TEST(nothing_works_without_an_ioas, setup),
		TEST(other_ioctls_are_not_known, setup_v2),
		TEST(other_iommus_are_refused, setup_ioas),
		TEST(the_ioas_is_set_and_cleared, setup_ioas),
		TEST(a_wrong_ioas_changes_nothing, setup_ioas),
		TEST(the_ioas_cannot_be_destroyed_while_set, setup_ioas),
		TEST(both_interfaces_see_the_same_mappings, setup_ioas),
		TEST(a_map_goes_where_nothing_is, setup_v2),
		TEST(unknown_flags_are_refused, setup_v2),
		TEST(arguments_are_checked, setup_v2),
		TEST(what_was_unmapped_is_told, setup_v2),
		TEST(v2_keeps_mappings_whole, setup_v2),
		TEST(v1_unmaps_any_part, setup_v1),
		TEST(v1_means_small_io_pages, setup_v1),
		TEST(v2_leaves_large_io_pages, setup_v2),
		TEST(information_is_sound, setup_v2),
		TEST(information_fits_into_any_room, setup_v2),
		TEST(a_policy_is_asked, setup_v2),
		TEST(changed_while_it_is_used, setup_ioas),
	};

	return run_tap(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=120 */
/* HWPTs made by user space, and what the IOMMU tells about a device */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/param.h>
#include <sys/utsname.h>
#include <time.h>

#include "kmsg.h"
#include "test.h"

/* Below what edu can address */
#define SOURCE (16 * MIB)
#define DESTINATION (64 * MIB)
#define MSI_WINDOW 0xfee00000UL
#define EDU_BDF "0000:00:03.0"
/* Headers of 6.12 do not have it */
#define ALLOC_PASID (1U << 3)

static int iommu;
static uint32_t ioas;
static struct edu edu;
static char *source, *destination;

static int setup(void **state)
{
	iommu = context_open();
	ioas = ioas_new(iommu);
	edu_open(&edu, iommu);
	source = memory_new(PAGE);
	destination = memory_new(PAGE);
	return 0;
}

static int teardown(void **state)
{
	munmap(source, PAGE);
	munmap(destination, PAGE);
	edu_close(&edu);
	return close(iommu);
}

static void map_at(uint32_t where, const void *memory, uint32_t flags,
		   uint64_t iova)
{
	assert_int_equal(ioas_map_at(iommu, where, memory, PAGE, flags, iova),
			 0);
}

static long pinned(void)
{
	return fdinfo_value(iommu, "iommufd-pinned:");
}

static uint32_t hwpt_new(uint32_t of)
{
	int64_t hwpt = hwpt_alloc(iommu, edu.id, of, 0);

	assert_return_code(hwpt, -hwpt);
	return hwpt;
}

/* Mapped at SOURCE and DESTINATION of what the device is attached to */
static void assert_device_copies_to(const char *memory)
{
	memory_random(source, PAGE);
	edu_read(&edu, SOURCE);
	edu_write(&edu, DESTINATION);
	assert_memory_equal(memory, source, EDU_LENGTH);
}

static void assert_alloc_fails(struct iommu_hwpt_alloc alloc, int err)
{
	alloc.size = sizeof(alloc);
	errno = 0;
	assert_int_equal(ioctl(iommu, IOMMU_HWPT_ALLOC, &alloc), -1);
	assert_int_equal(errno, err);
	/* Nothing that keeps the memory pinned */
	assert_int_equal(pinned(), 0);
}

static void alloc_refuses_what_it_does_not_know(void **state)
{
	const struct iommu_hwpt_alloc good = {
		.dev_id = edu.id, .pt_id = ioas
	};
	struct iommu_hwpt_alloc bad;
	uint32_t other = ioas_new(iommu), hwpt = hwpt_new(other);
	unsigned int bit;

#define ASSERT_FAILS(_err, ...)						\
	do {								\
		bad = good;						\
		__VA_ARGS__;						\
		assert_alloc_fails(bad, _err);				\
	} while (0)

	map_at(ioas, source, READ, SOURCE);
	ASSERT_FAILS(ENOENT, bad.dev_id = 0);
	ASSERT_FAILS(ENOENT, bad.dev_id = UINT32_MAX);
	ASSERT_FAILS(ENOENT, bad.dev_id = ioas);
	ASSERT_FAILS(ENOENT, bad.dev_id = hwpt);
	ASSERT_FAILS(EINVAL, bad.pt_id = 0);
	ASSERT_FAILS(EINVAL, bad.pt_id = UINT32_MAX);
	ASSERT_FAILS(EINVAL, bad.pt_id = edu.id);
	ASSERT_FAILS(EOPNOTSUPP, bad.pt_id = hwpt);
	ASSERT_FAILS(EOPNOTSUPP, bad.pt_id = hwpt, bad.data_len = 16,
		     bad.data_type = IOMMU_HWPT_DATA_VTD_S1);
	ASSERT_FAILS(EINVAL, bad.data_len = 1);
	ASSERT_FAILS(EINVAL, bad.data_type = IOMMU_HWPT_DATA_VTD_S1);
	ASSERT_FAILS(EOPNOTSUPP, bad.data_type = IOMMU_HWPT_DATA_VTD_S1,
		     bad.data_len = 16);
	ASSERT_FAILS(EOPNOTSUPP, bad.__reserved = 1);
	ASSERT_FAILS(EOPNOTSUPP, bad.__reserved2 = 1);
	/* Also those the interface has, for QEMU's IOMMU is not up to them */
	for (bit = 0; bit < 32; bit++)
		if (1U << bit != ALLOC_PASID)
			ASSERT_FAILS(EOPNOTSUPP, bad.flags = 1U << bit);
	ASSERT_FAILS(EOPNOTSUPP, bad.flags = ~0U);

	assert_int_equal(object_destroy(iommu, hwpt), 0);
	assert_int_equal(object_destroy(iommu, other), 0);
	assert_int_equal(object_destroy(iommu, ioas), 0);
}

/* It asks little of a domain: later drivers take the flag, 6.12's do not */
static void alloc_for_pasids_if_the_driver_can(void **state)
{
	int64_t hwpt = hwpt_alloc(iommu, edu.id, ioas, ALLOC_PASID);
	struct utsname uts;

	assert_int_equal(uname(&uts), 0);
	if (!strncmp(uts.release, "6.12.", 5)) {
		assert_int_equal(hwpt, -EOPNOTSUPP);
		return;
	}
	assert_return_code(hwpt, -hwpt);
	assert_int_equal(edu_attach_hwpt(&edu, hwpt), hwpt);
}

/* Also what user space did not know of it when it was built */
static void alloc_takes_the_first_version(void **state)
{
	struct iommu_hwpt_alloc alloc = {
		.size = offsetof(struct iommu_hwpt_alloc, data_type),
		.dev_id = edu.id,
		.pt_id = ioas,
		.data_type = UINT32_MAX,
		.__reserved2 = UINT32_MAX,
	};

	assert_return_code(ioctl(iommu, IOMMU_HWPT_ALLOC, &alloc), errno);
	assert_int_equal(edu_attach_hwpt(&edu, alloc.out_hwpt_id),
			 alloc.out_hwpt_id);
}

static void answer_that_cannot_be_written_leaves_nothing(void **state)
{
	struct iommu_hwpt_alloc *alloc = memory_new(PAGE);

	map_at(ioas, source, READ, SOURCE);
	alloc->size = sizeof(*alloc);
	alloc->dev_id = edu.id;
	alloc->pt_id = ioas;
	assert_int_equal(mprotect(alloc, PAGE, PROT_READ), 0);
	assert_int_equal(ioctl(iommu, IOMMU_HWPT_ALLOC, alloc), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(pinned(), 0);
	assert_int_equal(object_destroy(iommu, ioas), 0);
	munmap(alloc, PAGE);
}

static void memory_that_is_gone_leaves_nothing(void **state)
{
	void *memory = memory_new(PAGE);

	map_at(ioas, source, READ, SOURCE);
	map_at(ioas, memory, RW, DESTINATION);
	munmap(memory, PAGE);
	assert_int_equal(hwpt_alloc(iommu, edu.id, ioas, 0), -EFAULT);
	assert_int_equal(pinned(), 0);
	assert_int_equal(object_destroy(iommu, ioas), 0);
}

static void mappings_out_of_its_reach(void **state)
{
	uint32_t hwpt;

	map_at(ioas, source, READ, 1UL << 60);
	assert_int_equal(hwpt_alloc(iommu, edu.id, ioas, 0), -EADDRINUSE);
	assert_int_equal(pinned(), 0);
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	hwpt = hwpt_new(ioas);
	assert_int_equal(ioas_map_at(iommu, ioas, source, PAGE, READ,
				     1UL << 60), -EINVAL);
	assert_int_equal(object_destroy(iommu, hwpt), 0);
	map_at(ioas, source, READ, 1UL << 60);
}

static void follows_its_ioas_without_a_device(void **state)
{
	uint32_t hwpt;

	map_at(ioas, source, READ, SOURCE);
	assert_int_equal(pinned(), 0);
	hwpt = hwpt_new(ioas);
	assert_int_equal(pinned(), 1);
	map_at(ioas, destination, RW, DESTINATION);
	assert_int_equal(pinned(), 2);
	assert_int_equal(ioas_unmap(iommu, ioas, SOURCE, PAGE, NULL), 0);
	assert_int_equal(pinned(), 1);
	map_at(ioas, source, READ, SOURCE);

	assert_int_equal(edu_attach_hwpt(&edu, hwpt), hwpt);
	assert_device_copies_to(destination);
	assert_int_equal(edu_detach(&edu), 0);
	assert_int_equal(pinned(), 2);
	assert_int_equal(edu_attach_hwpt(&edu, hwpt), hwpt);
	assert_device_copies_to(destination);

	assert_int_equal(edu_detach(&edu), 0);
	assert_int_equal(object_destroy(iommu, hwpt), 0);
	assert_int_equal(pinned(), 0);
}

static void lives_until_it_is_destroyed(void **state)
{
	uint32_t hwpt = hwpt_new(ioas);

	assert_int_equal(object_destroy(iommu, ioas), -EBUSY);
	assert_int_equal(edu_attach_hwpt(&edu, hwpt), hwpt);
	assert_int_equal(object_destroy(iommu, hwpt), -EBUSY);
	assert_int_equal(edu_attach_hwpt(&edu, hwpt), hwpt);
	assert_int_equal(edu_detach(&edu), 0);
	assert_int_equal(object_destroy(iommu, ioas), -EBUSY);
	assert_int_equal(object_destroy(iommu, hwpt), 0);
	assert_int_equal(object_destroy(iommu, hwpt), -ENOENT);
	assert_int_equal(edu_attach(&edu, hwpt), -ENOENT);
	assert_int_equal(object_destroy(iommu, ioas), 0);
}

static void is_not_what_an_attach_to_the_ioas_takes(void **state)
{
	uint32_t first = hwpt_new(ioas), second = hwpt_new(ioas);
	int64_t automatic = edu_attach_hwpt(&edu, ioas);

	assert_int_not_equal(first, second);
	assert_return_code(automatic, -automatic);
	assert_int_not_equal(automatic, first);
	assert_int_not_equal(automatic, second);
	/* It goes with the device, and the others stay */
	assert_int_equal(edu_attach_hwpt(&edu, first), first);
	assert_int_equal(object_destroy(iommu, automatic), -ENOENT);
	assert_int_equal(edu_attach_hwpt(&edu, second), second);
	assert_int_equal(object_destroy(iommu, first), 0);
	automatic = edu_attach_hwpt(&edu, ioas);
	assert_int_not_equal(automatic, second);
	assert_int_equal(object_destroy(iommu, second), 0);
}

/* Pinned once, however many domains have it */
static void any_number_share_an_ioas(void **state)
{
	uint32_t hwpts[8];
	size_t i;

	map_at(ioas, source, READ, SOURCE);
	for (i = 0; i < ARRAY_SIZE(hwpts); i++)
		hwpts[i] = hwpt_new(ioas);
	map_at(ioas, destination, RW, DESTINATION);
	assert_int_equal(pinned(), 2);
	for (i = 0; i < ARRAY_SIZE(hwpts); i++) {
		assert_int_equal(edu_attach(&edu, hwpts[i]), 0);
		assert_device_copies_to(destination);
	}
	for (i = 0; i + 1 < ARRAY_SIZE(hwpts); i++)
		assert_int_equal(object_destroy(iommu, hwpts[i]), 0);
	assert_device_copies_to(destination);
	assert_int_equal(pinned(), 2);
}

/* What the device reserves matters when it is attached, not before */
static void msi_window_is_reserved_by_the_attach(void **state)
{
	uint32_t hwpt = hwpt_new(ioas);

	map_at(ioas, source, READ, MSI_WINDOW);
	assert_int_equal(edu_attach(&edu, hwpt), -EADDRINUSE);
	assert_int_equal(ioas_unmap(iommu, ioas, MSI_WINDOW, PAGE, NULL), 0);
	assert_int_equal(edu_attach(&edu, hwpt), 0);
	assert_int_equal(ioas_map_at(iommu, ioas, source, PAGE, READ,
				     MSI_WINDOW), -EINVAL);
	assert_int_equal(edu_detach(&edu), 0);
	map_at(ioas, source, READ, MSI_WINDOW);
}

static void failed_replace_leaves_the_device_where_it_was(void **state)
{
	uint32_t hwpt = hwpt_new(ioas), other = ioas_new(iommu), bad;

	map_at(ioas, source, READ, SOURCE);
	map_at(ioas, destination, RW, DESTINATION);
	map_at(other, source, READ, MSI_WINDOW);
	bad = hwpt_new(other);
	assert_int_equal(edu_attach(&edu, hwpt), 0);
	assert_int_equal(edu_attach(&edu, bad), -EADDRINUSE);
	assert_int_equal(edu_attach(&edu, other), -EADDRINUSE);
	assert_device_copies_to(destination);
	assert_int_equal(object_destroy(iommu, hwpt), -EBUSY);
	assert_int_equal(object_destroy(iommu, bad), 0);
	assert_int_equal(object_destroy(iommu, other), 0);
}

static void of_another_context(void **state)
{
	int other = context_open();
	uint32_t foreign = ioas_new(other);

	assert_int_equal(hwpt_alloc(other, edu.id, foreign, 0), -ENOENT);
	close(other);
}

static void closing_the_context_destroys_it(void **state)
{
	map_at(ioas, source, READ, SOURCE);
	hwpt_new(ioas);
	hwpt_new(ioas);
	assert_int_equal(edu_attach(&edu, hwpt_new(ioas)), 0);
	assert_int_equal(pinned(), 1);
	edu_close(&edu);
	close(iommu);
	assert_int_equal(pinned_pages(0), 0);
	iommu = context_open();
	edu_open(&edu, iommu);
}

/* When the copy under way was begun, or 0; and one that was moved too late */
static atomic_ullong begun, moved_late;

static unsigned long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

struct mover {
	uint32_t targets[4];
	atomic_bool stop, moving;
	unsigned long moves;
	bool failed;
};

/*
 * The device waits 100 ms before it copies. Not replacing in that very moment
 * is for VT-d's driver, which blocks the device between two domains.
 */
static void *move(void *arg)
{
	struct mover *mover = arg;
	unsigned long long start;

	while (!mover->stop) {
		mover->moving = true;
		start = begun;
		if (start && now_ms() - start < 50) {
			if (edu_attach(&edu,
				       mover->targets[mover->moves++ % 4]))
				mover->failed = mover->stop = true;
			if (now_ms() - start >= 90)
				moved_late = start;
		}
		mover->moving = false;
		usleep(1000);
	}
	return NULL;
}

/* False if a busy machine let the device be moved in the very moment */
static bool copy_while_moved(struct mover *mover,
			     void (*copy)(struct edu *edu, uint64_t iova),
			     uint64_t iova)
{
	unsigned long long start = now_ms();

	begun = start;
	copy(&edu, iova);
	begun = 0;
	while (mover->moving)
		usleep(1000);
	return moved_late != start;
}

static void replaced_while_it_copies(void **state)
{
	struct mover mover = { .targets = { ioas } };
	uint32_t other = ioas_new(iommu);
	int kmsg = kmsg_open(), i;
	unsigned int good = 0;
	char fault[256];
	pthread_t thread;

	assert_return_code(kmsg, -kmsg);
	for (i = 0; i < 2; i++) {
		map_at(i ? other : ioas, source, READ, SOURCE);
		map_at(i ? other : ioas, destination, RW, DESTINATION);
	}
	mover.targets[1] = hwpt_new(ioas);
	mover.targets[2] = other;
	mover.targets[3] = hwpt_new(other);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(pthread_create(&thread, NULL, move, &mover), 0);
	for (i = 0; i < 20; i++) {
		bool in_time;

		memory_random(source, PAGE);
		in_time = copy_while_moved(&mover, edu_read, SOURCE);
		in_time &= copy_while_moved(&mover, edu_write,
					    DESTINATION);
		if (!in_time)
			continue;
		assert_memory_equal(destination, source, EDU_LENGTH);
		good++;
	}
	mover.stop = true;
	pthread_join(thread, NULL);
	assert_false(mover.failed);
	assert_true(good > 5);
	printf("# replaced %lu times\n", mover.moves);
	assert_true(mover.moves >= 40);
	if (good == 20)
		assert_false(kmsg_find_fault(kmsg, EDU_BDF, fault,
					     sizeof(fault)));
	/* There is something to find when there is a fault */
	edu_write(&edu, 128 * MIB);
	assert_true(kmsg_find_fault(kmsg, EDU_BDF, fault, sizeof(fault)));
	close(kmsg);
}

static void replace_leads_to_the_memory_of_the_other(void **state)
{
	uint32_t other = ioas_new(iommu), mine = hwpt_new(ioas), its;
	char *memory = memory_new(PAGE);
	int i;

	map_at(ioas, source, READ, SOURCE);
	map_at(ioas, destination, RW, DESTINATION);
	map_at(other, source, READ, SOURCE);
	map_at(other, memory, RW, DESTINATION);
	its = hwpt_new(other);
	for (i = 0; i < 4; i++) {
		assert_int_equal(edu_attach_hwpt(&edu, mine), mine);
		assert_device_copies_to(destination);
		assert_memory_not_equal(memory, source, PAGE);
		assert_int_equal(edu_attach_hwpt(&edu, its), its);
		assert_device_copies_to(memory);
		assert_memory_not_equal(destination, source, PAGE);
	}
	munmap(memory, PAGE);
}

/* 0 or a negative errno */
static int hw_info(struct iommu_hw_info *info)
{
	info->size = sizeof(*info);
	return ioctl(iommu, IOMMU_GET_HW_INFO, info) ? -errno : 0;
}

static unsigned long vtd_register(const char *name)
{
	char path[64], text[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/iommu/dmar0/intel-iommu/%s",
		 name);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	return strtoul(text, NULL, 16);
}

static void hw_info_is_what_the_iommu_has(void **state)
{
	struct iommu_hw_info_vtd vtd = { .__reserved = 1 };
	struct iommu_hw_info info = {
		.dev_id = edu.id,
		.data_len = sizeof(vtd),
		.data_uptr = (uintptr_t)&vtd,
		/* Only written */
		.out_data_type = UINT32_MAX,
		.out_capabilities = UINT64_MAX,
		.out_max_pasid_log2 = UINT8_MAX,
	};

	assert_int_equal(hw_info(&info), 0);
	assert_int_equal(info.out_data_type, IOMMU_HW_INFO_TYPE_INTEL_VTD);
	assert_int_equal(info.data_len, sizeof(vtd));
	assert_int_equal(vtd.__reserved, 0);
	assert_int_equal(vtd.cap_reg, vtd_register("cap"));
	assert_int_equal(vtd.ecap_reg, vtd_register("ecap"));
	assert_true(vtd.cap_reg);
	/* A conventional device: nothing but what that means for ATS, 1 << 3 */
	assert_int_equal(info.out_capabilities, 1 << 3);
	assert_int_equal(info.out_max_pasid_log2, 0);
}

static void hw_info_fits_any_buffer(void **state)
{
	struct iommu_hw_info_vtd vtd;
	char buffer[2 * sizeof(vtd)];
	struct iommu_hw_info info = {
		.dev_id = edu.id,
		.data_uptr = (uintptr_t)&vtd,
	};
	size_t room, known, i;

	info.data_len = sizeof(vtd);
	assert_int_equal(hw_info(&info), 0);
	for (room = 0; room <= sizeof(buffer) - 1; room++) {
		memset(buffer, 0x55, sizeof(buffer));
		info.data_uptr = room ? (uintptr_t)buffer : 0;
		info.data_len = room;
		assert_int_equal(hw_info(&info), 0);
		assert_int_equal(info.data_len, sizeof(vtd));
		known = MIN(room, sizeof(vtd));
		assert_memory_equal(buffer, &vtd, known);
		for (i = known; i < room; i++)
			assert_int_equal(buffer[i], 0);
		for (i = room; i < sizeof(buffer); i++)
			assert_int_equal(buffer[i], 0x55);
	}
}

static void hw_info_refuses_what_it_does_not_know(void **state)
{
	char *memory = memory_new(2 * PAGE);
	const struct iommu_hw_info good = { .dev_id = edu.id };
	struct iommu_hw_info bad;

#define ASSERT_INFO(_err, ...)						\
	do {								\
		bad = good;						\
		__VA_ARGS__;						\
		assert_int_equal(hw_info(&bad), _err);			\
	} while (0)

	ASSERT_INFO(-ENOENT, bad.dev_id = 0);
	ASSERT_INFO(-ENOENT, bad.dev_id = ioas);
	ASSERT_INFO(-EOPNOTSUPP, bad.flags = 2);
	ASSERT_INFO(-EOPNOTSUPP, bad.flags = 1U << 31);
	ASSERT_INFO(-EOPNOTSUPP, bad.__reserved[0] = 1);
	ASSERT_INFO(-EOPNOTSUPP, bad.__reserved[1] = 1);
	ASSERT_INFO(-EOPNOTSUPP, bad.__reserved[2] = 1);
	/* Flag 1 asks for a type, which is of no interest without it */
	ASSERT_INFO(0, bad.out_data_type = 77);
	ASSERT_INFO(0, bad.flags = 1);
	assert_int_equal(bad.out_data_type, IOMMU_HW_INFO_TYPE_INTEL_VTD);
	ASSERT_INFO(0, bad.flags = 1,
		    bad.out_data_type = IOMMU_HW_INFO_TYPE_INTEL_VTD);
	ASSERT_INFO(-EOPNOTSUPP, bad.flags = 1, bad.out_data_type = 77);
	/* Neither the information nor the zeros behind it can be written */
	assert_int_equal(mprotect(memory + PAGE, PAGE, PROT_READ), 0);
	ASSERT_INFO(-EFAULT, bad.data_len = 1);
	ASSERT_INFO(-EFAULT, bad.data_len = PAGE,
		    bad.data_uptr = (uintptr_t)memory + PAGE);
	ASSERT_INFO(-EFAULT, bad.data_len = PAGE + 1,
		    bad.data_uptr = (uintptr_t)memory);
	ASSERT_INFO(-EFAULT, bad.data_len = PAGE,
		    bad.data_uptr = UINTPTR_MAX - 8);
	munmap(memory, 2 * PAGE);
}

#define TEST(_test) cmocka_unit_test_setup_teardown(_test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(alloc_refuses_what_it_does_not_know),
		TEST(alloc_for_pasids_if_the_driver_can),
		TEST(alloc_takes_the_first_version),
		TEST(answer_that_cannot_be_written_leaves_nothing),
		TEST(memory_that_is_gone_leaves_nothing),
		TEST(mappings_out_of_its_reach),
		TEST(follows_its_ioas_without_a_device),
		TEST(lives_until_it_is_destroyed),
		TEST(is_not_what_an_attach_to_the_ioas_takes),
		TEST(any_number_share_an_ioas),
		TEST(msi_window_is_reserved_by_the_attach),
		TEST(failed_replace_leaves_the_device_where_it_was),
		TEST(of_another_context),
		TEST(closing_the_context_destroys_it),
		TEST(replaced_while_it_copies),
		TEST(replace_leads_to_the_memory_of_the_other),
		TEST(hw_info_is_what_the_iommu_has),
		TEST(hw_info_fits_any_buffer),
		TEST(hw_info_refuses_what_it_does_not_know),
	};

	return run_tap(tests, NULL, NULL);
}

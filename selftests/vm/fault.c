// SPDX-License-Identifier: GPL-2.0-only
/* lab: kernel=debug timeout=240 */
/*
 * Each allocation of a request fails in turn: the request fails and leaves
 * nothing behind, or does without.
 */
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "test.h"

#define DEBUGFS "/sys/kernel/debug"
/* Within reach of edu, and far enough for page tables of their own */
#define BASE (16 * MIB)
#define ELSEWHERE (64 * MIB)
#define SCRATCH (128 * MIB)
/* Half of LENGTH in one IO page table, the rest in the next */
#define ACROSS (BASE + HUGE - LENGTH / 2)
/* More than are pinned without an allocation */
#define PAGES 24UL
#define LENGTH (PAGES * PAGE)
/* A sweep that comes this far never ends */
#define MOST 2000

static int fail_nth;
static int iommu;
static uint32_t src, dst;
static struct edu edu;
static int nvme;
static char *memory, *huge;
/* What the request at work has to answer */
static uint64_t iova;
static int opened;
static uint32_t fresh_ioas;

/*
 * Let the allocation of this number fail, counted from now in this thread; 0:
 * none.
 */
static void fail_allocation(unsigned int nr)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", nr);

	assert_int_equal(pwrite(fail_nth, text, length, 0), length);
}

static bool has_failed(void)
{
	char text[16] = {};

	assert_true(pread(fail_nth, text, sizeof(text) - 1, 0) > 0);
	fail_allocation(0);
	return atoi(text) == 0;
}

/* All that a failed request must not change */
struct state {
	char *text;
	long pinned;
	long pinned_kib;
	long locked_kib;
};

static void state_read(struct state *state, long pinned)
{
	state->text = fdinfo(iommu);
	state->pinned = pinned_pages(pinned);
	state->pinned_kib = status_kib("VmPin:");
	state->locked_kib = status_kib("VmLck:");
}

static void assert_unchanged(const struct state *before)
{
	struct state now;

	state_read(&now, before->pinned);
	assert_string_equal(now.text, before->text);
	assert_int_equal(now.pinned, before->pinned);
	assert_int_equal(now.pinned_kib, before->pinned_kib);
	assert_int_equal(now.locked_kib, before->locked_kib);
	free(now.text);
}

/**
 * struct request - what is tried until none of its allocations is left to fail
 * @prepare: bring about what it starts from, all of it new
 * @run: 0 or a negative errno
 * @undo: of one that succeeded
 * @check: that one that failed changed nothing that the books do not tell;
 *	may be NULL
 * @never_fails: what frees something can do without memory
 */
struct request {
	void (*prepare)(void);
	int (*run)(void);
	void (*undo)(void);
	void (*check)(void);
	bool never_fails;
};

/* Did one of its allocations fail? */
static bool try(const struct request *request, unsigned int nth,
		unsigned int *failures)
{
	struct state before;
	bool injected;
	int err;

	request->prepare();
	state_read(&before, fdinfo_value(iommu, "iommufd-pinned:"));
	fail_allocation(nth);
	err = request->run();
	injected = has_failed();
	if (err) {
		++*failures;
		if (!injected || request->never_fails)
			fail_msg("allocation %u: error %d", nth, err);
		/* GUP may say of memory it could not get that it is not there */
		assert_true(err == -ENOMEM || err == -EFAULT);
		assert_unchanged(&before);
		if (request->check)
			request->check();
		assert_int_equal(request->run(), 0);
	}
	request->undo();
	assert_unchanged(&before);
	free(before.text);
	return injected;
}

static void sweep(const struct request *request)
{
	unsigned int nth = 1, failures = 0;

	while (try(request, nth, &failures))
		assert_true(++nth < MOST);
	printf("# of %u allocations %u cannot fail without the request\n",
	       nth - 1, failures);
	/* A request that needs no memory is none to test here */
	if (!request->never_fails)
		assert_true(failures > 0);
}

static int drop_ipc_lock(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];
	const struct rlimit limit = { 64 * MIB, 64 * MIB };

	if (setrlimit(RLIMIT_MEMLOCK, &limit) ||
	    syscall(SYS_capget, &header, data))
		return -errno;
	data[0].effective &= ~(1U << CAP_IPC_LOCK);
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

/* Any allocation, also of user memory and page tables, and without a trace */
static int setup_injection(void **state)
{
	assert_true(write_number(DEBUGFS "/failslab/ignore-gfp-wait", 0) >= 0);
	assert_true(write_number(DEBUGFS "/failslab/verbose", 0) >= 0);
	assert_true(write_number(DEBUGFS "/fail_page_alloc/ignore-gfp-wait",
				 0) >= 0);
	assert_true(write_number(DEBUGFS "/fail_page_alloc/ignore-gfp-highmem",
				 0) >= 0);
	assert_true(write_number(DEBUGFS "/fail_page_alloc/min-order", 0) >= 0);
	assert_true(write_number(DEBUGFS "/fail_page_alloc/verbose", 0) >= 0);
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	assert_return_code(fail_nth, errno);
	/* So that pages are not only pinned but paid */
	assert_int_equal(drop_ipc_lock(), 0);
	return 0;
}

static int setup(void **state)
{
	iommu = context_open();
	src = ioas_new(iommu);
	dst = ioas_new(iommu);
	edu_open(&edu, iommu);
	nvme = nvme_bind(iommu);
	assert_return_code(nvme, -nvme);
	memory = memory_new(LENGTH);
	assert_int_equal(madvise(memory, LENGTH, MADV_NOHUGEPAGE), 0);
	huge = memory_aligned(HUGE, HUGE);
	assert_int_equal(madvise(huge, HUGE, MADV_HUGEPAGE), 0);
	return 0;
}

static int teardown(void **state)
{
	fail_allocation(0);
	munmap(huge, HUGE);
	munmap(memory, LENGTH);
	close(nvme);
	edu_close(&edu);
	return close(iommu);
}

static void prepare_nothing(void)
{
}

/* Pages that have to be faulted in, and a domain without page tables */
static void prepare_memory(void)
{
	assert_int_equal(madvise(memory, LENGTH, MADV_DONTNEED), 0);
	assert_int_equal(madvise(huge, HUGE, MADV_DONTNEED), 0);
}

static void attach_anew(uint32_t ioas)
{
	assert_int_equal(edu_detach(&edu), 0);
	assert_int_equal(edu_attach(&edu, ioas), 0);
}

static void map_at(uint32_t ioas, void *where, uint64_t length, uint64_t at)
{
	assert_int_equal(ioas_map_at(iommu, ioas, where, length, RW, at), 0);
}

static void unmap_all(uint32_t ioas)
{
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
}

static int open_context(void)
{
	opened = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	return opened < 0 ? -errno : 0;
}

static void close_opened(void)
{
	close(opened);
}

static void opening(void **state)
{
	sweep(&(struct request){
		.prepare = prepare_nothing,
		.run = open_context,
		.undo = close_opened,
	});
}

static int alloc_ioas(void)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

	if (ioctl(iommu, IOMMU_IOAS_ALLOC, &alloc))
		return -errno;
	fresh_ioas = alloc.out_ioas_id;
	return 0;
}

static void destroy_ioas(void)
{
	assert_int_equal(object_destroy(iommu, fresh_ioas), 0);
}

static void allocating_an_ioas(void **state)
{
	sweep(&(struct request){
		.prepare = prepare_nothing,
		.run = alloc_ioas,
		.undo = destroy_ioas,
	});
}

static const struct iommu_iova_range before_range = {
	.start = ELSEWHERE, .last = SCRATCH - 1
};

static int allow_another_range(void)
{
	const struct iommu_iova_range ranges[] = {
		{ .start = SCRATCH, .last = 2 * SCRATCH - 1 },
		{ .start = 4 * SCRATCH, .last = 5 * SCRATCH - 1 },
	};

	return ioas_allow(iommu, src, ranges, ARRAY_SIZE(ranges));
}

static void allow_as_before(void)
{
	assert_int_equal(ioas_allow(iommu, src, &before_range, 1), 0);
}

static void assert_allowed_as_before(void)
{
	uint64_t chosen;

	assert_int_equal(ioas_map(iommu, src, memory, PAGE, RW, &chosen), 0);
	assert_true(chosen >= before_range.start && chosen < before_range.last);
	unmap_all(src);
}

static void allowing_ranges(void **state)
{
	sweep(&(struct request){
		.prepare = allow_as_before,
		.run = allow_another_range,
		.undo = allow_as_before,
		.check = assert_allowed_as_before,
	});
}

static int map_small(void)
{
	return ioas_map_at(iommu, src, memory, LENGTH, RW, ACROSS);
}

static int map_chosen(void)
{
	return ioas_map(iommu, src, memory, LENGTH, RW, &iova);
}

/* Newer than the headers here */
static int map_file(void)
{
	struct {
		uint32_t size, flags, ioas_id;
		int32_t fd;
		uint64_t start, length, iova;
	} map = {
		.size = sizeof(map),
		.flags = RW | FIXED,
		.ioas_id = src,
		.fd = opened,
		.length = LENGTH,
		.iova = BASE,
	};

	return ioctl(iommu, _IO(IOMMUFD_TYPE, 0x8f), &map) ? -errno : 0;
}

static int map_huge(void)
{
	return ioas_map_at(iommu, src, huge, HUGE, RW, BASE);
}

static void unmap_src(void)
{
	unmap_all(src);
}

static void prepare_to_map(void)
{
	attach_anew(src);
	prepare_memory();
}

static void assert_unreachable(uint64_t at)
{
	memset(memory, 0x55, PAGE);
	edu_write(&edu, at);
	assert_int_equal(memory[0], 0x55);
	assert_memory_equal(memory, memory + 1, PAGE - 1);
}

static void assert_map_unreachable(void)
{
	assert_unreachable(BASE);
	assert_unreachable(BASE + LENGTH - PAGE);
}

static void mapping_without_device(void **state)
{
	sweep(&(struct request){
		.prepare = prepare_memory,
		.run = map_small,
		.undo = unmap_src,
	});
}

/* Hardly two are neighbours: they are runs that are mapped together */
static void prepare_to_map_scattered(void)
{
	unsigned long i;

	prepare_to_map();
	for (i = 0; i < PAGES; i++)
		memory[i * 5 % PAGES * PAGE] = 1;
}

static void assert_across_unreachable(void)
{
	assert_unreachable(ACROSS);
	assert_unreachable(ACROSS + LENGTH / 2 - PAGE);
	assert_unreachable(ACROSS + LENGTH / 2);
}

static void mapping_scattered_pages(void **state)
{
	assert_int_equal(edu_attach(&edu, src), 0);
	sweep(&(struct request){
		.prepare = prepare_to_map_scattered,
		.run = map_small,
		.undo = unmap_src,
		.check = assert_across_unreachable,
	});
}

static void mapping_at_a_chosen_address(void **state)
{
	assert_int_equal(edu_attach(&edu, src), 0);
	sweep(&(struct request){
		.prepare = prepare_to_map,
		.run = map_chosen,
		.undo = unmap_src,
	});
}

static void mapping_huge_pages(void **state)
{
	assert_int_equal(edu_attach(&edu, src), 0);
	sweep(&(struct request){
		.prepare = prepare_to_map,
		.run = map_huge,
		.undo = unmap_src,
	});
}

/* Without pages, which the request has to make */
static void prepare_file(void)
{
	attach_anew(src);
	assert_int_equal(ftruncate(opened, 0), 0);
	assert_int_equal(ftruncate(opened, LENGTH), 0);
}

static void mapping_a_file(void **state)
{
	opened = memfd_create("fault", MFD_CLOEXEC);
	assert_return_code(opened, errno);
	assert_int_equal(edu_attach(&edu, src), 0);
	sweep(&(struct request){
		.prepare = prepare_file,
		.run = map_file,
		.undo = unmap_src,
	});
	close(opened);
}

/* Pages are in use by the one already, in part */
static void prepare_to_copy(void)
{
	struct copy_source part = { src, BASE + 2 * PAGE, 6 * PAGE };

	unmap_all(dst);
	attach_anew(dst);
	prepare_memory();
	assert_int_equal(ioas_copy_at(iommu, dst, &part, RW, BASE), 0);
}

static int copy_part(void)
{
	struct copy_source part = { src, BASE + 4 * PAGE, 16 * PAGE };

	return ioas_copy_at(iommu, dst, &part, RW, ELSEWHERE);
}

static void unmap_copy(void)
{
	assert_int_equal(ioas_unmap(iommu, dst, ELSEWHERE, HUGE, NULL), 0);
}

static void copying_part_of_an_area(void **state)
{
	map_at(src, memory, LENGTH, BASE);
	assert_int_equal(edu_attach(&edu, dst), 0);
	sweep(&(struct request){
		.prepare = prepare_to_copy,
		.run = copy_part,
		.undo = unmap_copy,
	});
}

static void copying_what_is_pinned(void **state)
{
	map_at(src, memory, LENGTH, BASE);
	assert_int_equal(edu_attach(&edu, dst), 0);
	assert_int_equal(nvme_attach(nvme, src), 0);
	sweep(&(struct request){
		.prepare = prepare_nothing,
		.run = copy_part,
		.undo = unmap_copy,
	});
}

/* A page each, in an order that shares none of their runs */
static void map_many(uint32_t ioas)
{
	unsigned long i;

	for (i = 0; i < PAGES; i++)
		map_at(ioas, memory + i * 5 % PAGES * PAGE, PAGE,
		       ELSEWHERE + i * PAGE);
}

static int copy_many(void)
{
	struct copy_source many = { src, ELSEWHERE, LENGTH };

	return ioas_copy_at(iommu, dst, &many, RW, ELSEWHERE);
}

static void prepare_to_copy_many(void)
{
	attach_anew(dst);
	prepare_memory();
}

static void copying_many_areas(void **state)
{
	map_many(src);
	assert_int_equal(edu_attach(&edu, dst), 0);
	sweep(&(struct request){
		.prepare = prepare_to_copy_many,
		.run = copy_many,
		.undo = unmap_copy,
	});
}

/* Huge pages, pages in a row, scattered ones, and memory shared by areas */
static void map_all_kinds(uint32_t ioas)
{
	struct copy_source part = { ioas, BASE + 4 * PAGE, 8 * PAGE };

	map_at(ioas, memory, LENGTH, BASE);
	map_at(ioas, huge, HUGE, BASE + 2 * HUGE);
	map_many(ioas);
	assert_int_equal(ioas_copy_at(iommu, ioas, &part, RW, SCRATCH), 0);
}

static int attach_edu(void)
{
	return edu_attach(&edu, src);
}

static void detach_edu(void)
{
	assert_int_equal(edu_detach(&edu), 0);
}

static void attaching_the_first_device(void **state)
{
	map_all_kinds(src);
	sweep(&(struct request){
		.prepare = prepare_memory,
		.run = attach_edu,
		.undo = detach_edu,
		.check = assert_map_unreachable,
	});
}

static void attaching_without_areas(void **state)
{
	sweep(&(struct request){
		.prepare = prepare_nothing,
		.run = attach_edu,
		.undo = detach_edu,
	});
}

static void attaching_one_more_device(void **state)
{
	map_all_kinds(src);
	assert_int_equal(nvme_attach(nvme, src), 0);
	sweep(&(struct request){
		.prepare = prepare_nothing,
		.run = attach_edu,
		.undo = detach_edu,
		.check = assert_map_unreachable,
	});
}

static int64_t hwpt;

static int alloc_hwpt(void)
{
	hwpt = hwpt_alloc(iommu, edu.id, src, 0);
	return hwpt < 0 ? hwpt : 0;
}

static void destroy_hwpt(void)
{
	assert_int_equal(object_destroy(iommu, hwpt), 0);
}

static void making_a_hwpt(void **state)
{
	map_all_kinds(src);
	sweep(&(struct request){
		.prepare = prepare_memory,
		.run = alloc_hwpt,
		.undo = destroy_hwpt,
	});
}

static int replace_edu(void)
{
	return edu_attach(&edu, dst);
}

static void replace_back(void)
{
	assert_int_equal(edu_attach(&edu, src), 0);
}

/* Back in the IOAS with but one page, which the device can tell */
static void assert_at_the_old_place(void)
{
	memset(huge, 0x33, PAGE);
	edu_read(&edu, SCRATCH);
	memset(huge, 0x55, PAGE);
	edu_write(&edu, SCRATCH);
	assert_int_equal(huge[0], 0x33);
	assert_memory_equal(huge, huge + 1, PAGE - 1);
}

static void prepare_small_memory(void)
{
	assert_int_equal(madvise(memory, LENGTH, MADV_DONTNEED), 0);
}

static void replacing(void **state)
{
	map_at(src, huge, PAGE, SCRATCH);
	map_at(dst, memory, LENGTH, BASE);
	map_many(dst);
	assert_int_equal(edu_attach(&edu, src), 0);
	sweep(&(struct request){
		.prepare = prepare_small_memory,
		.run = replace_edu,
		.undo = replace_back,
		.check = assert_at_the_old_place,
	});
}

static int unmap_everything(void)
{
	return ioas_unmap_all(iommu, src);
}

static void map_again(void)
{
	map_all_kinds(src);
}

static void unmapping(void **state)
{
	assert_int_equal(edu_attach(&edu, src), 0);
	map_all_kinds(src);
	sweep(&(struct request){
		.prepare = prepare_nothing,
		.run = unmap_everything,
		.undo = map_again,
		.never_fails = true,
	});
}

/* From the midst of what other uses share */
static int unmap_copy_of_part(void)
{
	return ioas_unmap(iommu, src, SCRATCH, 8 * PAGE, NULL);
}

static void copy_part_again(void)
{
	struct copy_source part = { src, BASE + 4 * PAGE, 8 * PAGE };

	assert_int_equal(ioas_copy_at(iommu, src, &part, RW, SCRATCH), 0);
}

static void unmapping_a_copy(void **state)
{
	assert_int_equal(edu_attach(&edu, src), 0);
	map_all_kinds(src);
	sweep(&(struct request){
		.prepare = prepare_nothing,
		.run = unmap_copy_of_part,
		.undo = copy_part_again,
		.never_fails = true,
	});
}

static int detach(void)
{
	return edu_detach(&edu);
}

static void attach_again(void)
{
	assert_int_equal(edu_attach(&edu, src), 0);
}

static void detaching(void **state)
{
	assert_int_equal(edu_attach(&edu, src), 0);
	map_all_kinds(src);
	sweep(&(struct request){
		.prepare = prepare_nothing,
		.run = detach,
		.undo = attach_again,
		.never_fails = true,
	});
}

static int destroy_fresh(void)
{
	return object_destroy(iommu, fresh_ioas);
}

static void alloc_and_fill(void)
{
	assert_int_equal(alloc_ioas(), 0);
	map_all_kinds(fresh_ioas);
}

static void destroying_an_ioas(void **state)
{
	alloc_and_fill();
	sweep(&(struct request){
		.prepare = prepare_nothing,
		.run = destroy_fresh,
		.undo = alloc_and_fill,
		.never_fails = true,
	});
}

static int close_context(void)
{
	return close(opened) ? -errno : 0;
}

static void open_and_fill(void)
{
	uint32_t ioas;

	opened = context_open();
	ioas = ioas_new(opened);
	assert_int_equal(ioas_map_at(opened, ioas, memory, LENGTH, RW, BASE),
			 0);
}

static void closing(void **state)
{
	open_and_fill();
	sweep(&(struct request){
		.prepare = prepare_nothing,
		.run = close_context,
		.undo = open_and_fill,
		.never_fails = true,
	});
	close(opened);
}

#define TEST(_test) cmocka_unit_test_setup_teardown(_test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(opening),
		TEST(allocating_an_ioas),
		TEST(allowing_ranges),
		TEST(mapping_without_device),
		TEST(mapping_scattered_pages),
		TEST(mapping_at_a_chosen_address),
		TEST(mapping_huge_pages),
		TEST(mapping_a_file),
		TEST(copying_part_of_an_area),
		TEST(copying_what_is_pinned),
		TEST(copying_many_areas),
		TEST(attaching_without_areas),
		TEST(attaching_the_first_device),
		TEST(attaching_one_more_device),
		TEST(making_a_hwpt),
		TEST(replacing),
		TEST(unmapping),
		TEST(unmapping_a_copy),
		TEST(detaching),
		TEST(destroying_an_ioas),
		TEST(closing),
	};

	return run_tap(tests, setup_injection, NULL);
}

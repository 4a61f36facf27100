// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=240 */
/*
 * A process can hold its own mmap lock for as long as a FUSE server of its own
 * likes. Others who share a context with it need that lock, to pin memory that it
 * has mapped and to charge or uncharge it. SIGKILL has to end a wait for the lock,
 * and requests that give memory back must not wait for it at all.
 */
#include <linux/aio_abi.h>
#include <sys/syscall.h>

#include "lib/fuse.h"
#include "lib/policy.h"
#include "lib/type1.h"

#define BASE (16 * MIB)
#define PAGES 16UL
#define PAGES_KIB ((long)(PAGES * PAGE / KIB))
/* Milliseconds: within these, a request does not wait for the server */
#define SOON 5000
/* Milliseconds the module may take to uncharge once the lock is free */
#define A_MOMENT 2000

/**
 * struct way - how the memory of the mapper is mapped and charged
 * @exempt: the mapper has CAP_IPC_LOCK: memory is pinned, and charged to nobody
 * @type1: map with VFIO_IOMMU_MAP_DMA, which charges the process
 * @file: map with IOMMU_IOAS_MAP_FILE
 * @policy: a policy pays for the memory
 * @flags: flags of that policy
 */
struct way {
	bool exempt;
	bool type1;
	bool file;
	bool policy;
	uint64_t flags;
};

static const struct way exempt = { .exempt = true };
static const struct way charged = {};
static const struct way charged_by_type1 = { .type1 = true };
static const struct way charged_by_policy = { .policy = true };
static const struct way charged_for_file = { .file = true };
static const struct way exceeding = {
	.policy = true,
	.flags = IOMMUFD_POLICY_F_EXCEED_RLIMIT,
};

static const struct way *way;
static struct fuse fuse;
static struct policy policy;
static int iommu, memfd;
static uint32_t ioas;
static struct edu edu;
static char *memory;
/* Maps memory into the context, then gets stuck in mmap() of the FUSE file */
static struct puppet mapper;
/* Shares the context with the mapper, and must not get stuck */
static struct puppet other;

static void start_policy(void)
{
	policy_open(&policy, "answer");
	policy.ops->flags = way->flags;
	assert_int_equal(policy_load(&policy), 0);
	assert_int_equal(policy_attach(&policy), 0);
	policy.answer->charge_answer = IOMMUFD_POLICY_PAY;
}

static long become_limited(long unused, long unused2)
{
	return become_tenant(2 * PAGES);
}

static long map_memory(long unused, long unused2)
{
	const struct file_range range = { memfd, 0, PAGES * PAGE };
	uint64_t iova = BASE;

	if (way->type1)
		return type1_map(iommu, memory, PAGES * PAGE, DMA_RW, BASE);
	if (way->file)
		return ioas_map_file(iommu, ioas, &range, RW | FIXED, &iova);
	return ioas_map_at(iommu, ioas, memory, PAGES * PAGE, RW, BASE);
}

static int setup(void **state)
{
	way = *state;
	fuse_start(&fuse);
	if (way->policy)
		start_policy();
	iommu = context_open();
	assert_int_equal(option_set(iommu, IOMMU_OPTION_RLIMIT_MODE, 0,
				    !way->type1), 0);
	ioas = ioas_new(iommu);
	assert_int_equal(compat_set(iommu, ioas), 0);
	edu_open(&edu, iommu);
	memory = memory_new(PAGES * PAGE);
	memfd = memfd_create("mapped", MFD_CLOEXEC);
	assert_return_code(ftruncate(memfd, PAGES * PAGE), errno);
	puppet_start(&mapper);
	puppet_start(&other);
	if (!way->exempt)
		assert_int_equal(puppet_do(&mapper, become_limited, 0, 0), 0);
	assert_int_equal(puppet_do(&mapper, map_memory, 0, 0), 0);
	return 0;
}

static void close_context(void)
{
	if (iommu < 0)
		return;
	edu_close(&edu);
	close(iommu);
	iommu = -1;
}

static int teardown(void **state)
{
	fuse_stop(&fuse);
	puppet_kill(&other);
	puppet_kill(&mapper);
	close_context();
	if (way->policy)
		policy_stop(&policy);
	munmap(memory, PAGES * PAGE);
	close(memfd);
	assert_int_equal(pinned_pages(0), 0);
	return 0;
}

/* FUSE pins the pages of the write that waits for an answer */
static long pinned_by_fuse;

static void hold_mmap_lock(void)
{
	long before = pinned_pages_now();

	fuse_fall_silent(&fuse);
	pinned_by_fuse = pinned_pages_now() - before;
	fuse_seat(&fuse, &mapper);
}

static void release_mmap_lock(void)
{
	fuse_speak(&fuse);
	fuse_unseat(&mapper);
}

static long locked(long unused, long unused2)
{
	return status_kib("VmLck:");
}

static void assert_locked_soon(long kib)
{
	int waited;

	for (waited = 0; waited < A_MOMENT; waited += 50) {
		if (puppet_do(&mapper, locked, 0, 0) == kib)
			break;
		usleep(50000);
	}
	assert_int_equal(puppet_do(&mapper, locked, 0, 0), kib);
}

static long attach(long unused, long unused2)
{
	return edu_attach(&edu, ioas);
}

static long make_hwpt(long unused, long unused2)
{
	return hwpt_alloc(iommu, edu.id, ioas, 0);
}

static void killed_in(puppet_step *step)
{
	hold_mmap_lock();
	puppet_begin(&other, step, 0, 0);
	wait_in_syscall(other.pid, SYS_ioctl);
	/* A request that ends by itself needs no lock, and would test nothing */
	assert_false(puppet_answers(&other, 500));
	assert_true(puppet_dies(&other, SOON));
	release_mmap_lock();
	assert_locked_soon(0);
	assert_int_equal(pinned_pages(0), 0);
	/* The killed request has left nothing behind that gets in the way */
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), PAGES);
	assert_int_equal(edu_detach(&edu), 0);
	assert_locked_soon(0);
}

static void killed_in_attach(void **state)
{
	killed_in(attach);
}

static void killed_in_making_a_hwpt(void **state)
{
	killed_in(make_hwpt);
}

static void charge_before(void)
{
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(puppet_do(&mapper, locked, 0, 0),
			 way->flags ? 0 : PAGES_KIB);
	if (way->policy)
		assert_int_equal(policy.answer->balance, PAGES);
}

/* The memory is unpinned at once, and uncharged when the lock is free */
static void assert_given_back(void)
{
	assert_int_equal(pinned_pages(pinned_by_fuse), pinned_by_fuse);
	if (way->policy)
		assert_int_equal(policy.answer->balance, 0);
	release_mmap_lock();
	assert_locked_soon(0);
}

static void does_not_wait_in(puppet_step *step)
{
	hold_mmap_lock();
	puppet_begin(&other, step, 0, 0);
	assert_true(puppet_answers(&other, SOON));
	assert_int_equal(puppet_end(&other), 0);
}

static long unmap(long unused, long unused2)
{
	return ioas_unmap_all(iommu, ioas);
}

static void unmapping_does_not_wait(void **state)
{
	charge_before();
	does_not_wait_in(unmap);
	assert_given_back();
}

static long detach(long unused, long unused2)
{
	return edu_detach(&edu);
}

static void detaching_does_not_wait(void **state)
{
	charge_before();
	does_not_wait_in(detach);
	assert_given_back();
}

static int64_t hwpt;

static long destroy_hwpt(long unused, long unused2)
{
	return object_destroy(iommu, hwpt);
}

static long keep_hwpt(long id, long unused)
{
	hwpt = id;
	return 0;
}

static void destroying_a_hwpt_does_not_wait(void **state)
{
	hwpt = hwpt_alloc(iommu, edu.id, ioas, 0);
	assert_true(hwpt > 0);
	assert_int_equal(puppet_do(&mapper, locked, 0, 0), PAGES_KIB);
	assert_int_equal(puppet_do(&other, keep_hwpt, hwpt, 0), 0);
	does_not_wait_in(destroy_hwpt);
	assert_given_back();
}

static long change_process(long unused, long unused2)
{
	return ioas_change_process(iommu);
}

static void taking_memory_over_does_not_wait(void **state)
{
	charge_before();
	does_not_wait_in(change_process);
	assert_int_equal(puppet_do(&other, locked, 0, 0), PAGES_KIB);
	release_mmap_lock();
	assert_locked_soon(0);
	assert_int_equal(puppet_do(&other, unmap, 0, 0), 0);
	assert_int_equal(puppet_do(&other, locked, 0, 0), 0);
}

static long leave_context(long unused, long unused2)
{
	close_context();
	return 0;
}

/* The context ends while the process exits, where no signal can end a wait */
static void the_end_of_a_context_does_not_wait(void **state)
{
	charge_before();
	assert_int_equal(puppet_do(&mapper, leave_context, 0, 0), 0);
	close_context();
	hold_mmap_lock();
	assert_true(puppet_dies(&other, SOON));
	assert_given_back();
}

static void closing_a_context_does_not_wait(void **state)
{
	charge_before();
	assert_int_equal(puppet_do(&mapper, leave_context, 0, 0), 0);
	close_context();
	does_not_wait_in(leave_context);
	assert_given_back();
}

/* Once the policy is gone, its pages have to be charged to the mapper */
static void a_policy_that_goes_does_not_wait(void **state)
{
	charge_before();
	hold_mmap_lock();
	policy_detach(&policy);
	release_mmap_lock();
	assert_locked_soon(PAGES_KIB);
	assert_int_equal(puppet_do(&other, unmap, 0, 0), 0);
	assert_locked_soon(0);
}

/* What is still to be charged is not given back before that */
static void unmapping_right_after_the_lock_is_free(void **state)
{
	int i;

	charge_before();
	hold_mmap_lock();
	policy_detach(&policy);
	/* The module looks at the lock now and then, and not just now */
	usleep(250000);
	release_mmap_lock();
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	for (i = 0; i < 10; i++) {
		assert_in_range(puppet_do(&mapper, locked, 0, 0), 0,
				PAGES_KIB);
		usleep(20000);
	}
	assert_locked_soon(0);
}

static void unmapping_after_a_policy_does_not_wait(void **state)
{
	charge_before();
	hold_mmap_lock();
	policy_detach(&policy);
	puppet_begin(&other, unmap, 0, 0);
	assert_true(puppet_answers(&other, SOON));
	assert_int_equal(puppet_end(&other), 0);
	assert_int_equal(pinned_pages(pinned_by_fuse), pinned_by_fuse);
	release_mmap_lock();
	assert_locked_soon(0);
}

/* In a process that can go: its userfaultfd goes with it */
static long hide_memory(long unused, long unused2)
{
	int fd = userfault_try(memory, PAGE);

	return fd < 0 ? fd : 0;
}

/* The end of an address space waits for asynchronous IO, and no signal ends that */
static long read_for_ever(long unused, long unused2)
{
	static char buffer[PAGE];
	aio_context_t context = 0;
	struct iocb iocb = {
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_fildes = fuse.file,
		.aio_buf = (uintptr_t)buffer,
		.aio_nbytes = PAGE,
	};
	struct iocb *list = &iocb;

	if (syscall(SYS_io_setup, 1, &context))
		return -errno;
	return syscall(SYS_io_submit, context, 1, &list) == 1 ? 0 : -errno;
}

/* The mapper exits while its memory is being pinned: who ends its address space? */
static void the_last_to_use_an_mm_does_not_wait(void **state)
{
	int err;

	assert_int_equal(puppet_do(&mapper, hide_memory, 0, 0), 0);
	assert_int_equal(puppet_do(&mapper, read_for_ever, 0, 0), 0);
	fuse_wait_for_requests(&fuse, 1);
	puppet_begin(&other, attach, 0, 0);
	wait_in_syscall(other.pid, SYS_ioctl);
	assert_false(puppet_answers(&other, 500));
	assert_true(puppet_dies(&mapper, SOON));
	assert_true(puppet_answers(&other, SOON));
	err = puppet_end(&other);
	assert_true(!err || err == -EFAULT);
}

#define WAY(_test, _way)						\
	{ #_test ", " #_way, _test, setup, teardown, (void *)&(_way) }

int main(void)
{
	static const struct CMUnitTest tests[] = {
		WAY(killed_in_attach, exempt),
		WAY(killed_in_making_a_hwpt, exempt),
		WAY(killed_in_attach, charged),
		WAY(killed_in_making_a_hwpt, charged),
		WAY(killed_in_attach, charged_by_type1),
		WAY(killed_in_attach, charged_by_policy),
		WAY(killed_in_attach, exceeding),
		WAY(killed_in_attach, charged_for_file),
		WAY(unmapping_does_not_wait, charged),
		WAY(unmapping_does_not_wait, charged_by_type1),
		WAY(unmapping_does_not_wait, charged_by_policy),
		WAY(detaching_does_not_wait, charged),
		WAY(destroying_a_hwpt_does_not_wait, charged),
		WAY(taking_memory_over_does_not_wait, charged_for_file),
		WAY(the_end_of_a_context_does_not_wait, charged),
		WAY(the_end_of_a_context_does_not_wait, charged_by_policy),
		WAY(closing_a_context_does_not_wait, charged),
		WAY(a_policy_that_goes_does_not_wait, exceeding),
		WAY(unmapping_after_a_policy_does_not_wait, exceeding),
		WAY(unmapping_right_after_the_lock_is_free, exceeding),
		WAY(the_last_to_use_an_mm_does_not_wait, exempt),
	};

	return run_tap(tests, NULL, NULL);
}

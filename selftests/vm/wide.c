// SPDX-License-Identifier: GPL-2.0-only
/* lab: boot=own parallel=yes smp=2 timeout=240 */
/* Large requests that several threads pin, and what can come in between */
#include <linux/mempolicy.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/policy.h"
#include "lib/puppet.h"

#define PARAMETER "/sys/module/iommufd/parameters/pin_threads"
#define POOL "/proc/sys/vm/nr_hugepages"
#define RAMFS "/tmp/wide-ramfs"
#define SCRATCH MIB
#define BASE (16 * MIB)
/* More than is worth it, and within reach of edu */
#define LENGTH (64 * MIB)
#define PAGES ((long)(LENGTH / PAGE))

static int iommu;
static uint32_t ioas;
static struct edu edu;
static char *memory, *scratch;
static struct policy policy;
static struct puppet puppet;

static void must_map(void *start, size_t length, uint64_t iova)
{
	assert_int_equal(ioas_map_at(iommu, ioas, start, length, RW, iova), 0);
}

static int map_all(void)
{
	return ioas_map_at(iommu, ioas, memory, LENGTH, RW, BASE);
}

static void unmap_all(void)
{
	assert_int_equal(ioas_unmap(iommu, ioas, BASE, LENGTH, NULL), 0);
}

static long pinned(void)
{
	return fdinfo_value(iommu, "iommufd-pinned:") - 1;
}

/* Beside the scratch page */
static void assert_pinned(long pages)
{
	assert_int_equal(pinned(), pages);
	assert_int_equal(pinned_pages(pages + 1), pages + 1);
}

static int setup(void **state)
{
	policy.object = NULL;
	puppet.pid = 0;
	iommu = context_open();
	ioas = ioas_new(iommu);
	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	scratch = memory_new(PAGE);
	must_map(scratch, PAGE, SCRATCH);
	memory = memory_aligned(LENGTH, HUGE);
	madvise(memory, LENGTH, MADV_NOHUGEPAGE);
	return 0;
}

static int teardown(void **state)
{
	puppet_kill(&puppet);
	if (policy.object)
		policy_stop(&policy);
	assert_return_code(write_number(PARAMETER, 16), EINVAL);
	edu_close(&edu);
	close(iommu);
	munmap(scratch, PAGE);
	munmap(memory, LENGTH);
	assert_int_equal(pinned_pages(0), 0);
	return 0;
}

static void assert_reaches_page(char *page, uint64_t iova)
{
	*(uint64_t *)page = iova;
	edu_read(&edu, iova);
	edu_write(&edu, SCRATCH);
	assert_int_equal(*(volatile uint64_t *)scratch, iova);
}

/* Where the work is cut, among other places: edu takes its time for a page */
static void assert_reaches(char *start, size_t length, uint64_t iova)
{
	const size_t slice = 8 * MIB - (uintptr_t)start % HUGE;
	const size_t places[] = {
		0, slice - PAGE, slice, length / 2, length - PAGE,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++)
		assert_reaches_page(start + places[i], iova + places[i]);
}

static void assert_maps_and_unmaps(void)
{
	assert_int_equal(map_all(), 0);
	assert_pinned(PAGES);
	assert_reaches(memory, LENGTH, BASE);
	unmap_all();
	assert_pinned(0);
}

static void memory_never_touched(void **state)
{
	assert_maps_and_unmaps();
}

static void memory_in_use(void **state)
{
	memset(memory, 1, LENGTH);
	assert_maps_and_unmaps();
}

static void huge_pages(void **state)
{
	madvise(memory, LENGTH, MADV_HUGEPAGE);
	assert_maps_and_unmaps();
}

static void any_number_of_threads(void **state)
{
	const long numbers[] = { 0, 1, 2, 3, 1000 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		assert_return_code(write_number(PARAMETER, numbers[i]), EINVAL);
		assert_maps_and_unmaps();
		madvise(memory, LENGTH, MADV_DONTNEED);
	}
}

static void begins_and_ends_anywhere(void **state)
{
	const size_t skip[] = { PAGE, HUGE - PAGE, 3 * HUGE + 5 * PAGE };
	size_t i, length;

	for (i = 0; i < ARRAY_SIZE(skip); i++) {
		length = LENGTH - skip[i] - 7 * PAGE;
		must_map(memory + skip[i], length, BASE);
		assert_pinned(length / PAGE);
		assert_reaches(memory + skip[i], length, BASE);
		assert_int_equal(ioas_unmap(iommu, ioas, BASE, length, NULL),
				 0);
		madvise(memory, LENGTH, MADV_DONTNEED);
	}
}

static void an_attach_pins_as_well(void **state)
{
	assert_int_equal(edu_detach(&edu), 0);
	assert_int_equal(map_all(), 0);
	assert_int_equal(pinned_pages(0), 0);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_pinned(PAGES);
	assert_reaches(memory, LENGTH, BASE);
}

static void files(void **state)
{
	int fd = memfd_create("wide", MFD_CLOEXEC);
	const struct file_range range = { fd, PAGE, LENGTH - PAGE };
	uint64_t iova = BASE;
	char *file;

	assert_return_code(fd, errno);
	assert_return_code(ftruncate(fd, LENGTH), errno);
	file = memory_file(fd, LENGTH);
	assert_int_equal(ioas_map_file(iommu, ioas, &range, RW | FIXED, &iova),
			 0);
	assert_pinned(PAGES - 1);
	assert_reaches(file + PAGE, LENGTH - PAGE, BASE);
	munmap(file, LENGTH);
	close(fd);
}

/* Other memory in place of some; a file is closed */
static void replace(size_t offset, size_t length, int flags, int fd)
{
	void *at = memory + offset;

	if (fd >= 0)
		assert_return_code(ftruncate(fd, length), errno);
	assert_ptr_equal(mmap(at, length, PROT_READ | PROT_WRITE,
			      flags | MAP_FIXED, fd, 0), at);
	if (fd >= 0)
		close(fd);
}

static int ramfs_file(void)
{
	int fd;

	if (mkdir(RAMFS, 0700)) {
		assert_int_equal(errno, EEXIST);
	} else {
		assert_return_code(mount("ramfs", RAMFS, "ramfs", 0, NULL),
				   errno);
	}
	fd = open(RAMFS "/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_return_code(fd, errno);
	return fd;
}

/* Workers leave a file to the caller, here with the slices around it */
static void all_kinds_of_memory(void **state)
{
	assert_int_equal(write_number(POOL, 4), 0);
	replace(0, 12 * MIB, MAP_SHARED, memfd_create("wide", MFD_CLOEXEC));
	replace(20 * MIB, 5 * MIB, MAP_PRIVATE,
		memfd_create("wide", MFD_CLOEXEC));
	replace(28 * MIB, 4 * HUGE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB,
		-1);
	replace(41 * MIB, 9 * MIB + PAGE, MAP_PRIVATE, ramfs_file());
	assert_maps_and_unmaps();
	replace(28 * MIB, 4 * HUGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	assert_int_equal(write_number(POOL, 0), 4);
}

static void what_cannot_be_pinned_undoes_all(void **state)
{
	const size_t holes[] = { 0, 30 * MIB + PAGE, LENGTH - PAGE };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(holes); i++) {
		assert_return_code(munmap(memory + holes[i], PAGE), errno);
		assert_int_equal(map_all(), -EFAULT);
		assert_pinned(0);
		assert_int_equal(ioas_areas(iommu, ioas), 1);
		replace(holes[i], PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
		assert_maps_and_unmaps();
		madvise(memory, LENGTH, MADV_DONTNEED);
	}
}

static void read_only_memory_is_not_written(void **state)
{
	assert_return_code(mprotect(memory + 40 * MIB, PAGE, PROT_READ), errno);
	assert_int_equal(map_all(), -EFAULT);
	assert_pinned(0);
}

/* In two pieces, with what another use has pinned in between */
static void around_what_is_pinned(void **state)
{
	struct copy_source source = { ioas_new(iommu), BASE, LENGTH };
	const size_t first = 32 * MIB + 3 * PAGE;

	replace(0, LENGTH, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	munmap(memory, LENGTH);
	memory = memory_aligned(LENGTH + 32 * MIB, HUGE);
	source.length = LENGTH + 32 * MIB;
	assert_int_equal(ioas_map_at(iommu, source.ioas, memory, source.length,
				     RW, BASE), 0);
	source.iova = BASE + first;
	source.length = HUGE;
	assert_int_equal(ioas_copy_at(iommu, ioas, &source, RW, 8 * MIB), 0);
	assert_pinned(HUGE / PAGE);
	source.iova = BASE;
	source.length = LENGTH + 32 * MIB;
	assert_int_equal(ioas_copy_at(iommu, ioas, &source, RW, BASE), 0);
	assert_pinned(source.length / PAGE);
	assert_reaches(memory, source.length, BASE);
	assert_int_equal(ioas_unmap(iommu, ioas, BASE, source.length, NULL), 0);
	assert_pinned(HUGE / PAGE);
	assert_reaches_page(memory + first, 8 * MIB);
	munmap(memory + LENGTH, 32 * MIB);
}

static int map_to_the_limit(void *arg)
{
	const long *limit = arg;
	const int expected = *limit < PAGES ? -ENOMEM : 0;
	const long before = fdinfo_value(iommu, "iommufd-charged:");

	CHECK(!become_tenant(*limit));
	CHECK(map_all() == expected);
	CHECK(fdinfo_value(iommu, "iommufd-charged:") - before ==
	      (expected ? 0 : PAGES));
	CHECK(ioas_map_at(iommu, ioas, memory, PAGE, RW, BASE + LENGTH) ==
	      (expected ? 0 : -ENOMEM));
	return 0;
}

static void the_limit_is_exact(void **state)
{
	long limit;

	limit = PAGES - 1;
	assert_int_equal(in_child(map_to_the_limit, &limit), 0);
	assert_pinned(1);
	assert_int_equal(ioas_unmap(iommu, ioas, BASE + LENGTH, PAGE, NULL), 0);
	limit = PAGES;
	assert_int_equal(in_child(map_to_the_limit, &limit), 0);
	assert_pinned(PAGES);
	unmap_all();
}

static long set_up_memory(long fault_at, long unused)
{
	/* Not that of the parent, nor any that it shares */
	replace(0, LENGTH, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	madvise(memory, LENGTH, MADV_NOHUGEPAGE);
	return fault_at < 0 ? 0 : userfault_new(memory + fault_at, PAGE);
}

static long map_step(long a, long b)
{
	return map_all();
}

/* How many are pinned once a request at work has come to so many */
static long comes_to_pin(long pages)
{
	int tries = 6000;
	long now;

	do {
		usleep(10000);
		now = pinned_pages_now();
	} while (now < pages && --tries);
	assert_true(now >= pages);
	return now;
}

static void start_with_fault_at(size_t offset)
{
	puppet_start(&puppet);
	assert_true(puppet_do(&puppet, set_up_memory, offset, 0) >= 0);
	puppet_begin(&puppet, map_step, 0, 0);
}

/* Wherever the fault is that never comes, the rest is pinned meanwhile */
static void workers_do_not_wait_for_user_space(void **state)
{
	const size_t places[] = { 0, 20 * MIB, 63 * MIB };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		start_with_fault_at(places[i]);
		comes_to_pin(PAGES / 2);
		usleep(100000);
		assert_true(pinned_pages_now() < PAGES);
		puppet_kill(&puppet);
		assert_pinned(0);
		assert_int_equal(ioas_areas(iommu, ioas), 1);
	}
}

static void *map_thread(void *arg)
{
	return (void *)(intptr_t)map_all();
}

static void a_fault_that_is_resolved_is_no_failure(void **state)
{
	int uffd = userfault_new(memory + 20 * MIB, PAGE);
	pthread_t thread;
	void *result;

	assert_int_equal(pthread_create(&thread, NULL, map_thread, NULL), 0);
	userfault_wait(uffd);
	userfault_resolve(uffd, memory + 20 * MIB, PAGE);
	pthread_join(thread, &result);
	assert_int_equal((intptr_t)result, 0);
	assert_pinned(PAGES);
	assert_reaches(memory, LENGTH, BASE);
}

static void assert_works_alone(puppet_step *confine)
{
	puppet_start(&puppet);
	if (confine)
		assert_int_equal(puppet_do(&puppet, confine, 0, 0), 0);
	assert_true(puppet_do(&puppet, set_up_memory, 0, 0) >= 0);
	puppet_begin(&puppet, map_step, 0, 0);
	usleep(500000);
	assert_int_equal(pinned_pages(1), 1);
	puppet_kill(&puppet);
	assert_pinned(0);
}

static void one_thread_is_the_caller(void **state)
{
	assert_int_equal(write_number(PARAMETER, 1), 16);
	assert_works_alone(NULL);
}

static long stay_on_one_cpu(long a, long b)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	return sched_setaffinity(0, sizeof(cpus), &cpus);
}

static long stay_on_one_node(long a, long b)
{
	unsigned long nodes = 1;

	return syscall(SYS_set_mempolicy, MPOL_BIND, &nodes, 2);
}

static void who_is_confined_works_alone(void **state)
{
	assert_works_alone(stay_on_one_cpu);
	/* A kernel without NUMA has no such confinement */
	if (!syscall(SYS_get_mempolicy, NULL, NULL, 0, NULL, 0))
		assert_works_alone(stay_on_one_node);
}

#define MUCH (768 * MIB)

static long map_much(long a, long b)
{
	void *much = memory_new(MUCH);

	madvise(much, MUCH, MADV_NOHUGEPAGE);
	return ioas_map_at(iommu, ioas, much, MUCH, RW, BASE);
}

static void who_is_killed_half_way_leaves_nothing(void **state)
{
	long reached;

	puppet_start(&puppet);
	puppet_begin(&puppet, map_much, 0, 0);
	reached = comes_to_pin(PAGES);
	puppet_kill(&puppet);
	printf("# killed after %ld pages\n", reached);
	assert_true(reached < (long)(MUCH / PAGE));
	assert_int_equal(ioas_areas(iommu, ioas), 1);
	assert_pinned(0);
}

static void *map_own(void *arg)
{
	uint64_t iova = BASE + (uintptr_t)arg * LENGTH;
	char *own = memory_aligned(LENGTH, HUGE);
	int i, err = 0;

	for (i = 0; !err && i < 3; i++) {
		err = ioas_map_at(iommu, ioas, own, LENGTH, RW, iova);
		if (!err && i < 2)
			err = ioas_unmap(iommu, ioas, iova, LENGTH, NULL);
		if (i < 2)
			madvise(own, LENGTH, MADV_DONTNEED);
	}
	return err ? NULL : own;
}

static void two_requests_at_once(void **state)
{
	pthread_t threads[2];
	void *own[2];
	size_t i;

	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, map_own,
						(void *)i), 0);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], &own[i]);
	assert_pinned(2 * PAGES);
	for (i = 0; i < 2; i++) {
		assert_non_null(own[i]);
		assert_reaches(own[i], LENGTH, BASE + i * LENGTH);
		munmap(own[i], LENGTH);
	}
}

static atomic_bool stop;
static atomic_ulong forks;

static void *fork_over_and_over(void *arg)
{
	pid_t pid;

	while (!stop) {
		pid = fork();
		if (!pid)
			_exit(0);
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			return NULL;
		forks++;
	}
	return arg;
}

static void a_process_that_forks_meanwhile(void **state)
{
	pthread_t thread;
	void *result;
	int i;

	stop = false;
	forks = 0;
	assert_int_equal(pthread_create(&thread, NULL, fork_over_and_over,
					&stop), 0);
	for (i = 0; i < 20 || forks < 20; i++) {
		assert_int_equal(map_all(), 0);
		assert_reaches_page(memory + i * MIB % LENGTH,
				    BASE + i * MIB % LENGTH);
		unmap_all();
		madvise(memory, LENGTH, MADV_DONTNEED);
	}
	stop = true;
	pthread_join(thread, &result);
	assert_non_null(result);
	assert_pinned(0);
}

static void *unmap_and_restore(void *arg)
{
	char *hole = memory + 40 * MIB;

	while (!stop) {
		munmap(hole, MIB);
		if (mmap(hole, MIB, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != hole)
			return NULL;
	}
	return arg;
}

static void memory_that_comes_and_goes_meanwhile(void **state)
{
	pthread_t thread;
	void *result;
	int i, err;

	stop = false;
	assert_int_equal(pthread_create(&thread, NULL, unmap_and_restore,
					&stop), 0);
	for (i = 0; i < 20; i++) {
		err = map_all();
		if (err) {
			assert_int_equal(err, -EFAULT);
			assert_int_equal(pinned(), 0);
		} else {
			assert_int_equal(pinned(), PAGES);
			unmap_all();
		}
	}
	stop = true;
	pthread_join(thread, &result);
	assert_non_null(result);
	assert_pinned(0);
	assert_maps_and_unmaps();
}

/* Workers have keys of their own, which open what that of the caller does not */
static void a_protection_key_keeps_workers_out(void **state)
{
	int key = pkey_alloc(0, 0);

	if (key < 0) {
		print_message("# no protection keys: %s\n", strerror(errno));
		skip();
	}
	assert_return_code(pkey_mprotect(memory + 20 * MIB, MIB,
					 PROT_READ | PROT_WRITE, key), errno);
	assert_maps_and_unmaps();

	assert_return_code(pkey_set(key, PKEY_DISABLE_WRITE), errno);
	assert_int_equal(map_all(), -EFAULT);
	assert_int_equal(ioas_areas(iommu, ioas), 1);
	assert_pinned(0);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, LENGTH, READ, BASE),
			 0);
	unmap_all();
	assert_return_code(pkey_free(key), errno);
}

/* The hook is held up, and then memory of a kind it does not allow appears */
static void what_was_judged_is_what_is_pinned(void **state)
{
	pthread_t thread;
	void *result;
	int uffd;

	policy_open(&policy, "answer");
	policy.ops->map = policy_program(&policy, "on_map_sleeping");
	policy.ops->flags = IOMMUFD_POLICY_F_MEM_KIND;
	assert_int_equal(policy_load(&policy), 0);
	assert_int_equal(policy_attach(&policy), 0);
	policy.answer->forbidden = IOMMUFD_POLICY_MEM_SHMEM;

	uffd = userfault_new(memory, PAGE);
	assert_int_equal(pthread_create(&thread, NULL, map_thread, NULL), 0);
	assert_int_equal(settled(&policy.answer->asleep, 1), 1);
	replace(50 * MIB, PAGE, MAP_SHARED, memfd_create("wide", MFD_CLOEXEC));
	userfault_resolve(uffd, memory, PAGE);
	pthread_join(thread, &result);
	assert_int_equal((intptr_t)result, -EAGAIN);
	assert_int_equal(ioas_areas(iommu, ioas), 1);
	assert_pinned(0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(memory_never_touched),
		TEST(memory_in_use),
		TEST(huge_pages),
		TEST(any_number_of_threads),
		TEST(begins_and_ends_anywhere),
		TEST(an_attach_pins_as_well),
		TEST(files),
		TEST(all_kinds_of_memory),
		TEST(what_cannot_be_pinned_undoes_all),
		TEST(read_only_memory_is_not_written),
		TEST(around_what_is_pinned),
		TEST(the_limit_is_exact),
		TEST(workers_do_not_wait_for_user_space),
		TEST(a_fault_that_is_resolved_is_no_failure),
		TEST(one_thread_is_the_caller),
		TEST(who_is_confined_works_alone),
		TEST(who_is_killed_half_way_leaves_nothing),
		TEST(two_requests_at_once),
		TEST(a_process_that_forks_meanwhile),
		TEST(memory_that_comes_and_goes_meanwhile),
		TEST(a_protection_key_keeps_workers_out),
		TEST(what_was_judged_is_what_is_pinned),
	};

	return run_tap(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Several processes and threads: sharing, blocking, and being killed */
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "test.h"

#define BASE (16 * MIB)
/* The page that blocks whoever touches it */
#define BLOCKED (128 * MIB)

static int iommu;
static uint32_t ioas;
static struct edu edu;
static char *memory;

static int setup(void **state)
{
	iommu = context_open();
	ioas = ioas_new(iommu);
	edu_open(&edu, iommu);
	memory = memory_new(64 * PAGE);
	memory_random(memory, 64 * PAGE);
	return 0;
}

static int setup_attached(void **state)
{
	setup(state);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	return 0;
}

static int teardown(void **state)
{
	munmap(memory, 64 * PAGE);
	edu_close(&edu);
	close(iommu);
	assert_int_equal(pinned_pages(0), 0);
	return 0;
}

static long pinned(void)
{
	return fdinfo_value(iommu, "iommufd-pinned:");
}

static int same_addresses_in_a_context_of_its_own(void *arg)
{
	int other = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

	CHECK(other >= 0);
	CHECK(!ioctl(other, IOMMU_IOAS_ALLOC, &alloc));
	CHECK(!ioas_map_at(other, alloc.out_ioas_id, memory, PAGE, RW, BASE));
	CHECK(ioas_map_at(other, alloc.out_ioas_id, memory, PAGE, RW, BASE) ==
	      -EEXIST);
	CHECK(!ioas_unmap_all(other, alloc.out_ioas_id));
	return 0;
}

static void contexts_know_nothing_of_each_other(void **state)
{
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW, BASE), 0);
	assert_int_equal(in_child(same_addresses_in_a_context_of_its_own, NULL),
			 0);
	assert_int_equal(ioas_areas(iommu, ioas), 1);
}

static int bind_the_device_again(void *arg)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	int other = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	struct edu taken;

	CHECK(other >= 0);
	CHECK(!ioctl(other, IOMMU_IOAS_ALLOC, &alloc));
	CHECK(edu_bind(&taken, other) < 0);
	return 0;
}

static void device_belongs_to_one_process(void **state)
{
	assert_int_equal(in_child(bind_the_device_again, NULL), 0);
	assert_int_equal(edu_attach(&edu, ioas), 0);
}

/* Memory that the parent does not have, at an address where it has other */
static int map_own_memory(void *arg)
{
	char *own = mmap(memory, PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	CHECK(own == memory);
	memset(own, 0x5a, PAGE);
	CHECK(!ioas_map_at(iommu, ioas, own, PAGE, RW, BASE));
	return 0;
}

static void child_maps_its_own_memory(void **state)
{
	char *copy = memory_new(PAGE);
	size_t i;

	assert_int_equal(in_child(map_own_memory, NULL), 0);
	/* It has ended; its memory is pinned and the device still reaches it */
	assert_int_equal(pinned(), 1);
	assert_int_equal(ioas_map_at(iommu, ioas, copy, PAGE, RW, BASE + PAGE),
			 0);
	edu_read(&edu, BASE);
	edu_write(&edu, BASE + PAGE);
	for (i = 0; i < PAGE; i++)
		assert_int_equal(copy[i], 0x5a);
	assert_int_equal(ioas_unmap(iommu, ioas, BASE, PAGE, NULL), 0);
	assert_int_equal(pinned(), 1);
	munmap(copy, PAGE);
}

static void memory_of_a_child_that_ended_cannot_be_pinned(void **state)
{
	assert_int_equal(in_child(map_own_memory, NULL), 0);
	assert_int_equal(ioas_areas(iommu, ioas), 1);
	assert_int_equal(edu_attach(&edu, ioas), -EFAULT);
	assert_int_equal(pinned(), 0);
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	assert_int_equal(edu_attach(&edu, ioas), 0);
}

struct rendezvous {
	int mapped[2];
	int go[2];
};

static int map_and_wait(void *arg)
{
	struct rendezvous *meet = arg;
	char byte;

	memset(memory, 0x17, PAGE);
	CHECK(!ioas_map_at(iommu, ioas, memory, PAGE, RW, BASE));
	CHECK(write(meet->mapped[1], "", 1) == 1);
	CHECK(read(meet->go[0], &byte, 1) == 1);
	/* What the device wrote arrived here */
	CHECK((unsigned char)memory[0] == 0xe8);
	CHECK(!memcmp(memory, memory + 1, PAGE - 1));
	return 0;
}

static void parent_attaches_memory_of_a_living_child(void **state)
{
	struct rendezvous meet;
	int status;
	pid_t pid;
	char byte;

	assert_int_equal(pipe(meet.mapped), 0);
	assert_int_equal(pipe(meet.go), 0);
	fflush(NULL);
	pid = fork();
	assert_return_code(pid, errno);
	if (!pid)
		_exit(map_and_wait(&meet));
	assert_int_equal(read(meet.mapped[0], &byte, 1), 1);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(pinned(), 1);
	memset(memory, 0xe8, PAGE);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, READ,
				     BASE + PAGE), 0);
	edu_read(&edu, BASE + PAGE);
	edu_write(&edu, BASE);
	assert_int_equal(write(meet.go[1], "", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(meet.mapped[0]);
	close(meet.mapped[1]);
	close(meet.go[0]);
	close(meet.go[1]);
}

/**
 * struct victim - a process that is killed
 * @live: what it does until then, with all mapped that it maps at first
 * @ready: a pipe, to say that it has mapped
 */
struct victim {
	int (*live)(const struct victim *victim);
	int ready[2];
};

static int map_plenty(void)
{
	uint64_t iova;
	int i;

	for (i = 0; i < 16; i++)
		CHECK(!ioas_map(iommu, ioas, memory, 8 * MIB >> i % 8, RW,
				&iova));
	return 0;
}

static int hold_mappings(const struct victim *victim)
{
	pause();
	return 1;
}

static int map_and_unmap(const struct victim *victim)
{
	for (;;) {
		CHECK(!ioas_unmap_all(iommu, ioas));
		CHECK(!map_plenty());
	}
}

static int attach_and_detach(const struct victim *victim)
{
	for (;;) {
		CHECK(!edu_detach(&edu));
		CHECK(!edu_attach(&edu, ioas));
	}
}

/* All on its own, so that nothing of it can outlive it */
static int be_victim(const struct victim *victim)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

	iommu = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	CHECK(iommu >= 0);
	CHECK(!ioctl(iommu, IOMMU_IOAS_ALLOC, &alloc));
	ioas = alloc.out_ioas_id;
	CHECK(!edu_bind(&edu, iommu));
	CHECK(!edu_attach(&edu, ioas));
	memory = mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	CHECK(!map_plenty());
	CHECK(write(victim->ready[1], "", 1) == 1);
	return victim->live(victim);
}

static void kill_while(int (*live)(const struct victim *victim))
{
	struct victim victim = { .live = live };
	int i, status;
	pid_t pid;
	char byte;

	for (i = 0; i < 6; i++) {
		assert_int_equal(pipe(victim.ready), 0);
		fflush(NULL);
		pid = fork();
		assert_return_code(pid, errno);
		if (!pid)
			_exit(be_victim(&victim));
		/* Some die while they set up, the others later */
		if (i % 3)
			assert_int_equal(read(victim.ready[0], &byte, 1), 1);
		usleep(i * 20000);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGKILL);
		assert_int_equal(pinned_pages(0), 0);
		close(victim.ready[0]);
		close(victim.ready[1]);
	}
}

static void killed_while_mapping_and_unmapping(void **state)
{
	kill_while(map_and_unmap);
}

static void killed_while_attaching_and_detaching(void **state)
{
	kill_while(attach_and_detach);
}

static void killed_while_holding_mappings(void **state)
{
	kill_while(hold_mappings);
}

/**
 * struct blocker - a page nobody gets past until it is let go
 * @fd: the userfaultfd
 * @page: not there yet
 */
struct blocker {
	int fd;
	void *page;
};

static int blocker_open(struct blocker *blocker)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	blocker->page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(blocker->page != MAP_FAILED);
	blocker->fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	CHECK(blocker->fd >= 0);
	CHECK(!ioctl(blocker->fd, UFFDIO_API, &api));
	reg.range.start = (uintptr_t)blocker->page;
	reg.range.len = PAGE;
	CHECK(!ioctl(blocker->fd, UFFDIO_REGISTER, &reg));
	return 0;
}

/* Wait until somebody is blocked */
static int blocker_wait(const struct blocker *blocker)
{
	struct pollfd poll_fd = { .fd = blocker->fd, .events = POLLIN };
	struct uffd_msg msg;

	CHECK(poll(&poll_fd, 1, 20000) == 1);
	CHECK(read(blocker->fd, &msg, sizeof(msg)) == sizeof(msg));
	CHECK(msg.event == UFFD_EVENT_PAGEFAULT);
	return 0;
}

static void blocker_let_go(const struct blocker *blocker)
{
	struct uffdio_zeropage zero = {
		.range.start = (uintptr_t)blocker->page,
		.range.len = PAGE,
	};

	ioctl(blocker->fd, UFFDIO_ZEROPAGE, &zero);
}

static void blocker_close(struct blocker *blocker)
{
	close(blocker->fd);
	munmap(blocker->page, PAGE);
}

static void *map_blocked(void *arg)
{
	const struct blocker *blocker = arg;

	return (void *)(long)ioas_map_at(iommu, ioas, blocker->page, PAGE, RW,
					 BLOCKED);
}

static void others_go_on_while_a_map_is_blocked(void **state)
{
	struct blocker blocker;
	pthread_t thread;
	uint64_t iova;
	uint32_t other;
	void *result;
	int i;

	assert_int_equal(blocker_open(&blocker), 0);
	assert_int_equal(pthread_create(&thread, NULL, map_blocked, &blocker),
			 0);
	assert_int_equal(blocker_wait(&blocker), 0);

	for (i = 0; i < 100; i++) {
		assert_int_equal(ioas_map_at(iommu, ioas, memory, 64 * PAGE, RW,
					     BASE), 0);
		assert_int_equal(ioas_map(iommu, ioas, memory, PAGE, RW, &iova),
				 0);
		assert_int_equal(ioas_unmap(iommu, ioas, iova, PAGE, NULL), 0);
		assert_int_equal(ioas_unmap(iommu, ioas, BASE, 64 * PAGE, NULL),
				 0);
	}
	/* Not mapped is not mapped, whatever is under way */
	assert_int_equal(ioas_unmap(iommu, ioas, BLOCKED, PAGE, NULL), -ENOENT);
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	/* Neither does the device have to stay */
	other = ioas_new(iommu);
	assert_int_equal(edu_attach(&edu, other), 0);
	assert_int_equal(edu_attach(&edu, ioas), 0);

	blocker_let_go(&blocker);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_null(result);
	assert_int_equal(ioas_areas(iommu, ioas), 1);
	assert_int_equal(pinned(), 1);
	assert_int_equal(ioas_unmap(iommu, ioas, BLOCKED, PAGE, NULL), 0);
	blocker_close(&blocker);
}

static void place_taken_while_a_map_is_blocked(void **state)
{
	struct blocker blocker;
	pthread_t thread;
	void *result;

	assert_int_equal(blocker_open(&blocker), 0);
	assert_int_equal(pthread_create(&thread, NULL, map_blocked, &blocker),
			 0);
	assert_int_equal(blocker_wait(&blocker), 0);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW, BLOCKED),
			 0);
	blocker_let_go(&blocker);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_int_equal((long)result, -EEXIST);
	assert_int_equal(pinned(), 1);
	blocker_close(&blocker);
}

static void *attach_blocked(void *arg)
{
	return (void *)(long)edu_attach(&edu, ioas);
}

static void others_go_on_while_an_attach_is_blocked(void **state)
{
	struct blocker blocker;
	pthread_t thread;
	void *result;
	int i;

	assert_int_equal(blocker_open(&blocker), 0);
	assert_int_equal(ioas_map_at(iommu, ioas, blocker.page, PAGE, RW,
				     BLOCKED), 0);
	assert_int_equal(pthread_create(&thread, NULL, attach_blocked, NULL),
			 0);
	assert_int_equal(blocker_wait(&blocker), 0);
	for (i = 0; i < 100; i++) {
		assert_int_equal(ioas_map_at(iommu, ioas, memory, 64 * PAGE, RW,
					     BASE), 0);
		assert_int_equal(ioas_unmap(iommu, ioas, BASE, 64 * PAGE, NULL),
				 0);
	}
	blocker_let_go(&blocker);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_null(result);
	assert_int_equal(pinned(), 1);
	blocker_close(&blocker);
}

static void *ranges_blocked(void *arg)
{
	const struct blocker *blocker = arg;
	uint32_t nr = PAGE / sizeof(struct iommu_iova_range);

	return (void *)(long)ioas_ranges(iommu, ioas, blocker->page, &nr, NULL);
}

/* Where the answer goes is user memory too */
static void others_go_on_while_an_answer_is_blocked(void **state)
{
	struct blocker blocker;
	struct timespec end;
	pthread_t thread, mapper;
	void *result;
	int late;

	assert_int_equal(blocker_open(&blocker), 0);
	assert_int_equal(pthread_create(&thread, NULL, ranges_blocked,
					&blocker), 0);
	assert_int_equal(blocker_wait(&blocker), 0);
	assert_int_equal(pthread_create(&mapper, NULL, map_blocked,
					&(struct blocker){ .page = memory }),
			 0);
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 5;
	late = pthread_timedjoin_np(mapper, &result, &end);
	blocker_let_go(&blocker);
	if (late)
		pthread_join(mapper, &result);
	assert_int_equal(late, 0);
	assert_null(result);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_null(result);
	blocker_close(&blocker);
}

static int be_blocked(void *arg)
{
	struct rendezvous *meet = arg;
	struct blocker blocker;
	pthread_t thread;

	CHECK(!blocker_open(&blocker));
	CHECK(!pthread_create(&thread, NULL, map_blocked, &blocker));
	CHECK(!blocker_wait(&blocker));
	CHECK(write(meet->mapped[1], "", 1) == 1);
	/* Keeps the userfaultfd open */
	pause();
	return 1;
}

static void blocked_map_can_be_killed(void **state)
{
	struct timespec begin, end;
	struct rendezvous meet;
	int status;
	pid_t pid;
	char byte;

	assert_int_equal(pipe(meet.mapped), 0);
	fflush(NULL);
	pid = fork();
	assert_return_code(pid, errno);
	if (!pid)
		_exit(be_blocked(&meet));
	assert_int_equal(read(meet.mapped[0], &byte, 1), 1);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_true(WIFSIGNALED(status));
	assert_true(end.tv_sec - begin.tv_sec < 3);
	assert_int_equal(ioas_areas(iommu, ioas), 0);
	assert_int_equal(pinned(), 0);
	close(meet.mapped[0]);
	close(meet.mapped[1]);
}

#define TEST(_test) cmocka_unit_test_setup_teardown(_test, setup, teardown)
#define TEST_ATTACHED(_test)						\
	cmocka_unit_test_setup_teardown(_test, setup_attached, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(contexts_know_nothing_of_each_other),
		TEST(device_belongs_to_one_process),
		TEST_ATTACHED(child_maps_its_own_memory),
		TEST(memory_of_a_child_that_ended_cannot_be_pinned),
		TEST(parent_attaches_memory_of_a_living_child),
		cmocka_unit_test(killed_while_mapping_and_unmapping),
		cmocka_unit_test(killed_while_attaching_and_detaching),
		cmocka_unit_test(killed_while_holding_mappings),
		TEST_ATTACHED(others_go_on_while_a_map_is_blocked),
		TEST_ATTACHED(place_taken_while_a_map_is_blocked),
		TEST(others_go_on_while_an_attach_is_blocked),
		TEST_ATTACHED(others_go_on_while_an_answer_is_blocked),
		TEST_ATTACHED(blocked_map_can_be_killed),
	};

	return run_tap(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* lab: boot=own icount=yes timeout=300 */
/*
 * A tenant can wait in a page fault as long as it likes, and holds up no policy.
 * The clock counts instructions here, so that no busy host is taken for one that
 * waits.
 */
#include <linux/capability.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

#include "lib/policy.h"

#define IOVA (16 * MIB)
#define PAGES 4UL
#define LIMIT_MS 100

static struct policy policy, next, other;
static int iommu, uffd;
static uint32_t ioas;
static struct edu edu;
static char *memory;
static pthread_t thread;

static void begin(uint64_t rlimit_mode)
{
	policy.object = NULL;
	next.object = NULL;
	other.object = NULL;
	iommu = context_open();
	assert_int_equal(option_set(iommu, IOMMU_OPTION_RLIMIT_MODE, 0,
				    rlimit_mode), 0);
	ioas = ioas_new(iommu);
	edu_open(&edu, iommu);
	memory = memory_new(HUGE);
	uffd = userfault_new(memory, PAGES * PAGE);
}

static int setup(void **state)
{
	begin(0);
	return 0;
}

static int setup_by_process(void **state)
{
	begin(1);
	return 0;
}

static int teardown(void **state)
{
	if (policy.object)
		policy_stop(&policy);
	if (next.object)
		policy_stop(&next);
	if (other.object)
		policy_stop(&other);
	edu_close(&edu);
	munmap(memory, HUGE);
	return close(iommu);
}

static void prepare(struct policy *p, const char *name, uint64_t flags)
{
	policy_open(p, name);
	p->ops->flags = flags;
	assert_int_equal(policy_load(p), 0);
}

/* Of this thread alone */
static int give_up_lock_capability(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	data[CAP_TO_INDEX(CAP_IPC_LOCK)].effective &=
		~CAP_TO_MASK(CAP_IPC_LOCK);
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

static void *map_exempt(void *arg)
{
	return (void *)(intptr_t)ioas_map_at(iommu, ioas, memory, PAGES * PAGE,
					     RW, IOVA);
}

static void *map_within_limit(void *arg)
{
	int err = give_up_lock_capability();

	return err ? (void *)(intptr_t)err : map_exempt(arg);
}

static void *attach(void *arg)
{
	return (void *)(intptr_t)edu_attach(&edu, ioas);
}

static void assert_stuck(void)
{
	void *result;

	assert_int_equal(pthread_tryjoin_np(thread, &result), EBUSY);
}

static void start_and_get_stuck(void *(*run)(void *arg))
{
	assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
	userfault_wait(uffd);
}

static void let_it_go_on(void)
{
	void *result;

	assert_stuck();
	userfault_resolve(uffd, memory, PAGES * PAGE);
	pthread_join(thread, &result);
	assert_int_equal((intptr_t)result, 0);
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static void write_off(void)
{
	int fd = open(OFF, O_WRONLY | O_CLOEXEC);

	assert_return_code(fd, errno);
	assert_int_equal(write(fd, "1", 1), 1);
	close(fd);
}

/* Is done at once, and not because nobody is stuck any more */
#define AT_ONCE(what)							\
	do {								\
		double took = now_ms();					\
									\
		what;							\
		took = now_ms() - took;					\
		print_message("# %s took %.1f ms\n", #what, took);	\
		if (took >= LIMIT_MS)					\
			fail_msg("%s took %.1f ms", #what, took);	\
		assert_stuck();						\
	} while (0)

/* All that can be done with policies, while one may have asked @policy */
static void assert_nothing_waits(uint64_t flags)
{
	prepare(&next, "answer", flags);
	prepare(&other, "other", flags);
	AT_ONCE(assert_int_equal(policy_attach(&other), 0));
	AT_ONCE(assert_int_equal(policy_replace(&policy, &next), 0));
	AT_ONCE(assert_int_equal(policy_replace(&policy, &policy), 0));
	AT_ONCE(policy_detach(&other));
	AT_ONCE(write_off());
	AT_ONCE(assert_int_equal(policy_replace(&policy, &next), 0));
	AT_ONCE(policy_detach(&policy));
	AT_ONCE(assert_int_equal(policy_attach(&policy), 0));
	assert_int_equal(policy.answer->exit.calls, 2);
	assert_int_equal(next.answer->exit.calls, 2);
	assert_int_equal(other.answer->exit.calls, 1);
	/* They were in force, each of them. */
	policy.answer->map_answer = -EPERM;
	AT_ONCE(assert_int_equal(ioas_map_at(iommu, ioas, memory + MIB, PAGE,
					     RW, 2 * IOVA), -EPERM));
}

/* What was begun under one policy is all there, and all gone afterwards. */
static void assert_mapped_and_unmapped(unsigned long charged)
{
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:\t"), PAGES);
	assert_int_equal(fdinfo_value(iommu, "iommufd-charged:\t"), charged);
	assert_int_equal(pinned_pages(PAGES), PAGES);
	assert_int_equal(ioas_unmap(iommu, ioas, IOVA, PAGES * PAGE, NULL), 0);
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:\t"), 0);
	assert_int_equal(fdinfo_value(iommu, "iommufd-charged:\t"), 0);
	assert_int_equal(pinned_pages(0), 0);
	assert_int_equal(policy_number("answer", "paid"), 0);
}

static void start(uint64_t flags)
{
	prepare(&policy, "answer", flags);
	assert_int_equal(policy_attach(&policy), 0);
}

static void a_stuck_map_holds_up_no_policy(void **state)
{
	start(0);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	start_and_get_stuck(map_exempt);
	assert_int_equal(policy.answer->map.calls, 1);
	assert_int_equal(policy.answer->charge.calls, 1);
	assert_int_equal(policy.answer->charge.limit_kind,
			 IOMMUFD_POLICY_LIMIT_NONE);
	assert_nothing_waits(0);
	let_it_go_on();
	assert_mapped_and_unmapped(0);
}

static void nor_one_whose_user_is_charged(void **state)
{
	start(0);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	start_and_get_stuck(map_within_limit);
	assert_int_equal(policy.answer->charge.calls, 1);
	assert_int_equal(policy.answer->charge.limit_kind,
			 IOMMUFD_POLICY_LIMIT_USER);
	assert_nothing_waits(0);
	let_it_go_on();
	assert_mapped_and_unmapped(PAGES);
}

static void nor_one_that_is_charged_as_a_process(void **state)
{
	start(0);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	start_and_get_stuck(map_within_limit);
	assert_int_equal(policy.answer->charge.calls, 1);
	assert_int_equal(policy.answer->charge.limit_kind,
			 IOMMUFD_POLICY_LIMIT_PROCESS);
	assert_nothing_waits(0);
	let_it_go_on();
	assert_mapped_and_unmapped(PAGES);
}

/* What they have paid for goes over to the built-in accounting meanwhile. */
static void nor_one_that_policies_pay_for(void **state)
{
	start(IOMMUFD_POLICY_F_EXCEED_RLIMIT);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	start_and_get_stuck(map_within_limit);
	assert_int_equal(policy.answer->charge.calls, 1);
	assert_int_equal(policy_number("answer", "paid"), PAGES);
	assert_nothing_waits(IOMMUFD_POLICY_F_EXCEED_RLIMIT);
	assert_int_equal(policy_number("answer", "paid"), 0);
	let_it_go_on();
	assert_mapped_and_unmapped(PAGES);
}

static void nor_one_whose_kind_of_memory_was_asked_for(void **state)
{
	start(IOMMUFD_POLICY_F_MEM_KIND);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	start_and_get_stuck(map_exempt);
	assert_int_equal(policy.answer->map.calls, 1);
	assert_int_equal(policy.answer->map.mem, IOMMUFD_POLICY_MEM_ANON);
	assert_nothing_waits(IOMMUFD_POLICY_F_MEM_KIND);
	let_it_go_on();
	assert_mapped_and_unmapped(0);
}

/* It pins what was mapped before. */
static void nor_an_attach_that_is_stuck(void **state)
{
	start(0);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGES * PAGE, RW,
				     IOVA), 0);
	start_and_get_stuck(attach);
	assert_int_equal(policy.answer->attach.calls, 1);
	assert_int_equal(policy.answer->charge.calls, 1);
	assert_nothing_waits(0);
	let_it_go_on();
	assert_mapped_and_unmapped(0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_stuck_map_holds_up_no_policy),
		TEST(nor_one_whose_user_is_charged),
		cmocka_unit_test_setup_teardown(
			nor_one_that_is_charged_as_a_process, setup_by_process,
			teardown),
		TEST(nor_one_that_policies_pay_for),
		TEST(nor_one_whose_kind_of_memory_was_asked_for),
		TEST(nor_an_attach_that_is_stuck),
	};

	return run_tap(tests, NULL, NULL);
}

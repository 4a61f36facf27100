// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=120 */
/* Policies are asked, told the truth, and obeyed. */
#include <linux/memfd.h>
#include <pthread.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/cgroup.h"
#include "lib/policy.h"

#define IOVA 0x4000000
#define RAMFS "/tmp/policy-ramfs"
#define CGROUP "policy-test"

static const struct {
	int error;
	const char *name;
} refusals[] = {
	{ -EPERM, "answer map -1" },
	{ -EACCES, "answer map -13" },
	{ -EDQUOT, "answer map -122" },
	{ -ENOMEM, "answer map -12" },
	{ -ENOSPC, "answer map -28" },
	{ -EBUSY, "answer map -16" },
};

static struct policy policy;
static int iommu;
static uint32_t ioas;
static struct edu edu;
static char *memory;

static int setup(void **state)
{
	policy.object = NULL;
	edu.vfio = -1;
	iommu = context_open();
	ioas = ioas_new(iommu);
	memory = memory_new(HUGE);
	return 0;
}

static int teardown(void **state)
{
	if (policy.object)
		policy_stop(&policy);
	if (edu.vfio >= 0)
		edu_close(&edu);
	munmap(memory, HUGE);
	return close(iommu);
}

static int map(uint64_t length)
{
	uint64_t iova;

	return ioas_map(iommu, ioas, memory, length, RW, &iova);
}

/* The kernel itself lets nobody pin shared pages of a file for writing. */
static int map_to_read(uint64_t length)
{
	uint64_t iova;

	return ioas_map(iommu, ioas, memory, length, READ, &iova);
}

static void what_it_allows_is_mapped(void **state)
{
	policy_start(&policy, "answer");
	assert_int_equal(map(PAGE), 0);
	assert_int_equal(policy.answer->map.calls, 1);
	assert_int_equal(ioas_areas(iommu, ioas), 1);
	assert_int_equal(policy_number("answer", "map_asked"), 1);
	assert_int_equal(policy_number("answer", "map_refused"), 0);
	assert_refused_by(iommu, NULL);
}

static void each_refusing_errno_reaches_the_caller(void **state)
{
	size_t i;

	policy_start(&policy, "answer");
	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		policy.answer->map_answer = refusals[i].error;
		assert_int_equal(map(PAGE), refusals[i].error);
		assert_int_equal(ioas_areas(iommu, ioas), 0);
		assert_int_equal(policy_number("answer", "map_asked"), i + 1);
		assert_int_equal(policy_number("answer", "map_refused"), i + 1);
		assert_refused_by(iommu, refusals[i].name);
	}
	assert_policy_reads("answer", "state", "active");
	policy.answer->map_answer = 0;
	assert_int_equal(map(PAGE), 0);
	assert_int_equal(policy_number("answer", "map_asked"), i + 1);
	assert_int_equal(policy_number("answer", "map_refused"), i);
}

static void a_refusal_is_told_to_its_context_only(void **state)
{
	int other = context_open();

	policy_start(&policy, "answer");
	policy.answer->map_answer = -EACCES;
	assert_int_equal(map(PAGE), -EACCES);
	assert_refused_by(iommu, "answer map -13");
	assert_refused_by(other, NULL);
	close(other);
}

static void without_hooks_all_is_allowed(void **state)
{

	policy_open(&policy, "answer");
	policy.answer->map_answer = -EPERM;
	policy.answer->attach_answer = -EPERM;
	policy.ops->map = NULL;
	policy.ops->attach = NULL;
	policy.ops->init = NULL;
	policy.ops->exit = NULL;
	assert_int_equal(policy_load(&policy), 0);
	assert_int_equal(policy_attach(&policy), 0);

	assert_int_equal(map(PAGE), 0);
	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(policy_number("answer", "map_asked"), 0);
	assert_int_equal(policy_number("answer", "attach_asked"), 0);
}

/* Requests that fail by themselves are none to ask about. */
static void is_not_asked_about_nonsense(void **state)
{
	uint64_t iova;

	policy_start(&policy, "answer");
	assert_int_equal(ioas_map(iommu, ioas, memory, 0, RW, &iova), -EINVAL);
	assert_int_equal(ioas_map(iommu, ioas, memory, PAGE, 0, &iova),
			 -EINVAL);
	assert_int_equal(ioas_map(iommu, ioas + 100, memory, PAGE, RW, &iova),
			 -ENOENT);
	assert_int_equal(ioas_map(iommu, ioas, (void *)-PAGE, 2 * PAGE, RW,
				  &iova), -EOVERFLOW);
	assert_int_equal(policy.answer->map.calls, 0);
}

static void a_map_request_is_true(void **state)
{
	volatile struct answer_map *seen;
	uint64_t iova;

	policy_start(&policy, "answer");
	seen = &policy.answer->map;

	assert_int_equal(ioas_map_at(iommu, ioas, memory + 8 * PAGE, 3 * PAGE,
				     READ, IOVA), 0);
	assert_int_equal(seen->op, IOMMUFD_POLICY_OP_IOAS_MAP);
	assert_int_equal(seen->iova, IOVA);
	assert_int_equal(seen->length, 3 * PAGE);
	assert_int_equal(seen->uptr, (uintptr_t)memory + 8 * PAGE);
	assert_int_equal(seen->ioas_id, ioas);
	assert_int_equal(seen->prot, IOMMUFD_POLICY_PROT_READ);
	assert_int_equal(seen->fixed, 1);
	/* Nobody has asked for it. */
	assert_int_equal(seen->mem, 0);
	assert_int_equal(seen->who.ctx_id, context_id(iommu));
	assert_int_equal(seen->who.uid, getuid());
	assert_int_equal(seen->who.opener_uid, getuid());
	assert_int_equal(seen->who.tgid, getpid());

	iova = 12345;
	assert_int_equal(ioas_map(iommu, ioas, memory, PAGE, WRITE, &iova), 0);
	assert_int_equal(seen->iova, 0);
	assert_int_equal(seen->fixed, 0);
	assert_int_equal(seen->prot, IOMMUFD_POLICY_PROT_WRITE);
	assert_int_equal(ioas_map(iommu, ioas, memory, PAGE, RW, &iova), 0);
	assert_int_equal(seen->prot, IOMMUFD_POLICY_PROT_READ |
				     IOMMUFD_POLICY_PROT_WRITE);
}

static void each_context_has_an_id_of_its_own(void **state)
{
	uint64_t first, iova;
	int other;

	policy_start(&policy, "answer");
	assert_int_equal(map(PAGE), 0);
	first = policy.answer->map.who.ctx_id;
	other = context_open();
	assert_int_equal(ioas_map(other, ioas_new(other), memory, PAGE, RW,
				  &iova), 0);
	assert_int_not_equal(policy.answer->map.who.ctx_id, first);
	close(other);
}

static int map_as_nobody(void *arg)
{
	uint64_t iova;

	CHECK(!cgroup_enter(CGROUP));
	CHECK(!become_nobody());
	CHECK(!ioas_map(iommu, ioas, memory, PAGE, RW, &iova));
	CHECK(policy.answer->map.who.tgid == (answer_u64)getpid());
	return 0;
}

static void who_asks_is_the_caller_and_not_the_opener(void **state)
{
	volatile struct answer_who *who;
	uint64_t cgroup;

	policy_start(&policy, "answer");
	who = &policy.answer->map.who;
	assert_int_equal(map(PAGE), 0);
	assert_int_equal(who->cgroup_id, cgroup_id(""));

	cgroup_new(CGROUP);
	cgroup = cgroup_id(CGROUP);
	assert_int_equal(in_child(map_as_nobody, NULL), 0);
	cgroup_remove(CGROUP);
	assert_int_equal(who->uid, 65534);
	assert_int_equal(who->opener_uid, 0);
	assert_int_not_equal(who->tgid, getpid());
	assert_int_equal(who->cgroup_id, cgroup);
	assert_int_equal(who->ctx_id, context_id(iommu));
}

static int ramfs(size_t length)
{
	static int nr;
	char path[64];
	int fd;

	if (mkdir(RAMFS, 0700) && errno != EEXIST)
		fail_msg("mkdir " RAMFS);
	if (!nr)
		assert_return_code(mount("ramfs", RAMFS, "ramfs", 0, NULL),
				   errno);
	snprintf(path, sizeof(path), RAMFS "/%d", nr++);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_return_code(fd, errno);
	assert_return_code(ftruncate(fd, length), errno);
	return fd;
}

static void remap(void *addr, size_t length, int flags, int fd)
{
	assert_ptr_equal(mmap(addr, length, PROT_READ | PROT_WRITE,
			      flags | MAP_FIXED, fd, 0), addr);
}

static void start_for_kinds(void)
{
	policy_open(&policy, "answer");
	policy.ops->flags = IOMMUFD_POLICY_F_MEM_KIND;
	assert_int_equal(policy_load(&policy), 0);
	assert_int_equal(policy_attach(&policy), 0);
}

static uint32_t kinds_of(void *start, size_t length)
{
	uint64_t iova;

	assert_int_equal(ioas_map(iommu, ioas, start, length, RW, &iova), 0);
	return policy.answer->map.mem;
}

static void kinds_of_memory_are_told_apart(void **state)
{
	int shmem = memfd_create("policy", MFD_CLOEXEC);
	int file = ramfs(HUGE);
	void *shared;

	start_for_kinds();
	assert_int_equal(kinds_of(memory, PAGE), IOMMUFD_POLICY_MEM_ANON);

	assert_return_code(ftruncate(shmem, HUGE), errno);
	remap(memory, PAGE, MAP_SHARED, shmem);
	assert_int_equal(kinds_of(memory, PAGE), IOMMUFD_POLICY_MEM_SHMEM);
	shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_int_equal(kinds_of(shared, PAGE), IOMMUFD_POLICY_MEM_SHMEM);

	remap(memory, PAGE, MAP_SHARED, file);
	assert_int_equal(kinds_of(memory, PAGE), IOMMUFD_POLICY_MEM_FILE);
	remap(memory, PAGE, MAP_PRIVATE, file);
	assert_int_equal(kinds_of(memory, PAGE), IOMMUFD_POLICY_MEM_ANON);
	munmap(shared, PAGE);
	close(file);
	close(shmem);
}

static void hugetlb_is_a_kind_of_memory(void **state)
{
	long before = write_number("/proc/sys/vm/nr_hugepages", 2);
	void *huge;

	assert_true(before >= 0);
	huge = mmap(NULL, HUGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	assert_ptr_not_equal(huge, MAP_FAILED);
	start_for_kinds();
	assert_int_equal(kinds_of(huge, HUGE), IOMMUFD_POLICY_MEM_HUGETLB);
	munmap(huge, HUGE);
	assert_int_equal(write_number("/proc/sys/vm/nr_hugepages", before), 2);
}

static void device_memory_is_a_kind_of_memory(void **state)
{
	edu_open(&edu, iommu);
	start_for_kinds();
	assert_int_equal(kinds_of((void *)edu.regs, PAGE),
			 IOMMUFD_POLICY_MEM_PFNMAP);
}

static void all_kinds_of_a_range_are_told(void **state)
{
	int file = ramfs(PAGE);

	start_for_kinds();
	remap(memory + 2 * PAGE, PAGE, MAP_SHARED, file);
	assert_int_equal(kinds_of(memory, 4 * PAGE),
			 IOMMUFD_POLICY_MEM_ANON | IOMMUFD_POLICY_MEM_FILE);
	/* By the byte: the range ends or begins in the page of the file */
	assert_int_equal(kinds_of(memory, 2 * PAGE + 1),
			 IOMMUFD_POLICY_MEM_ANON | IOMMUFD_POLICY_MEM_FILE);
	assert_int_equal(kinds_of(memory, 2 * PAGE), IOMMUFD_POLICY_MEM_ANON);
	assert_int_equal(kinds_of(memory + 3 * PAGE - 1, PAGE),
			 IOMMUFD_POLICY_MEM_ANON | IOMMUFD_POLICY_MEM_FILE);

	munmap(memory + 4 * PAGE, PAGE);
	assert_int_equal(kinds_of(memory + 3 * PAGE, 3 * PAGE),
			 IOMMUFD_POLICY_MEM_ANON | IOMMUFD_POLICY_MEM_NONE);
	assert_int_equal(kinds_of(memory + 4 * PAGE, PAGE),
			 IOMMUFD_POLICY_MEM_NONE);
	assert_int_equal(kinds_of(memory + 4 * PAGE, 2 * PAGE),
			 IOMMUFD_POLICY_MEM_ANON | IOMMUFD_POLICY_MEM_NONE);
	close(file);
}

static void a_sleeping_hook_reads_user_memory(void **state)
{
	policy_open(&policy, "answer");
	policy.ops->map = policy_program(&policy, "on_map_sleeping");
	assert_int_equal(policy_load(&policy), 0);
	assert_int_equal(policy_attach(&policy), 0);

	strcpy(memory, "Hello, policy");
	assert_int_equal(map(PAGE), 0);
	assert_string_equal((char *)policy.answer->text, "Hello, policy");
	assert_int_equal(policy.answer->map.length, PAGE);
	policy.answer->map_answer = -ENOSPC;
	assert_int_equal(map(PAGE), -ENOSPC);
}

static void an_attach_can_be_refused(void **state)
{
	size_t i;

	policy_start(&policy, "answer");
	edu_open(&edu, iommu);
	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		policy.answer->attach_answer = refusals[i].error;
		assert_int_equal(edu_attach(&edu, ioas), refusals[i].error);
		assert_int_equal(policy_number("answer", "attach_asked"), i + 1);
		assert_int_equal(policy_number("answer", "attach_refused"),
				 i + 1);
	}
	assert_refused_by(iommu, "answer attach -16");
	/* It is attached to nothing: the IOAS can go. */
	assert_int_equal(object_destroy(iommu, ioas), 0);
	ioas = ioas_new(iommu);
	policy.answer->attach_answer = 0;
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(policy_number("answer", "attach_asked"), i + 1);
	assert_int_equal(policy_number("answer", "attach_refused"), i);
	assert_int_equal(policy_number("answer", "map_asked"), 0);
}

static void an_attach_request_is_true(void **state)
{
	volatile struct answer_attach *seen;
	uint32_t other = ioas_new(iommu);
	int64_t hwpt;

	policy_start(&policy, "answer");
	seen = &policy.answer->attach;
	edu_open(&edu, iommu);

	hwpt = edu_attach_hwpt(&edu, ioas);
	assert_true(hwpt > 0);
	assert_int_equal(seen->op, IOMMUFD_POLICY_OP_ATTACH_DEVICE);
	assert_int_equal(seen->dev_id, edu.id);
	assert_int_equal(seen->pt_id, ioas);
	assert_int_equal(seen->ioas_id, ioas);
	assert_string_equal((char *)seen->dev_name, "0000:00:03.0");
	assert_int_equal(seen->who.ctx_id, context_id(iommu));
	assert_int_equal(seen->who.uid, getuid());
	assert_int_equal(seen->who.opener_uid, getuid());
	assert_int_equal(seen->who.tgid, getpid());

	/* By its HWPT, and from elsewhere. */
	assert_int_equal(edu_attach_hwpt(&edu, hwpt), hwpt);
	assert_int_equal(seen->op, IOMMUFD_POLICY_OP_REPLACE_DEVICE);
	assert_int_equal(seen->pt_id, hwpt);
	assert_int_equal(seen->ioas_id, ioas);
	assert_int_equal(edu_attach(&edu, other), 0);
	assert_int_equal(seen->op, IOMMUFD_POLICY_OP_REPLACE_DEVICE);
	assert_int_equal(seen->pt_id, other);
	assert_int_equal(seen->ioas_id, other);
	assert_int_equal(seen->calls, 3);
}

static void a_refused_replace_leaves_the_device_where_it_was(void **state)
{
	uint32_t other = ioas_new(iommu);

	policy_start(&policy, "answer");
	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	policy.answer->attach_answer = -EPERM;
	assert_int_equal(edu_attach(&edu, other), -EPERM);
	assert_int_equal(object_destroy(iommu, other), 0);
	assert_int_equal(object_destroy(iommu, ioas), -EBUSY);

	memory_random(memory, PAGE);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, 2 * PAGE, RW, IOVA),
			 0);
	edu_read(&edu, IOVA);
	edu_write(&edu, IOVA + PAGE);
	assert_memory_equal(memory, memory + PAGE, PAGE);
}

/* Between the answer and the attach, which pins, it becomes another memory. */
static void what_was_judged_is_what_an_attach_pins(void **state)
{
	int file = ramfs(PAGE), shmem = memfd_create("policy", MFD_CLOEXEC);

	start_for_kinds();
	policy.answer->forbidden = IOMMUFD_POLICY_MEM_FILE;
	edu_open(&edu, iommu);
	assert_int_equal(map_to_read(4 * PAGE), 0);
	remap(memory + 2 * PAGE, PAGE, MAP_SHARED, file);
	assert_int_equal(map_to_read(4 * PAGE), -EACCES);
	assert_int_equal(edu_attach(&edu, ioas), -EAGAIN);
	assert_int_equal(pinned_pages(0), 0);
	assert_return_code(ftruncate(shmem, PAGE), errno);
	remap(memory + 2 * PAGE, PAGE, MAP_SHARED, shmem);
	assert_int_equal(edu_attach(&edu, ioas), -EAGAIN);

	remap(memory + 2 * PAGE, PAGE, MAP_PRIVATE, file);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(pinned_pages(4), 4);
	close(shmem);
	close(file);
}

static void *map_thread(void *arg)
{
	return (void *)(intptr_t)map_to_read(4 * PAGE);
}

/* The hook is held up reading the first page, and the third one changes. */
static void what_was_judged_is_what_a_map_pins(void **state)
{
	int uffd, file = ramfs(PAGE);
	pthread_t thread;
	void *result;

	policy_open(&policy, "answer");
	policy.ops->map = policy_program(&policy, "on_map_sleeping");
	policy.ops->flags = IOMMUFD_POLICY_F_MEM_KIND;
	assert_int_equal(policy_load(&policy), 0);
	assert_int_equal(policy_attach(&policy), 0);
	policy.answer->forbidden = IOMMUFD_POLICY_MEM_FILE;
	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), 0);

	uffd = userfault_new(memory, PAGE);
	assert_int_equal(pthread_create(&thread, NULL, map_thread, NULL), 0);
	assert_int_equal(settled(&policy.answer->asleep, 1), 1);
	remap(memory + 2 * PAGE, PAGE, MAP_SHARED, file);
	userfault_resolve(uffd, memory, PAGE);
	pthread_join(thread, &result);
	assert_int_equal(policy.answer->map.mem, IOMMUFD_POLICY_MEM_ANON);
	assert_int_equal((intptr_t)result, -EAGAIN);
	assert_int_equal(ioas_areas(iommu, ioas), 0);
	assert_int_equal(pinned_pages(0), 0);
	close(file);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_it_allows_is_mapped),
		TEST(each_refusing_errno_reaches_the_caller),
		TEST(a_refusal_is_told_to_its_context_only),
		TEST(without_hooks_all_is_allowed),
		TEST(is_not_asked_about_nonsense),
		TEST(a_map_request_is_true),
		TEST(each_context_has_an_id_of_its_own),
		TEST(who_asks_is_the_caller_and_not_the_opener),
		TEST(kinds_of_memory_are_told_apart),
		TEST(hugetlb_is_a_kind_of_memory),
		TEST(device_memory_is_a_kind_of_memory),
		TEST(all_kinds_of_a_range_are_told),
		TEST(a_sleeping_hook_reads_user_memory),
		TEST(an_attach_can_be_refused),
		TEST(an_attach_request_is_true),
		TEST(a_refused_replace_leaves_the_device_where_it_was),
		TEST(what_was_judged_is_what_an_attach_pins),
		TEST(what_was_judged_is_what_a_map_pins),
	};

	return run_tap(tests, NULL, NULL);
}

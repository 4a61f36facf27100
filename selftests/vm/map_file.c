// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=60 */
/* IOAS_MAP_FILE: memory of files; IOAS_CHANGE_PROCESS: who pays for it */
#include <linux/memfd.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "lib/policy.h"

/* Within reach of edu */
#define BASE (16 * MIB)
#define PAGES 16UL
#define LENGTH (PAGES * PAGE)

static int iommu;
static uint32_t ioas;
static struct edu edu;
static int file;
static char *memory;
static struct policy policy;

static int new_file(unsigned int flags, off_t length)
{
	int fd = memfd_create("test", MFD_CLOEXEC | flags);

	assert_return_code(fd, errno);
	assert_return_code(ftruncate(fd, length), errno);
	return fd;
}

static int setup(void **state)
{
	iommu = context_open();
	ioas = ioas_new(iommu);
	edu_open(&edu, iommu);
	file = new_file(MFD_ALLOW_SEALING, LENGTH);
	memory = memory_file(file, LENGTH);
	policy.object = NULL;
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
	if (policy.object)
		policy_stop(&policy);
	munmap(memory, LENGTH);
	close(file);
	edu_close(&edu);
	return close(iommu);
}

static int map_file(int fd, uint64_t start, uint64_t length, uint32_t flags)
{
	const struct file_range range = { fd, start, length };
	uint64_t iova = BASE;

	return ioas_map_file(iommu, ioas, &range, flags | FIXED, &iova);
}

static int unmap(uint64_t length)
{
	return ioas_unmap(iommu, ioas, BASE, length, NULL);
}

static int change_process(void)
{
	return ioas_change_process(iommu);
}

static void assert_pinned(long nr)
{
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), nr);
	assert_int_equal(status_kib("VmPin:"), nr * PAGE / KIB);
	assert_int_equal(pinned_pages(nr), nr);
}

static void a_device_reads_and_writes_it(void **state)
{
	memory_random(memory, LENGTH);
	assert_int_equal(map_file(file, 2 * PAGE, 4 * PAGE, RW), 0);
	assert_pinned(4);
	edu_read(&edu, BASE + PAGE);
	edu_write(&edu, BASE + 3 * PAGE);
	assert_memory_equal(memory + 5 * PAGE, memory + 3 * PAGE, EDU_LENGTH);
	assert_int_equal(unmap(4 * PAGE), 0);
	assert_pinned(0);
}

/* It is the file's memory, not that of an address space */
static void it_stays_when_unmapped_and_closed(void **state)
{
	int fd = new_file(0, LENGTH);
	char *view = memory_file(fd, LENGTH);

	memory_random(view, PAGE);
	memory_random(memory, LENGTH);
	memcpy(memory, view, PAGE);
	assert_int_equal(map_file(fd, 0, LENGTH, RW), 0);
	munmap(view, LENGTH);
	close(fd);
	edu_read(&edu, BASE);
	edu_write(&edu, BASE + PAGE);
	assert_int_equal(unmap(LENGTH), 0);

	assert_int_equal(map_file(file, 0, LENGTH, RW), 0);
	edu_write(&edu, BASE + 2 * PAGE);
	assert_memory_equal(memory + 2 * PAGE, memory, PAGE);
}

static void holes_are_filled(void **state)
{
	int fd = new_file(0, LENGTH);

	assert_int_equal(map_file(fd, 0, LENGTH, RW), 0);
	assert_pinned(PAGES);
	assert_int_equal(unmap(LENGTH), 0);
	close(fd);
}

/* A bug of the kernel's memfd_pin_folios() was in the way before 6.17 */
static bool hugetlb_files_can_be_pinned(void)
{
	unsigned int major, minor;
	struct utsname name;

	assert_return_code(uname(&name), errno);
	assert_int_equal(sscanf(name.release, "%u.%u", &major, &minor), 2);
	return major > 6 || (major == 6 && minor >= 17);
}

static void huge_pages(void **state)
{
	const char *nr = "/proc/sys/vm/nr_hugepages";
	long before = write_number(nr, 4);
	int fd;

	assert_return_code(before, -before);
	fd = new_file(MFD_HUGETLB, 4 * MIB);
	if (!hugetlb_files_can_be_pinned()) {
		assert_int_equal(map_file(fd, 0, 4 * MIB, RW), -EOPNOTSUPP);
		close(fd);
		write_number(nr, before);
		return;
	}
	assert_int_equal(map_file(fd, 0, 4 * MIB, RW), 0);
	assert_pinned(4 * MIB / PAGE);
	edu_write(&edu, BASE + 3 * MIB);
	assert_int_equal(unmap(4 * MIB), 0);
	/* Any part of one */
	assert_int_equal(map_file(fd, MIB, 2 * MIB, RW), 0);
	assert_pinned(2 * MIB / PAGE);
	assert_int_equal(unmap(2 * MIB), 0);
	assert_pinned(0);
	close(fd);
	write_number(nr, before);
}

static void parts_can_be_copied(void **state)
{
	struct copy_source from = { ioas, BASE + 3 * PAGE, 2 * PAGE };

	assert_int_equal(map_file(file, 0, LENGTH, RW), 0);
	assert_int_equal(ioas_copy_at(iommu, ioas, &from, RW, BASE + MIB), 0);
	assert_pinned(PAGES);
	assert_int_equal(unmap(LENGTH), 0);
	assert_pinned(2);
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	assert_pinned(0);
}

static void what_is_no_memory_is_refused(void **state)
{
	int pipes[2], fd;

	assert_int_equal(map_file(-1, 0, PAGE, RW), -EBADF);
	assert_int_equal(map_file(iommu, 0, PAGE, RW), -EINVAL);
	assert_return_code(pipe(pipes), errno);
	assert_int_equal(map_file(pipes[0], 0, PAGE, RW), -EINVAL);
	close(pipes[0]);
	close(pipes[1]);
	fd = open("/src/README.md", O_RDONLY | O_CLOEXEC);
	assert_return_code(fd, errno);
	assert_int_equal(map_file(fd, 0, PAGE, READ), -EINVAL);
	close(fd);
	assert_pinned(0);
}

static void beyond_its_end_is_refused(void **state)
{
	assert_int_equal(map_file(file, 0, LENGTH + 1, RW), -EINVAL);
	assert_int_equal(map_file(file, LENGTH, PAGE, RW), -EINVAL);
	assert_int_equal(map_file(file, UINT64_MAX - PAGE, 2 * PAGE, RW),
			 -EOVERFLOW);
	assert_int_equal(map_file(file, INT64_MAX, 2 * PAGE, RW), -EOVERFLOW);
	assert_int_equal(map_file(file, 0, 0, RW), -EINVAL);
	assert_int_equal(map_file(file, 0, PAGE, 0), -EINVAL);
	assert_int_equal(map_file(file, 0, PAGE, 1U << 31), -EOPNOTSUPP);
	assert_pinned(0);
}

/* What mmap() would refuse */
static void devices_may_what_the_file_was_opened_for(void **state)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_return_code(fd, errno);
	assert_int_equal(map_file(fd, 0, PAGE, RW), -EACCES);
	assert_int_equal(map_file(fd, 0, PAGE, READ), 0);
	assert_int_equal(unmap(PAGE), 0);
	close(fd);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_return_code(fd, errno);
	assert_int_equal(map_file(fd, 0, PAGE, WRITE), -EACCES);
	close(fd);
}

static void seals_hold(void **state)
{
	munmap(memory, LENGTH);
	assert_int_equal(map_file(file, 0, LENGTH, RW), 0);
	assert_int_equal(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE), -1);
	assert_int_equal(errno, EBUSY);
	assert_int_equal(unmap(LENGTH), 0);
	assert_return_code(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE), errno);
	assert_int_equal(map_file(file, 0, LENGTH, RW), -EPERM);
	assert_int_equal(map_file(file, 0, LENGTH, READ), 0);
	assert_int_equal(unmap(LENGTH), 0);
	memory = memory_new(LENGTH);
}

static void a_policy_is_asked(void **state)
{
	const volatile struct answer_map *seen;

	policy_start(&policy, "answer");
	seen = &policy.answer->map;
	assert_int_equal(map_file(file, PAGE, 2 * PAGE, READ), 0);
	assert_int_equal(seen->calls, 1);
	assert_int_equal(seen->op, IOMMUFD_POLICY_OP_IOAS_MAP_FILE);
	assert_int_equal(seen->iova, BASE);
	assert_int_equal(seen->uptr, PAGE);
	assert_int_equal(seen->length, 2 * PAGE);
	assert_int_equal(seen->prot, IOMMUFD_POLICY_PROT_READ);
	assert_int_equal(seen->mem, IOMMUFD_POLICY_MEM_SHMEM);
	assert_int_equal(unmap(2 * PAGE), 0);

	policy.answer->map_answer = -EDQUOT;
	assert_int_equal(map_file(file, 0, PAGE, READ), -EDQUOT);
	assert_pinned(0);
}

static void memory_of_a_process_cannot_change_hands(void **state)
{
	assert_int_equal(map_file(file, 0, PAGE, RW), 0);
	assert_int_equal(change_process(), 0);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW,
				     BASE + MIB), 0);
	assert_int_equal(change_process(), -EINVAL);
	assert_pinned(2);
}

static int take_over(void *arg)
{
	const long kib = LENGTH / KIB;

	CHECK(status_kib("VmPin:") == 0);
	CHECK(!change_process());
	CHECK(status_kib("VmPin:") == kib);
	CHECK(status_kib("VmLck:") == *(bool *)arg * kib);
	CHECK(fdinfo_value(iommu, "iommufd-pinned:") == PAGES);
	/* Another time is no difference */
	CHECK(!change_process());
	CHECK(status_kib("VmPin:") == kib);
	return 0;
}

/* Also for what more than one area uses */
static int map_and_hand_over(void *arg)
{
	struct copy_source from = { ioas, BASE, 4 * PAGE };
	bool per_process = *(bool *)arg;

	CHECK(!become_tenant(PAGES));
	CHECK(!map_file(file, 0, LENGTH, RW));
	CHECK(!ioas_copy_at(iommu, ioas, &from, RW, BASE + MIB));
	CHECK(status_kib("VmLck:") == per_process * (long)(LENGTH / KIB));
	CHECK(!in_child(take_over, arg));
	CHECK(status_kib("VmPin:") == 0);
	CHECK(status_kib("VmLck:") == 0);
	CHECK(fdinfo_value(iommu, "iommufd-pinned:") == PAGES);
	return 0;
}

static int setup_per_process(void **state)
{
	iommu = context_open();
	assert_int_equal(option_set(iommu, IOMMU_OPTION_RLIMIT_MODE, 0, 1), 0);
	ioas = ioas_new(iommu);
	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	file = new_file(0, LENGTH);
	memory = memory_file(file, LENGTH);
	policy.object = NULL;
	return 0;
}

static void another_process_of_the_user_pays(void **state)
{
	bool per_process = false;

	assert_int_equal(in_child(map_and_hand_over, &per_process), 0);
}

static void another_process_pays_by_itself(void **state)
{
	bool per_process = true;

	assert_int_equal(in_child(map_and_hand_over, &per_process), 0);
}

static int cannot_take_over(void *arg)
{
	const struct rlimit limit = { (PAGES - 1) * PAGE, (PAGES - 1) * PAGE };

	CHECK(!setrlimit(RLIMIT_MEMLOCK, &limit));
	CHECK(change_process() == -ENOMEM);
	CHECK(status_kib("VmLck:") == 0);
	CHECK(status_kib("VmPin:") == 0);
	return 0;
}

static int map_as_tenant(void *arg)
{
	CHECK(!become_tenant(PAGES));
	CHECK(!map_file(file, 0, LENGTH, RW));
	CHECK(!in_child(cannot_take_over, NULL));
	CHECK(status_kib("VmLck:") == LENGTH / KIB);
	CHECK(status_kib("VmPin:") == LENGTH / KIB);
	return 0;
}

static void whoever_cannot_pay_changes_nothing(void **state)
{
	assert_int_equal(in_child(map_as_tenant, NULL), 0);
}

int main(void)
{
#define TEST_ATTACHED(name) \
	cmocka_unit_test_setup_teardown(name, setup_attached, teardown)
#define TEST_PER_PROCESS(name) \
	cmocka_unit_test_setup_teardown(name, setup_per_process, teardown)
	const struct CMUnitTest tests[] = {
		TEST_ATTACHED(a_device_reads_and_writes_it),
		TEST_ATTACHED(it_stays_when_unmapped_and_closed),
		TEST_ATTACHED(holes_are_filled),
		TEST_ATTACHED(huge_pages),
		TEST_ATTACHED(parts_can_be_copied),
		TEST_ATTACHED(what_is_no_memory_is_refused),
		TEST_ATTACHED(beyond_its_end_is_refused),
		TEST_ATTACHED(devices_may_what_the_file_was_opened_for),
		TEST_ATTACHED(seals_hold),
		TEST_ATTACHED(a_policy_is_asked),
		TEST_ATTACHED(memory_of_a_process_cannot_change_hands),
		TEST_ATTACHED(another_process_of_the_user_pays),
		TEST_PER_PROCESS(another_process_pays_by_itself),
		TEST_PER_PROCESS(whoever_cannot_pay_changes_nothing),
	};

	return run_tap(tests, NULL, NULL);
}

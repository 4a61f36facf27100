// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=180 */
/* The policy map_guard: each rule, with memory of each kind. */
#include <sys/mount.h>
#include <sys/stat.h>

#include "lib/policy.h"

/* Within reach of edu */
#define BASE (16 * MIB)
#define RAMFS "/run/map_guard"

static struct policy policy;
static int iommu;
static uint32_t ioas;
static struct edu edu;
static char *memory;

static int setup(void **state)
{
	iommu = context_open();
	ioas = ioas_new(iommu);
	edu_open(&edu, iommu);
	memory = memory_new(HUGE);
	policy_open_object(&policy, SHIPPED "map_guard", "map_guard");
	return 0;
}

static int teardown(void **state)
{
	policy_stop(&policy);
	munmap(memory, HUGE);
	edu_close(&edu);
	return close(iommu);
}

static void start(void)
{
	assert_int_equal(policy_load(&policy), 0);
	assert_int_equal(policy_attach(&policy), 0);
}

static int map(const void *from, uint64_t length, uint32_t flags)
{
	uint64_t iova;

	return ioas_map(iommu, ioas, from, length, flags, &iova);
}

static void the_size_of_a_mapping(void **state)
{
	policy_set(&policy, "max_mapping_mib", 1);
	start();
	assert_int_equal(map(memory, MIB, RW), 0);
	assert_int_equal(map(memory, MIB + 1, RW), -EDQUOT);
	assert_refused_by(iommu, "map_guard map -122");
}

static void the_number_of_mappings_of_a_context(void **state)
{
	const struct copy_source from = { ioas, BASE, PAGE };
	const uint32_t another = ioas_new(iommu);
	int other = context_open();
	uint64_t iova;

	policy_set(&policy, "max_mappings", 3);
	start();
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW, BASE), 0);
	assert_int_equal(ioas_copy(iommu, another, &from, RW, &iova), 0);
	assert_int_equal(ioas_map(iommu, another, memory, PAGE, RW, &iova), 0);
	assert_int_equal(map(memory, PAGE, RW), -EDQUOT);
	assert_refused_by(iommu, "map_guard map -122");
	assert_int_equal(ioas_copy_at(iommu, another, &from, RW, BASE),
			 -EDQUOT);
	/* Another context is another matter. */
	assert_int_equal(ioas_map(other, ioas_new(other), memory, PAGE, RW,
				  &iova), 0);
	/* What has failed is no mapping, and what is gone none any more. */
	assert_int_equal(ioas_unmap(iommu, ioas, BASE, PAGE, NULL), 0);
	assert_int_equal(ioas_map_at(iommu, another, memory, PAGE, RW, iova),
			 -EEXIST);
	assert_int_equal(map(memory, PAGE, RW), 0);
	assert_int_equal(map(memory, PAGE, RW), -EDQUOT);
	close(other);
}

static void *map_file(int fd, int flags)
{
	void *addr = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	assert_ptr_not_equal(addr, MAP_FAILED);
	return addr;
}

static int ramfs_file(void)
{
	int fd;

	if (mkdir(RAMFS, 0700) && errno != EEXIST)
		fail_msg("mkdir " RAMFS);
	assert_return_code(mount("ramfs", RAMFS, "ramfs", 0, NULL), errno);
	fd = open(RAMFS "/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_return_code(fd, errno);
	assert_return_code(umount2(RAMFS, MNT_DETACH), errno);
	assert_return_code(ftruncate(fd, PAGE), errno);
	return fd;
}

static int memfd(unsigned int flags, size_t length)
{
	int fd = memfd_create("guard", MFD_CLOEXEC | flags);

	assert_return_code(fd, errno);
	assert_return_code(ftruncate(fd, length), errno);
	return fd;
}

/* Memory of each kind, in the order of its bit, and no memory */
enum { ANON, SHMEM, HUGETLB, FILE_, PFNMAP, NONE, KINDS };
static void *kinds[KINDS];

static void open_kinds(void)
{
	const int fds[] = { memfd(0, PAGE), memfd(MFD_HUGETLB, HUGE),
			    ramfs_file() };
	size_t i;

	kinds[ANON] = map_file(fds[2], MAP_PRIVATE);
	kinds[SHMEM] = map_file(fds[0], MAP_SHARED);
	kinds[HUGETLB] = mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			      fds[1], 0);
	assert_ptr_not_equal(kinds[HUGETLB], MAP_FAILED);
	kinds[FILE_] = map_file(fds[2], MAP_SHARED);
	kinds[PFNMAP] = (void *)edu.regs;
	kinds[NONE] = memory_new(PAGE);
	munmap(kinds[NONE], PAGE);
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

static void close_kinds(void)
{
	munmap(kinds[ANON], PAGE);
	munmap(kinds[SHMEM], PAGE);
	munmap(kinds[HUGETLB], HUGE);
	munmap(kinds[FILE_], PAGE);
}

/* Which kinds are refused, a bit each */
static unsigned int refused(uint32_t flags)
{
	unsigned int i, bits = 0;

	for (i = 0; i < KINDS; i++) {
		int err = map(kinds[i], PAGE, flags);

		if (err == -EACCES)
			bits |= 1U << i;
		else
			assert_int_equal(err, 0);
	}
	return bits;
}

/* With other parameters than before */
static void assert_refuses(const char *param, uint64_t value,
			   unsigned int writing, unsigned int reading)
{
	policy_stop(&policy);
	policy_open_object(&policy, SHIPPED "map_guard", "map_guard");
	policy_set(&policy, param, value);
	start();
	assert_int_equal(refused(RW), writing);
	assert_int_equal(refused(READ), reading);
}

static void kinds_of_memory(void **state)
{
	const char *pool = "/proc/sys/vm/nr_hugepages";
	const long before = write_number(pool, 2);
	unsigned int kind;

	assert_true(before >= 0);
	open_kinds();
	assert_refuses("deny_writable_file", true, IOMMUFD_POLICY_MEM_FILE, 0);
	assert_refuses("deny_writable_file", false, 0, 0);
	assert_refuses("deny_writable_shmem", true,
		       IOMMUFD_POLICY_MEM_FILE | IOMMUFD_POLICY_MEM_SHMEM, 0);
	for (kind = 1; kind < IOMMUFD_POLICY_MEM_ALL; kind <<= 1)
		assert_refuses("allowed_kinds", kind,
			       (IOMMUFD_POLICY_MEM_ALL & ~kind) |
			       IOMMUFD_POLICY_MEM_FILE,
			       IOMMUFD_POLICY_MEM_ALL & ~kind);
	close_kinds();
	write_number(pool, before);
}

static void files_that_are_mapped_by_their_descriptor(void **state)
{
	struct file_range range = { .fd = memfd(0, PAGE), .length = PAGE };
	uint64_t iova;

	policy_set(&policy, "deny_writable_shmem", true);
	start();
	assert_int_equal(ioas_map_file(iommu, ioas, &range, RW, &iova),
			 -EACCES);
	assert_int_equal(ioas_map_file(iommu, ioas, &range, READ, &iova), 0);
	close(range.fd);
}

/* It was judged when it was mapped first, and is no more than that. */
static void a_copy_is_allowed_and_no_way_round(void **state)
{
	const struct copy_source anon = { ioas, BASE, PAGE },
				 file = { ioas, 2 * BASE, PAGE };
	int fd = ramfs_file();
	void *of_file = map_file(fd, MAP_SHARED);
	uint64_t iova;

	policy_set(&policy, "allowed_kinds",
		   IOMMUFD_POLICY_MEM_ANON | IOMMUFD_POLICY_MEM_FILE);
	start();
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW, BASE), 0);
	assert_int_equal(ioas_map_at(iommu, ioas, of_file, PAGE, READ,
				     2 * BASE), 0);
	assert_int_equal(ioas_copy(iommu, ioas, &anon, RW, &iova), 0);
	assert_int_equal(ioas_copy(iommu, ioas, &file, READ, &iova), 0);
	assert_int_equal(ioas_copy(iommu, ioas, &file, RW, &iova), -EPERM);
	assert_refused_by(iommu, NULL);
	munmap(of_file, PAGE);
	close(fd);
}

static uint64_t number_of_edu(void)
{
	char bdf[EDU_BDF_SIZE];
	unsigned int domain, bus, slot, function;

	assert_int_equal(edu_find(bdf), 0);
	assert_int_equal(sscanf(bdf, "%x:%x:%x.%x", &domain, &bus, &slot,
				&function), 4);
	return domain << 20 | bus << 12 | slot << 4 | function;
}

static void start_for_peers(const char *param, uint64_t peer)
{
	policy_set(&policy, "peers_only_listed", true);
	policy_set(&policy, param, peer);
	start();
}

static void memory_of_devices_is_not_for_others(void **state)
{
	const uint32_t other = ioas_new(iommu);
	const struct copy_source from = { other, BASE, PAGE };

	start_for_peers("peer_1", number_of_edu() + 1);
	/* Where the device is */
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(map(memory, PAGE, RW), 0);
	assert_int_equal(map((void *)edu.regs, PAGE, RW), -EACCES);
	assert_refused_by(iommu, "map_guard map -13");
	/* Where it is not, and where it then cannot come */
	assert_int_equal(ioas_map_at(iommu, other, (void *)edu.regs, PAGE, RW,
				     BASE), 0);
	assert_int_equal(edu_attach(&edu, other), -EACCES);
	assert_refused_by(iommu, "map_guard attach -13");
	assert_int_equal(ioas_copy_at(iommu, ioas, &from, RW, BASE), -EACCES);
	/* The next IOAS may have the same id. */
	assert_int_equal(object_destroy(iommu, other), 0);
	assert_int_equal(edu_attach(&edu, ioas_new(iommu)), 0);
}

/* What the module itself cannot do yet is none of the policy. */
static void listed_devices_may_reach_it(void **state)
{
	start_for_peers("peer_4", number_of_edu());
	assert_int_equal(ioas_map_at(iommu, ioas, (void *)edu.regs, PAGE, RW,
				     BASE), 0);
	assert_int_equal(edu_attach(&edu, ioas), -EFAULT);
	assert_int_equal(policy_number("map_guard", "attach_asked"), 1);
	assert_int_equal(policy_number("map_guard", "attach_refused"), 0);
	assert_int_equal(ioas_unmap(iommu, ioas, BASE, PAGE, NULL), 0);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(map((void *)edu.regs, PAGE, RW), -EFAULT);
	assert_int_equal(policy_number("map_guard", "map_refused"), 0);
	assert_refused_by(iommu, NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_size_of_a_mapping),
		TEST(the_number_of_mappings_of_a_context),
		TEST(kinds_of_memory),
		TEST(files_that_are_mapped_by_their_descriptor),
		TEST(a_copy_is_allowed_and_no_way_round),
		TEST(memory_of_devices_is_not_for_others),
		TEST(listed_devices_may_reach_it),
	};

	return run_tap(tests, NULL, NULL);
}

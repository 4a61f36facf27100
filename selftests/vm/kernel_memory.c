// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=180 */
/*
 * What a request that can be made to last for ever keeps of the kernel's memory
 * is charged to the cgroup of the process that makes it.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "lib/cgroup.h"
#include "lib/fuse.h"
#include "lib/policy.h"

#define CGROUP "kernel-memory"
#define BASE (16 * MIB)
/* Areas of one page each, which a request remembers in an XArray */
#define AREAS 20000UL
/* A node of it has 64 slots; not all are used, as entries are not neighbours */
#define NODE 576UL
#define NODES (AREAS / 64)
/* The kernel adds statistics of a cgroup up every two seconds */
#define STATISTICS_AGE 3

static int iommu;
static uint32_t ioas;
static struct edu edu;
static struct policy policy;
static long before;

static int setup(void **state)
{
	policy.object = NULL;
	cgroup_write("", "cgroup.subtree_control", "+memory");
	cgroup_new(CGROUP);
	iommu = context_open();
	assert_int_equal(option_set(iommu, IOMMU_OPTION_RLIMIT_MODE, 0, 1), 0);
	ioas = ioas_new(iommu);
	edu_open(&edu, iommu);
	return 0;
}

static int teardown(void **state)
{
	cgroup_move("", getpid());
	edu_close(&edu);
	close(iommu);
	if (policy.object)
		policy_stop(&policy);
	cgroup_remove(CGROUP);
	cgroup_write("", "cgroup.subtree_control", "-memory");
	return 0;
}

/* Where the kernel counts nodes of XArrays, and little else that changes here */
static long node_bytes(void)
{
	return cgroup_memory_stat(CGROUP, "slab_reclaimable");
}

static void remember_node_bytes(void)
{
	sleep(STATISTICS_AGE);
	before = node_bytes();
}

/* Nodes that wait in the cache of a CPU are not in the statistics yet */
static void assert_nodes_are_charged(void)
{
	long grown;

	sleep(STATISTICS_AGE);
	grown = node_bytes() - before;
	printf("# %ld bytes of nodes charged, for at least %lu nodes\n", grown,
	       NODES);
	assert_true(grown >= (long)(NODES * NODE / 2));
	/* As many as there are areas, at the worst */
	assert_true(grown <= (long)(AREAS * NODE));
}

static int map_each_page(char *memory)
{
	unsigned long i;
	int err = 0;

	for (i = 0; !err && i < AREAS; i++)
		err = ioas_map_at(iommu, ioas, memory + i * PAGE, PAGE, RW,
				  BASE + i * PAGE);
	return err;
}

static void *make_hwpt(void *arg)
{
	int64_t *hwpt = arg;

	*hwpt = hwpt_alloc(iommu, edu.id, ioas, 0);
	return NULL;
}

/* Policies are asked once for all areas, so the request remembers each of them */
static void an_attach_that_policies_pay_for(void **state)
{
	char *memory = memory_new(AREAS * PAGE);
	int64_t hwpt = 0;
	pthread_t thread;
	int userfault;

	/* Its first page is not to come with what has been mapped beside it */
	assert_int_equal(madvise(memory, AREAS * PAGE, MADV_NOHUGEPAGE), 0);
	policy_open_object(&policy, "payer", "payer");
	assert_int_equal(policy_load(&policy), 0);
	assert_int_equal(policy_attach(&policy), 0);
	cgroup_move(CGROUP, getpid());
	assert_int_equal(map_each_page(memory), 0);
	userfault = userfault_new(memory, PAGE);
	remember_node_bytes();

	assert_int_equal(pthread_create(&thread, NULL, make_hwpt, &hwpt), 0);
	userfault_wait(userfault);
	assert_nodes_are_charged();
	userfault_resolve(userfault, memory, PAGE);
	pthread_join(thread, NULL);
	assert_true(hwpt > 0);
	assert_int_equal(object_destroy(iommu, hwpt), 0);
	munmap(memory, AREAS * PAGE);
	cgroup_move("", getpid());
}

static struct fuse fuse;
static struct puppet mapper, heir;
static int memfd;
static uint32_t attached;
static pthread_t sitter;
/* Of that thread, once it runs */
static atomic_int sitter_id;

static int setup_heir(void **state)
{
	fuse_start(&fuse);
	setup(state);
	attached = ioas_new(iommu);
	assert_int_equal(edu_attach(&edu, attached), 0);
	memfd = memfd_create("mapped", MFD_CLOEXEC);
	assert_return_code(ftruncate(memfd, AREAS * PAGE), errno);
	puppet_start(&mapper);
	puppet_start(&heir);
	cgroup_move(CGROUP, heir.pid);
	return 0;
}

static int teardown_heir(void **state)
{
	fuse_stop(&fuse);
	puppet_kill(&heir);
	puppet_kill(&mapper);
	close(memfd);
	return teardown(state);
}

static long become_limited(long unused, long unused2)
{
	return become_tenant(AREAS);
}

/* The first one is pinned, and so has to be paid for */
static long map_each_page_of_file(long unused, long unused2)
{
	struct file_range range = { memfd, 0, PAGE };
	uint64_t iova = BASE;
	int err;

	err = ioas_map_file(iommu, attached, &range, RW | FIXED, &iova);
	while (!err && range.start + PAGE < AREAS * PAGE) {
		range.start += PAGE;
		iova += PAGE;
		err = ioas_map_file(iommu, ioas, &range, RW | FIXED, &iova);
	}
	return err;
}

static void *sit(void *arg)
{
	sitter_id = gettid();
	return mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fuse.file, 0);
}

/* A thread of the same process holds the mmap lock */
static long start_sitter(long unused, long unused2)
{
	int err = pthread_create(&sitter, NULL, sit, NULL);

	while (!err && !sitter_id)
		usleep(1000);
	return err ? -err : sitter_id;
}

static long take_over(long unused, long unused2)
{
	return ioas_change_process(iommu);
}

static void a_process_that_takes_memory_over(void **state)
{
	long id;

	assert_int_equal(puppet_do(&mapper, become_limited, 0, 0), 0);
	assert_int_equal(puppet_do(&mapper, map_each_page_of_file, 0, 0), 0);
	assert_int_equal(puppet_do(&heir, become_limited, 0, 0), 0);
	fuse_fall_silent(&fuse);
	id = puppet_do(&heir, start_sitter, 0, 0);
	assert_true(id > 0);
	wait_in_syscall(id, SYS_mmap);
	remember_node_bytes();

	puppet_begin(&heir, take_over, 0, 0);
	wait_in_syscall(heir.pid, SYS_ioctl);
	assert_nodes_are_charged();
	assert_false(puppet_answers(&heir, 0));
	fuse_speak(&fuse);
	assert_int_equal(puppet_end(&heir), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_attach_that_policies_pay_for,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_process_that_takes_memory_over,
						setup_heir, teardown_heir),
	};

	return run_tap(tests, NULL, NULL);
}

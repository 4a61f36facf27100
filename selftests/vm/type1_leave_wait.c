// SPDX-License-Identifier: GPL-2.0-only
/* Groups that leave a container and come to it at once, or have to wait. */
#include <pthread.h>
#include <sys/socket.h>

#include "lib/container.h"
#include "lib/puppet.h"

static struct container c;
static struct puppet filler, leaver, next;

static int setup(void **state)
{
	container_open(&c);
	container_enter(&c);
	return 0;
}

static int teardown(void **state)
{
	puppet_kill(&filler);
	puppet_kill(&leaver);
	puppet_kill(&next);
	container_close(&c);
	return 0;
}

#define ROUNDS 300
#define AREAS 16

/* Page by page: it takes a while to unmap them */
static const char *map_areas(uint64_t iova, bool may_be_mapped)
{
	int i, err;

	for (i = 0; i < AREAS; i++) {
		err = type1_map(c.iommu, c.memory, PAGE, DMA_RW,
				iova + i * PAGE);
		if (err && (err != -EEXIST || !may_be_mapped))
			return "cannot map";
	}
	return NULL;
}

/* What a group has mapped since it came is there until it leaves */
static void *come_and_go(void *arg)
{
	const int fd = *(int *)arg;
	const uint64_t iova = CONTAINER_BASE + fd * MIB;
	const char *why;
	uint64_t unmapped;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		if (group_set_container(fd, c.iommu))
			return "cannot come";
		/* From the round before, if the other group was there */
		why = map_areas(iova, i % 2 == 0);
		if (why)
			return (void *)why;
		if (i % 2 == 0 &&
		    (type1_unmap(c.iommu, iova, AREAS * PAGE, 0, &unmapped) ||
		     unmapped != AREAS * PAGE))
			return "has lost a mapping";
		if (group_unset_container(fd))
			return "cannot leave";
	}
	return NULL;
}

static void groups_come_and_go_at_once(void **state)
{
	pthread_t thread;
	void *why[2];

	container_open_other(&c);
	container_leave(&c);
	assert_int_equal(pthread_create(&thread, NULL, come_and_go, &c.other),
			 0);
	why[0] = come_and_go(&c.group);
	assert_int_equal(pthread_join(thread, &why[1]), 0);
	assert_null(why[0]);
	assert_null(why[1]);
	assert_int_equal(container_areas(&c), 0);
}

static long fill_hwpt(long device, long unused)
{
	return hwpt_alloc(c.iommu, device, container_ioas(&c), 0);
}

static long leave_step(long unused, long unused2)
{
	return group_unset_container(c.group);
}

static long come_step(long iova, long unused)
{
	return group_set_container(c.other, c.iommu) ?:
	       type1_map(c.iommu, c.memory, PAGE, DMA_RW, iova);
}

static long set_step(long ioas, long unused)
{
	return compat_set(c.iommu, ioas);
}

/* The memory mapped is waited for by a HWPT without a device; killed, it ends */
static int start_filling(void)
{
	int uffd = userfault_new(c.memory, PAGE);

	assert_int_equal(container_map(&c), 0);
	puppet_start(&filler);
	container_bind_nvme(&c);
	/* Its id is the one after that of the IOAS */
	puppet_begin(&filler, fill_hwpt, container_ioas(&c) + 1, 0);
	userfault_wait(uffd);
	container_unbind_nvme(&c);
	container_open_other(&c);
	return uffd;
}

static void start_waiting(struct puppet *puppet, puppet_step *step,
			  long argument)
{
	char byte;

	puppet_start(puppet);
	puppet_begin(puppet, step, argument, 0);
	usleep(300000);
	assert_int_equal(recv(puppet->fd, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

static void who_comes_meanwhile_keeps_mappings(void **state)
{
	/* Behind those that are about to go */
	const uint64_t iova = 2 * CONTAINER_BASE;
	int uffd = start_filling();
	uint64_t unmapped;

	start_waiting(&leaver, leave_step, 0);
	start_waiting(&next, come_step, iova);
	puppet_kill(&filler);
	close(uffd);
	assert_int_equal(puppet_end(&leaver), 0);
	assert_int_equal(puppet_end(&next), 0);
	assert_int_equal(container_areas(&c), 1);
	assert_int_equal(type1_unmap(c.iommu, iova, PAGE, 0, &unmapped), 0);
	assert_int_equal(unmapped, PAGE);
}

static void whoever_has_to_wait_can_be_killed(void **state)
{
	int uffd = start_filling();

	start_waiting(&leaver, leave_step, 0);
	start_waiting(&next, set_step, container_ioas(&c));
	puppet_kill(&next);
	puppet_kill(&leaver);
	/* It has left, and what it left goes before another one comes */
	assert_int_equal(container_areas(&c), 1);
	start_waiting(&next, come_step, CONTAINER_BASE);
	puppet_kill(&next);
	puppet_kill(&filler);
	close(uffd);
	container_enter(&c);
	assert_int_equal(container_areas(&c), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(groups_come_and_go_at_once),
		TEST(who_comes_meanwhile_keeps_mappings),
		TEST(whoever_has_to_wait_can_be_killed),
	};

	return run_tap(tests, NULL, NULL);
}

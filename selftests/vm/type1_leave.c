// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=120 */
/*
 * What was mapped in a container goes with its last group, as with
 * vfio_iommu_type1: another user of the container does no DMA to it.
 */
#include "lib/container.h"
#include "lib/policy.h"
#include "vfio.h"

#define SOURCE (CONTAINER_BASE / 2)

static struct container c;

static int setup(void **state)
{
	container_open(&c);
	return 0;
}

static int setup_entered(void **state)
{
	setup(state);
	container_enter(&c);
	return 0;
}

static int setup_device(void **state)
{
	setup_entered(state);
	return group_get_edu(c.group, &c.edu);
}

static int teardown(void **state)
{
	container_close(&c);
	return 0;
}

static void the_group_leaves(void **state)
{
	uint32_t ioas = container_ioas(&c);

	assert_int_equal(container_map(&c), 0);
	assert_int_equal(container_map(&c), -EEXIST);
	container_leave(&c);
	/* The IOAS stays, with nothing in it */
	assert_int_equal(container_ioas(&c), ioas);
	assert_int_equal(container_areas(&c), 0);
	container_enter(&c);
	assert_int_equal(container_ioas(&c), ioas);
	assert_int_equal(container_map(&c), 0);
}

static void the_group_is_closed(void **state)
{
	assert_int_equal(container_map(&c), 0);
	container_leave_by_closing(&c);
	assert_int_equal(container_areas(&c), 0);
	c.group = group_open();
	container_enter(&c);
	assert_int_equal(container_map(&c), 0);
}

static int use_group(void *arg)
{
	c.group = group_open();
	CHECK(c.group >= 0);
	CHECK(!group_set_container(c.group, c.iommu));
	CHECK(!type1_set_iommu(c.iommu, VFIO_TYPE1v2_IOMMU));
	CHECK(!group_get_edu(c.group, &c.edu));
	CHECK(!container_map(&c));
	return 0;
}

static void its_process_ends(void **state)
{
	int i;

	container_leave_by_closing(&c);
	for (i = 0; i < 3; i++)
		assert_int_equal(in_child(use_group, NULL), 0);
	assert_int_equal(pinned_pages(0), 0);
	assert_int_equal(container_areas(&c), 0);
}

static bool device_writes(const char *to)
{
	char before[PAGE];

	memcpy(before, to, PAGE);
	assert_int_equal(type1_map(c.iommu, c.memory, PAGE, DMA_READ, SOURCE),
			 0);
	memory_random(c.memory, PAGE);
	edu_read(&c.edu, SOURCE);
	assert_int_equal(type1_unmap(c.iommu, SOURCE, PAGE, 0, NULL), 0);
	edu_write(&c.edu, CONTAINER_BASE + PAGE);
	return !memcmp(to, c.memory, PAGE) && memcmp(to, before, PAGE);
}

/* As a program that takes the error of a second map for success */
static void the_device_reaches_what_is_mapped_now(void **state)
{
	char *old = c.memory;

	assert_int_equal(container_map(&c), 0);
	assert_true(device_writes(c.memory + PAGE));
	container_close_edu(&c);
	container_leave(&c);
	container_enter(&c);
	assert_int_equal(group_get_edu(c.group, &c.edu), 0);
	c.memory = memory_new(CONTAINER_PAGES * PAGE);
	assert_int_equal(container_map(&c), 0);
	assert_true(device_writes(c.memory + PAGE));
	munmap(old, CONTAINER_PAGES * PAGE);
}

static void a_device_that_is_closed_takes_nothing(void **state)
{
	assert_int_equal(container_map(&c), 0);
	container_close_edu(&c);
	assert_int_equal(container_areas(&c), 1);
	assert_int_equal(container_map(&c), -EEXIST);
	assert_int_equal(group_get_edu(c.group, &c.edu), 0);
	assert_true(device_writes(c.memory + PAGE));
	assert_int_equal(fdinfo_value(c.iommu, "iommufd-pinned:"),
			 CONTAINER_PAGES);
}

/* VFIO lets a group go whose device may still do DMA */
static void an_open_device_keeps_mappings(void (*go)(struct container *))
{
	assert_int_equal(container_map(&c), 0);
	go(&c);
	assert_int_equal(container_areas(&c), 1);
	assert_true(device_writes(c.memory + PAGE));
	assert_int_equal(fdinfo_value(c.iommu, "iommufd-pinned:"),
			 CONTAINER_PAGES);
	container_close_edu(&c);
	assert_int_equal(container_areas(&c), 0);
	assert_int_equal(fdinfo_value(c.iommu, "iommufd-pinned:"), 0);
}

static void an_open_device_stays_when_the_group_leaves(void **state)
{
	an_open_device_keeps_mappings(container_leave);
	container_enter(&c);
	assert_int_equal(container_map(&c), 0);
}

static void an_open_device_stays_when_the_group_is_closed(void **state)
{
	an_open_device_keeps_mappings(container_leave_by_closing);
}

static void a_group_comes_back_to_its_open_device(void **state)
{
	assert_int_equal(container_map(&c), 0);
	container_leave(&c);
	container_enter(&c);
	container_close_edu(&c);
	assert_int_equal(container_areas(&c), 1);
	container_leave(&c);
	assert_int_equal(container_areas(&c), 0);
}

static int map_as_tenant(void *arg)
{
	CHECK(!become_tenant(CONTAINER_PAGES));
	CHECK(!container_map(&c));
	return 0;
}

/* Its object id is not told to those who open a device of a group */
static uint32_t hwpt_of_device(void)
{
	int64_t hwpt = -1;
	uint32_t id;

	for (id = 1; id < 10 && hwpt < 0; id++)
		hwpt = hwpt_alloc(c.iommu, id, container_ioas(&c), 0);
	assert_true(hwpt > 0);
	return hwpt;
}

/* A HWPT of user space has the memory pinned without any device */
static void memory_is_unpinned_and_uncharged(void **state)
{
	uint32_t hwpt = hwpt_of_device();

	assert_int_equal(in_child(map_as_tenant, NULL), 0);
	container_close_edu(&c);
	assert_int_equal(fdinfo_value(c.iommu, "iommufd-pinned:"),
			 CONTAINER_PAGES);
	assert_int_equal(fdinfo_value(c.iommu, "iommufd-charged:"),
			 CONTAINER_PAGES);
	container_leave(&c);
	assert_int_equal(fdinfo_value(c.iommu, "iommufd-pinned:"), 0);
	assert_int_equal(fdinfo_value(c.iommu, "iommufd-charged:"), 0);
	assert_int_equal(pinned_pages(0), 0);
	assert_int_equal(object_destroy(c.iommu, hwpt), 0);
}

static void the_first_of_two_groups_takes_nothing(void **state)
{
	int i;

	container_open_other(&c);
	assert_int_equal(group_set_container(c.other, c.iommu), 0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(container_map(&c), 0);
		container_leave(&c);
		assert_int_equal(container_areas(&c), 1);
		assert_int_equal(container_map(&c), -EEXIST);
		container_enter(&c);
		assert_int_equal(container_areas(&c), 1);
		assert_int_equal(group_unset_container(c.other), 0);
		assert_int_equal(container_areas(&c), 1);
		container_leave(&c);
		assert_int_equal(container_areas(&c), 0);
		assert_int_equal(group_set_container(c.other, c.iommu), 0);
		container_enter(&c);
	}
}

static void a_device_without_group_keeps_mappings(void **state)
{
	container_bind_nvme(&c);
	assert_int_equal(container_map(&c), 0);
	container_leave(&c);
	assert_int_equal(container_areas(&c), 1);
	container_enter(&c);
	assert_int_equal(container_map(&c), -EEXIST);
	container_leave(&c);
	container_unbind_nvme(&c);
	assert_int_equal(container_areas(&c), 0);
}

static void what_is_mapped_without_groups_stays(void **state)
{
	container_leave(&c);
	container_bind_nvme(&c);
	assert_int_equal(nvme_attach(c.nvme, container_ioas(&c)), 0);
	assert_int_equal(container_map(&c), 0);
	container_unbind_nvme(&c);
	assert_int_equal(container_areas(&c), 1);
	container_enter(&c);
	assert_int_equal(container_areas(&c), 1);
	container_leave(&c);
	assert_int_equal(container_areas(&c), 0);
}

/* Takes a reference to the context, and gives it back at once */
static void fail_to_bind(void)
{
	struct vfio_device_bind_iommufd *bind = memory_new(PAGE);
	char bdf[EDU_BDF_SIZE], path[64];
	struct pci_info info;
	int vfio;

	assert_int_equal(nvme_find(bdf), 0);
	assert_int_equal(pci_read_info(bdf, &info), 0);
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", info.cdev);
	vfio = open(path, O_RDWR | O_CLOEXEC);
	assert_return_code(vfio, errno);
	bind->argsz = sizeof(*bind);
	bind->iommufd = c.iommu;
	/* No room for the answer */
	assert_int_equal(mprotect(bind, PAGE, PROT_READ), 0);
	assert_int_equal(ioctl(vfio, VFIO_DEVICE_BIND_IOMMUFD, bind), -1);
	assert_int_equal(errno, EFAULT);
	close(vfio);
	munmap(bind, PAGE);
}

static void a_failed_request_takes_nothing(void **state)
{
	assert_int_equal(container_map(&c), 0);
	assert_int_equal(group_set_container(c.group, c.iommu), -EINVAL);
	fail_to_bind();
	assert_int_equal(container_areas(&c), 1);
	container_leave(&c);
	assert_int_equal(container_areas(&c), 0);
	assert_int_equal(container_map(&c), 0);
	fail_to_bind();
	assert_int_equal(container_areas(&c), 1);
}

static void the_ioas_of_user_space_keeps_mappings(void **state)
{
	uint32_t ioas = ioas_new(c.iommu);

	assert_int_equal(compat_set(c.iommu, ioas), 0);
	container_enter(&c);
	assert_int_equal(container_map(&c), 0);
	container_leave(&c);
	assert_int_equal(container_areas(&c), 1);
	container_enter(&c);
	assert_int_equal(container_ioas(&c), ioas);
	assert_int_equal(container_map(&c), -EEXIST);
	container_leave_by_closing(&c);
	assert_int_equal(container_areas(&c), 1);
}

static void so_does_one_that_it_takes_over(void **state)
{
	assert_int_equal(compat_set(c.iommu, container_ioas(&c)), 0);
	assert_int_equal(container_map(&c), 0);
	container_leave(&c);
	assert_int_equal(container_areas(&c), 1);
	container_enter(&c);
	container_leave(&c);
	assert_int_equal(container_areas(&c), 1);
}

static void so_does_one_that_is_not_set_any_more(void **state)
{
	uint32_t old = container_ioas(&c), new;

	assert_int_equal(container_map(&c), 0);
	assert_int_equal(compat_clear(c.iommu), 0);
	container_leave(&c);
	assert_int_equal(ioas_areas(c.iommu, old), 1);
	/* Another one is created for the groups, and is theirs */
	container_enter(&c);
	new = container_ioas(&c);
	assert_int_not_equal(new, old);
	assert_int_equal(container_map(&c), 0);
	container_leave(&c);
	assert_int_equal(ioas_areas(c.iommu, new), 0);
	assert_int_equal(ioas_areas(c.iommu, old), 1);
	assert_int_equal(object_destroy(c.iommu, old), 0);
	assert_int_equal(object_destroy(c.iommu, new), -EBUSY);
}

static void small_io_pages_are_of_one_use(void **state)
{
	const uint32_t ioas = container_ioas(&c);
	uint64_t huge;

	assert_int_equal(type1_set_iommu(c.iommu, VFIO_TYPE1_IOMMU), 0);
	assert_int_equal(option_get(c.iommu, IOMMU_OPTION_HUGE_PAGES, ioas,
				    &huge), 0);
	assert_int_equal(huge, 0);
	assert_int_equal(container_map(&c), 0);
	assert_int_equal(type1_unmap(c.iommu, CONTAINER_BASE, PAGE, 0, NULL),
			 0);
	container_leave(&c);
	assert_int_equal(container_areas(&c), 0);
	container_enter(&c);
	assert_int_equal(option_get(c.iommu, IOMMU_OPTION_HUGE_PAGES, ioas,
				    &huge), 0);
	assert_int_equal(huge, 1);
	assert_int_equal(container_map(&c), 0);
	assert_int_equal(type1_unmap(c.iommu, CONTAINER_BASE, PAGE, 0, NULL),
			 -ENOENT);
}

static void policies_are_told(void **state)
{
	struct policy policy;

	policy_start(&policy, "answer");
	assert_int_equal(container_map(&c), 0);
	assert_int_equal(policy.answer->balance, CONTAINER_PAGES);
	container_leave(&c);
	assert_int_equal(policy.answer->unmap.calls, 0);
	container_close_edu(&c);
	assert_int_equal(policy.answer->unmap.calls, 1);
	assert_int_equal(policy.answer->unmap.op,
			 IOMMUFD_POLICY_OP_TYPE1_UNMAP);
	assert_int_equal(policy.answer->unmap.ioas_id, container_ioas(&c));
	assert_int_equal(policy.answer->unmap.iova, 0);
	assert_int_equal(policy.answer->unmap.length, UINT64_MAX);
	assert_int_equal(policy.answer->unmap.unmapped, CONTAINER_PAGES * PAGE);
	assert_int_equal(policy.answer->balance, 0);
	/* With nothing mapped there is nothing to tell */
	container_enter(&c);
	container_leave(&c);
	assert_int_equal(policy.answer->unmap.calls, 1);
	policy_stop(&policy);
}

int main(void)
{
#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_group_leaves, setup_entered),
		TEST(the_group_is_closed, setup_entered),
		TEST(its_process_ends, setup_entered),
		TEST(the_device_reaches_what_is_mapped_now, setup_device),
		TEST(a_device_that_is_closed_takes_nothing, setup_device),
		TEST(an_open_device_stays_when_the_group_leaves, setup_device),
		TEST(an_open_device_stays_when_the_group_is_closed,
		     setup_device),
		TEST(a_group_comes_back_to_its_open_device, setup_device),
		TEST(memory_is_unpinned_and_uncharged, setup_device),
		TEST(the_first_of_two_groups_takes_nothing, setup_entered),
		TEST(a_device_without_group_keeps_mappings, setup_entered),
		TEST(what_is_mapped_without_groups_stays, setup_entered),
		TEST(a_failed_request_takes_nothing, setup_entered),
		TEST(the_ioas_of_user_space_keeps_mappings, setup),
		TEST(so_does_one_that_it_takes_over, setup_entered),
		TEST(so_does_one_that_is_not_set_any_more, setup_entered),
		TEST(small_io_pages_are_of_one_use, setup_entered),
		TEST(policies_are_told, setup_device),
	};

	return run_tap(tests, NULL, NULL);
}

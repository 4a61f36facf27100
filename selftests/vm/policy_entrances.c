// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=180 */
/* Each entrance asks, as often as it has to, and tells the truth. */
#include "lib/asker.h"
#include "lib/type1.h"

/* Within reach of edu */
#define BASE (16 * MIB)

static struct policy policy;
static volatile struct answer *seen;
static int iommu;
static uint64_t context;
static uint32_t ioas;
static struct edu edu;
static char *memory;

static int setup(void **state)
{
	iommu = context_open();
	context = context_id(iommu);
	ioas = ioas_new(iommu);
	edu_open(&edu, iommu);
	memory = memory_new(16 * PAGE);
	asker_prepare();
	policy_start(&policy, "answer");
	seen = policy.answer;
	return 0;
}

static int teardown(void **state)
{
	policy_stop(&policy);
	asker_remove();
	munmap(memory, 16 * PAGE);
	edu_close(&edu);
	return close(iommu);
}

static int map_at(unsigned long first, unsigned long nr)
{
	return ioas_map_at(iommu, ioas, memory + first * PAGE, nr * PAGE, RW,
			   BASE + first * PAGE);
}

static int map_at_an_address(void *arg)
{
	CHECK(!become_asker());
	CHECK(!ioas_map_at(iommu, ioas, memory + 8 * PAGE, 3 * PAGE, READ,
			   BASE));
	CHECK(is_asker(&seen->map.who, context));
	CHECK(seen->map.op == IOMMUFD_POLICY_OP_IOAS_MAP);
	CHECK(seen->map.iova == BASE);
	CHECK(seen->map.length == 3 * PAGE);
	CHECK(seen->map.pages == 3);
	CHECK(seen->map.uptr == (uintptr_t)memory + 8 * PAGE);
	CHECK(seen->map.ioas_id == ioas);
	CHECK(seen->map.prot == IOMMUFD_POLICY_PROT_READ);
	CHECK(seen->map.fixed == 1);
	CHECK(!seen->map.src_iova && !seen->map.src_ioas_id);
	return 0;
}

static void a_map_at_an_address(void **state)
{
	assert_int_equal(in_child(map_at_an_address, NULL), 0);
	assert_policy_counts("answer", "map_asked=1");
}

static int map_anywhere(void *arg)
{
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = WRITE,
		.ioas_id = ioas,
		.user_va = (uintptr_t)memory,
		.length = 2 * PAGE,
		.iova = 12345,
	};

	CHECK(!become_asker());
	CHECK(!ioctl(iommu, IOMMU_IOAS_MAP, &cmd));
	CHECK(is_asker(&seen->map.who, context));
	CHECK(seen->map.iova == 0);
	CHECK(seen->map.fixed == 0);
	CHECK(seen->map.prot == IOMMUFD_POLICY_PROT_WRITE);
	CHECK(is_asker(&seen->iova.who, context));
	CHECK(seen->iova.length == 2 * PAGE);
	CHECK(seen->iova.uptr == (uintptr_t)memory);
	CHECK(seen->iova.op == IOMMUFD_POLICY_OP_IOAS_MAP);
	CHECK(seen->iova.ioas_id == ioas);
	return 0;
}

static void a_map_anywhere(void **state)
{
	assert_int_equal(in_child(map_anywhere, NULL), 0);
	assert_policy_counts("answer", "iova_alloc_asked=1 map_asked=1");
}

/* Without a device every byte can be mapped by itself. */
static void pages_that_are_touched_are_counted(void **state)
{
	static const struct {
		uint64_t offset, length, pages;
	} cases[] = {
		{ 0, 1, 1 }, { PAGE - 1, 1, 1 }, { PAGE - 1, 2, 2 },
		{ 0, PAGE, 1 }, { 1, PAGE, 2 }, { 100, 2 * PAGE - 100, 2 },
		{ 100, 2 * PAGE, 3 }, { 0, 16 * PAGE, 16 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(ioas_map_at(iommu, ioas,
					     memory + cases[i].offset,
					     cases[i].length, RW,
					     BASE + i * MIB), 0);
		assert_int_equal(seen->map.pages, cases[i].pages);
		assert_int_equal(seen->map.length, cases[i].length);
		assert_int_equal(seen->map.uptr,
				 (uintptr_t)memory + cases[i].offset);
	}
}

static void a_map_up_to_the_last_address(void **state)
{
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW, -PAGE), 0);
	assert_int_equal(seen->map.iova + seen->map.length, 0);
	assert_int_equal(ioas_unmap(iommu, ioas, -PAGE, PAGE, NULL), 0);
	assert_int_equal(seen->unmap.iova + seen->unmap.length, 0);
	assert_int_equal(seen->unmap.unmapped, PAGE);
	assert_policy_counts("answer", "map_asked=1 unmap_told=1");
}

static int map_of_a_file(void *arg)
{
	const struct file_range range = { *(int *)arg, 2 * PAGE, 3 * PAGE };
	uint64_t iova;

	CHECK(!become_asker());
	CHECK(!ioas_map_file(iommu, ioas, &range, RW, &iova));
	CHECK(is_asker(&seen->map.who, context));
	CHECK(seen->map.op == IOMMUFD_POLICY_OP_IOAS_MAP_FILE);
	CHECK(seen->map.iova == 0 && seen->map.fixed == 0);
	CHECK(seen->map.length == 3 * PAGE);
	CHECK(seen->map.pages == 3);
	CHECK(seen->map.uptr == 2 * PAGE);
	CHECK(seen->map.ioas_id == ioas);
	CHECK(seen->map.mem == IOMMUFD_POLICY_MEM_SHMEM);
	CHECK(is_asker(&seen->iova.who, context));
	CHECK(seen->iova.length == 3 * PAGE);
	CHECK(seen->iova.uptr == 2 * PAGE);
	CHECK(seen->iova.op == IOMMUFD_POLICY_OP_IOAS_MAP_FILE);
	CHECK(seen->iova.ioas_id == ioas);
	CHECK(is_asker(&seen->charge.who, context));
	CHECK(seen->charge.op == IOMMUFD_POLICY_OP_IOAS_MAP_FILE);
	CHECK(seen->charge.ioas_id == ioas);
	CHECK(seen->charge.pages == 3 && seen->charge.asked == 3);

	iova = 3 * BASE;
	CHECK(!ioas_map_file(iommu, ioas, &range, READ | FIXED, &iova));
	CHECK(seen->map.iova == 3 * BASE && seen->map.fixed == 1);
	CHECK(seen->map.prot == IOMMUFD_POLICY_PROT_READ);
	return 0;
}

static void a_map_of_a_file(void **state)
{
	int fd = memfd_create("entrances", MFD_CLOEXEC);

	assert_return_code(ftruncate(fd, 8 * PAGE), errno);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(in_child(map_of_a_file, &fd), 0);
	assert_policy_counts("answer", "attach_asked=1 charge_asked=2 "
			     "iova_alloc_asked=1 map_asked=2");
	close(fd);
}

static int copy(void *arg)
{
	uint32_t other = *(uint32_t *)arg;
	struct copy_source from = { ioas, BASE + PAGE, 2 * PAGE };
	uint64_t iova;

	CHECK(!become_asker());
	CHECK(!map_at(0, 4));
	CHECK(!ioas_copy(iommu, other, &from, READ, &iova));
	CHECK(is_asker(&seen->map.who, context));
	CHECK(seen->map.op == IOMMUFD_POLICY_OP_IOAS_COPY);
	CHECK(seen->map.iova == 0 && seen->map.fixed == 0);
	CHECK(seen->map.length == 2 * PAGE);
	CHECK(seen->map.pages == 2);
	CHECK(seen->map.uptr == 0);
	CHECK(seen->map.ioas_id == other);
	CHECK(seen->map.src_ioas_id == ioas);
	CHECK(seen->map.src_iova == BASE + PAGE);
	CHECK(seen->map.prot == IOMMUFD_POLICY_PROT_READ);
	CHECK(seen->map.mem == IOMMUFD_POLICY_MEM_ALL);
	CHECK(is_asker(&seen->iova.who, context));
	CHECK(seen->iova.length == 2 * PAGE);
	CHECK(seen->iova.uptr == 0);
	CHECK(seen->iova.op == IOMMUFD_POLICY_OP_IOAS_COPY);
	CHECK(seen->iova.ioas_id == other);
	CHECK(is_asker(&seen->charge.who, context));
	CHECK(seen->charge.op == IOMMUFD_POLICY_OP_IOAS_COPY);
	CHECK(seen->charge.ioas_id == other);
	CHECK(seen->charge.pages == 2 && seen->charge.asked == 2);
	CHECK(seen->charge.pinned == 0);

	/* Of what is pinned, nothing is charged another time. */
	CHECK(!ioas_copy_at(iommu, other, &from, READ, 4 * BASE));
	CHECK(seen->map.iova == 4 * BASE && seen->map.fixed == 1);
	CHECK(seen->charge.calls == 1);
	from.iova = BASE;
	from.length = 4 * PAGE;
	CHECK(!ioas_copy_at(iommu, other, &from, RW, 5 * BASE));
	CHECK(seen->charge.calls == 2);
	CHECK(seen->charge.pages == 2 && seen->charge.asked == 4);
	CHECK(seen->charge.pinned == 2);
	return 0;
}

static void a_copy(void **state)
{
	uint32_t other = ioas_new(iommu);

	assert_int_equal(edu_attach(&edu, other), 0);
	assert_int_equal(in_child(copy, &other), 0);
	assert_policy_counts("answer", "attach_asked=1 charge_asked=2 "
			     "iova_alloc_asked=1 map_asked=4");
	assert_int_equal(seen->balance, 4);
}

static int type1(void *arg)
{
	uint64_t unmapped;

	CHECK(!become_asker());
	CHECK(!type1_map(iommu, memory, 2 * PAGE, DMA_READ, BASE));
	CHECK(is_asker(&seen->map.who, context));
	CHECK(seen->map.op == IOMMUFD_POLICY_OP_TYPE1_MAP);
	CHECK(seen->map.iova == BASE && seen->map.fixed == 1);
	CHECK(seen->map.length == 2 * PAGE && seen->map.pages == 2);
	CHECK(seen->map.uptr == (uintptr_t)memory);
	CHECK(seen->map.ioas_id == ioas);
	CHECK(seen->map.prot == IOMMUFD_POLICY_PROT_READ);
	CHECK(is_asker(&seen->charge.who, context));
	CHECK(seen->charge.op == IOMMUFD_POLICY_OP_TYPE1_MAP);
	CHECK(seen->charge.ioas_id == ioas);
	CHECK(seen->charge.pages == 2 && seen->charge.asked == 2);
	/* Whatever the option says */
	CHECK(seen->charge.limit_kind == IOMMUFD_POLICY_LIMIT_PROCESS);

	CHECK(!type1_unmap(iommu, BASE, 8 * PAGE, 0, &unmapped));
	CHECK(is_asker(&seen->unmap.who, context));
	CHECK(seen->unmap.op == IOMMUFD_POLICY_OP_TYPE1_UNMAP);
	CHECK(seen->unmap.ioas_id == ioas);
	CHECK(seen->unmap.iova == BASE);
	CHECK(seen->unmap.length == 8 * PAGE);
	CHECK(seen->unmap.unmapped == 2 * PAGE);
	CHECK(is_asker(&seen->uncharge.who, context));
	CHECK(seen->uncharge.pages == 2);

	CHECK(!type1_map(iommu, memory, PAGE, DMA_WRITE, 3 * BASE));
	CHECK(seen->map.prot == IOMMUFD_POLICY_PROT_WRITE);
	CHECK(!type1_unmap_all(iommu, &unmapped));
	CHECK(seen->unmap.op == IOMMUFD_POLICY_OP_TYPE1_UNMAP);
	CHECK(seen->unmap.iova == 0 && seen->unmap.length == UINT64_MAX);
	CHECK(seen->unmap.unmapped == PAGE);
	return 0;
}

static void the_type1_abi(void **state)
{
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(compat_set(iommu, ioas), 0);
	assert_int_equal(in_child(type1, NULL), 0);
	assert_policy_counts("answer", "attach_asked=1 charge_asked=2 "
			     "map_asked=2 uncharge_told=2 unmap_told=2");
}

static int unmap(void *arg)
{
	CHECK(!become_asker());
	CHECK(!ioas_unmap(iommu, ioas, BASE, 8 * PAGE, NULL));
	CHECK(is_asker(&seen->unmap.who, context));
	CHECK(seen->unmap.op == IOMMUFD_POLICY_OP_IOAS_UNMAP);
	CHECK(seen->unmap.ioas_id == ioas);
	CHECK(seen->unmap.iova == BASE);
	CHECK(seen->unmap.length == 8 * PAGE);
	CHECK(seen->unmap.unmapped == 3 * PAGE);
	/* Whoever unmaps it, it is given back to who has paid. */
	CHECK(is_root(&seen->uncharge.who, context));
	CHECK(seen->uncharge.calls == 2 && seen->balance == 4);

	CHECK(!ioas_unmap_all(iommu, ioas));
	CHECK(is_asker(&seen->unmap.who, context));
	CHECK(seen->unmap.op == IOMMUFD_POLICY_OP_IOAS_UNMAP);
	CHECK(seen->unmap.iova == 0 && seen->unmap.length == UINT64_MAX);
	CHECK(seen->unmap.unmapped == 4 * PAGE);
	CHECK(seen->uncharge.calls == 3 && seen->balance == 0);
	return 0;
}

static void an_unmap(void **state)
{
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(map_at(0, 1), 0);
	assert_int_equal(map_at(2, 2), 0);
	assert_int_equal(map_at(12, 4), 0);
	assert_int_equal(in_child(unmap, NULL), 0);
	assert_policy_counts("answer", "attach_asked=1 charge_asked=3 "
			     "map_asked=3 uncharge_told=3 unmap_told=2");
}

static int destroy(void *arg)
{
	CHECK(!become_asker());
	CHECK(!object_destroy(iommu, ioas));
	CHECK(is_asker(&seen->unmap.who, context));
	CHECK(seen->unmap.op == IOMMUFD_POLICY_OP_IOAS_DESTROY);
	CHECK(seen->unmap.ioas_id == ioas);
	CHECK(seen->unmap.iova == 0 && seen->unmap.length == UINT64_MAX);
	CHECK(seen->unmap.unmapped == 3 * PAGE);
	return 0;
}

static void destroying_an_ioas(void **state)
{
	assert_int_equal(map_at(0, 1), 0);
	assert_int_equal(map_at(2, 2), 0);
	assert_int_equal(in_child(destroy, NULL), 0);
	assert_policy_counts("answer", "map_asked=2 unmap_told=1");
}

/* With an IOAS of two pages, and one that is empty, and one of a page */
static int fill_context(void)
{
	uint64_t iova;
	int other = context_open();

	context = context_id(other);
	CHECK(!become_asker());
	CHECK(!ioas_map(other, ioas_new(other), memory, 2 * PAGE, RW, &iova));
	CHECK(ioas_new(other));
	CHECK(!ioas_map(other, ioas_new(other), memory, PAGE, RW, &iova));
	return other;
}

static int close_context(void *arg)
{
	int other = fill_context();

	CHECK(other > 1 && !close(other));
	CHECK(is_asker(&seen->unmap.who, context));
	CHECK(seen->unmap.op == IOMMUFD_POLICY_OP_IOAS_DESTROY);
	CHECK(seen->unmap.iova == 0 && seen->unmap.length == UINT64_MAX);
	CHECK(seen->unmap.unmapped == PAGE || seen->unmap.unmapped == 2 * PAGE);
	CHECK(seen->unmap.calls == 2);
	return 0;
}

static void closing_a_context(void **state)
{
	assert_int_equal(in_child(close_context, NULL), 0);
	assert_policy_counts("answer", "iova_alloc_asked=2 map_asked=2 "
			     "unmap_told=2");
}

/* Without closing it */
static int leave_context(void *arg)
{
	return fill_context() > 1 ? 0 : 1;
}

static void the_end_of_a_process(void **state)
{
	assert_int_equal(in_child(leave_context, NULL), 0);
	assert_policy_counts("answer", "iova_alloc_asked=2 map_asked=2 "
			     "unmap_told=2");
	assert_int_equal(seen->unmap.op, IOMMUFD_POLICY_OP_IOAS_DESTROY);
	assert_int_equal(seen->unmap.who.tgid, seen->map.who.tgid);
	assert_int_equal(seen->unmap.who.ctx_id, seen->map.who.ctx_id);
	assert_int_equal(seen->unmap.who.uid, seen->map.who.uid);
	assert_int_equal(seen->unmap.who.opener_uid, 0);
	assert_int_equal(seen->unmap.who.cgroup_id, seen->map.who.cgroup_id);
}

static bool is_edu(volatile const char *name)
{
	char bdf[EDU_BDF_SIZE];

	return !edu_find(bdf) && !strcmp((const char *)name, bdf);
}

static int attach_replace_detach(void *arg)
{
	uint32_t other = *(uint32_t *)arg;
	int64_t hwpt;

	CHECK(!become_asker());
	hwpt = edu_attach_hwpt(&edu, ioas);
	CHECK(hwpt > 0);
	CHECK(is_asker(&seen->attach.who, context));
	CHECK(seen->attach.op == IOMMUFD_POLICY_OP_ATTACH_DEVICE);
	CHECK(seen->attach.dev_id == edu.id);
	CHECK(seen->attach.pt_id == ioas && seen->attach.ioas_id == ioas);
	CHECK(is_edu(seen->attach.dev_name));
	CHECK(edu_attach_hwpt(&edu, hwpt) == hwpt);
	CHECK(seen->attach.op == IOMMUFD_POLICY_OP_REPLACE_DEVICE);
	CHECK(seen->attach.pt_id == (answer_u64)hwpt && seen->attach.ioas_id == ioas);
	CHECK(!edu_attach(&edu, other));
	CHECK(seen->attach.op == IOMMUFD_POLICY_OP_REPLACE_DEVICE);
	CHECK(seen->attach.dev_id == edu.id);
	CHECK(seen->attach.pt_id == other && seen->attach.ioas_id == other);
	CHECK(is_edu(seen->attach.dev_name));
	/* It has been attached to something all the time. */
	CHECK(seen->detach.calls == 0);

	CHECK(!edu_detach(&edu));
	CHECK(is_asker(&seen->detach.who, context));
	CHECK(seen->detach.op == IOMMUFD_POLICY_OP_DETACH_DEVICE);
	CHECK(seen->detach.dev_id == edu.id);
	CHECK(seen->detach.ioas_id == other);
	CHECK(is_edu(seen->detach.dev_name));
	return 0;
}

static void a_device(void **state)
{
	uint32_t other = ioas_new(iommu);

	assert_int_equal(in_child(attach_replace_detach, &other), 0);
	assert_policy_counts("answer", "attach_asked=3 detach_told=1");
}

static void closing_a_device(void **state)
{
	assert_int_equal(edu_attach(&edu, ioas), 0);
	edu_close(&edu);
	assert_policy_counts("answer", "attach_asked=1 detach_told=1");
	assert_true(is_root(&seen->detach.who, context));
	assert_int_equal(seen->detach.dev_id, edu.id);
	assert_int_equal(seen->detach.ioas_id, ioas);
	assert_true(is_edu(seen->detach.dev_name));
	edu_open(&edu, iommu);
}

static void nonsense_about_memory(void **state)
{
	const struct copy_source none = { ioas + 100, BASE, PAGE },
				 empty = { ioas, BASE, 0 },
				 wraps = { ioas, -PAGE, 2 * PAGE },
				 some = { ioas, BASE, PAGE };
	const struct file_range no_file = { -1, 0, PAGE },
				no_memory = { iommu, 0, PAGE };
	uint64_t iova = 0;

	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(compat_set(iommu, ioas), 0);
	assert_int_equal(ioas_map(iommu, ioas, memory, 0, RW, &iova), -EINVAL);
	assert_int_equal(ioas_map(iommu, ioas, memory, PAGE, 0, &iova),
			 -EINVAL);
	assert_int_equal(ioas_map(iommu, ioas, memory, PAGE, RW | 1U << 30,
				  &iova), -EOPNOTSUPP);
	assert_int_equal(ioas_map(iommu, ioas + 100, memory, PAGE, RW, &iova),
			 -ENOENT);
	assert_int_equal(ioas_map(iommu, ioas, (void *)-PAGE, 2 * PAGE, RW,
				  &iova), -EOVERFLOW);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, 2 * PAGE, RW, -PAGE),
			 -EOVERFLOW);
	assert_int_equal(ioas_map_file(iommu, ioas, &no_file, RW, &iova), -EBADF);
	assert_int_equal(ioas_map_file(iommu, ioas, &no_memory, RW, &iova),
			 -EINVAL);
	assert_int_equal(ioas_copy(iommu, ioas, &none, RW, &iova), -ENOENT);
	assert_int_equal(ioas_copy(iommu, ioas, &empty, RW, &iova), -EINVAL);
	assert_int_equal(ioas_copy(iommu, ioas, &wraps, RW, &iova),
			 -EOVERFLOW);
	assert_int_equal(ioas_copy(iommu, ioas + 100, &some, RW, &iova),
			 -ENOENT);
	assert_int_equal(type1_map(iommu, memory, 0, DMA_RW, BASE), -EINVAL);
	assert_int_equal(type1_map(iommu, memory, PAGE, 0, BASE), -EINVAL);
	assert_policy_counts("answer", "attach_asked=1");
}

static void nonsense_about_what_is_not_mapped(void **state)
{
	assert_int_equal(ioas_unmap(iommu, ioas, BASE, PAGE, NULL), -ENOENT);
	assert_int_equal(ioas_unmap(iommu, ioas, BASE, 0, NULL), -EINVAL);
	assert_int_equal(ioas_unmap(iommu, ioas, -PAGE, 2 * PAGE, NULL),
			 -EOVERFLOW);
	assert_int_equal(ioas_unmap(iommu, ioas + 100, BASE, PAGE, NULL),
			 -ENOENT);
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	assert_int_equal(compat_set(iommu, ioas), 0);
	assert_int_equal(type1_unmap(iommu, BASE, 0, 0, NULL), -EINVAL);
	assert_int_equal(type1_unmap_all(iommu, NULL), 0);
	assert_int_equal(map_at(0, 2), 0);
	/* Across the end of an area */
	assert_int_equal(ioas_unmap(iommu, ioas, BASE, PAGE, NULL), -ENOENT);
	assert_policy_counts("answer", "map_asked=1");
	assert_int_equal(object_destroy(iommu, ioas_new(iommu)), 0);
	assert_policy_counts("answer", "map_asked=1");
}

static void nonsense_about_devices(void **state)
{
	assert_int_equal(edu_attach(&edu, ioas + 100), -ENOENT);
	assert_int_equal(edu_attach(&edu, edu.id), -EINVAL);
	assert_int_equal(edu_detach(&edu), 0);
	assert_int_equal(hwpt_alloc(iommu, ioas, ioas, 0), -ENOENT);
	assert_int_equal(hwpt_alloc(iommu, edu.id, edu.id, 0), -EINVAL);
	assert_policy_counts("answer", "");
}

#define TEST(_test) cmocka_unit_test_setup_teardown(_test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_map_at_an_address),
		TEST(a_map_anywhere),
		TEST(pages_that_are_touched_are_counted),
		TEST(a_map_up_to_the_last_address),
		TEST(a_map_of_a_file),
		TEST(a_copy),
		TEST(the_type1_abi),
		TEST(an_unmap),
		TEST(destroying_an_ioas),
		TEST(closing_a_context),
		TEST(the_end_of_a_process),
		TEST(a_device),
		TEST(closing_a_device),
		TEST(nonsense_about_memory),
		TEST(nonsense_about_what_is_not_mapped),
		TEST(nonsense_about_devices),
	};

	return run_tap(tests, NULL, NULL);
}

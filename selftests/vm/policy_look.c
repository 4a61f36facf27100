// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=120 */
/* Who looks sees all contexts, IOASes and areas there are, and as they are. */
#include <linux/memfd.h>
#include <sys/stat.h>

#include "lib/cgroup.h"
#include "lib/look.h"
#include "lib/policy.h"

#define BASE (16 * MIB)
#define NOBODY 65534

static int iommu;
static uint32_t ioas;
static struct edu edu;
static char *memory;

static int setup(void **state)
{
	edu.vfio = -1;
	look_open();
	iommu = context_open();
	ioas = ioas_new(iommu);
	memory = memory_new(HUGE);
	return 0;
}

static int teardown(void **state)
{
	if (edu.vfio >= 0)
		edu_close(&edu);
	munmap(memory, HUGE);
	look_close();
	return close(iommu);
}

static void walk_contexts(void)
{
	assert_int_equal(look_run("contexts"), 0);
	assert_true(look->nr_contexts <= LOOK_MAX);
}

static void walk_ioases(uint64_t ctx_id)
{
	look->ctx_id = ctx_id;
	assert_int_equal(look_run("ioases"), 0);
	assert_true(look->nr_ioases <= LOOK_MAX);
}

static void walk_areas(uint64_t ctx_id, uint32_t ioas_id)
{
	look->ctx_id = ctx_id;
	look->ioas_id = ioas_id;
	assert_int_equal(look_run("areas"), 0);
	assert_true(look->nr_areas <= LOOK_MAX);
}

static void walk_accounts(uint64_t ctx_id)
{
	look->ctx_id = ctx_id;
	assert_int_equal(look_run("accounts"), 0);
	assert_true(look->nr_accounts <= LOOK_MAX);
}

static void walk_ranges(uint64_t ctx_id, uint32_t ioas_id)
{
	look->ctx_id = ctx_id;
	look->ioas_id = ioas_id;
	assert_int_equal(look_run("ranges"), 0);
	assert_true(look->nr_ranges <= LOOK_MAX);
}

static void assert_area(size_t nr, const struct look_area *expected)
{
	assert_true(nr < look->nr_areas);
	assert_memory_equal((const void *)&look->areas[nr], expected,
			    sizeof(*expected));
}

static void assert_area_of(size_t nr, uint64_t iova, uint64_t length,
			   const void *start, uint32_t prot, bool shared)
{
	const struct look_area expected = {
		.iova = iova,
		.length = length,
		.uptr = (uintptr_t)start,
		.uid = getuid(),
		.tgid = getpid(),
		.prot = prot,
		.cgroup_id = cgroup_id(""),
		.limit_kind = IOMMUFD_POLICY_LIMIT_NONE,
		.shared = shared,
	};

	assert_area(nr, &expected);
}

static int map_at(uint64_t iova, unsigned long pages)
{
	return ioas_map_at(iommu, ioas, memory, pages * PAGE, RW, iova);
}

static void each_context_is_seen_once(void **state)
{
	uint64_t ids[4], before = 0;
	int fds[4];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = context_open();
		ids[i] = context_id(fds[i]);
	}
	walk_contexts();
	assert_int_equal(look->nr_contexts, 1 + ARRAY_SIZE(fds));
	assert_non_null(look_context(context_id(iommu)));
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		assert_non_null(look_context(ids[i]));
	for (i = 0; i < look->nr_contexts; i++) {
		assert_true(look->contexts[i].ctx_id > before);
		assert_int_equal(look->contexts[i].opener_uid, 0);
		before = look->contexts[i].ctx_id;
	}

	for (i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	walk_contexts();
	assert_int_equal(look->nr_contexts, 1);
	assert_non_null(look_context(context_id(iommu)));
}

static int open_as_nobody(void *arg)
{
	CHECK(!become_nobody());
	CHECK(open("/dev/iommu", O_RDWR | O_CLOEXEC) >= 0);
	return 0;
}

static void contexts_of_others_are_seen(void **state)
{
	volatile struct look_context *newest;
	struct other other;

	assert_return_code(chmod("/dev/iommu", 0666), errno);
	other_start(&other, open_as_nobody, NULL);
	assert_return_code(chmod("/dev/iommu", 0660), errno);
	walk_contexts();
	assert_int_equal(look->nr_contexts, 2);
	newest = &look->contexts[1];
	assert_true(newest->ctx_id > context_id(iommu));
	assert_int_equal(newest->opener_uid, NOBODY);
	assert_int_equal(newest->pinned, 0);
	other_stop(&other);
	walk_contexts();
	assert_int_equal(look->nr_contexts, 1);
}

static int map_three_as_tenant(void *arg)
{
	CHECK(!become_tenant(16));
	CHECK(!map_at(BASE + MIB, 3));
	return 0;
}

static void what_a_context_pins_and_is_charged(void **state)
{
	volatile struct look_context *context;

	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	/* Root is exempt from the limit. */
	assert_int_equal(map_at(BASE, 5), 0);
	assert_int_equal(in_child(map_three_as_tenant, NULL), 0);
	walk_contexts();
	context = look_context(context_id(iommu));
	assert_non_null(context);
	assert_int_equal(context->pinned, 8);
	assert_int_equal(context->charged, 3);
	assert_int_equal(context->pinned,
			 fdinfo_value(iommu, "iommufd-pinned:\t"));
	assert_int_equal(context->charged,
			 fdinfo_value(iommu, "iommufd-charged:\t"));

	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	walk_contexts();
	assert_int_equal(look_context(context_id(iommu))->pinned, 0);
	assert_int_equal(look_context(context_id(iommu))->charged, 0);
}

static void each_ioas_is_seen_once(void **state)
{
	uint32_t empty, small;

	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	empty = ioas_new(iommu);
	assert_true(hwpt_alloc(iommu, edu.id, ioas, 0) > 0);
	small = ioas_new(iommu);
	assert_int_equal(map_at(BASE, 5), 0);
	assert_int_equal(map_at(2 * BASE, 1), 0);
	assert_int_equal(ioas_map_at(iommu, small, memory, PAGE, RW, BASE), 0);

	/* Neither the device nor the HWPTs, and in the order of their ids. */
	walk_ioases(context_id(iommu));
	assert_int_equal(look->nr_ioases, 3);
	assert_int_equal(look->ioases[0].ioas_id, ioas);
	assert_int_equal(look->ioases[0].domains, 2);
	assert_int_equal(look->ioases[0].areas, 2);
	assert_int_equal(look->ioases[0].bytes, 6 * PAGE);
	assert_int_equal(look->ioases[1].ioas_id, empty);
	assert_int_equal(look->ioases[1].domains, 0);
	assert_int_equal(look->ioases[1].areas, 0);
	assert_int_equal(look->ioases[1].bytes, 0);
	assert_int_equal(look->ioases[2].ioas_id, small);
	assert_int_equal(look->ioases[2].domains, 0);
	assert_int_equal(look->ioases[2].areas, 1);
	assert_int_equal(look->ioases[2].bytes, PAGE);

	assert_int_equal(object_destroy(iommu, empty), 0);
	walk_ioases(context_id(iommu));
	assert_int_equal(look->nr_ioases, 2);
	assert_int_equal(look->ioases[1].ioas_id, small);
}

static void an_ioas_belongs_to_its_context(void **state)
{
	int other = context_open();
	uint32_t theirs;
	uint64_t iova;

	walk_ioases(context_id(other));
	assert_int_equal(look->nr_ioases, 0);
	theirs = ioas_new(other);
	/* Ids are those of each context: the same number may be another's. */
	assert_int_equal(ioas_map(other, theirs, memory, PAGE, RW, &iova), 0);
	walk_ioases(context_id(other));
	assert_int_equal(look->nr_ioases, 1);
	assert_int_equal(look->ioases[0].areas, 1);
	walk_areas(context_id(iommu), theirs);
	assert_int_equal(look->nr_areas, 0);
	walk_areas(context_id(other), theirs);
	assert_int_equal(look->nr_areas, 1);
	assert_int_equal(look->areas[0].iova, iova);
	close(other);
}

static void each_area_is_seen_as_it_is(void **state)
{
	const struct copy_source source = { ioas, BASE + PAGE, 2 * PAGE };
	uint32_t copy = ioas_new(iommu);

	/* Seen by address, whichever came first. */
	assert_int_equal(ioas_map_at(iommu, ioas, memory + 8 * PAGE, PAGE,
				     WRITE, 0x123456789000), 0);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, 4 * PAGE, RW, BASE),
			 0);
	assert_int_equal(ioas_map_at(iommu, ioas, memory + PAGE, PAGE, READ, 0),
			 0);
	walk_areas(context_id(iommu), ioas);
	assert_int_equal(look->nr_areas, 3);
	assert_area_of(0, 0, PAGE, memory + PAGE, IOMMUFD_POLICY_PROT_READ,
		       false);
	assert_area_of(1, BASE, 4 * PAGE, memory,
		       IOMMUFD_POLICY_PROT_READ | IOMMUFD_POLICY_PROT_WRITE,
		       false);
	assert_area_of(2, 0x123456789000, PAGE, memory + 8 * PAGE,
		       IOMMUFD_POLICY_PROT_WRITE, false);

	/* A copy is of the memory behind its source. */
	assert_int_equal(ioas_copy_at(iommu, copy, &source, READ, 7 * BASE),
			 0);
	walk_areas(context_id(iommu), copy);
	assert_int_equal(look->nr_areas, 1);
	assert_area_of(0, 7 * BASE, 2 * PAGE, memory + PAGE,
		       IOMMUFD_POLICY_PROT_READ, true);

	assert_int_equal(ioas_unmap(iommu, ioas, BASE, 4 * PAGE, NULL), 0);
	walk_areas(context_id(iommu), ioas);
	assert_int_equal(look->nr_areas, 2);
	assert_int_equal(look->areas[1].iova, 0x123456789000);
}

static void areas_name_the_process_that_mapped_them(void **state)
{
	assert_int_equal(map_at(BASE, 1), 0);
	assert_int_equal(in_child(map_three_as_tenant, NULL), 0);
	walk_areas(context_id(iommu), ioas);
	assert_int_equal(look->nr_areas, 2);
	assert_int_equal(look->areas[0].uid, 0);
	assert_int_equal(look->areas[0].tgid, getpid());
	assert_int_equal(look->areas[1].length, 3 * PAGE);
	assert_int_equal(look->areas[1].uid, NOBODY);
	assert_int_not_equal(look->areas[1].tgid, getpid());
}

static void areas_of_files_say_so(void **state)
{
	struct look_area expected = {
		.iova = BASE,
		.length = 3 * PAGE,
		.uptr = 2 * PAGE,
		.uid = getuid(),
		.tgid = getpid(),
		.prot = IOMMUFD_POLICY_PROT_READ,
		.of_file = 1,
		.cgroup_id = cgroup_id(""),
		.limit_kind = IOMMUFD_POLICY_LIMIT_NONE,
	};
	/* The user interface of 6.12 does not know the request. */
	struct {
		uint32_t size, flags, ioas_id;
		int32_t fd;
		uint64_t start, length, iova;
	} cmd = {
		.size = sizeof(cmd),
		.flags = READ | FIXED,
		.ioas_id = ioas,
		.fd = memfd_create("look", MFD_CLOEXEC),
		.start = 2 * PAGE,
		.length = 3 * PAGE,
		.iova = BASE,
	};

	assert_return_code(cmd.fd, errno);
	assert_return_code(ftruncate(cmd.fd, HUGE), errno);
	assert_return_code(ioctl(iommu, _IO(IOMMUFD_TYPE, 0x8f), &cmd), errno);
	close(cmd.fd);
	walk_areas(context_id(iommu), ioas);
	assert_int_equal(look->nr_areas, 1);
	assert_area(0, &expected);
}

static void an_area_up_to_the_last_address_is_the_last(void **state)
{
	assert_int_equal(map_at(BASE, 1), 0);
	assert_int_equal(map_at(-2 * PAGE, 2), 0);
	walk_areas(context_id(iommu), ioas);
	assert_int_equal(look->nr_areas, 2);
	assert_area_of(1, -2 * PAGE, 2 * PAGE, memory,
		       IOMMUFD_POLICY_PROT_READ | IOMMUFD_POLICY_PROT_WRITE,
		       false);
}

static int map_two_in_cgroup(void *arg)
{
	CHECK(!cgroup_enter("look"));
	CHECK(!become_tenant(16));
	CHECK(!map_at(BASE + MIB, 2));
	return 0;
}

static void areas_and_accounts_say_what_is_pinned_for_whom(void **state)
{
	const struct copy_source source = { ioas, BASE + PAGE, 2 * PAGE };
	struct other tenant;

	cgroup_new("look");
	assert_int_equal(map_at(BASE, 5), 0);
	walk_areas(context_id(iommu), ioas);
	assert_int_equal(look->areas[0].pinned, 0);
	assert_int_equal(look->areas[0].mem, 0);

	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	other_start(&tenant, map_two_in_cgroup, NULL);
	/* Part of what is pinned as a whole */
	assert_int_equal(ioas_copy_at(iommu, ioas, &source, READ, 7 * BASE), 0);
	walk_areas(context_id(iommu), ioas);
	assert_int_equal(look->nr_areas, 3);
	assert_int_equal(look->areas[0].pinned, 5);
	assert_int_equal(look->areas[0].mem, IOMMUFD_POLICY_MEM_ANON);
	assert_int_equal(look->areas[0].limit_kind, IOMMUFD_POLICY_LIMIT_NONE);
	assert_int_equal(look->areas[0].shared, 1);
	assert_int_equal(look->areas[1].pinned, 2);
	assert_int_equal(look->areas[1].limit_kind, IOMMUFD_POLICY_LIMIT_USER);
	assert_int_equal(look->areas[1].shared, 0);
	assert_int_equal(look->areas[1].cgroup_id, cgroup_id("look"));
	assert_int_equal(look->areas[2].pinned, 2);

	walk_accounts(context_id(iommu));
	assert_int_equal(look->nr_accounts, 2);
	assert_true(look->accounts[0].id > look->accounts[1].id);
	assert_int_equal(look->accounts[0].tgid, tenant.pid);
	assert_int_equal(look->accounts[0].uid, NOBODY);
	assert_int_equal(look->accounts[0].pinned, 2);
	assert_int_equal(look->accounts[0].charged, 2);
	assert_int_equal(look->accounts[0].cgroup_id, cgroup_id("look"));
	assert_int_equal(look->accounts[1].tgid, getpid());
	assert_int_equal(look->accounts[1].pinned, 5);
	assert_int_equal(look->accounts[1].charged, 0);

	/* Only what the copy is of stays pinned. */
	assert_int_equal(ioas_unmap(iommu, ioas, BASE, 5 * PAGE, NULL), 0);
	walk_accounts(context_id(iommu));
	assert_int_equal(look->accounts[1].pinned, 2);
	walk_areas(context_id(iommu), ioas);
	assert_int_equal(look->areas[1].pinned, 2);
	assert_int_equal(look->areas[1].shared, 0);
	other_stop(&tenant);
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	cgroup_remove("look");
}

static void ranges_are_what_nothing_is_mapped_at(void **state)
{
	const struct iommu_iova_range allowed[] = {
		{ 4 * BASE, 5 * BASE - 1 }, { BASE, 2 * BASE - 1 },
	};
	struct iommu_iova_range usable[32];
	uint32_t nr = ARRAY_SIZE(usable);
	uint64_t alignment, next = 0;
	size_t i, reserved = 0;

	walk_ranges(context_id(iommu), ioas);
	assert_int_equal(look->nr_ranges, 0);

	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(ioas_allow(iommu, ioas, allowed, ARRAY_SIZE(allowed)),
			 0);
	assert_int_equal(map_at(BASE, 5), 0);
	assert_int_equal(ioas_ranges(iommu, ioas, usable, &nr, &alignment), 0);
	walk_ranges(context_id(iommu), ioas);
	for (i = 0; i < nr; i++) {
		if (usable[i].start > next) {
			assert_int_equal(look->ranges[reserved].kind,
					 IOMMUFD_POLICY_RANGE_RESERVED);
			assert_int_equal(look->ranges[reserved].start, next);
			assert_int_equal(look->ranges[reserved].last,
					 usable[i].start - 1);
			reserved++;
		}
		next = usable[i].last + 1;
	}
	/* What the device cannot reach, up to the last address */
	assert_int_equal(look->ranges[reserved].start, next);
	assert_int_equal(look->ranges[reserved].last, UINT64_MAX);
	reserved++;
	assert_int_equal(look->nr_ranges, reserved + ARRAY_SIZE(allowed));
	for (i = 0; i < ARRAY_SIZE(allowed); i++) {
		assert_int_equal(look->ranges[reserved + i].kind,
				 IOMMUFD_POLICY_RANGE_ALLOWED);
		assert_int_equal(look->ranges[reserved + i].start,
				 allowed[!i].start);
		assert_int_equal(look->ranges[reserved + i].last,
				 allowed[!i].last);
	}
}

static void what_there_is_not_has_nothing(void **state)
{
	const uint64_t id = context_id(iommu);
	int64_t hwpt;

	edu_open(&edu, iommu);
	hwpt = edu_attach_hwpt(&edu, ioas);
	assert_true(hwpt > 0);
	assert_int_equal(map_at(BASE, 1), 0);
	walk_ioases(0);
	assert_int_equal(look->nr_ioases, 0);
	walk_ioases(id + 1);
	assert_int_equal(look->nr_ioases, 0);
	walk_ioases(UINT64_MAX);
	assert_int_equal(look->nr_ioases, 0);
	walk_accounts(0);
	assert_int_equal(look->nr_accounts, 0);
	walk_accounts(id + 1);
	assert_int_equal(look->nr_accounts, 0);
	walk_ranges(id + 1, ioas);
	assert_int_equal(look->nr_ranges, 0);
	walk_ranges(id, edu.id);
	assert_int_equal(look->nr_ranges, 0);
	walk_areas(id + 1, ioas);
	assert_int_equal(look->nr_areas, 0);
	walk_areas(UINT64_MAX, UINT32_MAX);
	assert_int_equal(look->nr_areas, 0);
	walk_areas(id, 0);
	assert_int_equal(look->nr_areas, 0);
	walk_areas(id, UINT32_MAX);
	assert_int_equal(look->nr_areas, 0);
	/* Objects that are no IOAS */
	walk_areas(id, hwpt);
	assert_int_equal(look->nr_areas, 0);
	walk_areas(id, edu.id);
	assert_int_equal(look->nr_areas, 0);
	walk_areas(id, ioas);
	assert_int_equal(look->nr_areas, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_context_is_seen_once),
		TEST(contexts_of_others_are_seen),
		TEST(what_a_context_pins_and_is_charged),
		TEST(each_ioas_is_seen_once),
		TEST(an_ioas_belongs_to_its_context),
		TEST(each_area_is_seen_as_it_is),
		TEST(areas_name_the_process_that_mapped_them),
		TEST(areas_of_files_say_so),
		TEST(an_area_up_to_the_last_address_is_the_last),
		TEST(areas_and_accounts_say_what_is_pinned_for_whom),
		TEST(ranges_are_what_nothing_is_mapped_at),
		TEST(what_there_is_not_has_nothing),
	};

	return run_tap(tests, NULL, NULL);
}

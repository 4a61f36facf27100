// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=180 */
/* The policy iova_window: each parameter, with addresses a device can use. */
#include "lib/cgroup.h"
#include "lib/policy.h"
#include "lib/puppet.h"

/* What edu can reach ends at 256 MiB. */
#define FIRST (64 * MIB)
#define LAST (128 * MIB - 1)

static struct policy policy, other;
static int iommu;
static uint32_t ioas;
static struct edu edu;
static char *memory;

static int setup(void **state)
{
	policy.object = NULL;
	other.object = NULL;
	iommu = context_open();
	ioas = ioas_new(iommu);
	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	memory = memory_aligned(2 * HUGE, HUGE);
	return 0;
}

static int teardown(void **state)
{
	if (policy.object)
		policy_stop(&policy);
	if (other.object)
		policy_stop(&other);
	munmap(memory, 2 * HUGE);
	edu_close(&edu);
	return close(iommu);
}

static void open_window(struct policy *of, uint64_t first, uint64_t last)
{
	policy_open_object(of, SHIPPED "iova_window", "iova_window");
	policy_set(of, "window_first", first);
	policy_set(of, "window_last", last);
}

static void start(struct policy *of)
{
	assert_int_equal(policy_load(of), 0);
	assert_int_equal(policy_attach(of), 0);
}

/* The address, or a negative errno */
static int64_t map(uint64_t length)
{
	uint64_t iova;
	int err = ioas_map(iommu, ioas, memory, length, RW, &iova);

	return err ?: (int64_t)iova;
}

static void all_is_within_the_window(void **state)
{
	open_window(&policy, FIRST, LAST);
	start(&policy);
	assert_int_equal(map(PAGE), FIRST);
	assert_int_equal(map(3 * PAGE), FIRST + PAGE);
	assert_int_equal(map(PAGE), FIRST + 4 * PAGE);
	memory_random(memory, PAGE);
	edu_read(&edu, FIRST);
	edu_write(&edu, FIRST + 2 * PAGE);
	assert_memory_equal(memory, memory + PAGE, PAGE);
}

static void a_full_window_refuses(void **state)
{
	open_window(&policy, FIRST, FIRST + 4 * PAGE - 1);
	start(&policy);
	assert_int_equal(map(5 * PAGE), -ENOSPC);
	assert_refused_by(iommu, "iova_window iova_alloc -28");
	assert_int_equal(map(4 * PAGE), FIRST);
	assert_int_equal(map(PAGE), -ENOSPC);
	/* Who chooses himself may go elsewhere. */
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW, LAST + 1),
			 0);
	assert_int_equal(ioas_unmap(iommu, ioas, FIRST, 4 * PAGE, NULL), 0);
	assert_int_equal(map(PAGE), FIRST);
}

static void from_the_top_down(void **state)
{
	open_window(&policy, FIRST, LAST);
	policy_set(&policy, "top_down", true);
	start(&policy);
	assert_int_equal(map(PAGE), LAST + 1 - PAGE);
	assert_int_equal(map(3 * PAGE), LAST + 1 - 4 * PAGE);
}

/* Address 0 would leave it to the kernel. */
static void a_window_at_the_beginning(void **state)
{
	open_window(&policy, 0, 2 * PAGE - 1);
	policy_set(&policy, "top_down", true);
	start(&policy);
	assert_int_equal(map(PAGE), PAGE);
	assert_int_equal(map(PAGE), -ENOSPC);
	assert_policy_reads("iova_window", "state", "active");
}

static void each_address_is_aligned(void **state)
{
	open_window(&policy, FIRST + PAGE, LAST);
	policy_set(&policy, "align", 64 * KIB);
	start(&policy);
	assert_int_equal(map(PAGE), FIRST + 64 * KIB);
	assert_int_equal(map(PAGE), FIRST + 128 * KIB);
}

static void huge_pages_begin_where_huge_pages_do(void **state)
{
	open_window(&policy, FIRST, FIRST + 2 * HUGE + PAGE - 1);
	policy_set(&policy, "huge_pages", true);
	start(&policy);
	assert_int_equal(map(PAGE), FIRST);
	assert_int_equal(map(HUGE), FIRST + HUGE);
	/* There is no other such place, but one. */
	assert_int_equal(ioas_unmap(iommu, ioas, FIRST, PAGE, NULL), 0);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW, FIRST), 0);
	assert_int_equal(ioas_unmap(iommu, ioas, FIRST + HUGE, HUGE, NULL), 0);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW,
				     FIRST + 2 * HUGE), 0);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW,
				     FIRST + 2 * HUGE - PAGE), 0);
	assert_int_equal(map(HUGE), FIRST + PAGE);
}

static void random_addresses(void **state)
{
	uint64_t before = 0, ascents = 0, i;
	int64_t iova;

	open_window(&policy, FIRST, LAST);
	policy_set(&policy, "randomise", true);
	start(&policy);
	for (i = 0; i < 200; i++) {
		iova = map(2 * PAGE);
		assert_in_range(iova, FIRST, LAST + 1 - 2 * PAGE);
		ascents += (uint64_t)iova > before;
		before = iova;
	}
	/* Half of them, give or take seven standard deviations */
	assert_in_range(ascents, 50, 150);
	memory_random(memory, PAGE);
	edu_read(&edu, before);
	edu_write(&edu, before + PAGE);
	assert_memory_equal(memory, memory + PAGE, PAGE);
}

static void random_addresses_fill_the_window(void **state)
{
	uint64_t i;

	open_window(&policy, FIRST, FIRST + 32 * PAGE - 1);
	policy_set(&policy, "randomise", true);
	policy_set(&policy, "top_down", true);
	start(&policy);
	for (i = 0; i < 32; i++)
		assert_in_range(map(PAGE), FIRST, FIRST + 31 * PAGE);
	assert_int_equal(map(PAGE), -ENOSPC);
}

static long map_page(long unused, long unused_too)
{
	return map(PAGE);
}

static int64_t map_in(const char *cgroup)
{
	struct puppet tenant;
	int64_t iova;

	puppet_start(&tenant);
	cgroup_move(cgroup, tenant.pid);
	iova = puppet_do(&tenant, map_page, 0, 0);
	puppet_kill(&tenant);
	return iova;
}

static void each_cgroup_has_a_window(void **state)
{
	cgroup_new("window-a");
	cgroup_new("window-b");
	open_window(&policy, FIRST, FIRST + MIB - 1);
	policy.ops->cgroup_id = cgroup_id("window-a");
	start(&policy);
	open_window(&other, FIRST + MIB, FIRST + 2 * MIB - 1);
	strcpy(other.ops->name, "other");
	other.ops->cgroup_id = cgroup_id("window-b");
	start(&other);
	assert_int_equal(map_in("window-a"), FIRST);
	assert_int_equal(map_in("window-b"), FIRST + MIB);
	assert_int_equal(map_in("window-a"), FIRST + PAGE);
	assert_int_equal(policy_number("iova_window", "iova_alloc_asked"), 2);
	assert_int_equal(policy_number("other", "iova_alloc_asked"), 1);
	cgroup_remove("window-a");
	cgroup_remove("window-b");
}

static void assert_not_loaded(uint64_t first, uint64_t last, uint64_t align)
{
	open_window(&policy, first, last);
	policy_set(&policy, "align", align);
	assert_int_equal(policy_load(&policy), 0);
	assert_int_equal(policy_attach(&policy), -EINVAL);
	policy_stop(&policy);
	policy.object = NULL;
}

static void nonsense_is_not_loaded(void **state)
{
	assert_not_loaded(LAST, FIRST, PAGE);
	assert_not_loaded(FIRST, LAST, 0);
	assert_not_loaded(FIRST, LAST, 3 * PAGE);
	assert_not_loaded(1ULL << 63, UINT64_MAX, PAGE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(all_is_within_the_window),
		TEST(a_full_window_refuses),
		TEST(from_the_top_down),
		TEST(a_window_at_the_beginning),
		TEST(each_address_is_aligned),
		TEST(huge_pages_begin_where_huge_pages_do),
		TEST(random_addresses),
		TEST(random_addresses_fill_the_window),
		TEST(each_cgroup_has_a_window),
		TEST(nonsense_is_not_loaded),
	};

	return run_tap(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=180 */
/* Policies choose IO addresses. */
#include <linux/memfd.h>

#include "lib/cgroup.h"
#include "lib/place.h"
#include "lib/type1.h"

#define BASE (64 * MIB)
/* What edu can reach */
#define REACH (256 * MIB)

static struct policy policy, others[2];
static volatile struct place *place;
static int iommu;
static uint32_t ioas;
static struct edu edu;
static char *memory;

static int setup(void **state)
{
	policy.object = NULL;
	others[0].object = NULL;
	others[1].object = NULL;
	edu.vfio = -1;
	iommu = context_open();
	ioas = ioas_new(iommu);
	memory = memory_new(HUGE);
	return 0;
}

static int setup_attached(void **state)
{
	setup(state);
	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	return 0;
}

static int teardown(void **state)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(others); i++)
		if (others[i].object)
			policy_stop(&others[i]);
	if (policy.object)
		policy_stop(&policy);
	if (edu.vfio >= 0)
		edu_close(&edu);
	munmap(memory, HUGE);
	return close(iommu);
}

static void start(const char *hook, uint64_t first, uint64_t last,
		  uint64_t align)
{
	place = place_start(&policy, "place", hook,
			    (struct place_window){ first, last, align });
}

/* The address, or a negative errno */
static int64_t map(const void *from, uint64_t length)
{
	uint64_t iova;
	int err = ioas_map(iommu, ioas, from, length, RW, &iova);

	return err ?: (int64_t)iova;
}

static void unmap(uint64_t iova, uint64_t length)
{
	assert_int_equal(ioas_unmap(iommu, ioas, iova, length, NULL), 0);
}

static void the_lowest_address_of_a_window(void **state)
{
	start("lowest", BASE, REACH - 1, PAGE);
	assert_int_equal(map(memory, PAGE), BASE);
	assert_int_equal(map(memory, 3 * PAGE), BASE + PAGE);
	assert_int_equal(map(memory, PAGE), BASE + 4 * PAGE);
	unmap(BASE + PAGE, 3 * PAGE);
	assert_int_equal(map(memory, 4 * PAGE), BASE + 5 * PAGE);
	assert_int_equal(map(memory, 2 * PAGE), BASE + PAGE);
	assert_int_equal(place->calls, 5);
	assert_int_equal(policy_number("place", "iova_alloc_asked"), 5);
	assert_int_equal(policy_number("place", "iova_alloc_refused"), 0);
	policy_detach(&policy);
	assert_true(map(memory, PAGE) < (int64_t)BASE);
}

static void top_down_each_is_below_the_one_before(void **state)
{
	uint64_t i, length, below = REACH;

	start("highest", BASE, REACH - 1, PAGE);
	for (i = 0; i < 64; i++) {
		length = (1 + i % 4) * PAGE;
		below -= length;
		assert_int_equal(map(memory, length), below);
	}
	/* Where something was is the highest hole again. */
	unmap(REACH - 3 * PAGE, 2 * PAGE);
	assert_int_equal(map(memory, 3 * PAGE), below - 3 * PAGE);
	assert_int_equal(map(memory, PAGE), REACH - 2 * PAGE);
	assert_int_equal(map(memory, PAGE), REACH - 3 * PAGE);
	assert_int_equal(map(memory, PAGE), below - 4 * PAGE);
}

static void huge_alignment_is_kept_for_small_maps(void **state)
{
	uint64_t i;

	start("lowest", BASE + PAGE, REACH - 1, HUGE);
	for (i = 1; i < 8; i++)
		assert_int_equal(map(memory, i * PAGE), BASE + i * HUGE);
	assert_int_equal(map(memory, HUGE), BASE + 8 * HUGE);
	assert_int_equal(map(memory, PAGE), BASE + 9 * HUGE);
}

/* Page tables it takes to map a huge page */
static long tables_for(const void *huge, int64_t iova)
{
	long before = io_page_tables();

	assert_int_equal(map(huge, HUGE), iova);
	return io_page_tables() - before;
}

static void huge_alignment_gives_huge_io_pages(void **state)
{
	static const char pool[] = "/proc/sys/vm/nr_hugepages";
	long before = write_number(pool, 2);
	char *huge;

	assert_true(before >= 0);
	huge = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	assert_ptr_not_equal(huge, MAP_FAILED);
	start("lowest", BASE + PAGE, REACH - 1, HUGE);
	/* The upper levels */
	assert_int_equal(map(huge, HUGE), BASE + HUGE);
	assert_int_equal(tables_for(huge + HUGE, BASE + 2 * HUGE), 0);

	memory_random(huge, HUGE);
	edu_read(&edu, BASE + 2 * HUGE - EDU_LENGTH);
	edu_write(&edu, BASE + 2 * HUGE + EDU_LENGTH);
	assert_memory_equal(huge + HUGE + EDU_LENGTH, huge + HUGE - EDU_LENGTH,
			    EDU_LENGTH);
	policy_stop(&policy);

	/* Elsewhere it takes some. */
	start("lowest", REACH / 2 + PAGE, REACH - 1, PAGE);
	assert_true(tables_for(huge, REACH / 2 + PAGE) > 0);
	munmap(huge, 2 * HUGE);
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	assert_int_equal(write_number(pool, before), 2);
}

static void a_window_of_39_bits(void **state)
{
	const uint64_t end = 1UL << 39;

	start("highest", PAGE, end - 1, PAGE);
	assert_int_equal(map(memory, PAGE), end - PAGE);
	assert_int_equal(map(memory, HUGE), end - PAGE - HUGE);
	/* All that is left, and what is right behind it */
	assert_int_equal(ioas_map_at(iommu, ioas, (void *)PAGE,
				     end - HUGE - 2 * PAGE, READ, PAGE), 0);
	assert_int_equal(map(memory, PAGE), -ENOSPC);
	assert_refused_by(iommu, "place iova_alloc -28");
	assert_int_equal(ioas_areas(iommu, ioas), 3);
	assert_int_equal(policy_number("place", "iova_alloc_asked"), 3);
	assert_int_equal(policy_number("place", "iova_alloc_refused"), 1);
	assert_policy_reads("place", "state", "active");

	unmap(end - PAGE, PAGE);
	assert_int_equal(map(memory, 2 * PAGE), -ENOSPC);
	assert_int_equal(map(memory, PAGE), end - PAGE);
	/* The kernel would have known where. */
	policy_detach(&policy);
	assert_true(map(memory, PAGE) >= (int64_t)end);
}

static uint64_t cgroup_make(const char *path)
{
	cgroup_new(path);
	return cgroup_id(path);
}

struct tenant {
	const char *cgroup;
	int64_t expected;
};

static int map_as_tenant(void *arg)
{
	const struct tenant *tenant = arg;

	CHECK(!cgroup_enter(tenant->cgroup));
	CHECK(map(memory, PAGE) == tenant->expected);
	return 0;
}

static void assert_maps_at(const char *cgroup, int64_t expected)
{
	struct tenant tenant = { cgroup, expected };

	assert_int_equal(in_child(map_as_tenant, &tenant), 0);
}

static void start_for(struct policy *which, const char *name, const char *hook,
		      uint64_t first, uint64_t cgroup)
{
	place = place_open(which, name, hook,
			   (struct place_window){ first, first + MIB - 1,
						  PAGE });
	which->ops->cgroup_id = cgroup;
	assert_int_equal(policy_load(which), 0);
	assert_int_equal(policy_attach(which), 0);
}

static void each_cgroup_has_a_window_of_its_own(void **state)
{
	const uint64_t a = cgroup_make("place-a");
	const uint64_t b = cgroup_make("place-b");

	cgroup_make("place-b/below");
	cgroup_make("place-c");
	/* By name the system's would come first. */
	start_for(&policy, "a-system", "lowest", BASE, 0);
	start_for(&others[0], "z-a", "lowest", 2 * BASE, a);
	start_for(&others[1], "z-b", "highest", 3 * BASE, b);

	assert_maps_at("place-a", 2 * BASE);
	assert_maps_at("place-b", 3 * BASE + MIB - PAGE);
	assert_maps_at("place-c", BASE);
	assert_maps_at("place-a", 2 * BASE + PAGE);
	assert_maps_at("place-b/below", 3 * BASE + MIB - 2 * PAGE);
	assert_int_equal(map(memory, PAGE), BASE + PAGE);
	/* Whom a nearer one has answered for was not asked. */
	assert_int_equal(policy_number("a-system", "iova_alloc_asked"), 2);
	assert_int_equal(policy_number("z-a", "iova_alloc_asked"), 2);
	assert_int_equal(policy_number("z-b", "iova_alloc_asked"), 2);

	policy_stop(&others[0]);
	start_for(&others[0], "z-a", "answering", 0, a);
	assert_maps_at("place-a", BASE + 2 * PAGE);
	assert_int_equal(place->calls, 1);
	place->answer = -EDQUOT;
	assert_maps_at("place-a", -EDQUOT);
	assert_int_equal(policy_number("a-system", "iova_alloc_asked"), 3);

	cgroup_remove("place-b/below");
	cgroup_remove("place-a");
	cgroup_remove("place-b");
	cgroup_remove("place-c");
}

struct range {
	uint64_t iova;
	uint64_t length;
	char *memory;
};

static int by_iova(const void *a, const void *b)
{
	const struct range *left = a, *right = b;

	return left->iova < right->iova ? -1 : left->iova > right->iova;
}

/* How many are above the one before */
static size_t map_anywhere(struct range *ranges, size_t nr)
{
	unsigned int seed = nr;
	size_t i, ascents = 0;

	start("anywhere", BASE, REACH - 1, PAGE);
	for (i = 0; i < nr; i++) {
		struct range *range = &ranges[i];
		int64_t iova;

		range->length = (1 + rand_r(&seed) % 4) * PAGE;
		range->memory = memory + rand_r(&seed) % 500 * PAGE;
		iova = map(range->memory, range->length);
		assert_in_range(iova, BASE, REACH - range->length);
		range->iova = iova;
		ascents += i && iova > (int64_t)ranges[i - 1].iova;
	}
	assert_int_equal(ioas_areas(iommu, ioas), nr);
	assert_int_equal(policy_number("place", "iova_alloc_asked"), nr);
	assert_policy_reads("place", "state", "active");
	return ascents;
}

static void assert_no_overlap(struct range *ranges, size_t nr)
{
	size_t i;

	qsort(ranges, nr, sizeof(*ranges), by_iova);
	for (i = 1; i < nr; i++)
		assert_true(ranges[i].iova >=
			    ranges[i - 1].iova + ranges[i - 1].length);
}

static void ten_thousand_random_choices_never_overlap(void **state)
{
	static struct range ranges[10000];
	const size_t nr = ARRAY_SIZE(ranges);
	size_t ascents = map_anywhere(ranges, nr);

	/* Half of them, give or take ten standard deviations */
	assert_in_range(ascents, nr / 2 - 300, nr / 2 + 300);
	assert_no_overlap(ranges, nr);
}

static void a_device_finds_what_was_placed_at_random(void **state)
{
	static struct range ranges[2000];
	const size_t nr = ARRAY_SIZE(ranges);
	const struct range *from, *to;
	unsigned int copied = 0;
	size_t i;

	map_anywhere(ranges, nr);
	for (i = 0; i < nr - 1; i += 40) {
		from = &ranges[i];
		to = &ranges[i + 1];
		if (from->memory == to->memory)
			continue;
		memory_random(from->memory, PAGE);
		edu_read(&edu, from->iova);
		edu_write(&edu, to->iova);
		assert_memory_equal(from->memory, to->memory, EDU_LENGTH);
		copied++;
	}
	assert_in_range(copied, 40, 50);
	assert_no_overlap(ranges, nr);
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	assert_int_equal(pinned_pages(0), 0);
}

static void random_choices_use_all_of_their_window(void **state)
{
	const uint64_t pages = 256;
	uint64_t i;

	start("anywhere", BASE, BASE + pages * PAGE - 1, PAGE);
	for (i = 0; i < pages; i++)
		assert_in_range(map(memory, PAGE), BASE,
				BASE + (pages - 1) * PAGE);
	assert_int_equal(map(memory, PAGE), -ENOSPC);
	/* Some began behind the last hole. */
	assert_true(place->calls > pages + 2);
	assert_int_equal(policy_number("place", "iova_alloc_asked"), pages + 1);
}

static void where_user_space_chooses_nobody_is_asked(void **state)
{
	start("lowest", BASE, REACH - 1, PAGE);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW, 2 * BASE),
			 0);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW, 2 * BASE),
			 -EEXIST);
	assert_int_equal(place->calls, 0);
	assert_int_equal(policy_number("place", "iova_alloc_asked"), 0);
}

static void type1_always_chooses_itself(void **state)
{
	start("lowest", BASE, REACH - 1, PAGE);
	assert_int_equal(compat_set(iommu, ioas), 0);
	assert_int_equal(type1_set_iommu(iommu, VFIO_TYPE1v2_IOMMU), 0);
	assert_int_equal(type1_map(iommu, memory, PAGE, DMA_RW, 2 * BASE), 0);
	assert_int_equal(type1_map(iommu, memory, PAGE, DMA_RW, 0), 0);
	assert_int_equal(place->calls, 0);
}

static void copies_are_placed(void **state)
{
	struct copy_source from = { ioas, 2 * BASE, 3 * PAGE };
	uint32_t other = ioas_new(iommu);
	uint64_t iova;

	start("lowest", BASE, REACH - 1, PAGE);
	/* Of several areas, as one */
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW, 2 * BASE),
			 0);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, 2 * PAGE, RW,
				     2 * BASE + PAGE), 0);
	assert_int_equal(ioas_copy(iommu, other, &from, RW, &iova), 0);
	assert_int_equal(iova, BASE);
	assert_int_equal(ioas_copy(iommu, ioas, &from, RW, &iova), 0);
	assert_int_equal(iova, BASE);
	assert_int_equal(ioas_copy(iommu, other, &from, RW, &iova), 0);
	assert_int_equal(iova, BASE + 3 * PAGE);
	assert_int_equal(place->calls, 3);
	assert_int_equal(ioas_areas(iommu, other), 4);
	assert_int_equal(ioas_copy_at(iommu, other, &from, RW, 2 * BASE), 0);
	assert_int_equal(place->calls, 3);
}

static void memory_of_files_is_placed(void **state)
{
	struct file_range range = { .length = 2 * PAGE };
	char *contents;
	uint64_t iova;

	range.fd = memfd_create("place", MFD_CLOEXEC);
	assert_return_code(ftruncate(range.fd, range.length), errno);
	contents = memory_file(range.fd, range.length);
	memory_random(contents, PAGE);
	start("highest", BASE, REACH - 1, PAGE);
	assert_int_equal(ioas_map_file(iommu, ioas, &range, RW, &iova), 0);
	assert_int_equal(iova, REACH - 2 * PAGE);
	assert_int_equal(place->calls, 1);
	edu_read(&edu, iova);
	edu_write(&edu, iova + PAGE);
	assert_memory_equal(contents, contents + PAGE, PAGE);

	iova = BASE;
	assert_int_equal(ioas_map_file(iommu, ioas, &range, RW | FIXED, &iova),
			 0);
	assert_int_equal(place->calls, 1);
	munmap(contents, range.length);
	close(range.fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_ATTACHED(name)						\
	cmocka_unit_test_setup_teardown(name, setup_attached, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_lowest_address_of_a_window),
		TEST(top_down_each_is_below_the_one_before),
		TEST(huge_alignment_is_kept_for_small_maps),
		TEST_ATTACHED(huge_alignment_gives_huge_io_pages),
		TEST(a_window_of_39_bits),
		TEST(each_cgroup_has_a_window_of_its_own),
		TEST(ten_thousand_random_choices_never_overlap),
		TEST_ATTACHED(a_device_finds_what_was_placed_at_random),
		TEST(random_choices_use_all_of_their_window),
		TEST(where_user_space_chooses_nobody_is_asked),
		TEST(type1_always_chooses_itself),
		TEST(copies_are_placed),
		TEST_ATTACHED(memory_of_files_is_placed),
	};

	return run_tap(tests, NULL, NULL);
}

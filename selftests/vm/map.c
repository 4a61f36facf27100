// SPDX-License-Identifier: GPL-2.0-only
/* IOAS_MAP and IOAS_UNMAP, with and without a device */
#include "test.h"
#include "../host/random.h"

#define BASE (16 * MIB)

static int iommu;
static uint32_t ioas;
static struct edu edu;
static bool attached;

static int setup(void **state)
{
	iommu = context_open();
	ioas = ioas_new(iommu);
	attached = false;
	return 0;
}

static int setup_attached(void **state)
{
	setup(state);
	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	attached = true;
	return 0;
}

static int teardown(void **state)
{
	if (attached)
		edu_close(&edu);
	return close(iommu);
}

static int map_at(const void *memory, uint64_t length, uint64_t iova)
{
	return ioas_map_at(iommu, ioas, memory, length, RW, iova);
}

static uint64_t choose(const void *memory, uint64_t length)
{
	uint64_t iova;

	assert_int_equal(ioas_map(iommu, ioas, memory, length, RW, &iova), 0);
	return iova;
}

static int unmap(uint64_t iova, uint64_t length)
{
	uint64_t unmapped;
	int err = ioas_unmap(iommu, ioas, iova, length, &unmapped);

	/* Where a test does not say otherwise, it knows what is there */
	if (!err)
		assert_int_equal(unmapped, length);
	return err;
}

static long pinned(void)
{
	return fdinfo_value(iommu, "iommufd-pinned:");
}

static void assert_mapped(unsigned long areas, unsigned long bytes)
{
	unsigned long areas_now, bytes_now;

	fdinfo_ioas(iommu, ioas, &areas_now, &bytes_now);
	assert_int_equal(areas_now, areas);
	assert_int_equal(bytes_now, bytes);
	assert_int_equal(pinned(), attached ? bytes / PAGE : 0);
}

static void fixed_address_is_taken(void **state)
{
	void *memory = memory_new(4 * PAGE);

	assert_int_equal(map_at(memory, 4 * PAGE, BASE), 0);
	assert_mapped(1, 4 * PAGE);
	assert_int_equal(unmap(BASE, 4 * PAGE), 0);
	assert_mapped(0, 0);
	munmap(memory, 4 * PAGE);
}

static void address_zero_can_be_fixed(void **state)
{
	void *memory = memory_new(PAGE);

	assert_int_equal(map_at(memory, PAGE, 0), 0);
	assert_int_equal(unmap(0, PAGE), 0);
	munmap(memory, PAGE);
}

static void chosen_address_is_never_zero(void **state)
{
	const struct iommu_iova_range low = { .start = 0, .last = 2 * PAGE - 1 };
	void *memory = memory_new(PAGE);
	uint64_t iova;

	assert_int_not_equal(choose(memory, PAGE), 0);
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	assert_int_equal(ioas_allow(iommu, ioas, &low, 1), 0);
	assert_int_equal(choose(memory, PAGE), PAGE);
	assert_int_equal(ioas_map(iommu, ioas, memory, PAGE, RW, &iova),
			 -ENOSPC);
	assert_mapped(1, PAGE);
	munmap(memory, PAGE);
}

static void chosen_address_keeps_huge_pages_huge(void **state)
{
	char *memory = memory_aligned(4 * HUGE, HUGE);
	uint64_t iova;

	/* So that the lowest hole is not a good one */
	assert_int_equal(map_at(memory, PAGE, PAGE), 0);
	iova = choose(memory, HUGE);
	assert_int_equal(iova % HUGE, 0);
	iova = choose(memory + MIB, 3 * HUGE);
	assert_int_equal(iova % HUGE, MIB);
	munmap(memory, 4 * HUGE);
}

static void chosen_addresses_do_not_overlap(void **state)
{
	void *memory = memory_new(64 * PAGE);
	uint64_t iova[64];
	int i, k;

	for (i = 0; i < 64; i++) {
		iova[i] = choose(memory, (i + 1) * PAGE);
		for (k = 0; k < i; k++)
			assert_true(iova[i] >= iova[k] + (k + 1) * PAGE ||
				    iova[k] >= iova[i] + (i + 1) * PAGE);
	}
	for (i = 0; i < 64; i++)
		assert_int_equal(unmap(iova[i], (i + 1) * PAGE), 0);
	assert_mapped(0, 0);
	munmap(memory, 64 * PAGE);
}

static void chosen_address_keeps_the_offset_in_the_page(void **state)
{
	char *memory = memory_new(2 * PAGE);
	uint64_t iova = choose(memory + 0x123, 100);

	assert_int_equal(iova % PAGE, 0x123);
	assert_mapped(1, 100);
	assert_int_equal(unmap(iova, 100), 0);
	munmap(memory, 2 * PAGE);
}

static void no_alignment_without_a_device(void **state)
{
	char *memory = memory_new(PAGE);

	assert_int_equal(map_at(memory + 3, 1, BASE + 7), 0);
	assert_int_equal(map_at(memory, 1, BASE + 8), 0);
	assert_int_equal(map_at(memory, 1, BASE + 7), -EEXIST);
	assert_mapped(2, 2);
	assert_int_equal(unmap(BASE + 7, 1), 0);
	assert_mapped(1, 1);
	munmap(memory, PAGE);
}

static void device_wants_page_alignment(void **state)
{
	char *memory = memory_new(4 * PAGE);
	uint64_t iova;

	assert_int_equal(map_at(memory, PAGE, BASE + 1), -EINVAL);
	assert_int_equal(map_at(memory, PAGE, BASE + PAGE / 2), -EINVAL);
	assert_int_equal(map_at(memory + 1, PAGE, BASE), -EINVAL);
	assert_int_equal(map_at(memory, PAGE + 1, BASE), -EINVAL);
	assert_int_equal(map_at(memory, 1, BASE), -EINVAL);
	assert_int_equal(map_at(memory + 1, PAGE, BASE + 1), -EINVAL);
	assert_int_equal(ioas_map(iommu, ioas, memory + 1, PAGE, RW, &iova),
			 -EINVAL);
	assert_int_equal(ioas_map(iommu, ioas, memory, 1, RW, &iova), -EINVAL);
	assert_mapped(0, 0);
	munmap(memory, 4 * PAGE);
}

static void overlap_is_refused(void **state)
{
	const struct {
		int start, length;
	} overlaps[] = {
		{ 8, 8 }, { 0, 9 }, { 15, 4 }, { 10, 2 }, { 0, 32 },
		{ 8, 1 }, { 15, 1 },
	};
	void *memory = memory_new(32 * PAGE);
	size_t i;

	assert_int_equal(map_at(memory, 8 * PAGE, BASE + 8 * PAGE), 0);
	for (i = 0; i < ARRAY_SIZE(overlaps); i++) {
		assert_int_equal(map_at(memory, overlaps[i].length * PAGE,
					BASE + overlaps[i].start * PAGE),
				 -EEXIST);
		assert_mapped(1, 8 * PAGE);
	}
	/* What only touches it does not overlap */
	assert_int_equal(map_at(memory, 8 * PAGE, BASE), 0);
	assert_int_equal(map_at(memory, PAGE, BASE + 16 * PAGE), 0);
	munmap(memory, 32 * PAGE);
}

static void same_memory_may_be_mapped_often(void **state)
{
	void *memory = memory_new(PAGE);
	int i;

	for (i = 0; i < 100; i++)
		assert_int_equal(map_at(memory, PAGE, BASE + i * PAGE), 0);
	assert_mapped(100, 100 * PAGE);
	munmap(memory, PAGE);
}

static void reserved_address_is_refused(void **state)
{
	void *memory = memory_new(2 * PAGE);

	assert_int_equal(map_at(memory, PAGE, 0xfee00000), -EINVAL);
	/* In part */
	assert_int_equal(map_at(memory, 2 * PAGE, 0xfedff000), -EINVAL);
	assert_int_equal(map_at(memory, PAGE, 1UL << 62), -EINVAL);
	assert_mapped(0, 0);
	munmap(memory, 2 * PAGE);
}

static void no_length(void **state)
{
	void *memory = memory_new(PAGE);
	uint64_t iova;

	assert_int_equal(map_at(memory, 0, BASE), -EINVAL);
	assert_int_equal(ioas_map(iommu, ioas, memory, 0, RW, &iova), -EINVAL);
	assert_int_equal(ioas_unmap(iommu, ioas, BASE, 0, NULL), -EINVAL);
	assert_mapped(0, 0);
	munmap(memory, PAGE);
}

static void neither_readable_nor_writable(void **state)
{
	void *memory = memory_new(PAGE);

	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, 0, BASE),
			 -EINVAL);
	assert_mapped(0, 0);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, READ, BASE), 0);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, WRITE,
				     BASE + PAGE), 0);
	munmap(memory, PAGE);
}

static void ranges_that_leave_an_address_space(void **state)
{
	char *memory = memory_new(PAGE);
	void *top = (void *)-PAGE;
	uint64_t iova;

	/* IO addresses */
	assert_int_equal(map_at(memory, 2 * PAGE, -PAGE), -EOVERFLOW);
	assert_int_equal(map_at(memory, PAGE, UINT64_MAX), -EOVERFLOW);
	assert_int_equal(map_at(memory, UINT64_MAX, 0), -EOVERFLOW);
	assert_int_equal(map_at(memory, UINT64_MAX, PAGE), -EOVERFLOW);
	assert_int_equal(ioas_unmap(iommu, ioas, -PAGE, 2 * PAGE, NULL),
			 -EOVERFLOW);
	assert_int_equal(ioas_unmap(iommu, ioas, PAGE, UINT64_MAX, NULL),
			 -EOVERFLOW);
	assert_int_equal(ioas_unmap(iommu, ioas, UINT64_MAX, PAGE, NULL),
			 -EOVERFLOW);
	/* User addresses */
	assert_int_equal(map_at(top, 2 * PAGE, BASE), -EOVERFLOW);
	assert_int_equal(ioas_map(iommu, ioas, top, 2 * PAGE, RW, &iova),
			 -EOVERFLOW);
	assert_mapped(0, 0);
	munmap(memory, PAGE);
}

static void last_addresses_can_be_mapped(void **state)
{
	void *memory = memory_new(PAGE);

	assert_int_equal(map_at(memory, PAGE, -PAGE), 0);
	assert_int_equal(map_at(memory, PAGE, -PAGE), -EEXIST);
	assert_mapped(1, PAGE);
	assert_int_equal(unmap(-PAGE, PAGE), 0);
	assert_mapped(0, 0);
	munmap(memory, PAGE);
}

static void more_than_there_can_be(void **state)
{
	uint64_t iova;

	/* Memory is looked for only when there is a device */
	assert_int_equal(map_at(NULL, 1UL << 62, 0), 0);
	assert_mapped(1, 1UL << 62);
	assert_int_equal(ioas_map(iommu, ioas, NULL, 1UL << 63, RW, &iova),
			 -EOVERFLOW);
	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), -EADDRINUSE);
	assert_int_equal(unmap(0, 1UL << 62), 0);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	attached = true;
	assert_int_equal(map_at(NULL, 1UL << 62, 0), -EINVAL);
	/* Memory first, then an address */
	assert_int_equal(ioas_map(iommu, ioas, NULL, 1UL << 62, RW, &iova),
			 -ENOMEM);
	assert_mapped(0, 0);
}

static void memory_that_is_not_there(void **state)
{
	char *memory = memory_new(64 * PAGE);
	long before = pinned_pages(0);

	/* The last page, and behind many good ones */
	assert_int_equal(munmap(memory + 63 * PAGE, PAGE), 0);
	assert_int_equal(map_at(memory + 63 * PAGE, PAGE, BASE), -EFAULT);
	assert_int_equal(map_at(memory, 64 * PAGE, BASE), -EFAULT);
	assert_int_equal(map_at(NULL, PAGE, BASE), -EFAULT);
	assert_mapped(0, 0);
	assert_int_equal(pinned_pages(before), before);
	munmap(memory, 63 * PAGE);
}

static void memory_that_may_not_be_written(void **state)
{
	void *memory = memory_new(PAGE);

	assert_int_equal(mprotect(memory, PAGE, PROT_READ), 0);
	assert_int_equal(map_at(memory, PAGE, BASE), -EFAULT);
	assert_mapped(0, 0);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, READ, BASE), 0);
	munmap(memory, PAGE);
}

static void attach_finds_memory_missing(void **state)
{
	void *memory = memory_new(PAGE), *gone = memory_new(PAGE);

	assert_int_equal(map_at(memory, PAGE, BASE), 0);
	assert_int_equal(map_at(gone, PAGE, BASE + PAGE), 0);
	munmap(gone, PAGE);
	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), -EFAULT);
	assert_mapped(2, 2 * PAGE);
	assert_int_equal(pinned_pages(0), 0);
	assert_int_equal(unmap(BASE + PAGE, PAGE), 0);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	attached = true;
	assert_mapped(1, PAGE);
	munmap(memory, PAGE);
}

static void unmap_of_several_at_once(void **state)
{
	void *memory = memory_new(PAGE);
	uint64_t unmapped;
	int i;

	/* More than are taken out in one go, and with gaps */
	for (i = 0; i < 100; i++)
		assert_int_equal(map_at(memory, PAGE, BASE + 2 * i * PAGE), 0);
	assert_int_equal(ioas_unmap(iommu, ioas, BASE - PAGE, 160 * PAGE,
				    &unmapped), 0);
	assert_int_equal(unmapped, 80 * PAGE);
	assert_mapped(20, 20 * PAGE);
	assert_int_equal(ioas_unmap(iommu, ioas, BASE, 200 * PAGE, &unmapped),
			 0);
	assert_int_equal(unmapped, 20 * PAGE);
	assert_mapped(0, 0);
	munmap(memory, PAGE);
}

static void unmap_that_cuts_an_area(void **state)
{
	const struct {
		int start, length;
	} cuts[] = {
		{ 0, 3 }, { 1, 3 }, { 1, 2 }, { 0, 5 }, { 3, 5 }, { 6, 1 },
		{ 3, 8 }, { 0, 6 }, { 2, 1 },
	};
	void *memory = memory_new(4 * PAGE);
	size_t i;

	assert_int_equal(map_at(memory, 4 * PAGE, BASE), 0);
	assert_int_equal(map_at(memory, 4 * PAGE, BASE + 4 * PAGE), 0);
	for (i = 0; i < ARRAY_SIZE(cuts); i++) {
		assert_int_equal(ioas_unmap(iommu, ioas,
					    BASE + cuts[i].start * PAGE,
					    cuts[i].length * PAGE, NULL),
				 -ENOENT);
		assert_mapped(2, 8 * PAGE);
	}
	assert_int_equal(ioas_unmap(iommu, ioas, BASE, 8 * PAGE, NULL), 0);
	munmap(memory, 4 * PAGE);
}

static void unmap_of_nothing(void **state)
{
	void *memory = memory_new(PAGE);

	assert_int_equal(map_at(memory, PAGE, BASE), 0);
	assert_int_equal(ioas_unmap(iommu, ioas, BASE + PAGE, PAGE, NULL),
			 -ENOENT);
	assert_int_equal(ioas_unmap(iommu, ioas, 0, BASE, NULL), -ENOENT);
	assert_int_equal(unmap(BASE, PAGE), 0);
	assert_int_equal(ioas_unmap(iommu, ioas, BASE, PAGE, NULL), -ENOENT);
	munmap(memory, PAGE);
}

static void unmap_of_everything(void **state)
{
	void *memory = memory_new(PAGE);
	uint64_t unmapped = 1;

	assert_int_equal(ioas_unmap(iommu, ioas, 0, UINT64_MAX, &unmapped), 0);
	assert_int_equal(unmapped, 0);
	assert_int_equal(map_at(memory, PAGE, 0), 0);
	assert_int_equal(map_at(memory, PAGE, BASE), 0);
	choose(memory, PAGE);
	assert_int_equal(ioas_unmap(iommu, ioas, 0, UINT64_MAX, &unmapped), 0);
	assert_int_equal(unmapped, 3 * PAGE);
	assert_mapped(0, 0);
	munmap(memory, PAGE);
}

static void answer_that_cannot_be_written_unmaps(void **state)
{
	struct iommu_ioas_map *command = memory_new(PAGE);
	void *memory = memory_new(PAGE);

	*command = (struct iommu_ioas_map) {
		.size = sizeof(*command),
		.flags = RW,
		.ioas_id = ioas,
		.user_va = (uintptr_t)memory,
		.length = PAGE,
	};
	assert_int_equal(mprotect(command, PAGE, PROT_READ), 0);
	assert_int_equal(ioctl(iommu, IOMMU_IOAS_MAP, command), -1);
	assert_int_equal(errno, EFAULT);
	assert_mapped(0, 0);
	munmap(command, PAGE);
	munmap(memory, PAGE);
}

static void answer_of_alloc_cannot_be_written(void **state)
{
	struct iommu_ioas_alloc *command = memory_new(PAGE);
	char *before, *after;

	command->size = sizeof(*command);
	assert_int_equal(mprotect(command, PAGE, PROT_READ), 0);
	before = fdinfo(iommu);
	assert_int_equal(ioctl(iommu, IOMMU_IOAS_ALLOC, command), -1);
	assert_int_equal(errno, EFAULT);
	after = fdinfo(iommu);
	assert_string_equal(before, after);
	/* Its id is free again */
	assert_int_equal(object_destroy(iommu, ioas + 1), -ENOENT);
	free(before);
	free(after);
	munmap(command, PAGE);
}

/*
 * A window of IO addresses, page by page: the first page of the area there plus
 * 1, or 0.
 */
#define MODEL_PAGES 256
#define MODEL_LENGTH 16

struct model {
	unsigned int page[MODEL_PAGES];
	unsigned long areas, pages;
};

static bool model_is_free(const struct model *model, unsigned int start,
			  unsigned int length)
{
	unsigned int i;

	for (i = start; i < start + length; i++)
		if (model->page[i])
			return false;
	return true;
}

static bool model_has_hole(const struct model *model, unsigned int length)
{
	unsigned int start;

	for (start = 0; start + length <= MODEL_PAGES; start++)
		if (model_is_free(model, start, length))
			return true;
	return false;
}

static void model_add(struct model *model, unsigned int start,
		      unsigned int length)
{
	unsigned int i;

	assert_true(start + length <= MODEL_PAGES);
	assert_true(model_is_free(model, start, length));
	for (i = start; i < start + length; i++)
		model->page[i] = start + 1;
	model->areas++;
	model->pages += length;
}

static bool model_cuts(const struct model *model, unsigned int start,
		       unsigned int end)
{
	return (start && model->page[start] &&
		model->page[start] == model->page[start - 1]) ||
	       (end < MODEL_PAGES && model->page[end] &&
		model->page[end] == model->page[end - 1]);
}

/* How many pages were there */
static unsigned int model_remove(struct model *model, unsigned int start,
				 unsigned int end)
{
	unsigned int i, pages = 0;

	for (i = start; i < end; i++) {
		if (model->page[i] == i + 1)
			model->areas--;
		pages += !!model->page[i];
		model->page[i] = 0;
	}
	model->pages -= pages;
	return pages;
}

static void random_fixed(struct model *model, const char *memory)
{
	unsigned int start = random_below(MODEL_PAGES - MODEL_LENGTH);
	unsigned int length = 1 + random_below(MODEL_LENGTH);
	bool fits = model_is_free(model, start, length);

	assert_int_equal(map_at(memory, length * PAGE, BASE + start * PAGE),
			 fits ? 0 : -EEXIST);
	if (fits)
		model_add(model, start, length);
}

static void random_chosen(struct model *model, const char *memory)
{
	unsigned int length = 1 + random_below(MODEL_LENGTH);
	bool fits = model_has_hole(model, length);
	uint64_t iova;

	assert_int_equal(ioas_map(iommu, ioas, memory, length * PAGE, RW,
				  &iova), fits ? 0 : -ENOSPC);
	if (!fits)
		return;
	assert_true(iova >= BASE);
	assert_int_equal(iova % PAGE, 0);
	model_add(model, (iova - BASE) / PAGE, length);
}

static void random_unmap(struct model *model)
{
	unsigned int start = random_below(MODEL_PAGES - 2 * MODEL_LENGTH);
	unsigned int end = start + 1 + random_below(2 * MODEL_LENGTH);
	bool nothing = model_is_free(model, start, end - start);
	bool fails = nothing || model_cuts(model, start, end);
	uint64_t unmapped;

	assert_int_equal(ioas_unmap(iommu, ioas, BASE + start * PAGE,
				    (end - start) * PAGE, &unmapped),
			 fails ? -ENOENT : 0);
	if (!fails)
		assert_int_equal(unmapped,
				 PAGE * model_remove(model, start, end));
}

static void random_unmap_area(struct model *model)
{
	unsigned int page = random_below(MODEL_PAGES), start, end;

	if (!model->page[page])
		return;
	start = model->page[page] - 1;
	for (end = start; end < MODEL_PAGES &&
	     model->page[end] == start + 1; end++)
		;
	assert_int_equal(unmap(BASE + start * PAGE, (end - start) * PAGE), 0);
	model_remove(model, start, end);
}

static void random_requests_agree_with_a_model(void **state)
{
	const struct iommu_iova_range window = {
		.start = BASE, .last = BASE + MODEL_PAGES * PAGE - 1
	};
	char *memory = memory_new(MODEL_LENGTH * PAGE);
	struct model model = {};
	int i;

	random_seed(state);
	assert_int_equal(ioas_allow(iommu, ioas, &window, 1), 0);
	for (i = 0; i < 10000; i++) {
		switch (random_below(5)) {
		case 0:
			random_fixed(&model, memory);
			break;
		case 1:
		case 2:
			random_chosen(&model, memory);
			break;
		case 3:
			random_unmap(&model);
			break;
		default:
			random_unmap_area(&model);
		}
		if (i % 64 == 0)
			assert_mapped(model.areas, model.pages * PAGE);
	}
	assert_mapped(model.areas, model.pages * PAGE);
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	assert_mapped(0, 0);
	munmap(memory, MODEL_LENGTH * PAGE);
}

#define TEST(_test) cmocka_unit_test_setup_teardown(_test, setup, teardown)
#define TEST_ATTACHED(_test)						\
	{ #_test ", device attached", _test, setup_attached, teardown, NULL }
#define TEST_BOTH(_test) TEST(_test), TEST_ATTACHED(_test)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST_BOTH(fixed_address_is_taken),
		TEST_BOTH(address_zero_can_be_fixed),
		TEST_BOTH(chosen_address_is_never_zero),
		TEST_BOTH(chosen_address_keeps_huge_pages_huge),
		TEST_BOTH(chosen_addresses_do_not_overlap),
		TEST(chosen_address_keeps_the_offset_in_the_page),
		TEST(no_alignment_without_a_device),
		TEST_ATTACHED(device_wants_page_alignment),
		TEST_BOTH(overlap_is_refused),
		TEST_BOTH(same_memory_may_be_mapped_often),
		TEST_ATTACHED(reserved_address_is_refused),
		TEST_BOTH(no_length),
		TEST_BOTH(neither_readable_nor_writable),
		TEST_BOTH(ranges_that_leave_an_address_space),
		TEST(last_addresses_can_be_mapped),
		TEST(more_than_there_can_be),
		TEST_ATTACHED(memory_that_is_not_there),
		TEST_ATTACHED(memory_that_may_not_be_written),
		TEST(attach_finds_memory_missing),
		TEST_BOTH(unmap_of_several_at_once),
		TEST_BOTH(unmap_that_cuts_an_area),
		TEST_BOTH(unmap_of_nothing),
		TEST_BOTH(unmap_of_everything),
		TEST_BOTH(answer_that_cannot_be_written_unmaps),
		TEST(answer_of_alloc_cannot_be_written),
		TEST_BOTH(random_requests_agree_with_a_model),
	};

	return run_tap(tests, NULL, NULL);
}

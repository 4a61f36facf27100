// SPDX-License-Identifier: GPL-2.0-only
/* lab: boot=own load=test timeout=120 */
/* Paying for what in-kernel users pin, page by page; see lib/mock.h */
#include "lib/books.h"
#include "lib/mock.h"
#include "lib/policy.h"

#define BASE (32 * MIB)
#define PAGES 16UL

static struct policy policy;
static int iommu, first, second;
static uint32_t ioas;
static char *memory;

static int setup(void **state)
{
	iommu = context_open();
	ioas = ioas_new(iommu);
	memory = memory_new(PAGES * PAGE);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGES * PAGE, RW,
				     BASE), 0);
	first = access_new(iommu, ioas);
	assert_return_code(first, -first);
	second = access_new(iommu, ioas);
	assert_return_code(second, -second);
	books_open();
	policy_start(&policy, "answer");
	return 0;
}

static int teardown(void **state)
{
	close(second);
	close(first);
	policy_stop(&policy);
	munmap(memory, PAGES * PAGE);
	close(iommu);
	books_agree(NULL, 0, 0, 0);
	books_close();
	return 0;
}

/* Bytes of memory */
static int64_t pin(int access, unsigned long start, unsigned long length)
{
	return access_pin(iommu, access, BASE + start, length, memory + start);
}

static uint32_t must_pin(int access, unsigned long start, unsigned long length)
{
	int64_t id = pin(access, start, length);

	assert_true(id >= 0);
	return id;
}

static void assert_paid(long pages)
{
	assert_int_equal(policy.answer->balance, pages);
	assert_int_equal(policy_number("answer", "paid"), pages);
	/* The test is root, and may lock what it likes. */
	books_agree(&iommu, 1, pages, 0);
}

static void assert_charged(unsigned long pages, unsigned long asked)
{
	assert_int_equal(policy.answer->charge.pages, pages);
	assert_int_equal(policy.answer->charge.asked, asked);
	assert_int_equal(policy.answer->charge.op,
			 IOMMUFD_POLICY_OP_ACCESS_PIN);
	assert_int_equal(policy.answer->charge.ioas_id, ioas);
}

static void every_page_that_a_byte_is_in_is_paid_for(void **state)
{
	uint32_t ids[3];

	ids[0] = must_pin(first, 2 * PAGE - 1, 1);
	assert_charged(1, 1);
	ids[1] = must_pin(first, 3 * PAGE - 1, 2);
	assert_charged(2, 2);
	ids[2] = must_pin(first, 5, PAGES * PAGE - 10);
	assert_charged(PAGES - 3, PAGES);
	assert_paid(PAGES);
	assert_int_equal(access_unpin(iommu, first, ids[2]), 0);
	assert_paid(3);
	assert_int_equal(access_unpin(iommu, first, ids[0]), 0);
	assert_paid(2);
	assert_int_equal(access_unpin(iommu, first, ids[1]), 0);
	assert_paid(0);
}

static void overlapping_pins_are_paid_for_where_they_are_new(void **state)
{
	uint32_t ids[3];

	ids[0] = must_pin(first, 2 * PAGE, 4 * PAGE);
	assert_charged(4, 4);
	ids[1] = must_pin(second, 4 * PAGE, 4 * PAGE);
	assert_charged(2, 4);
	ids[2] = must_pin(second, 3 * PAGE, 2 * PAGE);
	assert_int_equal(policy.answer->charge.calls, 2);
	assert_paid(6);
	assert_int_equal(access_unpin(iommu, first, ids[0]), 0);
	assert_int_equal(policy.answer->uncharge.pages, 1);
	assert_paid(5);
	assert_int_equal(access_unpin(iommu, second, ids[1]), 0);
	assert_paid(2);
	assert_int_equal(access_unpin(iommu, second, ids[2]), 0);
	assert_paid(0);
}

static void memory_of_a_copy_is_paid_for_once(void **state)
{
	struct copy_source source = { ioas, BASE + 3 * PAGE, 3 * PAGE };
	uint32_t other = ioas_new(iommu), ids[2];
	int access;

	assert_int_equal(ioas_copy_at(iommu, other, &source, RW,
				      BASE + 3 * PAGE), 0);
	access = access_new(iommu, other);
	assert_return_code(access, -access);
	ids[0] = must_pin(first, 4 * PAGE, PAGE);
	assert_charged(1, 1);
	ids[1] = must_pin(access, 4 * PAGE - 1, PAGE + 2);
	assert_int_equal(policy.answer->charge.pages, 2);
	assert_int_equal(policy.answer->charge.asked, 3);
	assert_int_equal(policy.answer->charge.ioas_id, other);
	assert_paid(3);
	assert_int_equal(access_unpin(iommu, first, ids[0]), 0);
	assert_paid(3);
	assert_int_equal(access_unpin(iommu, access, ids[1]), 0);
	assert_paid(0);
	close(access);
}

static void a_refused_pin_costs_nothing(void **state)
{
	uint32_t id = must_pin(first, 2 * PAGE, 2 * PAGE);

	policy.answer->charge_answer = -EDQUOT;
	assert_int_equal(pin(second, PAGE, 2 * PAGE), -EDQUOT);
	assert_refused_by(iommu, "answer charge -122");
	assert_paid(2);
	/* What is pinned already can be had. */
	assert_int_equal(access_unpin(iommu, second,
				      must_pin(second, 3 * PAGE, PAGE)), 0);
	assert_int_equal(access_unpin(iommu, first, id), 0);
	assert_paid(0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(every_page_that_a_byte_is_in_is_paid_for),
		TEST(overlapping_pins_are_paid_for_where_they_are_new),
		TEST(memory_of_a_copy_is_paid_for_once),
		TEST(a_refused_pin_costs_nothing),
	};

	return run_tap(tests, NULL, NULL);
}

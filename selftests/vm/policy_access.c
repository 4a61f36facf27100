// SPDX-License-Identifier: GPL-2.0-only
/* lab: boot=own load=test timeout=120 */
/* Policies are asked about accesses as about devices; see lib/mock.h */
#include "lib/asker.h"
#include "lib/mock.h"

#define BASE (32 * MIB)
#define PAGES 8UL

static struct policy policy;
static volatile struct answer *seen;
static int iommu;
static uint64_t context;
static uint32_t ioas, other;
static char *memory;

static int setup(void **state)
{
	iommu = context_open();
	context = context_id(iommu);
	ioas = ioas_new(iommu);
	other = ioas_new(iommu);
	/* Pages that every process sees */
	memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	asker_prepare();
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGES * PAGE, RW,
				     BASE), 0);
	policy_start(&policy, "answer");
	seen = policy.answer;
	return 0;
}

static int teardown(void **state)
{
	policy_stop(&policy);
	asker_remove();
	munmap(memory, PAGES * PAGE);
	return close(iommu);
}

static int64_t pin(int access, unsigned long first, unsigned long nr)
{
	return access_pin(iommu, access, BASE + first * PAGE, nr * PAGE,
			  memory + first * PAGE);
}

static int attach_move_close(void *arg)
{
	uint64_t id;
	int access;

	CHECK(!become_asker());
	strcpy((char *)seen->attach.dev_name, "none");
	access = access_new(iommu, ioas);
	CHECK(access >= 0);
	CHECK(is_asker(&seen->attach.who, context));
	CHECK(seen->attach.op == IOMMUFD_POLICY_OP_ATTACH_ACCESS);
	id = seen->attach.dev_id;
	/* It is an object, and not one to be destroyed by user space. */
	CHECK(id && id != ioas && id != other);
	CHECK(object_destroy(iommu, id) == -EBUSY);
	CHECK(seen->attach.pt_id == ioas && seen->attach.ioas_id == ioas);
	CHECK(!seen->attach.dev_name[0]);

	CHECK(!access_move(iommu, access, other));
	CHECK(is_asker(&seen->attach.who, context));
	CHECK(seen->attach.op == IOMMUFD_POLICY_OP_REPLACE_ACCESS);
	CHECK(seen->attach.dev_id == id);
	CHECK(seen->attach.pt_id == other && seen->attach.ioas_id == other);
	CHECK(seen->detach.calls == 0);

	strcpy((char *)seen->detach.dev_name, "none");
	CHECK(!close(access));
	CHECK(is_asker(&seen->detach.who, context));
	CHECK(seen->detach.op == IOMMUFD_POLICY_OP_DETACH_ACCESS);
	CHECK(seen->detach.dev_id == id);
	CHECK(seen->detach.ioas_id == other);
	CHECK(!seen->detach.dev_name[0]);
	return 0;
}

static void an_access(void **state)
{
	assert_int_equal(in_child(attach_move_close, NULL), 0);
	assert_policy_counts("answer", "attach_asked=2 detach_told=1");
}

static void each_access_has_an_id(void **state)
{
	int first = access_new(iommu, ioas), second;
	uint64_t id = seen->attach.dev_id;

	second = access_new(iommu, ioas);
	assert_true(first >= 0 && second >= 0);
	assert_int_not_equal(seen->attach.dev_id, id);
	close(first);
	assert_int_equal(seen->detach.dev_id, id);
	close(second);
	assert_int_equal(seen->detach.dev_id, seen->attach.dev_id);
	assert_policy_counts("answer", "attach_asked=2 detach_told=2");
}

static void an_attach_that_is_refused(void **state)
{
	static const int refusals[] = {
		-EPERM, -EACCES, -EDQUOT, -ENOMEM, -ENOSPC, -EBUSY,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		policy.answer->attach_answer = refusals[i];
		assert_int_equal(access_new(iommu, ioas), refusals[i]);
	}
	assert_refused_by(iommu, "answer attach -16");
	/* What was never attached is not detached, and holds nothing. */
	assert_policy_counts("answer", "attach_asked=6 attach_refused=6");
	assert_int_equal(object_destroy(iommu, ioas), 0);
	policy.answer->attach_answer = 77;
	assert_int_equal(access_new(iommu, other), -EPROTO);
	assert_policy_reads("answer", "state", "ejected");
}

static void a_move_that_is_refused_leaves_it_where_it_was(void **state)
{
	int access = access_new(iommu, ioas);
	char data[8];
	int64_t id;

	memory_random(memory, PAGE);
	id = pin(access, 0, 1);
	assert_true(id >= 0);
	policy.answer->attach_answer = -EACCES;
	assert_int_equal(access_move(iommu, access, other), -EACCES);
	assert_int_equal(access_read(iommu, access, BASE, data, 8), 0);
	assert_memory_equal(data, memory, 8);
	assert_int_equal(access_unpin(iommu, access, id), 0);
	assert_int_equal(object_destroy(iommu, other), 0);
	close(access);
	assert_int_equal(seen->detach.ioas_id, ioas);
	assert_policy_counts("answer", "attach_asked=2 attach_refused=1 "
			     "charge_asked=1 detach_told=1 uncharge_told=1");
}

static void nonsense_about_accesses(void **state)
{
	int access = access_new(iommu, ioas);

	assert_int_equal(access_new(iommu, ioas + 100), -ENOENT);
	assert_int_equal(access_move(iommu, access, ioas + 100), -ENOENT);
	assert_int_equal(pin(access, PAGES, 1), -ENOENT);
	assert_policy_counts("answer", "attach_asked=1");
	close(access);
}

static int pin_pages_of_another(void *arg)
{
	int access;
	int64_t id;

	CHECK(!become_asker());
	access = access_new(iommu, ioas);
	CHECK(access >= 0);
	CHECK(seen->charge.calls == 0);
	CHECK(pin(access, 1, 2) >= 0);
	/* Who has mapped it pays, whoever pins it. */
	CHECK(is_root(&seen->charge.who, context));
	CHECK(seen->charge.op == IOMMUFD_POLICY_OP_ACCESS_PIN);
	CHECK(seen->charge.ioas_id == ioas);
	CHECK(seen->charge.pages == 2 && seen->charge.asked == 2);
	CHECK(seen->charge.pinned == 0);

	id = pin(access, 0, 4);
	CHECK(id >= 0);
	CHECK(seen->charge.calls == 2);
	CHECK(seen->charge.pages == 2 && seen->charge.asked == 4);
	CHECK(seen->charge.pinned == 2);
	CHECK(pin(access, 1, 3) >= 0);
	CHECK(seen->charge.calls == 2 && seen->balance == 4);

	CHECK(!access_unpin(iommu, access, id));
	CHECK(is_root(&seen->uncharge.who, context));
	CHECK(seen->uncharge.calls == 1 && seen->uncharge.pages == 1);
	CHECK(!close(access));
	CHECK(seen->balance == 0);
	return 0;
}

static void pins_are_charged_to_who_has_mapped(void **state)
{
	assert_int_equal(in_child(pin_pages_of_another, NULL), 0);
	assert_int_equal(policy_number("answer", "charge_asked"), 2);
	assert_int_equal(policy_number("answer", "paid"), 0);
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), 0);
}

static void a_pin_that_nobody_pays_for(void **state)
{
	int access = access_new(iommu, ioas);

	policy.answer->charge_answer = -EDQUOT;
	assert_int_equal(pin(access, 0, 4), -EDQUOT);
	assert_refused_by(iommu, "answer charge -122");
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), 0);
	policy.answer->charge_answer = IOMMUFD_POLICY_PAY;
	assert_true(pin(access, 0, 4) >= 0);
	assert_policy_counts("answer", "attach_asked=1 charge_asked=2 "
			     "charge_refused=1");
	close(access);
}

static void an_unmap_gives_pins_back(void **state)
{
	int access = access_new(iommu, ioas);

	assert_true(pin(access, 2, 3) >= 0);
	assert_int_equal(seen->balance, 3);
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	assert_int_equal(seen->uncharge.pages, 3);
	assert_int_equal(seen->balance, 0);
	assert_policy_counts("answer", "attach_asked=1 charge_asked=1 "
			     "uncharge_told=1 unmap_told=1");
	close(access);
}

static void a_mock_device_is_a_device(void **state)
{
	assert_true(mock_device_new(iommu, ioas) > 0);
	assert_int_equal(seen->attach.op, IOMMUFD_POLICY_OP_ATTACH_DEVICE);
	assert_int_equal(seen->attach.pt_id, ioas);
	assert_int_equal(seen->attach.ioas_id, ioas);
	assert_int_not_equal(seen->attach.dev_name[0], '\0');
	assert_int_equal(seen->charge.op, IOMMUFD_POLICY_OP_FILL_DOMAIN);
	assert_int_equal(seen->charge.pages, PAGES);
	assert_policy_counts("answer", "attach_asked=1 charge_asked=1");
}

#define TEST(_test) cmocka_unit_test_setup_teardown(_test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(an_access),
		TEST(each_access_has_an_id),
		TEST(an_attach_that_is_refused),
		TEST(a_move_that_is_refused_leaves_it_where_it_was),
		TEST(nonsense_about_accesses),
		TEST(pins_are_charged_to_who_has_mapped),
		TEST(a_pin_that_nobody_pays_for),
		TEST(an_unmap_gives_pins_back),
		TEST(a_mock_device_is_a_device),
	};

	return run_tap(tests, NULL, NULL);
}

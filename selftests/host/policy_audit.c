// SPDX-License-Identifier: GPL-2.0-only
/* bpf/audit.bpf.c: what it writes, of which request. */
#include "policy.h"

/* What the policy reads of the kernel's */
struct task_struct {
	int tgid;
	struct task_struct *group_leader;
	char comm[16];
};

#include "audit.bpf.c"

#define TGID 300

static const struct iommufd_policy_who who = {
	.ctx_id = 7,
	.cgroup_id = 42,
	.uid = 1000,
	.tgid = TGID,
};

static struct task_struct leader = { .tgid = TGID, .comm = "vmm" };
static struct task_struct thread = {
	.tgid = TGID,
	.group_leader = &leader,
	.comm = "vmm-io-thread",
};

static int reset(void **state)
{
	policy_test_set(maps, true);
	policy_test_set(attaches, true);
	policy_test_set(addresses, true);
	policy_test_set(charges, true);
	policy_test_set(min_pages, 0);
	policy_test.task = &thread;
	policy_test.now = 5000;
	thread.tgid = TGID;
	last_seq = 0;
	return 0;
}

/* The only event since the last one that was looked at */
static const struct iommufd_audit_event *written(u32 hook)
{
	const struct iommufd_audit_event *event = policy_test.output;

	assert_int_equal(policy_test.outputs, 1);
	assert_int_equal(policy_test.output_size, sizeof(*event));
	assert_int_equal(event->hook, hook);
	assert_int_equal(event->time, 5000);
	assert_int_equal(event->ctx_id, 7);
	assert_int_equal(event->cgroup_id, 42);
	assert_int_equal(event->uid, 1000);
	assert_int_equal(event->tgid, TGID);
	policy_test.outputs = 0;
	return event;
}

static void map(u64 pages)
{
	const struct iommufd_policy_map_request req = {
		.who = who,
		.op = IOMMUFD_POLICY_OP_IOAS_MAP,
		.ioas_id = 3,
		.iova = 0x10000,
		.length = pages * PAGE,
		.uptr = 0x7f0000000000,
		.pages = pages,
		.prot = IOMMUFD_POLICY_PROT_READ,
		.mem = IOMMUFD_POLICY_MEM_ANON,
	};

	assert_int_equal(audit.map(&req), 0);
}

static void unmap(u64 pages)
{
	const struct iommufd_policy_unmap_request req = {
		.who = who,
		.op = IOMMUFD_POLICY_OP_IOAS_UNMAP,
		.ioas_id = 3,
		.iova = 0x10000,
		.length = UINT64_MAX,
		.unmapped = pages * PAGE,
	};

	audit.unmap(&req);
}

static void attach(void)
{
	const struct iommufd_policy_attach_request req = {
		.who = who,
		.op = IOMMUFD_POLICY_OP_ATTACH_DEVICE,
		.ioas_id = 3,
		.dev_id = 9,
		.dev_name = "0000:3a:00.1",
	};

	assert_int_equal(audit.attach(&req), 0);
}

static void detach(void)
{
	const struct iommufd_policy_detach_request req = {
		.who = who,
		.op = IOMMUFD_POLICY_OP_DETACH_DEVICE,
		.ioas_id = 3,
		.dev_id = 9,
		.dev_name = "0000:3a:00.1",
	};

	audit.detach(&req);
}

static void choose(void)
{
	const struct iommufd_policy_iova_request req = {
		.who = who,
		.op = IOMMUFD_POLICY_OP_IOAS_MAP,
		.ioas_id = 3,
		.length = PAGE,
		.uptr = 0x7f0000000000,
	};

	assert_int_equal(audit.iova_alloc(&req), 0);
}

static void charge(u64 pages)
{
	const struct iommufd_policy_charge_request req = {
		.who = who,
		.op = IOMMUFD_POLICY_OP_IOAS_MAP,
		.ioas_id = 3,
		.pages = pages,
	};

	assert_int_equal(audit.charge(&req), IOMMUFD_POLICY_DECLINE);
}

static void all(void)
{
	map(1);
	unmap(1);
	attach();
	detach();
	choose();
	charge(1);
}

static void maps_are_written(void **state)
{
	const struct iommufd_audit_event *event;

	map(5);
	event = written(IOMMUFD_AUDIT_MAP);
	assert_int_equal(event->op, IOMMUFD_POLICY_OP_IOAS_MAP);
	assert_int_equal(event->ioas_id, 3);
	assert_int_equal(event->iova, 0x10000);
	assert_int_equal(event->length, 5 * PAGE);
	assert_int_equal(event->uptr, 0x7f0000000000);
	assert_int_equal(event->pages, 5);
	assert_int_equal(event->prot, IOMMUFD_POLICY_PROT_READ);
	assert_int_equal(event->mem, IOMMUFD_POLICY_MEM_ANON);

	unmap(5);
	event = written(IOMMUFD_AUDIT_UNMAP);
	assert_int_equal(event->op, IOMMUFD_POLICY_OP_IOAS_UNMAP);
	assert_int_equal(event->iova, 0x10000);
	/* Not what was asked for, which may be everything */
	assert_int_equal(event->length, 5 * PAGE);
	assert_int_equal(event->uptr, 0);
}

static void attaches_are_written(void **state)
{
	const struct iommufd_audit_event *event;

	attach();
	event = written(IOMMUFD_AUDIT_ATTACH);
	assert_int_equal(event->op, IOMMUFD_POLICY_OP_ATTACH_DEVICE);
	assert_int_equal(event->dev_id, 9);
	assert_string_equal(event->dev_name, "0000:3a:00.1");
	detach();
	event = written(IOMMUFD_AUDIT_DETACH);
	assert_int_equal(event->op, IOMMUFD_POLICY_OP_DETACH_DEVICE);
	assert_string_equal(event->dev_name, "0000:3a:00.1");
}

static void addresses_and_charges_are_written(void **state)
{
	const struct iommufd_audit_event *event;

	choose();
	event = written(IOMMUFD_AUDIT_IOVA_ALLOC);
	assert_int_equal(event->length, PAGE);
	assert_int_equal(event->iova, 0);
	charge(8);
	event = written(IOMMUFD_AUDIT_CHARGE);
	assert_int_equal(event->pages, 8);
}

static void each_parameter_switches_its_own_off(void **state)
{
	all();
	assert_int_equal(policy_test.outputs, 6);
	policy_test_set(maps, false);
	all();
	assert_int_equal(policy_test.outputs, 6 + 4);
	policy_test_set(attaches, false);
	all();
	assert_int_equal(policy_test.outputs, 10 + 2);
	policy_test_set(addresses, false);
	all();
	assert_int_equal(policy_test.outputs, 12 + 1);
	policy_test_set(charges, false);
	all();
	assert_int_equal(policy_test.outputs, 13);
}

static void few_pages_are_not_written(void **state)
{
	policy_test_set(min_pages, 4);
	map(3);
	unmap(3);
	charge(3);
	assert_int_equal(policy_test.outputs, 0);
	map(4);
	unmap(4);
	charge(4);
	assert_int_equal(policy_test.outputs, 3);
	attach();
	choose();
	assert_int_equal(policy_test.outputs, 5);
}

/* Who pays for a context may not be who asks. */
static void the_name_is_of_the_process_that_asks(void **state)
{
	map(1);
	assert_string_equal(written(IOMMUFD_AUDIT_MAP)->comm, "vmm");
	thread.tgid = TGID + 1;
	map(1);
	assert_string_equal(written(IOMMUFD_AUDIT_MAP)->comm, "");
}

static void numbers_tell_what_was_lost(void **state)
{
	map(1);
	assert_int_equal(written(IOMMUFD_AUDIT_MAP)->seq, 1);
	policy_test.ring_full = true;
	all();
	assert_int_equal(policy_test.outputs, 0);
	policy_test.ring_full = false;
	map(1);
	assert_int_equal(written(IOMMUFD_AUDIT_MAP)->seq, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(maps_are_written),
		TEST(attaches_are_written),
		TEST(addresses_and_charges_are_written),
		TEST(each_parameter_switches_its_own_off),
		TEST(few_pages_are_not_written),
		TEST(the_name_is_of_the_process_that_asks),
		TEST(numbers_tell_what_was_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* bpf/map_guard.bpf.c: each of its rules. */
#include "policy.h"

#include "map_guard.bpf.c"

#define R IOMMUFD_POLICY_PROT_READ
#define RW (IOMMUFD_POLICY_PROT_READ | IOMMUFD_POLICY_PROT_WRITE)

static int reset(void **state)
{
	policy_test_set(max_mapping_mib, 0);
	policy_test_set(max_mappings, 0);
	policy_test_set(allowed_kinds, IOMMUFD_POLICY_MEM_ALL);
	policy_test_set(deny_writable_file, true);
	policy_test_set(deny_writable_shmem, false);
	policy_test_set(peers_only_listed, false);
	policy_test_set(peer_1, 0);
	policy_test_set(peer_2, 0);
	policy_test_set(peer_3, 0);
	policy_test_set(peer_4, 0);
	return 0;
}

static int map(u64 length, u32 prot, u32 mem)
{
	const struct iommufd_policy_map_request req = {
		.who.ctx_id = 7,
		.op = IOMMUFD_POLICY_OP_IOAS_MAP,
		.ioas_id = 1,
		.length = length,
		.prot = prot,
		.mem = mem,
	};

	return map_guard.map(&req);
}

static int copy(u32 from, u32 to)
{
	const struct iommufd_policy_map_request req = {
		.who.ctx_id = 7,
		.op = IOMMUFD_POLICY_OP_IOAS_COPY,
		.ioas_id = to,
		.src_ioas_id = from,
		.length = PAGE,
		.prot = RW,
		.mem = IOMMUFD_POLICY_MEM_ALL,
	};

	return map_guard.map(&req);
}

static int attach(u32 ioas_id, const char *name)
{
	struct iommufd_policy_attach_request req = {
		.who.ctx_id = 7,
		.op = IOMMUFD_POLICY_OP_ATTACH_DEVICE,
		.ioas_id = ioas_id,
	};

	memcpy(req.dev_name, name, strnlen(name, sizeof(req.dev_name)));
	return map_guard.attach(&req);
}

static void unmap(u32 ioas_id, u32 op)
{
	const struct iommufd_policy_unmap_request req = {
		.who.ctx_id = 7,
		.op = op,
		.ioas_id = ioas_id,
		.length = UINT64_MAX,
	};

	map_guard.unmap(&req);
}

static void the_size_of_a_mapping(void **state)
{
	assert_int_equal(map(UINT64_MAX, RW, IOMMUFD_POLICY_MEM_ANON), 0);
	policy_test_set(max_mapping_mib, 2);
	assert_int_equal(map(2 * MIB, RW, IOMMUFD_POLICY_MEM_ANON), 0);
	assert_int_equal(map(2 * MIB + 1, RW, IOMMUFD_POLICY_MEM_ANON),
			 -EDQUOT);
	policy_test_set(max_mapping_mib, UINT64_MAX);
	assert_int_equal(map(UINT64_MAX, RW, IOMMUFD_POLICY_MEM_ANON), 0);
}

static void the_number_of_mappings_of_a_context(void **state)
{
	policy_test.nr_ioases = 2;
	policy_test.ioases[0].areas = 3;
	policy_test.ioases[1].areas = 4;
	assert_int_equal(map(PAGE, RW, IOMMUFD_POLICY_MEM_ANON), 0);
	/* Nor are they counted for nothing. */
	assert_int_equal(policy_test.asked_about, 0);
	policy_test_set(max_mappings, 7);
	assert_int_equal(map(PAGE, RW, IOMMUFD_POLICY_MEM_ANON), -EDQUOT);
	assert_int_equal(policy_test.asked_about, 7);
	assert_int_equal(copy(1, 2), -EDQUOT);
	policy_test.ioases[1].areas = 3;
	assert_int_equal(map(PAGE, RW, IOMMUFD_POLICY_MEM_ANON), 0);
	assert_int_equal(copy(1, 2), 0);
}

static void kinds_of_memory(void **state)
{
	const u32 both = IOMMUFD_POLICY_MEM_ANON | IOMMUFD_POLICY_MEM_HUGETLB;
	u32 kind;

	policy_test_set(allowed_kinds, both);
	for (kind = 1; kind < IOMMUFD_POLICY_MEM_ALL; kind <<= 1)
		assert_int_equal(map(PAGE, R, kind), kind & both ? 0 : -EACCES);
	assert_int_equal(map(PAGE, R, both), 0);
	assert_int_equal(map(PAGE, R, both | IOMMUFD_POLICY_MEM_SHMEM),
			 -EACCES);
	/* Of what is mapped already */
	assert_int_equal(copy(1, 2), 0);
}

static void writing_to_files(void **state)
{
	const u32 mixed = IOMMUFD_POLICY_MEM_ANON | IOMMUFD_POLICY_MEM_FILE;

	assert_int_equal(map(PAGE, RW, IOMMUFD_POLICY_MEM_FILE), -EACCES);
	assert_int_equal(map(PAGE, RW, mixed), -EACCES);
	assert_int_equal(map(PAGE, R, IOMMUFD_POLICY_MEM_FILE), 0);
	assert_int_equal(map(PAGE, RW, IOMMUFD_POLICY_MEM_SHMEM), 0);
	policy_test_set(deny_writable_file, false);
	assert_int_equal(map(PAGE, RW, IOMMUFD_POLICY_MEM_FILE), 0);
	policy_test_set(deny_writable_shmem, true);
	assert_int_equal(map(PAGE, RW, IOMMUFD_POLICY_MEM_SHMEM), -EACCES);
	assert_int_equal(map(PAGE, R, IOMMUFD_POLICY_MEM_SHMEM), 0);
	assert_int_equal(map(PAGE, RW, IOMMUFD_POLICY_MEM_HUGETLB), 0);
}

static void without_the_rule_any_device_may_be_a_peer(void **state)
{
	assert_int_equal(map(PAGE, RW, IOMMUFD_POLICY_MEM_PFNMAP), 0);
	assert_int_equal(attach(1, "0000:00:03.0"), 0);
	assert_int_equal(map(PAGE, RW, IOMMUFD_POLICY_MEM_PFNMAP), 0);
}

static void a_listed_device_may_reach_memory_of_others(void **state)
{
	policy_test_set(peers_only_listed, true);
	policy_test_set(peer_3, 0x00003a0f1);
	assert_int_equal(attach(1, "0000:3a:0f.1"), 0);
	assert_int_equal(map(PAGE, RW, IOMMUFD_POLICY_MEM_PFNMAP), 0);
	assert_int_equal(attach(1, "0000:3a:0f.1"), 0);
	assert_int_equal(attach(1, "0000:3a:0f.2"), -EACCES);
	/* What has failed makes no difference. */
	assert_int_equal(map(PAGE, RW, IOMMUFD_POLICY_MEM_PFNMAP), 0);
}

static void others_may_not(void **state)
{
	static const char *const names[] = {
		"0000:00:03.0", "0001:3a:0f.1", "", "3a0f1-x",
		"83b8f4f2-509f-382f-3c1e-e6bfe0fa1001",
	};
	size_t i;

	policy_test_set(peers_only_listed, true);
	policy_test_set(peer_1, 0x00003a0f1);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		policy_test_reset();
		assert_int_equal(attach(1, names[i]), 0);
		assert_int_equal(map(PAGE, RW, IOMMUFD_POLICY_MEM_ANON), 0);
		assert_int_equal(map(PAGE, R, IOMMUFD_POLICY_MEM_PFNMAP),
				 -EACCES);
		assert_int_equal(attach(1, "0000:3a:0f.1"), 0);
	}
}

static void whatever_came_first(void **state)
{
	policy_test_set(peers_only_listed, true);
	assert_int_equal(map(PAGE, RW, IOMMUFD_POLICY_MEM_PFNMAP |
			     IOMMUFD_POLICY_MEM_ANON), 0);
	assert_int_equal(attach(1, "0000:00:03.0"), -EACCES);
	assert_int_equal(attach(2, "0000:00:03.0"), 0);
	/* A copy is what it is a copy of. */
	assert_int_equal(copy(1, 2), -EACCES);
	assert_int_equal(copy(2, 1), 0);
	assert_int_equal(copy(1, 3), 0);
	assert_int_equal(attach(3, "0000:00:03.0"), -EACCES);
	assert_int_equal(copy(3, 2), -EACCES);
}

static void as_long_as_the_ioas_is_there(void **state)
{
	policy_test_set(peers_only_listed, true);
	assert_int_equal(map(PAGE, RW, IOMMUFD_POLICY_MEM_PFNMAP), 0);
	unmap(1, IOMMUFD_POLICY_OP_IOAS_UNMAP);
	assert_int_equal(attach(1, "0000:00:03.0"), -EACCES);
	unmap(2, IOMMUFD_POLICY_OP_IOAS_DESTROY);
	assert_int_equal(attach(1, "0000:00:03.0"), -EACCES);
	unmap(1, IOMMUFD_POLICY_OP_IOAS_DESTROY);
	assert_int_equal(attach(1, "0000:00:03.0"), 0);
}

static void what_cannot_be_written_down_is_refused(void **state)
{
	policy_test_set(peers_only_listed, true);
	policy_test.maps_full = true;
	assert_int_equal(map(PAGE, RW, IOMMUFD_POLICY_MEM_PFNMAP), -ENOMEM);
	assert_int_equal(attach(1, "0000:00:03.0"), -ENOMEM);
	assert_int_equal(map(PAGE, RW, IOMMUFD_POLICY_MEM_ANON), 0);
}

static void it_asks_for_the_kind_of_memory(void **state)
{
	assert_int_equal(map_guard.flags, IOMMUFD_POLICY_F_MEM_KIND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_size_of_a_mapping),
		TEST(the_number_of_mappings_of_a_context),
		TEST(kinds_of_memory),
		TEST(writing_to_files),
		TEST(without_the_rule_any_device_may_be_a_peer),
		TEST(a_listed_device_may_reach_memory_of_others),
		TEST(others_may_not),
		TEST(whatever_came_first),
		TEST(as_long_as_the_ioas_is_there),
		TEST(what_cannot_be_written_down_is_refused),
		TEST(it_asks_for_the_kind_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

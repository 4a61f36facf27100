// SPDX-License-Identifier: GPL-2.0-only
/* lab: boot=own parallel=yes smp=2 timeout=600 */
/* Policies take each other's place under load, and none misses anything. */
#include <bpf/bpf.h>
#include <pthread.h>
#include <stdatomic.h>

#include "lib/policy.h"
#include "bpf/swap.h"

#define SWAPS 1000

static struct policy policy, next;
static volatile struct swap *of_policy, *of_next;
static volatile struct swap_slot *slots;
static size_t slots_size;
static int iommu;
static uint32_t ioas;
static struct edu edu;
static char *memory;
static atomic_bool stop;

/* What each of the two threads has done, at each of its addresses */
static unsigned long long done[SWAP_THREADS][SWAP_SLOTS];

static volatile struct swap *prepare(struct policy *p, const struct policy *as)
{
	struct bpf_map *map;
	size_t size;
	void *value;

	policy_open_object(p, "swap", "swap");
	map = bpf_object__find_map_by_name(p->object, "slots");
	if (as)
		assert_int_equal(bpf_map__reuse_fd(map, bpf_map__fd(
			bpf_object__find_map_by_name(as->object, "slots"))), 0);
	if (bpf_object__load(p->object))
		fail_msg("%s", verifier_log);
	value = bpf_map__initial_value(
		bpf_object__find_map_by_name(p->object, ".bss"), &size);
	assert_true(size >= sizeof(struct swap));
	return value;
}

static int setup(void **state)
{
	struct bpf_map *map;

	of_policy = prepare(&policy, NULL);
	of_next = prepare(&next, &policy);
	map = bpf_object__find_map_by_name(policy.object, "slots");
	slots_size = SWAP_THREADS * SWAP_SLOTS * sizeof(*slots);
	slots = mmap(NULL, slots_size, PROT_READ, MAP_SHARED, bpf_map__fd(map),
		     0);
	assert_ptr_not_equal(slots, MAP_FAILED);

	iommu = context_open();
	ioas = ioas_new(iommu);
	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	memory = memory_new(SWAP_THREADS * PAGE);
	memset(done, 0, sizeof(done));
	stop = false;
	return 0;
}

static int teardown(void **state)
{
	policy_stop(&policy);
	policy_stop(&next);
	edu_close(&edu);
	munmap(memory, SWAP_THREADS * PAGE);
	munmap((void *)slots, slots_size);
	return close(iommu);
}

/* A page of its own, which nothing else has pinned */
static void *map_and_unmap(void *arg)
{
	const uintptr_t nr = (uintptr_t)arg;
	unsigned int slot;
	uint64_t iova;
	int err = 0;

	for (slot = 0; !stop && !err; slot = (slot + 1) % SWAP_SLOTS) {
		iova = SWAP_BASE + (nr * SWAP_SLOTS + slot) * SWAP_PAGE;
		err = ioas_map_at(iommu, ioas, memory + nr * PAGE, PAGE, RW,
				  iova);
		if (!err)
			err = ioas_unmap(iommu, ioas, iova, PAGE, NULL);
		if (!err)
			done[nr][slot]++;
	}
	return (void *)(intptr_t)err;
}

static unsigned long long sum_done(unsigned int nr)
{
	unsigned long long sum = 0;
	unsigned int slot;

	for (slot = 0; slot < SWAP_SLOTS; slot++)
		sum += done[nr][slot];
	return sum;
}

static void assert_each_request_was_seen_once(void)
{
	unsigned int nr, slot;

	for (nr = 0; nr < SWAP_THREADS; nr++) {
		for (slot = 0; slot < SWAP_SLOTS; slot++) {
			volatile struct swap_slot *seen =
				&slots[nr * SWAP_SLOTS + slot];

			assert_int_equal(seen->maps, done[nr][slot]);
			assert_int_equal(seen->unmaps, done[nr][slot]);
		}
	}
	assert_int_equal(of_policy->wrong + of_next->wrong, 0);
}

static void no_request_sees_no_policy_or_two(void **state)
{
	struct policy *both[] = { &policy, &next };
	pthread_t threads[SWAP_THREADS];
	unsigned long long all = 0;
	void *result;
	uintptr_t i;
	int err = 0;

	assert_int_equal(policy_attach(&policy), 0);
	for (i = 0; i < SWAP_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						map_and_unmap, (void *)i), 0);
	for (i = 0; i < SWAPS && !err; i++)
		err = policy_replace(&policy, both[!(i % 2)]);
	stop = true;
	for (i = 0; i < SWAP_THREADS; i++) {
		pthread_join(threads[i], &result);
		assert_int_equal((intptr_t)result, 0);
		print_message("# thread %lu: %llu requests\n", i, sum_done(i));
		/* It has run all the time. */
		assert_true(sum_done(i) > SWAPS / 10);
		all += sum_done(i);
	}
	assert_int_equal(err, 0);

	assert_each_request_was_seen_once();
	assert_int_equal(policy_number("swap", "map_asked"), all);
	assert_int_equal(policy_number("swap", "unmap_told"), all);
	assert_int_equal(policy_number("swap", "map_refused"), 0);

	/* Either may have been told of what the other has paid for. */
	assert_true(of_policy->charges && of_next->charges);
	assert_int_equal(of_policy->charges + of_next->charges, all);
	assert_int_equal(of_policy->uncharges + of_next->uncharges, all);
	assert_int_equal(of_policy->balance + of_next->balance, 0);
	assert_int_equal(policy_number("swap", "paid"), 0);
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:\t"), 0);
	assert_int_equal(pinned_pages(0), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(no_request_sees_no_policy_or_two),
	};

	return run_tap(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Policies that choose IO addresses: bpf/place.bpf.c */
#include "lib/place.h"

static void *value_of(struct policy *policy, const char *map, size_t least)
{
	void *value;
	size_t size;

	value = bpf_map__initial_value(
		bpf_object__find_map_by_name(policy->object, map), &size);
	assert_non_null(value);
	assert_true(size >= least);
	return value;
}

volatile struct place *place_open(struct policy *policy, const char *name,
				  const char *hook, struct place_window window)
{
	policy_open_object(policy, "place", name);
	policy->ops->iova_alloc = policy_program(policy, hook);
	*(struct place_window *)value_of(policy, ".rodata", sizeof(window)) =
		window;
	return value_of(policy, ".bss", sizeof(struct place));
}

volatile struct place *place_start(struct policy *policy, const char *name,
				   const char *hook,
				   struct place_window window)
{
	volatile struct place *place = place_open(policy, name, hook, window);

	assert_int_equal(policy_load(policy), 0);
	assert_int_equal(policy_attach(policy), 0);
	return place;
}

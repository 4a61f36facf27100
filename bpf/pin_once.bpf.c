// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * pin_once - memory is paid for once, by the cgroup whose memory it is
 *
 * RLIMIT_MEMLOCK counts a page each time it is mapped anew: in two IOASes, by two
 * contexts, by VFIO and by vDPA. The memory controller counts it once, when it is
 * touched first, and for as long as it is pinned, by whomever and however often.
 * So a process in a cgroup with a memory.max, its own or one above it, may pin
 * what it likes: it cannot pin more than it can have, and no page of it counts
 * against RLIMIT_MEMLOCK.
 *
 * A process without such a limit, or with one of more than max_limit_mib, is left
 * to RLIMIT_MEMLOCK; or with require_limit refused, with EPERM.
 *
 * Pages without a memory controller, those of devices, are nobody's memory and
 * cost nothing here either.
 */
#include <iommufd_policy.bpf.h>

/* A memory.max above this is as good as none; 0: any is good */
const volatile u64 max_limit_mib = 0;
const volatile bool require_limit = false;

/* Cgroups above each other that are looked at; what is not is no limit */
#define MAX_DEPTH 32
#define NO_LIMIT (~0ULL)
/* memory.max reads "max": as many pages as a long can have bytes of */
#define PAGES_OF_MAX (~0UL >> 1 >> 12)

extern struct cgroup *bpf_cgroup_from_id(u64 id) __ksym;
extern void bpf_cgroup_release(struct cgroup *cgroup) __ksym;

/* In pages; of this cgroup alone */
static u64 own_limit(struct cgroup *cgroup)
{
	const u64 controller = bpf_core_enum_value(enum cgroup_subsys_id,
						   memory_cgrp_id);
	struct cgroup_subsys_state *state = NULL;
	struct mem_cgroup *memory;
	u64 limit;

	bpf_core_read(&state, sizeof(state), &cgroup->subsys[controller]);
	if (!state)
		return NO_LIMIT;
	memory = container_of(state, struct mem_cgroup, css);
	limit = BPF_CORE_READ(memory, memory.max);
	return limit < PAGES_OF_MAX ? limit : NO_LIMIT;
}

/* In pages; of a cgroup and those above it the lowest */
static u64 lowest_limit(u64 cgroup_id)
{
	struct cgroup *first = bpf_cgroup_from_id(cgroup_id), *cgroup = first;
	u64 limit, lowest = NO_LIMIT;
	int i;

	if (!first)
		return NO_LIMIT;
	for (i = 0; i < MAX_DEPTH && cgroup; i++) {
		limit = own_limit(cgroup);
		if (limit < lowest)
			lowest = limit;
		cgroup = BPF_CORE_READ(cgroup, self.parent, cgroup);
	}
	bpf_cgroup_release(first);
	return lowest;
}

static bool is_limit(u64 pages)
{
	if (pages == NO_LIMIT)
		return false;
	return !max_limit_mib || !pages || (pages - 1) >> 8 < max_limit_mib;
}

SEC("struct_ops")
int BPF_PROG(pin_once_charge, const struct iommufd_policy_charge_request *req)
{
	if (is_limit(lowest_limit(req->who.cgroup_id)))
		return IOMMUFD_POLICY_PAY;
	return require_limit ? -EPERM : IOMMUFD_POLICY_DECLINE;
}

IOMMUFD_POLICY(pin_once,
	       .charge = (void *)pin_once_charge,
	       .flags = IOMMUFD_POLICY_F_EXCEED_RLIMIT);

char _license[] SEC("license") = "Dual BSD/GPL";

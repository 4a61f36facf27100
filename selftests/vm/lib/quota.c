// SPDX-License-Identifier: GPL-2.0-only
/* What user space does with bpf/quota.bpf.c */
#include <bpf/bpf.h>

#include "lib/cgroup.h"
#include "lib/quota.h"

static int map_fd(const struct policy *policy, const char *name)
{
	return bpf_object__find_map_fd_by_name(policy->object, name);
}

static void take_map(struct policy *policy, const struct policy *from,
		     const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(policy->object,
							   name);

	assert_int_equal(bpf_map__reuse_fd(map, map_fd(from, name)), 0);
}

void quota_open(struct policy *policy, const struct policy *predecessor)
{
	policy_open_object(policy, "quota", "quota");
	if (predecessor) {
		take_map(policy, predecessor, "quotas");
		take_map(policy, predecessor, "used");
	}
}

void quota_set(const struct policy *policy, const char *cgroup,
	       unsigned long pages)
{
	const __u64 id = cgroup_id(cgroup), quota = pages;

	assert_int_equal(bpf_map_update_elem(map_fd(policy, "quotas"), &id,
					     &quota, BPF_ANY), 0);
}

unsigned long quota_used(const struct policy *policy, const char *cgroup)
{
	const __u64 id = cgroup_id(cgroup);
	__u64 pages = 0;
	int err = bpf_map_lookup_elem(map_fd(policy, "used"), &id, &pages);

	assert_true(!err || err == -ENOENT);
	return pages;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * quota - how many pages the processes of a cgroup may have pinned
 *
 * A cgroup without a quota is left to the built-in accounting. Quotas can be
 * given, changed and taken away while the policy runs: that takes nothing from
 * anybody, but what is asked for from then on is measured by it.
 *
 * A policy that replaces this one goes on where it was if it is loaded with its
 * maps.
 */
#include <iommufd_policy.bpf.h>

/* Of each cgroup, by id: pages it may have pinned; for user space to write */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, u64);
} quotas SEC(".maps");

/* And pages it has pinned; for user space to read */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, u64);
} used SEC(".maps");

static u64 *used_by(u64 cgroup_id)
{
	u64 *pages = bpf_map_lookup_elem(&used, &cgroup_id), none = 0;

	if (pages)
		return pages;
	/* If another CPU is faster, that is as good. */
	bpf_map_update_elem(&used, &cgroup_id, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&used, &cgroup_id);
}

SEC("struct_ops")
int BPF_PROG(quota_charge, const struct iommufd_policy_charge_request *req)
{
	u64 cgroup_id = req->who.cgroup_id, *quota, *pages;

	quota = bpf_map_lookup_elem(&quotas, &cgroup_id);
	if (!quota)
		return IOMMUFD_POLICY_DECLINE;
	pages = used_by(cgroup_id);
	if (!pages)
		return -ENOMEM;
	/* Two at the same time may both be refused what one could have had. */
	if (__sync_fetch_and_add(pages, req->pages) + req->pages <= *quota)
		return IOMMUFD_POLICY_PAY;
	__sync_fetch_and_sub(pages, req->pages);
	return -EDQUOT;
}

SEC("struct_ops")
void BPF_PROG(quota_uncharge, const struct iommufd_policy_uncharge_request *req)
{
	u64 cgroup_id = req->who.cgroup_id, *pages;

	pages = bpf_map_lookup_elem(&used, &cgroup_id);
	if (pages)
		__sync_fetch_and_sub(pages, req->pages);
}

IOMMUFD_POLICY(quota,
	       .charge = (void *)quota_charge,
	       .uncharge = (void *)quota_uncharge);

char _license[] SEC("license") = "GPL";

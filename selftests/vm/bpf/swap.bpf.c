// SPDX-License-Identifier: GPL-2.0-only
/* A policy that pays for all, and counts what it sees address by address. */
#include <iommufd_policy.bpf.h>

#include "swap.h"

struct swap swap;

/* Shared by all that take each other's place */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SWAP_THREADS * SWAP_SLOTS);
	__type(key, u32);
	__type(value, struct swap_slot);
} slots SEC(".maps");

static struct swap_slot *find_slot(u64 iova)
{
	u32 nr = (iova - SWAP_BASE) / SWAP_PAGE;
	struct swap_slot *slot = bpf_map_lookup_elem(&slots, &nr);

	if (!slot)
		__sync_fetch_and_add(&swap.wrong, 1);
	return slot;
}

SEC("struct_ops")
int BPF_PROG(on_map, const struct iommufd_policy_map_request *req)
{
	struct swap_slot *slot = find_slot(req->iova);

	if (slot)
		__sync_fetch_and_add(&slot->maps, 1);
	return 0;
}

SEC("struct_ops")
void BPF_PROG(on_unmap, const struct iommufd_policy_unmap_request *req)
{
	struct swap_slot *slot = find_slot(req->iova);

	if (slot)
		__sync_fetch_and_add(&slot->unmaps, 1);
}

SEC("struct_ops")
int BPF_PROG(on_charge, const struct iommufd_policy_charge_request *req)
{
	__sync_fetch_and_add(&swap.charges, 1);
	__sync_fetch_and_add(&swap.balance, req->pages);
	return IOMMUFD_POLICY_PAY;
}

SEC("struct_ops")
void BPF_PROG(on_uncharge, const struct iommufd_policy_uncharge_request *req)
{
	__sync_fetch_and_add(&swap.uncharges, 1);
	__sync_fetch_and_add(&swap.balance, -req->pages);
}

SEC(".struct_ops.link")
struct iommufd_policy_ops policy = {
	.map = (void *)on_map,
	.unmap = (void *)on_unmap,
	.charge = (void *)on_charge,
	.uncharge = (void *)on_uncharge,
	.name = "swap",
};

char _license[] SEC("license") = "GPL";

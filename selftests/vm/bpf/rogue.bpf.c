// SPDX-License-Identifier: GPL-2.0-only
/* A policy that answers what it is told to, be that in its contract or not. */
#include <iommufd_policy.bpf.h>

const volatile s32 answer = 0;

SEC("struct_ops")
int BPF_PROG(rogue_map, const struct iommufd_policy_map_request *req)
{
	return answer;
}

IOMMUFD_POLICY(rogue, .map = (void *)rogue_map);

char _license[] SEC("license") = "GPL";

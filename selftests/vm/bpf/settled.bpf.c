// SPDX-License-Identifier: GPL-2.0-only
/* A policy with priority and mode compiled in. */
#include <iommufd_policy.bpf.h>

const volatile s32 answer = 0;

SEC("struct_ops")
int BPF_PROG(settled_map, const struct iommufd_policy_map_request *req)
{
	return answer;
}

IOMMUFD_POLICY(settled,
	       .map = (void *)settled_map,
	       .priority = 5,
	       .flags = IOMMUFD_POLICY_F_AUDIT);

char _license[] SEC("license") = "GPL";

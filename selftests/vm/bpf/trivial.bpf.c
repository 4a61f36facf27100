// SPDX-License-Identifier: GPL-2.0-only
/* Policies that do nothing, to see what asking them costs. */
#include <iommufd_policy.bpf.h>

SEC("struct_ops")
int BPF_PROG(allow, const struct iommufd_policy_map_request *req)
{
	return 0;
}

IOMMUFD_POLICY(trivial, .map = (void *)allow);

char _license[] SEC("license") = "GPL";

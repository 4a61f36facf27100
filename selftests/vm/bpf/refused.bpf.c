// SPDX-License-Identifier: GPL-2.0-only
/* A policy that the verifier refuses: requests are not its to write. */
#include <iommufd_policy.bpf.h>

SEC("struct_ops")
int BPF_PROG(refused_map, struct iommufd_policy_map_request *req)
{
	req->length = 1;
	return 0;
}

IOMMUFD_POLICY(refused, .map = (void *)refused_map);

char _license[] SEC("license") = "GPL";

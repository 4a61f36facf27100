// SPDX-License-Identifier: GPL-2.0-only
/* A policy that cannot do without a function that no module has. */
#include <iommufd_policy.bpf.h>

extern int iommufd_policy_paint(u64 colour) __ksym;

SEC("struct_ops")
int BPF_PROG(paints, const struct iommufd_policy_map_request *req)
{
	return iommufd_policy_paint(req->iova);
}

IOMMUFD_POLICY(strong, .map = (void *)paints);

char _license[] SEC("license") = "GPL";

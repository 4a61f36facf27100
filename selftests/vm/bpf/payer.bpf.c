// SPDX-License-Identifier: GPL-2.0-only
/* A policy that pays for everything, to see what that costs. */
#include <iommufd_policy.bpf.h>

SEC("struct_ops")
int BPF_PROG(pay, const struct iommufd_policy_charge_request *req)
{
	return IOMMUFD_POLICY_PAY;
}

SEC("struct_ops")
void BPF_PROG(refund, const struct iommufd_policy_uncharge_request *req)
{
}

IOMMUFD_POLICY(payer, .charge = (void *)pay, .uncharge = (void *)refund);

char _license[] SEC("license") = "GPL";

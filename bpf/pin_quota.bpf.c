// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * pin_quota - how much memory may be pinned at the same time
 *
 * Refuses what would go beyond quota_mib, with EDQUOT:
 *  - of all the policy is asked about: loaded for a cgroup, of the processes in
 *    it and below it together, and without a cgroup of all there are;
 *  - with per_user, of each user by himself, whatever cgroups his processes are
 *    in.
 * What is pinned already is never taken away: a quota below it refuses only what
 * is asked for from then on.
 *
 * There are two of it. What pin_quota allows still counts against
 * RLIMIT_MEMLOCK; what pin_quota_alone allows does not: the quota is the limit.
 *
 * Nothing is counted here, for the module does. It has pages in these sums before
 * it asks about them. So of two requests at the same time one sees both: they may
 * both be refused what one could have had, and never get more than the quota
 * together. And whoever replaces this policy, with another quota, finds the sums
 * as they are.
 */
#include <iommufd_policy.bpf.h>

/* In MiB; 0: no limit */
const volatile u64 quota_mib = 0;
const volatile bool per_user = false;

static bool beyond_quota(u64 pages)
{
	/* Not quota_mib << 8, which overflows for a large quota */
	return quota_mib && pages && (pages - 1) >> 8 >= quota_mib;
}

SEC("struct_ops")
int BPF_PROG(pin_quota_charge, const struct iommufd_policy_charge_request *req)
{
	u64 pages = per_user ? iommufd_policy_pinned_by_user(req->who.uid) :
			       req->paid;

	return beyond_quota(pages) ? -EDQUOT : IOMMUFD_POLICY_PAY;
}

IOMMUFD_POLICY(pin_quota,
	       .charge = (void *)pin_quota_charge);

IOMMUFD_POLICY(pin_quota_alone,
	       .charge = (void *)pin_quota_charge,
	       .flags = IOMMUFD_POLICY_F_EXCEED_RLIMIT);

char _license[] SEC("license") = "Dual BSD/GPL";

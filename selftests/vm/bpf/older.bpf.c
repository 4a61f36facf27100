// SPDX-License-Identifier: GPL-2.0-only
/* A policy that was compiled for an older module: see older.sed. */
#include <iommufd_policy.bpf.h>

#include "contract.h"

/* It is another contract indeed. */
_Static_assert(!__builtin_offsetof(struct iommufd_policy_ops, name), "");
_Static_assert(!__builtin_offsetof(struct iommufd_policy_map_request, fixed), "");
_Static_assert(__builtin_offsetof(struct iommufd_policy_who, ctx_id) >
	       __builtin_offsetof(struct iommufd_policy_who, tgid), "");

struct found found;

SEC("struct_ops")
int BPF_PROG(asked, const struct iommufd_policy_map_request *req)
{
	keep_request(&found, req);
	return 0;
}

SEC("struct_ops")
int BPF_PROG(reports, const struct iommufd_policy_attach_request *req)
{
	iommufd_policy_error(&req->who, 5, "from long ago");
	return 0;
}

IOMMUFD_POLICY(older, .map = (void *)asked, .attach = (void *)reports);

char _license[] SEC("license") = "GPL";

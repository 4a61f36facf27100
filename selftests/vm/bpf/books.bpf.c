// SPDX-License-Identifier: GPL-2.0-only
/* Adds up what is pinned and charged, by a walk over all contexts. */
#include <iommufd_policy.bpf.h>

#include "books.h"

struct books books;

SEC("syscall")
int add_up(void *unused)
{
	struct iommufd_policy_context *context;

	books.contexts = 0;
	books.pinned = 0;
	books.charged = 0;
	bpf_for_each(iommufd_context, context) {
		books.contexts++;
		books.pinned += context->pinned;
		books.charged += context->charged;
	}
	books.by_context = iommufd_policy_pinned_by_context(books.ctx_id);
	books.by_user = iommufd_policy_pinned_by_user(books.uid);
	books.by_cgroup = iommufd_policy_pinned_by_cgroup(books.cgroup_id);
	return 0;
}

char _license[] SEC("license") = "GPL";

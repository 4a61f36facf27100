/* SPDX-License-Identifier: GPL-2.0-only */
/* What books.bpf.c finds out, and about whom; types as in answer.h */
#ifndef BOOKS_H
#define BOOKS_H

/**
 * struct books - what programs know of pinned pages
 * @ctx_id: whom @by_context is about; and so on
 * @uid: likewise
 * @cgroup_id: likewise
 * @contexts: how many a walk over all of them finds
 * @pinned: pages pinned through these
 * @charged: pages charged through these
 * @by_context: iommufd_policy_pinned_by_context()
 * @by_user: iommufd_policy_pinned_by_user()
 * @by_cgroup: iommufd_policy_pinned_by_cgroup()
 */
struct books {
	unsigned long long ctx_id;
	unsigned long long uid;
	unsigned long long cgroup_id;
	unsigned long long contexts;
	unsigned long long pinned;
	unsigned long long charged;
	unsigned long long by_context;
	unsigned long long by_user;
	unsigned long long by_cgroup;
};

#endif

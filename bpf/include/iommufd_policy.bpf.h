/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a policy for iommufd.ko includes: the contract and a macro to declare
 * a policy. The smallest one that does something:
 *
 *	#include <iommufd_policy.bpf.h>
 *
 *	SEC("struct_ops")
 *	int BPF_PROG(nobody, const struct iommufd_policy_map_request *req)
 *	{
 *		return req->who.uid ? -EPERM : 0;
 *	}
 *
 *	IOMMUFD_POLICY(root_only, .map = (void *)nobody);
 *
 *	char _license[] SEC("license") = "GPL";
 *
 * A hook that sleeps is put in SEC("struct_ops.s"). No hook argument may be
 * called "ctx": BPF_PROG() uses that name itself.
 *
 * The types are matched with those of the module by name, member by member, so
 * a policy runs on modules with more members than it knows. What the members
 * mean and which answers are allowed is written in iommufd_policy.h.
 */
#ifndef IOMMUFD_POLICY_BPF_H
#define IOMMUFD_POLICY_BPF_H

#if __has_include("vmlinux.h")
#include "vmlinux.h"
#else
#include <linux/bpf/vmlinux.h>
#endif
#include <asm-generic/errno.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)

#include <iommufd_policy.h>

#pragma clang attribute pop

/*
 * IOMMUFD_POLICY(NAME, .hook = (void *)program, ...): a policy called NAME.
 * A name without room for its NUL would compile, and be refused on load.
 */
#define IOMMUFD_POLICY(policy, ...)					\
	_Static_assert(sizeof(#policy) <= IOMMUFD_POLICY_NAME_LEN,	\
		       "policy name is too long");			\
	SEC(".struct_ops.link")						\
	struct iommufd_policy_ops policy = {				\
		.name = #policy,					\
		__VA_ARGS__						\
	}

#endif

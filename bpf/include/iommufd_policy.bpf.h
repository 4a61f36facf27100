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
 * mean and which answers are allowed is written in kmod/policy_abi.h.
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

#define IOMMUFD_POLICY_NAME_LEN 16
#define IOMMUFD_POLICY_MSG_LEN 96

enum iommufd_policy_flags {
	IOMMUFD_POLICY_F_MEM_KIND = 1U << 0,
};

enum iommufd_policy_op {
	IOMMUFD_POLICY_OP_IOAS_MAP = 1,
	IOMMUFD_POLICY_OP_ATTACH_DEVICE,
	IOMMUFD_POLICY_OP_REPLACE_DEVICE,
};

enum iommufd_policy_prot {
	IOMMUFD_POLICY_PROT_READ = 1U << 0,
	IOMMUFD_POLICY_PROT_WRITE = 1U << 1,
};

enum iommufd_policy_mem {
	IOMMUFD_POLICY_MEM_ANON = 1U << 0,
	IOMMUFD_POLICY_MEM_SHMEM = 1U << 1,
	IOMMUFD_POLICY_MEM_HUGETLB = 1U << 2,
	IOMMUFD_POLICY_MEM_FILE = 1U << 3,
	IOMMUFD_POLICY_MEM_PFNMAP = 1U << 4,
	IOMMUFD_POLICY_MEM_NONE = 1U << 5,
};

enum iommufd_policy_exit_kind {
	IOMMUFD_POLICY_EXIT_NONE = 0,
	IOMMUFD_POLICY_EXIT_DETACHED = 1,
	IOMMUFD_POLICY_EXIT_REPLACED = 2,
	IOMMUFD_POLICY_EXIT_OFF = 3,
	IOMMUFD_POLICY_EXIT_ERROR = 64,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)

struct iommufd_policy_who {
	u64 cgroup_id;
	u64 ctx_id;
	u32 uid;
	u32 opener_uid;
	u32 tgid;
};

struct iommufd_policy_map_request {
	struct iommufd_policy_who who;
	u64 iova;
	u64 length;
	u64 uptr;
	u32 op;
	u32 ioas_id;
	u32 prot;
	u32 mem;
	u32 fixed;
};

struct iommufd_policy_attach_request {
	struct iommufd_policy_who who;
	u32 op;
	u32 dev_id;
	u32 pt_id;
	u32 ioas_id;
	char dev_name[32];
};

struct iommufd_policy_init_info {
	u32 api_version;
	u32 replaces;
};

struct iommufd_policy_exit_info {
	u32 kind;
	s32 code;
	char message[IOMMUFD_POLICY_MSG_LEN];
};

struct iommufd_policy_ops {
	int (*map)(const struct iommufd_policy_map_request *req);
	int (*attach)(const struct iommufd_policy_attach_request *req);
	int (*init)(const struct iommufd_policy_init_info *info);
	void (*exit)(const struct iommufd_policy_exit_info *info);
	u64 flags;
	char name[IOMMUFD_POLICY_NAME_LEN];
};

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

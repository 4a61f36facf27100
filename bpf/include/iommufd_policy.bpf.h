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
 * With iommufd_policy_test.h included first, a policy is a plain C program, whose
 * hooks a test can call.
 *
 * The types are matched with those of the module by name, member by member, so
 * a policy runs on modules with more members than it knows. What the members
 * mean and which answers are allowed is written in iommufd_policy.h.
 */
#ifndef IOMMUFD_POLICY_BPF_H
#define IOMMUFD_POLICY_BPF_H

#ifdef IOMMUFD_POLICY_TEST_H
/* All that comes of BPF has a stand-in there. */
#include <iommufd_policy.h>
#else
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
#endif

/*
 * What the module offers; see kmod/policy_kfuncs.c and kmod/policy_iter.c. All
 * weak: where one may be missing, ask bpf_ksym_exists() before it is called. Of
 * enumerators bpf_core_enum_value_exists() tells, of members
 * bpf_core_field_exists().
 */
extern s64
iommufd_policy_find_hole(const struct iommufd_policy_iova_request *req,
			 u64 start, u64 last, u64 align, u32 flags) __ksym __weak;
extern void iommufd_policy_error(const struct iommufd_policy_who *who, s32 code,
				 const char *text__str) __ksym __weak;
extern u64 iommufd_policy_pinned_by_context(u64 ctx_id) __ksym __weak;
extern u64 iommufd_policy_pinned_by_user(u32 uid) __ksym __weak;
extern u64 iommufd_policy_pinned_by_cgroup(u64 id) __ksym __weak;

/*
 * For programs in SEC("syscall"), with bpf_for_each(iommufd_context, it) {}; the
 * IOASes of a context also for hooks that sleep.
 */
extern int
bpf_iter_iommufd_context_new(struct bpf_iter_iommufd_context *it) __ksym __weak;
extern struct iommufd_policy_context *
bpf_iter_iommufd_context_next(struct bpf_iter_iommufd_context *it) __ksym __weak;
extern void
bpf_iter_iommufd_context_destroy(struct bpf_iter_iommufd_context *it) __ksym __weak;

extern int bpf_iter_iommufd_account_new(struct bpf_iter_iommufd_account *it,
					u64 ctx_id) __ksym __weak;
extern struct iommufd_policy_account *
bpf_iter_iommufd_account_next(struct bpf_iter_iommufd_account *it) __ksym __weak;
extern void
bpf_iter_iommufd_account_destroy(struct bpf_iter_iommufd_account *it) __ksym __weak;

extern int bpf_iter_iommufd_ioas_new(struct bpf_iter_iommufd_ioas *it,
				     u64 ctx_id) __ksym __weak;
extern struct iommufd_policy_ioas *
bpf_iter_iommufd_ioas_next(struct bpf_iter_iommufd_ioas *it) __ksym __weak;
extern void
bpf_iter_iommufd_ioas_destroy(struct bpf_iter_iommufd_ioas *it) __ksym __weak;

extern int bpf_iter_iommufd_area_new(struct bpf_iter_iommufd_area *it,
				     u64 ctx_id, u32 ioas_id) __ksym __weak;
extern struct iommufd_policy_area *
bpf_iter_iommufd_area_next(struct bpf_iter_iommufd_area *it) __ksym __weak;
extern void
bpf_iter_iommufd_area_destroy(struct bpf_iter_iommufd_area *it) __ksym __weak;

extern int bpf_iter_iommufd_range_new(struct bpf_iter_iommufd_range *it,
				      u64 ctx_id, u32 ioas_id) __ksym __weak;
extern struct iommufd_policy_range *
bpf_iter_iommufd_range_next(struct bpf_iter_iommufd_range *it) __ksym __weak;
extern void
bpf_iter_iommufd_range_destroy(struct bpf_iter_iommufd_range *it) __ksym __weak;

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

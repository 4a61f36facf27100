// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policies that were compiled for a newer module, see newer.sed: one that looks
 * before it uses anything, and others that each need what is not there yet.
 */
#include <iommufd_policy.bpf.h>

#include "contract.h"

struct found found;

extern int iommufd_policy_paint(u64 colour) __ksym __weak;

#define bit(nr, condition) ((condition) ? 1ULL << (nr) : 0)
#define has(type, value) bpf_core_enum_value_exists(enum type, value)

static u64 known(const struct iommufd_policy_map_request *req)
{
	return bit(0, has(iommufd_policy_flags, IOMMUFD_POLICY_F_AUDIT)) |
	       bit(1, has(iommufd_policy_op, IOMMUFD_POLICY_OP_IOAS_COPY)) |
	       bit(2, has(iommufd_policy_payment, IOMMUFD_POLICY_PAY)) |
	       bit(3, has(iommufd_policy_limit, IOMMUFD_POLICY_LIMIT_NONE)) |
	       bit(4, has(iommufd_policy_hole_flags,
			  IOMMUFD_POLICY_HOLE_HIGHEST)) |
	       bit(5, has(iommufd_policy_prot, IOMMUFD_POLICY_PROT_READ)) |
	       bit(6, has(iommufd_policy_mem, IOMMUFD_POLICY_MEM_FILE)) |
	       bit(7, has(iommufd_policy_exit_kind, IOMMUFD_POLICY_EXIT_OFF)) |
	       bit(8, bpf_core_field_exists(req->fixed)) |
	       bit(9, bpf_core_field_exists(req->who.tgid)) |
	       bit(10, bpf_core_field_exists(struct iommufd_policy_ops, map)) |
	       bit(11, bpf_core_type_exists(
			       struct iommufd_policy_uncharge_request)) |
	       bit(12, bpf_ksym_exists(iommufd_policy_pinned_by_user));
}

static u64 unknown(const struct iommufd_policy_map_request *req)
{
	return bit(0, has(iommufd_policy_flags, IOMMUFD_POLICY_F_NEWER)) |
	       bit(1, has(iommufd_policy_op, IOMMUFD_POLICY_OP_NEWER)) |
	       bit(2, has(iommufd_policy_payment, IOMMUFD_POLICY_NEWER_PAY)) |
	       bit(3, has(iommufd_policy_limit, IOMMUFD_POLICY_LIMIT_NEWER)) |
	       bit(4, has(iommufd_policy_hole_flags,
			  IOMMUFD_POLICY_HOLE_NEWER)) |
	       bit(5, has(iommufd_policy_prot, IOMMUFD_POLICY_PROT_NEWER)) |
	       bit(6, has(iommufd_policy_mem, IOMMUFD_POLICY_MEM_NEWER)) |
	       bit(7, has(iommufd_policy_exit_kind,
			  IOMMUFD_POLICY_EXIT_NEWER)) |
	       bit(8, bpf_core_field_exists(req->colour)) |
	       bit(9, bpf_core_field_exists(req->who.colour)) |
	       bit(10, bpf_core_field_exists(struct iommufd_policy_ops,
					     resize)) |
	       bit(11, bpf_core_type_exists(
			       struct iommufd_policy_resize_request)) |
	       bit(12, bpf_ksym_exists(iommufd_policy_paint));
}

SEC("struct_ops")
int BPF_PROG(careful, const struct iommufd_policy_map_request *req)
{
	keep_request(&found, req);
	found.known = known(req);
	found.unknown = unknown(req);
	if (bpf_core_field_exists(req->colour) &&
	    bpf_ksym_exists(iommufd_policy_paint))
		return iommufd_policy_paint(req->colour);
	if (bpf_ksym_exists(iommufd_policy_pinned_by_user))
		found.pinned = iommufd_policy_pinned_by_user(req->who.uid);
	return 0;
}

SEC("struct_ops")
int BPF_PROG(resizes, const struct iommufd_policy_resize_request *req)
{
	return 0;
}

SEC("struct_ops")
int BPF_PROG(reads_colour, const struct iommufd_policy_map_request *req)
{
	return req->colour ? -EPERM : 0;
}

SEC("struct_ops")
int BPF_PROG(knows_newer_memory, const struct iommufd_policy_map_request *req)
{
	return req->mem & bpf_core_enum_value(enum iommufd_policy_mem,
					      IOMMUFD_POLICY_MEM_NEWER) ?
		       -EPERM : 0;
}

SEC("struct_ops")
int BPF_PROG(paints, const struct iommufd_policy_map_request *req)
{
	return iommufd_policy_paint(req->iova);
}

IOMMUFD_POLICY(newer, .map = (void *)careful);
IOMMUFD_POLICY(newer_hook, .map = (void *)careful, .resize = (void *)resizes);
IOMMUFD_POLICY(newer_data, .map = (void *)careful, .budget = 5);
IOMMUFD_POLICY(newer_flag, .map = (void *)careful,
	       .flags = IOMMUFD_POLICY_F_NEWER);
IOMMUFD_POLICY(newer_member, .map = (void *)reads_colour);
IOMMUFD_POLICY(newer_value, .map = (void *)knows_newer_memory);
IOMMUFD_POLICY(newer_function, .map = (void *)paints);

char _license[] SEC("license") = "GPL";

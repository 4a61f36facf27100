/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract between iommufd.ko and BPF policies: the module, policies and
 * tests all include this file. Policies find the types in the module's BTF and
 * match them by name, member by member, so members may be added.
 */
#ifndef IOMMUFD_POLICY_H
#define IOMMUFD_POLICY_H

#ifdef __KERNEL__
#include <linux/types.h>
#endif

#define IOMMUFD_POLICY_API_VERSION 1
#define IOMMUFD_POLICY_NAME_LEN 16
#define IOMMUFD_POLICY_MSG_LEN 96

/**
 * enum iommufd_policy_flags - iommufd_policy_ops.flags
 * @IOMMUFD_POLICY_F_MEM_KIND: the map hook reads iommufd_policy_map_request.mem.
 *	Finding out costs a walk over the caller's VMAs, so it is done only when
 *	a loaded policy asks. What was answered is then binding: pages of a kind
 *	the policy did not see are never pinned.
 */
enum iommufd_policy_flags {
	IOMMUFD_POLICY_F_MEM_KIND = 1U << 0,
};

/**
 * enum iommufd_policy_op - the request a hook is asked about
 * @IOMMUFD_POLICY_OP_IOAS_MAP: IOMMU_IOAS_MAP
 * @IOMMUFD_POLICY_OP_ATTACH_DEVICE: first attach of a device
 * @IOMMUFD_POLICY_OP_REPLACE_DEVICE: an attached device moves elsewhere
 * @IOMMUFD_POLICY_OP_IOAS_COPY: IOMMU_IOAS_COPY
 * @IOMMUFD_POLICY_OP_IOAS_MAP_FILE: IOMMU_IOAS_MAP_FILE
 * @IOMMUFD_POLICY_OP_ATTACH_ACCESS: an in-kernel user, as an emulated device is,
 *	attaches to an IOAS
 * @IOMMUFD_POLICY_OP_REPLACE_ACCESS: one moves to another IOAS
 */
enum iommufd_policy_op {
	IOMMUFD_POLICY_OP_IOAS_MAP = 1,
	IOMMUFD_POLICY_OP_ATTACH_DEVICE,
	IOMMUFD_POLICY_OP_REPLACE_DEVICE,
	IOMMUFD_POLICY_OP_IOAS_COPY,
	IOMMUFD_POLICY_OP_IOAS_MAP_FILE,
	IOMMUFD_POLICY_OP_ATTACH_ACCESS,
	IOMMUFD_POLICY_OP_REPLACE_ACCESS,
};

/**
 * enum iommufd_policy_prot - what the device may do
 * @IOMMUFD_POLICY_PROT_READ: read the memory
 * @IOMMUFD_POLICY_PROT_WRITE: write the memory
 */
enum iommufd_policy_prot {
	IOMMUFD_POLICY_PROT_READ = 1U << 0,
	IOMMUFD_POLICY_PROT_WRITE = 1U << 1,
};

/**
 * enum iommufd_policy_mem - kinds of memory behind a range, a bit each
 * @IOMMUFD_POLICY_MEM_ANON: anonymous memory, and private mappings of files
 *	(pinning gives the process its own copy)
 * @IOMMUFD_POLICY_MEM_SHMEM: memfd, tmpfs, shared anonymous memory
 * @IOMMUFD_POLICY_MEM_HUGETLB: hugetlbfs
 * @IOMMUFD_POLICY_MEM_FILE: shared mapping of a file of any other filesystem
 * @IOMMUFD_POLICY_MEM_PFNMAP: device memory and other pages without owner
 * @IOMMUFD_POLICY_MEM_NONE: part of the range is not mapped at all
 * @IOMMUFD_POLICY_MEM_ALL: all of them: it may be anything
 */
enum iommufd_policy_mem {
	IOMMUFD_POLICY_MEM_ANON = 1U << 0,
	IOMMUFD_POLICY_MEM_SHMEM = 1U << 1,
	IOMMUFD_POLICY_MEM_HUGETLB = 1U << 2,
	IOMMUFD_POLICY_MEM_FILE = 1U << 3,
	IOMMUFD_POLICY_MEM_PFNMAP = 1U << 4,
	IOMMUFD_POLICY_MEM_NONE = 1U << 5,
	IOMMUFD_POLICY_MEM_ALL = (1U << 6) - 1,
};

/**
 * enum iommufd_policy_exit_kind - why a policy ended
 * @IOMMUFD_POLICY_EXIT_NONE: it has not
 * @IOMMUFD_POLICY_EXIT_DETACHED: its link was detached or released
 * @IOMMUFD_POLICY_EXIT_REPLACED: bpf_link__update_map() put another in place
 * @IOMMUFD_POLICY_EXIT_OFF: an operator wrote to /sys/kernel/iommufd/off
 * @IOMMUFD_POLICY_EXIT_ERROR: it answered outside the contract
 */
enum iommufd_policy_exit_kind {
	IOMMUFD_POLICY_EXIT_NONE = 0,
	IOMMUFD_POLICY_EXIT_DETACHED = 1,
	IOMMUFD_POLICY_EXIT_REPLACED = 2,
	IOMMUFD_POLICY_EXIT_OFF = 3,
	IOMMUFD_POLICY_EXIT_ERROR = 64,
};

/**
 * struct iommufd_policy_who - who is asking
 * @cgroup_id: cgroup v2 id of the calling task
 * @ctx_id: the context (open file of /dev/iommu), unique while the module is
 *	loaded
 * @uid: real uid of the calling task, in the initial user namespace
 * @opener_uid: the same of the task that opened /dev/iommu
 * @tgid: process id of the caller in the initial pid namespace
 */
struct iommufd_policy_who {
	u64 cgroup_id;
	u64 ctx_id;
	u32 uid;
	u32 opener_uid;
	u32 tgid;
};

/**
 * struct iommufd_policy_map_request - argument of the map hook, read-only
 * @who: who is asking
 * @iova: the IO address asked for; 0 while @fixed is 0. @iova + @length is 0
 *	for a range up to the last address
 * @length: bytes, at least 1
 * @uptr: address in the caller's address space, or place in a file;
 *	@uptr + @length does not wrap; 0 for a copy
 * @src_iova: IO address the memory of a copy is mapped at already
 * @op: enum iommufd_policy_op
 * @ioas_id: object id of the IOAS
 * @src_ioas_id: object id of the IOAS that @src_iova is in
 * @prot: bits of enum iommufd_policy_prot
 * @mem: bits of enum iommufd_policy_mem; may be 0 for policies without
 *	%IOMMUFD_POLICY_F_MEM_KIND; all of them for a copy
 * @fixed: 1 if user space chose the IOVA
 */
struct iommufd_policy_map_request {
	struct iommufd_policy_who who;
	u64 iova;
	u64 length;
	u64 uptr;
	u64 src_iova;
	u32 op;
	u32 ioas_id;
	u32 src_ioas_id;
	u32 prot;
	u32 mem;
	u32 fixed;
};

/**
 * struct iommufd_policy_attach_request - argument of the attach hook, read-only
 * @who: who is asking
 * @op: enum iommufd_policy_op
 * @dev_id: object id of the device or access
 * @pt_id: object id it is to be attached to: an IOAS or a HWPT
 * @ioas_id: object id of the IOAS behind @pt_id
 * @dev_name: name of the device on its bus, "0000:00:03.0", cut to fit; empty
 *	for an access
 */
struct iommufd_policy_attach_request {
	struct iommufd_policy_who who;
	u32 op;
	u32 dev_id;
	u32 pt_id;
	u32 ioas_id;
	char dev_name[32];
};

/**
 * struct iommufd_policy_init_info - argument of the init hook
 * @api_version: %IOMMUFD_POLICY_API_VERSION of the module
 * @replaces: 1 if the policy takes the place of another one
 */
struct iommufd_policy_init_info {
	u32 api_version;
	u32 replaces;
};

/**
 * struct iommufd_policy_exit_info - argument of the exit hook
 * @kind: enum iommufd_policy_exit_kind
 * @code: the answer that ended it, or 0
 * @message: the same for people
 */
struct iommufd_policy_exit_info {
	u32 kind;
	s32 code;
	char message[IOMMUFD_POLICY_MSG_LEN];
};

/**
 * struct iommufd_policy_ops - a policy; struct_ops type, link only
 *
 * Every hook is optional and may be sleepable. Each is asked once per request,
 * with no lock of the module held. None may touch user memory: the user could
 * hold it up for ever, and with it the end or the replacement of any policy.
 *
 * Refusing answers are -EPERM, -EACCES, -EDQUOT, -ENOMEM, -ENOSPC and -EBUSY.
 * Any other answer fails the request with -EPROTO and ejects the policy; the
 * built-in behaviour takes over.
 */
struct iommufd_policy_ops {
	/**
	 * @map: asked before user memory is mapped or copied. 0 allows; a
	 * refusing errno is returned to the caller. Absent: allows.
	 */
	int (*map)(const struct iommufd_policy_map_request *req);
	/**
	 * @attach: asked before a device or access is attached to an IOAS or
	 * HWPT, or moved to another. What the IOMMU cannot tell apart from it, the other
	 * devices of its group, goes with it unasked. 0 allows; a refusing
	 * errno is returned to the caller. Absent: allows.
	 */
	int (*attach)(const struct iommufd_policy_attach_request *req);
	/**
	 * @init: called when the policy is attached or takes another's place,
	 * before its first request. A negative errno refuses the load with
	 * that errno; a positive answer refuses it with -EPROTO.
	 */
	int (*init)(const struct iommufd_policy_init_info *info);
	/**
	 * @exit: called once when the policy is gone, after its last request.
	 */
	void (*exit)(const struct iommufd_policy_exit_info *info);
	/** @flags: bits of enum iommufd_policy_flags; others are -EINVAL */
	u64 flags;
	/**
	 * @name: unique among the loaded ones (-EEXIST), NUL-terminated, of
	 * letters, digits, '_' and '-' (-EINVAL): names of files in sysfs and
	 * in the bpf filesystem, which knows no dots
	 */
	char name[IOMMUFD_POLICY_NAME_LEN];
};

#endif

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
 * @IOMMUFD_POLICY_F_FAIL_CLOSED: when the policy has been ejected for an answer
 *	outside its contract, map and attach requests in its scope are refused,
 *	with -EPROTO, until it is replaced or removed, or all policies are put
 *	out of service. Without it the built-in behaviour takes over.
 * @IOMMUFD_POLICY_F_AUDIT: begins in audit mode: what it refuses is counted and
 *	traced, and goes on all the same. A replacement keeps the mode there is.
 * @IOMMUFD_POLICY_F_EXCEED_RLIMIT: pages its charge hook pays for do not count
 *	against RLIMIT_MEMLOCK. Without it they do: the policy can then be
 *	stricter than the limit, and not more generous.
 */
enum iommufd_policy_flags {
	IOMMUFD_POLICY_F_MEM_KIND = 1U << 0,
	IOMMUFD_POLICY_F_FAIL_CLOSED = 1U << 1,
	IOMMUFD_POLICY_F_AUDIT = 1U << 2,
	IOMMUFD_POLICY_F_EXCEED_RLIMIT = 1U << 3,
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
 * @IOMMUFD_POLICY_OP_TYPE1_MAP: VFIO_IOMMU_MAP_DMA
 * @IOMMUFD_POLICY_OP_IOAS_UNMAP: IOMMU_IOAS_UNMAP
 * @IOMMUFD_POLICY_OP_TYPE1_UNMAP: VFIO_IOMMU_UNMAP_DMA, or the last group leaves
 *	a container
 * @IOMMUFD_POLICY_OP_IOAS_DESTROY: an IOAS is gone, with all that was mapped
 * @IOMMUFD_POLICY_OP_DETACH_DEVICE: a device is attached to nothing any more
 * @IOMMUFD_POLICY_OP_DETACH_ACCESS: an in-kernel user, likewise
 * @IOMMUFD_POLICY_OP_FILL_DOMAIN: the first domain of an IOAS is filled with what
 *	has been mapped before: by an attach, or by IOMMU_HWPT_ALLOC
 * @IOMMUFD_POLICY_OP_ACCESS_PIN: an in-kernel user pins pages
 * @IOMMUFD_POLICY_OP_CHANGE_PROCESS: IOMMU_IOAS_CHANGE_PROCESS
 */
enum iommufd_policy_op {
	IOMMUFD_POLICY_OP_IOAS_MAP = 1,
	IOMMUFD_POLICY_OP_ATTACH_DEVICE,
	IOMMUFD_POLICY_OP_REPLACE_DEVICE,
	IOMMUFD_POLICY_OP_IOAS_COPY,
	IOMMUFD_POLICY_OP_IOAS_MAP_FILE,
	IOMMUFD_POLICY_OP_ATTACH_ACCESS,
	IOMMUFD_POLICY_OP_REPLACE_ACCESS,
	IOMMUFD_POLICY_OP_TYPE1_MAP,
	IOMMUFD_POLICY_OP_IOAS_UNMAP,
	IOMMUFD_POLICY_OP_TYPE1_UNMAP,
	IOMMUFD_POLICY_OP_IOAS_DESTROY,
	IOMMUFD_POLICY_OP_DETACH_DEVICE,
	IOMMUFD_POLICY_OP_DETACH_ACCESS,
	IOMMUFD_POLICY_OP_FILL_DOMAIN,
	IOMMUFD_POLICY_OP_ACCESS_PIN,
	IOMMUFD_POLICY_OP_CHANGE_PROCESS,
};

/**
 * enum iommufd_policy_payment - what a charge hook answers, besides refusals
 * @IOMMUFD_POLICY_PAY: the policy pays: its uncharge hook will be told when the
 *	pages are unpinned
 * @IOMMUFD_POLICY_DECLINE: it has no part in it
 */
enum iommufd_policy_payment {
	IOMMUFD_POLICY_PAY = 0,
	IOMMUFD_POLICY_DECLINE = 1,
};

/**
 * enum iommufd_policy_limit - what the built-in accounting counts pages against
 * @IOMMUFD_POLICY_LIMIT_USER: RLIMIT_MEMLOCK, the sum of all processes of a user
 * @IOMMUFD_POLICY_LIMIT_PROCESS: RLIMIT_MEMLOCK, the process by itself
 * @IOMMUFD_POLICY_LIMIT_NONE: nothing: the process had CAP_IPC_LOCK
 */
enum iommufd_policy_limit {
	IOMMUFD_POLICY_LIMIT_USER,
	IOMMUFD_POLICY_LIMIT_PROCESS,
	IOMMUFD_POLICY_LIMIT_NONE,
};

/**
 * enum iommufd_policy_hole_flags - for iommufd_policy_find_hole()
 * @IOMMUFD_POLICY_HOLE_HIGHEST: the highest hole; else the lowest
 */
enum iommufd_policy_hole_flags {
	IOMMUFD_POLICY_HOLE_HIGHEST = 1U << 0,
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
 * @IOMMUFD_POLICY_EXIT_REPORTED: it reported an error itself, with
 *	iommufd_policy_error()
 */
enum iommufd_policy_exit_kind {
	IOMMUFD_POLICY_EXIT_NONE = 0,
	IOMMUFD_POLICY_EXIT_DETACHED = 1,
	IOMMUFD_POLICY_EXIT_REPLACED = 2,
	IOMMUFD_POLICY_EXIT_OFF = 3,
	IOMMUFD_POLICY_EXIT_ERROR = 64,
	IOMMUFD_POLICY_EXIT_REPORTED = 65,
};

/**
 * struct iommufd_policy_who - who is asking, first in each request
 * @of_module: nothing, of no size. A struct of nothing but numbers the verifier
 *	takes from any memory; of others, kfuncs get what the module has made.
 * @cgroup_id: cgroup v2 id of the calling task
 * @ctx_id: the context (open file of /dev/iommu), unique while the module is
 *	loaded
 * @uid: real uid of the calling task, in the initial user namespace
 * @opener_uid: the same of the task that opened /dev/iommu
 * @tgid: process id of the caller in the initial pid namespace
 *
 * In a charge request, cgroup, uid and process are those of who pays: of the
 * process that mapped the memory.
 */
struct iommufd_policy_who {
	const void *of_module[0];
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
 * @pages: how many pages of memory that touches
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
	u64 pages;
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
 * struct iommufd_policy_unmap_request - argument of the unmap hook, read-only
 * @who: who asked for it
 * @iova: first byte of the range asked for
 * @length: bytes asked for; U64_MAX from 0 on: everything
 * @unmapped: bytes that were unmapped
 * @op: enum iommufd_policy_op
 * @ioas_id: object id of the IOAS
 */
struct iommufd_policy_unmap_request {
	struct iommufd_policy_who who;
	u64 iova;
	u64 length;
	u64 unmapped;
	u32 op;
	u32 ioas_id;
};

/**
 * struct iommufd_policy_detach_request - argument of the detach hook, read-only
 * @who: who asked for it
 * @op: enum iommufd_policy_op
 * @dev_id: object id of the device or access
 * @ioas_id: object id of the IOAS it was attached to
 * @dev_name: as in struct iommufd_policy_attach_request
 */
struct iommufd_policy_detach_request {
	struct iommufd_policy_who who;
	u32 op;
	u32 dev_id;
	u32 ioas_id;
	char dev_name[32];
};

/**
 * struct iommufd_policy_iova_request - argument of the iova_alloc hook, read-only
 * @who: who is asking
 * @length: bytes to be mapped
 * @uptr: as in struct iommufd_policy_map_request
 * @op: enum iommufd_policy_op
 * @ioas_id: object id of the IOAS
 */
struct iommufd_policy_iova_request {
	struct iommufd_policy_who who;
	u64 length;
	u64 uptr;
	u32 op;
	u32 ioas_id;
};

/**
 * struct iommufd_policy_charge_request - argument of the charge hook, read-only
 * @who: who would pay
 * @pages: pages that are to be pinned newly
 * @asked: pages the request is about; some may be pinned already
 * @pinned: pages of the process pinned in this context so far
 * @charged: pages counted against the limit so far, whatever for; 0 without one
 * @limit: pages RLIMIT_MEMLOCK allows; U64_MAX without a limit
 * @op: enum iommufd_policy_op
 * @ioas_id: object id of the IOAS; 0 for %IOMMUFD_POLICY_OP_CHANGE_PROCESS
 * @limit_kind: enum iommufd_policy_limit
 * @paid: pages the policy pays for already, or one it has replaced did, and with
 *	them @pages and those of charges that are being asked about just now: of
 *	two at the same time one sees both, so a policy that allows no more than
 *	so many of them never has paid for more
 */
struct iommufd_policy_charge_request {
	struct iommufd_policy_who who;
	u64 pages;
	u64 asked;
	u64 pinned;
	u64 charged;
	u64 limit;
	u32 op;
	u32 ioas_id;
	u32 limit_kind;
	u64 paid;
};

/**
 * struct iommufd_policy_uncharge_request - argument of the uncharge hook,
 *	read-only
 * @who: who paid, as the charge hook was told
 * @pages: pages that are not pinned any more; a charge may come back in parts
 */
struct iommufd_policy_uncharge_request {
	struct iommufd_policy_who who;
	u64 pages;
};

/**
 * struct iommufd_policy_init_info - argument of the init hook
 * @api_version: %IOMMUFD_POLICY_API_VERSION of the module
 * @replaces: 1 if the policy takes the place of another one
 * @paid: pages paid for by that one, for which this one will be uncharged
 */
struct iommufd_policy_init_info {
	u32 api_version;
	u32 replaces;
	u64 paid;
};

/**
 * struct iommufd_policy_exit_info - argument of the exit hook
 * @kind: enum iommufd_policy_exit_kind
 * @code: the answer that ended it, or 0
 * @message: the same for people
 * @paid: pages it had paid for that are still pinned: counted by the built-in
 *	accounting from now on, or handed on to the policy that replaces it
 */
struct iommufd_policy_exit_info {
	u32 kind;
	s32 code;
	char message[IOMMUFD_POLICY_MSG_LEN];
	u64 paid;
};

/**
 * struct iommufd_policy_ops - a policy; struct_ops type, link only
 *
 * Every hook is optional and may be sleepable. Each is asked once per request,
 * the charge hook once for each process that is to pay, with no lock held that
 * another context needs. None may touch user memory: the user could
 * hold it up for ever, and with it the end or the replacement of any policy.
 *
 * Asked are the policies in scope: those of the cgroup of the process, of its
 * parent and so on, then those of the whole system; of the same cgroup, first
 * that of the highest @priority, then by name.
 *
 * Refusing answers are -EPERM, -EACCES, -EDQUOT, -ENOMEM, -ENOSPC and -EBUSY.
 * Any other answer that a hook does not know fails the request with -EPROTO and
 * ejects the policy; the built-in behaviour takes over, or with
 * %IOMMUFD_POLICY_F_FAIL_CLOSED none does.
 */
struct iommufd_policy_ops {
	/**
	 * @map: asked before user memory is mapped or copied. 0 allows; a
	 * refusing errno is returned to the caller. The first refusal wins.
	 * Absent: allows.
	 */
	int (*map)(const struct iommufd_policy_map_request *req);
	/**
	 * @unmap: told after memory was unmapped, once per request.
	 */
	void (*unmap)(const struct iommufd_policy_unmap_request *req);
	/**
	 * @attach: asked before a device or access is attached to an IOAS or
	 * HWPT, or moved to another. What the IOMMU cannot tell apart from it,
	 * the other devices of its group, goes with it unasked. 0 allows; a
	 * refusing errno is returned to the caller. The first refusal wins.
	 * Absent: allows.
	 */
	int (*attach)(const struct iommufd_policy_attach_request *req);
	/**
	 * @detach: told after a device or access was detached.
	 */
	void (*detach)(const struct iommufd_policy_detach_request *req);
	/**
	 * @iova_alloc: asked for an IO address where user space leaves it to
	 * the kernel. 0: no opinion, the next policy is asked, and at last the
	 * kernel chooses. An address: this one; it has to be of a page, and
	 * with all of the request be free, allowed and not reserved, or the
	 * answer is outside the contract. If others have taken it since the
	 * hook began, it is asked again. A refusing errno is returned to the
	 * caller. In audit mode the answer is checked and not used.
	 */
	s64 (*iova_alloc)(const struct iommufd_policy_iova_request *req);
	/**
	 * @charge: asked before pages are pinned that were not, for all that
	 * the request pins at once; again only for what others have unpinned
	 * since it was counted. %IOMMUFD_POLICY_PAY, %IOMMUFD_POLICY_DECLINE,
	 * or a refusing errno, which is returned to the caller. All policies in
	 * scope are asked up to the first refusal; who has paid by then is
	 * uncharged, the last one first. Absent: declines.
	 */
	int (*charge)(const struct iommufd_policy_charge_request *req);
	/**
	 * @uncharge: told when pages the policy has paid for are unpinned, or
	 * were not pinned after all. It is the uncharge hook of the policy that
	 * is in place then: it may have been replaced.
	 */
	void (*uncharge)(const struct iommufd_policy_uncharge_request *req);
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
	/**
	 * @cgroup_id: whose requests it is asked about: those of this cgroup v2
	 * and of all below it; 0: all. -ENOENT if there is no such cgroup;
	 * a replacement has to have the same (-EINVAL). When the cgroup is
	 * removed the policy is orphaned, and asked about nothing any more.
	 */
	u64 cgroup_id;
	/** @flags: bits of enum iommufd_policy_flags; others are -EINVAL */
	u64 flags;
	/**
	 * @priority: which of the policies of one cgroup is asked first: that
	 * of the highest; a replacement has to have the same (-EINVAL)
	 */
	s32 priority;
	/**
	 * @name: unique among the loaded ones (-EEXIST), NUL-terminated, of
	 * letters, digits, '_' and '-' (-EINVAL): names of files in sysfs and
	 * in the bpf filesystem, which knows no dots
	 */
	char name[IOMMUFD_POLICY_NAME_LEN];
};

/**
 * struct iommufd_policy_context - a context, as iterators show it
 * @ctx_id: as in struct iommufd_policy_who
 * @pinned: pages pinned through it now
 * @charged: of these, pages the built-in accounting counts against a limit
 * @opener_uid: as in struct iommufd_policy_who
 */
struct iommufd_policy_context {
	u64 ctx_id;
	u64 pinned;
	u64 charged;
	u32 opener_uid;
};

/**
 * struct iommufd_policy_account - who pins through a context, as iterators show it
 * @id: of no other account of the context at that moment
 * @cgroup_id: of the process, as in struct iommufd_policy_who
 * @pinned: pages pinned for it now
 * @charged: of these, pages the built-in accounting counts against a limit
 * @uid: of the process, in the initial user namespace
 * @tgid: its process id in the initial pid namespace
 *
 * A process has one, as a rule; one that has changed its user has several.
 */
struct iommufd_policy_account {
	u64 id;
	u64 cgroup_id;
	u64 pinned;
	u64 charged;
	u32 uid;
	u32 tgid;
};

/**
 * struct iommufd_policy_ioas - an IOAS, as iterators show it
 * @ioas_id: its object id
 * @domains: domains that are filled from it
 * @areas: mapped ranges
 * @bytes: the sum of their lengths
 */
struct iommufd_policy_ioas {
	u32 ioas_id;
	u32 domains;
	u64 areas;
	u64 bytes;
};

/**
 * struct iommufd_policy_area - a mapped range, as iterators show it
 * @iova: its first IO address
 * @length: bytes
 * @uptr: address in the process that mapped it, or place in a file
 * @uid: of that process, in the initial user namespace
 * @tgid: its process id in the initial pid namespace
 * @prot: bits of enum iommufd_policy_prot
 * @of_file: 1 if @uptr is a place in a file
 * @cgroup_id: of the process, as in struct iommufd_policy_who
 * @pinned: pages of it that are pinned now. While others pin or unpin pages of
 *	the same memory: all of them, or 0
 * @mem: bits of enum iommufd_policy_mem: what its first page is, if that is
 *	pinned and nobody is at work on the memory as above; else 0
 * @limit_kind: enum iommufd_policy_limit, for what no policy pays for
 * @paid: 1 if policies have paid for some of the memory
 * @shared: 1 if other areas are of the same memory; what is pinned for several
 *	of them counts once in sums
 */
struct iommufd_policy_area {
	u64 iova;
	u64 length;
	u64 uptr;
	u32 uid;
	u32 tgid;
	u32 prot;
	u32 of_file;
	u64 cgroup_id;
	u64 pinned;
	u32 mem;
	u32 limit_kind;
	u32 paid;
	u32 shared;
};

/**
 * enum iommufd_policy_range_kind - what IO addresses are kept for
 * @IOMMUFD_POLICY_RANGE_RESERVED: nothing may be mapped there
 * @IOMMUFD_POLICY_RANGE_ALLOWED: user space has asked for the kernel to choose
 *	addresses there, and no longer elsewhere
 */
enum iommufd_policy_range_kind {
	IOMMUFD_POLICY_RANGE_RESERVED = 1,
	IOMMUFD_POLICY_RANGE_ALLOWED,
};

/**
 * struct iommufd_policy_range - IO addresses of an IOAS, as iterators show them
 * @start: first address
 * @last: last address
 * @kind: enum iommufd_policy_range_kind
 */
struct iommufd_policy_range {
	u64 start;
	u64 last;
	u32 kind;
};

/*
 * Programs have iterators on their stack, and the verifier goes by the size that
 * this module has for them: it must never change. What they show may grow into
 * the room.
 */
#define IOMMUFD_POLICY_ITER_SIZE 96

/**
 * struct bpf_iter_iommufd_context - a walk over contexts
 * @last: id of the last one that was there when it began; private
 * @info: the last one seen; private
 * @room: to grow into
 */
struct bpf_iter_iommufd_context {
	u64 last;
	struct iommufd_policy_context info;
	u64 room[7];
};

/**
 * struct bpf_iter_iommufd_ioas - a walk over the IOASes of a context
 * @ctx_id: the context; private
 * @info: the last one seen; private
 * @room: to grow into
 */
struct bpf_iter_iommufd_ioas {
	u64 ctx_id;
	struct iommufd_policy_ioas info;
	u64 room[8];
};

/**
 * struct bpf_iter_iommufd_area - a walk over the areas of an IOAS
 * @ctx_id: the context; private
 * @ioas_id: the IOAS; private
 * @info: the last one seen; private
 * @room: to grow into
 */
struct bpf_iter_iommufd_area {
	u64 ctx_id;
	u64 ioas_id;
	struct iommufd_policy_area info;
	u64 room;
};

/**
 * struct bpf_iter_iommufd_account - a walk over who pins through a context
 * @ctx_id: the context; private
 * @info: the last one seen; private
 * @room: to grow into
 */
struct bpf_iter_iommufd_account {
	u64 ctx_id;
	struct iommufd_policy_account info;
	u64 room[6];
};

/**
 * struct bpf_iter_iommufd_range - a walk over reserved and allowed ranges
 * @ctx_id: the context; private
 * @ioas_id: the IOAS; private
 * @info: the last one seen; private
 * @room: to grow into
 */
struct bpf_iter_iommufd_range {
	u64 ctx_id;
	u64 ioas_id;
	struct iommufd_policy_range info;
	u64 room[7];
};

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the policy audit writes to its ring buffer, the map 'events'. The types are
 * those of the compiler, which BPF and user space share. Events grow at their end:
 * who reads them takes as much as there is.
 */
#ifndef IOMMUFD_AUDIT_H
#define IOMMUFD_AUDIT_H

/* The hook that was asked */
enum iommufd_audit_hook {
	IOMMUFD_AUDIT_MAP = 1,
	IOMMUFD_AUDIT_UNMAP,
	IOMMUFD_AUDIT_ATTACH,
	IOMMUFD_AUDIT_DETACH,
	IOMMUFD_AUDIT_IOVA_ALLOC,
	IOMMUFD_AUDIT_CHARGE,
};

/**
 * struct iommufd_audit_event - a request
 * @seq: number of the event, from 1 on: one that is missing was lost, for the ring
 *	buffer was full
 * @time: CLOCK_MONOTONIC, in ns
 * @ctx_id: as in struct iommufd_policy_who, like the following
 * @cgroup_id: see there
 * @iova: as in the request, like the following; 0 where it has none
 * @length: see there; unmapped bytes of an unmap
 * @uptr: see there
 * @pages: see there
 * @uid: as in struct iommufd_policy_who, like @tgid
 * @tgid: see there
 * @hook: enum iommufd_audit_hook
 * @op: enum iommufd_policy_op
 * @ioas_id: as in the request, like the following
 * @dev_id: see there
 * @prot: bits of enum iommufd_policy_prot
 * @mem: bits of enum iommufd_policy_mem
 * @comm: name of the process, if it is the one that asks; else ""
 * @dev_name: as in the request
 */
struct iommufd_audit_event {
	unsigned long long seq;
	unsigned long long time;
	unsigned long long ctx_id;
	unsigned long long cgroup_id;
	unsigned long long iova;
	unsigned long long length;
	unsigned long long uptr;
	unsigned long long pages;
	unsigned int uid;
	unsigned int tgid;
	unsigned int hook;
	unsigned int op;
	unsigned int ioas_id;
	unsigned int dev_id;
	unsigned int prot;
	unsigned int mem;
	char comm[16];
	char dev_name[32];
};

#endif

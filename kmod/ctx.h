/* SPDX-License-Identifier: GPL-2.0-only */
/* A context: one open /dev/iommu. */
#ifndef IOMMUFD_CTX_H
#define IOMMUFD_CTX_H

#include <linux/mutex.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "account.h"
#include "policy.h"
#include "vfio_compat.h"

struct file;
struct object;

/**
 * struct iommufd_ctx - one open /dev/iommu
 * @file: its life is the context's
 * @objects: struct object by id; %XA_ZERO_ENTRY while one comes or goes
 * @recent: the IOAS that was found last, or NULL; under RCU
 * @groups_lock: for @groups
 * @groups: struct device_group with bound devices
 * @idle: who waits for requests on an object to end
 * @book: who pays for memory mapped here
 * @per_process: charge processes rather than users; IOMMU_OPTION_RLIMIT_MODE
 * @compat: for users of the type1 ABI
 * @id: for policies and traces, unique while the module is loaded
 * @opener_uid: who opened it, in the initial user namespace
 * @refusal: the last refusal by a policy, for fdinfo
 * @rcu: contexts.c looks at it without a lock
 */
struct iommufd_ctx {
	struct file *file;
	struct xarray objects;
	struct object __rcu *recent;
	struct mutex groups_lock;	/* see above */
	struct list_head groups;
	wait_queue_head_t idle;
	struct account_book book;
	bool per_process;
	struct vfio_compat compat;
	u64 id;
	uid_t opener_uid;
	struct policy_refusal refusal;
	struct rcu_head rcu;
};

/**
 * struct ucmd - an ioctl being served
 * @ictx: the context
 * @ubuffer: the command in user space
 * @user_size: its size there
 * @cmd: the copy, zero-extended to the size known here
 */
struct ucmd {
	struct iommufd_ctx *ictx;
	void __user *ubuffer;
	u32 user_size;
	void *cmd;
};

int ucmd_respond(struct ucmd *ucmd, size_t size);

#endif

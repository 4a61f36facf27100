/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asking the loaded BPF policies. With none loaded that has the hook each
 * question costs a branch that is patched out.
 */
#ifndef IOMMUFD_POLICY_ASK_H
#define IOMMUFD_POLICY_ASK_H

#include <linux/jump_label.h>
#include <linux/limits.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "iommufd_policy.h"

struct account;
struct area;
struct bill;
struct file;
struct io_pagetable;
struct iommu_ioas_copy;
struct iommu_ioas_map;
struct iommu_ioas_map_file;
struct iommufd_ctx;
struct iova_request;
struct pages;
struct purse;
struct seq_file;

/* The hooks that requests meet. */
enum policy_hook {
	POLICY_MAP,
	POLICY_UNMAP,
	POLICY_ATTACH,
	POLICY_DETACH,
	POLICY_IOVA_ALLOC,
	POLICY_CHARGE,
	POLICY_UNCHARGE,
	POLICY_HOOKS,
};

/**
 * struct policy_refusal - the last refusal by a policy in a context
 * @lock: for the rest
 * @policy: name of the policy; empty if there was none
 * @hook: name of the hook
 * @error: what it answered
 */
struct policy_refusal {
	spinlock_t lock;	/* see above */
	char policy[IOMMUFD_POLICY_NAME_LEN];
	const char *hook;
	int error;
};

/**
 * struct policy_reason - which request pages are pinned for
 * @op: enum iommufd_policy_op
 * @ioas_id: object id of the IOAS
 * @purse: what has been paid for all of the request, or NULL
 */
struct policy_reason {
	u32 op;
	u32 ioas_id;
	struct purse *purse;
};

/**
 * struct charge - pages that somebody is to pay for
 * @account: who pays
 * @mode: enum account_mode
 * @npages: how many
 * @asked: how many the request is about
 * @limited: RLIMIT_MEMLOCK counts
 * @reason: which request
 */
struct charge {
	struct account *account;
	u8 mode;
	unsigned long npages;
	unsigned long asked;
	bool limited;
	const struct policy_reason *reason;
};

extern struct static_key_false policy_hooked[POLICY_HOOKS];

/*
 * Has a loaded policy such a hook: a constant. There is a build that knows no
 * hooks, to measure what they cost.
 */
#ifdef IOMMUFD_WITHOUT_HOOKS
#define policy_has_hook(hook) ((void)(hook), false)
#else
#define policy_has_hook(hook) static_branch_unlikely(&policy_hooked[hook])
#endif

int policy_ask_map(struct iommufd_ctx *ictx, u32 ioas_id,
		   const struct iommu_ioas_map *cmd, enum iommufd_policy_op op);
int policy_ask_map_file(struct iommufd_ctx *ictx,
			const struct iommu_ioas_map_file *cmd,
			struct file *file);
int policy_ask_copy(struct iommufd_ctx *ictx,
		    const struct iommu_ioas_copy *cmd);
void policy_tell_unmap(struct iommufd_ctx *ictx, u32 ioas_id, u64 iova,
		       u64 length, u64 unmapped, enum iommufd_policy_op op);
int policy_ask_attach(struct iommufd_ctx *ictx, u32 obj_id, const char *name,
		      u32 pt_id, u32 ioas_id, enum iommufd_policy_op op);
void policy_tell_detach(struct iommufd_ctx *ictx, u32 obj_id, const char *name,
			u32 ioas_id, enum iommufd_policy_op op);

int policy_choose_iova(struct io_pagetable *iopt, const struct area *area,
		       struct iova_request *where);

int policy_charge(const struct charge *charge, struct bill **bill);
struct bill *policy_split_bill(struct bill *bill, unsigned long npages);
void policy_cancel(struct bill *bill);
void policy_push_bill(struct pages *pages, struct bill *bill);
void policy_uncharge(struct pages *pages, unsigned long npages);

/**
 * policy_map - may user memory be mapped
 * @ictx: the context
 * @ioas_id: where it is to be mapped
 * @cmd: what is asked for; checked
 * @op: which kind of map
 *
 * Context: may sleep; no lock of the module is held.
 * Return: bits of enum iommufd_policy_mem that may be pinned for it, or the
 * refusing errno of a policy, or -EPROTO if the answer of one is outside its
 * contract; -EINTR on a fatal signal.
 */
static inline int policy_map(struct iommufd_ctx *ictx, u32 ioas_id,
			     const struct iommu_ioas_map *cmd,
			     enum iommufd_policy_op op)
{
	if (policy_has_hook(POLICY_MAP))
		return policy_ask_map(ictx, ioas_id, cmd, op);
	return U8_MAX;
}

/**
 * policy_map_file - may memory of a file be mapped
 * @ictx: the context
 * @cmd: what is asked for; checked
 * @file: the file
 *
 * Context: may sleep; no lock of the module is held.
 * Return: as policy_copy().
 */
static inline int policy_map_file(struct iommufd_ctx *ictx,
				  const struct iommu_ioas_map_file *cmd,
				  struct file *file)
{
	if (policy_has_hook(POLICY_MAP))
		return policy_ask_map_file(ictx, cmd, file);
	return 0;
}

/**
 * policy_copy - may memory be mapped a second time
 * @ictx: the context
 * @cmd: what is asked for; checked
 *
 * Context: may sleep; no lock of the module is held.
 * Return: 0, or the refusing errno of a policy, or -EPROTO if the answer of one
 * is outside its contract.
 */
static inline int policy_copy(struct iommufd_ctx *ictx,
			      const struct iommu_ioas_copy *cmd)
{
	if (policy_has_hook(POLICY_MAP))
		return policy_ask_copy(ictx, cmd);
	return 0;
}

/**
 * policy_unmap - memory was unmapped
 * @ictx: the context
 * @ioas_id: the IOAS
 * @iova: first byte asked for
 * @length: bytes asked for; U64_MAX: all
 * @unmapped: bytes that were
 * @op: which kind of unmap
 *
 * Context: may sleep; no lock of the module is held.
 */
static inline void policy_unmap(struct iommufd_ctx *ictx, u32 ioas_id, u64 iova,
				u64 length, u64 unmapped,
				enum iommufd_policy_op op)
{
	if (policy_has_hook(POLICY_UNMAP))
		policy_tell_unmap(ictx, ioas_id, iova, length, unmapped, op);
}

/**
 * policy_attach - may a device or an access be attached
 * @ictx: the context
 * @obj_id: object id of it
 * @name: of the device on its bus; empty for an access
 * @pt_id: what to, as user space calls it
 * @ioas_id: the IOAS behind it
 * @op: which kind of attach
 *
 * Context: may sleep; no lock of the module is held.
 * Return: as policy_copy().
 */
static inline int policy_attach(struct iommufd_ctx *ictx, u32 obj_id,
				const char *name, u32 pt_id, u32 ioas_id,
				enum iommufd_policy_op op)
{
	if (policy_has_hook(POLICY_ATTACH))
		return policy_ask_attach(ictx, obj_id, name, pt_id, ioas_id,
					 op);
	return 0;
}

/**
 * policy_detach - a device or an access was detached
 * @ictx: the context
 * @obj_id: object id of it
 * @name: of the device on its bus; empty for an access
 * @ioas_id: the IOAS it was attached to
 * @op: which kind of detach
 *
 * Context: may sleep; no lock of the module is held.
 */
static inline void policy_detach(struct iommufd_ctx *ictx, u32 obj_id,
				 const char *name, u32 ioas_id,
				 enum iommufd_policy_op op)
{
	if (policy_has_hook(POLICY_DETACH))
		policy_tell_detach(ictx, obj_id, name, ioas_id, op);
}

void policy_show_refusal(struct policy_refusal *refusal, struct seq_file *seq);

int policy_init(void);
void policy_exit(void);

#endif

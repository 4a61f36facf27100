// SPDX-License-Identifier: GPL-2.0-only
/*
 * What policies, and programs of who looks, may call. The verifier lets them be
 * called with requests alone that the module has handed to a hook: around those
 * is the question. For that it must not take requests for plain memory: see
 * struct iommufd_policy_who.
 */
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/sched.h>

#include "account.h"
#include "compat/compat.h"
#include "contexts.h"
#include "ctx.h"
#include "io_pagetable.h"
#include "policy_kfuncs.h"
#include "policy_question.h"
#include "policy_registry.h"

/* Of this module, once policies can be loaded. */
static const struct btf *policy_btf;

static bool is_context(const struct iommufd_ctx *ictx,
		       const struct account *account, u64 id)
{
	return ictx->id == id;
}

static bool is_user(const struct iommufd_ctx *ictx,
		    const struct account *account, u64 uid)
{
	return __kuid_val(account->user->uid) == uid;
}

/* Under RCU. */
static bool is_below(const struct iommufd_ctx *ictx,
		     const struct account *account, u64 id)
{
	struct cgroup *cgroup = task_dfl_cgroup(account->task);

	while (cgroup && cgroup_id(cgroup) != id)
		cgroup = cgroup_parent(cgroup);
	return cgroup;
}

__bpf_kfunc_start_defs();

/**
 * iommufd_policy_find_hole - where a request for an IO address could go
 * @req: the argument of the iova_alloc hook
 * @start: first address to look at
 * @last: last address that may be part of the answer; above the largest signed
 *	number none is
 * @align: a power of two, PAGE_SIZE or more
 * @flags: bits of enum iommufd_policy_hole_flags
 *
 * What is found is allowed, not reserved and free for req->length bytes at that
 * moment.
 *
 * Context: sleeps: for hooks that may.
 * Return: the lowest such address that is not 0, or the highest; -ENOSPC;
 * -EINVAL for an empty window, an alignment or flags that do not exist;
 * -EOPNOTSUPP where nothing may sleep.
 */
__bpf_kfunc s64
iommufd_policy_find_hole(const struct iommufd_policy_iova_request *req,
			 u64 start, u64 last, u64 align, u32 flags)
{
	const struct question *q = container_of(req, struct question, iova);
	struct iova_hole want = {
		.length = req->length,
		.align = align,
		.prefer = align,
		.start = start,
		.last = min_t(u64, last, S64_MAX),
	};
	unsigned long iova;

	if (!kfunc_may_sleep())
		return -EOPNOTSUPP;
	if (!is_power_of_2(align) || align < PAGE_SIZE ||
	    flags & ~IOMMUFD_POLICY_HOLE_HIGHEST || start > want.last)
		return -EINVAL;
	if (iopt_find_hole(q->iopt, &want, flags & IOMMUFD_POLICY_HOLE_HIGHEST,
			   &iova))
		return -ENOSPC;
	return iova;
}

/**
 * iommufd_policy_error - a policy gives up
 * @who: of the request it is asked about
 * @code: for those who look at it afterwards
 * @text__str: what went wrong
 *
 * The policy is ejected with that code and text, and its answer to the request
 * is taken for one outside the contract.
 */
__bpf_kfunc void iommufd_policy_error(const struct iommufd_policy_who *who,
				      s32 code, const char *text__str)
{
	struct question *q = container_of(who, struct question, who);

	q->reported = true;
	policy_eject(q->policy, q->ops, IOMMUFD_POLICY_EXIT_REPORTED, code,
		     text__str);
}

/**
 * iommufd_policy_pinned_by_context - pages pinned through a context
 * @ctx_id: the context
 *
 * Return: pages now, and those of charges that are being asked about, as a charge
 * hook is asked about its own; 0 if there is no such context.
 */
__bpf_kfunc u64 iommufd_policy_pinned_by_context(u64 ctx_id)
{
	return contexts_pinned(is_context, ctx_id);
}

/**
 * iommufd_policy_pinned_by_user - pages pinned by all processes of a user
 * @uid: in the initial user namespace
 *
 * Return: as above. Those that two contexts have pinned count twice.
 */
__bpf_kfunc u64 iommufd_policy_pinned_by_user(u32 uid)
{
	return contexts_pinned(is_user, uid);
}

/**
 * iommufd_policy_pinned_by_cgroup - pages pinned by a cgroup and all below it
 * @id: of the cgroup, of version 2
 *
 * Return: as above, of the processes that are there now. Those that two contexts
 * have pinned count twice.
 */
__bpf_kfunc u64 iommufd_policy_pinned_by_cgroup(u64 id)
{
	return contexts_pinned(is_below, id);
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(hook_ids)
BTF_ID_FLAGS(func, iommufd_policy_find_hole,
	     COMPAT_KF_TRUSTED_ARGS | KF_SLEEPABLE)
BTF_ID_FLAGS(func, iommufd_policy_error, COMPAT_KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, iommufd_policy_pinned_by_context)
BTF_ID_FLAGS(func, iommufd_policy_pinned_by_user)
BTF_ID_FLAGS(func, iommufd_policy_pinned_by_cgroup)
BTF_ID_FLAGS(func, bpf_iter_iommufd_ioas_new, KF_ITER_NEW | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_iommufd_ioas_next,
	     KF_ITER_NEXT | KF_RET_NULL | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_iommufd_ioas_destroy, KF_ITER_DESTROY)
BTF_KFUNCS_END(hook_ids)

/*
 * Struct_ops types of others are not our policies. It is asked about the kfuncs
 * of this module alone, by ids that are not those of hook_ids: the core renumbers
 * its own copy when it loads BTF that was split off a base.
 */
static int filter_hooks(const struct bpf_prog *prog, u32 kfunc_id)
{
	return prog->aux->attach_btf == policy_btf ? 0 : -EACCES;
}

static const struct btf_kfunc_id_set hook_set = {
	.owner = THIS_MODULE,
	.set = &hook_ids,
	.filter = filter_hooks,
};

BTF_KFUNCS_START(looker_ids)
BTF_ID_FLAGS(func, iommufd_policy_pinned_by_context)
BTF_ID_FLAGS(func, iommufd_policy_pinned_by_user)
BTF_ID_FLAGS(func, iommufd_policy_pinned_by_cgroup)
BTF_ID_FLAGS(func, bpf_iter_iommufd_context_new, KF_ITER_NEW | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_iommufd_context_next,
	     KF_ITER_NEXT | KF_RET_NULL | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_iommufd_context_destroy, KF_ITER_DESTROY)
BTF_ID_FLAGS(func, bpf_iter_iommufd_account_new, KF_ITER_NEW | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_iommufd_account_next,
	     KF_ITER_NEXT | KF_RET_NULL | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_iommufd_account_destroy, KF_ITER_DESTROY)
BTF_ID_FLAGS(func, bpf_iter_iommufd_ioas_new, KF_ITER_NEW | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_iommufd_ioas_next,
	     KF_ITER_NEXT | KF_RET_NULL | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_iommufd_ioas_destroy, KF_ITER_DESTROY)
BTF_ID_FLAGS(func, bpf_iter_iommufd_area_new, KF_ITER_NEW | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_iommufd_area_next,
	     KF_ITER_NEXT | KF_RET_NULL | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_iommufd_area_destroy, KF_ITER_DESTROY)
BTF_ID_FLAGS(func, bpf_iter_iommufd_range_new, KF_ITER_NEW | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_iommufd_range_next,
	     KF_ITER_NEXT | KF_RET_NULL | KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_iter_iommufd_range_destroy, KF_ITER_DESTROY)
BTF_KFUNCS_END(looker_ids)

static const struct btf_kfunc_id_set looker_set = {
	.owner = THIS_MODULE,
	.set = &looker_ids,
};

/**
 * kfuncs_found_btf - the BPF core has found the types of this module
 * @btf: where
 */
void kfuncs_found_btf(const struct btf *btf)
{
	policy_btf = btf;
}

/**
 * kfuncs_register - make them known to the BPF core
 *
 * Return: 0, or an error of the BPF core.
 */
int kfuncs_register(void)
{
	int rc = register_btf_kfunc_id_set(BPF_PROG_TYPE_STRUCT_OPS, &hook_set);

	if (rc)
		return rc;
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_SYSCALL, &looker_set);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asking the loaded BPF policies, and taking nothing they say on trust.
 *
 * Every policy is asked, in the order of the list; the first refusal wins.
 * Whatever may block on user space is done before policy_srcu is entered:
 * attaching and detaching policies waits for it.
 */
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/hugetlb.h>
#include <linux/iommufd.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/shmem_fs.h>
#include <uapi/linux/iommufd.h>

#include "compat/mm.h"
#include "compat/uapi.h"
#include "ctx.h"
#include "policy.h"
#include "policy_registry.h"
#include "policy_struct_ops.h"
#include "policy_sysfs.h"
#include "trace.h"

enum hook {
	HOOK_MAP,
	HOOK_ATTACH,
};

static const char *const hook_names[] = {
	[HOOK_MAP] = "map",
	[HOOK_ATTACH] = "attach",
};

static bool is_refusal(int answer)
{
	switch (answer) {
	case -EPERM:
	case -EACCES:
	case -EDQUOT:
	case -ENOMEM:
	case -ENOSPC:
	case -EBUSY:
		return true;
	default:
		return false;
	}
}

static void fill_who(struct iommufd_policy_who *who,
		     const struct iommufd_ctx *ictx)
{
	who->ctx_id = ictx->id;
	who->opener_uid = ictx->opener_uid;
	who->uid = from_kuid(&init_user_ns, current_uid());
	who->tgid = task_tgid_nr(current);
	rcu_read_lock();
	who->cgroup_id = cgroup_id(task_dfl_cgroup(current));
	rcu_read_unlock();
}

static u32 vma_kind(struct vm_area_struct *vma)
{
	if (vma->vm_flags & (VM_PFNMAP | VM_IO | VM_MIXEDMAP))
		return IOMMUFD_POLICY_MEM_PFNMAP;
	if (is_vm_hugetlb_page(vma))
		return IOMMUFD_POLICY_MEM_HUGETLB;
	/* A long-term pin makes the process own its copy of a private page. */
	if (!vma->vm_file || compat_is_cow_mapping(vma))
		return IOMMUFD_POLICY_MEM_ANON;
	if (shmem_mapping(vma->vm_file->f_mapping))
		return IOMMUFD_POLICY_MEM_SHMEM;
	return IOMMUFD_POLICY_MEM_FILE;
}

/* The kinds of memory in a range of the caller's address space. */
static int find_kinds(u64 start, u64 length, u32 *kinds)
{
	u64 addr = start, end = start + length;
	struct vm_area_struct *vma;
	int rc;

	*kinds = 0;
	rc = mmap_read_lock_killable(current->mm);
	if (rc)
		return rc;
	while (addr < end) {
		vma = find_vma(current->mm, addr);
		if (!vma || vma->vm_start >= end) {
			*kinds |= IOMMUFD_POLICY_MEM_NONE;
			break;
		}
		if (vma->vm_start > addr)
			*kinds |= IOMMUFD_POLICY_MEM_NONE;
		*kinds |= vma_kind(vma);
		addr = vma->vm_end;
	}
	mmap_read_unlock(current->mm);
	return 0;
}

static void note_refusal(struct iommufd_ctx *ictx, const struct policy *policy,
			 enum hook hook, int error)
{
	struct policy_refusal *refusal = &ictx->refusal;

	spin_lock(&refusal->lock);
	strscpy(refusal->policy, policy->name);
	refusal->hook = hook_names[hook];
	refusal->error = error;
	spin_unlock(&refusal->lock);
}

static void count(struct policy *policy, enum hook hook, bool refused)
{
	if (hook == HOOK_MAP) {
		this_cpu_inc(policy->stats->map_asked);
		if (refused)
			this_cpu_inc(policy->stats->map_refused);
	} else {
		this_cpu_inc(policy->stats->attach_asked);
		if (refused)
			this_cpu_inc(policy->stats->attach_refused);
	}
}

/* An answer, as the caller of the request may see it. */
static int judge(struct iommufd_ctx *ictx, struct policy *policy,
		 const struct iommufd_policy_ops *ops, enum hook hook,
		 int answer)
{
	trace_iommufd_policy_decision(ictx->id, policy->name, hook_names[hook],
				      answer);
	count(policy, hook, answer);
	if (!answer)
		return 0;
	if (!is_refusal(answer)) {
		policy_eject(policy, ops, answer, hook_names[hook]);
		answer = -EPROTO;
	}
	note_refusal(ictx, policy, hook, answer);
	return answer;
}

static bool has_hook(const struct iommufd_policy_ops *ops, enum hook hook)
{
	return hook == HOOK_MAP ? !!ops->map : !!ops->attach;
}

static int call_hook(const struct iommufd_policy_ops *ops, enum hook hook,
		     const void *req)
{
	return hook == HOOK_MAP ? ops->map(req) : ops->attach(req);
}

/*
 * Ask all policies, in their order, up to the first refusal. If one wants to
 * know the kind of memory and @kinds_known is not set: -EAGAIN, which no policy
 * can answer.
 */
static int ask_all(struct iommufd_ctx *ictx, enum hook hook, const void *req,
		   bool kinds_known)
{
	struct policy *policy;
	int idx, rc = 0;

	idx = srcu_read_lock(&policy_srcu);
	list_for_each_entry_srcu(policy, &policies, entry,
				 srcu_read_lock_held(&policy_srcu)) {
		const struct iommufd_policy_ops *ops;

		if (!policy_decides(policy))
			continue;
		ops = srcu_dereference(policy->ops, &policy_srcu);
		if (!has_hook(ops, hook))
			continue;
		if (!kinds_known && ops->flags & IOMMUFD_POLICY_F_MEM_KIND)
			rc = -EAGAIN;
		else
			rc = judge(ictx, policy, ops, hook,
				   call_hook(ops, hook, req));
		if (rc)
			break;
	}
	srcu_read_unlock(&policy_srcu, idx);
	return rc;
}

static u32 request_prot(u32 flags)
{
	u32 prot = 0;

	if (flags & IOMMU_IOAS_MAP_READABLE)
		prot |= IOMMUFD_POLICY_PROT_READ;
	if (flags & IOMMU_IOAS_MAP_WRITEABLE)
		prot |= IOMMUFD_POLICY_PROT_WRITE;
	return prot;
}

/**
 * policy_ask_map - policy_map() with policies loaded
 * @ictx: the context
 * @ioas_id: where it is to be mapped
 * @cmd: what is asked for
 * @kinds: out: what may be pinned; unchanged if no policy has looked at it
 *
 * A policy that reads the kind of memory and was put in place while it asks
 * makes it start again, so another may be asked twice then.
 *
 * Return: see policy_map().
 */
int policy_ask_map(struct iommufd_ctx *ictx, u32 ioas_id,
		   const struct iommu_ioas_map *cmd, u8 *kinds)
{
	struct iommufd_policy_map_request req = {
		.length = cmd->length,
		.uptr = cmd->user_va,
		.op = IOMMUFD_POLICY_OP_IOAS_MAP,
		.ioas_id = ioas_id,
		.prot = request_prot(cmd->flags),
		.fixed = !!(cmd->flags & IOMMU_IOAS_MAP_FIXED_IOVA),
	};
	bool want_kinds = registry_wants_kinds();
	int rc;

	fill_who(&req.who, ictx);
	if (req.fixed)
		req.iova = cmd->iova;
	for (;;) {
		if (want_kinds) {
			rc = find_kinds(req.uptr, req.length, &req.mem);
			if (rc)
				return rc;
			*kinds = req.mem;
		}
		rc = ask_all(ictx, HOOK_MAP, &req, want_kinds);
		if (rc != -EAGAIN)
			return rc;
		want_kinds = true;
	}
}

/**
 * policy_ask_map_file - policy_map_file() with policies loaded
 * @ictx: the context
 * @cmd: what is asked for
 * @file: the file
 *
 * Return: see policy_map_file().
 */
int policy_ask_map_file(struct iommufd_ctx *ictx,
			const struct iommu_ioas_map_file *cmd,
			struct file *file)
{
	struct iommufd_policy_map_request req = {
		.length = cmd->length,
		.uptr = cmd->start,
		.op = IOMMUFD_POLICY_OP_IOAS_MAP_FILE,
		.ioas_id = cmd->ioas_id,
		.prot = request_prot(cmd->flags),
		.mem = is_file_hugepages(file) ? IOMMUFD_POLICY_MEM_HUGETLB :
						 IOMMUFD_POLICY_MEM_SHMEM,
		.fixed = !!(cmd->flags & IOMMU_IOAS_MAP_FIXED_IOVA),
	};

	fill_who(&req.who, ictx);
	if (req.fixed)
		req.iova = cmd->iova;
	return ask_all(ictx, HOOK_MAP, &req, true);
}

/**
 * policy_ask_copy - policy_copy() with policies loaded
 * @ictx: the context
 * @cmd: what is asked for
 *
 * Return: see policy_copy().
 */
int policy_ask_copy(struct iommufd_ctx *ictx, const struct iommu_ioas_copy *cmd)
{
	struct iommufd_policy_map_request req = {
		.length = cmd->length,
		.op = IOMMUFD_POLICY_OP_IOAS_COPY,
		.ioas_id = cmd->dst_ioas_id,
		.prot = request_prot(cmd->flags),
		.mem = IOMMUFD_POLICY_MEM_ALL,
		.fixed = !!(cmd->flags & IOMMU_IOAS_MAP_FIXED_IOVA),
		.src_ioas_id = cmd->src_ioas_id,
		.src_iova = cmd->src_iova,
	};

	fill_who(&req.who, ictx);
	if (req.fixed)
		req.iova = cmd->dst_iova;
	return ask_all(ictx, HOOK_MAP, &req, true);
}

/**
 * policy_ask_attach - policy_attach() with policies loaded
 * @ictx: the context
 * @obj_id: the device or access
 * @name: of the device
 * @pt_id: what to, as user space calls it
 * @ioas_id: the IOAS behind it
 * @op: which kind of attach
 *
 * Return: see policy_attach().
 */
int policy_ask_attach(struct iommufd_ctx *ictx, u32 obj_id, const char *name,
		      u32 pt_id, u32 ioas_id, enum iommufd_policy_op op)
{
	struct iommufd_policy_attach_request req = {
		.op = op,
		.dev_id = obj_id,
		.pt_id = pt_id,
		.ioas_id = ioas_id,
	};

	fill_who(&req.who, ictx);
	strscpy(req.dev_name, name);
	return ask_all(ictx, HOOK_ATTACH, &req, true);
}

/**
 * policy_show_refusal - who refused something in this context last
 * @refusal: of the context
 * @seq: fdinfo; gets a line, or none if nobody did
 */
void policy_show_refusal(struct policy_refusal *refusal, struct seq_file *seq)
{
	spin_lock(&refusal->lock);
	if (refusal->policy[0])
		seq_printf(seq, "iommufd-refused-by:\t%s %s %d\n",
			   refusal->policy, refusal->hook, refusal->error);
	spin_unlock(&refusal->lock);
}

/**
 * policy_init - let policies be loaded, as soon as the module is live
 *
 * Return: 0, or the errors of policy_sysfs_create() and struct_ops_register().
 */
int policy_init(void)
{
	int rc = policy_sysfs_create();

	if (rc)
		return rc;
	rc = struct_ops_register();
	if (rc)
		policy_sysfs_remove();
	return rc;
}

/**
 * policy_exit - undo policy_init(); no policy is loaded
 */
void policy_exit(void)
{
	policy_sysfs_remove();
}

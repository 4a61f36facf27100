// SPDX-License-Identifier: GPL-2.0-only
/* What policies are asked about a request, and what they are told after it. */
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/shmem_fs.h>
#include <uapi/linux/iommufd.h>

#include "compat/mm.h"
#include "compat/uapi.h"
#include "ctx.h"
#include "policy.h"
#include "policy_walk.h"

/**
 * question_init - the calling task asks something
 * @q: to initialise, but for the request
 * @hook: which hook is to be asked
 * @ictx: the context
 */
void question_init(struct question *q, enum policy_hook hook,
		   struct iommufd_ctx *ictx)
{
	question_of_task(q, hook, ictx, current, current_uid());
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

static void fill_map(struct iommufd_policy_map_request *req,
		     enum iommufd_policy_op op, u32 ioas_id, u32 flags,
		     u64 iova, u64 uptr, u64 length)
{
	req->op = op;
	req->ioas_id = ioas_id;
	req->fixed = !!(flags & IOMMU_IOAS_MAP_FIXED_IOVA);
	req->iova = req->fixed ? iova : 0;
	req->length = length;
	req->pages = ((uptr + length - 1) >> PAGE_SHIFT) -
		     (uptr >> PAGE_SHIFT) + 1;
	req->uptr = uptr;
	req->src_ioas_id = 0;
	req->src_iova = 0;
	req->mem = 0;
	req->prot = 0;
	if (flags & IOMMU_IOAS_MAP_READABLE)
		req->prot |= IOMMUFD_POLICY_PROT_READ;
	if (flags & IOMMU_IOAS_MAP_WRITEABLE)
		req->prot |= IOMMUFD_POLICY_PROT_WRITE;
}

static noinline int ask_with_kinds(struct question *q)
{
	int rc = find_kinds(q->map.uptr, q->map.length, &q->map.mem);

	if (rc)
		return rc;
	q->kinds_known = true;
	return policy_ask(q) ?: q->map.mem;
}

/**
 * policy_ask_map - policy_map() with policies loaded
 * @ictx: the context
 * @ioas_id: where it is to be mapped
 * @cmd: what is asked for
 * @op: which kind of map
 *
 * A policy that reads the kind of memory and was put in place while it asks
 * makes it start again, so another may be asked twice then.
 *
 * Return: see policy_map().
 */
int policy_ask_map(struct iommufd_ctx *ictx, u32 ioas_id,
		   const struct iommu_ioas_map *cmd, enum iommufd_policy_op op)
{
	struct question q __uninitialized;
	int rc;

	question_init(&q, POLICY_MAP, ictx);
	fill_map(&q.map, op, ioas_id, cmd->flags, cmd->iova, cmd->user_va,
		 cmd->length);
	if (static_branch_unlikely(&policy_wants_kinds))
		return ask_with_kinds(&q);
	q.kinds_known = false;
	rc = policy_walk(&q, POLICY_MAP);
	if (rc == -EAGAIN)
		return ask_with_kinds(&q);
	return rc ?: U8_MAX;
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
	struct question q __uninitialized;

	question_init(&q, POLICY_MAP, ictx);
	fill_map(&q.map, IOMMUFD_POLICY_OP_IOAS_MAP_FILE, cmd->ioas_id,
		 cmd->flags, cmd->iova, cmd->start, cmd->length);
	q.map.mem = is_file_hugepages(file) ? IOMMUFD_POLICY_MEM_HUGETLB :
					      IOMMUFD_POLICY_MEM_SHMEM;
	return policy_ask(&q);
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
	struct question q __uninitialized;

	question_init(&q, POLICY_MAP, ictx);
	fill_map(&q.map, IOMMUFD_POLICY_OP_IOAS_COPY, cmd->dst_ioas_id,
		 cmd->flags, cmd->dst_iova, cmd->src_iova, cmd->length);
	q.map.uptr = 0;
	q.map.src_ioas_id = cmd->src_ioas_id;
	q.map.src_iova = cmd->src_iova;
	q.map.mem = IOMMUFD_POLICY_MEM_ALL;
	return policy_ask(&q);
}

/**
 * policy_tell_unmap - policy_unmap() with policies loaded
 * @ictx: the context
 * @ioas_id: the IOAS
 * @iova: first byte asked for
 * @length: bytes asked for
 * @unmapped: bytes that were
 * @op: which kind of unmap
 */
void policy_tell_unmap(struct iommufd_ctx *ictx, u32 ioas_id, u64 iova,
		       u64 length, u64 unmapped, enum iommufd_policy_op op)
{
	struct question q __uninitialized;

	question_init(&q, POLICY_UNMAP, ictx);
	q.unmap.op = op;
	q.unmap.ioas_id = ioas_id;
	q.unmap.iova = iova;
	q.unmap.length = length;
	q.unmap.unmapped = unmapped;
	policy_ask(&q);
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
	struct question q __uninitialized;

	question_init(&q, POLICY_ATTACH, ictx);
	q.attach.op = op;
	q.attach.dev_id = obj_id;
	q.attach.pt_id = pt_id;
	q.attach.ioas_id = ioas_id;
	strscpy_pad(q.attach.dev_name, name);
	return policy_ask(&q);
}

/**
 * policy_tell_detach - policy_detach() with policies loaded
 * @ictx: the context
 * @obj_id: the device or access
 * @name: of the device
 * @ioas_id: the IOAS it was attached to
 * @op: which kind of detach
 */
void policy_tell_detach(struct iommufd_ctx *ictx, u32 obj_id, const char *name,
			u32 ioas_id, enum iommufd_policy_op op)
{
	struct question q __uninitialized;

	question_init(&q, POLICY_DETACH, ictx);
	q.detach.op = op;
	q.detach.dev_id = obj_id;
	q.detach.ioas_id = ioas_id;
	strscpy_pad(q.detach.dev_name, name);
	policy_ask(&q);
}

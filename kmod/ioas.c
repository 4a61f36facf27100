// SPDX-License-Identifier: GPL-2.0-only
/* IOAS objects: the ioctls of include/uapi/linux/iommufd.h on them. */
#include <linux/file.h>
#include <linux/iommu.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "area.h"
#include "compat/uapi.h"
#include "ctx.h"
#include "ioas.h"
#include "iopt_reserve.h"
#include "mock/mock.h"
#include "pages.h"
#include "pages_file.h"
#include "trace.h"

/* IOAS_ALLOW_IOVAS takes a copy of the list; more than this is no list. */
#define MAX_ALLOWED BIT(16)

/**
 * ioas_pin - find an IOAS and keep it while a request works on it
 * @ictx: the context
 * @id: what user space calls it
 *
 * Return: the IOAS, or ERR_PTR(-ENOENT).
 */
struct ioas *ioas_pin(struct iommufd_ctx *ictx, u32 id)
{
	struct object *obj = object_pin(ictx, id, OBJECT_IOAS);

	return IS_ERR(obj) ? ERR_CAST(obj) : to_ioas(obj);
}

/**
 * ioas_use - find an IOAS and depend on it
 * @ictx: the context
 * @id: what user space calls it
 *
 * Return: the IOAS, used for the caller, or ERR_PTR(-ENOENT).
 */
struct ioas *ioas_use(struct iommufd_ctx *ictx, u32 id)
{
	struct ioas *ioas = ioas_pin(ictx, id);
	bool used;

	if (IS_ERR(ioas))
		return ioas;
	used = object_use(&ioas->obj);
	object_unpin(ictx, &ioas->obj);
	return used ? ioas : ERR_PTR(-ENOENT);
}

static void ioas_destroy(struct object *obj)
{
	struct ioas *ioas = to_ioas(obj);
	unsigned long unmapped = iopt_unmap_all(&ioas->iopt);

	if (unmapped)
		policy_unmap(ioas->ictx, obj->id, 0, U64_MAX, unmapped,
			     IOMMUFD_POLICY_OP_IOAS_DESTROY);
	mock_unreserve(&ioas->iopt);
	iopt_destroy(&ioas->iopt);
	mutex_destroy(&ioas->attach_lock);
}

/**
 * ioas_create - an IOAS nobody can find yet
 * @ictx: the context
 *
 * object_publish() or object_abort() comes next.
 *
 * Return: the IOAS, or an ERR_PTR(): -ENOMEM, or -EBUSY when all ids are taken.
 */
struct ioas *ioas_create(struct iommufd_ctx *ictx)
{
	struct ioas *ioas = kzalloc(sizeof(*ioas), GFP_KERNEL_ACCOUNT);
	int rc;

	if (!ioas)
		return ERR_PTR(-ENOMEM);
	ioas->ictx = ictx;
	iopt_init(&ioas->iopt);
	mutex_init(&ioas->attach_lock);
	spin_lock_init(&ioas->hwpts_lock);
	INIT_LIST_HEAD(&ioas->hwpts);

	rc = object_create(ictx, &ioas->obj, OBJECT_IOAS, ioas_destroy);
	if (rc) {
		kfree(ioas);
		return ERR_PTR(rc);
	}
	ioas->iopt.ioas_id = ioas->obj.id;
	return ioas;
}

/**
 * ioas_alloc_ioctl - IOMMU_IOAS_ALLOC
 * @ucmd: the ioctl
 *
 * Return: 0; -EOPNOTSUPP for unknown flags; -EFAULT; the errors of
 * ioas_create().
 */
int ioas_alloc_ioctl(struct ucmd *ucmd)
{
	struct iommu_ioas_alloc *cmd = ucmd->cmd;
	struct ioas *ioas;
	int rc;

	if (cmd->flags)
		return -EOPNOTSUPP;
	ioas = ioas_create(ucmd->ictx);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	cmd->out_ioas_id = ioas->obj.id;
	rc = ucmd_respond(ucmd, sizeof(*cmd));
	if (rc) {
		object_abort(ucmd->ictx, &ioas->obj);
		return rc;
	}
	object_publish(ucmd->ictx, &ioas->obj);
	return 0;
}

/* Without the lock for long: writing to user memory may take for ever. */
static bool next_range(struct ioas *ioas, unsigned long *cursor,
		       struct iommu_iova_range *range,
		       struct iommu_ioas_iova_ranges *cmd)
{
	bool found;

	mutex_lock(&ioas->iopt.lock);
	cmd->out_iova_alignment = ioas->iopt.alignment;
	found = iopt_next_usable(&ioas->iopt, cursor, range);
	mutex_unlock(&ioas->iopt.lock);
	return found;
}

/**
 * ioas_iova_ranges_ioctl - IOMMU_IOAS_IOVA_RANGES
 * @ucmd: the ioctl
 *
 * Return: 0; -EOPNOTSUPP for nonzero reserved fields; -ENOENT; -EMSGSIZE if
 * there are more ranges than user space has room for, with the number needed;
 * -EFAULT.
 */
int ioas_iova_ranges_ioctl(struct ucmd *ucmd)
{
	struct iommu_ioas_iova_ranges *cmd = ucmd->cmd;
	struct iommu_iova_range __user *uptr;
	struct iommu_iova_range range;
	unsigned long cursor = 0;
	u32 room = cmd->num_iovas;
	struct ioas *ioas;
	int rc = 0;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	ioas = ioas_pin(ucmd->ictx, cmd->ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);

	uptr = u64_to_user_ptr(cmd->allowed_iovas);
	cmd->num_iovas = 0;
	while (next_range(ioas, &cursor, &range, cmd)) {
		u32 i = cmd->num_iovas++;

		if (i < room && copy_to_user(uptr + i, &range, sizeof(range))) {
			rc = -EFAULT;
			break;
		}
	}
	object_unpin(ucmd->ictx, &ioas->obj);

	if (!rc)
		rc = ucmd_respond(ucmd, sizeof(*cmd));
	if (!rc && cmd->num_iovas > room)
		rc = -EMSGSIZE;
	return rc;
}

/**
 * ioas_allow_iovas_ioctl - IOMMU_IOAS_ALLOW_IOVAS
 * @ucmd: the ioctl
 *
 * Return: 0; -EOPNOTSUPP for nonzero reserved fields; -ENOENT; -EINVAL for an
 * empty range or two that overlap; -EADDRINUSE for one that is reserved by a
 * device in part; -ENOMEM; -EFAULT.
 */
int ioas_allow_iovas_ioctl(struct ucmd *ucmd)
{
	struct iommu_ioas_allow_iovas *cmd = ucmd->cmd;
	struct iommu_iova_range *ranges = NULL;
	struct ioas *ioas;
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	if (cmd->num_iovas > MAX_ALLOWED)
		return -ENOMEM;
	ioas = ioas_pin(ucmd->ictx, cmd->ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);

	if (cmd->num_iovas) {
		ranges = kvmalloc_array(cmd->num_iovas, sizeof(*ranges),
					GFP_KERNEL_ACCOUNT);
		rc = ranges ? 0 : -ENOMEM;
		if (!rc && copy_from_user(ranges,
					  u64_to_user_ptr(cmd->allowed_iovas),
					  cmd->num_iovas * sizeof(*ranges)))
			rc = -EFAULT;
		if (rc)
			goto unpin;
	}
	rc = iopt_allow(&ioas->iopt, ranges, cmd->num_iovas);
	if (!rc)
		ranges = NULL;
unpin:
	object_unpin(ucmd->ictx, &ioas->obj);
	kvfree(ranges);
	return rc;
}

static int map_prot(u32 flags)
{
	/* Bound devices are coherent; there is no uAPI to flush caches. */
	int prot = IOMMU_CACHE;

	if (flags & IOMMU_IOAS_MAP_READABLE)
		prot |= IOMMU_READ;
	if (flags & IOMMU_IOAS_MAP_WRITEABLE)
		prot |= IOMMU_WRITE;
	return prot;
}

/*
 * Map memory just created; the caller's reference is given away. @iova says
 * where to, if it is fixed, and on success where it went.
 */
static int map_pages(struct ioas *ioas, struct pages *pages, u64 start,
		     u64 length, u32 flags, enum iommufd_policy_op op,
		     u64 *iova)
{
	struct area *area = area_of_pages(pages, start - pages->uptr, length,
					  map_prot(flags));
	struct iova_request where = {
		.length = length,
		.iova = *iova,
		.fixed = flags & IOMMU_IOAS_MAP_FIXED_IOVA,
		.op = op,
	};
	int rc;

	rc = iopt_map(&ioas->iopt, &area, 1, &where);
	if (rc)
		area_destroy(area);
	else
		*iova = where.iova;
	return rc;
}

/**
 * ioas_map_user - map memory of the calling process
 * @ictx: the context
 * @ioas: pinned by the caller
 * @cmd: what and where, checked with ioas_check_map(); its iova is set
 * @op: which kind of map; the type1 ABI charges the process, and
 *	IOMMU_IOAS_MAP whom %IOMMU_OPTION_RLIMIT_MODE says
 *
 * Return: 0; what a policy answers, or -EPROTO if that is outside its contract;
 * the errors of iopt_look() and iopt_map().
 */
int ioas_map_user(struct iommufd_ctx *ictx, struct ioas *ioas,
		  struct iommu_ioas_map *cmd, enum iommufd_policy_op op)
{
	struct pages *pages;
	bool per_process;
	int kinds, rc;

	kinds = policy_map(ictx, ioas->obj.id, cmd, op);
	if (kinds < 0)
		return kinds;
	rc = iopt_look(&ioas->iopt, cmd->flags & IOMMU_IOAS_MAP_FIXED_IOVA,
		       cmd->iova, cmd->length);
	if (rc)
		return rc;
	per_process = op == IOMMUFD_POLICY_OP_TYPE1_MAP || ictx->per_process;
	pages = pages_create(&ictx->book, per_process, NULL, cmd->user_va,
			     cmd->length,
			     cmd->flags & IOMMU_IOAS_MAP_WRITEABLE, kinds);
	if (IS_ERR(pages))
		return PTR_ERR(pages);
	return map_pages(ioas, pages, cmd->user_va, cmd->length, cmd->flags, op,
			 &cmd->iova);
}

static int map_file(struct iommufd_ctx *ictx, struct ioas *ioas,
		    struct iommu_ioas_map_file *cmd, struct file *file)
{
	bool writable = cmd->flags & IOMMU_IOAS_MAP_WRITEABLE;
	struct pages *pages;
	int rc;

	rc = pages_open_file(file, writable);
	if (rc)
		return rc;
	rc = policy_map_file(ictx, cmd, file);
	if (!rc)
		rc = iopt_look(&ioas->iopt,
			       cmd->flags & IOMMU_IOAS_MAP_FIXED_IOVA,
			       cmd->iova, cmd->length);
	if (rc)
		goto close;
	pages = pages_create(&ictx->book, ictx->per_process, file, cmd->start,
			     cmd->length, writable, U8_MAX);
	if (IS_ERR(pages)) {
		rc = PTR_ERR(pages);
		goto close;
	}
	return map_pages(ioas, pages, cmd->start, cmd->length, cmd->flags,
			 IOMMUFD_POLICY_OP_IOAS_MAP_FILE, &cmd->iova);

close:
	pages_close_file(file, writable);
	return rc;
}

/* What every request for a mapping has to keep to. */
static int check_target(u32 flags, u32 reserved, u64 iova, u64 length)
{
	const u32 rw = IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE;
	u64 end;

	if (flags & ~(rw | IOMMU_IOAS_MAP_FIXED_IOVA) || reserved)
		return -EOPNOTSUPP;
	if (iova >= ULONG_MAX || length >= ULONG_MAX)
		return -EOVERFLOW;
	if (!(flags & rw) || !length)
		return -EINVAL;
	if (flags & IOMMU_IOAS_MAP_FIXED_IOVA &&
	    check_add_overflow(iova, length - 1, &end))
		return -EOVERFLOW;
	return 0;
}

/**
 * ioas_check_map - is it a valid request to map user memory
 * @cmd: the request
 *
 * Return: 0; -EOPNOTSUPP for unknown flags or nonzero reserved fields;
 * -EOVERFLOW if a range leaves its address space; -EINVAL if neither readable
 * nor writable or of no length.
 */
int ioas_check_map(const struct iommu_ioas_map *cmd)
{
	u64 end;
	int rc;

	rc = check_target(cmd->flags, cmd->__reserved, cmd->iova, cmd->length);
	if (!rc && check_add_overflow(cmd->user_va, cmd->length, &end))
		rc = -EOVERFLOW;
	return rc;
}

/* Tell where a request has mapped something, or undo it. */
static int respond_mapped(u64 __user *answer, struct ioas *ioas, u64 iova,
			  u64 length)
{
	unsigned long unmapped;

	if (!put_user(iova, answer))
		return 0;
	iopt_unmap(&ioas->iopt, iova, iova + length - 1, &unmapped);
	return -EFAULT;
}

/**
 * ioas_map_ioctl - IOMMU_IOAS_MAP
 * @ucmd: the ioctl
 *
 * Return: 0; the errors of ioas_check_map(); -ENOENT; the errors of
 * ioas_map_user(); -EFAULT if the answer cannot be written, which unmaps again.
 */
int ioas_map_ioctl(struct ucmd *ucmd)
{
	struct iommu_ioas_map __user *user = ucmd->ubuffer;
	struct iommu_ioas_map *cmd = ucmd->cmd;
	struct ioas *ioas;
	int rc;

	rc = ioas_check_map(cmd);
	if (rc)
		return rc;
	ioas = ioas_pin(ucmd->ictx, cmd->ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);

	rc = ioas_map_user(ucmd->ictx, ioas, cmd, IOMMUFD_POLICY_OP_IOAS_MAP);
	if (!rc)
		rc = respond_mapped(&user->iova, ioas, cmd->iova, cmd->length);
	trace_iommufd_map(ucmd->ictx->id, cmd, rc);
	object_unpin(ucmd->ictx, &ioas->obj);
	return rc;
}

/**
 * ioas_map_file_ioctl - IOMMU_IOAS_MAP_FILE
 * @ucmd: the ioctl
 *
 * Return: 0; -EOPNOTSUPP for unknown flags; -EOVERFLOW if a range leaves its
 * address space or the largest file there is; -EINVAL if neither readable nor
 * writable or of no length, or, once it is pinned, if the range leaves the
 * file; -EBADF; -ENOENT if there is no such IOAS; the errors of
 * pages_open_file(); what a policy answers, or -EPROTO if that is outside its
 * contract; the errors of iopt_look() and iopt_map(); -EFAULT if the answer
 * cannot be written, which unmaps again.
 */
int ioas_map_file_ioctl(struct ucmd *ucmd)
{
	struct iommu_ioas_map_file __user *user = ucmd->ubuffer;
	struct iommu_ioas_map_file *cmd = ucmd->cmd;
	struct ioas *ioas;
	u64 end;
	int rc;

	rc = check_target(cmd->flags, 0, cmd->iova, cmd->length);
	if (rc)
		return rc;
	if (check_add_overflow(cmd->start, cmd->length, &end) || end > LLONG_MAX)
		return -EOVERFLOW;
	ioas = ioas_pin(ucmd->ictx, cmd->ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);

	CLASS(fd, f)(cmd->fd);
	rc = -EBADF;
	if (fd_file(f))
		rc = map_file(ucmd->ictx, ioas, cmd, fd_file(f));
	if (!rc)
		rc = respond_mapped(&user->iova, ioas, cmd->iova, cmd->length);
	trace_iommufd_map_file(ucmd->ictx->id, cmd, rc);
	object_unpin(ucmd->ictx, &ioas->obj);
	return rc;
}

static int copy_range(struct ucmd *ucmd, struct ioas *dst, struct ioas *src)
{
	struct iommu_ioas_copy __user *user = ucmd->ubuffer;
	struct iommu_ioas_copy *cmd = ucmd->cmd;
	struct iova_request where = {
		.length = cmd->length,
		.iova = cmd->dst_iova,
		.fixed = cmd->flags & IOMMU_IOAS_MAP_FIXED_IOVA,
		.op = IOMMUFD_POLICY_OP_IOAS_COPY,
	};
	int rc;

	rc = policy_copy(ucmd->ictx, cmd);
	if (rc)
		return rc;
	rc = iopt_copy(&dst->iopt, &src->iopt, cmd->src_iova, &where,
		       map_prot(cmd->flags));
	if (rc)
		return rc;
	cmd->dst_iova = where.iova;
	return respond_mapped(&user->dst_iova, dst, where.iova, cmd->length);
}

/**
 * ioas_copy_ioctl - IOMMU_IOAS_COPY
 * @ucmd: the ioctl
 *
 * Return: 0; -EOPNOTSUPP for unknown flags; -EOVERFLOW if a range leaves its
 * address space; -EINVAL if neither readable nor writable or of no length;
 * -ENOENT if there is no such IOAS or part of the source is not mapped; -EPERM
 * if the copy is to be writable and the memory was not mapped so; what a policy
 * answers, or -EPROTO if that is outside its contract; the errors of iopt_look()
 * and iopt_map(); -EFAULT if the answer cannot be written, which unmaps again.
 */
int ioas_copy_ioctl(struct ucmd *ucmd)
{
	struct iommu_ioas_copy *cmd = ucmd->cmd;
	struct ioas *dst, *src;
	u64 end;
	int rc;

	rc = check_target(cmd->flags, 0, cmd->dst_iova, cmd->length);
	if (rc)
		return rc;
	if (check_add_overflow(cmd->src_iova, cmd->length - 1, &end))
		return -EOVERFLOW;
	src = ioas_pin(ucmd->ictx, cmd->src_ioas_id);
	if (IS_ERR(src))
		return PTR_ERR(src);
	dst = ioas_pin(ucmd->ictx, cmd->dst_ioas_id);
	if (IS_ERR(dst)) {
		rc = PTR_ERR(dst);
		goto unpin_src;
	}

	rc = copy_range(ucmd, dst, src);
	trace_iommufd_copy(ucmd->ictx->id, cmd, rc);
	object_unpin(ucmd->ictx, &dst->obj);
unpin_src:
	object_unpin(ucmd->ictx, &src->obj);
	return rc;
}

/**
 * ioas_unmap_ioctl - IOMMU_IOAS_UNMAP
 * @ucmd: the ioctl
 *
 * IOVA 0 with length U64_MAX unmaps everything, also nothing.
 *
 * Return: 0; -EOVERFLOW if the range leaves the address space; -EINVAL if it is
 * empty; -ENOENT if there is no such IOAS, nothing is mapped in the range, or
 * it cuts a mapping; -EINTR on a fatal signal; -EFAULT.
 */
int ioas_unmap_ioctl(struct ucmd *ucmd)
{
	struct iommu_ioas_unmap __user *user = ucmd->ubuffer;
	struct iommu_ioas_unmap *cmd = ucmd->cmd;
	bool all = !cmd->iova && cmd->length == U64_MAX;
	unsigned long last = ULONG_MAX, unmapped = 0;
	struct ioas *ioas;
	int rc;

	if (!all) {
		if (cmd->iova >= ULONG_MAX || cmd->length >= ULONG_MAX)
			return -EOVERFLOW;
		if (!cmd->length)
			return -EINVAL;
		if (check_add_overflow(cmd->iova, cmd->length - 1, &last))
			return -EOVERFLOW;
	}
	ioas = ioas_pin(ucmd->ictx, cmd->ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);

	rc = iopt_unmap(&ioas->iopt, cmd->iova, last, &unmapped);
	if (!rc && !unmapped && !all)
		rc = -ENOENT;
	trace_iommufd_unmap(ucmd->ictx->id, cmd, unmapped, rc);
	if (unmapped)
		policy_unmap(ucmd->ictx, ioas->obj.id, cmd->iova, cmd->length,
			     unmapped, IOMMUFD_POLICY_OP_IOAS_UNMAP);
	object_unpin(ucmd->ictx, &ioas->obj);
	if (rc)
		return rc;
	return put_user(unmapped, &user->length);
}

/**
 * ioas_option_ioctl - IOMMU_OPTION with %IOMMU_OPTION_HUGE_PAGES
 * @ucmd: the ioctl
 *
 * Return: 0; -ENOENT; -EOPNOTSUPP for an unknown operation; -EINVAL for a
 * value other than 0 and 1; the errors of iopt_set_huge_pages().
 */
int ioas_option_ioctl(struct ucmd *ucmd)
{
	struct iommu_option *cmd = ucmd->cmd;
	struct ioas *ioas;
	int rc = 0;

	ioas = ioas_pin(ucmd->ictx, cmd->object_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	if (cmd->op == IOMMU_OPTION_OP_GET)
		cmd->val64 = READ_ONCE(ioas->iopt.huge_pages);
	else if (cmd->op != IOMMU_OPTION_OP_SET)
		rc = -EOPNOTSUPP;
	else if (cmd->val64 > 1)
		rc = -EINVAL;
	else
		rc = iopt_set_huge_pages(&ioas->iopt, cmd->val64);
	object_unpin(ucmd->ictx, &ioas->obj);
	return rc;
}

/**
 * ioas_show - a line for fdinfo
 * @obj: an IOAS, pinned
 * @seq: where to
 */
void ioas_show(struct object *obj, struct seq_file *seq)
{
	struct io_pagetable *iopt = &to_ioas(obj)->iopt;

	mutex_lock(&iopt->lock);
	seq_printf(seq, "iommufd-ioas:\t%u areas %lu bytes %lu\n", obj->id,
		   iopt->nr_areas, iopt->bytes);
	mutex_unlock(&iopt->lock);
}

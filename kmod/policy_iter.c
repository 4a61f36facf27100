// SPDX-License-Identifier: GPL-2.0-only
/*
 * Iterators for programs of who looks: contexts, their IOASes, and areas. Each
 * step finds its place anew, so that nothing is held between steps: what comes
 * or goes meanwhile is seen or not.
 */
#include <linux/btf.h>
#include <linux/cred.h>
#include <linux/iommu.h>
#include <linux/sched.h>

#include "account.h"
#include "area.h"
#include "contexts.h"
#include "ctx.h"
#include "ioas.h"
#include "pages.h"
#include "policy_kfuncs.h"

static_assert(sizeof(struct bpf_iter_iommufd_context) ==
	      IOMMUFD_POLICY_ITER_SIZE);
static_assert(sizeof(struct bpf_iter_iommufd_ioas) == IOMMUFD_POLICY_ITER_SIZE);
static_assert(sizeof(struct bpf_iter_iommufd_area) == IOMMUFD_POLICY_ITER_SIZE);

/* The next IOAS, pinned, or NULL. */
static struct ioas *next_ioas(struct iommufd_ctx *ictx, u32 after)
{
	unsigned long id = after;

	while (xa_find_after(&ictx->objects, &id, U32_MAX, XA_PRESENT)) {
		struct ioas *ioas = ioas_pin(ictx, id);

		if (!IS_ERR(ioas))
			return ioas;
	}
	return NULL;
}

static void describe_area(struct iommufd_policy_area *info,
			  const struct area *area, struct account_book *book)
{
	const struct account *account;

	info->iova = area->node.start;
	info->length = area_length(area);
	info->uptr = area->pages->uptr + area->offset;
	info->prot = 0;
	if (area->prot & IOMMU_READ)
		info->prot |= IOMMUFD_POLICY_PROT_READ;
	if (area->prot & IOMMU_WRITE)
		info->prot |= IOMMUFD_POLICY_PROT_WRITE;
	info->of_file = !!area->pages->file;
	/* Another process may be about to pay. */
	spin_lock(&book->lock);
	account = area->pages->account;
	info->uid = __kuid_val(account->user->uid);
	info->tgid = task_tgid_nr(account->task);
	spin_unlock(&book->lock);
}

/* Of an IOAS that is pinned; false if there is none behind it any more. */
static bool next_area(struct ioas *ioas, unsigned long iova,
		      struct iommufd_policy_area *info)
{
	struct io_pagetable *iopt = &ioas->iopt;
	struct iova_node *node;

	mutex_lock(&iopt->lock);
	node = iova_space_first(&iopt->space, iova, ULONG_MAX);
	while (node && node->blocked)
		node = iova_space_next(node, ULONG_MAX);
	if (node)
		describe_area(info, to_area(node), &ioas->ictx->book);
	mutex_unlock(&iopt->lock);
	return node;
}

__bpf_kfunc_start_defs();

/**
 * bpf_iter_iommufd_context_new - begin a walk over all contexts
 * @it: the iterator
 *
 * It is a walk over those there are now: it ends, however fast others are opened.
 *
 * Return: 0.
 */
__bpf_kfunc int bpf_iter_iommufd_context_new(struct bpf_iter_iommufd_context *it)
{
	memset(it, 0, sizeof(*it));
	it->last = contexts_newest();
	return 0;
}

/**
 * bpf_iter_iommufd_context_next - the next context, by id
 * @it: the iterator
 *
 * Return: what there is to know of it, until the next call, or NULL.
 */
__bpf_kfunc struct iommufd_policy_context *
bpf_iter_iommufd_context_next(struct bpf_iter_iommufd_context *it)
{
	struct iommufd_ctx *ictx;

	mutex_lock(&contexts_lock);
	ictx = contexts_next(it->info.ctx_id, it->last);
	if (ictx) {
		struct account_sum sum = account_book_sum(&ictx->book);

		it->info.ctx_id = ictx->id;
		it->info.opener_uid = ictx->opener_uid;
		it->info.pinned = sum.pinned;
		it->info.charged = sum.charged;
	}
	mutex_unlock(&contexts_lock);
	return ictx ? &it->info : NULL;
}

/**
 * bpf_iter_iommufd_context_destroy - end a walk
 * @it: the iterator
 */
__bpf_kfunc void
bpf_iter_iommufd_context_destroy(struct bpf_iter_iommufd_context *it)
{
}

/**
 * bpf_iter_iommufd_ioas_new - begin a walk over the IOASes of a context
 * @it: the iterator
 * @ctx_id: the context; one that does not exist has none
 *
 * Return: 0.
 */
__bpf_kfunc int bpf_iter_iommufd_ioas_new(struct bpf_iter_iommufd_ioas *it,
					  u64 ctx_id)
{
	memset(it, 0, sizeof(*it));
	it->ctx_id = ctx_id;
	return 0;
}

/**
 * bpf_iter_iommufd_ioas_next - the next IOAS, by id
 * @it: the iterator
 *
 * Return: what there is to know of it, until the next call, or NULL.
 */
__bpf_kfunc struct iommufd_policy_ioas *
bpf_iter_iommufd_ioas_next(struct bpf_iter_iommufd_ioas *it)
{
	struct iommufd_ctx *ictx;
	struct ioas *ioas = NULL;

	mutex_lock(&contexts_lock);
	ictx = contexts_find(it->ctx_id);
	if (ictx)
		ioas = next_ioas(ictx, it->info.ioas_id);
	if (ioas) {
		it->info.ioas_id = ioas->obj.id;
		mutex_lock(&ioas->iopt.lock);
		it->info.areas = ioas->iopt.nr_areas;
		it->info.bytes = ioas->iopt.bytes;
		it->info.domains = ioas->iopt.nr_domains;
		mutex_unlock(&ioas->iopt.lock);
		object_unpin(ictx, &ioas->obj);
	}
	mutex_unlock(&contexts_lock);
	return ioas ? &it->info : NULL;
}

/**
 * bpf_iter_iommufd_ioas_destroy - end a walk
 * @it: the iterator
 */
__bpf_kfunc void bpf_iter_iommufd_ioas_destroy(struct bpf_iter_iommufd_ioas *it)
{
}

/**
 * bpf_iter_iommufd_area_new - begin a walk over the areas of an IOAS
 * @it: the iterator
 * @ctx_id: the context
 * @ioas_id: object id of the IOAS; one that does not exist has no areas
 *
 * Return: 0.
 */
__bpf_kfunc int bpf_iter_iommufd_area_new(struct bpf_iter_iommufd_area *it,
					  u64 ctx_id, u32 ioas_id)
{
	memset(it, 0, sizeof(*it));
	it->ctx_id = ctx_id;
	it->ioas_id = ioas_id;
	return 0;
}

/**
 * bpf_iter_iommufd_area_next - the next area, by address
 * @it: the iterator
 *
 * Return: what there is to know of it, until the next call, or NULL.
 */
__bpf_kfunc struct iommufd_policy_area *
bpf_iter_iommufd_area_next(struct bpf_iter_iommufd_area *it)
{
	u64 iova = it->info.iova + it->info.length;
	struct ioas *ioas = ERR_PTR(-ENOENT);
	struct iommufd_ctx *ictx;
	bool found = false;

	/* The last one reached up to the last address. */
	if (it->info.length && !iova)
		return NULL;
	mutex_lock(&contexts_lock);
	ictx = contexts_find(it->ctx_id);
	if (ictx)
		ioas = ioas_pin(ictx, it->ioas_id);
	if (!IS_ERR(ioas)) {
		found = next_area(ioas, iova, &it->info);
		object_unpin(ictx, &ioas->obj);
	}
	mutex_unlock(&contexts_lock);
	return found ? &it->info : NULL;
}

/**
 * bpf_iter_iommufd_area_destroy - end a walk
 * @it: the iterator
 */
__bpf_kfunc void bpf_iter_iommufd_area_destroy(struct bpf_iter_iommufd_area *it)
{
}

__bpf_kfunc_end_defs();

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Iterators for programs of who looks: contexts, who pins through them, their
 * IOASes, areas, and the ranges that are reserved or allowed. Each
 * step finds its place anew, so that nothing is held between steps: what comes
 * or goes meanwhile is seen or not. A walk where nothing may sleep is empty.
 */
#include <linux/btf.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "account.h"
#include "area.h"
#include "contexts.h"
#include "ctx.h"
#include "ioas.h"
#include "iopt_reserve.h"
#include "pages.h"
#include "policy_kfuncs.h"

static_assert(sizeof(struct bpf_iter_iommufd_context) ==
	      IOMMUFD_POLICY_ITER_SIZE);
static_assert(sizeof(struct bpf_iter_iommufd_account) ==
	      IOMMUFD_POLICY_ITER_SIZE);
static_assert(sizeof(struct bpf_iter_iommufd_ioas) == IOMMUFD_POLICY_ITER_SIZE);
static_assert(sizeof(struct bpf_iter_iommufd_area) == IOMMUFD_POLICY_ITER_SIZE);
static_assert(sizeof(struct bpf_iter_iommufd_range) == IOMMUFD_POLICY_ITER_SIZE);
static_assert(IOMMUFD_POLICY_LIMIT_USER == (u32)ACCOUNT_USER);
static_assert(IOMMUFD_POLICY_LIMIT_PROCESS == (u32)ACCOUNT_PROCESS);
static_assert(IOMMUFD_POLICY_LIMIT_NONE == (u32)ACCOUNT_EXEMPT);

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

static u64 account_cgroup(const struct account *account)
{
	guard(rcu)();
	return cgroup_id(task_dfl_cgroup(account->task));
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
	info->limit_kind = area->pages->mode;
	info->shared = refcount_read(&area->pages->refs) > 1;
	/* Another process may be about to pay. */
	spin_lock(&book->lock);
	account = area->pages->account;
	info->uid = __kuid_val(account->user->uid);
	info->tgid = task_tgid_nr(account->task);
	info->cgroup_id = account_cgroup(account);
	spin_unlock(&book->lock);
}

static unsigned long count_pinned(const struct pages *pages,
				  unsigned long first, unsigned long last)
{
	unsigned long npages = last - first + 1, gap = first, gap_last;

	lockdep_assert_held(&pages->lock);
	if (pages->whole)
		return npages;
	while (uses_next_gap(&pages->uses, &gap, last, &gap_last)) {
		npages -= gap_last - gap + 1;
		if (gap_last == last)
			break;
		gap = gap_last + 1;
		cond_resched();
	}
	return npages;
}

/* Its flags say it, which do not change while it is pinned. */
static u32 page_kind(struct page *page)
{
	struct folio *folio = page_folio(page);

	if (folio_test_hugetlb(folio))
		return IOMMUFD_POLICY_MEM_HUGETLB;
	if (folio_test_anon(folio))
		return IOMMUFD_POLICY_MEM_ANON;
	return folio_test_swapbacked(folio) ? IOMMUFD_POLICY_MEM_SHMEM :
					      IOMMUFD_POLICY_MEM_FILE;
}

/*
 * Who pins the memory has the lock for as long as its page faults take, which is
 * not waited for.
 */
static void describe_pages(struct iommufd_policy_area *info,
			   struct pages *pages, unsigned long first,
			   unsigned long last)
{
	struct page *page;

	info->mem = 0;
	info->paid = READ_ONCE(pages->billed);
	if (!mutex_trylock(&pages->lock)) {
		info->pinned = READ_ONCE(pages->whole) ? last - first + 1 : 0;
		return;
	}
	info->pinned = count_pinned(pages, first, last);
	if (pages->whole || uses_cover(&pages->uses, first, first)) {
		pages_list(pages, first, first, &page);
		info->mem = page_kind(page);
	}
	mutex_unlock(&pages->lock);
}

/* Of an IOAS that is pinned; false if there is none behind it any more. */
static bool next_area(struct ioas *ioas, unsigned long iova,
		      struct iommufd_policy_area *info)
{
	struct io_pagetable *iopt = &ioas->iopt;
	unsigned long first, last;
	struct iova_node *node;
	struct pages *pages;

	mutex_lock(&iopt->lock);
	node = iova_space_first(&iopt->space, iova, ULONG_MAX);
	while (node && node->blocked)
		node = iova_space_next(node, ULONG_MAX);
	if (!node) {
		mutex_unlock(&iopt->lock);
		return false;
	}
	describe_area(info, to_area(node), &ioas->ictx->book);
	first = area_first_page(to_area(node));
	last = area_last_page(to_area(node));
	pages = to_area(node)->pages;
	refcount_inc(&pages->refs);
	mutex_unlock(&iopt->lock);

	describe_pages(info, pages, first, last);
	pages_put(pages);
	return true;
}

/* Likewise; first those that are reserved, then those that are allowed. */
static bool next_range(struct ioas *ioas, struct iommufd_policy_range *info)
{
	struct io_pagetable *iopt = &ioas->iopt;
	struct iommu_iova_range range;
	u64 from = info->kind ? info->last + 1 : 0;
	bool found = false;

	mutex_lock(&iopt->lock);
	if (info->kind != IOMMUFD_POLICY_RANGE_ALLOWED) {
		/* The last one reached up to the last address. */
		found = (from || !info->kind) &&
			iopt_next_reserved(iopt, from, &range);
		info->kind = IOMMUFD_POLICY_RANGE_RESERVED;
	}
	if (!found) {
		if (info->kind == IOMMUFD_POLICY_RANGE_RESERVED)
			found = iopt_next_allowed(iopt, 0, &range);
		else if (from)
			found = iopt_next_allowed(iopt, from, &range);
		info->kind = IOMMUFD_POLICY_RANGE_ALLOWED;
	}
	mutex_unlock(&iopt->lock);
	if (found) {
		info->start = range.start;
		info->last = range.last;
	}
	return found;
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

	if (!kfunc_may_sleep())
		return NULL;
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
 * bpf_iter_iommufd_account_new - begin a walk over who pins through a context
 * @it: the iterator
 * @ctx_id: the context; one that does not exist has nobody
 *
 * Return: 0.
 */
__bpf_kfunc int bpf_iter_iommufd_account_new(struct bpf_iter_iommufd_account *it,
					     u64 ctx_id)
{
	memset(it, 0, sizeof(*it));
	it->ctx_id = ctx_id;
	it->info.id = U64_MAX;
	return 0;
}

/**
 * bpf_iter_iommufd_account_next - the next one, the latest first
 * @it: the iterator
 *
 * Return: what there is to know of it, until the next call, or NULL.
 */
__bpf_kfunc struct iommufd_policy_account *
bpf_iter_iommufd_account_next(struct bpf_iter_iommufd_account *it)
{
	struct account *account = NULL;
	struct iommufd_ctx *ictx;

	if (!kfunc_may_sleep())
		return NULL;
	mutex_lock(&contexts_lock);
	ictx = contexts_find(it->ctx_id);
	if (ictx) {
		spin_lock(&ictx->book.lock);
		account = account_next(&ictx->book, it->info.id);
		if (account) {
			it->info.id = account->id;
			it->info.cgroup_id = account_cgroup(account);
			it->info.pinned = atomic_long_read(&account->pinned);
			it->info.charged = atomic_long_read(&account->charged);
			it->info.uid = __kuid_val(account->user->uid);
			it->info.tgid = task_tgid_nr(account->task);
		}
		spin_unlock(&ictx->book.lock);
	}
	mutex_unlock(&contexts_lock);
	return account ? &it->info : NULL;
}

/**
 * bpf_iter_iommufd_account_destroy - end a walk
 * @it: the iterator
 */
__bpf_kfunc void
bpf_iter_iommufd_account_destroy(struct bpf_iter_iommufd_account *it)
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

	if (!kfunc_may_sleep())
		return NULL;
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
	if (!kfunc_may_sleep())
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

/**
 * bpf_iter_iommufd_range_new - begin a walk over what an IOAS keeps addresses for
 * @it: the iterator
 * @ctx_id: the context
 * @ioas_id: object id of the IOAS; one that does not exist has no ranges
 *
 * Return: 0.
 */
__bpf_kfunc int bpf_iter_iommufd_range_new(struct bpf_iter_iommufd_range *it,
					   u64 ctx_id, u32 ioas_id)
{
	memset(it, 0, sizeof(*it));
	it->ctx_id = ctx_id;
	it->ioas_id = ioas_id;
	return 0;
}

/**
 * bpf_iter_iommufd_range_next - the next range: reserved ones by address, then
 *	allowed ones by address
 * @it: the iterator
 *
 * Return: what there is to know of it, until the next call, or NULL.
 */
__bpf_kfunc struct iommufd_policy_range *
bpf_iter_iommufd_range_next(struct bpf_iter_iommufd_range *it)
{
	struct ioas *ioas = ERR_PTR(-ENOENT);
	struct iommufd_ctx *ictx;
	bool found = false;

	if (!kfunc_may_sleep())
		return NULL;
	mutex_lock(&contexts_lock);
	ictx = contexts_find(it->ctx_id);
	if (ictx)
		ioas = ioas_pin(ictx, it->ioas_id);
	if (!IS_ERR(ioas)) {
		found = next_range(ioas, &it->info);
		object_unpin(ictx, &ioas->obj);
	}
	mutex_unlock(&contexts_lock);
	return found ? &it->info : NULL;
}

/**
 * bpf_iter_iommufd_range_destroy - end a walk
 * @it: the iterator
 */
__bpf_kfunc void
bpf_iter_iommufd_range_destroy(struct bpf_iter_iommufd_range *it)
{
}

__bpf_kfunc_end_defs();

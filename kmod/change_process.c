// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU_IOAS_CHANGE_PROCESS: a context has been handed to another process, which
 * is to pay for its memory from now on.
 */
#include <linux/err.h>
#include <linux/xarray.h>

#include "account.h"
#include "area.h"
#include "change_process.h"
#include "compat/uapi.h"
#include "ctx.h"
#include "ioas.h"
#include "pages.h"
#include "policy.h"
#include "policy_purse.h"

/* Remember the memory of an IOAS, each once, with a reference. */
static int collect(struct io_pagetable *iopt, struct xarray *found)
{
	struct iova_node *node;
	unsigned long i = 0;
	int rc = 0;

	mutex_lock(&iopt->lock);
	for (node = iova_space_first(&iopt->space, 0, ULONG_MAX); node && !rc;
	     node = iova_space_next(node, ULONG_MAX)) {
		struct pages *pages;

		iopt_resched(i++);
		if (node->blocked)
			continue;
		pages = to_area(node)->pages;
		if (!pages->file) {
			rc = -EINVAL;
			break;
		}
		rc = xa_insert(found, (unsigned long)pages / sizeof(*pages),
			       pages, GFP_KERNEL_ACCOUNT);
		if (!rc)
			refcount_inc(&pages->refs);
		else if (rc == -EBUSY)
			rc = 0;
	}
	mutex_unlock(&iopt->lock);
	return rc;
}

static int collect_all(struct iommufd_ctx *ictx, struct xarray *found)
{
	struct object *obj;
	unsigned long id;
	int rc = 0;

	xa_for_each(&ictx->objects, id, obj) {
		obj = object_pin(ictx, id, OBJECT_IOAS);
		if (IS_ERR(obj))
			continue;
		rc = collect(&to_ioas(obj)->iopt, found);
		object_unpin(ictx, obj);
		if (rc)
			break;
	}
	return rc;
}

/* Policies are asked to pay once, however much memory there is. */
static int pay_for_all(struct offer *offers, unsigned long nr,
		       struct purse *purse, struct policy_reason *reason)
{
	struct charge charge;
	unsigned long i;
	int rc = 0;

	purse_init(purse);
	for (i = 0; i < nr && !rc; i++) {
		rc = pages_to_offer(&offers[i], &charge);
		if (!rc)
			rc = purse_expect(purse, &charge);
	}
	return rc ?: purse_fill(purse, reason);
}

/* Everything to the account, or nothing. */
static int hand_over(struct offer *offers, unsigned long nr)
{
	struct policy_reason reason = {
		.op = IOMMUFD_POLICY_OP_CHANGE_PROCESS,
	};
	struct purse purse;
	unsigned long i = 0;
	int rc;

	rc = pay_for_all(offers, nr, &purse, &reason);
	while (!rc && i < nr) {
		rc = pages_offer(&offers[i], &reason);
		if (!rc)
			i++;
	}
	while (i--) {
		if (rc)
			pages_withdraw(&offers[i]);
		else
			pages_accept(&offers[i]);
	}
	purse_close(&purse);
	return rc;
}

static int hand_over_all(struct xarray *found, struct account *account)
{
	unsigned long index, nr = 0, i = 0;
	struct offer *offers;
	struct pages *pages;
	int rc;

	xa_for_each(found, index, pages)
		iopt_resched(nr++);
	if (!nr)
		return 0;
	offers = kvcalloc(nr, sizeof(*offers), GFP_KERNEL_ACCOUNT);
	if (!offers)
		return -ENOMEM;
	xa_for_each(found, index, pages) {
		offers[i].pages = pages;
		offers[i].to = account;
		iopt_resched(i++);
	}
	rc = hand_over(offers, nr);
	kvfree(offers);
	return rc;
}

static int change_process(struct iommufd_ctx *ictx, struct account *account)
{
	unsigned long index;
	struct pages *pages;
	struct xarray found;
	int rc;

	xa_init_flags(&found, XA_FLAGS_ACCOUNT);
	rc = collect_all(ictx, &found);
	if (!rc)
		rc = hand_over_all(&found, account);
	xa_for_each(&found, index, pages) {
		pages_put(pages);
		cond_resched();
	}
	xa_destroy(&found);
	return rc;
}

/**
 * ioas_change_process_ioctl - IOMMU_IOAS_CHANGE_PROCESS
 * @ucmd: the ioctl
 *
 * What is pinned is charged to the calling process instead of whoever mapped it.
 * Memory that is mapped or unmapped at the same time is charged to either;
 * requests that want to pin more of what is being handed over wait.
 *
 * Return: 0; -EOPNOTSUPP for nonzero reserved fields; -EINVAL if memory of an
 * address space is mapped, for which another process cannot stand in; -ENOMEM
 * if RLIMIT_MEMLOCK of the caller would be exceeded; what a policy that is to
 * pay answers, or -EPROTO if that is outside its contract; -EINTR on a fatal
 * signal. A failure changes nothing.
 */
int ioas_change_process_ioctl(struct ucmd *ucmd)
{
	struct iommu_ioas_change_process *cmd = ucmd->cmd;
	struct account *account;
	int rc;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	account = account_get_current(&ucmd->ictx->book);
	if (IS_ERR(account))
		return PTR_ERR(account);
	rc = mutex_lock_killable(&account->book->handover);
	if (rc)
		goto put;
	rc = change_process(ucmd->ictx, account);
	mutex_unlock(&account->book->handover);
put:
	account_put(account);
	return rc;
}

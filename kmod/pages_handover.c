// SPDX-License-Identifier: GPL-2.0-only
/* Memory that another process pays for from now on: offered, then accepted. */
#include <linux/mm.h>

#include "account.h"
#include "pages.h"
#include "policy.h"
#include "policy_purse.h"
#include "trace.h"

static void describe_offer(const struct offer *offer, struct charge *charge)
{
	const struct pages *pages = offer->pages;

	lockdep_assert_held(&pages->lock);
	charge->account = offer->to;
	charge->mode = pages->mode;
	charge->npages = pages->account == offer->to ? 0 : pages_count_pinned(pages);
	charge->asked = charge->npages;
	charge->limited = !account_same_payer(pages->account, offer->to,
					      pages->mode);
}

/**
 * pages_to_offer - count what another process would have to pay for
 * @offer: @pages and @to are set
 * @charge: out: all but the reason; 0 pages: nothing
 *
 * Return: 0, or -EINTR on a fatal signal.
 */
int pages_to_offer(struct offer *offer, struct charge *charge)
{
	int rc = mutex_lock_killable(&offer->pages->lock);

	if (rc)
		return rc;
	describe_offer(offer, charge);
	mutex_unlock(&offer->pages->lock);
	return 0;
}

/**
 * pages_offer - charge another process for pages, beside the one that has paid
 * @offer: @pages and @to are set
 * @reason: which request
 *
 * pages_accept() or pages_withdraw() comes next. Until then no more of the pages
 * are pinned: requests that want to wait for account_book.handover.
 *
 * Context: account_book.handover is held.
 * Return: 0; -ENOMEM if RLIMIT_MEMLOCK would be exceeded; what a policy answers,
 * or -EPROTO if that is outside its contract; -EINTR on a fatal signal.
 */
int pages_offer(struct offer *offer, const struct policy_reason *reason)
{
	struct charge charge = { .reason = reason };
	struct pages *pages = offer->pages;
	int rc;

	lockdep_assert_held(&offer->to->book->handover);
	rc = mutex_lock_killable(&pages->lock);
	if (rc)
		return rc;
	describe_offer(offer, &charge);
	if (charge.npages) {
		rc = purse_charge(&charge, &offer->bill);
		trace_iommufd_charge(offer->to, charge.npages, rc);
	}
	if (!rc) {
		offer->npages = charge.npages;
		pages->offered = true;
	}
	mutex_unlock(&pages->lock);
	return rc;
}

/**
 * pages_withdraw - undo pages_offer()
 * @offer: what was offered
 */
void pages_withdraw(struct offer *offer)
{
	struct pages *pages = offer->pages;

	mutex_lock(&pages->lock);
	pages->offered = false;
	mutex_unlock(&pages->lock);
	if (!offer->npages)
		return;
	trace_iommufd_uncharge(offer->to, offer->npages, 0);
	if (offer->bill)
		policy_cancel(offer->bill);
	else
		account_uncharge(offer->to, pages->mode, offer->npages);
}

static void set_account(struct pages *pages, struct account *account)
{
	struct account *old = pages->account;

	refcount_inc(&account->refs);
	/* Observers read it under this lock; that of the pages is held for long. */
	spin_lock(&account->book->lock);
	pages->account = account;
	spin_unlock(&account->book->lock);
	account_put(old);
}

/**
 * pages_accept - let another process pay from now on, instead of the one before
 * @offer: what was offered
 */
void pages_accept(struct offer *offer)
{
	struct pages *pages = offer->pages;
	unsigned long nr;

	mutex_lock(&pages->lock);
	pages->offered = false;
	nr = pages->account == offer->to ? 0 : pages_count_pinned(pages);
	if (nr)
		pages_uncharge(pages, nr);
	set_account(pages, offer->to);
	if (offer->bill)
		policy_push_bill(pages, offer->bill);
	/* Some may have been unpinned since. */
	if (!WARN_ON(nr > offer->npages) && nr < offer->npages)
		pages_uncharge(pages, offer->npages - nr);
	mutex_unlock(&pages->lock);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a request is going to pin, paid for at once.
 *
 * Policies are asked once for a request, and it may pin memory that was mapped
 * in pieces, as the attach of the first device does. What it is going to pin is
 * counted first, each page once; then the policies are asked, for each process
 * that pays; and then each piece takes its part out of the purse. What others
 * pin or unpin meanwhile makes the sum wrong: who needs more than there is asks
 * by himself, and what is left is given back.
 */
#include <linux/slab.h>

#include "account.h"
#include "pages.h"
#include "policy.h"
#include "policy_purse.h"

/**
 * struct want - memory that is going to be pinned
 * @pages: the memory; a reference is held
 * @ranges: which pages
 */
struct want {
	struct pages *pages;
	struct uses ranges;
};

/**
 * struct share - what one process has paid
 * @entry: in purse.shares
 * @charge: what for; a reference to the account is held; npages are those left
 * @bill: what policies have paid of them, or NULL
 */
struct share {
	struct list_head entry;
	struct charge charge;
	struct bill *bill;
};

/**
 * purse_init - an empty purse
 * @purse: to initialise
 */
void purse_init(struct purse *purse)
{
	xa_init_flags(&purse->wants, XA_FLAGS_ACCOUNT);
	INIT_LIST_HEAD(&purse->shares);
}

static struct want *find_want(struct purse *purse, struct pages *pages)
{
	unsigned long index = (unsigned long)pages / sizeof(*pages);
	struct want *want = xa_load(&purse->wants, index);
	int rc;

	if (want)
		return want;
	want = kmalloc(sizeof(*want), GFP_KERNEL_ACCOUNT);
	if (!want)
		return NULL;
	rc = xa_insert(&purse->wants, index, want, GFP_KERNEL_ACCOUNT);
	if (rc) {
		kfree(want);
		return NULL;
	}
	refcount_inc(&pages->refs);
	want->pages = pages;
	uses_init(&want->ranges);
	return want;
}

/**
 * purse_want - some pages are going to be pinned
 * @purse: the purse
 * @pages: the memory
 * @first: first page
 * @last: last page
 *
 * Return: 0, or -ENOMEM.
 */
int purse_want(struct purse *purse, struct pages *pages, unsigned long first,
	       unsigned long last)
{
	struct want *want = find_want(purse, pages);

	if (!want)
		return -ENOMEM;
	return uses_add(&want->ranges, first, last);
}

static struct share *find_share(struct purse *purse,
				const struct charge *charge)
{
	struct share *share;

	list_for_each_entry(share, &purse->shares, entry)
		if (share->charge.account == charge->account &&
		    share->charge.mode == charge->mode &&
		    share->charge.limited == charge->limited)
			return share;
	return NULL;
}

/**
 * purse_expect - somebody will have to pay
 * @purse: the purse
 * @charge: for what; the reason is not looked at
 *
 * Return: 0, or -ENOMEM.
 */
int purse_expect(struct purse *purse, const struct charge *charge)
{
	struct share *share = find_share(purse, charge);

	if (!charge->npages)
		return 0;
	if (!share) {
		share = kzalloc(sizeof(*share), GFP_KERNEL_ACCOUNT);
		if (!share)
			return -ENOMEM;
		share->charge.account = charge->account;
		share->charge.mode = charge->mode;
		share->charge.limited = charge->limited;
		refcount_inc(&charge->account->refs);
		list_add_tail(&share->entry, &purse->shares);
	}
	share->charge.npages += charge->npages;
	share->charge.asked += charge->asked;
	return 0;
}

static int expect_want(struct purse *purse, const struct want *want)
{
	struct charge charge = { .limited = true };
	int rc = pages_missing(want->pages, &want->ranges, &charge);

	if (rc)
		return rc;
	rc = purse_expect(purse, &charge);
	account_put(charge.account);
	return rc;
}

static int check_wants(struct purse *purse)
{
	unsigned long index;
	struct want *want;
	int rc = 0;

	xa_for_each(&purse->wants, index, want) {
		rc = pages_check_missing(want->pages, &want->ranges);
		if (rc)
			break;
	}
	return rc;
}

/**
 * purse_fill - let everybody pay
 * @purse: knows all that is wanted
 * @reason: which request; gets the purse
 *
 * Context: may sleep; waits for whoever pins the same memory.
 * Return: 0; -ENOMEM; -EINTR on a fatal signal; the errors of policy_charge(), or
 * -EFAULT instead of them if some of what is wanted cannot be pinned.
 */
int purse_fill(struct purse *purse, struct policy_reason *reason)
{
	struct share *share;
	unsigned long index;
	struct want *want;
	int rc = 0;

	xa_for_each(&purse->wants, index, want) {
		rc = expect_want(purse, want);
		if (rc)
			break;
	}
	list_for_each_entry(share, &purse->shares, entry) {
		share->charge.reason = reason;
		if (!rc)
			rc = policy_charge(&share->charge, &share->bill);
		if (rc)
			share->charge.npages = 0;
	}
	reason->purse = purse;
	if (!rc || rc == -EINTR)
		return rc;
	/* That nothing could be pinned somewhere comes first. */
	return check_wants(purse) ?: rc;
}

/**
 * purse_charge - pay, out of the purse of the request if it has one
 * @charge: what for
 * @bill: out: as of policy_charge()
 *
 * Return: the errors of policy_charge().
 */
int purse_charge(const struct charge *charge, struct bill **bill)
{
	struct purse *purse = charge->reason->purse;
	struct share *share = purse ? find_share(purse, charge) : NULL;

	if (!share || share->charge.npages < charge->npages)
		return policy_charge(charge, bill);
	*bill = share->bill;
	if (share->charge.npages == charge->npages) {
		share->bill = NULL;
	} else if (share->bill) {
		*bill = policy_split_bill(share->bill, charge->npages);
		if (!*bill)
			return -ENOMEM;
	}
	share->charge.npages -= charge->npages;
	return 0;
}

/**
 * purse_close - give back what nobody has taken
 * @purse: gone afterwards
 */
void purse_close(struct purse *purse)
{
	struct share *share, *tmp;
	unsigned long index;
	struct want *want;

	list_for_each_entry_safe(share, tmp, &purse->shares, entry) {
		if (share->bill)
			policy_cancel(share->bill);
		else if (share->charge.npages)
			account_uncharge(share->charge.account,
					 share->charge.mode,
					 share->charge.npages);
		account_put(share->charge.account);
		kfree(share);
	}
	xa_for_each(&purse->wants, index, want) {
		uses_clear(&want->ranges);
		pages_put(want->pages);
		kfree(want);
		cond_resched();
	}
	xa_destroy(&purse->wants);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who pays for pinned pages, if not the built-in accounting alone.
 *
 * A bill says for how many pages of one memory object which policies have paid.
 * A policy is uncharged as its bills are used up, the latest first. Policies come
 * and go while bills are open: what one that goes had paid for moves to the
 * built-in accounting, which counts it and cannot refuse.
 */
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "account.h"
#include "ctx.h"
#include "pages.h"
#include "policy.h"
#include "policy_walk.h"

/**
 * struct payer - a policy that has paid a bill
 * @entry: in policy->payers, while it has @policy
 * @earlier: who has paid before it
 * @bill: the bill
 * @policy: NULL when that has gone
 * @exceeds: it has taken the pages off RLIMIT_MEMLOCK
 */
struct payer {
	struct list_head entry;
	struct payer *earlier;
	struct bill *bill;
	struct policy *policy;
	bool exceeds;
};

/**
 * struct bill - what policies have paid for
 * @node: in account_book.bills, by @pages, unless there is a later one of those
 * @earlier: of the same pages
 * @pages: what for; NULL before that is known
 * @account: who pays besides; of @pages
 * @mode: how, without policies
 * @who: who pays, as the policies were told
 * @npages: how many are left
 * @exceeding: payers that have taken them off RLIMIT_MEMLOCK
 * @counted: how the built-in accounting counts them
 * @settled: it does so already
 * @last: who has paid last
 */
struct bill {
	struct rb_node node;
	struct bill *earlier;
	const struct pages *pages;
	struct account *account;
	enum account_mode mode;
	struct iommufd_policy_who who;
	unsigned long npages;
	unsigned int exceeding;
	enum account_mode counted;
	bool settled;
	struct payer *last;
};

/* For policy.payers, and for payers and bills that are in use. */
static DEFINE_SPINLOCK(ledger_lock);

/* Let the built-in accounting count what no policy takes off it any more. */
static void move_bill(struct bill *bill)
{
	lockdep_assert_held(&ledger_lock);
	if (!bill->settled || bill->exceeding || bill->counted == bill->mode)
		return;
	bill->counted = bill->mode;
	account_count(bill->account, bill->mode, bill->npages);
}

static void unlink_payer(struct payer *payer)
{
	lockdep_assert_held(&ledger_lock);
	list_del(&payer->entry);
	atomic_long_sub(payer->bill->npages, &payer->policy->paid);
	payer->policy = NULL;
	payer->bill->exceeding -= payer->exceeds;
}

/*
 * Take pages off a bill, at most as many as it has, and tell how the built-in
 * accounting has counted them.
 */
static unsigned long take_pages(struct bill *bill, unsigned long npages,
				enum account_mode *counted)
{
	struct payer *payer;

	spin_lock(&ledger_lock);
	npages = min(npages, bill->npages);
	bill->npages -= npages;
	*counted = bill->counted;
	for (payer = bill->last; payer; payer = payer->earlier)
		if (payer->policy)
			atomic_long_sub(npages, &payer->policy->paid);
	spin_unlock(&ledger_lock);
	return npages;
}

/* Under policy_srcu, so that the policy stays; NULL if it has gone. */
static struct policy *payer_policy(const struct payer *payer)
{
	struct policy *policy;

	spin_lock(&ledger_lock);
	policy = payer->policy;
	spin_unlock(&ledger_lock);
	return policy;
}

/* Tell those who have paid, the last one first, of pages taken off the bill. */
static void refund(const struct bill *bill, unsigned long npages)
{
	struct question q = {
		.hook = POLICY_UNCHARGE,
		.uncharge = { .who = bill->who, .pages = npages },
	};
	struct payer *payer;
	int idx;

	idx = srcu_read_lock(&policy_srcu);
	for (payer = bill->last; payer; payer = payer->earlier) {
		q.policy = payer_policy(payer);
		if (!q.policy || !policy_decides(q.policy))
			continue;
		q.ops = srcu_dereference(q.policy->ops, &policy_srcu);
		if (!q.ops->uncharge)
			continue;
		q.ops->uncharge(&q.uncharge);
		policy_told(&q, POLICY_UNCHARGE);
	}
	srcu_read_unlock(&policy_srcu, idx);
}

static void free_payers(struct payer *payer)
{
	while (payer) {
		struct payer *earlier = payer->earlier;

		kfree(payer);
		payer = earlier;
	}
}

/* It is in no book, and nobody is left to be told. */
static void bill_free(struct bill *bill)
{
	struct payer *payer;

	spin_lock(&ledger_lock);
	for (payer = bill->last; payer; payer = payer->earlier)
		if (payer->policy)
			unlink_payer(payer);
	spin_unlock(&ledger_lock);
	free_payers(bill->last);
	kfree(bill);
}

/* Its hook has said that it pays; under policy_srcu, or it could be gone. */
static void add_payer(struct bill *bill, struct payer *payer,
		      const struct question *q)
{
	payer->bill = bill;
	payer->policy = q->policy;
	payer->exceeds = q->ops->flags & IOMMUFD_POLICY_F_EXCEED_RLIMIT &&
			 !READ_ONCE(q->policy->audit);
	payer->earlier = bill->last;
	bill->last = payer;
	spin_lock(&ledger_lock);
	list_add(&payer->entry, &q->policy->payers);
	bill->exceeding += payer->exceeds;
	spin_unlock(&ledger_lock);
}

/**
 * charge_ask_one - ask one policy to pay
 * @q: the question
 *
 * Return: 0 if it has, or has no part in it; -ENOMEM; else see policy_judge().
 */
int charge_ask_one(struct question *q)
{
	struct payer *payer;
	int answer, rc;

	if (!q->ops->charge)
		return 0;
	payer = kmalloc(sizeof(*payer), GFP_KERNEL_ACCOUNT);
	if (!payer)
		return -ENOMEM;
	/* Whoever is asked meanwhile, and whatever takes its place, sees it. */
	q->charge.paid = atomic_long_add_return(q->bill->npages,
						&q->policy->paid);
	answer = q->ops->charge(&q->charge);
	rc = policy_judge(q, POLICY_CHARGE, answer,
			  answer > IOMMUFD_POLICY_DECLINE ? POLICY_UNKNOWN :
							    NULL);
	if (!rc && answer == IOMMUFD_POLICY_PAY && !q->reported) {
		add_payer(q->bill, payer, q);
	} else {
		atomic_long_sub(q->bill->npages, &q->policy->paid);
		kfree(payer);
	}
	return rc;
}

/* The process that has mapped the memory pays, wherever it is now. */
static void fill_charge(struct question *q, const struct charge *charge)
{
	struct account *account = charge->account;
	unsigned long limit, charged;

	question_of_task(q, POLICY_CHARGE,
			 container_of(account->book, struct iommufd_ctx, book),
			 account->task, account->user->uid);
	limit = account_limit(account, charge->mode, &charged);
	q->charge.pages = charge->npages;
	q->charge.asked = charge->asked;
	q->charge.pinned = atomic_long_read(&account->pinned);
	q->charge.charged = charged;
	q->charge.limit = limit == ULONG_MAX ? U64_MAX : limit;
	q->charge.op = charge->reason->op;
	q->charge.ioas_id = charge->reason->ioas_id;
	q->charge.limit_kind = charge->mode;
}

static int by_pages(const void *key, const struct rb_node *node)
{
	const struct bill *bill = rb_entry(node, struct bill, node);

	if (key == bill->pages)
		return 0;
	return key < (const void *)bill->pages ? -1 : 1;
}

static bool comes_before(struct rb_node *a, const struct rb_node *b)
{
	return by_pages(rb_entry(a, struct bill, node)->pages, b) < 0;
}

static struct bill *find_bill(const struct pages *pages)
{
	struct account_book *book = pages->account->book;
	struct rb_node *node;

	spin_lock(&book->lock);
	node = rb_find(pages, &book->bills, by_pages);
	spin_unlock(&book->lock);
	return rb_entry_safe(node, struct bill, node);
}

/* Out of the book, which is left to those before it. */
static void pop_bill(struct pages *pages, struct bill *bill)
{
	struct account_book *book = pages->account->book;

	spin_lock(&book->lock);
	if (bill->earlier)
		rb_replace_node(&bill->node, &bill->earlier->node,
				&book->bills);
	else
		rb_erase(&bill->node, &book->bills);
	spin_unlock(&book->lock);
	pages->billed = bill->earlier;
}

static struct bill *bill_new(struct account *account, enum account_mode mode,
			     unsigned long npages)
{
	struct bill *bill = kzalloc(sizeof(*bill), GFP_KERNEL_ACCOUNT);

	if (!bill)
		return NULL;
	bill->account = account;
	bill->mode = mode;
	bill->npages = npages;
	return bill;
}

/* The built-in accounting has its part. */
static int settle(struct bill *bill, const struct charge *charge)
{
	int rc;

	spin_lock(&ledger_lock);
	bill->counted = bill->exceeding ? ACCOUNT_EXEMPT : bill->mode;
	spin_unlock(&ledger_lock);
	rc = account_charge(bill->account, bill->counted, bill->npages,
			    charge->limited);
	if (rc)
		return rc;
	spin_lock(&ledger_lock);
	bill->settled = true;
	/* Payers may have gone meanwhile. */
	move_bill(bill);
	spin_unlock(&ledger_lock);
	return 0;
}

/**
 * policy_cancel - undo policy_charge()
 * @bill: given to no pages
 */
void policy_cancel(struct bill *bill)
{
	enum account_mode counted;
	unsigned long npages = take_pages(bill, bill->npages, &counted);

	if (bill->settled)
		account_uncharge(bill->account, counted, npages);
	refund(bill, npages);
	bill_free(bill);
}

/**
 * policy_charge - let policies and the built-in accounting charge for pages
 * @charge: who is to pay, and for how many
 * @bill: out: what policies have paid; NULL: the built-in accounting alone has
 *
 * Context: may sleep; waits in mode %ACCOUNT_PROCESS for the mmap lock, but not
 * under policy_srcu.
 * Return: 0; the refusing errno of a policy; -EPROTO if the answer of one is
 * outside its contract; -ENOMEM also if RLIMIT_MEMLOCK would be exceeded;
 * -EINTR on a fatal signal while somebody has the mmap lock. Nobody is charged
 * by a failure.
 */
int policy_charge(const struct charge *charge, struct bill **bill)
{
	struct question q;
	int rc;

	q.bill = bill_new(charge->account, charge->mode, charge->npages);
	if (!q.bill)
		return -ENOMEM;
	fill_charge(&q, charge);
	q.bill->who = q.who;

	account_announce(charge->account, charge->npages);
	rc = policy_ask(&q);
	if (!rc && q.bill->last) {
		rc = settle(q.bill, charge);
		if (!rc) {
			*bill = q.bill;
			goto out;
		}
	}
	*bill = NULL;
	policy_cancel(q.bill);
	if (!rc)
		rc = account_charge(charge->account, charge->mode,
				    charge->npages, charge->limited);
out:
	account_announce(charge->account, -(long)charge->npages);
	return rc;
}

/* As many as @payer and those before it. */
static struct payer *alloc_payers(const struct payer *payer)
{
	struct payer *payers = NULL;

	for (; payer; payer = payer->earlier) {
		struct payer *another = kmalloc(sizeof(*another),
						GFP_KERNEL_ACCOUNT);

		if (!another) {
			free_payers(payers);
			return NULL;
		}
		another->earlier = payers;
		payers = another;
	}
	return payers;
}

/**
 * policy_split_bill - part of what has been paid, by the same payers
 * @bill: of policy_charge(), given to no pages
 * @npages: how many pages, fewer than it is for
 *
 * Return: another bill, given to no pages either, or NULL for want of memory.
 */
struct bill *policy_split_bill(struct bill *bill, unsigned long npages)
{
	struct bill *part = bill_new(bill->account, bill->mode, npages);
	struct payer *from, *to;

	if (!part)
		return NULL;
	part->last = alloc_payers(bill->last);
	if (!part->last) {
		kfree(part);
		return NULL;
	}
	part->who = bill->who;
	part->settled = true;

	spin_lock(&ledger_lock);
	bill->npages -= npages;
	part->counted = bill->counted;
	part->exceeding = bill->exceeding;
	for (from = bill->last, to = part->last; from;
	     from = from->earlier, to = to->earlier) {
		to->bill = part;
		to->policy = from->policy;
		to->exceeds = from->exceeds;
		if (to->policy)
			list_add(&to->entry, &to->policy->payers);
	}
	/* Payers may have gone, and the pages not have been moved yet. */
	move_bill(part);
	spin_unlock(&ledger_lock);
	return part;
}

/**
 * policy_push_bill - what policies have paid for pages is theirs
 * @pages: the pages; their lock is held
 * @bill: of policy_charge(); its account is that of the pages
 */
void policy_push_bill(struct pages *pages, struct bill *bill)
{
	struct account_book *book = pages->account->book;

	bill->pages = pages;
	bill->earlier = pages->billed ? find_bill(pages) : NULL;
	spin_lock(&book->lock);
	if (bill->earlier)
		rb_replace_node(&bill->earlier->node, &bill->node,
				&book->bills);
	else
		rb_add(&bill->node, &book->bills, comes_before);
	spin_unlock(&book->lock);
	pages->billed = true;
}

/**
 * policy_uncharge - give back what was paid for pages; cannot fail
 * @pages: the pages, which policies have paid for in part; their lock is held
 * @npages: how many are not pinned any more
 */
void policy_uncharge(struct pages *pages, unsigned long npages)
{
	while (npages && pages->billed) {
		struct bill *bill = find_bill(pages);
		enum account_mode counted;
		unsigned long part = take_pages(bill, npages, &counted);

		account_uncharge(pages->account, counted, part);
		refund(bill, part);
		if (!bill->npages) {
			pop_bill(pages, bill);
			bill_free(bill);
		}
		npages -= part;
	}
	if (npages)
		account_uncharge(pages->account, pages->mode, npages);
}

/**
 * ledger_paid - what a policy has paid for
 * @policy: the policy
 *
 * Return: pages that are still pinned, and those it is just asked about.
 */
unsigned long ledger_paid(const struct policy *policy)
{
	return atomic_long_read(&policy->paid);
}

/**
 * ledger_close - the built-in accounting counts what a policy has paid for
 * @policy: decides nothing any more, and no request is in it
 *
 * See account_count() for when.
 */
void ledger_close(struct policy *policy)
{
	struct payer *payer;

	spin_lock(&ledger_lock);
	while ((payer = list_first_entry_or_null(&policy->payers, struct payer,
						 entry))) {
		struct bill *bill = payer->bill;

		unlink_payer(payer);
		move_bill(bill);
		cond_resched_lock(&ledger_lock);
	}
	spin_unlock(&ledger_lock);
}

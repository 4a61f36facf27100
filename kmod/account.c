// SPDX-License-Identifier: GPL-2.0-only
/* Who pays for pinned memory. */
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/user.h>
#include <linux/slab.h>

#include "account.h"

/**
 * account_book_init - an empty book
 * @book: to initialise
 */
void account_book_init(struct account_book *book)
{
	spin_lock_init(&book->lock);
	INIT_LIST_HEAD(&book->accounts);
	RCU_INIT_POINTER(book->recent, NULL);
	book->bills = RB_ROOT;
	book->spare = NULL;
}

/**
 * account_book_close - when the context ends
 * @book: nothing is mapped any more
 */
void account_book_close(struct account_book *book)
{
	struct account *recent = rcu_dereference_protected(book->recent, true);

	if (recent)
		account_put(recent);
	WARN_ON(!list_empty(&book->accounts));
}

/**
 * account_book_sum - what is pinned through a context
 * @book: of the context
 *
 * Return: the sum over its accounts.
 */
struct account_sum account_book_sum(struct account_book *book)
{
	struct account_sum sum = {};
	struct account *account;

	spin_lock(&book->lock);
	list_for_each_entry(account, &book->accounts, node) {
		sum.pinned += atomic_long_read(&account->pinned);
		sum.charged += atomic_long_read(&account->charged);
	}
	spin_unlock(&book->lock);
	return sum;
}

/**
 * account_next - walk over the accounts of a context
 * @book: of the context
 * @before: id of the one before; U64_MAX: the first
 *
 * Context: book->lock is held.
 * Return: the account of the next lower id, or NULL.
 */
struct account *account_next(struct account_book *book, u64 before)
{
	struct account *account;

	lockdep_assert_held(&book->lock);
	list_for_each_entry(account, &book->accounts, node)
		if (account->id < before)
			return account;
	return NULL;
}

static bool is_current(const struct account *account)
{
	return account->mm == current->mm && account->user == current_user() &&
	       account->task == current->group_leader;
}

static struct account *find_current(struct account_book *book)
{
	struct account *account;

	lockdep_assert_held(&book->lock);
	list_for_each_entry(account, &book->accounts, node)
		if (is_current(account))
			return account;
	return NULL;
}

/* At the head, where the highest id is. */
static void list_account(struct account_book *book, struct account *account)
{
	struct account *newest;

	lockdep_assert_held(&book->lock);
	newest = list_first_entry_or_null(&book->accounts, struct account, node);
	account->id = newest ? newest->id + 1 : 1;
	list_add(&account->node, &book->accounts);
}

static noinline struct account *find_or_create(struct account_book *book)
{
	struct account *account, *fresh, *old;

	spin_lock(&book->lock);
	account = find_current(book);
	if (account)
		refcount_inc(&account->refs);
	spin_unlock(&book->lock);
	if (account)
		return account;

	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
	if (!fresh)
		return ERR_PTR(-ENOMEM);
	refcount_set(&fresh->refs, 2);
	fresh->book = book;
	fresh->mm = current->mm;
	fresh->user = get_uid(current_user());
	fresh->task = get_task_struct(current->group_leader);
	mmgrab(fresh->mm);

	/* Another thread may have been here; two accounts do no harm. */
	spin_lock(&book->lock);
	list_account(book, fresh);
	old = rcu_replace_pointer(book->recent, fresh,
				  lockdep_is_held(&book->lock));
	spin_unlock(&book->lock);
	if (old)
		account_put(old);
	return fresh;
}

/**
 * account_get_current - the account of the calling process
 * @book: of the context
 *
 * Return: the account with a reference, or ERR_PTR(-ENOMEM).
 */
struct account *account_get_current(struct account_book *book)
{
	struct account *account;

	/* Mostly it is who mapped before. */
	rcu_read_lock_sched();
	account = rcu_dereference_sched(book->recent);
	if (account && is_current(account) &&
	    refcount_inc_not_zero(&account->refs)) {
		rcu_read_unlock_sched();
		return account;
	}
	rcu_read_unlock_sched();
	return find_or_create(book);
}

/**
 * account_put - drop a reference
 * @account: may be freed
 */
void account_put(struct account *account)
{
	bool last;

	if (refcount_dec_not_one(&account->refs))
		return;
	spin_lock(&account->book->lock);
	last = refcount_dec_and_test(&account->refs);
	if (last)
		list_del(&account->node);
	spin_unlock(&account->book->lock);
	if (!last)
		return;

	mmdrop(account->mm);
	free_uid(account->user);
	put_task_struct(account->task);
	kfree_rcu(account, rcu);
}

/**
 * account_limit - how many pages an account may pay for
 * @account: the account
 * @mode: how
 * @charged: out: how many are paid for now, whoever asked for them
 *
 * Return: pages; ULONG_MAX if there is no limit.
 */
unsigned long account_limit(const struct account *account,
			    enum account_mode mode, unsigned long *charged)
{
	unsigned long bytes = task_rlimit(account->task, RLIMIT_MEMLOCK);

	if (mode == ACCOUNT_USER)
		*charged = atomic_long_read(&account->user->locked_vm);
	else if (mode == ACCOUNT_PROCESS)
		*charged = READ_ONCE(account->mm->locked_vm);
	else
		*charged = 0;
	if (mode == ACCOUNT_EXEMPT || bytes == RLIM_INFINITY)
		return ULONG_MAX;
	return bytes >> PAGE_SHIFT;
}

static int pay_user(struct account *account, unsigned long npages)
{
	unsigned long limit = task_rlimit(account->task, RLIMIT_MEMLOCK) >>
			      PAGE_SHIFT;
	long old = atomic_long_read(&account->user->locked_vm);

	do {
		if (npages > limit || old > limit - npages)
			return -ENOMEM;
	} while (!atomic_long_try_cmpxchg(&account->user->locked_vm, &old,
					  old + npages));
	return 0;
}

static int pay_process(struct account *account, unsigned long npages, bool pay,
		       bool beyond_limit)
{
	int rc;

	mmap_write_lock(account->mm);
	rc = __account_locked_vm(account->mm, npages, pay, account->task,
				 beyond_limit);
	mmap_write_unlock(account->mm);
	return rc;
}

static int pay(struct account *account, enum account_mode mode,
	       unsigned long npages)
{
	if (mode == ACCOUNT_EXEMPT)
		return 0;
	if (mode == ACCOUNT_USER)
		return pay_user(account, npages);
	return pay_process(account, npages, true, false);
}

static void pay_more(struct account *account, enum account_mode mode,
		     long npages)
{
	if (!npages || mode == ACCOUNT_EXEMPT)
		return;
	if (mode == ACCOUNT_USER)
		atomic_long_add(npages, &account->user->locked_vm);
	else
		pay_process(account, abs(npages), npages > 0, true);
}

/**
 * account_count - count pages that are pinned, whatever the limit is
 * @account: who pays
 * @mode: how
 * @npages: how many; negative: do not count them any more; may be 0
 *
 * Context: sleeps in mode %ACCOUNT_PROCESS, which takes the mmap lock.
 */
void account_count(struct account *account, enum account_mode mode, long npages)
{
	pay_more(account, mode, npages);
	if (mode != ACCOUNT_EXEMPT)
		atomic_long_add(npages, &account->charged);
}

static void add_pinned(struct account *account, long npages)
{
	atomic_long_add(npages, &account->pinned);
	atomic64_add(npages, &account->mm->pinned_vm);
}

/**
 * account_announce - policies are going to be asked about pages
 * @account: who would pay
 * @npages: how many; negative: they have been, and what came of it is counted
 *
 * Of requests at the same time at least one sees the pages of the other.
 */
void account_announce(struct account *account, long npages)
{
	/* Pinned first, then announced no more. */
	smp_mb__before_atomic();
	atomic_long_add(npages, &account->announced);
	/* Before a policy adds up those of others; see contexts_pinned(). */
	smp_mb__after_atomic();
}

/**
 * account_charge - pay for pages about to be pinned
 * @account: who pays
 * @mode: how; the same must be given to account_uncharge()
 * @npages: how many, at least 1
 *
 * Context: sleeps in mode %ACCOUNT_PROCESS, which takes the mmap lock.
 * Return: 0, or -ENOMEM if RLIMIT_MEMLOCK would be exceeded.
 */
int account_charge(struct account *account, enum account_mode mode,
		   unsigned long npages)
{
	int rc = pay(account, mode, npages);

	if (rc)
		return rc;
	if (mode != ACCOUNT_EXEMPT)
		atomic_long_add(npages, &account->charged);
	add_pinned(account, npages);
	return 0;
}

/**
 * account_take_over - pay for pages that are pinned already
 * @account: who pays
 * @mode: how
 * @npages: how many
 * @limited: the limit counts; it does not for who would pay twice for a moment
 *
 * Context: as account_charge().
 * Return: 0, or -ENOMEM if RLIMIT_MEMLOCK would be exceeded.
 */
int account_take_over(struct account *account, enum account_mode mode,
		      unsigned long npages, bool limited)
{
	if (limited)
		return account_charge(account, mode, npages);
	account_count(account, mode, npages);
	add_pinned(account, npages);
	return 0;
}

/**
 * account_uncharge - give back what account_charge() took
 * @account: who paid
 * @mode: how
 * @npages: how many
 */
void account_uncharge(struct account *account, enum account_mode mode,
		      unsigned long npages)
{
	add_pinned(account, -npages);
	account_count(account, mode, -npages);
}

/**
 * account_same_payer - would it make no difference which one pays
 * @a: an account
 * @b: another of the same context, or the same
 * @mode: how
 *
 * Return: true if so.
 */
bool account_same_payer(const struct account *a, const struct account *b,
			enum account_mode mode)
{
	return mode == ACCOUNT_USER ? a->user == b->user : a->mm == b->mm;
}

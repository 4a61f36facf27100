// SPDX-License-Identifier: GPL-2.0-only
/* Who pays for pinned memory. */
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/user.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "account.h"

/* How long to wait for an mmap lock that was taken, before the next look */
#define SETTLE_AGAIN (HZ / 10)

static void settle_debts(struct work_struct *work);
static DECLARE_DELAYED_WORK(settle_work, settle_debts);
/* For the list, and for @owed and @orphan of all accounts */
static DEFINE_SPINLOCK(debtors_lock);
static LIST_HEAD(debtors);

/**
 * account_book_init - an empty book
 * @book: to initialise
 */
void account_book_init(struct account_book *book)
{
	spin_lock_init(&book->lock);
	mutex_init(&book->handover);
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
	mutex_destroy(&book->handover);
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
	list_add_rcu(&account->node, &book->accounts);
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
	INIT_LIST_HEAD(&fresh->debtor);
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

static void account_free_rcu(struct rcu_head *rcu)
{
	struct account *account = container_of(rcu, struct account, rcu);

	free_uid(account->user);
	put_task_struct(account->task);
	kfree(account);
}

static void account_free(struct account *account)
{
	mmdrop(account->mm);
	call_rcu(&account->rcu, account_free_rcu);
}

/**
 * account_put - drop a reference
 * @account: may be freed
 */
void account_put(struct account *account)
{
	bool last, orphan;

	if (refcount_dec_not_one(&account->refs))
		return;
	spin_lock(&account->book->lock);
	last = refcount_dec_and_test(&account->refs);
	if (last)
		list_del_rcu(&account->node);
	spin_unlock(&account->book->lock);
	if (!last)
		return;

	spin_lock(&debtors_lock);
	orphan = !list_empty(&account->debtor);
	account->orphan = orphan;
	spin_unlock(&debtors_lock);
	if (!orphan)
		account_free(account);
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

/*
 * The debts of all accounts of an address space are settled with whatever is
 * counted next: a limit has to see them, and pages must not be given back before
 * they have been counted.
 */
static long take_debts(const struct mm_struct *mm)
{
	struct account *account;
	long owed = 0;

	if (list_empty(&debtors))
		return 0;
	spin_lock(&debtors_lock);
	list_for_each_entry(account, &debtors, debtor) {
		if (account->mm != mm)
			continue;
		owed += account->owed;
		account->owed = 0;
	}
	spin_unlock(&debtors_lock);
	return owed;
}

/* Under the mmap lock. */
static void change_locked_vm(struct account *account, long npages)
{
	npages += take_debts(account->mm);
	if (npages)
		__account_locked_vm(account->mm, abs(npages), npages > 0,
				    account->task, true);
}

static int pay_process(struct account *account, unsigned long npages,
		       bool limited)
{
	int rc;

	/* The process may be waiting for user space, with the lock taken. */
	rc = mmap_write_lock_killable(account->mm);
	if (rc)
		return rc;
	change_locked_vm(account, 0);
	rc = __account_locked_vm(account->mm, npages, true, account->task,
				 !limited);
	mmap_write_unlock(account->mm);
	return rc;
}

/*
 * False: somebody has the mmap lock. The kernel has no mmap_write_trylock(), and
 * no VMA changes here that the page faults of other threads must not miss.
 */
static bool count_now(struct account *account, long npages)
{
	if (!down_write_trylock(&account->mm->mmap_lock))
		return false;
	change_locked_vm(account, npages);
	up_write(&account->mm->mmap_lock);
	return true;
}

/* The module stays until it is done; the caller has it. */
static void count_later(struct account *account, long npages)
{
	spin_lock(&debtors_lock);
	account->owed += npages;
	if (list_empty(&account->debtor)) {
		list_add_tail(&account->debtor, &debtors);
		__module_get(THIS_MODULE);
	}
	spin_unlock(&debtors_lock);
	queue_delayed_work(system_unbound_wq, &settle_work, 0);
}

/* True: there is nothing left to do for the account. */
static bool settle_debt(struct account *account)
{
	bool orphan;

	count_now(account, 0);
	spin_lock(&debtors_lock);
	if (account->owed) {
		spin_unlock(&debtors_lock);
		return false;
	}
	list_del_init(&account->debtor);
	orphan = account->orphan;
	spin_unlock(&debtors_lock);
	if (orphan)
		account_free(account);
	module_put(THIS_MODULE);
	return true;
}

/* Nobody else takes accounts off the list; new ones come at its end. */
static void settle_debts(struct work_struct *work)
{
	struct account *account, *next;
	bool left = false;

	spin_lock(&debtors_lock);
	list_for_each_entry_safe(account, next, &debtors, debtor) {
		spin_unlock(&debtors_lock);
		left |= !settle_debt(account);
		cond_resched();
		spin_lock(&debtors_lock);
	}
	spin_unlock(&debtors_lock);
	if (left)
		queue_delayed_work(system_unbound_wq, &settle_work,
				   SETTLE_AGAIN);
}

static int pay(struct account *account, enum account_mode mode,
	       unsigned long npages, bool limited)
{
	if (mode == ACCOUNT_EXEMPT)
		return 0;
	if (mode == ACCOUNT_PROCESS)
		return pay_process(account, npages, limited);
	if (limited)
		return pay_user(account, npages);
	atomic_long_add(npages, &account->user->locked_vm);
	return 0;
}

/**
 * account_count - count pages that are pinned, whatever the limit is
 * @account: who pays
 * @mode: how
 * @npages: how many; negative: do not count them any more; may be 0
 *
 * Pages that a process pays for are counted under its mmap lock. If that is taken,
 * they are counted a moment later: its owner may wait for user space.
 *
 * Context: any but interrupts; does not wait.
 */
void account_count(struct account *account, enum account_mode mode, long npages)
{
	if (!npages || mode == ACCOUNT_EXEMPT)
		return;
	if (mode == ACCOUNT_USER)
		atomic_long_add(npages, &account->user->locked_vm);
	else if (!count_now(account, npages))
		count_later(account, npages);
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
 * @limited: the limit counts; it does not for who would pay twice for a moment
 *
 * Context: sleeps in mode %ACCOUNT_PROCESS, which takes the mmap lock.
 * Return: 0; -ENOMEM if RLIMIT_MEMLOCK would be exceeded; -EINTR on a fatal
 * signal while somebody has the mmap lock.
 */
int account_charge(struct account *account, enum account_mode mode,
		   unsigned long npages, bool limited)
{
	int rc = pay(account, mode, npages, limited);

	if (rc)
		return rc;
	if (mode != ACCOUNT_EXEMPT)
		atomic_long_add(npages, &account->charged);
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

/**
 * account_exit - when the module is unloaded
 *
 * No account is left, and none owes anything.
 */
void account_exit(void)
{
	cancel_delayed_work_sync(&settle_work);
	rcu_barrier();
}

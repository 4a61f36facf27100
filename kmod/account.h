/* SPDX-License-Identifier: GPL-2.0-only */
/* Who pays for pinned memory. */
#ifndef IOMMUFD_ACCOUNT_H
#define IOMMUFD_ACCOUNT_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rbtree_types.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>

struct mm_struct;
struct pages;
struct task_struct;
struct user_struct;

/**
 * enum account_mode - against what pinned pages are charged
 * @ACCOUNT_USER: the sum over all processes of the user, RLIMIT_MEMLOCK
 * @ACCOUNT_PROCESS: the process, as mlock() and vfio_iommu_type1 do it
 * @ACCOUNT_EXEMPT: nothing: the mapper had CAP_IPC_LOCK
 */
enum account_mode {
	ACCOUNT_USER,
	ACCOUNT_PROCESS,
	ACCOUNT_EXEMPT,
};

/**
 * struct account - a process, as user and owner of the memory it mapped
 * @refs: one for each pages object, and one for being the recent one
 * @orphan: @refs was dropped to 0 while @owed was not settled; freed with that
 * @node: in account_book.accounts; RCU
 * @id: higher than those of the accounts behind it, for walks
 * @book: where it is listed
 * @mm: address space of the memory; a reference to the struct is held
 * @user: who is charged in mode %ACCOUNT_USER; a reference is held
 * @task: thread group leader, for its limit; a reference is held
 * @pinned: pages pinned now
 * @announced: pages that policies are being asked about
 * @charged: of @pinned, pages counted against a limit
 * @debtor: in the list of accounts that owe something; see account_count()
 * @owed: pages by which mm->locked_vm is to be raised, or lowered if negative
 * @rcu: the list and the recent one are read without a lock
 */
struct account {
	refcount_t refs;
	bool orphan;
	struct list_head node;
	u64 id;
	struct account_book *book;
	struct mm_struct *mm;
	struct user_struct *user;
	struct task_struct *task;
	atomic_long_t pinned;
	atomic_long_t announced;
	atomic_long_t charged;
	struct list_head debtor;
	long owed;
	struct rcu_head rcu;
};

/**
 * struct account_sum - what the accounts of a context add up to
 * @pinned: pages pinned now
 * @charged: of these, pages counted against a limit
 */
struct account_sum {
	unsigned long pinned;
	unsigned long charged;
};

/**
 * struct account_book - the accounts of a context
 * @lock: for changes of @accounts and @recent, for @bills, and for the last put of
 *	an account
 * @accounts: those with memory mapped, and @recent; read under RCU as well
 * @handover: held by IOMMU_IOAS_CHANGE_PROCESS, and taken for a moment by a
 *	request that must wait for it; outside of pages.lock
 * @recent: who mapped last, kept when nothing of it is mapped any more, for it
 *	is likely to come back; a reference is held, or NULL
 * @bills: what policies have paid for, by memory; see policy_charge.c
 * @spare: what was unmapped last, ready to describe the next memory, or NULL;
 *	see pages.c
 */
struct account_book {
	spinlock_t lock;	/* see above */
	struct mutex handover;	/* see above */
	struct list_head accounts;
	struct account __rcu *recent;
	struct rb_root bills;
	struct pages *spare;
};

void account_book_init(struct account_book *book);
void account_book_close(struct account_book *book);
struct account_sum account_book_sum(struct account_book *book);
struct account *account_get_current(struct account_book *book);
void account_put(struct account *account);
struct account *account_next(struct account_book *book, u64 before);

int account_charge(struct account *account, enum account_mode mode,
		   unsigned long npages, bool limited);
void account_uncharge(struct account *account, enum account_mode mode,
		      unsigned long npages);

unsigned long account_limit(const struct account *account,
			    enum account_mode mode, unsigned long *charged);
void account_announce(struct account *account, long npages);
void account_count(struct account *account, enum account_mode mode,
		   long npages);
bool account_same_payer(const struct account *a, const struct account *b,
			enum account_mode mode);

void account_exit(void);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/* All contexts there are, for who looks at the whole. */
#include <linux/atomic.h>
#include <linux/rculist.h>
#include <linux/xarray.h>

#include "account.h"
#include "contexts.h"
#include "ctx.h"

/* No context ends while it is held; others than releases do not wait for it. */
DEFINE_MUTEX(contexts_lock);

static DEFINE_XARRAY_FLAGS(contexts, XA_FLAGS_ACCOUNT);
static atomic64_t last_id = ATOMIC64_INIT(0);

/**
 * contexts_add - a context begins
 * @ictx: the context; gets its id
 *
 * Return: 0, or -ENOMEM.
 */
int contexts_add(struct iommufd_ctx *ictx)
{
	ictx->id = atomic64_inc_return(&last_id);
	return xa_insert(&contexts, ictx->id, ictx, GFP_KERNEL_ACCOUNT);
}

/**
 * contexts_remove - a context ends
 * @ictx: the context; may be looked at for a grace period of RCU
 */
void contexts_remove(struct iommufd_ctx *ictx)
{
	mutex_lock(&contexts_lock);
	xa_erase(&contexts, ictx->id);
	mutex_unlock(&contexts_lock);
}

/**
 * contexts_newest - the latest context
 *
 * Return: its id; whether it is still there or not.
 */
u64 contexts_newest(void)
{
	return atomic64_read(&last_id);
}

/**
 * contexts_find - the context of an id
 * @id: of the context
 *
 * Context: contexts_lock is held.
 * Return: the context, or NULL.
 */
struct iommufd_ctx *contexts_find(u64 id)
{
	lockdep_assert_held(&contexts_lock);
	return xa_load(&contexts, id);
}

/**
 * contexts_next - walk over all contexts
 * @after: id of the one before; 0: the first
 * @last: the highest id to be found
 *
 * Context: contexts_lock is held.
 * Return: the context of the next higher id, or NULL.
 */
struct iommufd_ctx *contexts_next(u64 after, u64 last)
{
	unsigned long id = after;

	lockdep_assert_held(&contexts_lock);
	return xa_find_after(&contexts, &id, last, XA_PRESENT);
}

/* What was announced is pinned before it is announced no more. */
static unsigned long account_expected(const struct account *account)
{
	unsigned long announced = atomic_long_read_acquire(&account->announced);

	return announced + atomic_long_read(&account->pinned);
}

/**
 * contexts_pinned - how many pages are pinned for some processes
 * @match: is it one of them; called under RCU
 * @key: for @match
 *
 * Walks over all processes with memory mapped. Pages that two contexts have
 * pinned count twice; and those count that policies are being asked about.
 *
 * Context: any: policies may call this from timers. Takes no lock.
 * Return: pages.
 */
u64 contexts_pinned(bool (*match)(const struct iommufd_ctx *ictx,
				  const struct account *account, u64 key),
		    u64 key)
{
	struct iommufd_ctx *ictx;
	unsigned long id;
	u64 sum = 0;

	rcu_read_lock();
	xa_for_each(&contexts, id, ictx) {
		struct account *account;

		list_for_each_entry_rcu(account, &ictx->book.accounts, node)
			if (match(ictx, account, key))
				sum += account_expected(account);
	}
	rcu_read_unlock();
	return sum;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* User memory that areas map: pinned once, its physical runs remembered. */
#ifndef IOMMUFD_PAGES_H
#define IOMMUFD_PAGES_H

#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/types.h>

#include "pfn_table.h"
#include "uses.h"

struct account;
struct account_book;
struct bill;
struct charge;
struct file;
struct iommu_domain;
struct page;
struct policy_reason;

/**
 * struct pages - a range of user memory
 * @refs: one for each area
 * @mode: enum account_mode, fixed when it was mapped
 * @writable: pinned for writing; areas may be writable by the device
 * @offered: another process is about to pay: see pages_offer(); under @lock
 * @kinds: bits of enum iommufd_policy_mem that may be pinned
 * @billed: policies have paid for some of it
 * @lock: for the following and for changes of @table; held while pages are
 *	pinned, which may take for ever
 * @whole: uses of all pages; read without @lock as a hint, as is whether there
 *	are others
 * @uses: uses of some of the pages
 * @account: who pays, and the address space the memory is in
 * @file: what the memory is of; a reference is held; NULL: the address space
 * @uptr: address or place in @file of the first page
 * @table: physical addresses of the pages in use
 *
 * A page is pinned and charged, once, while it is in use. Who uses pages may
 * look them up without the lock.
 */
struct pages {
	refcount_t refs;
	u8 mode;
	bool writable : 1;
	bool offered : 1;
	u8 kinds;
	bool billed;
	struct mutex lock;	/* see above */
	unsigned long whole;
	struct uses uses;
	struct account *account;
	struct file *file;
	unsigned long uptr;
	struct pfn_table table;
};

struct pages *pages_create(struct account_book *book, bool per_process,
			   struct file *file, unsigned long uptr,
			   unsigned long length, bool writable,
			   unsigned int kinds);
void pages_put(struct pages *pages);
void pages_forget_spare(struct account_book *book);

int pages_missing(struct pages *pages, const struct uses *ranges,
		  struct charge *charge);
int pages_check_missing(struct pages *pages, const struct uses *ranges);
int pages_use(struct pages *pages, unsigned long first, unsigned long last,
	      const struct policy_reason *reason);
void pages_unuse(struct pages *pages, unsigned long first, unsigned long last);
unsigned long pages_count_pinned(const struct pages *pages);
void pages_uncharge(struct pages *pages, unsigned long npages);

/**
 * struct offer - pages that another process is to pay for
 * @pages: the pages; a reference is held
 * @to: the account of that process; a reference is held
 * @npages: how many it has paid for
 * @bill: what policies have paid of these, or NULL
 */
struct offer {
	struct pages *pages;
	struct account *to;
	unsigned long npages;
	struct bill *bill;
};

int pages_to_offer(struct offer *offer, struct charge *charge);
int pages_offer(struct offer *offer, const struct policy_reason *reason);
void pages_withdraw(struct offer *offer);
void pages_accept(struct offer *offer);

void pages_list(const struct pages *pages, unsigned long first,
		unsigned long last, struct page **list);
void pages_unmap(struct iommu_domain *domain, unsigned long iova,
		 unsigned long length);
int pages_map(struct pages *pages, unsigned long offset, unsigned long length,
	      struct iommu_domain *domain, unsigned long iova, int prot,
	      bool huge_pages);
int pages_rw(struct pages *pages, unsigned long offset, void *data,
	     unsigned long length, unsigned int flags);

int pages_init(size_t size);
void pages_exit(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* User memory that areas map: pinned once, its physical runs remembered. */
#ifndef IOMMUFD_PAGES_H
#define IOMMUFD_PAGES_H

#include <linux/refcount.h>
#include <linux/types.h>

#include "pfn_table.h"

struct account_book;
struct iommu_domain;

/**
 * struct pages - a range of user memory
 * @refs: one for each area
 * @mode: enum account_mode, fixed when it was mapped
 * @writable: pinned for writing; areas may be writable by the device
 * @pinned: all pages are pinned, charged and in @table
 * @kinds: bits of enum iommufd_policy_mem that may be pinned
 * @account: who pays, and the address space the memory is in
 * @uptr: user address of the first page
 * @nr_pages: how many there are
 * @table: physical addresses while @pinned
 *
 * Who has the area busy may pin, unpin and look up.
 */
struct pages {
	refcount_t refs;
	u8 mode;
	bool writable;
	bool pinned;
	u8 kinds;
	struct account *account;
	unsigned long uptr;
	unsigned long nr_pages;
	struct pfn_table table;
};

struct pages *pages_create(struct account_book *book, bool per_process,
			   unsigned long uptr, unsigned long length,
			   bool writable, u8 kinds);
void pages_put(struct pages *pages);

int pages_pin(struct pages *pages);
void pages_unpin(struct pages *pages);

int pages_map(struct pages *pages, unsigned long offset, unsigned long length,
	      struct iommu_domain *domain, unsigned long iova, int prot,
	      bool huge_pages);

int pages_init(void);
void pages_exit(void);

#endif

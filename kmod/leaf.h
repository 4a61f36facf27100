/* SPDX-License-Identifier: GPL-2.0-only */
/* How the page table of the calling process maps its memory. */
#ifndef IOMMUFD_LEAF_H
#define IOMMUFD_LEAF_H

#include <linux/types.h>

struct page;

unsigned long leaf_small_pages(unsigned long addr, unsigned long nr,
			       bool write);
unsigned long leaf_pages(unsigned long addr, struct page *page, bool write);

#endif

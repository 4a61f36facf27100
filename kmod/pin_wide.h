/* SPDX-License-Identifier: GPL-2.0-only */
/* Pinning much memory by several threads at the same time. */
#ifndef IOMMUFD_PIN_WIDE_H
#define IOMMUFD_PIN_WIDE_H

#include <linux/pfn.h>
#include <linux/sizes.h>

struct batch;
struct pages;

/* From so many pages on it is worth it. */
#define WIDE_PAGES PFN_DOWN(SZ_32M)

int pin_wide(struct pages *pages, unsigned long first, unsigned long last,
	     struct batch *batch);

int pin_wide_init(void);
void pin_wide_exit(void);

#endif

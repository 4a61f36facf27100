/* SPDX-License-Identifier: GPL-2.0-only */
/* Getting hold of user memory. */
#ifndef IOMMUFD_PAGES_PIN_H
#define IOMMUFD_PAGES_PIN_H

#include <linux/types.h>

struct folio;
struct page;
struct pages;

/* Page pointers asked for at a time without an allocation. */
#define SMALL_BATCH 16

/**
 * struct batch - room for what one call of GUP answers
 * @size: pages to ask for at a time
 * @stop: for who cannot be killed: no page fault that may wait for user space,
 *	and give up when this is true; NULL: wait, until a fatal signal
 * @list: the answer; @small, or allocated once it is too small
 * @folios: the same room, for a file
 * @small: enough for small requests
 */
struct batch {
	unsigned long size;
	const bool *stop;
	union {
		struct page **list;
		struct folio **folios;
	};
	struct page *small[SMALL_BATCH];
};

void batch_init(struct batch *batch, unsigned long total);
void batch_free(struct batch *batch);

int pin_pages(struct pages *pages, unsigned long first, unsigned long last,
	      struct batch *batch);
int pin_page(struct pages *pages, unsigned long index);
void unpin_pages(struct pages *pages, unsigned long first, unsigned long last);
int check_pinnable(const struct pages *pages, unsigned long first,
		   unsigned long last);
int pin_only_page(struct pages *pages);
void unpin_only_page(struct pages *pages);
struct page *pin_page_briefly(struct pages *pages, unsigned long index,
			      bool write);

#ifdef IOMMUFD_TEST_BUILD
extern unsigned int pages_test_batch;
#endif

#endif

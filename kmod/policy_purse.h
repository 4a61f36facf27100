/* SPDX-License-Identifier: GPL-2.0-only */
/* What a request is going to pin, paid for at once. */
#ifndef IOMMUFD_POLICY_PURSE_H
#define IOMMUFD_POLICY_PURSE_H

#include <linux/list.h>
#include <linux/xarray.h>

struct bill;
struct charge;
struct pages;
struct policy_reason;

/**
 * struct purse - what has been paid for a request that pins several memories
 * @wants: struct want by memory: what it is going to pin
 * @shares: struct share: who has paid, and what is left of it
 */
struct purse {
	struct xarray wants;
	struct list_head shares;
};

void purse_init(struct purse *purse);
int purse_want(struct purse *purse, struct pages *pages, unsigned long first,
	       unsigned long last);
int purse_fill(struct purse *purse, struct policy_reason *reason);
int purse_expect(struct purse *purse, const struct charge *charge);
int purse_charge(const struct charge *charge, struct bill **bill);
void purse_close(struct purse *purse);

#endif

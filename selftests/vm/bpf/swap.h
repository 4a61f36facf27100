/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What policies that take each other's place under load have seen. The types are
 * those of the compiler, which BPF and user space share.
 */
#ifndef SWAP_H
#define SWAP_H

#define SWAP_PAGE 4096ULL
/* Addresses that each thread uses, one after another */
#define SWAP_SLOTS 4096
#define SWAP_THREADS 2
#define SWAP_BASE (16ULL << 20)

/**
 * struct swap - of one policy
 * @charges: calls of its charge hook
 * @uncharges: calls of its uncharge hook
 * @balance: pages it was charged, less those it was uncharged
 * @wrong: requests it should not have seen
 */
struct swap {
	unsigned long long charges;
	unsigned long long uncharges;
	long long balance;
	unsigned long long wrong;
};

/**
 * struct swap_slot - of one address, and of all policies
 * @maps: calls of their map hooks
 * @unmaps: calls of their unmap hooks
 */
struct swap_slot {
	unsigned long long maps;
	unsigned long long unmaps;
};

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes that pin memory, all through one context, for one device */
#ifndef TEST_PINNER_H
#define TEST_PINNER_H

#include "puppet.h"

/* Pages of memory there are; behind them it begins anew, at other IO addresses */
#define PINNER_PAGES 2048UL
#define PAGES_PER_MIB (MIB / PAGE)

/**
 * struct pinner - a process of nobody, in a cgroup
 * @process: the process
 * @cgroup: by its path
 */
struct pinner {
	struct puppet process;
	const char *cgroup;
};

/* A context with an IOAS and the device; failing fails the test, here and below */
void pinners_open(void);
/* What is left is unmapped */
void pinners_close(void);
/* With no more than so many pages to lock */
void pinner_start(struct pinner *pinner, const char *cgroup,
		  unsigned long limit);
/* Reaped, and its cgroup removed; or there was none */
void pinner_stop(struct pinner *pinner);

/*
 * Pages of memory from @first on, at an IO address that goes with it; of NULL:
 * the test itself. 0, or a negative errno.
 */
long pin(struct pinner *pinner, long first, long nr);
long unpin(struct pinner *pinner, long first, long nr);
/* The same for a context and an IOAS that have no device but a domain of their own */
long pin_elsewhere(struct pinner *pinner, long first, long nr);
/* So many begin at the same time. */
void pinners_wait_for(int nr);
/* One page after the other from @first on; how many it gets, and no more than @nr */
void pin_greedily(struct pinner *pinner, long first, long nr);
long pin_greedily_end(struct pinner *pinner);
/* The device can read this page */
void pinned_is_read(long page);

/* Of the context */
int pinner_context(void);
unsigned long pinned(void);
unsigned long charged(void);

#endif

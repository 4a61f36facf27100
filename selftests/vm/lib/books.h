/* SPDX-License-Identifier: GPL-2.0-only */
/* Does everybody who counts pinned pages come to the same sum? */
#ifndef TEST_BOOKS_H
#define TEST_BOOKS_H

#include "test.h"

/* Failing fails the test, here and below */
void books_open(void);
void books_close(void);
/*
 * These are all contexts there are: fdinfo of each, a walk over all of them, what
 * kfuncs say by context, user and cgroup, and GUP agree that so many pages are
 * pinned, and the first two that so many are charged. Users are root and nobody.
 */
void books_agree(const int *contexts, size_t nr, unsigned long pinned,
		 unsigned long charged);
/* What processes of a cgroup and below it have pinned */
unsigned long books_by_cgroup(const char *cgroup);

#endif

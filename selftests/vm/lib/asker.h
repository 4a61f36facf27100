/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A process that asks for things in a context, and has nothing in common with
 * the one that has opened it: another user in another cgroup.
 */
#ifndef TEST_ASKER_H
#define TEST_ASKER_H

#include "policy.h"

/* Pages it may lock */
#define ASKER_LIMIT 64UL

/* Of root in the root cgroup, who opens contexts; a cgroup for the other */
void asker_prepare(void);
void asker_remove(void);

/* In a child: 0, or -1 */
int become_asker(void);
/* It is this process, in the context of that id, and was once become_asker() */
bool is_asker(volatile const struct answer_who *who, uint64_t context);
/* The same of the process of the tests, or its child */
bool is_root(volatile const struct answer_who *who, uint64_t context);

#endif

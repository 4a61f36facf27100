/* SPDX-License-Identifier: GPL-2.0-only */
/* Nobody waits for the CPU. */
#ifndef HOST_SCHED_H
#define HOST_SCHED_H

static inline void cond_resched(void)
{
}

#endif

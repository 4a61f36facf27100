/* SPDX-License-Identifier: GPL-2.0-only */
/* Threads that do the same over and over, at the same time */
#ifndef TEST_WORKER_H
#define TEST_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "test.h"

/* What a thread may map at will: from worker->window on */
#define WINDOW (64 * MIB)

/**
 * struct worker - a thread that does the same over and over
 * @name: for people
 * @run: do it once; 0 is success
 * @seed: of its random numbers
 * @window: addresses no other worker has
 * @rounds: how often it was done
 * @failed: it was not 0
 * @thread: the thread
 */
struct worker {
	const char *name;
	int (*run)(struct worker *worker);
	unsigned int seed;
	uint64_t window;
	atomic_ulong rounds;
	bool failed;
	pthread_t thread;
};

#define WORKER(_run) { .name = #_run, .run = _run }

/* They have to come to an end */
extern atomic_bool workers_stop;

/* 0 to @limit - 1 */
unsigned int draw(struct worker *worker, unsigned int limit);
/* For so long, or until one fails, which fails the test */
void run_all(struct worker *workers, size_t nr, unsigned int seconds);

#endif

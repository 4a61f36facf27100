// SPDX-License-Identifier: GPL-2.0-only
/* Threads that do the same over and over, at the same time */
#include "worker.h"

atomic_bool workers_stop;

unsigned int draw(struct worker *worker, unsigned int limit)
{
	return rand_r(&worker->seed) % limit;
}

static void *work(void *arg)
{
	struct worker *worker = arg;

	for (; !workers_stop; worker->rounds++)
		if (worker->run(worker))
			worker->failed = workers_stop = true;
	return NULL;
}

static void report(const struct worker *workers, size_t nr,
		   unsigned int seconds)
{
	size_t i;

	printf("# after %u s:", seconds);
	for (i = 0; i < nr; i++)
		printf(" %s %lu", workers[i].name, workers[i].rounds);
	putchar('\n');
	fflush(stdout);
}

void run_all(struct worker *workers, size_t nr, unsigned int seconds)
{
	unsigned int passed;
	size_t i;

	workers_stop = false;
	for (i = 0; i < nr; i++) {
		workers[i].seed = i + 1;
		workers[i].window = (i + 1) * WINDOW;
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work,
						&workers[i]), 0);
	}
	for (passed = 0; passed < seconds && !workers_stop; passed++) {
		sleep(1);
		if (passed % 60 == 59)
			report(workers, nr, passed + 1);
	}
	workers_stop = true;
	for (i = 0; i < nr; i++)
		pthread_join(workers[i].thread, NULL);
	report(workers, nr, passed);
	for (i = 0; i < nr; i++) {
		assert_false(workers[i].failed);
		/* A thread that was never served shows nothing */
		assert_int_not_equal(workers[i].rounds, 0);
	}
}

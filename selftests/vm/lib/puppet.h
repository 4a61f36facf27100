/* SPDX-License-Identifier: GPL-2.0-only */
/* A child that does what it is told, step by step, between those of the test */
#ifndef TEST_PUPPET_H
#define TEST_PUPPET_H

#include "test.h"

/**
 * struct puppet - a process that was forked off the test
 * @pid: the process, or 0 if there is none
 * @fd: to talk to it
 */
struct puppet {
	pid_t pid;
	int fd;
};

/* Runs in the puppet, where cmocka cannot be used */
typedef long puppet_step(long a, long b);

/* Failing fails the test, here and below */
void puppet_start(struct puppet *puppet);
/* What the step returns */
long puppet_do(struct puppet *puppet, puppet_step *step, long a, long b);
/* The same in two parts, with time for other things in between */
void puppet_begin(struct puppet *puppet, puppet_step *step, long a, long b);
long puppet_end(struct puppet *puppet);
/* Does the step end within that time? puppet_end() then returns at once */
bool puppet_answers(const struct puppet *puppet, int milliseconds);
/* Send SIGKILL: does it end the process within that time? If so, it is reaped */
bool puppet_dies(struct puppet *puppet, int milliseconds);
/* With SIGKILL, and reaped; whatever it is doing, and if there is one at all */
void puppet_kill(struct puppet *puppet);

#endif

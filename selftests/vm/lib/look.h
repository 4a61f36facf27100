/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs that look at all there is: bpf/look.bpf.c */
#ifndef TEST_LOOK_H
#define TEST_LOOK_H

#include "test.h"
#include "bpf/look.h"

/* What they look at and see; stays where it is until look_close() */
extern volatile struct look *look;

/* Loaded; failing fails the test */
void look_open(void);
void look_close(void);
/* One of them, from the beginning; 0 or a negative errno */
int look_run(const char *name);

/* In the last walk, once; NULL if it is not there */
volatile struct look_context *look_context(uint64_t id);

#endif

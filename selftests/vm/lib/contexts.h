/* SPDX-License-Identifier: GPL-2.0-only */
/* Runs the programs of bpf/contexts.bpf.c while pages are charged. */
#ifndef TEST_CONTEXTS_H
#define TEST_CONTEXTS_H

#include <stdatomic.h>

#include "bpf/contexts.h"
#include "program.h"

/**
 * struct caller - a kind of program
 * @prefix: of the program names in contexts.bpf.c
 * @hook: index of the hook, or NO_HOOK
 * @flags: load flags
 */
struct caller {
	const char *prefix;
	int hook;
	unsigned int flags;
};

/* Shared with the programs, until contexts_close() */
extern volatile struct contexts *record;
/* What the mapper has done since start_mapping() */
extern atomic_ulong map_rounds, map_failures;

/*
 * Sets up an IOAS with a device and one mapped page, the policy pin_quota, and
 * the programs, none of them loaded. Failing fails the test, here and below.
 */
void contexts_open(void);
void contexts_close(void);
/* Detaches the device and attaches it again. */
void contexts_reattach(void);
/* Maps some pages and unmaps them. Returns 0 or a negative errno. */
int map_and_unmap(void);

/* The mapper is a thread that does so until it is stopped. */
void start_mapping(void);
void stop_mapping(void);

/* The program under test: a file descriptor, or a negative errno */
extern int program;
void load_program(const char *name, int hook, unsigned int flags);
/* Attaches it as a hook of the policy "contexts", with an empty record. */
void attach_program(int hook);
/* Attaches or runs it until there were so many calls, and some maps beside. */
void run_program(const struct caller *caller, unsigned long calls);
/* Stops timers and work queues; returns when no callback is left. */
void end_callbacks(void);
void unload_program(void);
/* Ends whatever a failed test has left running. */
int contexts_teardown(void **state);

#endif

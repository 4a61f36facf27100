/* SPDX-License-Identifier: GPL-2.0-only */
/* Policies that choose IO addresses: bpf/place.bpf.c */
#ifndef TEST_PLACE_H
#define TEST_PLACE_H

#include "bpf/place.h"
#include "policy.h"

/* What they choose from if nobody tells them */
#define PLACE_ANYWHERE (struct place_window){ 0, UINT64_MAX, PAGE }

/*
 * Opened, with this program as its hook, and not loaded yet. What is shared with
 * it stays where it is; failing fails the test.
 */
volatile struct place *place_open(struct policy *policy, const char *name,
				  const char *hook, struct place_window window);
/* Opened, loaded and attached */
volatile struct place *place_start(struct policy *policy, const char *name,
				   const char *hook,
				   struct place_window window);

#endif

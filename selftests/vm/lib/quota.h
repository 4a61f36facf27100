/* SPDX-License-Identifier: GPL-2.0-only */
/* What user space does with bpf/quota.bpf.c; failing fails the test */
#ifndef TEST_QUOTA_H
#define TEST_QUOTA_H

#include "lib/policy.h"

/* Opened, not loaded yet; with the maps of one that is loaded, if not NULL */
void quota_open(struct policy *policy, const struct policy *predecessor);
/* Once it is loaded, whether or not it is attached; in pages */
void quota_set(const struct policy *policy, const char *cgroup,
	       unsigned long pages);
/* 0 for one that never had any */
unsigned long quota_used(const struct policy *policy, const char *cgroup);

#endif

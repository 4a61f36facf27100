/* SPDX-License-Identifier: GPL-2.0-only */
/* Loads the programs of an object one at a time, for a system call each. */
#ifndef TEST_PROGRAM_H
#define TEST_PROGRAM_H

#include "policy.h"

/*
 * Loads bpf/NAME.bpf.c with all its maps, but without its programs in
 * SEC("hook"), hooks of policies, and in SEC("observer"), which are of type
 * syscall. It needs a policy "policy" whose iova_alloc hook is "template".
 * Failing fails the test.
 */
struct bpf_object *programs_open(const char *name);
void programs_close(void);

/* Index of a hook in struct iommufd_policy_ops, which begins with the hooks */
#define HOOK(name)							\
	((int)(offsetof(struct iommufd_policy_ops, name) / sizeof(void *)))
#define NR_HOOKS (HOOK(exit) + 1)
#define NO_HOOK -1

/*
 * Loads a program as this hook, or with NO_HOOK as an observer. Returns a file
 * descriptor; or a negative errno, and verifier_log says why.
 */
int program_load(const char *name, int hook, unsigned int flags);
/*
 * Attaches a policy with these programs as its hooks, 0 meaning none. Returns
 * its link; failing fails the test.
 */
int program_attach(const char *name, const int hooks[static NR_HOOKS]);
/* Returns when the policy is gone. */
void program_detach(int link);
/* Runs an observer once. Returns its result, or a negative errno. */
int program_run(int program);

#endif

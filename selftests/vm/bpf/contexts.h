/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by contexts.bpf.c and policy_contexts.c. The types are those of the
 * compiler, which BPF and user space share.
 */
#ifndef CONTEXTS_H
#define CONTEXTS_H

/* Period of the timers */
#define CONTEXTS_TICK_NS 200000

/**
 * struct contexts - arguments of the kfuncs, and a record of the calls
 * @ctx_id: for kfuncs that take a context
 * @cgroup_id: for kfuncs that take a cgroup
 * @ioas_id: for kfuncs that take an IOAS of that context
 * @uid: for kfuncs that take a user
 * @memory: an address in the calling process, for bpf_find_vma()
 * @again: timers and work queues may be started, and restart themselves
 * @started: a timer or a work queue was started
 * @pending: started timers and work queues whose callbacks have not returned
 * @calls: calls of the kfunc that returned something
 * @empty: calls that returned no pages, no hole, or an empty walk
 * @preempt_count: the kernel's preempt_count during the latest call
 * @rcu_depth: nesting of RCU read-side sections during the latest call
 * @task_flags: PF_* flags of the current task during the latest call
 */
struct contexts {
	unsigned long long ctx_id;
	unsigned long long cgroup_id;
	unsigned int ioas_id;
	unsigned int uid;
	unsigned long long memory;
	unsigned int again;
	unsigned int started;
	unsigned int pending;
	unsigned long long calls;
	unsigned long long empty;
	unsigned int preempt_count;
	unsigned int rcu_depth;
	unsigned int task_flags;
};

#endif

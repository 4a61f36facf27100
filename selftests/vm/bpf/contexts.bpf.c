// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every kfunc of the module in every context a program can call it from:
 * hook_CONTEXT_KFUNC is a hook of a policy, observer_CONTEXT_KFUNC a program of
 * type syscall. The test loads them one at a time, since the verifier must
 * refuse many of them.
 */
#include <iommufd_policy.bpf.h>

#include "contexts.h"

#define CLOCK_MONOTONIC 1

/* The vmlinux.h of 6.12 lacks these. */
void bpf_local_irq_save(unsigned long *flags__irq_flag) __ksym __weak;
void bpf_local_irq_restore(unsigned long *flags__irq_flag) __ksym __weak;
int bpf_wq_set_callback(struct bpf_wq *wq,
			int (*callback_fn)(void *, int *, void *),
			unsigned int flags) __ksym __weak;
/* That of 7.3 lacks this one, as does its kernel. */
int bpf_wq_set_callback_impl(struct bpf_wq *wq,
			     int (*callback_fn)(void *, int *, void *),
			     unsigned int flags, void *aux__ign) __ksym __weak;

/* x86 keeps preempt_count in pcpu_hot on 6.12, by itself on 7.3. */
struct pcpu_hot___local {
	int preempt_count;
} __attribute__((preserve_access_index));

extern struct pcpu_hot___local pcpu_hot __ksym __weak;
extern const int __preempt_count __ksym __weak;

struct timer {
	struct bpf_timer timer;
};

struct work {
	struct bpf_wq wq;
};

struct locked {
	struct bpf_spin_lock lock;
};

#define MAP(map, map_type, value_type)					\
	struct {							\
		__uint(type, map_type);					\
		__uint(max_entries, 1);					\
		__type(key, u32);					\
		__type(value, value_type);				\
	} map SEC(".maps")

MAP(timers, BPF_MAP_TYPE_ARRAY, struct timer);
MAP(works, BPF_MAP_TYPE_ARRAY, struct work);
MAP(locks, BPF_MAP_TYPE_ARRAY, struct locked);
/* The test adds an element for bpf_for_each_map_elem() to visit. */
MAP(elements, BPF_MAP_TYPE_HASH, u32);

struct contexts contexts;

/*
 * Stands in for the request where a program has none: in observers, global
 * functions and asynchronous callbacks.
 */
SEC(".bss.kept") __hidden
struct iommufd_policy_iova_request __kptr_untrusted *kept;

/* Passes the request of a hook to a callback. */
struct asked {
	const struct iommufd_policy_iova_request *req;
};

static int preempt_count(void)
{
	if (bpf_ksym_exists(&__preempt_count))
		return *(int *)bpf_this_cpu_ptr(&__preempt_count);
	/* Keeps the verifier from following this path on 7.3. */
	if (!bpf_core_field_exists(pcpu_hot.preempt_count))
		return 0;
	return ((struct pcpu_hot___local *)
		bpf_this_cpu_ptr(&pcpu_hot))->preempt_count;
}

static void record(s64 result)
{
	struct task_struct *task = bpf_get_current_task_btf();

	contexts.preempt_count = preempt_count();
	contexts.rcu_depth = task->rcu_read_lock_nesting;
	contexts.task_flags = task->flags;
	__sync_fetch_and_add(result > 0 ? &contexts.calls : &contexts.empty, 1);
}

/*
 * One function for each kfunc. The kfunc comes first, so that under a lock the
 * verifier refuses its call and none of record()'s.
 */

static __always_inline void
find_hole(const struct iommufd_policy_iova_request *req)
{
	record(req ? iommufd_policy_find_hole(req, 0, -1, 4096, 0) : 0);
}

static __always_inline void error(const struct iommufd_policy_iova_request *req)
{
	if (req)
		iommufd_policy_error(&req->who, 1, "contexts");
	record(1);
}

#define SUM(by, key)							\
	static __always_inline void					\
	pinned_by_##by(const struct iommufd_policy_iova_request *req)	\
	{								\
		record(iommufd_policy_pinned_by_##by(contexts.key));	\
	}

SUM(context, ctx_id)
SUM(user, uid)
SUM(cgroup, cgroup_id)

#define WALK(kind, ...)							\
	static __always_inline void					\
	walk_##kind(const struct iommufd_policy_iova_request *req)	\
	{								\
		struct iommufd_policy_##kind *info;			\
		s64 found = 0;						\
									\
		bpf_for_each(iommufd_##kind, info, ##__VA_ARGS__)	\
			found = 1;					\
		record(found);						\
	}

WALK(context)
WALK(account, contexts.ctx_id)
WALK(ioas, contexts.ctx_id)
WALK(area, contexts.ctx_id, contexts.ioas_id)
WALK(range, contexts.ctx_id, contexts.ioas_id)

static void pending(int nr)
{
	__sync_fetch_and_add(&contexts.pending, nr);
}

static void start_timer(struct timer *timer)
{
	pending(1);
	if (bpf_timer_start(&timer->timer, CONTEXTS_TICK_NS, 0))
		pending(-1);
}

static void start_work(struct work *work)
{
	pending(1);
	if (bpf_wq_start(&work->wq, 0))
		pending(-1);
}

/* True once per run: hooks are called again and again. */
static bool may_start(void)
{
	return contexts.again &&
	       !__sync_val_compare_and_swap(&contexts.started, 0, 1);
}

typedef int async_callback(void *map, int *key, void *value);

static __always_inline void set_work_callback(struct work *work,
					      async_callback *callback)
{
	if (bpf_ksym_exists(bpf_wq_set_callback))
		bpf_wq_set_callback(&work->wq, callback, 0);
	else
		bpf_wq_set_callback_impl(&work->wq, callback, 0, NULL);
}

/*
 * CONTEXT_KFUNC() calls the kfunc in that context:
 * plain	the program itself
 * loop		a bpf_loop() callback
 * each		a bpf_for_each_map_elem() callback on a hash, under RCU
 * vma		a bpf_find_vma() callback, under mmap_lock
 * rcu		a bpf_rcu_read_lock() section
 * global	a global function called in such a section
 * preempt	a bpf_preempt_disable() section
 * irq		a bpf_local_irq_save() section
 * lock		a bpf_spin_lock() section
 * timer	a bpf_timer callback, in softirq
 * wq		a bpf_wq callback, in a kworker
 */
#define CONTEXTS(kfunc)							\
	static __always_inline void					\
	plain_##kfunc(const struct iommufd_policy_iova_request *req)	\
	{								\
		kfunc(req);						\
	}								\
									\
	static long in_loop_##kfunc(u32 i, struct asked *asked)		\
	{								\
		kfunc(asked->req);					\
		return 0;						\
	}								\
									\
	static __always_inline void					\
	loop_##kfunc(const struct iommufd_policy_iova_request *req)	\
	{								\
		struct asked asked = { req };				\
									\
		bpf_loop(1, in_loop_##kfunc, &asked, 0);		\
	}								\
									\
	static long in_each_##kfunc(struct bpf_map *map, u32 *key,	\
				    u32 *element, struct asked *asked)	\
	{								\
		kfunc(asked->req);					\
		return 0;						\
	}								\
									\
	static __always_inline void					\
	each_##kfunc(const struct iommufd_policy_iova_request *req)	\
	{								\
		struct asked asked = { req };				\
									\
		bpf_for_each_map_elem(&elements, in_each_##kfunc,	\
				      &asked, 0);			\
	}								\
									\
	static long in_vma_##kfunc(struct task_struct *task,		\
				   struct vm_area_struct *vma,		\
				   struct asked *asked)			\
	{								\
		kfunc(asked->req);					\
		return 0;						\
	}								\
									\
	static __always_inline void					\
	vma_##kfunc(const struct iommufd_policy_iova_request *req)	\
	{								\
		struct asked asked = { req };				\
									\
		bpf_find_vma(bpf_get_current_task_btf(),		\
			     contexts.memory, in_vma_##kfunc, &asked, 0); \
	}								\
									\
	static __always_inline void					\
	rcu_##kfunc(const struct iommufd_policy_iova_request *req)	\
	{								\
		bpf_rcu_read_lock();					\
		kfunc(req);						\
		bpf_rcu_read_unlock();					\
	}								\
									\
	__noinline int in_global_##kfunc(void)				\
	{								\
		kfunc(kept);						\
		return 0;						\
	}								\
									\
	static __always_inline void					\
	global_##kfunc(const struct iommufd_policy_iova_request *req)	\
	{								\
		bpf_rcu_read_lock();					\
		in_global_##kfunc();					\
		bpf_rcu_read_unlock();					\
	}								\
									\
	static __always_inline void					\
	preempt_##kfunc(const struct iommufd_policy_iova_request *req)	\
	{								\
		bpf_preempt_disable();					\
		kfunc(req);						\
		bpf_preempt_enable();					\
	}								\
									\
	static __always_inline void					\
	irq_##kfunc(const struct iommufd_policy_iova_request *req)	\
	{								\
		unsigned long flags;					\
									\
		bpf_local_irq_save(&flags);				\
		kfunc(req);						\
		bpf_local_irq_restore(&flags);				\
	}								\
									\
	static __always_inline void					\
	lock_##kfunc(const struct iommufd_policy_iova_request *req)	\
	{								\
		struct locked *locked;					\
		u32 zero = 0;						\
									\
		locked = bpf_map_lookup_elem(&locks, &zero);		\
		if (!locked)						\
			return;						\
		bpf_spin_lock(&locked->lock);				\
		kfunc(req);						\
		bpf_spin_unlock(&locked->lock);				\
	}								\
									\
	static int in_timer_##kfunc(void *map, u32 *key,		\
				    struct timer *timer)		\
	{								\
		kfunc(kept);						\
		if (contexts.again)					\
			start_timer(timer);				\
		pending(-1);						\
		return 0;						\
	}								\
									\
	static __always_inline void					\
	timer_##kfunc(const struct iommufd_policy_iova_request *req)	\
	{								\
		struct timer *timer;					\
		u32 zero = 0;						\
									\
		timer = bpf_map_lookup_elem(&timers, &zero);		\
		if (!timer || !may_start())				\
			return;						\
		bpf_timer_init(&timer->timer, &timers,			\
			       CLOCK_MONOTONIC);			\
		bpf_timer_set_callback(&timer->timer,			\
				       in_timer_##kfunc);		\
		start_timer(timer);					\
	}								\
									\
	static int in_wq_##kfunc(void *map, int *key, void *work)	\
	{								\
		kfunc(kept);						\
		if (contexts.again)					\
			start_work(work);				\
		pending(-1);						\
		return 0;						\
	}								\
									\
	static __always_inline void					\
	wq_##kfunc(const struct iommufd_policy_iova_request *req)	\
	{								\
		struct work *work;					\
		u32 zero = 0;						\
									\
		work = bpf_map_lookup_elem(&works, &zero);		\
		if (!work || !may_start())				\
			return;						\
		bpf_wq_init(&work->wq, &works, 0);			\
		set_work_callback(work, in_wq_##kfunc);			\
		start_work(work);					\
	}

#define PROGRAM(context, kfunc)						\
	SEC("hook")							\
	s64 BPF_PROG(hook_##context##_##kfunc,				\
		     const struct iommufd_policy_iova_request *req)	\
	{								\
		context##_##kfunc(req);					\
		return 0;						\
	}								\
									\
	SEC("observer")							\
	int observer_##context##_##kfunc(void *unused)			\
	{								\
		context##_##kfunc(kept);				\
		return 0;						\
	}

#define PROGRAMS(kfunc)							\
	CONTEXTS(kfunc)							\
	PROGRAM(plain, kfunc)						\
	PROGRAM(loop, kfunc)						\
	PROGRAM(each, kfunc)						\
	PROGRAM(vma, kfunc)						\
	PROGRAM(rcu, kfunc)						\
	PROGRAM(global, kfunc)						\
	PROGRAM(preempt, kfunc)						\
	PROGRAM(irq, kfunc)						\
	PROGRAM(lock, kfunc)						\
	PROGRAM(timer, kfunc)						\
	PROGRAM(wq, kfunc)

PROGRAMS(find_hole)
PROGRAMS(error)
PROGRAMS(pinned_by_context)
PROGRAMS(pinned_by_user)
PROGRAMS(pinned_by_cgroup)
PROGRAMS(walk_context)
PROGRAMS(walk_account)
PROGRAMS(walk_ioas)
PROGRAMS(walk_area)
PROGRAMS(walk_range)

/* Without a policy that pays, uncharge hooks are never notified. */
SEC("hook")
int BPF_PROG(hook_pays, const struct iommufd_policy_charge_request *req)
{
	return IOMMUFD_POLICY_PAY;
}

/* Tells the test how libbpf loads a policy, for the ones the test builds. */
SEC("struct_ops")
s64 BPF_PROG(template, const struct iommufd_policy_iova_request *req)
{
	return 0;
}

IOMMUFD_POLICY(policy, .iova_alloc = (void *)template);

char _license[] SEC("license") = "GPL";

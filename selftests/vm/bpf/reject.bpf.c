// SPDX-License-Identifier: GPL-2.0-only
/*
 * What must not load: each program does one thing wrong. The test makes it a
 * hook, or loads it by itself.
 */
#include <iommufd_policy.bpf.h>

int bpf_copy_from_user_str(void *dst, u32 dst__sz,
			   const void *unsafe_ptr__ign, u64 flags) __ksym;
void bpf_rcu_read_lock(void) __ksym;
void bpf_rcu_read_unlock(void) __ksym;

/* A constant is in a map that nobody can write to. */
char changing_text[] = "not a constant";
u64 sink;

/* For each hook: HOOK_reads does nothing wrong, the others do. */
#define MISUSES(hook, type)						\
	SEC("?struct_ops")						\
	int BPF_PROG(hook##_reads, const struct type *req)		\
	{								\
		sink = *(volatile const u32 *)req;			\
		return 0;						\
	}								\
									\
	SEC("?struct_ops")						\
	int BPF_PROG(hook##_writes, struct type *req)			\
	{								\
		*(volatile u32 *)req = 1;				\
		return 0;						\
	}								\
									\
	SEC("?struct_ops")						\
	int BPF_PROG(hook##_reads_beyond, const struct type *req)	\
	{								\
		return ((volatile const char *)req)[sizeof(*req)];	\
	}								\
									\
	SEC("?struct_ops")						\
	int hook##_second_argument(u64 *args)				\
	{								\
		return args[1] != 0;					\
	}								\
									\
	SEC("?struct_ops")						\
	int BPF_PROG(hook##_sleeps, const struct type *req)		\
	{								\
		char text[8] = {};					\
									\
		bpf_copy_from_user_str(text, sizeof(text), NULL, 0);	\
		return text[0];						\
	}								\
									\
	SEC("?struct_ops.s")						\
	int BPF_PROG(hook##_looks, const struct type *req)		\
	{								\
		struct iommufd_policy_context *context;			\
									\
		bpf_for_each(iommufd_context, context)			\
			sink += context->pinned;			\
		return 0;						\
	}

MISUSES(map, iommufd_policy_map_request)
MISUSES(unmap, iommufd_policy_unmap_request)
MISUSES(attach, iommufd_policy_attach_request)
MISUSES(detach, iommufd_policy_detach_request)
MISUSES(iova_alloc, iommufd_policy_iova_request)
MISUSES(charge, iommufd_policy_charge_request)
MISUSES(uncharge, iommufd_policy_uncharge_request)
MISUSES(init, iommufd_policy_init_info)
MISUSES(exit, iommufd_policy_exit_info)

/* What does not answer has left in the register whatever was there. */
SEC("?struct_ops")
void BPF_PROG(map_answers_nothing, const struct iommufd_policy_map_request *req)
{
}

SEC("?struct_ops")
long BPF_PROG(map_answers_a_pointer,
	      const struct iommufd_policy_map_request *req)
{
	return (long)req;
}

/* iommufd_policy_find_hole() */

static s64 find_hole(const struct iommufd_policy_iova_request *req)
{
	return iommufd_policy_find_hole(req, 0, -1, 4096, 0);
}

SEC("?struct_ops.s")
s64 BPF_PROG(hole_right, const struct iommufd_policy_iova_request *req)
{
	return find_hole(req);
}

SEC("?struct_ops")
s64 BPF_PROG(hole_awake, const struct iommufd_policy_iova_request *req)
{
	return find_hole(req);
}

SEC("?struct_ops.s")
s64 BPF_PROG(hole_under_rcu, const struct iommufd_policy_iova_request *req)
{
	s64 iova;

	bpf_rcu_read_lock();
	iova = find_hole(req);
	bpf_rcu_read_unlock();
	return iova;
}

SEC("?struct_ops.s")
int BPF_PROG(hole_for_map, const struct iommufd_policy_map_request *req)
{
	find_hole((const void *)req);
	return 0;
}

SEC("?struct_ops.s")
s64 BPF_PROG(hole_for_null, const struct iommufd_policy_iova_request *req)
{
	return find_hole(NULL);
}

SEC("?struct_ops.s")
s64 BPF_PROG(hole_for_number, const struct iommufd_policy_iova_request *req)
{
	return find_hole((const void *)req->uptr);
}

SEC("?struct_ops.s")
s64 BPF_PROG(hole_for_part, const struct iommufd_policy_iova_request *req)
{
	return find_hole((const void *)&req->length);
}

/* All that the module has in its own, and not at its place. */
SEC("?struct_ops.s")
s64 BPF_PROG(hole_for_copy, const struct iommufd_policy_iova_request *req)
{
	struct iommufd_policy_iova_request copy;

	bpf_probe_read_kernel(&copy, sizeof(copy), req);
	return find_hole(&copy);
}

struct iommufd_policy_iova_request made_up;

SEC("?struct_ops.s")
s64 BPF_PROG(hole_for_made_up, const struct iommufd_policy_iova_request *req)
{
	return find_hole(&made_up);
}

/* Of a request that may have ended. */
SEC(".bss.kept") __hidden
struct iommufd_policy_iova_request __kptr_untrusted *kept;

SEC("?struct_ops.s")
s64 BPF_PROG(hole_for_kept, struct iommufd_policy_iova_request *req)
{
	struct iommufd_policy_iova_request *before = kept;

	kept = req;
	return before ? find_hole(before) : 0;
}

/* iommufd_policy_error() */

#define error(who) iommufd_policy_error((const void *)(who), 1, "text")

SEC("?struct_ops")
int BPF_PROG(error_right, const struct iommufd_policy_map_request *req)
{
	error(&req->who);
	return 0;
}

SEC("?struct_ops")
int BPF_PROG(error_of_null, const struct iommufd_policy_map_request *req)
{
	error(NULL);
	return 0;
}

SEC("?struct_ops")
int BPF_PROG(error_of_number, const struct iommufd_policy_map_request *req)
{
	error(req->uptr);
	return 0;
}

SEC("?struct_ops")
int BPF_PROG(error_of_part, const struct iommufd_policy_map_request *req)
{
	error(&req->iova);
	return 0;
}

SEC("?struct_ops")
int BPF_PROG(error_of_copy, const struct iommufd_policy_map_request *req)
{
	struct iommufd_policy_who copy;

	bpf_probe_read_kernel(&copy, sizeof(copy), &req->who);
	error(&copy);
	return 0;
}

SEC("?struct_ops")
int BPF_PROG(error_of_made_up, const struct iommufd_policy_map_request *req)
{
	error(&made_up.who);
	return 0;
}

SEC("?struct_ops")
int BPF_PROG(error_of_init, const struct iommufd_policy_init_info *info)
{
	error(info);
	return 0;
}

SEC("?struct_ops")
int BPF_PROG(error_of_exit, const struct iommufd_policy_exit_info *info)
{
	error(info);
	return 0;
}

SEC("?struct_ops")
int BPF_PROG(error_text_changes, const struct iommufd_policy_map_request *req)
{
	iommufd_policy_error(&req->who, 1, changing_text);
	return 0;
}

SEC("?struct_ops")
int BPF_PROG(error_text_on_stack, const struct iommufd_policy_map_request *req)
{
	char text[8] = "text";

	iommufd_policy_error(&req->who, 1, text);
	return 0;
}

SEC("?struct_ops")
int BPF_PROG(error_text_of_request,
	     const struct iommufd_policy_attach_request *req)
{
	iommufd_policy_error(&req->who, 1, req->dev_name);
	return 0;
}

SEC("?struct_ops")
int BPF_PROG(error_without_text, const struct iommufd_policy_map_request *req)
{
	iommufd_policy_error(&req->who, 1, NULL);
	return 0;
}

/* What hooks may call, called by what is none of ours. */

SEC("?syscall")
int looker_finds_hole(void *unused)
{
	return find_hole(NULL);
}

SEC("?syscall")
int looker_reports(void *unused)
{
	error(NULL);
	return 0;
}

SEC("?raw_tp/sys_enter")
int tracer_counts(void *unused)
{
	return iommufd_policy_pinned_by_user(0);
}

SEC("?struct_ops")
u32 BPF_PROG(tcp_right, struct sock *sk)
{
	return 2;
}

SEC("?struct_ops")
u32 BPF_PROG(tcp_counts_context, struct sock *sk)
{
	return iommufd_policy_pinned_by_context(1);
}

SEC("?struct_ops")
u32 BPF_PROG(tcp_counts_user, struct sock *sk)
{
	return iommufd_policy_pinned_by_user(0);
}

SEC("?struct_ops")
u32 BPF_PROG(tcp_counts_cgroup, struct sock *sk)
{
	return iommufd_policy_pinned_by_cgroup(1);
}

SEC("?struct_ops")
u32 BPF_PROG(tcp_reports, struct sock *sk)
{
	error(sk);
	return 2;
}

SEC("?struct_ops")
u32 BPF_PROG(tcp_finds_hole, struct sock *sk)
{
	return find_hole((const void *)sk);
}

/* Iterators: of each kind, each way to get it wrong */

#define ITERATORS(kind, ...)						\
	struct bpf_iter_iommufd_##kind kind##_stored;			\
									\
	SEC("?syscall")							\
	int kind##_right(void *unused)					\
	{								\
		struct bpf_iter_iommufd_##kind it;			\
		struct iommufd_policy_##kind *info;			\
									\
		bpf_iter_iommufd_##kind##_new(&it, ##__VA_ARGS__);	\
		info = bpf_iter_iommufd_##kind##_next(&it);		\
		if (info)						\
			sink = *(volatile u32 *)info;			\
		bpf_iter_iommufd_##kind##_destroy(&it);			\
		return 0;						\
	}								\
									\
	SEC("?syscall")							\
	int kind##_not_destroyed(void *unused)				\
	{								\
		struct bpf_iter_iommufd_##kind it;			\
									\
		bpf_iter_iommufd_##kind##_new(&it, ##__VA_ARGS__);	\
		return 0;						\
	}								\
									\
	SEC("?syscall")							\
	int kind##_after_destroy(void *unused)				\
	{								\
		struct bpf_iter_iommufd_##kind it;			\
									\
		bpf_iter_iommufd_##kind##_new(&it, ##__VA_ARGS__);	\
		bpf_iter_iommufd_##kind##_destroy(&it);			\
		bpf_iter_iommufd_##kind##_next(&it);			\
		return 0;						\
	}								\
									\
	SEC("?syscall")							\
	int kind##_without_new(void *unused)				\
	{								\
		struct bpf_iter_iommufd_##kind it = {};			\
									\
		bpf_iter_iommufd_##kind##_next(&it);			\
		return 0;						\
	}								\
									\
	SEC("?syscall")							\
	int kind##_new_twice(void *unused)				\
	{								\
		struct bpf_iter_iommufd_##kind it;			\
									\
		bpf_iter_iommufd_##kind##_new(&it, ##__VA_ARGS__);	\
		bpf_iter_iommufd_##kind##_new(&it, ##__VA_ARGS__);	\
		bpf_iter_iommufd_##kind##_destroy(&it);			\
		return 0;						\
	}								\
									\
	SEC("?syscall")							\
	int kind##_not_on_stack(void *unused)				\
	{								\
		bpf_iter_iommufd_##kind##_new(&kind##_stored,		\
					      ##__VA_ARGS__);		\
		bpf_iter_iommufd_##kind##_destroy(&kind##_stored);	\
		return 0;						\
	}								\
									\
	SEC("?syscall")							\
	int kind##_forged(void *unused)					\
	{								\
		struct bpf_iter_iommufd_##kind it;			\
									\
		bpf_iter_iommufd_##kind##_new(&it, ##__VA_ARGS__);	\
		*(volatile u64 *)&it = 1;				\
		bpf_iter_iommufd_##kind##_next(&it);			\
		bpf_iter_iommufd_##kind##_destroy(&it);			\
		return 0;						\
	}								\
									\
	SEC("?syscall")							\
	int kind##_under_rcu(void *unused)				\
	{								\
		struct bpf_iter_iommufd_##kind it;			\
									\
		bpf_iter_iommufd_##kind##_new(&it, ##__VA_ARGS__);	\
		bpf_rcu_read_lock();					\
		bpf_iter_iommufd_##kind##_next(&it);			\
		bpf_rcu_read_unlock();					\
		bpf_iter_iommufd_##kind##_destroy(&it);			\
		return 0;						\
	}								\
									\
	SEC("?syscall")							\
	int kind##_unchecked(void *unused)				\
	{								\
		struct bpf_iter_iommufd_##kind it;			\
									\
		bpf_iter_iommufd_##kind##_new(&it, ##__VA_ARGS__);	\
		sink = *(volatile u32 *)				\
			bpf_iter_iommufd_##kind##_next(&it);		\
		bpf_iter_iommufd_##kind##_destroy(&it);			\
		return 0;						\
	}								\
									\
	SEC("?syscall")							\
	int kind##_writes(void *unused)					\
	{								\
		struct bpf_iter_iommufd_##kind it;			\
		struct iommufd_policy_##kind *info;			\
									\
		bpf_iter_iommufd_##kind##_new(&it, ##__VA_ARGS__);	\
		info = bpf_iter_iommufd_##kind##_next(&it);		\
		if (info)						\
			*(volatile u32 *)info = 1;			\
		bpf_iter_iommufd_##kind##_destroy(&it);			\
		return 0;						\
	}								\
									\
	SEC("?syscall")							\
	int kind##_reads_beyond(void *unused)				\
	{								\
		struct bpf_iter_iommufd_##kind it;			\
		struct iommufd_policy_##kind *info;			\
									\
		bpf_iter_iommufd_##kind##_new(&it, ##__VA_ARGS__);	\
		info = bpf_iter_iommufd_##kind##_next(&it);		\
		if (info)						\
			sink = ((volatile char *)info)[sizeof(*info)];	\
		bpf_iter_iommufd_##kind##_destroy(&it);			\
		return 0;						\
	}

ITERATORS(context)
ITERATORS(account, 1)
ITERATORS(ioas, 1)
ITERATORS(area, 1, 1)
ITERATORS(range, 1, 1)

SEC("?syscall")
int ioas_from_context(void *unused)
{
	struct bpf_iter_iommufd_context it;

	bpf_iter_iommufd_context_new(&it);
	bpf_iter_iommufd_ioas_next((void *)&it);
	bpf_iter_iommufd_context_destroy(&it);
	return 0;
}

SEC(".struct_ops.link")
struct iommufd_policy_ops policy = {
	.name = "reject",
};

#define TCP(program)							\
	SEC(".struct_ops")						\
	struct tcp_congestion_ops program##_ops = {			\
		.ssthresh = (void *)program,				\
		.name = "reject",					\
	}

TCP(tcp_right);
TCP(tcp_counts_context);
TCP(tcp_counts_user);
TCP(tcp_counts_cgroup);
TCP(tcp_reports);
TCP(tcp_finds_hole);

char _license[] SEC("license") = "GPL";

// SPDX-License-Identifier: GPL-2.0-only
/*
 * A policy that answers what a test tells it to, and tells what it was asked.
 * Which programs are its hooks, what it is called and its flags are set before
 * it is loaded.
 */
#include <iommufd_policy.bpf.h>

#include "answer.h"

struct answer answer;

int bpf_copy_from_user_str(void *dst, u32 dst__sz,
			   const void *unsafe_ptr__ign, u64 flags) __ksym;

#define keep_who(to, from)						\
	do {								\
		(to)->cgroup_id = (from)->cgroup_id;			\
		(to)->ctx_id = (from)->ctx_id;				\
		(to)->uid = (from)->uid;				\
		(to)->opener_uid = (from)->opener_uid;			\
		(to)->tgid = (from)->tgid;				\
	} while (0)

/* For several loads together, in which order they are called */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} turns SEC(".maps");

static u64 next_turn(void)
{
	u32 first = 0;
	u64 *turn = bpf_map_lookup_elem(&turns, &first);

	return turn ? __sync_fetch_and_add(turn, 1) + 1 : 0;
}

static void report(const struct iommufd_policy_who *who)
{
	if (answer.report)
		iommufd_policy_error(who, answer.report, "told to report it");
}

static int answer_map(const struct iommufd_policy_map_request *req)
{
	keep_who(&answer.map.who, &req->who);
	answer.map.iova = req->iova;
	answer.map.length = req->length;
	answer.map.pages = req->pages;
	answer.map.uptr = req->uptr;
	answer.map.op = req->op;
	answer.map.ioas_id = req->ioas_id;
	answer.map.prot = req->prot;
	answer.map.mem = req->mem;
	answer.map.fixed = req->fixed;
	answer.map.src_ioas_id = req->src_ioas_id;
	answer.map.src_iova = req->src_iova;
	answer.map.turn = next_turn();
	__sync_fetch_and_add(&answer.map.calls, 1);
	report(&req->who);
	return req->mem & answer.forbidden ? -EACCES : answer.map_answer;
}

SEC("?struct_ops")
int BPF_PROG(on_map, const struct iommufd_policy_map_request *req)
{
	return answer_map(req);
}

SEC("?struct_ops.s")
int BPF_PROG(on_map_sleeping, const struct iommufd_policy_map_request *req)
{
	char text[sizeof(answer.text)] = {};

	__sync_fetch_and_add(&answer.asleep, 1);
	bpf_copy_from_user_str(text, sizeof(text), (void *)req->uptr, 0);
	__builtin_memcpy(answer.text, text, sizeof(text));
	return answer_map(req);
}

static void answer_unmap(const struct iommufd_policy_unmap_request *req)
{
	keep_who(&answer.unmap.who, &req->who);
	answer.unmap.iova = req->iova;
	answer.unmap.length = req->length;
	answer.unmap.unmapped = req->unmapped;
	answer.unmap.op = req->op;
	answer.unmap.ioas_id = req->ioas_id;
	__sync_fetch_and_add(&answer.unmap.calls, 1);
	report(&req->who);
}

SEC("?struct_ops")
void BPF_PROG(on_unmap, const struct iommufd_policy_unmap_request *req)
{
	answer_unmap(req);
}

SEC("?struct_ops.s")
void BPF_PROG(on_unmap_sleeping, const struct iommufd_policy_unmap_request *req)
{
	answer_unmap(req);
}

static int answer_attach(const struct iommufd_policy_attach_request *req)
{
	keep_who(&answer.attach.who, &req->who);
	answer.attach.op = req->op;
	answer.attach.dev_id = req->dev_id;
	answer.attach.pt_id = req->pt_id;
	answer.attach.ioas_id = req->ioas_id;
	bpf_probe_read_kernel_str(answer.attach.dev_name,
				  sizeof(answer.attach.dev_name),
				  req->dev_name);
	answer.attach.turn = next_turn();
	__sync_fetch_and_add(&answer.attach.calls, 1);
	report(&req->who);
	return answer.attach_answer;
}

SEC("?struct_ops")
int BPF_PROG(on_attach, const struct iommufd_policy_attach_request *req)
{
	return answer_attach(req);
}

SEC("?struct_ops.s")
int BPF_PROG(on_attach_sleeping, const struct iommufd_policy_attach_request *req)
{
	return answer_attach(req);
}

static void answer_detach(const struct iommufd_policy_detach_request *req)
{
	keep_who(&answer.detach.who, &req->who);
	answer.detach.op = req->op;
	answer.detach.dev_id = req->dev_id;
	answer.detach.ioas_id = req->ioas_id;
	bpf_probe_read_kernel_str(answer.detach.dev_name,
				  sizeof(answer.detach.dev_name),
				  req->dev_name);
	__sync_fetch_and_add(&answer.detach.calls, 1);
	report(&req->who);
}

SEC("?struct_ops")
void BPF_PROG(on_detach, const struct iommufd_policy_detach_request *req)
{
	answer_detach(req);
}

SEC("?struct_ops.s")
void BPF_PROG(on_detach_sleeping, const struct iommufd_policy_detach_request *req)
{
	answer_detach(req);
}

static s64 answer_iova(const struct iommufd_policy_iova_request *req)
{
	keep_who(&answer.iova.who, &req->who);
	answer.iova.length = req->length;
	answer.iova.uptr = req->uptr;
	answer.iova.op = req->op;
	answer.iova.ioas_id = req->ioas_id;
	__sync_fetch_and_add(&answer.iova.calls, 1);
	report(&req->who);
	return answer.iova_answer;
}

SEC("?struct_ops")
s64 BPF_PROG(on_iova_alloc, const struct iommufd_policy_iova_request *req)
{
	return answer_iova(req);
}

SEC("?struct_ops.s")
s64 BPF_PROG(on_iova_alloc_sleeping, const struct iommufd_policy_iova_request *req)
{
	return answer_iova(req);
}

static int answer_charge(const struct iommufd_policy_charge_request *req)
{
	keep_who(&answer.charge.who, &req->who);
	answer.charge.pages = req->pages;
	answer.charge.asked = req->asked;
	answer.charge.pinned = req->pinned;
	answer.charge.charged = req->charged;
	answer.charge.limit = req->limit;
	answer.charge.op = req->op;
	answer.charge.ioas_id = req->ioas_id;
	answer.charge.limit_kind = req->limit_kind;
	answer.charge.turn = next_turn();
	__sync_fetch_and_add(&answer.charge.calls, 1);
	report(&req->who);
	if (answer.charge_answer == IOMMUFD_POLICY_PAY)
		__sync_fetch_and_add(&answer.balance, req->pages);
	return answer.charge_answer;
}

SEC("?struct_ops")
int BPF_PROG(on_charge, const struct iommufd_policy_charge_request *req)
{
	return answer_charge(req);
}

SEC("?struct_ops.s")
int BPF_PROG(on_charge_sleeping, const struct iommufd_policy_charge_request *req)
{
	return answer_charge(req);
}

static void answer_uncharge(const struct iommufd_policy_uncharge_request *req)
{
	keep_who(&answer.uncharge.who, &req->who);
	answer.uncharge.pages = req->pages;
	answer.uncharge.turn = next_turn();
	__sync_fetch_and_add(&answer.uncharge.calls, 1);
	__sync_fetch_and_add(&answer.balance, -req->pages);
	report(&req->who);
}

SEC("?struct_ops")
void BPF_PROG(on_uncharge, const struct iommufd_policy_uncharge_request *req)
{
	answer_uncharge(req);
}

SEC("?struct_ops.s")
void BPF_PROG(on_uncharge_sleeping,
	      const struct iommufd_policy_uncharge_request *req)
{
	answer_uncharge(req);
}

static int answer_init(const struct iommufd_policy_init_info *info)
{
	answer.init.api_version = info->api_version;
	answer.init.replaces = info->replaces;
	answer.init.paid = info->paid;
	__sync_fetch_and_add(&answer.init.calls, 1);
	return answer.init_answer;
}

SEC("?struct_ops")
int BPF_PROG(on_init, const struct iommufd_policy_init_info *info)
{
	return answer_init(info);
}

SEC("?struct_ops.s")
int BPF_PROG(on_init_sleeping, const struct iommufd_policy_init_info *info)
{
	return answer_init(info);
}

static void answer_exit(const struct iommufd_policy_exit_info *info)
{
	answer.exit.kind = info->kind;
	answer.exit.code = info->code;
	answer.exit.paid = info->paid;
	bpf_probe_read_kernel_str(answer.exit.message,
				  sizeof(answer.exit.message), info->message);
	__sync_fetch_and_add(&answer.exit.calls, 1);
}

SEC("?struct_ops")
void BPF_PROG(on_exit, const struct iommufd_policy_exit_info *info)
{
	answer_exit(info);
}

SEC("?struct_ops.s")
void BPF_PROG(on_exit_sleeping, const struct iommufd_policy_exit_info *info)
{
	answer_exit(info);
}

SEC(".struct_ops.link")
struct iommufd_policy_ops policy = {
	.map = (void *)on_map,
	.unmap = (void *)on_unmap,
	.attach = (void *)on_attach,
	.detach = (void *)on_detach,
	.iova_alloc = (void *)on_iova_alloc,
	.charge = (void *)on_charge,
	.uncharge = (void *)on_uncharge,
	.init = (void *)on_init,
	.exit = (void *)on_exit,
	.name = "answer",
};

SEC(".struct_ops")
struct iommufd_policy_ops legacy = {
	.map = (void *)on_map,
	.name = "legacy",
};

char _license[] SEC("license") = "GPL";

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Follows the tracepoints of the module: either each event goes to a ring buffer,
 * or they are only counted, by process.
 */
#include <iommufd_policy.bpf.h>

#include "../watch.h"

/*
 * The user interface of the kernel, which is never going to be different, and
 * what of the module's own is looked at, found by name.
 */
struct ioas_map {
	u32 size, flags, ioas_id, reserved;
	u64 user_va, length, iova;
};

struct ioas_map_file {
	u32 size, flags, ioas_id;
	s32 fd;
	u64 start, length, iova;
};

struct ioas_copy {
	u32 size, flags, dst_ioas_id, src_ioas_id;
	u64 length, dst_iova, src_iova;
};

struct ioas_unmap {
	u32 size, ioas_id;
	u64 iova, length;
};

struct account_book {
} __attribute__((preserve_access_index));

struct account {
	struct account_book *book;
	struct task_struct *task;
} __attribute__((preserve_access_index));

struct iommufd_ctx {
	struct account_book book;
	u64 id;
} __attribute__((preserve_access_index));

/* With types of the compiler, which the command knows: count, and tell nothing */
const volatile bool only_count = false;
/* Bit by enum watch_kind: those to tell of */
const volatile unsigned int wanted = -1;
unsigned long long lost;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, u32);
	__type(value, struct watch_rates);
} rates SEC(".maps");

static void count_one(bool refused)
{
	struct watch_rates *rate, none = {};
	u32 tgid = bpf_get_current_pid_tgid() >> 32;

	rate = bpf_map_lookup_elem(&rates, &tgid);
	if (!rate) {
		none.cgroup_id = bpf_get_current_cgroup_id();
		none.uid = bpf_get_current_uid_gid();
		bpf_map_update_elem(&rates, &tgid, &none, BPF_NOEXIST);
		rate = bpf_map_lookup_elem(&rates, &tgid);
		if (!rate)
			return;
	}
	if (refused)
		__sync_fetch_and_add(&rate->refused, 1);
	else
		__sync_fetch_and_add(&rate->requests, 1);
}

/* Room for an event by the current process, or NULL */
static struct watch_event *begin(u32 kind, u64 ctx_id)
{
	struct watch_event *event;

	if (!(wanted & (1U << kind)))
		return NULL;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&lost, 1);
		return NULL;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->time = bpf_ktime_get_ns();
	event->kind = kind;
	event->ctx_id = ctx_id;
	event->cgroup_id = bpf_get_current_cgroup_id();
	event->uid = bpf_get_current_uid_gid();
	event->tgid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	return event;
}

/* The same for a request, which may be only counted */
static struct watch_event *request(u32 kind, u64 ctx_id, int error)
{
	struct watch_event *event;

	if (only_count) {
		count_one(false);
		return NULL;
	}
	event = begin(kind, ctx_id);
	if (event)
		event->error = error;
	return event;
}

#define READ(where, from) bpf_probe_read_kernel(&(where), sizeof(where), from)

SEC("tp_btf/iommufd_map")
int BPF_PROG(see_map, u64 ctx_id, const void *arg, int error)
{
	struct watch_event *event = request(WATCH_MAP, ctx_id, error);
	struct ioas_map cmd = {};

	if (!event)
		return 0;
	READ(cmd, arg);
	event->ioas_id = cmd.ioas_id;
	event->iova = cmd.iova;
	event->length = cmd.length;
	event->place = cmd.user_va;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("tp_btf/iommufd_map_file")
int BPF_PROG(see_map_file, u64 ctx_id, const void *arg, int error)
{
	struct watch_event *event = request(WATCH_MAP_FILE, ctx_id, error);
	struct ioas_map_file cmd = {};

	if (!event)
		return 0;
	READ(cmd, arg);
	event->ioas_id = cmd.ioas_id;
	event->iova = cmd.iova;
	event->length = cmd.length;
	event->place = cmd.start;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("tp_btf/iommufd_copy")
int BPF_PROG(see_copy, u64 ctx_id, const void *arg, int error)
{
	struct watch_event *event = request(WATCH_COPY, ctx_id, error);
	struct ioas_copy cmd = {};

	if (!event)
		return 0;
	READ(cmd, arg);
	event->ioas_id = cmd.dst_ioas_id;
	event->other_id = cmd.src_ioas_id;
	event->iova = cmd.dst_iova;
	event->length = cmd.length;
	event->place = cmd.src_iova;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("tp_btf/iommufd_unmap")
int BPF_PROG(see_unmap, u64 ctx_id, const void *arg, u64 unmapped, int error)
{
	struct watch_event *event = request(WATCH_UNMAP, ctx_id, error);
	struct ioas_unmap cmd = {};

	if (!event)
		return 0;
	READ(cmd, arg);
	event->ioas_id = cmd.ioas_id;
	event->iova = cmd.iova;
	event->length = cmd.length;
	event->pages = unmapped;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("tp_btf/iommufd_attach")
int BPF_PROG(see_attach, u64 ctx_id, const char *device, u32 ioas, u32 hwpt,
	     bool replace, int error)
{
	struct watch_event *event = request(WATCH_ATTACH, ctx_id, error);

	if (!event)
		return 0;
	event->ioas_id = ioas;
	event->other_id = hwpt;
	event->audit = replace;
	bpf_probe_read_kernel_str(event->text, sizeof(event->text), device);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("tp_btf/iommufd_detach")
int BPF_PROG(see_detach, u64 ctx_id, const char *device)
{
	struct watch_event *event = request(WATCH_DETACH, ctx_id, 0);

	if (!event)
		return 0;
	bpf_probe_read_kernel_str(event->text, sizeof(event->text), device);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

static int see_pages(u32 kind, const struct account *account,
		     unsigned long npages, int error)
{
	const struct iommufd_ctx *ictx;
	struct watch_event *event;

	/* It never is NULL, but the verifier of some kernels does not know */
	if (only_count || !account)
		return 0;
	event = begin(kind, 0);
	if (!event)
		return 0;
	ictx = (void *)BPF_CORE_READ(account, book) -
	       bpf_core_field_offset(struct iommufd_ctx, book);
	event->ctx_id = BPF_CORE_READ(ictx, id);
	event->tgid = BPF_CORE_READ(account, task, tgid);
	BPF_CORE_READ_STR_INTO(&event->comm, account, task, comm);
	event->pages = npages;
	event->error = error;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("tp_btf/iommufd_charge")
int BPF_PROG(see_charge, const struct account *account, unsigned long npages,
	     int error)
{
	return see_pages(WATCH_CHARGE, account, npages, error);
}

SEC("tp_btf/iommufd_uncharge")
int BPF_PROG(see_uncharge, const struct account *account, unsigned long npages,
	     int error)
{
	return see_pages(WATCH_UNCHARGE, account, npages, error);
}

SEC("tp_btf/iommufd_policy_decision")
int BPF_PROG(see_decision, u64 ctx_id, const char *policy, const char *hook,
	     s64 answer, bool audit)
{
	struct watch_event *event;

	if (only_count) {
		if (answer < 0)
			count_one(true);
		return 0;
	}
	event = begin(WATCH_DECISION, ctx_id);
	if (!event)
		return 0;
	event->answer = answer;
	event->audit = audit;
	bpf_probe_read_kernel_str(event->policy, sizeof(event->policy), policy);
	bpf_probe_read_kernel_str(event->text, sizeof(event->text), hook);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("tp_btf/iommufd_policy_exit")
int BPF_PROG(see_exit, const char *policy, u32 kind, int code,
	     const char *message)
{
	struct watch_event *event;

	if (only_count)
		return 0;
	event = begin(WATCH_EXIT, 0);
	if (!event)
		return 0;
	event->other_id = kind;
	event->error = code;
	bpf_probe_read_kernel_str(event->policy, sizeof(event->policy), policy);
	bpf_probe_read_kernel_str(event->text, sizeof(event->text), message);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char _license[] SEC("license") = "GPL";

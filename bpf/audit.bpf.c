// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * audit - writes every request to a ring buffer, and refuses none
 *
 * 'iommufd-bpf watch --audit NAME' reads it, and so can any program that opens the
 * map 'events'. When nobody reads, the buffer fills up and later events are lost:
 * the numbers of those that follow tell how many. It is one hook a kind of request,
 * which the parameters switch off; the other policies are asked all the same.
 */
#include <iommufd_policy.bpf.h>
#include <iommufd_audit.h>

/* Which requests are written */
const volatile bool maps = true;
const volatile bool attaches = true;
const volatile bool addresses = true;
const volatile bool charges = true;
/* Maps and charges of fewer pages are not written */
const volatile u64 min_pages = 0;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} events SEC(".maps");

u64 last_seq;

/* Only of the process that asks, which who pays may not be */
static void write_comm(struct iommufd_audit_event *event)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if ((u32)task->tgid == event->tgid)
		BPF_CORE_READ_STR_INTO(&event->comm, task, group_leader, comm);
}

/* Room for an event, with who asks in it; NULL if there is none */
static struct iommufd_audit_event *begin(u32 hook,
					 const struct iommufd_policy_who *who)
{
	u64 seq = __sync_fetch_and_add(&last_seq, 1) + 1;
	struct iommufd_audit_event *event;

	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return NULL;
	__builtin_memset(event, 0, sizeof(*event));
	event->seq = seq;
	event->time = bpf_ktime_get_ns();
	event->hook = hook;
	event->ctx_id = who->ctx_id;
	event->cgroup_id = who->cgroup_id;
	event->uid = who->uid;
	event->tgid = who->tgid;
	write_comm(event);
	return event;
}

SEC("struct_ops")
int BPF_PROG(audit_map, const struct iommufd_policy_map_request *req)
{
	struct iommufd_audit_event *event;

	if (!maps || req->pages < min_pages)
		return 0;
	event = begin(IOMMUFD_AUDIT_MAP, &req->who);
	if (!event)
		return 0;
	event->op = req->op;
	event->ioas_id = req->ioas_id;
	event->iova = req->iova;
	event->length = req->length;
	event->uptr = req->uptr;
	event->pages = req->pages;
	event->prot = req->prot;
	event->mem = req->mem;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("struct_ops")
void BPF_PROG(audit_unmap, const struct iommufd_policy_unmap_request *req)
{
	struct iommufd_audit_event *event;

	if (!maps || req->unmapped / 4096 < min_pages)
		return;
	event = begin(IOMMUFD_AUDIT_UNMAP, &req->who);
	if (!event)
		return;
	event->op = req->op;
	event->ioas_id = req->ioas_id;
	event->iova = req->iova;
	event->length = req->unmapped;
	bpf_ringbuf_submit(event, 0);
}

SEC("struct_ops")
int BPF_PROG(audit_attach, const struct iommufd_policy_attach_request *req)
{
	struct iommufd_audit_event *event;

	if (!attaches)
		return 0;
	event = begin(IOMMUFD_AUDIT_ATTACH, &req->who);
	if (!event)
		return 0;
	event->op = req->op;
	event->ioas_id = req->ioas_id;
	event->dev_id = req->dev_id;
	bpf_probe_read_kernel_str(event->dev_name, sizeof(event->dev_name),
				  req->dev_name);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("struct_ops")
void BPF_PROG(audit_detach, const struct iommufd_policy_detach_request *req)
{
	struct iommufd_audit_event *event;

	if (!attaches)
		return;
	event = begin(IOMMUFD_AUDIT_DETACH, &req->who);
	if (!event)
		return;
	event->op = req->op;
	event->ioas_id = req->ioas_id;
	event->dev_id = req->dev_id;
	bpf_probe_read_kernel_str(event->dev_name, sizeof(event->dev_name),
				  req->dev_name);
	bpf_ringbuf_submit(event, 0);
}

SEC("struct_ops")
s64 BPF_PROG(audit_iova, const struct iommufd_policy_iova_request *req)
{
	struct iommufd_audit_event *event;

	if (!addresses)
		return 0;
	event = begin(IOMMUFD_AUDIT_IOVA_ALLOC, &req->who);
	if (!event)
		return 0;
	event->op = req->op;
	event->ioas_id = req->ioas_id;
	event->length = req->length;
	event->uptr = req->uptr;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("struct_ops")
int BPF_PROG(audit_charge, const struct iommufd_policy_charge_request *req)
{
	struct iommufd_audit_event *event;

	if (!charges || req->pages < min_pages)
		return IOMMUFD_POLICY_DECLINE;
	event = begin(IOMMUFD_AUDIT_CHARGE, &req->who);
	if (!event)
		return IOMMUFD_POLICY_DECLINE;
	event->op = req->op;
	event->ioas_id = req->ioas_id;
	event->pages = req->pages;
	bpf_ringbuf_submit(event, 0);
	return IOMMUFD_POLICY_DECLINE;
}

IOMMUFD_POLICY(audit,
	       .map = (void *)audit_map,
	       .unmap = (void *)audit_unmap,
	       .attach = (void *)audit_attach,
	       .detach = (void *)audit_detach,
	       .iova_alloc = (void *)audit_iova,
	       .charge = (void *)audit_charge,
	       .flags = IOMMUFD_POLICY_F_MEM_KIND);

char _license[] SEC("license") = "Dual BSD/GPL";

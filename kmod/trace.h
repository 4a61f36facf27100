/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints: what happened, to whom, and who decided it. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM iommufd

#if !defined(IOMMUFD_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define IOMMUFD_TRACE_H

#include <linux/tracepoint.h>

#include "compat/uapi.h"
#include "ctx.h"

TRACE_EVENT(iommufd_map,
	TP_PROTO(u64 ctx, const struct iommu_ioas_map *cmd, int error),
	TP_ARGS(ctx, cmd, error),
	TP_STRUCT__entry(
		__field(u64, ctx)
		__field(u64, iova)
		__field(u64, length)
		__field(u64, uptr)
		__field(u32, ioas)
		__field(u32, flags)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->iova = cmd->iova;
		__entry->length = cmd->length;
		__entry->uptr = cmd->user_va;
		__entry->ioas = cmd->ioas_id;
		__entry->flags = cmd->flags;
		__entry->error = error;
	),
	TP_printk("ctx=%llu ioas=%u iova=0x%llx length=0x%llx uptr=0x%llx flags=0x%x error=%d",
		  __entry->ctx, __entry->ioas, __entry->iova, __entry->length,
		  __entry->uptr, __entry->flags, __entry->error)
);

TRACE_EVENT(iommufd_map_file,
	TP_PROTO(u64 ctx, const struct iommu_ioas_map_file *cmd, int error),
	TP_ARGS(ctx, cmd, error),
	TP_STRUCT__entry(
		__field(u64, ctx)
		__field(u64, iova)
		__field(u64, length)
		__field(u64, start)
		__field(u32, ioas)
		__field(int, fd)
		__field(u32, flags)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->iova = cmd->iova;
		__entry->length = cmd->length;
		__entry->start = cmd->start;
		__entry->ioas = cmd->ioas_id;
		__entry->fd = cmd->fd;
		__entry->flags = cmd->flags;
		__entry->error = error;
	),
	TP_printk("ctx=%llu ioas=%u iova=0x%llx length=0x%llx fd=%d start=0x%llx flags=0x%x error=%d",
		  __entry->ctx, __entry->ioas, __entry->iova, __entry->length,
		  __entry->fd, __entry->start, __entry->flags, __entry->error)
);

TRACE_EVENT(iommufd_copy,
	TP_PROTO(u64 ctx, const struct iommu_ioas_copy *cmd, int error),
	TP_ARGS(ctx, cmd, error),
	TP_STRUCT__entry(
		__field(u64, ctx)
		__field(u64, src_iova)
		__field(u64, dst_iova)
		__field(u64, length)
		__field(u32, src_ioas)
		__field(u32, dst_ioas)
		__field(u32, flags)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->src_iova = cmd->src_iova;
		__entry->dst_iova = cmd->dst_iova;
		__entry->length = cmd->length;
		__entry->src_ioas = cmd->src_ioas_id;
		__entry->dst_ioas = cmd->dst_ioas_id;
		__entry->flags = cmd->flags;
		__entry->error = error;
	),
	TP_printk("ctx=%llu src_ioas=%u src_iova=0x%llx dst_ioas=%u dst_iova=0x%llx length=0x%llx flags=0x%x error=%d",
		  __entry->ctx, __entry->src_ioas, __entry->src_iova,
		  __entry->dst_ioas, __entry->dst_iova, __entry->length,
		  __entry->flags, __entry->error)
);

TRACE_EVENT(iommufd_unmap,
	TP_PROTO(u64 ctx, const struct iommu_ioas_unmap *cmd, u64 unmapped,
		 int error),
	TP_ARGS(ctx, cmd, unmapped, error),
	TP_STRUCT__entry(
		__field(u64, ctx)
		__field(u64, iova)
		__field(u64, length)
		__field(u64, unmapped)
		__field(u32, ioas)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__entry->iova = cmd->iova;
		__entry->length = cmd->length;
		__entry->unmapped = unmapped;
		__entry->ioas = cmd->ioas_id;
		__entry->error = error;
	),
	TP_printk("ctx=%llu ioas=%u iova=0x%llx length=0x%llx unmapped=0x%llx error=%d",
		  __entry->ctx, __entry->ioas, __entry->iova, __entry->length,
		  __entry->unmapped, __entry->error)
);

TRACE_EVENT(iommufd_attach,
	TP_PROTO(u64 ctx, const char *device, u32 ioas, u32 hwpt, bool replace,
		 int error),
	TP_ARGS(ctx, device, ioas, hwpt, replace, error),
	TP_STRUCT__entry(
		__field(u64, ctx)
		__string(device, device)
		__field(u32, ioas)
		__field(u32, hwpt)
		__field(bool, replace)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__assign_str(device);
		__entry->ioas = ioas;
		__entry->hwpt = hwpt;
		__entry->replace = replace;
		__entry->error = error;
	),
	TP_printk("ctx=%llu device=%s ioas=%u hwpt=%u replace=%d error=%d",
		  __entry->ctx, __get_str(device), __entry->ioas,
		  __entry->hwpt, __entry->replace, __entry->error)
);

TRACE_EVENT(iommufd_detach,
	TP_PROTO(u64 ctx, const char *device),
	TP_ARGS(ctx, device),
	TP_STRUCT__entry(
		__field(u64, ctx)
		__string(device, device)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__assign_str(device);
	),
	TP_printk("ctx=%llu device=%s", __entry->ctx, __get_str(device))
);

DECLARE_EVENT_CLASS(iommufd_pages,
	TP_PROTO(const struct account *account, unsigned long npages,
		 int error),
	TP_ARGS(account, npages, error),
	TP_STRUCT__entry(
		__field(u64, ctx)
		__field(unsigned long, npages)
		__field(int, tgid)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->ctx = container_of(account->book, struct iommufd_ctx,
					    book)->id;
		__entry->npages = npages;
		__entry->tgid = task_tgid_nr(account->task);
		__entry->error = error;
	),
	TP_printk("ctx=%llu tgid=%d pages=%lu error=%d", __entry->ctx,
		  __entry->tgid, __entry->npages, __entry->error)
);

DEFINE_EVENT(iommufd_pages, iommufd_charge,
	TP_PROTO(const struct account *account, unsigned long npages,
		 int error),
	TP_ARGS(account, npages, error)
);

DEFINE_EVENT(iommufd_pages, iommufd_uncharge,
	TP_PROTO(const struct account *account, unsigned long npages,
		 int error),
	TP_ARGS(account, npages, error)
);

TRACE_EVENT(iommufd_policy_decision,
	TP_PROTO(u64 ctx, const char *policy, const char *hook, s64 answer,
		 bool audit),
	TP_ARGS(ctx, policy, hook, answer, audit),
	TP_STRUCT__entry(
		__field(u64, ctx)
		__string(policy, policy)
		__string(hook, hook)
		__field(s64, answer)
		__field(bool, audit)
	),
	TP_fast_assign(
		__entry->ctx = ctx;
		__assign_str(policy);
		__assign_str(hook);
		__entry->answer = answer;
		__entry->audit = audit;
	),
	TP_printk("ctx=%llu policy=%s hook=%s answer=%lld mode=%s",
		  __entry->ctx, __get_str(policy), __get_str(hook),
		  __entry->answer, __entry->audit ? "audit" : "enforce")
);

TRACE_EVENT(iommufd_policy_exit,
	TP_PROTO(const char *policy, u32 kind, int code, const char *message),
	TP_ARGS(policy, kind, code, message),
	TP_STRUCT__entry(
		__string(policy, policy)
		__string(message, message)
		__field(u32, kind)
		__field(int, code)
	),
	TP_fast_assign(
		__assign_str(policy);
		__assign_str(message);
		__entry->kind = kind;
		__entry->code = code;
	),
	TP_printk("policy=%s kind=%u code=%d message=\"%s\"",
		  __get_str(policy), __entry->kind, __entry->code,
		  __get_str(message))
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>

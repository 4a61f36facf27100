// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who looks: one walk over all there is, into an array that the command maps.
 *
 * The verifier lets a loop over one of the module's iterators run as long as that
 * has something to show, so a million areas need one run, which is made after one
 * that only counts.
 */
#include <iommufd_policy.bpf.h>

#include "../walk.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct walk_record);
} records SEC(".maps");

struct walk_state state;

/* Room for one more, or NULL */
static struct walk_record *next_record(u64 ctx_id, u32 kind, u32 ioas_id)
{
	struct walk_record *record;
	u32 nr = state.nr++;

	if (nr >= state.room)
		return NULL;
	record = bpf_map_lookup_elem(&records, &nr);
	if (!record)
		return NULL;
	record->ctx_id = ctx_id;
	record->kind = kind;
	record->ioas_id = ioas_id;
	return record;
}

static void see_context(const struct iommufd_policy_context *context)
{
	struct walk_record *record;

	record = next_record(context->ctx_id, WALK_CONTEXT, 0);
	if (!record)
		return;
	record->context.pinned = context->pinned;
	record->context.charged = context->charged;
	record->context.opener_uid = context->opener_uid;
}

static void see_account(u64 ctx_id, const struct iommufd_policy_account *account)
{
	struct walk_record *record = next_record(ctx_id, WALK_ACCOUNT, 0);

	if (!record)
		return;
	record->account.cgroup_id = account->cgroup_id;
	record->account.pinned = account->pinned;
	record->account.charged = account->charged;
	record->account.uid = account->uid;
	record->account.tgid = account->tgid;
}

static void see_ioas(u64 ctx_id, const struct iommufd_policy_ioas *ioas)
{
	struct walk_record *record;

	record = next_record(ctx_id, WALK_IOAS, ioas->ioas_id);
	if (!record)
		return;
	record->ioas.areas = ioas->areas;
	record->ioas.bytes = ioas->bytes;
	record->ioas.domains = ioas->domains;
}

static void see_range(u64 ctx_id, u32 ioas_id,
		      const struct iommufd_policy_range *range)
{
	struct walk_record *record = next_record(ctx_id, WALK_RANGE, ioas_id);

	if (!record)
		return;
	record->range.start = range->start;
	record->range.last = range->last;
	record->range.kind = range->kind;
}

static void see_area(u64 ctx_id, u32 ioas_id,
		     const struct iommufd_policy_area *area)
{
	struct walk_record *record = next_record(ctx_id, WALK_AREA, ioas_id);

	if (!record)
		return;
	record->area.iova = area->iova;
	record->area.length = area->length;
	record->area.uptr = area->uptr;
	record->area.cgroup_id = area->cgroup_id;
	record->area.pinned = area->pinned;
	record->area.uid = area->uid;
	record->area.tgid = area->tgid;
	record->area.prot = area->prot;
	record->area.of_file = area->of_file;
	record->area.mem = area->mem;
	record->area.limit_kind = area->limit_kind;
	record->area.paid = area->paid;
	record->area.shared = area->shared;
}

SEC("syscall")
int walk(void *unused)
{
	struct iommufd_policy_context *context;
	struct iommufd_policy_account *account;
	struct iommufd_policy_range *range;
	struct iommufd_policy_ioas *ioas;
	struct iommufd_policy_area *area;

	bpf_for_each(iommufd_context, context) {
		u64 ctx_id = context->ctx_id;

		if (state.ctx_id && state.ctx_id != ctx_id)
			continue;
		see_context(context);
		bpf_for_each(iommufd_account, account, ctx_id)
			see_account(ctx_id, account);
		bpf_for_each(iommufd_ioas, ioas, ctx_id) {
			u32 ioas_id = ioas->ioas_id;

			see_ioas(ctx_id, ioas);
			if (state.ranges)
				bpf_for_each(iommufd_range, range, ctx_id, ioas_id)
					see_range(ctx_id, ioas_id, range);
			if (!state.areas) {
				state.nr += ioas->areas;
				continue;
			}
			bpf_for_each(iommufd_area, area, ctx_id, ioas_id)
				see_area(ctx_id, ioas_id, area);
		}
	}
	return 0;
}

char _license[] SEC("license") = "GPL";

// SPDX-License-Identifier: GPL-2.0-only
/* Who looks at all there is: contexts, accounts, IOASes, areas, ranges. */
#include <iommufd_policy.bpf.h>

#include "look.h"

/* A slow walk that does not end by itself is ended. */
#define SLOW_STEPS 64

struct look look;

static void keep_context(const struct iommufd_policy_context *context)
{
	u32 nr = look.nr_contexts++;

	if (nr >= LOOK_MAX)
		return;
	look.contexts[nr].ctx_id = context->ctx_id;
	look.contexts[nr].pinned = context->pinned;
	look.contexts[nr].charged = context->charged;
	look.contexts[nr].opener_uid = context->opener_uid;
}

static void keep_account(const struct iommufd_policy_account *account)
{
	u32 nr = look.nr_accounts++;

	if (nr >= LOOK_MAX)
		return;
	look.accounts[nr].id = account->id;
	look.accounts[nr].cgroup_id = account->cgroup_id;
	look.accounts[nr].pinned = account->pinned;
	look.accounts[nr].charged = account->charged;
	look.accounts[nr].uid = account->uid;
	look.accounts[nr].tgid = account->tgid;
}

static void keep_ioas(const struct iommufd_policy_ioas *ioas)
{
	u32 nr = look.nr_ioases++;

	if (nr >= LOOK_MAX)
		return;
	look.ioases[nr].ioas_id = ioas->ioas_id;
	look.ioases[nr].domains = ioas->domains;
	look.ioases[nr].areas = ioas->areas;
	look.ioases[nr].bytes = ioas->bytes;
}

static void keep_area(const struct iommufd_policy_area *area)
{
	u32 nr = look.nr_areas++;

	if (nr >= LOOK_MAX)
		return;
	look.areas[nr].iova = area->iova;
	look.areas[nr].length = area->length;
	look.areas[nr].uptr = area->uptr;
	look.areas[nr].uid = area->uid;
	look.areas[nr].tgid = area->tgid;
	look.areas[nr].prot = area->prot;
	look.areas[nr].of_file = area->of_file;
	look.areas[nr].cgroup_id = area->cgroup_id;
	look.areas[nr].pinned = area->pinned;
	look.areas[nr].mem = area->mem;
	look.areas[nr].limit_kind = area->limit_kind;
	look.areas[nr].paid = area->paid;
	look.areas[nr].shared = area->shared;
}

static void keep_range(const struct iommufd_policy_range *range)
{
	u32 nr = look.nr_ranges++;

	if (nr >= LOOK_MAX)
		return;
	look.ranges[nr].start = range->start;
	look.ranges[nr].last = range->last;
	look.ranges[nr].kind = range->kind;
}

SEC("syscall")
int contexts(void *unused)
{
	struct iommufd_policy_context *context;

	bpf_for_each(iommufd_context, context)
		keep_context(context);
	return 0;
}

SEC("syscall")
int accounts(void *unused)
{
	struct iommufd_policy_account *account;

	bpf_for_each(iommufd_account, account, look.ctx_id)
		keep_account(account);
	return 0;
}

SEC("syscall")
int ioases(void *unused)
{
	struct iommufd_policy_ioas *ioas;

	bpf_for_each(iommufd_ioas, ioas, look.ctx_id)
		keep_ioas(ioas);
	return 0;
}

SEC("syscall")
int areas(void *unused)
{
	struct iommufd_policy_area *area;

	bpf_for_each(iommufd_area, area, look.ctx_id, look.ioas_id)
		keep_area(area);
	return 0;
}

SEC("syscall")
int ranges(void *unused)
{
	struct iommufd_policy_range *range;

	bpf_for_each(iommufd_range, range, look.ctx_id, look.ioas_id)
		keep_range(range);
	return 0;
}

/* Each step waits for user space, which may do anything meanwhile. */
SEC("syscall")
int contexts_slowly(void *unused)
{
	struct iommufd_policy_context *context;
	char byte;

	bpf_for_each(iommufd_context, context) {
		if (look.nr_contexts >= SLOW_STEPS)
			break;
		bpf_copy_from_user(&byte, 1, (void *)(look.memory +
						      look.nr_contexts * 4096));
		keep_context(context);
	}
	return 0;
}

SEC("syscall")
int everything(void *unused)
{
	struct iommufd_policy_context *context;
	struct iommufd_policy_account *account;
	struct iommufd_policy_range *range;
	struct iommufd_policy_ioas *ioas;
	struct iommufd_policy_area *area;

	bpf_for_each(iommufd_context, context) {
		look.nr_contexts++;
		bpf_for_each(iommufd_account, account, context->ctx_id)
			look.nr_accounts++;
		bpf_for_each(iommufd_ioas, ioas, context->ctx_id) {
			look.nr_ioases++;
			bpf_for_each(iommufd_range, range, context->ctx_id,
				     ioas->ioas_id)
				look.nr_ranges++;
			bpf_for_each(iommufd_area, area, context->ctx_id,
				     ioas->ioas_id) {
				look.nr_areas++;
				if (context->ctx_id == look.ctx_id &&
				    ioas->ioas_id == look.ioas_id &&
				    area->iova & LOOK_STEADY)
					look.steady++;
			}
		}
	}
	return 0;
}

SEC("syscall")
int count(void *unused)
{
	look.by_context = iommufd_policy_pinned_by_context(look.ctx_id);
	look.by_user = iommufd_policy_pinned_by_user(look.uid);
	look.by_cgroup = iommufd_policy_pinned_by_cgroup(look.cgroup_id);
	return 0;
}

char _license[] SEC("license") = "GPL";

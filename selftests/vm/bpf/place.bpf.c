// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policies that choose IO addresses. The first ones are what an author would
 * write; those behind them are there to be wrong, or late.
 */
#include <iommufd_policy.bpf.h>

#include "place.h"

/* Who waits longer than this waits for a test that has failed */
#define PATIENCE_NS 20000000000ULL

const volatile struct place_window window = {
	.last = ~0ULL,
	.align = 4096,
};
struct place place;

static s64 find(const struct iommufd_policy_iova_request *req, u64 start,
		u32 flags)
{
	s64 iova = iommufd_policy_find_hole(req, start, window.last,
					    window.align, flags);

	__sync_fetch_and_add(&place.calls, 1);
	place.found = iova;
	return iova;
}

SEC("?struct_ops.s")
s64 BPF_PROG(lowest, const struct iommufd_policy_iova_request *req)
{
	return find(req, window.start, 0);
}

SEC("?struct_ops.s")
s64 BPF_PROG(highest, const struct iommufd_policy_iova_request *req)
{
	return find(req, window.start, IOMMUFD_POLICY_HOLE_HIGHEST);
}

/* From anywhere in the window on, and if that is full from its start on */
SEC("?struct_ops.s")
s64 BPF_PROG(anywhere, const struct iommufd_policy_iova_request *req)
{
	u64 span = window.last - window.start + 1;
	u64 random = (u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32();
	s64 iova = find(req, window.start + random % span, 0);

	return iova == -ENOSPC ? find(req, window.start, 0) : iova;
}

/* Its own choice, which nobody has checked */
SEC("?struct_ops")
s64 BPF_PROG(answering, const struct iommufd_policy_iova_request *req)
{
	__sync_fetch_and_add(&place.calls, 1);
	return place.answer;
}

/* No choice, but a look with all arguments as a test has them */
SEC("?struct_ops.s")
s64 BPF_PROG(asking, const struct iommufd_policy_iova_request *req)
{
	__sync_fetch_and_add(&place.calls, 1);
	place.found = iommufd_policy_find_hole(req, place.window.start,
					       place.window.last,
					       place.window.align, place.flags);
	return 0;
}

/* Ends the loop if it returns 1 */
static long may_go(u32 i, void *unused)
{
	volatile struct place *shared = &place;

	return shared->go >= shared->waiting ||
	       bpf_ktime_get_ns() > shared->deadline;
}

/* The lowest address, and then nothing for a while: others come first */
SEC("?struct_ops.s")
s64 BPF_PROG(hesitating, const struct iommufd_policy_iova_request *req)
{
	s64 iova = find(req, window.start, 0);
	int i;

	if (place.calls > place.contested)
		return iova;
	place.deadline = bpf_ktime_get_ns() + PATIENCE_NS;
	__sync_fetch_and_add(&place.waiting, 1);
	for (i = 0; i < 16; i++)
		bpf_loop(1 << 23, may_go, NULL, 0);
	if (place.report)
		iommufd_policy_error(&req->who, place.report, "told to");
	return iova;
}

SEC(".struct_ops.link")
struct iommufd_policy_ops policy = {
	.iova_alloc = (void *)lowest,
	.name = "place",
};

char _license[] SEC("license") = "GPL";

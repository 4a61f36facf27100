// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * iova_window - where in IO address space memory goes
 *
 * Chooses the IO address of each mapping for which user space leaves it to the
 * kernel: within window_first to window_last, and nowhere else. If there is no
 * room left the mapping is refused, with ENOSPC. Loaded once for each cgroup,
 * with another window each time, it keeps their addresses apart.
 *
 *  - top_down: the highest address there is, else the lowest;
 *  - randomise: from a random place in the window on, upwards or downwards; if
 *    nothing is free there, as without it;
 *  - align: in bytes, a power of two; each address is a multiple of it;
 *  - huge_pages: what is as large as a huge page, of 1 GiB or of 2 MiB, begins
 *    where one does, so that the IOMMU can use them; if there is no such place,
 *    a smaller alignment will do, and at last that of align.
 *
 * Where user space has chosen an address nobody is asked.
 */
#include <iommufd_policy.bpf.h>

#define PAGE_SIZE 4096ULL
#define HUGE_SIZE (1ULL << 21)
#define GIGANTIC_SIZE (1ULL << 30)
/* The module has no higher ones: an answer has to be positive. */
#define LAST_ADDRESS (~0ULL >> 1)

const volatile u64 window_first = 0;
const volatile u64 window_last = LAST_ADDRESS;
const volatile u64 align = PAGE_SIZE;
const volatile bool top_down = false;
const volatile bool randomise = false;
const volatile bool huge_pages = false;

/* Address 0 would be no answer. */
static u64 first_address(void)
{
	return window_first ? window_first : PAGE_SIZE;
}

static u64 last_address(void)
{
	return window_last < LAST_ADDRESS ? window_last : LAST_ADDRESS;
}

static s64 find_hole(const struct iommufd_policy_iova_request *req, u64 first,
		     u64 last, u64 alignment)
{
	return iommufd_policy_find_hole(req, first, last, alignment,
					top_down ? IOMMUFD_POLICY_HOLE_HIGHEST :
						   0);
}

static u64 random_address(u64 first, u64 last)
{
	u64 random = (u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32();

	return first + random % (last - first + 1);
}

static s64 find_place(const struct iommufd_policy_iova_request *req,
		      u64 alignment)
{
	u64 first = first_address(), last = last_address(), from;
	s64 iova = -ENOSPC;

	if (randomise) {
		from = random_address(first, last);
		iova = top_down ? find_hole(req, first, from, alignment) :
				  find_hole(req, from, last, alignment);
	}
	if (iova == -ENOSPC)
		iova = find_hole(req, first, last, alignment);
	return iova;
}

static s64 find_huge_place(const struct iommufd_policy_iova_request *req,
			   u64 alignment)
{
	if (!huge_pages || req->length < alignment || align >= alignment)
		return -ENOSPC;
	return find_place(req, alignment);
}

SEC("struct_ops.s")
s64 BPF_PROG(iova_window_alloc, const struct iommufd_policy_iova_request *req)
{
	s64 iova = find_huge_place(req, GIGANTIC_SIZE);

	if (iova == -ENOSPC)
		iova = find_huge_place(req, HUGE_SIZE);
	if (iova == -ENOSPC)
		iova = find_place(req, align);
	return iova;
}

/* What the module would not look for is refused now and not with each map. */
SEC("struct_ops")
int BPF_PROG(iova_window_init, const struct iommufd_policy_init_info *info)
{
	if (align < PAGE_SIZE || align & (align - 1))
		return -EINVAL;
	return first_address() < last_address() ? 0 : -EINVAL;
}

IOMMUFD_POLICY(iova_window,
	       .iova_alloc = (void *)iova_window_alloc,
	       .init = (void *)iova_window_init);

char _license[] SEC("license") = "Dual BSD/GPL";

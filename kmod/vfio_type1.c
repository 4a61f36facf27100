// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of a VFIO container with a type1 IOMMU, on /dev/iommu. Programs
 * written for vfio_iommu_type1 shall not notice the difference.
 */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <uapi/linux/iommufd.h>
#include <uapi/linux/vfio.h>

#include "ctx.h"
#include "hwpt.h"
#include "ioas.h"
#include "iopt_reserve.h"
#include "trace.h"
#include "vfio_compat.h"

/* The last address that is reported: many add one to it. */
#define LAST_IOVA (ULONG_MAX - PAGE_SIZE)

/* Without an IOAS there is none that is not coherent, nor one that is. */
static int cache_coherent(struct iommufd_ctx *ictx)
{
	struct ioas *ioas = vfio_compat_pin(ictx);
	struct hwpt *hwpt;
	int coherent = 1;

	if (IS_ERR(ioas))
		return 0;
	spin_lock(&ioas->hwpts_lock);
	list_for_each_entry(hwpt, &ioas->hwpts, entry)
		if (!READ_ONCE(hwpt->coherent))
			coherent = 0;
	spin_unlock(&ioas->hwpts_lock);
	object_unpin(ictx, &ioas->obj);
	return coherent;
}

/*
 * 1 or 0. Not there: VFIO_UPDATE_VADDR, as memory stays with the process that
 * mapped it, and nesting, which VFIO itself has given up.
 */
static int check_extension(struct iommufd_ctx *ictx, unsigned long extension)
{
	switch (extension) {
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
	case VFIO_UNMAP_ALL:
		return !READ_ONCE(ictx->compat.no_iommu);
	case VFIO_NOIOMMU_IOMMU:
		return IS_ENABLED(CONFIG_VFIO_NOIOMMU);
	case VFIO_DMA_CC_IOMMU:
		return cache_coherent(ictx);
	default:
		return 0;
	}
}

/*
 * The first version promises that a mapping can be unmapped in part, which
 * takes small pages. -EINVAL: not of this context, or something is mapped.
 */
static int set_iommu(struct iommufd_ctx *ictx, unsigned long type)
{
	bool no_iommu = READ_ONCE(ictx->compat.no_iommu);
	struct ioas *ioas;
	int rc = 0;

	if (type == VFIO_NOIOMMU_IOMMU && no_iommu)
		return capable(CAP_SYS_RAWIO) ? 0 : -EPERM;
	if (no_iommu || (type != VFIO_TYPE1_IOMMU && type != VFIO_TYPE1v2_IOMMU))
		return -EINVAL;
	ioas = vfio_compat_pin(ictx);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	if (type == VFIO_TYPE1_IOMMU)
		rc = iopt_set_huge_pages(&ioas->iopt, false);
	object_unpin(ictx, &ioas->obj);
	return rc;
}

/**
 * struct chain - the capabilities of VFIO_IOMMU_GET_INFO, as user space sees it
 * @avail: how many mappings there may be
 * @iova: where
 */
struct chain {
	struct vfio_iommu_type1_info_dma_avail avail;
	struct vfio_iommu_type1_info_cap_iova_range iova;
};

static size_t chain_size(const struct chain *chain)
{
	return struct_size(chain, iova.iova_ranges, chain->iova.nr_iovas);
}

/* Finds out how many there are, even if it has no room for all of them. */
static u32 list_ranges(struct io_pagetable *iopt, struct vfio_iova_range *ranges,
		       u32 room)
{
	struct iommu_iova_range range;
	unsigned long cursor = 0;
	u32 nr = 0;

	lockdep_assert_held(&iopt->lock);
	while (iopt_next_usable(iopt, &cursor, &range)) {
		if (range.start > LAST_IOVA)
			break;
		if (nr < room) {
			ranges[nr].start = range.start;
			ranges[nr].end = min_t(u64, range.last, LAST_IOVA);
		}
		nr++;
	}
	return nr;
}

/* What all domains can do. Who can do less than PAGE_SIZE can do that. */
static u64 page_sizes(struct io_pagetable *iopt)
{
	const struct domain_set *set = iopt->sets[iopt->edition];
	unsigned long sizes = ULONG_MAX;
	unsigned int i;

	lockdep_assert_held(&iopt->lock);
	for (i = 0; i < set_size(set); i++)
		sizes &= set->domains[i]->pgsize_bitmap;
	if (sizes & ~PAGE_MASK)
		sizes = (sizes & PAGE_MASK) | PAGE_SIZE;
	return sizes;
}

static void link_chain(struct chain *chain, size_t offset)
{
	chain->avail.header.id = VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL;
	chain->avail.header.version = 1;
	chain->avail.header.next = offset + offsetof(struct chain, iova);
	/* Nothing but memory limits them. */
	chain->avail.avail = U32_MAX;
	chain->iova.header.id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE;
	chain->iova.header.version = 1;
}

/* One moment of the IOAS; the caller frees it. */
static struct chain *read_chain(struct io_pagetable *iopt, u64 *sizes)
{
	u32 nr = 2, room;
	struct chain *chain;

	do {
		room = nr;
		chain = kvzalloc(struct_size(chain, iova.iova_ranges, room),
				 GFP_KERNEL_ACCOUNT);
		if (!chain)
			return ERR_PTR(-ENOMEM);
		mutex_lock(&iopt->lock);
		nr = list_ranges(iopt, chain->iova.iova_ranges, room);
		*sizes = page_sizes(iopt);
		mutex_unlock(&iopt->lock);
		if (nr > room)
			kvfree(chain);
	} while (nr > room);
	chain->iova.nr_iovas = nr;
	return chain;
}

/* All of the chain or nothing, and how much room all of it takes. */
static int respond_info(struct vfio_iommu_type1_info *info, struct chain *chain,
			void __user *arg)
{
	size_t known = min_t(size_t, info->argsz, sizeof(*info));
	size_t total = sizeof(*info) + chain_size(chain);

	info->flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
	if (info->argsz >= total) {
		link_chain(chain, sizeof(*info));
		if (copy_to_user(arg + sizeof(*info), chain,
				 chain_size(chain)))
			return -EFAULT;
		info->cap_offset = sizeof(*info);
	}
	info->argsz = total;
	return copy_to_user(arg, info, known) ? -EFAULT : 0;
}

static int get_info(struct iommufd_ctx *ictx, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_iommu_type1_info,
					 iova_pgsizes);
	struct vfio_iommu_type1_info info = {};
	struct chain *chain;
	struct ioas *ioas;
	int rc;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	ioas = vfio_compat_pin(ictx);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	chain = read_chain(&ioas->iopt, &info.iova_pgsizes);
	object_unpin(ictx, &ioas->obj);
	if (IS_ERR(chain))
		return PTR_ERR(chain);

	rc = respond_info(&info, chain, arg);
	kvfree(chain);
	return rc;
}

/* In the order of vfio_iommu_type1, which decides between the two errors. */
static int check_map(const struct vfio_iommu_type1_dma_map *map)
{
	u64 last_iova, last_byte;

	if (map->flags & ~(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE) ||
	    !map->size)
		return -EINVAL;
	if (check_add_overflow(map->iova, map->size - 1, &last_iova) ||
	    check_add_overflow(map->vaddr, map->size - 1, &last_byte))
		return -EOVERFLOW;
	if (!map->flags)
		return -EINVAL;
	/* No process has memory at the last address. */
	return last_byte == U64_MAX ? -EFAULT : 0;
}

static int map_dma(struct iommufd_ctx *ictx, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_iommu_type1_dma_map, size);
	struct iommu_ioas_map cmd = { .flags = IOMMU_IOAS_MAP_FIXED_IOVA };
	struct vfio_iommu_type1_dma_map map;
	struct ioas *ioas;
	int rc;

	if (copy_from_user(&map, arg, minsz))
		return -EFAULT;
	if (map.argsz < minsz)
		return -EINVAL;
	rc = check_map(&map);
	if (rc)
		return rc;
	if (map.flags & VFIO_DMA_MAP_FLAG_READ)
		cmd.flags |= IOMMU_IOAS_MAP_READABLE;
	if (map.flags & VFIO_DMA_MAP_FLAG_WRITE)
		cmd.flags |= IOMMU_IOAS_MAP_WRITEABLE;
	cmd.user_va = map.vaddr;
	cmd.length = map.size;
	cmd.iova = map.iova;
	/* What remains: an address or a length of 2^64 - 1, which is no page. */
	if (ioas_check_map(&cmd))
		return -EINVAL;
	ioas = vfio_compat_pin(ictx);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);

	cmd.ioas_id = ioas->obj.id;
	rc = ioas_map_user(ictx, ioas, &cmd, IOMMUFD_POLICY_OP_TYPE1_MAP);
	trace_iommufd_map(ictx->id, &cmd, rc);
	object_unpin(ictx, &ioas->obj);
	return rc;
}

/* Mappings that lie across the ends of the range become two. */
static int cut_ends(struct io_pagetable *iopt, unsigned long start,
		    unsigned long last)
{
	int rc = iopt_cut(iopt, start);

	if (!rc && last < ULONG_MAX)
		rc = iopt_cut(iopt, last + 1);
	return rc;
}

static int unmap_range(struct iommufd_ctx *ictx, struct ioas *ioas,
		       unsigned long start, unsigned long last,
		       unsigned long *unmapped)
{
	struct iommu_ioas_unmap cmd = {
		.ioas_id = ioas->obj.id,
		.iova = start,
		.length = start || last < ULONG_MAX ? last - start + 1 : U64_MAX,
	};
	int rc = 0;

	if (!READ_ONCE(ioas->iopt.huge_pages))
		rc = cut_ends(&ioas->iopt, start, last);
	if (!rc)
		rc = iopt_unmap(&ioas->iopt, start, last, unmapped);
	trace_iommufd_unmap(ictx->id, &cmd, *unmapped, rc);
	if (*unmapped)
		policy_unmap(ictx, cmd.ioas_id, start, cmd.length, *unmapped,
			     IOMMUFD_POLICY_OP_TYPE1_UNMAP);
	return rc;
}

/*
 * In the order of vfio_iommu_type1, which checks the alignment before it checks
 * whether the range wraps. A range that does not wrap needs no alignment here.
 */
static int check_unmap(const struct vfio_iommu_type1_dma_unmap *unmap,
		       unsigned long *last)
{
	if (unmap->flags & ~VFIO_DMA_UNMAP_FLAG_ALL)
		return -EINVAL;
	if (unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL) {
		*last = ULONG_MAX;
		return unmap->iova || unmap->size ? -EINVAL : 0;
	}
	if (!unmap->size)
		return -EINVAL;
	if (check_add_overflow(unmap->iova, unmap->size - 1, last))
		return PAGE_ALIGNED(unmap->iova | unmap->size) ? -EOVERFLOW :
								 -EINVAL;
	return 0;
}

static int unmap_dma(struct iommufd_ctx *ictx, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_iommu_type1_dma_unmap,
					 size);
	unsigned long unmapped = 0, last;
	struct vfio_iommu_type1_dma_unmap unmap;
	struct ioas *ioas;
	int rc;

	if (copy_from_user(&unmap, arg, minsz))
		return -EFAULT;
	if (unmap.argsz < minsz)
		return -EINVAL;
	rc = check_unmap(&unmap, &last);
	if (rc)
		return rc;
	ioas = vfio_compat_pin(ictx);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);

	rc = unmap_range(ictx, ioas, unmap.iova, last, &unmapped);
	object_unpin(ictx, &ioas->obj);
	if (rc)
		return rc;
	unmap.size = unmapped;
	return copy_to_user(arg, &unmap, minsz) ? -EFAULT : 0;
}

/**
 * vfio_type1_empty - make the IOAS of a container as new for the next group
 * @ictx: the context
 * @ioas: used by the caller
 *
 * Unmaps everything, and enables larger IO pages, which VFIO_SET_IOMMU may have
 * disabled: vfio_iommu_type1 forgets the type with the last group. A map that is
 * still pinning its memory comes after this.
 *
 * Return: 0; -EINTR on a fatal signal while other requests work on the IOAS, with
 * part of it unmapped.
 */
int vfio_type1_empty(struct iommufd_ctx *ictx, struct ioas *ioas)
{
	unsigned long unmapped = 0;
	int rc = 0;

	/* Policies and traces are told of unmaps, not of groups. */
	do {
		if (READ_ONCE(ioas->iopt.nr_areas))
			rc = unmap_range(ictx, ioas, 0, ULONG_MAX, &unmapped);
		/* Mapped meanwhile, partly where all had been unmapped. */
	} while (rc == -ENOENT);
	return rc ?: iopt_set_huge_pages(&ioas->iopt, true);
}

/**
 * vfio_type1_ioctl - what is no ioctl of iommufd may be one of a container
 * @ictx: the context
 * @cmd: the ioctl
 * @arg: its argument
 *
 * The IOAS is that of IOMMU_VFIO_IOAS, which VFIO_GROUP_SET_CONTAINER makes if
 * there is none. Where the two differ, errors are those of vfio_iommu_type1
 * rather than those of IOMMU_IOAS_MAP and IOMMU_IOAS_UNMAP; on all kernels those
 * of 7.3, whose driver tells a range that wraps (-EOVERFLOW) from other wrong
 * ones. That of 6.12 answers -EINVAL there.
 *
 * VFIO_GET_API_VERSION, VFIO_CHECK_EXTENSION: the version; 1 or 0. Without an
 * IOAS VFIO_DMA_CC_IOMMU is 0.
 *
 * VFIO_SET_IOMMU: 0; -ENODEV without an IOAS; -EINVAL for another IOMMU than
 * type1 or type1v2, or if something is mapped into domains already, with
 * larger IO pages, and type1 needs small ones; -EADDRINUSE if an area is off
 * their alignment; -EINTR on a fatal signal. Devices without an IOMMU want
 * VFIO_NOIOMMU_IOMMU, and -EPERM is the answer without CAP_SYS_RAWIO.
 *
 * VFIO_IOMMU_GET_INFO: 0; -EINVAL if argsz is too small; -ENODEV; -ENOMEM;
 * -EFAULT. The last page of the address space is not reported as usable:
 * programs add one to the end of a range.
 *
 * VFIO_IOMMU_MAP_DMA: 0; -EINVAL if argsz is too small, for unknown flags, one
 * of them VFIO_DMA_MAP_FLAG_VADDR, and for no length; -EOVERFLOW if one of the
 * ranges wraps; -EINVAL if neither readable nor writable; -EFAULT if the memory
 * reaches to the last address there is; -ENODEV; the errors of ioas_map_user().
 * Memory is charged to the process, as vfio_iommu_type1 does, whatever
 * %IOMMU_OPTION_RLIMIT_MODE says.
 *
 * VFIO_IOMMU_UNMAP_DMA: 0, also if nothing was mapped there; -EINVAL if argsz
 * is too small, for flags other than VFIO_DMA_UNMAP_FLAG_ALL, for a range with
 * that flag, and for an empty one without; -EOVERFLOW if the range wraps, or
 * -EINVAL if it is not aligned to pages, too; -ENODEV; -ENOENT if the range cuts
 * a mapping and larger IO pages are enabled; the errors of iopt_cut() if they
 * are not; -EINTR on a fatal signal; -EFAULT.
 *
 * Return: see above; -ENOIOCTLCMD for all others.
 */
int vfio_type1_ioctl(struct iommufd_ctx *ictx, unsigned int cmd,
		     unsigned long arg)
{
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case VFIO_GET_API_VERSION:
		return VFIO_API_VERSION;
	case VFIO_CHECK_EXTENSION:
		return check_extension(ictx, arg);
	case VFIO_SET_IOMMU:
		return set_iommu(ictx, arg);
	case VFIO_IOMMU_GET_INFO:
		return get_info(ictx, uarg);
	case VFIO_IOMMU_MAP_DMA:
		return map_dma(ictx, uarg);
	case VFIO_IOMMU_UNMAP_DMA:
		return unmap_dma(ictx, uarg);
	default:
		return -ENOIOCTLCMD;
	}
}

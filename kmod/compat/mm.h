/* SPDX-License-Identifier: GPL-2.0-only */
/* Differences of memory management between kernel versions. */
#ifndef IOMMUFD_COMPAT_MM_H
#define IOMMUFD_COMPAT_MM_H

#include <linux/mm.h>
#include <linux/version.h>

static inline bool compat_is_cow_mapping(const struct vm_area_struct *vma)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 3, 0)
	return is_cow_mapping(vma->vm_flags);
#else
	return vma_is_cow_mapping(vma);
#endif
}

#endif

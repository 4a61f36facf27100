/* SPDX-License-Identifier: GPL-2.0-only */
/* Differences of memory management between kernel versions. */
#ifndef IOMMUFD_COMPAT_MM_H
#define IOMMUFD_COMPAT_MM_H

#include <linux/mm.h>
#include <linux/version.h>

/* Later kernels have the struct pages of adjacent pages side by side. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
#define compat_nth_page(page, n) nth_page(page, n)
#else
#define compat_nth_page(page, n) ((page) + (n))
#endif

static inline bool compat_is_cow_mapping(const struct vm_area_struct *vma)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 3, 0)
	return is_cow_mapping(vma->vm_flags);
#else
	return vma_is_cow_mapping(vma);
#endif
}

#endif

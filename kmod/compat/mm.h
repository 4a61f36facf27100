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

/*
 * Before 6.17 memfd_pin_folios() fills a hole in a file of hugetlbfs with a page
 * that it has not reserved, which spoils the count of those who have.
 */
#define COMPAT_PIN_HUGETLB_FILES \
	(LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0))

/*
 * Where tables of a process are not freed while interrupts are off, and entries
 * say whether user space may use them.
 */
#define COMPAT_LEAVES (IS_ENABLED(CONFIG_X86_64) || IS_ENABLED(CONFIG_ARM64))

/* Since 6.17 memory of devices is mapped as other memory is. */
static inline bool compat_pmd_devmap(pmd_t pmd)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
	return pmd_devmap(pmd);
#else
	return false;
#endif
}

static inline bool compat_pud_devmap(pud_t pud)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
	return pud_devmap(pud);
#else
	return false;
#endif
}

/*
 * Not exported before 7.3. The folio is pinned: it cannot go. No kernel looks
 * whether the count has room for more than one, and user space can map a huge
 * page as often as it likes.
 */
static inline int compat_folio_add_pins(struct folio *folio, unsigned int pins)
{
	if ((unsigned int)folio_ref_count(folio) + pins > INT_MAX)
		return -ENOMEM;
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 3, 0)
	if (!pins)
		return 0;
	/* Of one page there is one pin: this is a large folio. */
	folio_ref_add(folio, pins);
	atomic_add(pins, &folio->_pincount);
	node_stat_mod_folio(folio, NR_FOLL_PIN_ACQUIRED, pins);
	return 0;
#else
	return pins ? folio_add_pins(folio, pins) : 0;
#endif
}

static inline bool compat_is_cow_mapping(const struct vm_area_struct *vma)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 3, 0)
	return is_cow_mapping(vma->vm_flags);
#else
	return vma_is_cow_mapping(vma);
#endif
}

#endif

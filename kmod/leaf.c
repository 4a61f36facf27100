// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the page table of the calling process maps its memory: where one entry maps
 * a huge page, GUP need not be asked for each page of it.
 *
 * It is read as GUP does that goes without locks: with interrupts off no table of
 * it is freed, and an entry is read once, because it may change between a look at
 * what it is and its use.
 */
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/sched.h>

#include "compat/mm.h"
#include "leaf.h"

/**
 * struct leaf - the entry that an address is mapped by
 * @nr: how many pages it maps; 1: the page is one of a table of small ones, or
 *	may not be used as part of a huge one; 0: nothing is mapped yet
 * @pfn: the first of a huge page
 */
struct leaf {
	unsigned long nr;
	unsigned long pfn;
};

static const struct leaf nothing = { .nr = 0 };
static const struct leaf small = { .nr = 1 };

static struct leaf leaf_of_pud(pud_t pud, bool write)
{
	if (!pud_access_permitted(pud, write) || pud_special(pud) ||
	    compat_pud_devmap(pud))
		return small;
	return (struct leaf){ PUD_SIZE >> PAGE_SHIFT, pud_pfn(pud) };
}

static struct leaf leaf_of_pmd(pmd_t pmd, bool write)
{
	if (!pmd_access_permitted(pmd, write) || pmd_special(pmd) ||
	    compat_pmd_devmap(pmd))
		return small;
	return (struct leaf){ PMD_SIZE >> PAGE_SHIFT, pmd_pfn(pmd) };
}

static struct leaf walk(unsigned long addr, bool write)
{
	pgd_t *pgdp = pgd_offset(current->mm, addr), pgd = pgdp_get(pgdp);
	p4d_t *p4dp, p4d;
	pud_t *pudp, pud;
	pmd_t pmd;

	if (pgd_none(pgd))
		return nothing;
	p4dp = p4d_offset_lockless(pgdp, pgd, addr);
	p4d = p4dp_get(p4dp);
	if (!p4d_present(p4d))
		return nothing;
	pudp = pud_offset_lockless(p4dp, p4d, addr);
	pud = pudp_get(pudp);
	if (!pud_present(pud))
		return nothing;
	if (pud_leaf(pud))
		return leaf_of_pud(pud, write);
	pmd = pmdp_get_lockless(pmd_offset_lockless(pudp, pud, addr));
	if (!pmd_present(pmd))
		return nothing;
	return pmd_leaf(pmd) ? leaf_of_pmd(pmd, write) : small;
}

static struct leaf find_leaf(unsigned long addr, bool write)
{
	unsigned long flags;
	struct leaf leaf;

	local_irq_save(flags);
	leaf = walk(addr, write);
	local_irq_restore(flags);
	return leaf;
}

/**
 * leaf_small_pages - how many pages there are before a huge one may be
 * @addr: user address of the first, in the calling process
 * @nr: at most as many
 * @write: they will be written
 *
 * Where nothing is mapped a page fault may bring a huge page.
 *
 * Return: 0 to @nr.
 */
unsigned long leaf_small_pages(unsigned long addr, unsigned long nr,
			       bool write)
{
	unsigned long n = 0;

	while (n < nr) {
		unsigned long place = addr + (n << PAGE_SHIFT);

		/* Tables of the kernel are freed by other rules. */
		if (place >= TASK_SIZE_MAX)
			break;
		if (find_leaf(place, write).nr != 1)
			return n;
		n += (PMD_SIZE - (place & ~PMD_MASK)) >> PAGE_SHIFT;
	}
	return nr;
}

/**
 * leaf_pages - how many pages from a pinned one on the same huge page maps
 * @addr: user address the page was found at, in the calling process
 * @page: pinned for long a moment ago
 * @write: for writing
 *
 * Memory of hugetlbfs is never mapped in parts: the entry that @page was found
 * by maps all of it.
 *
 * For other memory nothing keeps it from being mapped anew meanwhile. But if a
 * huge page maps @page right now, GUP would find the following ones there, too,
 * and what it looks at before it gives them away is true of them all:
 *
 * - whether memory may be pinned for long at all, and migration to where it may,
 *   is a matter of the folio, and so is whether the file it is of allows it;
 * - whether the process may write is in the entry, and so is whether this is
 *   memory with struct pages at all;
 * - an anonymous huge page is exclusive as a whole. As it is pinned it stays so:
 *   fork() copies it. What is not anonymous is not given for a private mapping,
 *   but a copy; then @page is of that.
 *
 * Return: at least 1, all of one folio.
 */
unsigned long leaf_pages(unsigned long addr, struct page *page, bool write)
{
	struct folio *folio = page_folio(page);
	unsigned long nr = folio_nr_pages(folio) - folio_page_idx(folio, page);
	unsigned long place;
	struct leaf leaf;

	if (nr == 1 || folio_test_hugetlb(folio))
		return nr;
	leaf = find_leaf(addr, write);
	place = (addr >> PAGE_SHIFT) & (leaf.nr - 1);
	if (leaf.nr <= 1 || leaf.pfn + place != page_to_pfn(page))
		return 1;
	return min(nr, leaf.nr - place);
}

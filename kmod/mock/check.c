// SPDX-License-Identifier: GPL-2.0-only
/* Is what should be mapped and pinned mapped and pinned, and nothing else? */
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/overflow.h>

#include "../ctx.h"
#include "../hwpt.h"
#include "mock.h"

/* The caller puts the page. */
static struct page *get_page_at(unsigned long uptr)
{
	struct page *page;
	int rc = get_user_pages_fast(uptr & PAGE_MASK, 1, 0, &page);

	if (rc == 1)
		return page;
	return ERR_PTR(rc < 0 ? rc : -EFAULT);
}

static int check_map(struct iommu_domain *domain, unsigned long iova,
		     unsigned long uptr, unsigned long length)
{
	unsigned long step = BIT(__ffs(domain->pgsize_bitmap));
	unsigned long end, i;
	struct page *page;
	phys_addr_t paddr;

	if ((iova | uptr | length) % step ||
	    check_add_overflow(uptr, length, &end) ||
	    check_add_overflow(iova, length, &end))
		return -EINVAL;
	for (i = 0; i < length; i += step) {
		page = get_page_at(uptr + i);
		if (IS_ERR(page))
			return PTR_ERR(page);
		paddr = page_to_phys(page) + offset_in_page(uptr + i);
		put_page(page);
		if (iommu_iova_to_phys(domain, iova + i) != paddr)
			return -EINVAL;
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

/**
 * mock_check_map_ioctl - IOMMU_TEST_OP_MD_CHECK_MAP
 * @ucmd: the ioctl; its id is a HWPT
 *
 * Return: 0; -ENOENT; -EINVAL if the HWPT is not of the mock IOMMU, the range
 * is off its page size or overflows, or an IOVA does not lead to the page at the
 * user address; -EFAULT; -EINTR on a fatal signal.
 */
int mock_check_map_ioctl(struct ucmd *ucmd)
{
	struct iommu_test_cmd *cmd = ucmd->cmd;
	struct iommu_domain *domain;
	struct object *obj;
	int rc = -EINVAL;

	obj = object_pin(ucmd->ictx, cmd->id, OBJECT_HWPT);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	domain = to_hwpt(obj)->domain;
	if (mock_domain_is(domain))
		rc = check_map(domain, cmd->check_map.iova,
			       cmd->check_map.uptr, cmd->check_map.length);
	object_unpin(ucmd->ictx, obj);
	return rc;
}

/* How often a large folio is pinned tells nothing about one page of it. */
static bool pinned_times(struct folio *folio, unsigned int times)
{
	if (folio_test_large(folio))
		return folio_maybe_dma_pinned(folio) == !!times;
	return folio_ref_count(folio) / GUP_PIN_COUNTING_BIAS == times;
}

/**
 * mock_check_refs_ioctl - IOMMU_TEST_OP_MD_CHECK_REFS
 * @ucmd: the ioctl
 *
 * Return: 0; -EINVAL if the user range is off the page size or overflows;
 * -EFAULT; -EIO if a page is pinned more or less often than expected; -EINTR on
 * a fatal signal.
 */
int mock_check_refs_ioctl(struct ucmd *ucmd)
{
	struct iommu_test_cmd *cmd = ucmd->cmd;
	unsigned long length = cmd->check_refs.length;
	unsigned long uptr = cmd->check_refs.uptr, end;
	struct page *page;
	bool as_expected;

	if ((uptr | length) % PAGE_SIZE ||
	    check_add_overflow(uptr, length, &end))
		return -EINVAL;
	for (; uptr < end; uptr += PAGE_SIZE) {
		page = get_page_at(uptr);
		if (IS_ERR(page))
			return PTR_ERR(page);
		as_expected = pinned_times(page_folio(page),
					   cmd->check_refs.refs);
		put_page(page);
		if (!as_expected)
			return -EIO;
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

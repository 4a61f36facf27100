/* SPDX-License-Identifier: GPL-2.0-only */
/* An IOAS from inside: areas, and the domains they are filled into. */
#ifndef IOMMUFD_IO_PAGETABLE_H
#define IOMMUFD_IO_PAGETABLE_H

#include <linux/iommufd.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <uapi/linux/iommufd.h>

#include "iova_space.h"

struct area;
struct iommu_domain;

/**
 * struct domain_set - the domains an area is filled into
 * @nr: entries in use
 * @room: entries allocated
 * @domains: in the order they came
 */
struct domain_set {
	unsigned int nr;
	unsigned int room;
	struct iommu_domain *domains[] __counted_by(room);
};

static inline unsigned int set_size(const struct domain_set *set)
{
	return set ? set->nr : 0;
}

/**
 * struct io_pagetable - IO addresses of one IOAS
 * @lock: for everything here but @domains_lock and what @sets point to. Held
 *	for work on the structures only: never while pages are pinned, a domain
 *	is mapped or unmapped, user memory is touched or a policy is asked.
 * @domains_lock: serialises coming and going of domains, which take a walk
 *	over all areas; outside of @lock
 * @space: areas, and blocked spans of reserved addresses
 * @idle: who waits for a busy area
 * @sets: two editions of the domains. While a domain comes or goes, the areas
 *	not yet visited are of the old one; at other times all areas are of
 *	the current one. A busy area keeps the set of its edition as it is.
 * @edition: index of the current one
 * @nr_domains: domains of the current one; read without @lock as a hint
 * @alignment: of addresses and lengths, bytes: 1, or the smallest page of a
 *	domain, or what an access needs, whatever is most
 * @huge_pages: domains may use their larger pages; changed under both locks,
 *	and read with none by who maps: it is disabled only while nothing is
 * @nr_areas: areas in @space
 * @bytes: sum of their lengths
 * @accesses: struct iopt_access attached
 * @reserved: struct reservation, by address
 * @allowed: where the kernel may choose addresses, by address; all if empty
 * @nr_allowed: entries of @allowed
 * @changes: how often something was added, reserved or allowed: what was free
 *	may have been taken; read without @lock as a hint
 * @ioas_id: object id of the IOAS, for policies
 */
struct io_pagetable {
	struct mutex lock;		/* see above */
	struct mutex domains_lock;	/* see above */
	struct iova_space space;
	wait_queue_head_t idle;
	struct domain_set *sets[2];
	unsigned int edition;
	unsigned int nr_domains;
	unsigned long alignment;
	bool huge_pages;
	unsigned long nr_areas;
	unsigned long bytes;
	struct list_head accesses;
	struct list_head reserved;
	struct iommu_iova_range *allowed;
	unsigned long nr_allowed;
	unsigned long changes;
	u32 ioas_id;
};

/**
 * struct iova_request - where areas are to be mapped
 * @length: bytes, of all areas together
 * @iova: the first byte if @fixed; set to where they went
 * @fixed: the caller chose @iova
 * @chosen: a policy chose @iova
 * @tries: how often policies have been asked
 * @op: enum iommufd_policy_op
 */
struct iova_request {
	unsigned long length;
	unsigned long iova;
	bool fixed;
	bool chosen;
	u8 tries;
	u32 op;
};

/**
 * iopt_resched - let other tasks run in a loop over areas
 * @i: how many areas have been visited before this one
 *
 * A request may be about millions of them, with iopt->lock held.
 */
static inline void iopt_resched(unsigned long i)
{
	if (i % 256 == 255)
		cond_resched();
}

int iopt_check_range(struct io_pagetable *iopt, unsigned long iova,
		     unsigned long last);

/**
 * iopt_look - could something be mapped at a range that user space wants
 * @iopt: the IO page table
 * @fixed: user space has chosen an address
 * @iova: first byte, if so
 * @length: bytes, within the address space
 *
 * For who maps, before memory is pinned and paid for; iopt_map() has the last
 * word. It is as quick to refuse by itself where there are no domains, for
 * nothing is pinned then; and most often the range is free for sure.
 *
 * Return: 0, or the errors of iopt_check_range().
 */
static inline int iopt_look(struct io_pagetable *iopt, bool fixed,
			    unsigned long iova, unsigned long length)
{
	unsigned long last = iova + length - 1;

	if (!fixed || !READ_ONCE(iopt->nr_domains) ||
	    iova_space_recent(&iopt->space, iova, last))
		return 0;
	return iopt_check_range(iopt, iova, last);
}

int iopt_map(struct io_pagetable *iopt, struct area **areas, unsigned long nr,
	     struct iova_request *where);
int iopt_unmap(struct io_pagetable *iopt, unsigned long start,
	       unsigned long last, unsigned long *unmapped);
unsigned long iopt_unmap_all(struct io_pagetable *iopt);

int iopt_check_choice(struct io_pagetable *iopt, unsigned long iova,
		      unsigned long length, unsigned long changes);
int iopt_find_hole(struct io_pagetable *iopt, const struct iova_hole *want,
		   bool highest, unsigned long *iova);

int iopt_copy(struct io_pagetable *dst, struct io_pagetable *src,
	      unsigned long src_iova, struct iova_request *where, int prot);
int iopt_cut(struct io_pagetable *iopt, unsigned long iova);

void iopt_remove_area(struct io_pagetable *iopt, struct area *area);
bool iopt_filled(const struct io_pagetable *iopt, const struct area *area);
int iopt_check_alignment(struct io_pagetable *iopt, unsigned long alignment);
void iopt_update_alignment(struct io_pagetable *iopt);
int iopt_add_domain(struct io_pagetable *iopt, struct iommu_domain *domain);
void iopt_remove_domain(struct io_pagetable *iopt, struct iommu_domain *domain);
int iopt_set_huge_pages(struct io_pagetable *iopt, bool enable);

void iopt_init(struct io_pagetable *iopt);
void iopt_destroy(struct io_pagetable *iopt);

#endif

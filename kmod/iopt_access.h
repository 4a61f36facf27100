/* SPDX-License-Identifier: GPL-2.0-only */
/* Kernel users of an IO page table: pinning, reading and writing by IOVA. */
#ifndef IOMMUFD_IOPT_ACCESS_H
#define IOMMUFD_IOPT_ACCESS_H

#include <linux/interval_tree.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/types.h>

struct area;
struct io_pagetable;
struct page;

/**
 * struct access_pin - pages pinned for an access
 * @node: IO addresses; in iopt_access.pins
 * @ready: the access has the pages
 */
struct access_pin {
	struct interval_tree_node node;
	bool ready;
};

static inline struct access_pin *to_pin(struct interval_tree_node *node)
{
	return container_of(node, struct access_pin, node);
}

/**
 * struct iopt_access - a kernel user of an IO page table
 * @entry: in io_pagetable.accesses
 * @pins: struct access_pin, an interval tree by IOVA
 * @closed: goes; no new pins
 * @calls: calls of @unmap on their way
 * @spare: room for a pin, or NULL
 * @alignment: what areas must be aligned to
 * @unmap: told to unpin what it has in a range before it returns; called with
 *	no lock held
 *
 * All but @unmap, @alignment and @spare are under io_pagetable.lock.
 */
struct iopt_access {
	struct list_head entry;
	struct rb_root_cached pins;
	bool closed;
	unsigned int calls;
	struct access_pin *spare;
	unsigned long alignment;
	void (*unmap)(struct iopt_access *access, unsigned long iova,
		      unsigned long length);
};

int iopt_add_access(struct io_pagetable *iopt, struct iopt_access *access);
void iopt_remove_access(struct io_pagetable *iopt, struct iopt_access *access);
void iopt_access_forget_spare(struct iopt_access *access);
int iopt_wait_unpinned(struct io_pagetable *iopt, struct area *area);
int iopt_evict_accesses(struct io_pagetable *iopt, struct area **areas,
			unsigned int nr, unsigned int task_state);

int iopt_pin(struct io_pagetable *iopt, struct iopt_access *access,
	     unsigned long iova, unsigned long length, bool write,
	     struct page **list);
void iopt_unpin(struct io_pagetable *iopt, struct iopt_access *access,
		unsigned long iova, unsigned long length);
int iopt_rw(struct io_pagetable *iopt, unsigned long iova, void *data,
	    unsigned long length, unsigned int flags);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which IO addresses are taken, and where a hole is. A pure data structure: the
 * caller locks and owns the nodes.
 */
#ifndef IOMMUFD_IOVA_SPACE_H
#define IOMMUFD_IOVA_SPACE_H

#include <linux/rbtree_augmented.h>
#include <linux/types.h>

/**
 * struct iova_node - a range of IO addresses, in one iova_space
 * @rb: place in the tree, by address
 * @start: first byte
 * @last: last byte
 * @max_gap: longest hole right before a node of this subtree, bytes; like @gap
 *	not known before the first search
 * @gap: length of the hole right before this node, bytes, from a multiple of
 *	iova_space.grain on
 * @blocked: nothing is mapped here and nothing may be
 */
struct iova_node {
	struct rb_node rb;
	unsigned long start;
	unsigned long last;
	unsigned long max_gap;
	unsigned long gap;
	bool blocked;
};

/**
 * struct iova_space - disjoint ranges in [0, ULONG_MAX]
 * @root: the nodes
 * @prev: the neighbours before and behind one hole: at first that behind what was
 *	inserted last; either may be NULL
 * @next: see @prev
 * @before: last byte of @prev, or 0; for iova_space_recent()
 * @behind: first byte of @next, or ULONG_MAX; likewise
 * @tail: the highest one, or NULL; what is behind it is no hole of the tree, so
 *	that to append changes nothing above the new node
 * @floor: no hole is looked for below this address
 * @grain: a power of two; a hole begins at a multiple of it, and what lies between
 *	the node before and that address is not used
 * @gaps_known: somebody has looked for a hole, so the nodes know theirs
 * @hint: no hole before a lower node is @hint_length bytes long; NULL if that
 *	is not known
 * @hint_length: see @hint
 */
struct iova_space {
	struct rb_root root;
	struct iova_node *prev;
	struct iova_node *next;
	unsigned long before;
	unsigned long behind;
	struct iova_node *tail;
	unsigned long floor;
	unsigned long grain;
	bool gaps_known;
	struct iova_node *hint;
	unsigned long hint_length;
};

void iova_space_init(struct iova_space *space, unsigned long floor,
		     unsigned long grain);

struct iova_node *iova_space_first(const struct iova_space *space,
				   unsigned long start, unsigned long last);

/**
 * iova_space_next - the next node that overlaps a range
 * @node: the one before
 * @last: last byte of the range
 *
 * Return: the node, or NULL.
 */
static inline struct iova_node *iova_space_next(const struct iova_node *node,
						unsigned long last)
{
	struct rb_node *rb = node->last < last ? rb_next(&node->rb) : NULL;
	struct iova_node *next = rb_entry_safe(rb, struct iova_node, rb);

	return next && next->start <= last ? next : NULL;
}

/**
 * iova_space_recent - is a range where one is likely to be inserted next
 * @space: the space
 * @start: first byte of the range
 * @last: last byte of the range
 *
 * Context: without the lock, it is a guess.
 * Return: true if nothing of it is taken; false if that takes a search to tell.
 */
static inline bool iova_space_recent(const struct iova_space *space,
				     unsigned long start, unsigned long last)
{
	return start > READ_ONCE(space->before) &&
	       last < READ_ONCE(space->behind);
}

int iova_space_insert(struct iova_space *space, struct iova_node *node);
void iova_space_remove(struct iova_space *space, struct iova_node *node);

/**
 * struct iova_hole - the hole wanted from iova_space_find_hole()
 * @length: bytes, at least 1
 * @align: the address must be @phase modulo this power of two, which is at least
 *	iova_space.grain
 * @prefer: the same, but only wished for; at least @align
 * @phase: the address modulo @prefer
 * @start: lowest first byte
 * @last: highest last byte
 */
struct iova_hole {
	unsigned long length;
	unsigned long align;
	unsigned long prefer;
	unsigned long phase;
	unsigned long start;
	unsigned long last;
};

int iova_space_find_hole(struct iova_space *space,
			 const struct iova_hole *want, unsigned long *iova);
int iova_space_find_highest(struct iova_space *space,
			    const struct iova_hole *want, unsigned long *iova);

#endif

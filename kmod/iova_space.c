// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which IO addresses are taken, and where a hole is.
 *
 * A red-black tree by address in which every node knows the hole before it and
 * the longest such hole of its subtree: insertion, removal, lookup and the
 * search for a hole are all O(log n). Who chooses all addresses himself, as most
 * do, has no use for holes: the nodes learn about them in the first search. And
 * what is mapped is most often mapped behind what was mapped before, or where it
 * had been: one hole between neighbours is known, and taken without a search.
 */
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/sched.h>

#include "iova_space.h"

/*
 * Long enough, badly placed holes to look at before a search for ample ones
 * begins: for an alignment that is preferred, and for one that is required.
 */
#define MAX_MISFITS 8
#define MAX_MISFITS_REQUIRED 1024

static struct iova_node *to_node(struct rb_node *rb)
{
	return rb_entry_safe(rb, struct iova_node, rb);
}

static unsigned long node_gap(struct iova_node *node)
{
	return node->gap;
}

RB_DECLARE_CALLBACKS_MAX(static, gap_callbacks, struct iova_node, rb,
			 unsigned long, max_gap, node_gap)

/* There is nothing between @prev and @next, of which either may be NULL. */
static void set_recent(struct iova_space *space, struct iova_node *prev,
		       struct iova_node *next)
{
	space->prev = prev;
	space->next = next;
	WRITE_ONCE(space->before, prev ? prev->last : 0);
	WRITE_ONCE(space->behind, next ? next->start : ULONG_MAX);
}

/**
 * iova_space_init - an empty space
 * @space: to initialise
 * @floor: lowest address iova_space_find_hole() may give
 * @grain: a power of two; holes begin at multiples of it
 */
void iova_space_init(struct iova_space *space, unsigned long floor,
		     unsigned long grain)
{
	space->root = RB_ROOT;
	space->tail = NULL;
	space->floor = floor;
	space->grain = grain;
	space->gaps_known = false;
	space->hint = NULL;
	set_recent(space, NULL, NULL);
}

/* First address behind @node, which may be NULL but not end the space. */
static unsigned long behind(const struct iova_space *space,
			    const struct iova_node *node)
{
	return node ? max(node->last + 1, space->floor) : space->floor;
}

/* The first multiple of the grain from @start on; 0 if there is none. */
static unsigned long grain_up(const struct iova_space *space,
			      unsigned long start)
{
	return (start + space->grain - 1) & -space->grain;
}

static void set_gap(const struct iova_space *space, struct iova_node *node,
		    const struct iova_node *prev)
{
	unsigned long start = behind(space, prev);
	unsigned long hole = grain_up(space, start);

	node->gap = hole >= start && node->start > hole ? node->start - hole : 0;
}

/* The hole before @node is new, or longer than it was. */
static void hint_of_hole(struct iova_space *space, struct iova_node *node)
{
	if (space->hint && node->start < space->hint->start &&
	    node->gap >= space->hint_length)
		space->hint = node;
}

/**
 * iova_space_first - the lowest node that overlaps a range
 * @space: the space
 * @start: first byte of the range
 * @last: last byte of the range
 *
 * Return: the node, or NULL.
 */
struct iova_node *iova_space_first(const struct iova_space *space,
				   unsigned long start, unsigned long last)
{
	struct rb_node *rb = space->root.rb_node;
	struct iova_node *found = NULL;

	while (rb) {
		struct iova_node *node = to_node(rb);

		if (node->last >= start) {
			found = node;
			rb = rb->rb_left;
		} else {
			rb = rb->rb_right;
		}
	}
	return found && found->start <= last ? found : NULL;
}

/**
 * struct place - where a node goes in the tree
 * @parent: node above, or NULL
 * @link: to the node, in @parent or the root
 * @prev: neighbour below, or NULL
 * @next: neighbour above, or NULL
 */
struct place {
	struct rb_node *parent;
	struct rb_node **link;
	struct iova_node *prev;
	struct iova_node *next;
};

/* Of two neighbours, one has no child towards the other. */
static void place_recent(struct iova_space *space, struct place *place)
{
	place->prev = space->prev;
	place->next = space->next;
	place->parent = NULL;
	place->link = &space->root.rb_node;
	if (place->prev && !place->prev->rb.rb_right) {
		place->parent = &place->prev->rb;
		place->link = &place->parent->rb_right;
	} else if (place->next) {
		place->parent = &place->next->rb;
		place->link = &place->parent->rb_left;
	}
}

static int find_place(struct iova_space *space, const struct iova_node *node,
		      struct place *place)
{
	place->parent = NULL;
	place->link = &space->root.rb_node;
	place->prev = NULL;
	place->next = NULL;
	while (*place->link) {
		struct iova_node *at = to_node(*place->link);

		place->parent = &at->rb;
		if (node->start < at->start) {
			place->next = at;
			place->link = &at->rb.rb_left;
		} else {
			place->prev = at;
			place->link = &at->rb.rb_right;
		}
	}
	if ((place->prev && place->prev->last >= node->start) ||
	    (place->next && place->next->start <= node->last))
		return -EEXIST;
	return 0;
}

/**
 * iova_space_insert - take a range
 * @space: the space
 * @node: start and last set by the caller
 *
 * Return: 0, or -EEXIST if part of the range is taken.
 */
int iova_space_insert(struct iova_space *space, struct iova_node *node)
{
	struct place place;

	if (iova_space_recent(space, node->start, node->last))
		place_recent(space, &place);
	else if (find_place(space, node, &place))
		return -EEXIST;

	rb_link_node(&node->rb, place.parent, place.link);
	set_recent(space, node, place.next);
	if (!place.next)
		space->tail = node;
	if (!space->gaps_known) {
		rb_insert_color(&node->rb, &space->root);
		return 0;
	}
	set_gap(space, node, place.prev);
	node->max_gap = node->gap;
	gap_callbacks.propagate(place.parent, NULL);
	if (place.next) {
		set_gap(space, place.next, node);
		gap_callbacks.propagate(&place.next->rb, NULL);
	}
	hint_of_hole(space, node);
	rb_insert_augmented(&node->rb, &space->root, &gap_callbacks);
	return 0;
}

static void remove_with_gap(struct iova_space *space, struct iova_node *node)
{
	struct iova_node *prev = to_node(rb_prev(&node->rb));
	struct iova_node *next = to_node(rb_next(&node->rb));

	rb_erase_augmented(&node->rb, &space->root, &gap_callbacks);
	if (space->hint == node)
		space->hint = next;
	if (next) {
		set_gap(space, next, prev);
		gap_callbacks.propagate(&next->rb, NULL);
		hint_of_hole(space, next);
	}
}

/**
 * iova_space_remove - give a range back
 * @space: the space
 * @node: a node in it; the caller's again afterwards
 */
void iova_space_remove(struct iova_space *space, struct iova_node *node)
{
	if (space->prev == node || space->tail == node) {
		struct iova_node *prev = to_node(rb_prev(&node->rb));

		if (space->prev == node)
			set_recent(space, prev, space->next);
		if (space->tail == node)
			space->tail = prev;
	}
	if (space->next == node)
		set_recent(space, space->prev, to_node(rb_next(&node->rb)));
	if (space->gaps_known)
		remove_with_gap(space, node);
	else
		rb_erase(&node->rb, &space->root);
}

/* Once in the life of a space: a step for each node. */
static void learn_gaps(struct iova_space *space)
{
	struct iova_node *prev = NULL;
	struct rb_node *rb;

	if (space->gaps_known)
		return;
	for (rb = rb_first(&space->root); rb; rb = rb_next(rb)) {
		set_gap(space, to_node(rb), prev);
		prev = to_node(rb);
		cond_resched();
	}
	for (rb = rb_first_postorder(&space->root); rb;
	     rb = rb_next_postorder(rb)) {
		gap_callbacks_compute_max(to_node(rb), false);
		cond_resched();
	}
	space->gaps_known = true;
}

static unsigned long gap_start(const struct iova_node *node)
{
	return node->start - node->gap;
}

/*
 * Bytes from the beginning of a hole that is not cut short by the window to the
 * end of what is wanted, at the lowest address that has its phase within the
 * grain: a hole of the tree is long enough if it has as many.
 */
static unsigned long needed(const struct iova_space *space,
			    const struct iova_hole *want)
{
	unsigned long skipped = want->phase & (space->grain - 1), need;

	return check_add_overflow(want->length, skipped, &need) ? ULONG_MAX :
								  need;
}

/*
 * The part of a hole that lies in the window, which need not begin at a multiple
 * of the grain; false if there is none.
 */
static bool cut_to_window(const struct iova_space *space,
			  const struct iova_hole *want, unsigned long *start,
			  unsigned long *last)
{
	unsigned long from = grain_up(space, *start);

	if (from < *start)
		return false;
	*start = max(from, want->start);
	*last = min(*last, want->last);
	return *start <= *last;
}

/* The lowest suitable address in a hole. */
static bool hole_fits(const struct iova_space *space, unsigned long start,
		      unsigned long last, const struct iova_hole *want,
		      unsigned long align, unsigned long *iova)
{
	unsigned long pad;

	if (!cut_to_window(space, want, &start, &last))
		return false;
	pad = (want->phase - start) & (align - 1);
	if (last - start < pad)
		return false;
	*iova = start + pad;
	return last - *iova >= want->length - 1;
}

/*
 * The lowest hole of at least @least bytes that fits, below the tail, in
 * address order, entering only subtrees that have a hole long enough. Gives up
 * after @misfits holes that were long enough and yet did not fit.
 */
static bool search_tree(struct iova_space *space,
			const struct iova_hole *want, unsigned long align,
			unsigned long least, unsigned long misfits,
			unsigned long *iova)
{
	struct iova_node *node = to_node(space->root.rb_node), *child;
	bool lowest = true;

	if (!node || node->max_gap < least)
		return false;
	if (space->hint && least >= space->hint_length &&
	    gap_start(space->hint) >= want->start) {
		node = space->hint;
		goto visit;
	}
descend:
	child = to_node(node->rb.rb_left);
	if (child && child->max_gap >= least && gap_start(node) > want->start) {
		node = child;
		goto descend;
	}
visit:
	if (gap_start(node) > want->last)
		return false;
	if (node->gap >= least && node->start > want->start) {
		/* The next search for as much begins here. */
		if (lowest && want->start <= space->floor) {
			space->hint = node;
			space->hint_length = least;
		}
		lowest = false;
		if (hole_fits(space, gap_start(node), node->start - 1, want,
			      align, iova))
			return true;
		if (!misfits--)
			return false;
	}
	child = to_node(node->rb.rb_right);
	if (child && child->max_gap >= least) {
		node = child;
		goto descend;
	}
	while ((child = node)) {
		node = to_node(rb_parent(&child->rb));
		if (node && node->rb.rb_left == &child->rb)
			goto visit;
	}
	return false;
}

static bool search(struct iova_space *space, const struct iova_hole *want,
		   unsigned long align, unsigned long least,
		   unsigned long misfits, unsigned long *iova)
{
	if (search_tree(space, want, align, least, misfits, iova))
		return true;
	if (space->tail && space->tail->last == ULONG_MAX)
		return false;
	return hole_fits(space, behind(space, space->tail), ULONG_MAX, want,
			 align, iova);
}

/* Long enough to fit wherever it begins, unless the window cuts it short. */
static bool find_ample(const struct iova_hole *want, unsigned long align,
		       unsigned long *ample)
{
	return !check_add_overflow(want->length, align - 1, ample);
}

/* A limited number of holes that are just long enough; then ample ones. */
static bool search_aligned(struct iova_space *space,
			   const struct iova_hole *want, unsigned long align,
			   unsigned long misfits, unsigned long *iova)
{
	unsigned long ample;

	if (search(space, want, align, needed(space, want), misfits, iova))
		return true;
	return find_ample(want, align, &ample) &&
	       search(space, want, align, ample, misfits, iova);
}

/**
 * iova_space_find_hole - find the address for something new
 * @space: the space
 * @want: what is wanted
 * @iova: out: a first byte
 *
 * The lowest hole is taken, except that a few badly placed ones are passed over
 * for the preferred alignment.
 *
 * O(log n), apart from the first search. If @want->align is larger than
 * iova_space.grain, holes that are long enough can be badly placed: after
 * %MAX_MISFITS_REQUIRED of them a hole is found only if it is ample, that is,
 * long enough to hold what is wanted wherever the hole begins.
 *
 * Return: 0; -ENOSPC if there is no suitable hole, or none among those looked
 * at.
 */
int iova_space_find_hole(struct iova_space *space,
			 const struct iova_hole *want, unsigned long *iova)
{
	learn_gaps(space);
	if (want->prefer > want->align &&
	    search_aligned(space, want, want->prefer, MAX_MISFITS, iova))
		return 0;
	if (search_aligned(space, want, want->align, MAX_MISFITS_REQUIRED,
			   iova))
		return 0;
	return -ENOSPC;
}

/* The highest suitable address in a hole. */
static bool fits_highest(const struct iova_space *space, unsigned long start,
			 unsigned long last, const struct iova_hole *want,
			 unsigned long *iova)
{
	unsigned long top, excess;

	if (!cut_to_window(space, want, &start, &last) ||
	    last - start < want->length - 1)
		return false;
	top = last - (want->length - 1);
	excess = (top - want->phase) & (want->align - 1);
	if (top - start < excess)
		return false;
	*iova = top - excess;
	return true;
}

/* As search_tree(), from the other end and without a hint. */
static bool search_down(const struct iova_space *space,
			const struct iova_hole *want, unsigned long least,
			unsigned long *iova)
{
	struct iova_node *node = to_node(space->root.rb_node), *child;
	unsigned long misfits = MAX_MISFITS_REQUIRED;

	if (!node || node->max_gap < least)
		return false;
descend:
	child = to_node(node->rb.rb_right);
	if (child && child->max_gap >= least && node->last < want->last) {
		node = child;
		goto descend;
	}
visit:
	if (node->start <= want->start)
		return false;
	if (node->gap >= least) {
		if (fits_highest(space, gap_start(node), node->start - 1, want,
				 iova))
			return true;
		if (!misfits--)
			return false;
	}
	child = to_node(node->rb.rb_left);
	if (child && child->max_gap >= least) {
		node = child;
		goto descend;
	}
	while ((child = node)) {
		node = to_node(rb_parent(&child->rb));
		if (node && node->rb.rb_right == &child->rb)
			goto visit;
	}
	return false;
}

/**
 * iova_space_find_highest - find the highest address for something new
 * @space: the space
 * @want: what is wanted; no preferred alignment is looked at
 * @iova: out: a first byte
 *
 * O(log n), within the limits of iova_space_find_hole().
 *
 * Return: as iova_space_find_hole().
 */
int iova_space_find_highest(struct iova_space *space,
			    const struct iova_hole *want, unsigned long *iova)
{
	unsigned long ample;

	learn_gaps(space);
	if ((!space->tail || space->tail->last < ULONG_MAX) &&
	    fits_highest(space, behind(space, space->tail), ULONG_MAX, want,
			 iova))
		return 0;
	if (search_down(space, want, needed(space, want), iova) ||
	    (find_ample(want, want->align, &ample) &&
	     search_down(space, want, ample, iova)))
		return 0;
	return -ENOSPC;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which pages are in use, by how many ranges.
 *
 * A red-black tree of spans that do not overlap, cut where a range begins or
 * ends, so their number is at most twice that of the ranges however large
 * those are, and taking a range out needs no memory.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "uses.h"

/**
 * struct span - pages that are all in the same ranges
 * @rb: in uses.spans
 * @first: first page
 * @last: last page
 * @count: ranges they are in
 * @begins: of these, ranges that begin with @first
 * @ends: of these, ranges that end with @last
 */
struct span {
	struct rb_node rb;
	unsigned long first;
	unsigned long last;
	unsigned long count;
	unsigned long begins;
	unsigned long ends;
};

static struct span *to_span(struct rb_node *rb)
{
	return rb_entry_safe(rb, struct span, rb);
}

static struct span *span_next(struct span *span)
{
	return to_span(rb_next(&span->rb));
}

/* The lowest span that does not end before a page. */
static struct span *span_from(const struct uses *uses, unsigned long index)
{
	struct span *span = to_span(uses->spans.rb_node), *found = NULL;

	while (span) {
		if (span->last >= index) {
			found = span;
			span = to_span(span->rb.rb_left);
		} else {
			span = to_span(span->rb.rb_right);
		}
	}
	return found;
}

/* For so many ranges, which all begin and end with it. */
static struct span *span_insert(struct uses *uses, unsigned long first,
				unsigned long last, unsigned long count)
{
	struct rb_node **link = &uses->spans.rb_node, *parent = NULL;
	struct span *span = kmalloc(sizeof(*span), GFP_KERNEL_ACCOUNT);

	if (!span)
		return NULL;
	*span = (struct span){
		.first = first,
		.last = last,
		.count = count,
		.begins = count,
		.ends = count,
	};
	while (*link) {
		parent = *link;
		link = first < to_span(parent)->first ? &parent->rb_left :
							&parent->rb_right;
	}
	rb_link_node(&span->rb, parent, link);
	rb_insert_color(&span->rb, &uses->spans);
	return span;
}

static void span_drop(struct uses *uses, struct span *span)
{
	rb_erase(&span->rb, &uses->spans);
	kfree(span);
}

/* Let a span begin with page @index if that is in one. */
static int split(struct uses *uses, unsigned long index)
{
	struct span *span = span_from(uses, index), *behind;

	if (!span || span->first >= index)
		return 0;
	behind = span_insert(uses, index, span->last, 0);
	if (!behind)
		return -ENOMEM;
	behind->count = span->count;
	behind->ends = span->ends;
	span->last = index - 1;
	span->ends = 0;
	return 0;
}

static bool mergeable(const struct span *span, const struct span *next)
{
	return next && next->count && span->last + 1 == next->first &&
	       !span->ends && !next->begins;
}

/* Drop spans in no range, and join those no range has a border between. */
static void tidy(struct uses *uses, unsigned long first, unsigned long last)
{
	struct span *span = span_from(uses, first ? first - 1 : 0), *next;

	while (span && span->first <= last + 1) {
		cond_resched();
		next = span_next(span);
		if (!span->count) {
			span_drop(uses, span);
			span = next;
		} else if (mergeable(span, next)) {
			span->last = next->last;
			span->ends = next->ends;
			span_drop(uses, next);
		} else {
			span = next;
		}
	}
}

static bool in_no_range(const struct uses *uses, unsigned long first,
			unsigned long last)
{
	struct span *span = span_from(uses, first);

	return !span || span->first > last;
}

/**
 * uses_add - put a range in
 * @uses: the ranges
 * @first: first page
 * @last: last page, below ULONG_MAX
 *
 * Return: 0, or -ENOMEM, which changes nothing.
 */
int uses_add(struct uses *uses, unsigned long first, unsigned long last)
{
	unsigned long cursor = first, gap_last;
	struct span *span;
	int rc;

	if (in_no_range(uses, first, last))
		return span_insert(uses, first, last, 1) ? 0 : -ENOMEM;
	rc = split(uses, first);
	if (!rc)
		rc = split(uses, last + 1);
	while (!rc && uses_next_gap(uses, &cursor, last, &gap_last))
		if (!span_insert(uses, cursor, gap_last, 0))
			rc = -ENOMEM;
	if (rc) {
		tidy(uses, first, last);
		return rc;
	}

	for (span = span_from(uses, first); span && span->first <= last;
	     span = span_next(span)) {
		span->count++;
		span->begins += span->first == first;
		span->ends += span->last == last;
		cond_resched();
	}
	return 0;
}

/**
 * uses_remove - take a range out
 * @uses: the ranges
 * @first: first page of a range that has been put in
 * @last: last page of the same
 */
void uses_remove(struct uses *uses, unsigned long first, unsigned long last)
{
	struct span *span = span_from(uses, first);

	/* In no other range, and so with a border on both sides. */
	if (span->count == 1 && span->first == first && span->last == last) {
		span_drop(uses, span);
		return;
	}
	for (; span && span->first <= last; span = span_next(span)) {
		span->count--;
		span->begins -= span->first == first;
		span->ends -= span->last == last;
		cond_resched();
	}
	tidy(uses, first, last);
}

/**
 * uses_clear - take all ranges out
 * @uses: the ranges
 */
void uses_clear(struct uses *uses)
{
	struct rb_node *rb;

	while ((rb = rb_first(&uses->spans))) {
		rb_erase(rb, &uses->spans);
		kfree(to_span(rb));
		cond_resched();
	}
}

/**
 * uses_next_gap - the next pages that are in no range
 * @uses: the ranges
 * @first: in: where to look from; out: first page of the gap
 * @last: where to look to
 * @gap_last: out: last page of the gap, not above @last
 *
 * Return: false if there is no gap.
 */
bool uses_next_gap(const struct uses *uses, unsigned long *first,
		   unsigned long last, unsigned long *gap_last)
{
	struct span *span = span_from(uses, *first);

	while (span && span->first <= *first) {
		cond_resched();
		if (span->last >= last)
			return false;
		*first = span->last + 1;
		span = span_next(span);
	}
	*gap_last = span ? min(span->first - 1, last) : last;
	return *first <= last;
}

/**
 * uses_next_used - the next pages that are in some range
 * @uses: the ranges
 * @first: in: where to look from; out: first page of those
 * @last: where to look to
 * @used_last: out: last page of those, not above @last
 *
 * Return: false if there are none.
 */
bool uses_next_used(const struct uses *uses, unsigned long *first,
		    unsigned long last, unsigned long *used_last)
{
	struct span *span = span_from(uses, *first);

	if (!span || span->first > last)
		return false;
	*first = max(*first, span->first);
	*used_last = min(span->last, last);
	return true;
}

/**
 * uses_cover - is each page of a range in some other
 * @uses: the ranges
 * @first: first page
 * @last: last page
 *
 * Return: true if so.
 */
bool uses_cover(const struct uses *uses, unsigned long first,
		unsigned long last)
{
	unsigned long gap_last;

	return !uses_next_gap(uses, &first, last, &gap_last);
}

// SPDX-License-Identifier: GPL-2.0-only
/* kmod/iova_space.c against a sorted array that is searched from one end. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#include "iova_space.h"
#include "model.h"
#include "random.h"

#define MAX_NODES 400
/* No test but the random ones looks for a hole at the last byte. */
#define NOWHERE ULONG_MAX
#define END ((__uint128_t)1 << 64)

static struct iova_space space;
/* By address. */
static struct iova_node *model[MAX_NODES];
static unsigned int count;

static int setup(void **state)
{
	iova_space_init(&space, 0, 1);
	count = 0;
	return 0;
}

/* Place of the first node that ends at or behind @addr. */
static unsigned int model_at(unsigned long addr)
{
	unsigned int i = 0;

	while (i < count && model[i]->last < addr)
		i++;
	return i;
}

static struct iova_node *model_first(unsigned long start, unsigned long last)
{
	unsigned int i = model_at(start);

	return i < count && model[i]->start <= last ? model[i] : NULL;
}

static int insert(struct iova_node *node, unsigned long start,
		  unsigned long last)
{
	bool taken = model_first(start, last);
	unsigned int i = model_at(start);
	int rc;

	node->start = start;
	node->last = last;
	rc = iova_space_insert(&space, node);
	assert_int_equal(rc, taken ? -EEXIST : 0);
	if (rc)
		return rc;
	memmove(model + i + 1, model + i, (count - i) * sizeof(*model));
	model[i] = node;
	count++;
	return 0;
}

static void take(unsigned int i)
{
	iova_space_remove(&space, model[i]);
	count--;
	memmove(model + i, model + i + 1, (count - i) * sizeof(*model));
}

static __uint128_t grain_up(__uint128_t addr)
{
	return (addr + space.grain - 1) / space.grain * space.grain;
}

/* The lowest address in [from, end) that suits, or END. */
static __uint128_t model_fit(const struct iova_hole *want, __uint128_t from,
			     __uint128_t end, unsigned long align)
{
	__uint128_t addr;

	if (from < want->start)
		from = want->start;
	if (end > (__uint128_t)want->last + 1)
		end = (__uint128_t)want->last + 1;
	addr = from / align * align + want->phase % align;
	if (addr < from)
		addr += align;
	return addr + want->length <= end ? addr : END;
}

/* Where the hole behind model[@i - 1] begins. */
static __uint128_t model_hole(unsigned int i)
{
	__uint128_t from = i ? (__uint128_t)model[i - 1]->last + 1 : 0;

	return grain_up(from < space.floor ? space.floor : from);
}

/* The lowest address that suits, or END. */
static __uint128_t model_find(const struct iova_hole *want,
			      unsigned long align)
{
	__uint128_t addr;
	unsigned int i;

	for (i = 0; i < count; i++) {
		addr = model_fit(want, model_hole(i), model[i]->start, align);
		if (addr != END)
			return addr;
	}
	return model_fit(want, model_hole(count), END, align);
}

/* The highest address in [from, end) that suits, or END. */
static __uint128_t model_fit_below(const struct iova_hole *want,
				   __uint128_t from, __uint128_t end)
{
	__uint128_t addr;

	if (from < want->start)
		from = want->start;
	if (end > (__uint128_t)want->last + 1)
		end = (__uint128_t)want->last + 1;
	if (end < want->length)
		return END;
	addr = end - want->length;
	while (addr % want->align != want->phase % want->align) {
		if (!addr--)
			return END;
	}
	return addr >= from ? addr : END;
}

/* The highest address that suits, or END. */
static __uint128_t model_find_highest(const struct iova_hole *want)
{
	__uint128_t end = END, addr = END;
	unsigned int i = count;

	do {
		addr = model_fit_below(want, model_hole(i), end);
		if (i)
			end = model[i - 1]->start;
	} while (addr == END && i--);
	return addr;
}

/* Is there a hole that suits wherever it begins, all of it in the window? */
static bool model_has_ample(const struct iova_hole *want)
{
	__uint128_t from, end, need;
	unsigned int i;

	need = (__uint128_t)want->length + want->prefer - 1;
	for (i = 0; i <= count; i++) {
		from = model_hole(i);
		end = i < count ? model[i]->start : END;
		if (from >= want->start && end <= (__uint128_t)want->last + 1 &&
		    end >= from && end - from >= need)
			return true;
	}
	return false;
}

/* The address, or NOWHERE. */
static unsigned long check_hole(const struct iova_hole *want)
{
	__uint128_t lowest = model_find(want, want->align);
	unsigned long addr = NOWHERE;
	int rc = iova_space_find_hole(&space, want, &addr);

	assert_int_equal(rc, lowest == END ? -ENOSPC : 0);
	if (rc)
		return NOWHERE;

	assert_true(addr >= want->start && addr <= want->last);
	assert_true(want->last - addr >= want->length - 1);
	assert_int_equal((addr ^ want->phase) & (want->align - 1), 0);
	assert_null(model_first(addr, addr + want->length - 1));
	if (want->prefer == want->align)
		assert_int_equal(addr, lowest);
	else if (model_has_ample(want))
		assert_int_equal((addr ^ want->phase) & (want->prefer - 1), 0);
	return addr;
}

/* The address, or NOWHERE. */
static unsigned long check_highest(const struct iova_hole *want)
{
	__uint128_t highest = model_find_highest(want);
	unsigned long addr = NOWHERE;
	int rc = iova_space_find_highest(&space, want, &addr);

	assert_int_equal(rc, highest == END ? -ENOSPC : 0);
	if (rc)
		return NOWHERE;
	assert_int_equal(addr, highest);
	assert_null(model_first(addr, addr + want->length - 1));
	return addr;
}

static unsigned long find(unsigned long length, unsigned long align,
			  unsigned long start, unsigned long last)
{
	const struct iova_hole want = {
		.length = length,
		.align = align,
		.prefer = align,
		.start = start,
		.last = last,
	};

	return check_hole(&want);
}

static unsigned long find_highest(unsigned long length, unsigned long align,
				  unsigned long start, unsigned long last)
{
	const struct iova_hole want = {
		.length = length,
		.align = align,
		.prefer = align,
		.start = start,
		.last = last,
	};

	return check_highest(&want);
}

/* What each node says of the holes is true. */
static unsigned long check_subtree(const struct rb_node *rb)
{
	const struct iova_node *node;
	unsigned long longest, left, right;

	if (!rb)
		return 0;
	node = rb_entry(rb, struct iova_node, rb);
	left = check_subtree(rb->rb_left);
	right = check_subtree(rb->rb_right);
	longest = left > right ? left : right;
	if (node->gap > longest)
		longest = node->gap;
	assert_int_equal(node->max_gap, longest);
	return longest;
}

static void check_gaps(void)
{
	__uint128_t from;
	unsigned int i;

	for (i = 0; i < count; i++) {
		from = model_hole(i);
		assert_int_equal(model[i]->gap, model[i]->start > from ?
						model[i]->start - from : 0);
	}
	for (i = 0; i < count && space.hint && model[i] != space.hint; i++)
		assert_true(model[i]->gap < space.hint_length);
	assert_true(!space.hint || i < count);
	check_subtree(space.root.rb_node);
}

/* The hole that is known is one, and ends where its neighbours are. */
static void check_recent(void)
{
	unsigned int i = 0;

	if (space.prev)
		while (model[i++] != space.prev)
			assert_in_range(i, 1, count - 1);
	assert_ptr_equal(space.next, i < count ? model[i] : NULL);
	assert_int_equal(space.before, i ? model[i - 1]->last : 0);
	assert_int_equal(space.behind, i < count ? model[i]->start : ULONG_MAX);
}

static void check_tree(void)
{
	struct rb_node *rb = rb_first(&space.root);
	unsigned int i;

	for (i = 0; i < count; i++, rb = rb_next(rb))
		assert_ptr_equal(rb, &model[i]->rb);
	assert_null(rb);
	check_recent();
	assert_ptr_equal(space.tail, count ? model[count - 1] : NULL);
	if (space.gaps_known)
		check_gaps();
}

/* As if nobody had looked for a hole in this space. */
static void forget_gaps(void)
{
	space.gaps_known = false;
	space.hint = NULL;
}

static void check_walk(unsigned long start, unsigned long last)
{
	struct iova_node *node = iova_space_first(&space, start, last);
	unsigned int i = model_at(start);

	for (; i < count && model[i]->start <= last; i++) {
		assert_ptr_equal(node, model[i]);
		node = iova_space_next(node, last);
	}
	assert_null(node);
}

static void an_empty_space_is_one_hole(void **state)
{
	check_tree();
	check_walk(0, ULONG_MAX);
	assert_int_equal(find(1, 1, 0, ULONG_MAX), 0);
	assert_int_equal(find(ULONG_MAX, 1, 0, ULONG_MAX), 0);
	assert_int_equal(find(4096, 4096, 4096, ULONG_MAX), 4096);
	assert_int_equal(find_highest(ULONG_MAX, 1, 0, ULONG_MAX), 1);
	assert_int_equal(find_highest(4096, 4096, 0, ULONG_MAX), -4096UL);
	assert_int_equal(find_highest(4096, 4096, 0, ULONG_MAX - 1), -8192UL);
	assert_int_equal(find_highest(8, 1, 0, 7), 0);
	assert_int_equal(find_highest(8, 1, 0, 6), NOWHERE);
}

static void the_last_byte_can_be_taken(void **state)
{
	struct iova_node last, all, before;

	assert_int_equal(insert(&before, ULONG_MAX - 8, ULONG_MAX - 4), 0);
	assert_int_equal(insert(&last, ULONG_MAX - 3, ULONG_MAX), 0);
	check_tree();
	check_walk(ULONG_MAX, ULONG_MAX);
	assert_int_equal(insert(&all, ULONG_MAX - 1, ULONG_MAX), -EEXIST);
	assert_int_equal(insert(&all, 0, ULONG_MAX), -EEXIST);
	assert_int_equal(find(4, 1, ULONG_MAX - 12, ULONG_MAX),
			 ULONG_MAX - 12);
	assert_int_equal(find(5, 1, ULONG_MAX - 12, ULONG_MAX), NOWHERE);
	take(1);
	check_tree();
	assert_int_equal(find(4, 1, ULONG_MAX - 3, ULONG_MAX), ULONG_MAX - 3);
	assert_int_equal(find(2, 1, ULONG_MAX, ULONG_MAX), NOWHERE);
	assert_int_equal(find_highest(4, 1, 0, ULONG_MAX), ULONG_MAX - 3);
	assert_int_equal(find_highest(5, 1, 0, ULONG_MAX), ULONG_MAX - 13);
	assert_int_equal(find_highest(2, 1, ULONG_MAX, ULONG_MAX), NOWHERE);
	take(0);
	assert_int_equal(insert(&all, 0, ULONG_MAX), 0);
	check_tree();
	assert_int_equal(find(1, 1, 0, ULONG_MAX), NOWHERE);
	assert_int_equal(find_highest(1, 1, 0, ULONG_MAX), NOWHERE);
	take(0);
	check_tree();
}

/* What has come and gone before the first search makes no difference to it. */
static void holes_are_learnt_when_one_is_wanted(void **state)
{
	struct iova_node a, b, c, d, e;

	assert_int_equal(insert(&c, 0x9000, 0x9fff), 0);
	assert_int_equal(insert(&a, 0x1000, 0x1fff), 0);
	assert_int_equal(insert(&d, 0xf000, 0xffff), 0);
	assert_int_equal(insert(&b, 0x4000, 0x4fff), 0);
	assert_int_equal(insert(&e, 0x4800, 0x5000), -EEXIST);
	take(3);
	assert_false(space.gaps_known);
	check_tree();
	assert_int_equal(find(0x3000, 0x1000, 0x1000, 0x9fff), 0x5000);
	assert_true(space.gaps_known);
	check_tree();
	take(0);
	check_tree();
	assert_int_equal(find(0x3000, 0x1000, 0x1000, 0x9fff), 0x1000);
}

static void neighbours_may_touch_and_not_overlap(void **state)
{
	struct iova_node a, b, c, d;

	assert_int_equal(insert(&a, 100, 199), 0);
	assert_int_equal(insert(&b, 200, 299), 0);
	assert_int_equal(insert(&c, 0, 99), 0);
	check_tree();
	assert_int_equal(insert(&d, 299, 300), -EEXIST);
	assert_int_equal(insert(&d, 99, 99), -EEXIST);
	assert_int_equal(insert(&d, 150, 160), -EEXIST);
	assert_int_equal(insert(&d, 50, 250), -EEXIST);
	check_tree();
	take(1);
	check_tree();
	assert_int_equal(find(100, 1, 0, ULONG_MAX), 100);
	assert_int_equal(insert(&d, 100, 199), 0);
	check_tree();
}

static void a_hole_that_fits_exactly_is_found(void **state)
{
	struct iova_node a, b, c;

	insert(&a, 0, 0xfff);
	insert(&b, 0x3000, 0x3fff);
	insert(&c, 0x6000, 0x6fff);
	assert_int_equal(find(0x2000, 0x1000, 0, ULONG_MAX), 0x1000);
	assert_int_equal(find(0x2001, 1, 0, 0x6fff), NOWHERE);
	assert_int_equal(find(0x2000, 0x4000, 0, 0x6fff), 0x4000);
	assert_int_equal(find(0x2001, 0x1000, 0, ULONG_MAX), 0x7000);
	assert_int_equal(find_highest(0x2000, 0x1000, 0, 0x6fff), 0x4000);
	assert_int_equal(find_highest(0x2001, 1, 0, 0x6fff), NOWHERE);
	assert_int_equal(find_highest(0x1000, 0x2000, 0, 0x6fff), 0x4000);
	assert_int_equal(find_highest(0x1001, 0x2000, 0, 0x3fff), NOWHERE);
}

static void the_window_bounds_the_search(void **state)
{
	struct iova_node a, b;

	insert(&a, 0x10000, 0x1ffff);
	insert(&b, 0x40000, 0x4ffff);
	assert_int_equal(find(0x1000, 1, 0x1234, ULONG_MAX), 0x1234);
	assert_int_equal(find(0x1000, 0x1000, 0x1234, ULONG_MAX), 0x2000);
	assert_int_equal(find(0x1000, 1, 0xf001, 0x20fff), 0x20000);
	assert_int_equal(find(0x1000, 1, 0xf001, 0x20ffe), NOWHERE);
	assert_int_equal(find(0x1000, 1, 0x12000, 0x1ffff), NOWHERE);
	assert_int_equal(find(1, 1, 0x3ffff, 0x3ffff), 0x3ffff);
	assert_int_equal(find(1, 1, 0x20000, 0x20000), 0x20000);
	assert_int_equal(find(1, 1, 0x40000, 0x4ffff), NOWHERE);
	assert_int_equal(find(0x1000, 1, 0x3f001, ULONG_MAX), 0x50000);
}

static void the_window_bounds_the_search_from_above(void **state)
{
	struct iova_node a, b;

	insert(&a, 0x10000, 0x1ffff);
	insert(&b, 0x40000, 0x4ffff);
	assert_int_equal(find_highest(0x1000, 1, 0, 0x3fffe), 0x3efff);
	assert_int_equal(find_highest(0x1000, 0x1000, 0, 0x3fffe), 0x3e000);
	assert_int_equal(find_highest(0x1000, 1, 0, 0x20fff), 0x20000);
	assert_int_equal(find_highest(0x1000, 1, 0, 0x20ffe), 0xf000);
	assert_int_equal(find_highest(0x1000, 1, 0xf000, 0x20ffe), 0xf000);
	assert_int_equal(find_highest(0x1000, 1, 0xf001, 0x20ffe), NOWHERE);
	assert_int_equal(find_highest(0x1000, 1, 0x12000, 0x1ffff), NOWHERE);
	assert_int_equal(find_highest(1, 1, 0x3ffff, 0x3ffff), 0x3ffff);
	assert_int_equal(find_highest(1, 1, 0x20000, 0x20000), 0x20000);
	assert_int_equal(find_highest(1, 1, 0x40000, 0x4ffff), NOWHERE);
	assert_int_equal(find_highest(0x1000, 1, 0, 0x50fff), 0x50000);
	assert_int_equal(find_highest(0x1000, 1, 0, 0x50ffe), 0x3f000);
}

/* From the other end, too: nothing is found below it. */
static void the_floor_is_respected_from_above(void **state)
{
	struct iova_node a;

	iova_space_init(&space, 0x1000, 1);
	assert_int_equal(find_highest(1, 1, 0, 0xfff), NOWHERE);
	assert_int_equal(find_highest(0x1000, 1, 0, 0x1fff), 0x1000);
	assert_int_equal(find_highest(0x1001, 1, 0, 0x1fff), NOWHERE);
	insert(&a, 0x2000, ULONG_MAX);
	assert_int_equal(find_highest(0x1000, 1, 0, ULONG_MAX), 0x1000);
	assert_int_equal(find_highest(0x1001, 1, 0, ULONG_MAX), NOWHERE);
	assert_int_equal(find_highest(1, 0x1000, 0, 0x1ffe), 0x1000);
}

static void phase_and_preference(void **state)
{
	struct iova_hole want = {
		.length = 0x3000,
		.align = 0x1000,
		.prefer = 0x200000,
		.phase = 0x5000,
		.start = 0x1000,
		.last = ULONG_MAX,
	};
	struct iova_node a;

	assert_int_equal(check_hole(&want), 0x5000);
	insert(&a, 0x5000, 0x5fff);
	assert_int_equal(check_hole(&want), 0x205000);
	/* Where the wish cannot be met, the need is. */
	want.last = 0x204fff;
	assert_int_equal(check_hole(&want), 0x1000);
	want.phase = 0x1ff000;
	assert_int_equal(check_hole(&want), 0x1ff000);
	/* From above nobody wishes for anything. */
	assert_int_equal(check_highest(&want), 0x202000);
	want.align = 0x200000;
	assert_int_equal(check_highest(&want), 0x1ff000);
	want.phase = 0x203000;
	assert_int_equal(check_highest(&want), NOWHERE);
}

/* Long enough holes below the window say nothing about those in it. */
static void the_wish_is_met_above_many_holes(void **state)
{
	static struct iova_node nodes[MAX_NODES - 1];
	struct iova_hole want = {
		.length = 0x1000,
		.align = 0x1000,
		.prefer = 0x200000,
		.phase = 0x7000,
		.last = ULONG_MAX,
	};
	unsigned int i;

	for (i = 0; i < MAX_NODES - 1; i++) {
		unsigned long start = i * 0x400000UL;

		insert(nodes + i, start, start + 0xfff);
		want.start = start + 0x1000;
		assert_int_equal(check_hole(&want), start + 0x7000);
	}
}

/* The same address within the grain as all nodes: none of their holes has room. */
static void misfits_are_not_visited(void **state)
{
	static struct iova_node nodes[MAX_NODES];
	struct iova_hole want = {
		.length = 1,
		.align = 4096,
		.prefer = 4096,
		.phase = 5,
		.last = (MAX_NODES - 1) * 4096UL,
	};
	unsigned int i;

	iova_space_init(&space, 0, 4096);
	for (i = 0; i < MAX_NODES; i++)
		insert(nodes + i, i * 4096UL + 5, i * 4096UL + 5);
	assert_int_equal(check_hole(&want), NOWHERE);
	assert_int_equal(check_highest(&want), NOWHERE);
	check_tree();
	assert_int_equal(rb_entry(space.root.rb_node, struct iova_node,
				  rb)->max_gap, 5);
	want.last = ULONG_MAX;
	assert_int_equal(check_hole(&want), MAX_NODES * 4096UL + 5);
}

/* MAX_MISFITS_REQUIRED of the structure */
#define LOOKED_AT 1024

/*
 * Holes of one page, at odd pages. Behind more of them than a search for an even
 * page looks at there is one that fits, and is not ample.
 */
static void a_search_for_alignment_ends(void **state)
{
	static struct iova_node nodes[LOOKED_AT + 3];
	struct iova_hole want = {
		.length = 0x1000,
		.align = 0x2000,
		.prefer = 0x2000,
		.last = ULONG_MAX - 1,
	};
	unsigned long page = 0, iova;
	unsigned int i;

	iova_space_init(&space, 0, 0x1000);
	for (i = 0; i < LOOKED_AT + 3; i++, page += 2) {
		/* The last but one takes two pages, the last one all behind. */
		nodes[i].start = page * 0x1000;
		if (i == LOOKED_AT + 1)
			page++;
		nodes[i].last = i < LOOKED_AT + 2 ? page * 0x1000 + 0xfff :
						    ULONG_MAX;
		assert_int_equal(iova_space_insert(&space, nodes + i), 0);
	}
	assert_int_equal(iova_space_find_hole(&space, &want, &iova), -ENOSPC);
	assert_int_equal(iova_space_find_highest(&space, &want, &iova), 0);
	assert_int_equal(iova, nodes[LOOKED_AT + 1].last + 1);
	want.start = 0x4000;
	assert_int_equal(iova_space_find_hole(&space, &want, &iova), 0);
	assert_int_equal(iova, nodes[LOOKED_AT + 1].last + 1);
}

/* Where random operations are, and the nodes for them. */
static unsigned long base, size;
static struct iova_node nodes[MAX_NODES];
static struct iova_node *idle[MAX_NODES];
static unsigned int nr_idle, limit;

static void start(unsigned long where, unsigned long how_much)
{
	base = where;
	size = how_much;
	limit = MAX_NODES;
	for (nr_idle = 0; nr_idle < MAX_NODES; nr_idle++)
		idle[nr_idle] = &nodes[nr_idle];
}

static unsigned long random_address(void)
{
	return base + random_below(size);
}

static void random_hole(void)
{
	unsigned long a = random_address(), b = random_address();
	struct iova_hole want = {
		.length = random_scale(size),
		.align = space.grain << random_below(8),
		.start = a < b ? a : b,
		.last = a < b ? b : a,
	};

	switch (random_below(4)) {
	case 0:
		want.start = 0;
		break;
	case 1:
		want.last = ULONG_MAX;
		break;
	}
	want.prefer = want.align << (random_below(2) ? random_below(12) : 0);
	want.phase = random_below(want.prefer);
	check_hole(&want);
	check_highest(&want);
}

/* Up to the end of where they are. */
static unsigned long random_length(unsigned long addr)
{
	return random_scale(base + size - addr + !base);
}

static void random_insert(void)
{
	unsigned long addr = random_address();

	if (!insert(idle[nr_idle - 1], addr,
		    addr + (random_length(addr) - 1) % 64))
		nr_idle--;
}

static void random_take(void)
{
	unsigned int i = random_below(count);

	idle[nr_idle++] = model[i];
	take(i);
}

static void random_walk(void)
{
	unsigned long addr = random_address();

	check_walk(addr, addr + (random_length(addr) - 1) % (size / 8));
}

void model_start(void)
{
	static const struct {
		unsigned long base, size;
	} places[] = {
		{ 0, 1 << 13 },
		{ 1UL << 40, 1UL << 50 },
		{ ULONG_MAX - 8191, 8192 },
	};
	unsigned int place = random_below(3);

	count = 0;
	iova_space_init(&space, random_below(2) ? 1000 : 0,
			random_below(2) ? 32 : 1);
	start(places[place].base, places[place].size);
}

void model_operation(void)
{
	switch (random_below(16)) {
	case 0:
	case 1:
	case 2:
	case 3:
		random_hole();
		break;
	case 4:
	case 5:
	case 6:
	case 7:
		random_walk();
		break;
	case 8:
		if (count)
			random_take();
		break;
	default:
		if (count < limit)
			random_insert();
		else
			random_take();
	}
}

void model_finish(void)
{
	check_tree();
	while (count)
		random_take();
	check_tree();
}

static void random_operations(unsigned long operations)
{
	while (operations--) {
		model_operation();
		/* Full and nearly empty in turns. */
		if (!random_below(5000))
			limit = random_scale(MAX_NODES);
		if (!random_below(500))
			check_tree();
		if (!random_below(2000))
			forget_gaps();
	}
	model_finish();
}

static void random_operations_match_the_model(void **state)
{
	start(0, 1 << 13);
	random_operations(2000000);
}

static void random_operations_far_apart(void **state)
{
	start(1UL << 40, 1UL << 50);
	random_operations(1000000);
}

static void random_operations_with_a_floor(void **state)
{
	iova_space_init(&space, 1000, 1);
	start(0, 1 << 13);
	random_operations(1000000);
}

static void random_operations_with_a_grain(void **state)
{
	iova_space_init(&space, 1000, 32);
	start(0, 1 << 13);
	random_operations(1000000);
}

static void random_operations_at_the_end(void **state)
{
	start(ULONG_MAX - 8191, 8192);
	random_operations(2000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_empty_space_is_one_hole, setup),
		cmocka_unit_test_setup(the_last_byte_can_be_taken, setup),
		cmocka_unit_test_setup(holes_are_learnt_when_one_is_wanted,
				       setup),
		cmocka_unit_test_setup(neighbours_may_touch_and_not_overlap,
				       setup),
		cmocka_unit_test_setup(a_hole_that_fits_exactly_is_found, setup),
		cmocka_unit_test_setup(the_window_bounds_the_search, setup),
		cmocka_unit_test_setup(the_window_bounds_the_search_from_above,
				       setup),
		cmocka_unit_test_setup(the_floor_is_respected_from_above, setup),
		cmocka_unit_test_setup(phase_and_preference, setup),
		cmocka_unit_test_setup(the_wish_is_met_above_many_holes, setup),
		cmocka_unit_test_setup(misfits_are_not_visited, setup),
		cmocka_unit_test_setup(a_search_for_alignment_ends, setup),
		cmocka_unit_test_setup(random_operations_match_the_model, setup),
		cmocka_unit_test_setup(random_operations_far_apart, setup),
		cmocka_unit_test_setup(random_operations_with_a_floor, setup),
		cmocka_unit_test_setup(random_operations_with_a_grain, setup),
		cmocka_unit_test_setup(random_operations_at_the_end, setup),
	};

	return cmocka_run_group_tests(tests, random_seed, NULL);
}

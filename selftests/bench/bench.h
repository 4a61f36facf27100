/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What requests cost with several implementations of the same. Rows measure,
 * peers do what is measured. Costs are nanoseconds, which are instructions where
 * the clock counts these.
 */
#ifndef BENCH_H
#define BENCH_H

#include "test.h"

#define GIB (1024 * MIB)
#define TIB (1024 * GIB)

/* clock.c */
/* To be called first: what the clock costs itself is left out then. */
void clock_start(void);
uint64_t clock_now(void);
/* What has been spent since @start, without the clock */
uint64_t clock_since(uint64_t start);
/*
 * The clock's own interrupts hit some samples: the middle one is none of those.
 * Sorts @values.
 */
uint64_t median(uint64_t *values, size_t count);

/* report.c */
/* Only rows that match one of these patterns are wanted; none: all are */
void report_start(const char *file, char **patterns);
/* Whose values come next */
void report_as(const char *peer);
bool wanted(const char *row);
/* Does what a function measures have a row that is wanted? */
bool wanted_any(const char *const *rows, size_t count);
void report(const char *row, double value);
/* One point of a row that is a curve */
void report_at(const char *row, uint64_t x, double value);
/* Why there is no value: peers may be too slow */
void report_none(const char *row, uint64_t x, const char *why);
/* Ends the program if @err, a negative errno, is not 0 */
void check(int err, const char *what);

/* memory_kinds.c */
enum kind {
	KIND_4K,
	KIND_SCATTERED,
	KIND_THP,
	KIND_HUGETLB,
	KIND_1G,
};

/* How rows call it */
extern const char *const kind_names[];

/*
 * Touched; 4K pages lie as the kernel gives them out, or scattered: no page is a
 * neighbour of the one before. If they are not, the program ends.
 */
char *kind_new(enum kind kind, uint64_t length);
/* Each page for the first time, and those side by side far apart if @scattered */
void kind_touch(char *memory, uint64_t length, bool scattered);
void kind_free(char *memory, uint64_t length);
/*
 * The same gigabyte in huge pages of 2 MiB, over and over; freed with kind_free()
 */
char *kind_alias(uint64_t length);

/**
 * struct space - IO addresses, and what they are reached through
 * @peer: who it is of
 * @fd: a context, a container, the floor
 * @ioas: the IOAS, of peers that have such
 * @attached: edu is attached
 * @edu: it
 * @group: of edu, of peers that have such
 * @cost: of the last request
 */
struct space {
	const struct peer *peer;
	int fd;
	uint32_t ioas;
	bool attached;
	struct edu edu;
	int group;
	uint64_t cost;
};

/* To be mapped, or mapped */
struct range {
	const void *memory;
	uint64_t length;
	uint64_t iova;
};

/**
 * struct peer - one implementation
 * @name: in results; those that share an implementation have a name each
 * @needs_device: there is no space without a device attached
 * @has_ioas: spaces are IOASes, with all of the ioctls of /dev/iommu
 * @open: a new space
 * @close: that, and all that is mapped
 * @map: at the IOVA of the range
 * @map_chosen: where the kernel chooses; @range says where afterwards; may be NULL
 * @unmap: a range
 * @unmap_all: all there is; NULL for a peer that has one mapping at a time
 * @allow: only these IO addresses may be chosen; may be NULL
 *
 * Requests return 0 or a negative errno and set the cost of the space. Opening
 * ends the program if it fails.
 */
struct peer {
	const char *name;
	bool needs_device;
	bool has_ioas;
	void (*open)(struct space *space, bool attached);
	void (*close)(struct space *space);
	int (*map)(struct space *space, const struct range *range);
	int (*map_chosen)(struct space *space, struct range *range);
	int (*unmap)(struct space *space, const struct range *range);
	int (*unmap_all)(struct space *space);
	int (*allow)(struct space *space, uint64_t first, uint64_t last);
};

extern const struct peer peer_ours, peer_in_tree, peer_type1, peer_floor;

/* space.c: one that can be asked for; NULL if there is none of that name */
const struct peer *peer_find(const char *name);
/* rows_access.c: an access to the IOAS of a space */
int access_open(const struct space *space);
/* space.c: requests that end the program if they fail, and return their cost */
void space_open(struct space *space, const struct peer *peer, bool attached);
void space_close(struct space *space);
uint64_t space_map(struct space *space, const struct range *range);
uint64_t space_unmap(struct space *space, const struct range *range);
uint64_t space_map_chosen(struct space *space, struct range *range);
/* The cost of one that has to end with the error @expected, and did with @err */
uint64_t space_refused(struct space *space, int err, int expected);
/*
 * Area number @n of many of a page, @stride apart and from 0 on, so that the first
 * hole is behind them; none of them on the MSI window
 */
struct range space_area(uint64_t n, uint64_t stride);
/* Maps @areas of them */
void space_fill(struct space *space, uint64_t first, uint64_t areas,
		uint64_t stride);
/* An address that is free beside the areas of space_fill() */
#define SPACE_FREE (1UL << 37)

/*
 * Rows: each does nothing for a peer that cannot do it. Those with a floor
 * measure that too, with the same memory, unless it is NULL.
 */
void rows_map(const struct peer *peer, const struct peer *floor);
void rows_areas(const struct peer *peer);
void rows_access(const struct peer *peer);
void rows_device(const struct peer *peer);
void rows_file(const struct peer *peer);
void rows_exit(const struct peer *peer);
void rows_policies(const struct peer *peer);
void rows_memory(const struct peer *peer);
void rows_size(const struct peer *peer, const struct peer *floor);
void rows_growth(const struct peer *peer, uint64_t limit);
/* One page mapped and unmapped, which several have */
void row_pair(const struct peer *peer, bool attached, const char *row);

#endif

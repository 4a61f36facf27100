/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A walk over all contexts, what is pinned through them and by whom, their IOASes,
 * and what is mapped, reserved and allowed there. The first half is shared with
 * the program that does it, tools/bpf/walk.bpf.c.
 */
#ifndef IOMMUFD_BPF_WALK_H
#define IOMMUFD_BPF_WALK_H

typedef unsigned long long walk_u64;
typedef unsigned int walk_u32;

enum walk_kind {
	WALK_CONTEXT = 1,
	WALK_ACCOUNT,
	WALK_IOAS,
	WALK_RANGE,
	WALK_AREA,
};

/* Members are those of struct iommufd_policy_KIND */
struct walk_context {
	walk_u64 pinned;
	walk_u64 charged;
	walk_u32 opener_uid;
};

struct walk_account {
	walk_u64 cgroup_id;
	walk_u64 pinned;
	walk_u64 charged;
	walk_u32 uid;
	walk_u32 tgid;
};

struct walk_ioas {
	walk_u64 areas;
	walk_u64 bytes;
	walk_u32 domains;
};

struct walk_range {
	walk_u64 start;
	walk_u64 last;
	walk_u32 kind;
};

struct walk_area {
	walk_u64 iova;
	walk_u64 length;
	walk_u64 uptr;
	walk_u64 cgroup_id;
	walk_u64 pinned;
	walk_u32 uid;
	walk_u32 tgid;
	walk_u32 prot;
	walk_u32 of_file;
	walk_u32 mem;
	walk_u32 limit_kind;
	walk_u32 paid;
	walk_u32 shared;
};

/**
 * struct walk_record - one thing that was seen
 * @ctx_id: the context it is, or is of
 * @kind: enum walk_kind
 * @ioas_id: the IOAS it is, or is of
 *
 * They come in the order of the walk: a context, its accounts, then each of its
 * IOASes with the ranges and the areas of that, by address.
 */
struct walk_record {
	walk_u64 ctx_id;
	walk_u32 kind;
	walk_u32 ioas_id;
	union {
		struct walk_context context;
		struct walk_account account;
		struct walk_ioas ioas;
		struct walk_range range;
		struct walk_area area;
	};
};

/**
 * struct walk_state - what the program is to do, and has done
 * @ctx_id: the only context to look at; 0: all
 * @room: records there is room for
 * @ranges: look at ranges
 * @areas: look at areas; else they are counted by what the IOAS says
 * @nr: records there are; beyond @room they are counted only
 */
struct walk_state {
	walk_u64 ctx_id;
	walk_u64 room;
	walk_u32 ranges;
	walk_u32 areas;
	walk_u64 nr;
};

#ifndef __bpf__

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WALK_RANGES (1U << 0)
#define WALK_AREAS (1U << 1)

struct walk_bpf;

/* The records are there until walk_end() */
struct walk {
	const struct walk_record *records;
	size_t nr;
	struct walk_bpf *skel;
	size_t mapped;
};

/*
 * @flags: which of the costly ones to look at. 0, or a negative errno with
 * out_fail() done.
 */
int walk_begin(struct walk *walk, unsigned int flags, uint64_t ctx_id);
void walk_end(struct walk *walk);

/* What the BPF programs of this command need, or out_fail() */
int walk_check_host(void);

#endif
#endif

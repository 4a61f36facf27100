/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs of look.bpf.c look at, and what they see. The types are those
 * of the compiler, which BPF and user space share.
 */
#ifndef LOOK_H
#define LOOK_H

typedef unsigned long long look_u64;

#define LOOK_MAX 64

struct look_context {
	look_u64 ctx_id;
	look_u64 pinned;
	look_u64 charged;
	look_u64 opener_uid;
};

struct look_account {
	look_u64 id;
	look_u64 cgroup_id;
	look_u64 pinned;
	look_u64 charged;
	look_u64 uid;
	look_u64 tgid;
};

struct look_ioas {
	look_u64 ioas_id;
	look_u64 domains;
	look_u64 areas;
	look_u64 bytes;
};

struct look_area {
	look_u64 iova;
	look_u64 length;
	look_u64 uptr;
	look_u64 uid;
	look_u64 tgid;
	look_u64 prot;
	look_u64 of_file;
	look_u64 cgroup_id;
	look_u64 pinned;
	look_u64 mem;
	look_u64 limit_kind;
	look_u64 paid;
	look_u64 shared;
};

struct look_range {
	look_u64 start;
	look_u64 last;
	look_u64 kind;
};

/**
 * struct look - shared by the programs and their test
 * @ctx_id: whose IOASes and areas to look at
 * @ioas_id: whose areas
 * @uid: whose pages to count
 * @cgroup_id: likewise
 * @memory: user memory, read at each step of a slow walk
 * @nr_contexts: how many were seen; the first LOOK_MAX of them are in @contexts
 * @nr_accounts: likewise
 * @nr_ioases: likewise
 * @nr_areas: likewise
 * @nr_ranges: likewise
 * @by_context: pages pinned by @ctx_id
 * @by_user: by @uid
 * @by_cgroup: by @cgroup_id
 * @steady: areas seen that are at places where the test lets them be
 */
struct look {
	look_u64 ctx_id;
	look_u64 ioas_id;
	look_u64 uid;
	look_u64 cgroup_id;
	look_u64 memory;
	look_u64 nr_contexts;
	look_u64 nr_accounts;
	look_u64 nr_ioases;
	look_u64 nr_areas;
	look_u64 nr_ranges;
	look_u64 by_context;
	look_u64 by_user;
	look_u64 by_cgroup;
	look_u64 steady;
	struct look_context contexts[LOOK_MAX];
	struct look_account accounts[LOOK_MAX];
	struct look_ioas ioases[LOOK_MAX];
	struct look_area areas[LOOK_MAX];
	struct look_range ranges[LOOK_MAX];
};

/* Of the areas that are let be: these bits of the address are all set */
#define LOOK_STEADY (1ULL << 40)

#endif

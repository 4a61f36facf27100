/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a test tells the policy of answer.bpf.c to answer, and what that has
 * seen. The types are those of the compiler, which BPF and user space share.
 */
#ifndef ANSWER_H
#define ANSWER_H

typedef unsigned long long answer_u64;

struct answer_who {
	answer_u64 cgroup_id;
	answer_u64 ctx_id;
	answer_u64 uid;
	answer_u64 opener_uid;
	answer_u64 tgid;
};

struct answer_map {
	answer_u64 calls;
	answer_u64 turn;
	struct answer_who who;
	answer_u64 iova;
	answer_u64 length;
	answer_u64 pages;
	answer_u64 uptr;
	answer_u64 op;
	answer_u64 ioas_id;
	answer_u64 prot;
	answer_u64 mem;
	answer_u64 fixed;
	answer_u64 src_ioas_id;
	answer_u64 src_iova;
};

struct answer_unmap {
	answer_u64 calls;
	struct answer_who who;
	answer_u64 iova;
	answer_u64 length;
	answer_u64 unmapped;
	answer_u64 op;
	answer_u64 ioas_id;
};

struct answer_attach {
	answer_u64 calls;
	answer_u64 turn;
	struct answer_who who;
	answer_u64 op;
	answer_u64 dev_id;
	answer_u64 pt_id;
	answer_u64 ioas_id;
	char dev_name[32];
};

struct answer_detach {
	answer_u64 calls;
	struct answer_who who;
	answer_u64 op;
	answer_u64 dev_id;
	answer_u64 ioas_id;
	char dev_name[32];
};

struct answer_iova {
	answer_u64 calls;
	struct answer_who who;
	answer_u64 length;
	answer_u64 uptr;
	answer_u64 op;
	answer_u64 ioas_id;
};

struct answer_charge {
	answer_u64 calls;
	answer_u64 turn;
	struct answer_who who;
	answer_u64 pages;
	answer_u64 asked;
	answer_u64 pinned;
	answer_u64 charged;
	answer_u64 limit;
	answer_u64 op;
	answer_u64 ioas_id;
	answer_u64 limit_kind;
};

struct answer_uncharge {
	answer_u64 calls;
	answer_u64 turn;
	struct answer_who who;
	answer_u64 pages;
};

struct answer_init {
	answer_u64 calls;
	answer_u64 api_version;
	answer_u64 replaces;
	answer_u64 paid;
};

struct answer_exit {
	answer_u64 calls;
	answer_u64 kind;
	long long code;
	char message[96];
	answer_u64 paid;
};

/**
 * struct answer - shared by a policy and its test
 * @map_answer: of the map hook; and so on
 * @report: the hooks report this error, if it is not 0, and answer what they
 *	are told to
 * @forbidden: kinds of memory the map hook refuses with -EACCES
 * @text: what the sleeping map hook found in the memory to be mapped
 * @asleep: the sleeping map hook is about to read it
 * @balance: pages charged and not yet uncharged
 *
 * The last turn of some hooks is a number that grows with each call of any of
 * them, over all loads that share the map "turns".
 */
struct answer {
	int map_answer;
	int attach_answer;
	int init_answer;
	int charge_answer;
	long long iova_answer;
	int report;
	unsigned int forbidden;
	char text[16];
	answer_u64 asleep;
	long long balance;
	struct answer_map map;
	struct answer_unmap unmap;
	struct answer_attach attach;
	struct answer_detach detach;
	struct answer_iova iova;
	struct answer_charge charge;
	struct answer_uncharge uncharge;
	struct answer_init init;
	struct answer_exit exit;
};

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What policies, and programs of who looks, may call. Only they do: the
 * prototypes are for who reads, and for the compiler.
 */
#ifndef IOMMUFD_POLICY_KFUNCS_H
#define IOMMUFD_POLICY_KFUNCS_H

#include <linux/preempt.h>
#include <linux/rcupdate.h>

#include "iommufd_policy.h"

struct btf;

s64 iommufd_policy_find_hole(const struct iommufd_policy_iova_request *req,
			     u64 start, u64 last, u64 align, u32 flags);
void iommufd_policy_error(const struct iommufd_policy_who *who, s32 code,
			  const char *text__str);
u64 iommufd_policy_pinned_by_context(u64 ctx_id);
u64 iommufd_policy_pinned_by_user(u32 uid);
u64 iommufd_policy_pinned_by_cgroup(u64 id);

int bpf_iter_iommufd_context_new(struct bpf_iter_iommufd_context *it);
struct iommufd_policy_context *
bpf_iter_iommufd_context_next(struct bpf_iter_iommufd_context *it);
void bpf_iter_iommufd_context_destroy(struct bpf_iter_iommufd_context *it);

int bpf_iter_iommufd_account_new(struct bpf_iter_iommufd_account *it,
				 u64 ctx_id);
struct iommufd_policy_account *
bpf_iter_iommufd_account_next(struct bpf_iter_iommufd_account *it);
void bpf_iter_iommufd_account_destroy(struct bpf_iter_iommufd_account *it);

int bpf_iter_iommufd_ioas_new(struct bpf_iter_iommufd_ioas *it, u64 ctx_id);
struct iommufd_policy_ioas *
bpf_iter_iommufd_ioas_next(struct bpf_iter_iommufd_ioas *it);
void bpf_iter_iommufd_ioas_destroy(struct bpf_iter_iommufd_ioas *it);

int bpf_iter_iommufd_area_new(struct bpf_iter_iommufd_area *it, u64 ctx_id,
			      u32 ioas_id);
struct iommufd_policy_area *
bpf_iter_iommufd_area_next(struct bpf_iter_iommufd_area *it);
void bpf_iter_iommufd_area_destroy(struct bpf_iter_iommufd_area *it);

int bpf_iter_iommufd_range_new(struct bpf_iter_iommufd_range *it, u64 ctx_id,
			       u32 ioas_id);
struct iommufd_policy_range *
bpf_iter_iommufd_range_next(struct bpf_iter_iommufd_range *it);
void bpf_iter_iommufd_range_destroy(struct bpf_iter_iommufd_range *it);

/**
 * kfunc_may_sleep - tell whether a kfunc that sleeps may do so now
 *
 * The verifier keeps sleepable kfuncs out of most contexts that must not sleep,
 * and not of all: bpf_for_each_map_elem() calls back under RCU, and on 6.12 the
 * timer of a sleepable program counts as sleepable. A filter sees the program and
 * not the function of it that calls. So such a kfunc asks, and fails.
 *
 * Return: true if it may.
 */
static inline bool kfunc_may_sleep(void)
{
	return !preempt_count() && !irqs_disabled() && !rcu_preempt_depth();
}

void kfuncs_found_btf(const struct btf *btf);
int kfuncs_register(void);

#endif

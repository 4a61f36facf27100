/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Policies without a kernel: what a test includes before it includes the source
 * of a policy, which then is a plain C program. The policy is a struct of
 * functions that can be called:
 *
 *	#include <iommufd_policy_test.h>
 *	#include "root_only.bpf.c"
 *
 *	struct iommufd_policy_map_request req = { .who.uid = 1000 };
 *
 *	assert(root_only.map(&req) == -EPERM);
 *
 * Maps are tables here, the functions of the module answer what the test has
 * written to struct policy_test, and BPF_CORE_READ() reads structs that the test
 * has declared. What the verifier would say is not to be found out this way.
 */
#ifndef IOMMUFD_POLICY_TEST_H
#define IOMMUFD_POLICY_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;

/* Of bpf_helpers.h: what a program is called by others, and does not do here */
#define SEC(name) __attribute__((unused))
#define __ksym
#define __weak __attribute__((weak))
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif
#define __uint(name, value) int(*name)[value]
#define __type(name, value) __typeof__(value) *name
#define BPF_PROG(name, args...) name(args)
#define bpf_ksym_exists(function) 1
#define bpf_printk(format, args...)					\
	((void)printf("# " format "\n", ##args))
#define bpf_for(i, first, end) for (i = first; i < (end); i++)
#define bpf_repeat(times)						\
	for (int repeat_ = 0; repeat_ < (times); repeat_++)
#define bpf_for_each(type, cursor, args...)				\
	for (struct bpf_iter_##type it_##cursor				\
		     __attribute__((cleanup(bpf_iter_##type##_destroy))),\
	     *begun_##cursor = (bpf_iter_##type##_new(&it_##cursor,	\
						      ##args),		\
				&it_##cursor);				\
	     (cursor = bpf_iter_##type##_next(begun_##cursor));)

#ifndef container_of
#define container_of(pointer, type, member)				\
	((type *)((char *)(pointer) - offsetof(type, member)))
#endif

/* Of bpf_core_read.h: types are here what they are */
#define BPF_CORE_READ1_(from, a) ((from)->a)
#define BPF_CORE_READ2_(from, a, b) ((from)->a ? (from)->a->b : 0)
#define BPF_CORE_READ3_(from, a, b, c)					\
	((from)->a && (from)->a->b ? (from)->a->b->c : 0)
#define BPF_CORE_READ_NTH_(_1, _2, _3, name, ...) name
#define BPF_CORE_READ(from, members...)					\
	BPF_CORE_READ_NTH_(members, BPF_CORE_READ3_, BPF_CORE_READ2_,	\
			   BPF_CORE_READ1_)(from, members)
#define BPF_CORE_READ_STR_INTO(to, from, members...)			\
	snprintf(*(to), sizeof(*(to)), "%s", BPF_CORE_READ(from, members))
#define bpf_core_read(to, size, from) policy_test_read(to, size, from)
#define bpf_probe_read_kernel(to, size, from) policy_test_read(to, size, from)
#define bpf_probe_read_kernel_str(to, size, from)			\
	snprintf(to, size, "%s", from)
#define bpf_core_field_exists(field...) 1
#define bpf_core_type_exists(type) 1
#define bpf_core_enum_value_exists(type, value) 1
#define bpf_core_enum_value(type, value) value

#include <iommufd_policy.bpf.h>

#define POLICY_TEST_MAX 64

/**
 * struct policy_test_range - IO addresses that are taken
 * @first: the first
 * @last: the last
 */
struct policy_test_range {
	u64 first;
	u64 last;
};

/**
 * struct policy_test - what a policy finds, and what it has said
 * @pinned_by_context: answer of iommufd_policy_pinned_by_context()
 * @pinned_by_user: of _user()
 * @pinned_by_cgroup: of _cgroup()
 * @asked_about: what the last one of these was asked about
 * @ioases: of each context
 * @nr_ioases: how many
 * @taken: where iommufd_policy_find_hole() finds no hole
 * @nr_taken: how many
 * @hole_calls: how often it was called
 * @random: of bpf_get_prandom_u32(): the next number is another
 * @now: of bpf_ktime_get_ns()
 * @pid_tgid: of bpf_get_current_pid_tgid()
 * @task: of bpf_get_current_task_btf(): a struct task_struct of the test's
 * @errors: how often a policy has called iommufd_policy_error()
 * @error_code: the last code
 * @error_text: and text
 * @maps_full: what is not in a map yet finds no room
 * @output: what went last into a ring buffer
 * @output_size: of how many bytes
 * @outputs: how often
 * @ring_full: nothing goes there any more
 */
struct policy_test {
	u64 pinned_by_context;
	u64 pinned_by_user;
	u64 pinned_by_cgroup;
	u64 asked_about;
	struct iommufd_policy_ioas ioases[POLICY_TEST_MAX];
	u32 nr_ioases;
	struct policy_test_range taken[POLICY_TEST_MAX];
	u32 nr_taken;
	u64 hole_calls;
	u64 random;
	u64 now;
	u64 pid_tgid;
	void *task;
	u32 errors;
	s32 error_code;
	char error_text[IOMMUFD_POLICY_MSG_LEN];
	bool maps_full;
	void *output;
	u64 output_size;
	u64 outputs;
	bool ring_full;
};

static struct policy_test policy_test;

/* An entry of a map */
struct policy_test_entry_ {
	struct policy_test_entry_ *next;
	const void *map;
	char *key;
	char *value;
};

static struct policy_test_entry_ *policy_test_entries_;

/* A map, as far as its type says */
struct policy_test_map_ {
	const void *map;
	size_t type;
	size_t max_entries;
	size_t key_size;
	size_t value_size;
};

#define POLICY_TEST_MAP_(m)						\
	(&(const struct policy_test_map_){				\
		.map = (m),						\
		.type = sizeof(*(m)->type) / sizeof(int),		\
		.max_entries = sizeof(*(m)->max_entries) / sizeof(int),	\
		.key_size = sizeof(*(m)->key),				\
		.value_size = sizeof(*(m)->value),			\
	})

/**
 * policy_test_reset - as if nothing had happened yet
 *
 * Before each test. Parameters stay as they are.
 */
static inline void policy_test_reset(void)
{
	struct policy_test_entry_ *entry;

	while ((entry = policy_test_entries_)) {
		policy_test_entries_ = entry->next;
		free(entry->key);
		free(entry->value);
		free(entry);
	}
	free(policy_test.output);
	memset(&policy_test, 0, sizeof(policy_test));
}

static inline void policy_test_write_(const volatile void *to,
				      const void *from, size_t size)
{
	const uintptr_t page = sysconf(_SC_PAGESIZE);
	const uintptr_t first = (uintptr_t)to & -page;

	if (mprotect((void *)first, (uintptr_t)to + size - first,
		     PROT_READ | PROT_WRITE))
		abort();
	memcpy((void *)(uintptr_t)to, from, size);
}

/**
 * policy_test_set - give a parameter of the policy a value, as --set does
 * @param: its name
 * @to: the value
 */
#define policy_test_set(param, to)					\
	do {								\
		const __typeof__(param) value_ = (to);			\
									\
		policy_test_write_(&(param), (const void *)&value_,	\
				   sizeof(value_));			\
	} while (0)

static inline int policy_test_read(void *to, size_t size, const void *from)
{
	memcpy(to, from, size);
	return 0;
}

static inline bool policy_test_is_array_(const struct policy_test_map_ *map)
{
	return map->type == BPF_MAP_TYPE_ARRAY ||
	       map->type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static inline struct policy_test_entry_ *
policy_test_find_(const struct policy_test_map_ *map, const void *key,
		  size_t *nr)
{
	struct policy_test_entry_ *entry, *found = NULL;

	*nr = 0;
	for (entry = policy_test_entries_; entry; entry = entry->next) {
		if (entry->map != map->map)
			continue;
		++*nr;
		if (!memcmp(entry->key, key, map->key_size))
			found = entry;
	}
	return found;
}

static inline void *policy_test_copy_(const void *from, size_t size)
{
	void *copy = calloc(1, size);

	if (!copy)
		abort();
	if (from)
		memcpy(copy, from, size);
	return copy;
}

static inline struct policy_test_entry_ *
policy_test_add_(const struct policy_test_map_ *map, const void *key,
		 const void *value)
{
	struct policy_test_entry_ *entry = policy_test_copy_(NULL,
							     sizeof(*entry));

	entry->map = map->map;
	entry->key = policy_test_copy_(key, map->key_size);
	entry->value = policy_test_copy_(value, map->value_size);
	entry->next = policy_test_entries_;
	policy_test_entries_ = entry;
	return entry;
}

static inline void *policy_test_lookup_(const struct policy_test_map_ *map,
					const void *key)
{
	struct policy_test_entry_ *entry;
	size_t nr;

	entry = policy_test_find_(map, key, &nr);
	if (!entry && policy_test_is_array_(map) &&
	    *(const u32 *)key < map->max_entries)
		entry = policy_test_add_(map, key, NULL);
	return entry ? entry->value : NULL;
}

static inline long policy_test_update_(const struct policy_test_map_ *map,
				       const void *key, const void *value,
				       u64 flags)
{
	struct policy_test_entry_ *entry;
	size_t nr;

	if (policy_test_is_array_(map)) {
		void *there = policy_test_lookup_(map, key);

		if (!there)
			return -E2BIG;
		if (flags == BPF_NOEXIST)
			return -EEXIST;
		memcpy(there, value, map->value_size);
		return 0;
	}
	entry = policy_test_find_(map, key, &nr);
	if (entry && flags == BPF_NOEXIST)
		return -EEXIST;
	if (!entry && flags == BPF_EXIST)
		return -ENOENT;
	if (entry)
		memcpy(entry->value, value, map->value_size);
	else if (policy_test.maps_full || nr >= map->max_entries)
		return -E2BIG;
	else
		policy_test_add_(map, key, value);
	return 0;
}

static inline long policy_test_delete_(const struct policy_test_map_ *map,
				       const void *key)
{
	struct policy_test_entry_ **at, *entry;
	size_t nr;

	entry = policy_test_find_(map, key, &nr);
	if (policy_test_is_array_(map))
		return -EINVAL;
	if (!entry)
		return -ENOENT;
	for (at = &policy_test_entries_; *at != entry; at = &(*at)->next)
		;
	*at = entry->next;
	free(entry->key);
	free(entry->value);
	free(entry);
	return 0;
}

#define bpf_map_lookup_elem(map, key)					\
	policy_test_lookup_(POLICY_TEST_MAP_(map), key)
#define bpf_map_update_elem(map, key, value, flags)			\
	policy_test_update_(POLICY_TEST_MAP_(map), key, value, flags)
#define bpf_map_delete_elem(map, key)					\
	policy_test_delete_(POLICY_TEST_MAP_(map), key)

static inline void *policy_test_output_(u64 size)
{
	if (policy_test.ring_full)
		return NULL;
	free(policy_test.output);
	policy_test.output = policy_test_copy_(NULL, size);
	/* What is there is not zero in the kernel either. */
	memset(policy_test.output, 0xa5, size);
	policy_test.output_size = size;
	return policy_test.output;
}

#define bpf_ringbuf_reserve(map, size, flags)				\
	((void)(map), (void)(flags), policy_test_output_(size))
#define bpf_ringbuf_submit(record, flags)				\
	((void)(record), (void)(flags), (void)policy_test.outputs++)
#define bpf_ringbuf_discard(record, flags) ((void)(record), (void)(flags))

static inline long bpf_ringbuf_output_(const void *record, u64 size)
{
	void *output = policy_test_output_(size);

	if (!output)
		return -EAGAIN;
	memcpy(output, record, size);
	policy_test.outputs++;
	return 0;
}

#define bpf_ringbuf_output(map, record, size, flags)			\
	((void)(map), (void)(flags), bpf_ringbuf_output_(record, size))

static inline u64 bpf_ktime_get_ns(void)
{
	return policy_test.now;
}

static inline u64 bpf_get_current_pid_tgid(void)
{
	return policy_test.pid_tgid;
}

#define bpf_get_current_task_btf()					\
	((struct task_struct *)policy_test.task)

/* splitmix64 */
static inline u32 bpf_get_prandom_u32(void)
{
	u64 z = policy_test.random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) >> 32;
}

/* What the module offers. Not static, for policies declare them extern. */
u64 iommufd_policy_pinned_by_context(u64 ctx_id)
{
	policy_test.asked_about = ctx_id;
	return policy_test.pinned_by_context;
}

u64 iommufd_policy_pinned_by_user(u32 uid)
{
	policy_test.asked_about = uid;
	return policy_test.pinned_by_user;
}

u64 iommufd_policy_pinned_by_cgroup(u64 id)
{
	policy_test.asked_about = id;
	return policy_test.pinned_by_cgroup;
}

void iommufd_policy_error(const struct iommufd_policy_who *who, s32 code,
			  const char *text)
{
	policy_test.errors++;
	policy_test.error_code = code;
	snprintf(policy_test.error_text, sizeof(policy_test.error_text), "%s",
		 text);
}

/**
 * policy_test_take - no hole is there any more
 * @iova: first IO address
 * @length: bytes
 *
 * Return: false if part of it was taken already.
 */
static inline bool policy_test_take(u64 iova, u64 length)
{
	const u64 last = iova + length - 1;
	u32 i;

	for (i = 0; i < policy_test.nr_taken; i++)
		if (policy_test.taken[i].first <= last &&
		    policy_test.taken[i].last >= iova)
			return false;
	if (policy_test.nr_taken == POLICY_TEST_MAX)
		abort();
	policy_test.taken[policy_test.nr_taken++] =
		(struct policy_test_range){ iova, last };
	return true;
}

/* Which range is in the way of so many bytes, or NULL */
static inline const struct policy_test_range *policy_test_in_way_(u64 iova,
								  u64 length)
{
	u32 i;

	for (i = 0; i < policy_test.nr_taken; i++)
		if (policy_test.taken[i].first <= iova + length - 1 &&
		    policy_test.taken[i].last >= iova)
			return &policy_test.taken[i];
	return NULL;
}

/* The same answers as the module's, by looking at one place after the other */
s64 iommufd_policy_find_hole(const struct iommufd_policy_iova_request *req,
			     u64 start, u64 last, u64 align, u32 flags)
{
	const bool highest = flags & IOMMUFD_POLICY_HOLE_HIGHEST;
	const struct policy_test_range *range;
	u64 iova;

	policy_test.hole_calls++;
	if (last > INT64_MAX)
		last = INT64_MAX;
	if (align < 4096 || align & (align - 1) || start > last ||
	    flags & ~IOMMUFD_POLICY_HOLE_HIGHEST)
		return -EINVAL;
	if (req->length - 1 > last)
		return -ENOSPC;
	if (highest)
		iova = (last - (req->length - 1)) & -align;
	else
		iova = ((start ?: align) + align - 1) & -align;
	while (iova >= start && iova <= last - (req->length - 1)) {
		range = policy_test_in_way_(iova, req->length);
		if (!range)
			return iova;
		if (highest && range->first < req->length)
			break;
		iova = highest ? (range->first - req->length) & -align :
				 (range->last + align) & -align;
	}
	return -ENOSPC;
}

int bpf_iter_iommufd_ioas_new(struct bpf_iter_iommufd_ioas *it, u64 ctx_id)
{
	memset(it, 0, sizeof(*it));
	it->ctx_id = ctx_id;
	policy_test.asked_about = ctx_id;
	return 0;
}

struct iommufd_policy_ioas *
bpf_iter_iommufd_ioas_next(struct bpf_iter_iommufd_ioas *it)
{
	if (it->room[0] == policy_test.nr_ioases)
		return NULL;
	it->info = policy_test.ioases[it->room[0]++];
	return &it->info;
}

void bpf_iter_iommufd_ioas_destroy(struct bpf_iter_iommufd_ioas *it)
{
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* A policy under test, loaded with libbpf and nothing else. */
#ifndef TEST_POLICY_H
#define TEST_POLICY_H

#include <bpf/libbpf.h>
#include <linux/types.h>

#include "test.h"
#include "bpf/answer.h"

/* The contract itself, in the kernel's words */
typedef __u64 u64;
typedef __u32 u32;
typedef __s32 s32;
typedef __s64 s64;
#include "../../../kmod/iommufd_policy.h"

/* Objects of the policies that are shipped, for policy_open_object() */
#define SHIPPED "../../"
#define POLICIES "/sys/kernel/iommufd/policy"
#define OFF "/sys/kernel/iommufd/off"

/**
 * struct policy - one load of bpf/answer.bpf.c, or of another object
 * @object: the file
 * @map: the struct_ops map
 * @ops: the policy before it is loaded: hooks are struct bpf_program
 * @answer: what is shared with its programs; stays where it is; NULL for others
 *	than answer.bpf.c
 * @link: NULL unless attached
 */
struct policy {
	struct bpf_object *object;
	struct bpf_map *map;
	struct iommufd_policy_ops *ops;
	volatile struct answer *answer;
	struct bpf_link *link;
};

/* bpf/NAME.bpf.c, not loaded yet; failing fails the test */
struct bpf_object *object_open(const char *name);
/* Opened, to be changed in @ops, and not loaded yet; failing fails the test */
void policy_open(struct policy *policy, const char *name);
/* The same of another object; its policy is called "policy", or so, or is alone */
void policy_open_object(struct policy *policy, const char *object,
			const char *name);
/* A parameter, before it is loaded; failing fails the test */
void policy_set(struct policy *policy, const char *param, uint64_t value);
/* One of its programs, to be one of its hooks; failing fails the test */
void *policy_program(struct policy *policy, const char *name);
/* Into the kernel, and attached: 0 or a negative errno */
int policy_load(struct policy *policy);
int policy_attach(struct policy *policy);
/* Opened, loaded and attached */
void policy_start(struct policy *policy, const char *name);
/* Detached, which has happened when this returns, and closed */
void policy_stop(struct policy *policy);
/* Detached and still open, for a look at what it saw last */
void policy_detach(struct policy *policy);
int policy_replace(struct policy *policy, struct policy *by);

/* What sysfs says of a policy; NULL if it knows none; to be freed */
char *policy_read(const char *name, const char *file);
long policy_number(const char *name, const char *file);
void assert_policy_reads(const char *name, const char *file,
			 const char *expected);
/*
 * All its counters in sysfs that are not 0 are just these, "map_asked=2
 * map_refused=1", in the order of the alphabet
 */
void assert_policy_counts(const char *name, const char *expected);
/* Wait until it has been called that often: it may run a moment later */
answer_u64 settled(volatile answer_u64 *calls, answer_u64 expected);
/* What the verifier said in the last load of this program */
extern char verifier_log[];
#define VERIFIER_LOG_SIZE (256 * 1024)

/* The line of fdinfo about the last refusal is just this; NULL: there is none */
void assert_refused_by(int iommu, const char *expected);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Who pins through all contexts, added up */
#ifndef IOMMUFD_BPF_GROUPS_H
#define IOMMUFD_BPF_GROUPS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct command;
struct watch_rates;

enum group_by {
	BY_PROCESS,
	BY_CGROUP,
	BY_USER,
	BY_CONTEXT,
};

enum group_sort {
	SORT_PINNED,
	SORT_CHARGED,
	SORT_NAME,
};

/**
 * struct group - what goes into one sum
 * @key: process id, id of the cgroup, uid, or id of the context
 * @uid: of a process, or who opened the context
 * @cgroup_id: of a process
 * @contexts: how many it pins through
 * @last_ctx: the last of them, while they are counted
 * @pinned: pages
 * @charged: pages
 * @mapped: bytes
 * @areas: how many
 * @requests: by processes that are in it, since the counting began
 * @refused: likewise, what policies have refused
 */
struct group {
	uint64_t key;
	uint32_t uid;
	uint64_t cgroup_id;
	unsigned int contexts;
	uint64_t last_ctx;
	uint64_t pinned;
	uint64_t charged;
	uint64_t mapped;
	uint64_t areas;
	uint64_t requests;
	uint64_t refused;
};

/**
 * struct groups - all of them
 * @by: what they are
 * @with_areas: look at areas, too, for @mapped and @areas
 * @tree: struct group by key
 * @list: the same, sorted
 * @nr: entries of @list
 * @contexts: how many there are
 * @pinned: pages of all
 * @charged: pages of all
 */
struct groups {
	enum group_by by;
	bool with_areas;
	void *tree;
	struct group **list;
	size_t nr;
	unsigned int contexts;
	uint64_t pinned;
	uint64_t charged;
};

/* The name of one of them, or wrong usage */
enum group_by group_parse_by(const struct command *cmd, const char *name);
const char *group_by_name(enum group_by by);
const char *group_heading(enum group_by by);

/* 0, or a negative errno with out_fail() done; context 0: all */
int groups_look(struct groups *groups, uint64_t ctx_id);
void groups_add_rates(struct groups *groups, uint32_t tgid,
		      const struct watch_rates *rates);
/* NULL if there is none */
const struct group *groups_find(const struct groups *groups, uint64_t key);
void groups_free(struct groups *groups);
void groups_sort(struct groups *groups, enum group_sort sort);
void groups_each(const struct groups *groups,
		 void (*fn)(const struct group *group, void *arg), void *arg);

/* Who it is, for people, until the next call; and members for programs */
const char *group_text(const struct groups *groups, const struct group *group);
void group_json(const struct groups *groups, const struct group *group,
		struct json_object *obj);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/* Who pins through all contexts, added up */
#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "groups.h"
#include "names.h"
#include "walk.h"
#include "watch.h"

static const struct {
	const char *name;
	const char *heading;
} kinds[] = {
	[BY_PROCESS] = { "process", "    PID COMM            USER     CGROUP" },
	[BY_CGROUP] = { "cgroup", "CGROUP" },
	[BY_USER] = { "user", "USER" },
	[BY_CONTEXT] = { "context", "CONTEXT OPENED-BY" },
};

enum group_by group_parse_by(const struct command *cmd, const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return i;
	usage_error(cmd, "--by %s: not one of process, cgroup, user, context",
		    name);
}

const char *group_by_name(enum group_by by)
{
	return kinds[by].name;
}

const char *group_heading(enum group_by by)
{
	return kinds[by].heading;
}

static int compare_keys(const void *a, const void *b)
{
	const struct group *ga = a, *gb = b;

	return ga->key < gb->key ? -1 : ga->key > gb->key;
}

/* The group of a key, which may be new. */
static struct group *find(struct groups *groups, uint64_t key, uint64_t ctx_id)
{
	struct group *group = calloc(1, sizeof(*group)), **found;

	if (!group)
		abort();
	group->key = key;
	found = tsearch(group, &groups->tree, compare_keys);
	if (!found)
		abort();
	if (*found == group) {
		groups->nr++;
		groups->list = reallocarray(groups->list, groups->nr,
					    sizeof(*groups->list));
		if (!groups->list)
			abort();
		groups->list[groups->nr - 1] = group;
	} else {
		free(group);
	}
	group = *found;
	group->contexts += group->last_ctx != ctx_id;
	group->last_ctx = ctx_id;
	return group;
}

static uint64_t key_of(const struct groups *groups, uint64_t ctx_id,
		       uint32_t tgid, uint32_t uid, uint64_t cgroup_id)
{
	switch (groups->by) {
	case BY_PROCESS:
		return tgid;
	case BY_CGROUP:
		return cgroup_id;
	case BY_USER:
		return uid;
	default:
		return ctx_id;
	}
}

static void add_account(struct groups *groups, uint64_t ctx_id,
			const struct walk_account *account)
{
	struct group *group;

	/* Who mapped last is remembered, also when nothing of it is left */
	if (!account->pinned && !account->charged && !groups->with_areas)
		return;
	group = find(groups, key_of(groups, ctx_id, account->tgid, account->uid,
				    account->cgroup_id), ctx_id);
	if (groups->by == BY_PROCESS) {
		group->uid = account->uid;
		group->cgroup_id = account->cgroup_id;
	}
	group->pinned += account->pinned;
	group->charged += account->charged;
	groups->pinned += account->pinned;
	groups->charged += account->charged;
}

static void add_area(struct groups *groups, uint64_t ctx_id,
		     const struct walk_area *area)
{
	struct group *group;

	group = find(groups, key_of(groups, ctx_id, area->tgid, area->uid,
				    area->cgroup_id), ctx_id);
	if (groups->by == BY_PROCESS) {
		group->uid = area->uid;
		group->cgroup_id = area->cgroup_id;
	}
	group->mapped += area->length;
	group->areas++;
}

static void add(struct groups *groups, const struct walk_record *record)
{
	struct group *group;

	switch (record->kind) {
	case WALK_CONTEXT:
		groups->contexts++;
		if (groups->by != BY_CONTEXT)
			break;
		group = find(groups, record->ctx_id, record->ctx_id);
		group->uid = record->context.opener_uid;
		break;
	case WALK_ACCOUNT:
		add_account(groups, record->ctx_id, &record->account);
		break;
	case WALK_AREA:
		add_area(groups, record->ctx_id, &record->area);
		break;
	}
}

int groups_look(struct groups *groups, uint64_t ctx_id)
{
	struct walk walk;
	size_t i;
	int err;

	err = walk_begin(&walk, groups->with_areas ? WALK_AREAS : 0, ctx_id);
	if (err)
		return err;
	for (i = 0; i < walk.nr; i++)
		add(groups, &walk.records[i]);
	walk_end(&walk);
	return 0;
}

void groups_add_rates(struct groups *groups, uint32_t tgid,
		      const struct watch_rates *rates)
{
	struct group *group;

	group = find(groups, key_of(groups, 0, tgid, rates->uid,
				    rates->cgroup_id), 0);
	if (groups->by == BY_PROCESS && !group->cgroup_id) {
		group->uid = rates->uid;
		group->cgroup_id = rates->cgroup_id;
	}
	group->requests += rates->requests;
	group->refused += rates->refused;
}

const struct group *groups_find(const struct groups *groups, uint64_t key)
{
	const struct group wanted = { .key = key };
	struct group **found;

	found = tfind(&wanted, &groups->tree, compare_keys);
	return found ? *found : NULL;
}

void groups_free(struct groups *groups)
{
	tdestroy(groups->tree, free);
	free(groups->list);
}

static int by_key(const void *a, const void *b)
{
	return compare_keys(*(const struct group **)a,
			    *(const struct group **)b);
}

#define SORT_BY(member)							\
	static int by_##member(const void *a, const void *b)		\
	{								\
		const struct group *ga = *(const struct group **)a;	\
		const struct group *gb = *(const struct group **)b;	\
									\
		if (ga->member == gb->member)				\
			return by_key(a, b);				\
		return ga->member > gb->member ? -1 : 1;		\
	}

SORT_BY(pinned)
SORT_BY(charged)

void groups_sort(struct groups *groups, enum group_sort sort)
{
	qsort(groups->list, groups->nr, sizeof(*groups->list),
	      sort == SORT_PINNED ? by_pinned :
	      sort == SORT_CHARGED ? by_charged : by_key);
}

void groups_each(const struct groups *groups,
		 void (*fn)(const struct group *group, void *arg), void *arg)
{
	size_t i;

	for (i = 0; i < groups->nr; i++)
		fn(groups->list[i], arg);
}

const char *group_text(const struct groups *groups, const struct group *group)
{
	static char text[512];

	switch (groups->by) {
	case BY_PROCESS:
		snprintf(text, sizeof(text), "%7" PRIu64 " %-15s %-8s %s",
			 group->key, name_text(process_name(group->key)),
			 user_text(group->uid),
			 name_text(cgroup_path(group->cgroup_id)));
		break;
	case BY_CGROUP:
		return name_text(cgroup_path(group->key));
	case BY_USER:
		return user_text(group->key);
	case BY_CONTEXT:
		snprintf(text, sizeof(text), "%7" PRIu64 " %s", group->key,
			 user_text(group->uid));
		break;
	}
	return text;
}

void group_json(const struct groups *groups, const struct group *group,
		struct json_object *obj)
{
	switch (groups->by) {
	case BY_PROCESS:
		add_process(obj, group->key);
		add_user(obj, group->uid);
		add_cgroup(obj, group->cgroup_id);
		break;
	case BY_CGROUP:
		add_cgroup(obj, group->key);
		break;
	case BY_USER:
		add_user(obj, group->key);
		break;
	case BY_CONTEXT:
		add_number(obj, "ctx", group->key);
		add_user(obj, group->uid);
		break;
	}
}

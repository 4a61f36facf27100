// SPDX-License-Identifier: GPL-2.0-only
/* What numbers of the kernel are called by people */
#include <inttypes.h>
#include <pwd.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroups.h"
#include "names.h"

/* A number that was looked up; @name is NULL if it has none */
struct known {
	uint64_t number;
	char *name;
};

static int compare_known(const void *a, const void *b)
{
	const struct known *ka = a, *kb = b;

	return ka->number < kb->number ? -1 : ka->number > kb->number;
}

/* Its name if it is in the tree, else what @find says, which enters it. */
static const char *look_up(void **tree, uint64_t number,
			   char *(*find)(uint64_t number))
{
	struct known *key = malloc(sizeof(*key)), **found;

	if (!key)
		abort();
	key->number = number;
	found = tsearch(key, tree, compare_known);
	if (!found)
		abort();
	if (*found == key)
		key->name = find(number);
	else
		free(key);
	return (*found)->name;
}

static char *find_user(uint64_t uid)
{
	const struct passwd *user = getpwuid(uid);

	return user ? strdup(user->pw_name) : NULL;
}

static char *find_process(uint64_t pid)
{
	char path[32], comm[64];
	FILE *file;
	bool got;

	snprintf(path, sizeof(path), "/proc/%" PRIu64 "/comm", pid);
	file = fopen(path, "re");
	if (!file)
		return NULL;
	got = fgets(comm, sizeof(comm), file);
	fclose(file);
	if (!got)
		return NULL;
	comm[strcspn(comm, "\n")] = '\0';
	return strdup(comm);
}

const char *user_name(uint32_t uid)
{
	static void *tree;

	return look_up(&tree, uid, find_user);
}

const char *process_name(uint32_t pid)
{
	static void *tree;

	return look_up(&tree, pid, find_process);
}

const char *cgroup_path(uint64_t id)
{
	static void *tree;

	return look_up(&tree, id, cgroup_path_of);
}

const char *user_text(uint32_t uid)
{
	static char number[12];
	const char *name = user_name(uid);

	if (name)
		return name;
	snprintf(number, sizeof(number), "%" PRIu32, uid);
	return number;
}

const char *name_text(const char *name)
{
	return name ?: "-";
}

bool user_find(const char *name, uint32_t *uid)
{
	const struct passwd *user = getpwnam(name);
	char *end;

	*uid = user ? user->pw_uid : strtoul(name, &end, 10);
	return user || (*name && !*end);
}

void add_string(struct json_object *obj, const char *key, const char *value)
{
	json_object_object_add(obj, key,
			       value ? json_object_new_string(value) : NULL);
}

void add_number(struct json_object *obj, const char *key, uint64_t value)
{
	json_object_object_add(obj, key, json_object_new_uint64(value));
}

void add_bool(struct json_object *obj, const char *key, bool value)
{
	json_object_object_add(obj, key, json_object_new_boolean(value));
}

void add_user(struct json_object *obj, uint32_t uid)
{
	add_number(obj, "uid", uid);
	add_string(obj, "user", user_name(uid));
}

void add_process(struct json_object *obj, uint32_t pid)
{
	add_number(obj, "pid", pid);
	add_string(obj, "comm", process_name(pid));
}

void add_cgroup(struct json_object *obj, uint64_t id)
{
	add_number(obj, "cgroup_id", id);
	add_string(obj, "cgroup", cgroup_path(id));
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* What numbers of the kernel are called by people */
#ifndef IOMMUFD_BPF_NAMES_H
#define IOMMUFD_BPF_NAMES_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

/* "4K", "1.5G" */
#define HUMAN_SIZE 16
const char *human_size(uint64_t bytes, char text[HUMAN_SIZE]);

/*
 * NULL where there is none of that number, now; a text stays as it is, and what was
 * looked up once is not again.
 */
const char *user_name(uint32_t uid);
const char *process_name(uint32_t pid);
/* Path of a cgroup of version 2 below the root, which is "/" */
const char *cgroup_path(uint64_t id);
/* For text: the name, else the number, else "-" */
const char *user_text(uint32_t uid);
const char *name_text(const char *name);

/* The id of a user by name or number; false if none */
bool user_find(const char *name, uint32_t *uid);

/* Members for who it is: numbers, and names or null */
void add_user(struct json_object *obj, uint32_t uid);
void add_process(struct json_object *obj, uint32_t pid);
void add_cgroup(struct json_object *obj, uint64_t id);
void add_string(struct json_object *obj, const char *key, const char *value);
void add_number(struct json_object *obj, const char *key, uint64_t value);
void add_bool(struct json_object *obj, const char *key, bool value);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Cgroups of version 2, by their path below the root; failing fails the test */
#ifndef TEST_CGROUP_H
#define TEST_CGROUP_H

#include "test.h"

void cgroup_new(const char *path);
void cgroup_remove(const char *path);
/* One of its files */
void cgroup_write(const char *path, const char *file, const char *value);
/* A number in memory.stat, which may be two seconds old */
long cgroup_memory_stat(const char *path, const char *key);
/* As policies know it; "": the root */
uint64_t cgroup_id(const char *path);
void cgroup_move(const char *path, pid_t pid);
/* The calling process, which may be a child: 0 or -1 */
int cgroup_enter(const char *path);

#endif

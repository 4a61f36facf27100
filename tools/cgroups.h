/* SPDX-License-Identifier: GPL-2.0-only */
/* Cgroups of version 2 */
#ifndef IOMMUFD_BPF_CGROUPS_H
#define IOMMUFD_BPF_CGROUPS_H

#include <stdbool.h>
#include <stdint.h>

/* Where they are mounted, alone or beside version 1; NULL if nowhere */
const char *cgroup_root(void);

/* Below the root, which is "/"; the caller's to free; NULL if there is none */
char *cgroup_path_of(uint64_t id);

/* The id of the one at a path, with or without the root; false if none */
bool cgroup_find(const char *path, uint64_t *id);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* What 'apply' has applied: a record for each policy */
#ifndef IOMMUFD_BPF_APPLIED_H
#define IOMMUFD_BPF_APPLIED_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"

#define APPLIED_DIR "/run/iommufd-bpf"

/*
 * What a policy was made from, in one piece to compare: how it is loaded,
 * parameters, then the object. NULL on failure, with errno.
 */
char *applied_content(struct iommufd_policy_object *obj,
		      const struct conf *conf, size_t *size);
/* The struct_ops map in force behind a link, which a replacement changes; or 0 */
uint32_t applied_map(uint32_t link_id);

/*
 * Keep others who apply out until the process ends; 0 or a negative errno.
 * Without @create there may be no directory yet, which then has nothing to lock.
 */
int applied_lock(bool create);
/* Is this what the record of @name says? */
bool applied_same(const char *name, uint32_t map, const char *content,
		  size_t size);
int applied_record(const char *name, uint32_t map, const char *conf,
		   const char *content, size_t size);
/* The map and the file of a record; -ENOENT: there is none. free() @conf. */
int applied_read(const char *name, uint32_t *map, char **conf);
void applied_forget(const char *name);

#endif

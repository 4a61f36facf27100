/* SPDX-License-Identifier: GPL-2.0-only */
/* A file of policies.d: a policy, and how it is to be loaded */
#ifndef IOMMUFD_BPF_CONF_H
#define IOMMUFD_BPF_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "libiommufd-bpf.h"

/**
 * struct conf - what a file says
 * @path: the file
 * @file: the object, as a path
 * @policy: which one of several in it, or NULL
 * @name: the name to load it under, or NULL
 * @scope: as the library takes it, or NULL
 * @priority: of the policies of a scope, the highest is asked first
 * @audit: begin in audit mode
 * @fail_closed: after an answer outside the contract requests are refused
 * @message: what is wrong with the file
 * @line: of the file, where that is, or 0
 */
struct conf {
	const char *path;
	char *file;
	char *policy;
	char *name;
	char *scope;
	int32_t priority;
	bool audit;
	bool fail_closed;
	char message[256];
	int line;
};

/* Both return 0 or a negative errno, and then have set message and line. */
int conf_read(struct conf *conf);
/* Tell @obj what else the file says: parameters, scope and so on */
int conf_configure(struct conf *conf, struct iommufd_policy_host *host,
		   struct iommufd_policy_object *obj);
void conf_free(struct conf *conf);

#endif

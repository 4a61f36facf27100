/* SPDX-License-Identifier: GPL-2.0-only */
/* A file of policies.d: a policy, and how it is to be loaded */
#ifndef IOMMUFD_BPF_CONF_H
#define IOMMUFD_BPF_CONF_H

#include "libiommufd-bpf.h"

/**
 * struct conf - what a file says
 * @path: the file
 * @file: the object, as a path
 * @policy: which one of several in it, or NULL
 * @name: the name to load it under, or NULL
 * @message: what is wrong with the file
 * @line: of the file, where that is, or 0
 */
struct conf {
	const char *path;
	char *file;
	char *policy;
	char *name;
	char message[256];
	int line;
};

/* Both return 0 or a negative errno, and then have set message and line. */
int conf_read(struct conf *conf);
/* Set the parameters that the file has */
int conf_set_params(struct conf *conf, struct iommufd_policy_host *host,
		    struct iommufd_policy_object *obj);
void conf_free(struct conf *conf);

#endif

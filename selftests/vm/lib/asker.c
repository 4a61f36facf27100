// SPDX-License-Identifier: GPL-2.0-only
/* A process that has nothing in common with the one that opened a context */
#include <sys/stat.h>

#include "lib/asker.h"

#define CGROUPS "/sys/fs/cgroup"
#define CGROUP CGROUPS "/asker"
#define NOBODY 65534

static uint64_t outside, inside;
static pid_t root;

static uint64_t cgroup_id(const char *path)
{
	struct stat st;

	assert_return_code(stat(path, &st), errno);
	return st.st_ino;
}

void asker_prepare(void)
{
	assert_return_code(mkdir(CGROUP, 0755), errno);
	outside = cgroup_id(CGROUPS);
	inside = cgroup_id(CGROUP);
	root = getpid();
}

void asker_remove(void)
{
	assert_return_code(rmdir(CGROUP), errno);
}

int become_asker(void)
{
	FILE *file = fopen(CGROUP "/cgroup.procs", "we");

	if (!file || fprintf(file, "0\n") < 0 || fclose(file))
		return -1;
	return become_tenant(ASKER_LIMIT);
}

bool is_asker(volatile const struct answer_who *who, uint64_t context)
{
	return who->cgroup_id == inside && who->ctx_id == context &&
	       who->uid == NOBODY && who->opener_uid == 0 &&
	       who->tgid == (answer_u64)getpid();
}

bool is_root(volatile const struct answer_who *who, uint64_t context)
{
	return who->cgroup_id == outside && who->ctx_id == context &&
	       who->uid == 0 && who->opener_uid == 0 &&
	       who->tgid == (answer_u64)root;
}

// SPDX-License-Identifier: GPL-2.0-only
/* A process that has nothing in common with the one that opened a context */
#include "lib/asker.h"
#include "lib/cgroup.h"

#define CGROUP "asker"
#define NOBODY 65534

static uint64_t outside, inside;
static pid_t root;

void asker_prepare(void)
{
	cgroup_new(CGROUP);
	outside = cgroup_id("");
	inside = cgroup_id(CGROUP);
	root = getpid();
}

void asker_remove(void)
{
	cgroup_remove(CGROUP);
}

int become_asker(void)
{
	return cgroup_enter(CGROUP) ?: become_tenant(ASKER_LIMIT);
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

// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the module says of its policies, and which of them are pinned */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#define POLICY_DIR SYSFS_DIR "/policy"

static bool read_text(const char *policy, const char *file, char *text,
		      size_t len)
{
	char path[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), POLICY_DIR "/%s/%s", policy, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, len - 1);
	close(fd);
	if (n < 0)
		return false;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return true;
}

bool status_number(const char *policy, const char *file, uint64_t *number)
{
	char text[24];

	if (!read_text(policy, file, text, sizeof(text)))
		return false;
	/* Right for negative ones too, once cut to the width they had */
	*number = strtoull(text, NULL, 10);
	return true;
}

static bool read_hook(const char *name, const char *hook,
		      struct iommufd_policy_count *count)
{
	char file[32];

	/* Hooks that are only told have one counter, of another name */
	snprintf(file, sizeof(file), "%s_told", hook);
	if (status_number(name, file, &count->asked))
		return true;
	snprintf(file, sizeof(file), "%s_asked", hook);
	if (!status_number(name, file, &count->asked))
		return false;
	snprintf(file, sizeof(file), "%s_refused", hook);
	if (!status_number(name, file, &count->refused))
		return false;
	snprintf(file, sizeof(file), "%s_audited", hook);
	return status_number(name, file, &count->audited);
}

/* False if the policy went away meanwhile, or memory is short */
static bool read_status(const char *name, struct iommufd_policy_status *status)
{
	uint64_t link_id, kind, code, priority;
	char scope[4096];

	strcpy(status->name, name);
	if (!read_text(name, "state", status->state, sizeof(status->state)) ||
	    !read_text(name, "exit_message", status->exit_message,
		       sizeof(status->exit_message)) ||
	    !read_text(name, "mode", status->mode, sizeof(status->mode)) ||
	    !read_text(name, "scope", scope, sizeof(scope)) ||
	    !read_hook(name, "map", &status->map) ||
	    !read_hook(name, "unmap", &status->unmap) ||
	    !read_hook(name, "attach", &status->attach) ||
	    !read_hook(name, "detach", &status->detach) ||
	    !read_hook(name, "iova_alloc", &status->iova_alloc) ||
	    !read_hook(name, "charge", &status->charge) ||
	    !read_hook(name, "uncharge", &status->uncharge) ||
	    !status_number(name, "cgroup_id", &status->cgroup_id) ||
	    !status_number(name, "paid", &status->paid) ||
	    !status_number(name, "priority", &priority) ||
	    !status_number(name, "link_id", &link_id) ||
	    !status_number(name, "exit_kind", &kind) ||
	    !status_number(name, "exit_code", &code))
		return false;
	status->priority = priority;
	status->link_id = link_id;
	status->exit_kind = kind;
	status->exit_code = code;
	status->scope = strdup(scope);
	return status->scope;
}

bool status_link_id(const char *name, uint32_t *id)
{
	uint64_t number;

	if (!policy_name_valid(name) || !status_number(name, "link_id", &number))
		return false;
	*id = number;
	return true;
}

static struct iommufd_policy_status *
status_add(struct iommufd_policy_status **listp,
	   const struct iommufd_policy_status *status)
{
	struct iommufd_policy_status *entry = malloc(sizeof(*entry));

	if (!entry) {
		free(status->scope);
		return NULL;
	}
	while (*listp && strcmp((*listp)->name, status->name) < 0)
		listp = &(*listp)->next;
	*entry = *status;
	entry->next = *listp;
	*listp = entry;
	return entry;
}

static int add_loaded(struct iommufd_policy_host *host,
		      struct iommufd_policy_status **listp)
{
	struct iommufd_policy_status status;
	const struct dirent *entry;
	int err = 0;
	DIR *dir;

	dir = opendir(POLICY_DIR);
	if (!dir)
		return host_fail(host, -errno, "cannot read " POLICY_DIR ": %s",
				 strerror(errno));
	while (!err && (entry = readdir(dir))) {
		memset(&status, 0, sizeof(status));
		if (!policy_name_valid(entry->d_name) ||
		    !read_status(entry->d_name, &status))
			continue;
		if (!status_add(listp, &status))
			err = host_fail(host, -ENOMEM, "out of memory");
	}
	closedir(dir);
	return err;
}

static int add_pin(struct iommufd_policy_host *host, const char *name,
		   void *arg)
{
	struct iommufd_policy_status detached = { .state = "detached" };
	struct iommufd_policy_status **listp = arg;
	struct iommufd_policy_status *status;
	int fd;

	if (!policy_name_valid(name))
		return 0;
	strcpy(detached.name, name);
	fd = pin_open(host, name, &detached.link_id);
	/* Being loaded or unloaded right now */
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	close(fd);

	for (status = *listp; status; status = status->next)
		if (status->link_id == detached.link_id)
			break;
	if (!status) {
		detached.scope = strdup("");
		if (detached.scope)
			status = status_add(listp, &detached);
	}
	if (!status)
		return host_fail(host, -ENOMEM, "out of memory");
	pin_path(name, status->pinned);
	return 0;
}

EXPORT int iommufd_policy_list(struct iommufd_policy_host *host,
			       struct iommufd_policy_status **listp)
{
	int err;

	*listp = NULL;
	err = host_check_module(host);
	if (err)
		return err;
	err = add_loaded(host, listp);
	if (!err)
		err = pins_each(host, add_pin, listp);
	if (err) {
		iommufd_policy_list_free(*listp);
		*listp = NULL;
	}
	return err;
}

EXPORT void iommufd_policy_list_free(struct iommufd_policy_status *list)
{
	struct iommufd_policy_status *next;

	for (; list; list = next) {
		next = list->next;
		free(list->scope);
		free(list);
	}
}

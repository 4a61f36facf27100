// SPDX-License-Identifier: GPL-2.0-only
/* Reading the files of policies.d */
#include <errno.h>
#include <ini.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"

#define POLICY "policy"
#define PARAMETERS "parameters"

struct configuring {
	struct conf *conf;
	struct iommufd_policy_host *host;
	struct iommufd_policy_object *obj;
	int err;
};

/* Only the first complaint is told, and inih knows the line of that one. */
static int __attribute__((format(printf, 2, 3)))
complain(struct conf *conf, const char *fmt, ...)
{
	va_list ap;

	if (!conf->message[0]) {
		va_start(ap, fmt);
		vsnprintf(conf->message, sizeof(conf->message), fmt, ap);
		va_end(ap);
	}
	return 0;
}

/* A name without slash is one of the shipped policies: PREFIX/lib/iommufd-bpf. */
static char *object_path(const char *file)
{
	char exe[PATH_MAX], *path;
	ssize_t len;

	if (strchr(file, '/'))
		return strdup(file);
	len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (len < 0)
		return NULL;
	exe[len] = '\0';
	if (asprintf(&path, "%s/lib/iommufd-bpf/%s", dirname(dirname(exe)),
		     file) < 0)
		return NULL;
	return path;
}

static int word(struct conf *conf, const char *key, const char *value,
		const char *yes, const char *no, bool *is)
{
	*is = !strcmp(value, yes);
	if (*is || !strcmp(value, no))
		return 1;
	return complain(conf, "%s = %s: it is %s or %s", key, value, yes, no);
}

static int load_key(struct conf *conf, const char *key, const char *value)
{
	long priority;
	char *end;

	if (!strcmp(key, "mode"))
		return word(conf, key, value, "audit", "enforce", &conf->audit);
	if (!strcmp(key, "fail"))
		return word(conf, key, value, "closed", "open",
			    &conf->fail_closed);
	if (strcmp(key, "priority"))
		return complain(conf,
				"no key '%s': see 'man iommufd-bpf.conf'", key);
	errno = 0;
	priority = strtol(value, &end, 10);
	if (errno || end == value || *end || priority < INT_MIN ||
	    priority > INT_MAX)
		return complain(conf, "priority = %s: not a 32-bit number",
				value);
	conf->priority = priority;
	return 1;
}

static int policy_key(void *arg, const char *section, const char *key,
		      const char *value)
{
	struct conf *conf = arg;
	char **member;

	if (!strcmp(section, PARAMETERS))
		return 1;
	if (strcmp(section, POLICY))
		return complain(conf, "no section [%s]: there are [" POLICY
				"] and [" PARAMETERS "]", section);
	if (!strcmp(key, "file"))
		member = &conf->file;
	else if (!strcmp(key, "policy"))
		member = &conf->policy;
	else if (!strcmp(key, "name"))
		member = &conf->name;
	else if (!strcmp(key, "scope"))
		member = &conf->scope;
	else
		return load_key(conf, key, value);
	if (*member)
		return complain(conf, "a second '%s'", key);
	*member = member == &conf->file ? object_path(value) : strdup(value);
	return *member ? 1 : complain(conf, "out of memory");
}

/* Only what the file has: a policy may not know of the rest. */
static int configure(struct configuring *to, const char *section,
		     const char *key, const char *value)
{
	struct conf *conf = to->conf;

	if (!strcmp(section, PARAMETERS))
		return iommufd_policy_object_set_param(to->obj, key, value);
	if (!strcmp(key, "scope"))
		return iommufd_policy_object_set_scope(to->obj, value);
	if (!strcmp(key, "priority"))
		return iommufd_policy_object_set_priority(to->obj,
							  conf->priority);
	if (!strcmp(key, "mode"))
		return iommufd_policy_object_set_audit(to->obj, conf->audit);
	if (!strcmp(key, "fail"))
		return iommufd_policy_object_set_fail_closed(to->obj,
							     conf->fail_closed);
	return 0;
}

static int configure_key(void *arg, const char *section, const char *key,
			 const char *value)
{
	struct configuring *to = arg;
	int err = configure(to, section, key, value);

	if (!err)
		return 1;
	if (!to->err)
		to->err = err;
	return complain(to->conf, "%s", iommufd_policy_host_error(to->host));
}

static int parse(struct conf *conf, ini_handler handler, void *arg)
{
	int err = 0;

	conf->line = ini_parse(conf->path, handler, arg);
	if (conf->line < 0) {
		err = -errno;
		conf->line = 0;
		complain(conf, "%s", strerror(-err));
	} else if (conf->line) {
		err = -EINVAL;
		complain(conf, "neither a [section] nor KEY = VALUE");
	}
	return err;
}

int conf_read(struct conf *conf)
{
	int err = parse(conf, policy_key, conf);

	if (!err && !conf->file) {
		complain(conf, "no 'file' in section [" POLICY "]");
		err = -EINVAL;
	}
	return err;
}

int conf_configure(struct conf *conf, struct iommufd_policy_host *host,
		   struct iommufd_policy_object *obj)
{
	struct configuring to = { .conf = conf, .host = host, .obj = obj };
	int err = parse(conf, configure_key, &to);

	return to.err ?: err;
}

void conf_free(struct conf *conf)
{
	free(conf->file);
	free(conf->policy);
	free(conf->name);
	free(conf->scope);
}

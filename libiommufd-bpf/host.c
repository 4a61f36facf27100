// SPDX-License-Identifier: LGPL-2.1-or-later
/* The handle of a host: errors, the log, and whether policies can work here */
#include <errno.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "internal.h"

/* libbpf_print_fn_t has no argument for the handle */
static _Thread_local struct iommufd_policy_host *log_host;

/* Threads with a handle at work, and the function of the program meanwhile */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned int log_users;
static libbpf_print_fn_t program_print;

/* What a newer library has more must not be asked for. */
static bool opts_known(const struct iommufd_policy_host_opts *opts)
{
	const char *bytes = (const char *)opts;
	size_t i;

	if (opts->sz < SIZE_UP_TO(*opts, log_arg))
		return false;
	for (i = sizeof(*opts); i < opts->sz; i++)
		if (bytes[i])
			return false;
	return true;
}

EXPORT int iommufd_policy_host_open(const struct iommufd_policy_host_opts *opts,
				    struct iommufd_policy_host **hostp)
{
	struct iommufd_policy_host *host;

	if (opts && !opts_known(opts))
		return -EINVAL;

	host = calloc(1, sizeof(*host));
	if (!host)
		return -ENOMEM;
	if (opts) {
		host->log = opts->log;
		host->log_arg = opts->log_arg;
	}
	*hostp = host;
	return 0;
}

EXPORT void iommufd_policy_host_close(struct iommufd_policy_host *host)
{
	free(host);
}

EXPORT const char *
iommufd_policy_host_error(const struct iommufd_policy_host *host)
{
	return host->error;
}

int host_fail(struct iommufd_policy_host *host, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(host->error, sizeof(host->error), fmt, ap);
	va_end(ap);
	return err;
}

int host_check_sz(struct iommufd_policy_host *host, size_t sz, size_t least)
{
	if (sz >= least)
		return 0;
	return host_fail(host, -EINVAL,
			 "the program has not set sz, the size of a structure");
}

void copy_out(void *to, const void *from, size_t size)
{
	size_t room = *(size_t *)to;

	if (room > size)
		room = size;
	memcpy((char *)to + sizeof(room), (const char *)from + sizeof(room),
	       room - sizeof(room));
}

static int host_log(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char *text;

	/* Of a thread that uses libbpf by itself */
	if (!log_host)
		return program_print ? program_print(level, fmt, ap) : 0;
	if (level == LIBBPF_DEBUG)
		return 0;
	/* The log of the verifier is of any length */
	if (vasprintf(&text, fmt, ap) < 0)
		return 0;
	missing_note(log_host, text);
	if (log_host->log)
		log_host->log(log_host->log_arg, text);
	free(text);
	return 0;
}

void host_log_begin(struct iommufd_policy_host *host)
{
	log_host = host;
	host->missing[0] = '\0';
	pthread_mutex_lock(&log_lock);
	if (!log_users++)
		program_print = libbpf_set_print(host_log);
	pthread_mutex_unlock(&log_lock);
}

void host_log_end(void)
{
	pthread_mutex_lock(&log_lock);
	if (!--log_users)
		libbpf_set_print(program_print);
	pthread_mutex_unlock(&log_lock);
	log_host = NULL;
}

int host_check_module(struct iommufd_policy_host *host)
{
	if (!access(SYSFS_DIR, F_OK))
		return 0;
	if (access("/sys/module/iommufd", F_OK))
		return host_fail(host, -ENODEV,
				 "iommufd is not loaded: load it with 'modprobe iommufd'");
	return host_fail(host, -ENODEV,
			 "the loaded iommufd has no policies (no " SYSFS_DIR "): it is the kernel's own; load the one this program came with instead");
}

int host_check_bpf(struct iommufd_policy_host *host)
{
	struct statfs fs;
	int err;

	err = host_check_module(host);
	if (err)
		return err;
	if (access("/sys/kernel/btf/iommufd", F_OK))
		return host_fail(host, -EOPNOTSUPP,
				 "the loaded iommufd has no BTF, so no policy can be checked against it: build it with pahole installed and load it again");
	if (statfs(BPFFS_DIR, &fs) || fs.f_type != BPF_FS_MAGIC)
		return host_fail(host, -ENOENT,
				 "no bpf filesystem on " BPFFS_DIR ", where policies are kept: mount it with 'mount -t bpf bpf " BPFFS_DIR "'");
	return 0;
}

int host_check_name(struct iommufd_policy_host *host, const char *name)
{
	if (policy_name_valid(name))
		return 0;
	return host_fail(host, -EINVAL,
			 "'%s' is not a policy name: use up to %d letters, digits, '_' and '-'",
			 name, POLICY_NAME_LEN - 1);
}

int host_not_loaded(struct iommufd_policy_host *host, const char *name)
{
	return host_fail(host, -ENOENT,
			 "no policy '%s' is loaded: 'iommufd-bpf list' shows those that are",
			 name);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* What becomes of policies, as the uevents of the module tell it */
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

/* The kernel's own, not what udevd makes of it */
#define KERNEL_EVENTS 1
/* The kernel's variables take 2048 bytes, and a path comes before them */
#define EVENT_LEN 8192

struct iommufd_policy_watch {
	struct iommufd_policy_host *host;
	int fd;
	/* Strings, each ended by NUL */
	char event[EVENT_LEN];
	size_t len;
};

EXPORT int iommufd_policy_watch_open(struct iommufd_policy_host *host,
				     struct iommufd_policy_watch **watchp)
{
	const struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = KERNEL_EVENTS,
	};
	struct iommufd_policy_watch *watch = calloc(1, sizeof(*watch));
	int err;

	if (!watch)
		return host_fail(host, -ENOMEM, "out of memory");
	watch->host = host;
	watch->fd = socket(AF_NETLINK,
			   SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			   NETLINK_KOBJECT_UEVENT);
	if (watch->fd < 0) {
		err = host_fail(host, -errno,
				"cannot open a socket for uevents: %s",
				strerror(errno));
		goto err_free;
	}
	if (bind(watch->fd, (const void *)&address, sizeof(address))) {
		err = host_fail(host, -errno,
				"cannot listen to uevents of the kernel: %s",
				strerror(errno));
		goto err_close;
	}
	*watchp = watch;
	return 0;

err_close:
	close(watch->fd);
err_free:
	free(watch);
	return err;
}

EXPORT void iommufd_policy_watch_close(struct iommufd_policy_watch *watch)
{
	if (!watch)
		return;
	close(watch->fd);
	free(watch);
}

EXPORT int iommufd_policy_watch_fd(const struct iommufd_policy_watch *watch)
{
	return watch->fd;
}

/* 0, or a negative errno: -EAGAIN if none has come */
static int receive(struct iommufd_policy_watch *watch)
{
	struct sockaddr_nl from;
	socklen_t from_len;
	ssize_t n;

	do {
		from_len = sizeof(from);
		n = recvfrom(watch->fd, watch->event, EVENT_LEN - 1, MSG_TRUNC,
			     (void *)&from, &from_len);
		if (n < 0 && errno != EINTR)
			return -errno;
		/* Programs can send to the group, too: the kernel is port 0 */
	} while (n <= 0 || n >= EVENT_LEN || from.nl_pid);
	watch->event[n] = '\0';
	watch->len = n;
	return 0;
}

/* A variable of the event, or NULL */
static const char *variable(const struct iommufd_policy_watch *watch,
			    const char *name)
{
	const char *at, *end = watch->event + watch->len;
	size_t len = strlen(name);

	for (at = watch->event; at < end; at += strlen(at) + 1)
		if (!strncmp(at, name, len) && at[len] == '=')
			return at + len + 1;
	return NULL;
}

static bool copy(const struct iommufd_policy_watch *watch, const char *name,
		 char *text, size_t size)
{
	const char *value = variable(watch, name);

	if (!value || strlen(value) >= size)
		return false;
	strcpy(text, value);
	return true;
}

/* False if it is of something else */
static bool read_event(const struct iommufd_policy_watch *watch,
		       struct iommufd_policy_event *event)
{
	const char *subsystem = variable(watch, "SUBSYSTEM");
	const char *kind = variable(watch, "IOMMUFD_EXIT_KIND");
	const char *code = variable(watch, "IOMMUFD_EXIT_CODE");

	if (!subsystem || strcmp(subsystem, "iommufd") || !kind || !code ||
	    !copy(watch, "ACTION", event->action, sizeof(event->action)) ||
	    !copy(watch, "IOMMUFD_POLICY", event->name, sizeof(event->name)) ||
	    !copy(watch, "IOMMUFD_STATE", event->state, sizeof(event->state)) ||
	    !copy(watch, "IOMMUFD_MODE", event->mode, sizeof(event->mode)) ||
	    !copy(watch, "IOMMUFD_EXIT_MESSAGE", event->exit_message,
		  sizeof(event->exit_message)))
		return false;
	event->exit_kind = strtoul(kind, NULL, 10);
	event->exit_code = strtol(code, NULL, 10);
	return true;
}

EXPORT int iommufd_policy_watch_next(struct iommufd_policy_watch *watch,
				     struct iommufd_policy_event *to)
{
	struct iommufd_policy_host *host = watch->host;
	struct iommufd_policy_event event = {};
	int err;

	err = host_check_sz(host, to->sz, SIZE_UP_TO(event, exit_message));
	if (err)
		return err;
	do {
		err = receive(watch);
		if (err == -EAGAIN)
			return err;
		if (err == -ENOBUFS)
			return host_fail(host, err,
					 "uevents came faster than they were read, and some are lost: list the policies");
		if (err)
			return host_fail(host, err, "cannot read uevents: %s",
					 strerror(-err));
	} while (!read_event(watch, &event));
	copy_out(to, &event, sizeof(event));
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kmsg.h"

/* The fault interrupt and the printing of it come after the DMA */
#define KMSG_WAIT_S 3

int kmsg_open(void)
{
	int fd;

	fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	lseek(fd, 0, SEEK_END);
	return fd;
}

bool kmsg_find_fault(int kmsg, const char *bdf, char *text, size_t len)
{
	struct pollfd pfd = { .fd = kmsg, .events = POLLIN };
	/* Intel's driver prints no segment: "[00:03.0]" */
	const char *short_bdf = strchr(bdf, ':') + 1;
	time_t end = time(NULL) + KMSG_WAIT_S;
	char record[2048], *message;
	ssize_t n;

	while (time(NULL) < end && poll(&pfd, 1, KMSG_WAIT_S * 1000) > 0) {
		n = read(kmsg, record, sizeof(record) - 1);
		/* Records were overwritten before they were read */
		if (n < 0 && errno == EPIPE)
			continue;
		if (n <= 0)
			return false;
		record[n] = '\0';
		record[strcspn(record, "\n")] = '\0';
		message = strchr(record, ';');
		if (!message || !strcasestr(message, "fault") ||
		    !strstr(message, short_bdf))
			continue;
		snprintf(text, len, "%s", message + 1);
		return true;
	}
	return false;
}

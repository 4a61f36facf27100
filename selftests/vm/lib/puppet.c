// SPDX-License-Identifier: GPL-2.0-only
/* A child that does what it is told, step by step, between those of the test */
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "lib/puppet.h"

struct order {
	puppet_step *step;
	long a;
	long b;
};

static void obey(int fd)
{
	struct order order;
	long result;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(fd, &order, sizeof(order)) == sizeof(order)) {
		result = order.step(order.a, order.b);
		if (write(fd, &result, sizeof(result)) != sizeof(result))
			break;
	}
	_exit(1);
}

void puppet_start(struct puppet *puppet)
{
	int ends[2];
	pid_t pid;

	assert_return_code(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
				      ends), errno);
	fflush(NULL);
	pid = fork();
	assert_return_code(pid, errno);
	if (!pid) {
		close(ends[0]);
		obey(ends[1]);
	}
	close(ends[1]);
	puppet->pid = pid;
	puppet->fd = ends[0];
}

void puppet_begin(struct puppet *puppet, puppet_step *step, long a, long b)
{
	const struct order order = { step, a, b };

	assert_int_equal(send(puppet->fd, &order, sizeof(order), MSG_NOSIGNAL),
			 sizeof(order));
}

long puppet_end(struct puppet *puppet)
{
	long result;

	/* Nothing to read: it died */
	assert_int_equal(read(puppet->fd, &result, sizeof(result)),
			 sizeof(result));
	return result;
}

bool puppet_answers(const struct puppet *puppet, int milliseconds)
{
	struct pollfd answer = { .fd = puppet->fd, .events = POLLIN };

	return poll(&answer, 1, milliseconds) == 1;
}

bool puppet_dies(struct puppet *puppet, int milliseconds)
{
	pid_t pid = 0;
	int waited;

	kill(puppet->pid, SIGKILL);
	for (waited = 0; !pid && waited <= milliseconds; waited += 20) {
		pid = waitpid(puppet->pid, NULL, WNOHANG);
		if (!pid)
			usleep(20000);
	}
	if (!pid)
		return false;
	assert_int_equal(pid, puppet->pid);
	close(puppet->fd);
	puppet->pid = 0;
	return true;
}

long puppet_do(struct puppet *puppet, puppet_step *step, long a, long b)
{
	puppet_begin(puppet, step, a, b);
	return puppet_end(puppet);
}

void puppet_kill(struct puppet *puppet)
{
	if (!puppet->pid)
		return;
	kill(puppet->pid, SIGKILL);
	assert_int_equal(waitpid(puppet->pid, NULL, 0), puppet->pid);
	close(puppet->fd);
	puppet->pid = 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* User memory of all kinds */
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/syscall.h>

#include "test.h"

static void *memory_map(size_t length, int flags, int fd)
{
	void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, flags, fd, 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	return memory;
}

void *memory_new(size_t length)
{
	return memory_map(length, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

void *memory_aligned(size_t length, size_t alignment)
{
	char *memory = memory_new(length + alignment);
	size_t head = -(uintptr_t)memory & (alignment - 1);

	if (head)
		munmap(memory, head);
	munmap(memory + head + length, alignment - head);
	return memory + head;
}

void *memory_file(int fd, size_t length)
{
	return memory_map(length, MAP_SHARED, fd);
}

void memory_random(void *memory, size_t length)
{
	size_t done = 0;
	ssize_t n;

	while (done < length) {
		n = getrandom((char *)memory + done, length - done, 0);
		assert_true(n > 0);
		done += n;
	}
}

void memory_touch(void *memory, size_t length, size_t step)
{
	size_t i, nr = length / PAGE;
	char *bytes = memory;

	for (i = 0; i < nr; i++)
		bytes[i * step % nr * PAGE] = 1;
}

int userfault_try(void *start, size_t length)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { (uintptr_t)start, length },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	/* One that blocks cannot be polled */
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) ||
	    ioctl(fd, UFFDIO_REGISTER, &range))
		return -errno;
	return fd;
}

int userfault_new(void *start, size_t length)
{
	int fd = userfault_try(start, length);

	assert_return_code(fd, -fd);
	return fd;
}

void userfault_wait(int fd)
{
	struct pollfd fault = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&fault, 1, 60000), 1);
	assert_int_equal(fault.revents, POLLIN);
}

void userfault_resolve(int fd, void *start, size_t length)
{
	struct uffdio_zeropage zero = {
		.range = { (uintptr_t)start, length },
	};

	assert_return_code(ioctl(fd, UFFDIO_ZEROPAGE, &zero), errno);
	close(fd);
}

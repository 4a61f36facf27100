// SPDX-License-Identifier: GPL-2.0-only
/* User memory of all kinds */
#include <sys/random.h>

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

// SPDX-License-Identifier: GPL-2.0-only
/*
 * A FUSE server without libfuse. It offers direct IO, parallel writes and shared
 * mappings. A mapping makes the kernel wait for all writes in flight, in
 * fuse_file_cached_io_open(), under the mmap lock of the process. Reads and writes
 * are answered when the server is told to speak, and not before.
 */
#include <linux/fuse.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "lib/fuse.h"

#define DIRECTORY "/run/fuse-test"
#define FILE_NODE 2

/**
 * struct fuse_shared - what the test and the server tell each other
 * @nr_held: requests that the server does not answer
 * @speak: the server is to answer them
 */
struct fuse_shared {
	atomic_uint nr_held;
	atomic_bool speak;
};

/* These three are used in the process of the server */
static int device;
static struct fuse_shared *shared;
static struct fuse_in_header held[8];

static void reply(const struct fuse_in_header *to, int err, const void *out,
		  size_t length)
{
	_Alignas(struct fuse_out_header) char buffer[256];
	struct fuse_out_header *header = (void *)buffer;

	header->len = sizeof(*header) + length;
	header->error = err;
	header->unique = to->unique;
	memcpy(header + 1, out, length);
	/* A request that was interrupted or aborted wants no answer */
	if (write(device, buffer, header->len) < 0 && errno != ENOENT &&
	    errno != ENODEV)
		fprintf(stderr, "# FUSE server: %s\n", strerror(errno));
}

static struct fuse_attr attributes(uint64_t node)
{
	return (struct fuse_attr){
		.ino = node,
		.size = node == FILE_NODE ? PAGE : 0,
		.mode = node == FILE_NODE ? S_IFREG | 0666 : S_IFDIR | 0755,
		.nlink = 1,
		.blksize = PAGE,
	};
}

static void answer_init(const struct fuse_in_header *request)
{
	const struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_write = PAGE,
		.flags = FUSE_INIT_EXT | FUSE_ASYNC_DIO,
		.flags2 = FUSE_DIRECT_IO_ALLOW_MMAP >> 32,
	};

	reply(request, 0, &out, sizeof(out));
}

static void answer_lookup(const struct fuse_in_header *request)
{
	const struct fuse_entry_out out = {
		.nodeid = FILE_NODE,
		.entry_valid = 3600,
		.attr_valid = 3600,
		.attr = attributes(FILE_NODE),
	};

	reply(request, 0, &out, sizeof(out));
}

static void answer_getattr(const struct fuse_in_header *request)
{
	const struct fuse_attr_out out = {
		.attr_valid = 3600,
		.attr = attributes(request->nodeid),
	};

	reply(request, 0, &out, sizeof(out));
}

static void answer_open(const struct fuse_in_header *request)
{
	/* Without NOFLUSH, close() in any process waits for the writes, too */
	const struct fuse_open_out out = {
		.open_flags = FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES |
			      FOPEN_NOFLUSH,
	};

	reply(request, 0, &out, sizeof(out));
}

/* A read gets nothing, as at the end of the file */
static void answer_held(const struct fuse_in_header *request)
{
	const struct fuse_write_out out = { .size = PAGE };

	reply(request, 0, &out,
	      request->opcode == FUSE_WRITE ? sizeof(out) : 0);
}

static void hold(const struct fuse_in_header *request)
{
	unsigned int nr = atomic_load(&shared->nr_held);

	if (nr == ARRAY_SIZE(held))
		return reply(request, -EIO, NULL, 0);
	held[nr] = *request;
	atomic_store(&shared->nr_held, nr + 1);
}

static void answer(const struct fuse_in_header *request)
{
	switch (request->opcode) {
	case FUSE_INIT:
		return answer_init(request);
	case FUSE_LOOKUP:
		return answer_lookup(request);
	case FUSE_GETATTR:
		return answer_getattr(request);
	case FUSE_OPEN:
		return answer_open(request);
	case FUSE_READ:
	case FUSE_WRITE:
		return hold(request);
	case FUSE_RELEASE:
		return reply(request, 0, NULL, 0);
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return;
	default:
		return reply(request, -ENOSYS, NULL, 0);
	}
}

static void speak_if_told(void)
{
	unsigned int nr = atomic_load(&shared->nr_held);

	if (!atomic_load(&shared->speak))
		return;
	while (nr)
		answer_held(&held[--nr]);
	atomic_store(&shared->nr_held, 0);
}

/* The functions from here to fuse_start() run in the puppets */

static long mount_it(long with, long unused)
{
	char options[64];

	shared = (void *)with;
	device = open("/dev/fuse", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (device < 0)
		return -errno;
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other",
		 device);
	return mount("fuse", DIRECTORY, "fuse", 0, options) ? -errno : 0;
}

static long serve(long unused, long unused2)
{
	static _Alignas(struct fuse_in_header) char request[64 * KIB];
	struct pollfd incoming = { .fd = device, .events = POLLIN };
	ssize_t n;

	for (;;) {
		poll(&incoming, 1, 10);
		speak_if_told();
		n = read(device, request, sizeof(request));
		if (n >= (ssize_t)sizeof(struct fuse_in_header))
			answer((void *)request);
		else if (errno != EAGAIN && errno != EINTR && errno != ENOENT)
			return -errno;
	}
}

static long write_page(long file, long unused)
{
	static const char page[PAGE];
	ssize_t n = pwrite(file, page, PAGE, 0);

	return n < 0 ? -errno : n;
}

static long map_page(long file, long unused)
{
	void *page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0);

	if (page == MAP_FAILED)
		return -errno;
	return munmap(page, PAGE) ? -errno : 0;
}

void fuse_start(struct fuse *fuse)
{
	/* FUSE may be a module, or part of the kernel */
	if (access("/dev/fuse", F_OK))
		assert_int_equal(system("modprobe fuse"), 0);
	if (mkdir(DIRECTORY, 0755))
		assert_int_equal(errno, EEXIST);
	fuse->shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(fuse->shared, MAP_FAILED);
	puppet_start(&fuse->server);
	assert_int_equal(puppet_do(&fuse->server, mount_it,
				   (long)fuse->shared, 0), 0);
	puppet_begin(&fuse->server, serve, 0, 0);
	/* Without O_DIRECT, asynchronous IO is not asynchronous */
	fuse->file = open(DIRECTORY "/file", O_RDWR | O_DIRECT | O_CLOEXEC);
	assert_return_code(fuse->file, errno);
	puppet_start(&fuse->writer);
}

void fuse_stop(struct fuse *fuse)
{
	if (!fuse->server.pid)
		return;
	atomic_store(&fuse->shared->speak, true);
	close(fuse->file);
	/* Requests still waiting for the server fail now, and none stays stuck */
	puppet_kill(&fuse->server);
	puppet_kill(&fuse->writer);
	assert_return_code(umount2(DIRECTORY, MNT_DETACH), errno);
	munmap(fuse->shared, PAGE);
}

void fuse_wait_for_requests(const struct fuse *fuse, unsigned int nr)
{
	int tries;

	for (tries = 0; tries < 1000; tries++) {
		if (atomic_load(&fuse->shared->nr_held) == nr)
			break;
		usleep(10000);
	}
	assert_int_equal(atomic_load(&fuse->shared->nr_held), nr);
}

void fuse_fall_silent(struct fuse *fuse)
{
	puppet_begin(&fuse->writer, write_page, fuse->file, 0);
	fuse_wait_for_requests(fuse, 1);
}

void fuse_speak(struct fuse *fuse)
{
	atomic_store(&fuse->shared->speak, true);
	assert_int_equal(puppet_end(&fuse->writer), PAGE);
}

void fuse_seat(const struct fuse *fuse, struct puppet *puppet)
{
	puppet_begin(puppet, map_page, fuse->file, 0);
	wait_in_syscall(puppet->pid, SYS_mmap);
	/* The process takes the lock early in mmap(), before it waits for FUSE */
	assert_false(puppet_answers(puppet, 100));
	wait_in_syscall(puppet->pid, SYS_mmap);
}

void fuse_unseat(struct puppet *puppet)
{
	assert_int_equal(puppet_end(puppet), 0);
}

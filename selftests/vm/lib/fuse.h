/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A FUSE file system of one file. While its server is silent, a process that maps
 * the file waits in mmap() with its mmap lock held for writing, and no signal
 * ends that.
 */
#ifndef TEST_FUSE_H
#define TEST_FUSE_H

#include "puppet.h"

/**
 * struct fuse - a mounted file system
 * @file: the file, opened; children forked later inherit it
 * @server: process that answers the requests of the kernel
 * @writer: process that writes to the file when the server is to be silent
 * @shared: memory shared with the server
 */
struct fuse {
	int file;
	struct puppet server;
	struct puppet writer;
	struct fuse_shared *shared;
};

/*
 * Mount the file system and open its file. The server and the writer inherit the
 * descriptors of the test, so call this before opening a context. Failing fails the
 * test, here and below.
 */
void fuse_start(struct fuse *fuse);
/* Let a silent server speak, and unmount. Does nothing if there is no server. */
void fuse_stop(struct fuse *fuse);
/* Wait until the server has so many reads and writes that it does not answer */
void fuse_wait_for_requests(const struct fuse *fuse, unsigned int nr);
/* Start a write that the server does not answer; once for each fuse_start() */
void fuse_fall_silent(struct fuse *fuse);
/* Let the server answer, and wait for the writer */
void fuse_speak(struct fuse *fuse);
/* While the server is silent: let a process map the file, wait until it is stuck */
void fuse_seat(const struct fuse *fuse, struct puppet *puppet);
/* After fuse_speak(): wait until the process has left mmap() */
void fuse_unseat(struct puppet *puppet);

#endif

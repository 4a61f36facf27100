/* SPDX-License-Identifier: GPL-2.0-only */
/* What user space asks of the floor */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define FLOOR_DEVICE "bench-floor"

/**
 * struct floor_range - a range of user memory, and where devices see it
 * @memory: address, of whole pages; not looked at to unmap
 * @length: bytes, of whole pages
 * @iova: first byte
 * @cost: out: nanoseconds of the primitives alone
 */
struct floor_range {
	__u64 memory;
	__u64 length;
	__u64 iova;
	__u64 cost;
};

/* _IO 1 and 2 are those of the VFS. */
#define FLOOR_MAP _IOWR('F', 0x10, struct floor_range)
#define FLOOR_UNMAP _IOWR('F', 0x11, struct floor_range)

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* What user space asks of an access */
#ifndef BENCH_ACCESS_H
#define BENCH_ACCESS_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define ACCESS_DEVICE "bench-access"

/* Whose memory it may use */
struct access_target {
	__s32 iommufd;
	__u32 ioas;
};

/**
 * struct access_range - what is accessed
 * @iova: first byte
 * @length: bytes; of whole pages to pin
 * @cost: out: nanoseconds to pin, or to read
 * @undo_cost: out: to unpin
 */
struct access_range {
	__u64 iova;
	__u64 length;
	__u64 cost;
	__u64 undo_cost;
};

#define ACCESS_ATTACH _IOW('A', 0x10, struct access_target)
/* To pin, and unpin at once; to read, no more than a page */
#define ACCESS_PIN _IOWR('A', 0x11, struct access_range)
#define ACCESS_READ _IOWR('A', 0x12, struct access_range)

#endif

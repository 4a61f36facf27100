// SPDX-License-Identifier: GPL-2.0-only
/* QEMU's edu device; see docs/specs/edu.rst in QEMU */
#include <errno.h>
#include <stdbool.h>
#include <time.h>

#include "dma_device.h"

#define EDU_ID 0x00
#define EDU_DMA_SOURCE 0x80
#define EDU_DMA_DESTINATION 0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_COMMAND 0x98

#define EDU_DMA_START 0x1
#define EDU_DMA_TO_MEMORY 0x2

/* The buffer of the device, as its DMA engine sees it */
#define EDU_BUFFER 0x40000
#define EDU_BUFFER_LENGTH 4096

#define EDU_TIMEOUT_S 10

static volatile uint32_t *reg32(volatile void *regs, unsigned int offset)
{
	return (volatile uint32_t *)((volatile char *)regs + offset);
}

static volatile uint64_t *reg64(volatile void *regs, unsigned int offset)
{
	return (volatile uint64_t *)((volatile char *)regs + offset);
}

static int edu_check(volatile void *regs)
{
	/* 0xMMmm00ed: two digits of version each */
	return (*reg32(regs, EDU_ID) & 0xffff) == 0x00ed ? 0 : -ENODEV;
}

static int edu_copy(volatile void *regs, uint64_t source, uint64_t destination,
		    uint64_t command)
{
	const struct timespec nap = { .tv_nsec = 1000000 };
	struct timespec now, end;

	*reg64(regs, EDU_DMA_SOURCE) = source;
	*reg64(regs, EDU_DMA_DESTINATION) = destination;
	*reg64(regs, EDU_DMA_COUNT) = EDU_BUFFER_LENGTH;
	*reg64(regs, EDU_DMA_COMMAND) = command | EDU_DMA_START;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += EDU_TIMEOUT_S;
	while (*reg64(regs, EDU_DMA_COMMAND) & EDU_DMA_START) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > end.tv_sec)
			return -ETIMEDOUT;
		nanosleep(&nap, NULL);
	}
	return 0;
}

static int edu_read_memory(volatile void *regs, uint64_t iova)
{
	return edu_copy(regs, iova, EDU_BUFFER, 0);
}

static int edu_write_memory(volatile void *regs, uint64_t iova)
{
	return edu_copy(regs, EDU_BUFFER, iova, EDU_DMA_TO_MEMORY);
}

const struct dma_device_ops dma_edu = {
	.name = "QEMU edu",
	.vendor = 0x1234,
	.device = 0x11e8,
	.iova_limit = 1 << 28,
	.length = EDU_BUFFER_LENGTH,
	.check = edu_check,
	.read_memory = edu_read_memory,
	.write_memory = edu_write_memory,
};

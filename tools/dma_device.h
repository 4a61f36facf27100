/* SPDX-License-Identifier: GPL-2.0-only */
/* Devices that dma-test can drive */
#ifndef IOMMUFD_BPF_DMA_DEVICE_H
#define IOMMUFD_BPF_DMA_DEVICE_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct dma_device_ops - a kind of device that copies on demand
 * @name: for people
 * @vendor: PCI ids
 * @device: the same
 * @bar: has the registers
 * @iova_limit: the first IO address it cannot reach
 * @length: bytes it copies, which it keeps between the two directions
 * @check: that the registers are those of this device
 * @read_memory: copy @length bytes from @iova into the device
 * @write_memory: copy them from the device to @iova
 *
 * Copying returns when the device is done, whether or not the IOMMU let it
 * reach the memory; -ETIMEDOUT if it never is.
 */
struct dma_device_ops {
	const char *name;
	uint16_t vendor;
	uint16_t device;
	unsigned int bar;
	uint64_t iova_limit;
	size_t length;
	int (*check)(volatile void *regs);
	int (*read_memory)(volatile void *regs, uint64_t iova);
	int (*write_memory)(volatile void *regs, uint64_t iova);
};

extern const struct dma_device_ops dma_edu;

#endif

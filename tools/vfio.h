/* SPDX-License-Identifier: GPL-2.0-only */
/* A PCI device through its VFIO character device */
#ifndef IOMMUFD_BPF_VFIO_H
#define IOMMUFD_BPF_VFIO_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCI_DEVICES "/sys/bus/pci/devices"

struct pci_info {
	uint16_t vendor;
	uint16_t device;
	/* Empty if it has none */
	char driver[64];
	/* Under /dev/vfio/devices; empty if it has none */
	char cdev[32];
};

/* Functions return 0, a file descriptor, or a negative errno */
int pci_read_info(const char *bdf, struct pci_info *info);

/* From here on with out_fail() done */

/* Take the device from its driver and give it to vfio-pci */
int vfio_bind_driver(const char *bdf);
/* Open the device and bind it to a context */
int vfio_open(const char *bdf, const struct pci_info *info, int iommu);
int vfio_attach(int vfio, int iommu, uint32_t ioas);
/* Let the device answer on its BARs and start DMA */
int vfio_enable(int vfio);
int vfio_map_bar(int vfio, unsigned int bar, volatile void **regs,
		 size_t *length);

#endif

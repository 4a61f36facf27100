/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel log, searched for faults an IOMMU reports */
#ifndef IOMMUFD_BPF_KMSG_H
#define IOMMUFD_BPF_KMSG_H

#include <stdbool.h>
#include <stddef.h>

/* From now on; negative errno if the log may not be read */
int kmsg_open(void);
/* A fault of the PCI device since kmsg_open(); waits a moment for it */
bool kmsg_find_fault(int kmsg, const char *bdf, char *text, size_t len);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Another process pays for what a context has mapped. */
#ifndef IOMMUFD_CHANGE_PROCESS_H
#define IOMMUFD_CHANGE_PROCESS_H

struct ucmd;

int ioas_change_process_ioctl(struct ucmd *ucmd);

#endif

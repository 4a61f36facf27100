/* SPDX-License-Identifier: GPL-2.0-only */
/* Files whose memory devices use. */
#ifndef IOMMUFD_PAGES_FILE_H
#define IOMMUFD_PAGES_FILE_H

#include <linux/types.h>

struct file;

int pages_open_file(struct file *file, bool writable);
void pages_close_file(struct file *file, bool writable);

#endif

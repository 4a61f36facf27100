/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's tools have min() and max() elsewhere. */
#include <linux/kernel.h>

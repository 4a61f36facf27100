/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's own has ULONG_MAX as well. */
#include_next <linux/limits.h>
#include <limits.h>

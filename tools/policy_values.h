/* SPDX-License-Identifier: GPL-2.0-only */
/* The contract of the module in user space, for its enumerators */
#ifndef IOMMUFD_BPF_POLICY_VALUES_H
#define IOMMUFD_BPF_POLICY_VALUES_H

#include <stdint.h>

typedef int32_t s32;
typedef int64_t s64;
typedef uint32_t u32;
typedef uint64_t u64;

#include "../kmod/iommufd_policy.h"

#endif

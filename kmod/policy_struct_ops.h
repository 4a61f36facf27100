/* SPDX-License-Identifier: GPL-2.0-only */
/* The struct_ops type iommufd_policy_ops, as the BPF core sees it. */
#ifndef IOMMUFD_POLICY_STRUCT_OPS_H
#define IOMMUFD_POLICY_STRUCT_OPS_H

int struct_ops_register(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* What policies, and programs of who looks, may call. */
#ifndef IOMMUFD_POLICY_KFUNCS_H
#define IOMMUFD_POLICY_KFUNCS_H

struct btf;

void kfuncs_found_btf(const struct btf *btf);
int kfuncs_register(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* /sys/kernel/iommufd */
#ifndef IOMMUFD_POLICY_SYSFS_H
#define IOMMUFD_POLICY_SYSFS_H

struct policy;

void policy_sysfs_init(struct policy *policy);

int policy_sysfs_create(void);
void policy_sysfs_remove(void);

#endif

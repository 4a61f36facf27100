/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef IOMMUFD_BPF_WATCH_AUDIT_H
#define IOMMUFD_BPF_WATCH_AUDIT_H

struct watch;

/* What the policy audit writes, loaded as @name; the exit code */
int watch_audit(struct watch *watch, const char *name);

#endif

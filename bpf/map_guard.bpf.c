// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * map_guard - limits what memory devices may be given
 *
 * Refuses a mapping
 *  - larger than max_mapping_mib, with EDQUOT;
 *  - that lets the device write to file-backed memory, with EACCES: such a
 *    write goes to the page cache behind the back of the filesystem, which
 *    may have cleaned, checksummed or frozen the page;
 *  - that lets the device write to shared memory (memfd, tmpfs), with EACCES,
 *    if deny_writable_shmem says so. Off by default: VMMs keep guest memory
 *    there.
 * Private mappings of files are not file-backed for this purpose, because
 * pinning gives the process its own copy.
 */
#include <iommufd_policy.bpf.h>

/* Largest single mapping in MiB; 0: no limit */
const volatile u64 max_mapping_mib = 0;
const volatile bool deny_writable_file = true;
const volatile bool deny_writable_shmem = false;

static bool too_large(u64 length)
{
	/* Not max_mapping_mib << 20, which overflows for a large limit */
	return max_mapping_mib && (length - 1) >> 20 >= max_mapping_mib;
}

SEC("struct_ops")
int BPF_PROG(map_guard_map, const struct iommufd_policy_map_request *req)
{
	u32 denied = 0;

	if (too_large(req->length))
		return -EDQUOT;

	if (deny_writable_file)
		denied |= IOMMUFD_POLICY_MEM_FILE;
	if (deny_writable_shmem)
		denied |= IOMMUFD_POLICY_MEM_SHMEM;

	if ((req->prot & IOMMUFD_POLICY_PROT_WRITE) && (req->mem & denied))
		return -EACCES;
	return 0;
}

IOMMUFD_POLICY(map_guard,
	       .map = (void *)map_guard_map,
	       .flags = IOMMUFD_POLICY_F_MEM_KIND);

char _license[] SEC("license") = "Dual BSD/GPL";

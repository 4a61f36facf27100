// SPDX-License-Identifier: GPL-2.0-only
/* Files whose memory devices use: which may be, and holding them. */
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/shmem_fs.h>
#include <uapi/linux/fcntl.h>

#include "compat/mm.h"
#include "pages_file.h"

/**
 * pages_open_file - may memory of a file be given to devices
 * @file: the file
 * @writable: they may write
 *
 * A file that devices may write cannot be sealed against that. It is held until
 * pages_close_file().
 *
 * Return: 0; -EINVAL if it is neither a memfd nor of tmpfs or hugetlbfs;
 * -EOPNOTSUPP if it is of hugetlbfs and the kernel cannot pin that safely;
 * -EACCES if it was not opened for it; -EPERM if it is sealed against writing.
 */
int pages_open_file(struct file *file, bool writable)
{
	const unsigned int sealed = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
	unsigned int seals;
	int rc = 0;

	if (shmem_file(file))
		seals = SHMEM_I(file_inode(file))->seals;
	else if (!is_file_hugepages(file))
		return -EINVAL;
	else if (COMPAT_PIN_HUGETLB_FILES)
		seals = HUGETLBFS_I(file_inode(file))->seals;
	else
		return -EOPNOTSUPP;
	if (!(file->f_mode & FMODE_READ) ||
	    (writable && !(file->f_mode & FMODE_WRITE)))
		return -EACCES;
	if (writable && seals & sealed)
		return -EPERM;
	if (writable)
		rc = mapping_map_writable(file->f_mapping);
	if (!rc)
		get_file(file);
	return rc;
}

/**
 * pages_close_file - undo pages_open_file() and give the file back
 * @file: the file
 * @writable: as given to it
 */
void pages_close_file(struct file *file, bool writable)
{
	if (writable)
		mapping_unmap_writable(file->f_mapping);
	fput(file);
}

// SPDX-License-Identifier: GPL-2.0-only
/* The edu device, driven by the code of tools/ */
#include <dirent.h>
#include <limits.h>
#include <linux/vfio.h>

#include "cmd.h"
#include "dma_device.h"
#include "test.h"
#include "vfio.h"

/* Tests of failing requests are not interested in advice. */
int out_fail(int err, const char *fmt, ...)
{
	va_list ap;

	fputs("# ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return EXIT_FAILURE;
}

int edu_find(char bdf[static EDU_BDF_SIZE])
{
	struct dirent *entry;
	struct pci_info info;
	bool found = false;
	DIR *dir;

	dir = opendir(PCI_DEVICES);
	while (dir && !found && (entry = readdir(dir))) {
		snprintf(bdf, EDU_BDF_SIZE, "%.*s", EDU_BDF_SIZE - 1,
			 entry->d_name);
		found = !pci_read_info(bdf, &info) &&
			info.vendor == dma_edu.vendor &&
			info.device == dma_edu.device;
	}
	if (dir)
		closedir(dir);
	return found ? 0 : -ENODEV;
}

int edu_start(struct edu *edu)
{
	int err;

	edu->regs = NULL;
	err = vfio_enable(edu->vfio);
	return err ?: vfio_map_bar(edu->vfio, dma_edu.bar, &edu->regs,
				   &edu->regs_length);
}

int edu_bind_at(struct edu *edu, int iommu, const char *bdf)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = iommu,
	};
	struct pci_info info;
	char path[64];
	int err;

	err = pci_read_info(bdf, &info);
	if (err)
		return err;
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", info.cdev);
	edu->vfio = open(path, O_RDWR | O_CLOEXEC);
	if (edu->vfio < 0)
		return -errno;
	err = ioctl(edu->vfio, VFIO_DEVICE_BIND_IOMMUFD, &bind) ? -errno : 0;
	edu->id = bind.out_devid;
	if (!err)
		err = edu_start(edu);
	if (err)
		close(edu->vfio);
	return err;
}

int edu_bind(struct edu *edu, int iommu)
{
	char bdf[EDU_BDF_SIZE];
	int err = edu_find(bdf);

	return err ? err : edu_bind_at(edu, iommu, bdf);
}

void edu_open(struct edu *edu, int iommu)
{
	assert_int_equal(edu_bind(edu, iommu), 0);
	assert_int_equal(dma_edu.length, EDU_LENGTH);
	assert_int_equal(dma_edu.check(edu->regs), 0);
}

void edu_close(struct edu *edu)
{
	munmap((void *)edu->regs, edu->regs_length);
	close(edu->vfio);
}

int64_t edu_attach_hwpt(struct edu *edu, uint32_t pt_id)
{
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
		.pt_id = pt_id,
	};

	if (ioctl(edu->vfio, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach))
		return -errno;
	return attach.pt_id;
}

int edu_attach(struct edu *edu, uint32_t pt_id)
{
	int64_t hwpt = edu_attach_hwpt(edu, pt_id);

	return hwpt < 0 ? hwpt : 0;
}

int edu_detach(struct edu *edu)
{
	struct vfio_device_detach_iommufd_pt detach = {
		.argsz = sizeof(detach),
	};

	return ioctl(edu->vfio, VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach) ?
	       -errno : 0;
}

void edu_read(struct edu *edu, uint64_t iova)
{
	assert_int_equal(dma_edu.read_memory(edu->regs, iova), 0);
}

void edu_write(struct edu *edu, uint64_t iova)
{
	assert_int_equal(dma_edu.write_memory(edu->regs, iova), 0);
}

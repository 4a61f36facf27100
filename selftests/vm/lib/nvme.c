// SPDX-License-Identifier: GPL-2.0-only
/* QEMU's NVMe: a second device to attach, that does no DMA here */
#include <dirent.h>
#include <linux/vfio.h>

#include "test.h"
#include "vfio.h"

static bool is_nvme(const char *bdf, struct pci_info *info)
{
	return !pci_read_info(bdf, info) && info->vendor == 0x1b36 &&
	       info->device == 0x0010;
}

int nvme_bind(int iommu)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = iommu,
	};
	struct pci_info info;
	struct dirent *entry;
	bool found = false;
	char path[64];
	int vfio, err;
	DIR *dir;

	dir = opendir(PCI_DEVICES);
	while (dir && !found && (entry = readdir(dir)))
		found = is_nvme(entry->d_name, &info);
	if (dir)
		closedir(dir);
	if (!found)
		return -ENODEV;
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", info.cdev);
	vfio = open(path, O_RDWR | O_CLOEXEC);
	if (vfio < 0)
		return -errno;
	if (!ioctl(vfio, VFIO_DEVICE_BIND_IOMMUFD, &bind))
		return vfio;
	err = -errno;
	close(vfio);
	return err;
}

int nvme_attach(int nvme, uint32_t pt_id)
{
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
		.pt_id = pt_id,
	};

	return ioctl(nvme, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach) ? -errno : 0;
}

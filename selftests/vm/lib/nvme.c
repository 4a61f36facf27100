// SPDX-License-Identifier: GPL-2.0-only
/* QEMU's NVMe: a second device to attach, that does no DMA here */
#include <dirent.h>
#include <linux/vfio.h>

#include "test.h"
#include "vfio.h"

int nvme_find(char bdf[static EDU_BDF_SIZE])
{
	struct dirent *entry;
	struct pci_info info;
	bool found = false;
	DIR *dir;

	dir = opendir(PCI_DEVICES);
	while (dir && !found && (entry = readdir(dir))) {
		snprintf(bdf, EDU_BDF_SIZE, "%.*s", EDU_BDF_SIZE - 1,
			 entry->d_name);
		found = !pci_read_info(bdf, &info) && info.vendor == 0x1b36 &&
			info.device == 0x0010;
	}
	if (dir)
		closedir(dir);
	return found ? 0 : -ENODEV;
}

int nvme_bind(int iommu)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = iommu,
	};
	char bdf[EDU_BDF_SIZE], path[64];
	struct pci_info info;
	int vfio, err;

	err = nvme_find(bdf);
	if (!err)
		err = pci_read_info(bdf, &info);
	if (err)
		return err;
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

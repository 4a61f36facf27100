// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmd.h"
#include "iommu.h"
#include "vfio.h"

static int read_id(const char *bdf, const char *file, uint16_t *id)
{
	char path[PATH_MAX], text[16];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), PCI_DEVICES "/%s/%s", bdf, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -EIO;
	text[n] = '\0';
	*id = strtoul(text, NULL, 16);
	return 0;
}

static void read_driver(const char *bdf, struct pci_info *info)
{
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), PCI_DEVICES "/%s/driver", bdf);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return;
	target[n] = '\0';
	snprintf(info->driver, sizeof(info->driver), "%.63s", basename(target));
}

static void read_cdev(const char *bdf, struct pci_info *info)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), PCI_DEVICES "/%s/vfio-dev", bdf);
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/dev/vfio/devices/%.31s",
			 entry->d_name);
		/* VFIO without iommufd has the directory, and no cdev */
		if (!access(path, F_OK))
			snprintf(info->cdev, sizeof(info->cdev), "%.31s",
				 entry->d_name);
	}
	closedir(dir);
}

int pci_read_info(const char *bdf, struct pci_info *info)
{
	int err;

	memset(info, 0, sizeof(*info));
	err = read_id(bdf, "vendor", &info->vendor);
	if (!err)
		err = read_id(bdf, "device", &info->device);
	if (err)
		return err;
	read_driver(bdf, info);
	read_cdev(bdf, info);
	return 0;
}

static int write_file(const char *path, const char *text)
{
	int fd, err = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		err = -errno;
	if (fd >= 0)
		close(fd);
	if (err)
		out_fail(err, "cannot write '%s' to %s: %s", text, path,
			 err == -EACCES ? "run this as root" : strerror(-err));
	return err;
}

int vfio_bind_driver(const char *bdf)
{
	char path[PATH_MAX];
	int err;

	if (access("/sys/bus/pci/drivers/vfio-pci", F_OK)) {
		out_fail(-ENODEV, "no driver vfio-pci: load it with 'modprobe vfio-pci'");
		return -ENODEV;
	}
	snprintf(path, sizeof(path), PCI_DEVICES "/%s/driver_override", bdf);
	err = write_file(path, "vfio-pci");
	if (err)
		return err;
	snprintf(path, sizeof(path), PCI_DEVICES "/%s/driver/unbind", bdf);
	if (!access(path, F_OK))
		err = write_file(path, bdf);
	if (!err)
		err = write_file("/sys/bus/pci/drivers_probe", bdf);
	return err;
}

int vfio_open(const char *bdf, const struct pci_info *info, int iommu)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = iommu,
	};
	char path[64];
	int fd, err;

	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", info->cdev);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		out_fail(err, "cannot open %s: %s", path,
			 err == -EACCES || err == -EPERM ?
			 "run this as root, or as its owner" : strerror(-err));
		return err;
	}
	if (!ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &bind))
		return fd;

	err = -errno;
	close(fd);
	switch (err) {
	case -EBUSY:
	case -EINVAL:
		/* EINVAL: the device itself is bound to a context already */
		out_fail(err, "cannot bind %s: it, or a device of its IOMMU group, is in use by another program or driver",
			 bdf);
		break;
	case -EPERM:
		out_fail(err, "cannot bind %s: a device of its IOMMU group is in use by another program or driver, or its interrupts are not isolated: see the module parameter allow_unsafe_interrupts of iommufd",
			 bdf);
		break;
	case -ENODEV:
		out_fail(err, "cannot bind %s: no IOMMU translates for it: is it switched on (intel_iommu=on)?",
			 bdf);
		break;
	default:
		out_fail(err, "cannot bind %s: %s", bdf, strerror(-err));
	}
	return err;
}

int vfio_attach(int vfio, int iommu, uint32_t ioas)
{
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
		.pt_id = ioas,
	};
	int err;

	if (!ioctl(vfio, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach))
		return 0;
	err = -errno;
	if (iommu_refused(iommu, err, "attach the device"))
		return err;
	/* Attaching is what pins the memory mapped before */
	if (err == -ENOMEM)
		out_fail(err, "cannot attach the device: more than may be locked (or out of memory): raise 'ulimit -l'");
	else
		out_fail(err, "cannot attach the device: %s", strerror(-err));
	return err;
}

static int region_info(int vfio, struct vfio_region_info *info)
{
	int err;

	if (!ioctl(vfio, VFIO_DEVICE_GET_REGION_INFO, info))
		return 0;
	err = -errno;
	out_fail(err, "cannot get region %u of the device: %s", info->index,
		 strerror(-err));
	return err;
}

int vfio_enable(int vfio)
{
	struct vfio_region_info config = {
		.argsz = sizeof(config),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	uint16_t command;
	off_t offset;
	int err;

	err = region_info(vfio, &config);
	if (err)
		return err;
	offset = config.offset + PCI_COMMAND;
	if (pread(vfio, &command, sizeof(command), offset) != sizeof(command))
		goto fail;
	command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	if (pwrite(vfio, &command, sizeof(command), offset) != sizeof(command))
		goto fail;
	return 0;

fail:
	out_fail(-EIO, "cannot reach the configuration space of the device");
	return -EIO;
}

int vfio_map_bar(int vfio, unsigned int bar, volatile void **regs,
		 size_t *length)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_BAR0_REGION_INDEX + bar,
	};
	void *memory;
	int err;

	err = region_info(vfio, &info);
	if (err)
		return err;
	if (!(info.flags & VFIO_REGION_INFO_FLAG_MMAP)) {
		out_fail(-EOPNOTSUPP, "BAR %u of the device cannot be mapped", bar);
		return -EOPNOTSUPP;
	}
	memory = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, vfio,
		      info.offset);
	if (memory == MAP_FAILED) {
		err = -errno;
		out_fail(err, "cannot map BAR %u of the device: %s", bar,
			 strerror(-err));
		return err;
	}
	*regs = memory;
	*length = info.size;
	return 0;
}

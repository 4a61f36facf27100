/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What later kernels have in include/uapi/linux/iommufd.h: the interface is the
 * module's, whichever kernel is below it. A kernel's own definitions win.
 */
#ifndef IOMMUFD_COMPAT_UAPI_H
#define IOMMUFD_COMPAT_UAPI_H

#include <linux/bits.h>
#include <linux/types.h>
#include <uapi/linux/iommufd.h>

/* Where these are enumerators, a macro of the same value does no harm. */
#define IOMMU_HWPT_ALLOC_PASID BIT(3)
#define IOMMU_HW_INFO_FLAG_INPUT_TYPE BIT(0)
#define IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED BIT(3)

#ifndef IOMMU_IOAS_MAP_FILE
/**
 * struct iommu_ioas_map_file - map memory of a file
 * @size: of this
 * @flags: as of struct iommu_ioas_map
 * @ioas_id: where to map it
 * @fd: the file
 * @start: first byte of the file
 * @length: bytes
 * @iova: where to, or where it went
 */
struct iommu_ioas_map_file {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__s32 fd;
	__aligned_u64 start;
	__aligned_u64 length;
	__aligned_u64 iova;
};

#define IOMMU_IOAS_MAP_FILE _IO(IOMMUFD_TYPE, 0x8f)
#endif

#ifndef IOMMU_VIOMMU_ALLOC
/**
 * struct iommu_viommu_alloc - a slice of an IOMMU for a virtual machine
 * @size: of this
 * @flags: 0
 * @type: which kind of IOMMU
 * @dev_id: a device behind it
 * @hwpt_id: a HWPT to nest others in
 * @out_viommu_id: its id
 * @data_len: bytes at @data_uptr
 * @__reserved: 0
 * @data_uptr: data for the IOMMU driver
 */
struct iommu_viommu_alloc {
	__u32 size;
	__u32 flags;
	__u32 type;
	__u32 dev_id;
	__u32 hwpt_id;
	__u32 out_viommu_id;
	__u32 data_len;
	__u32 __reserved;
	__aligned_u64 data_uptr;
};

#define IOMMU_VIOMMU_ALLOC _IO(IOMMUFD_TYPE, 0x90)
#endif

#ifndef IOMMU_VDEVICE_ALLOC
/**
 * struct iommu_vdevice_alloc - a device as the virtual machine knows it
 * @size: of this
 * @viommu_id: its IOMMU
 * @dev_id: the device
 * @out_vdevice_id: its id
 * @virt_id: what the virtual machine calls it
 */
struct iommu_vdevice_alloc {
	__u32 size;
	__u32 viommu_id;
	__u32 dev_id;
	__u32 out_vdevice_id;
	__aligned_u64 virt_id;
};

#define IOMMU_VDEVICE_ALLOC _IO(IOMMUFD_TYPE, 0x91)
#endif

#ifndef IOMMU_IOAS_CHANGE_PROCESS
/**
 * struct iommu_ioas_change_process - another process pays for all that is mapped
 * @size: of this
 * @__reserved: 0
 */
struct iommu_ioas_change_process {
	__u32 size;
	__u32 __reserved;
};

#define IOMMU_IOAS_CHANGE_PROCESS _IO(IOMMUFD_TYPE, 0x92)
#endif

#ifndef IOMMU_VEVENTQ_ALLOC
/**
 * struct iommu_veventq_alloc - a queue of events for a virtual machine
 * @size: of this
 * @flags: 0
 * @viommu_id: the IOMMU they are about
 * @type: which events
 * @veventq_depth: room, in events
 * @out_veventq_id: its id
 * @out_veventq_fd: a file to read them from
 * @__reserved: 0
 */
struct iommu_veventq_alloc {
	__u32 size;
	__u32 flags;
	__u32 viommu_id;
	__u32 type;
	__u32 veventq_depth;
	__u32 out_veventq_id;
	__u32 out_veventq_fd;
	__u32 __reserved;
};

#define IOMMU_VEVENTQ_ALLOC _IO(IOMMUFD_TYPE, 0x93)
#endif

#ifndef IOMMU_HW_QUEUE_ALLOC
/**
 * struct iommu_hw_queue_alloc - a queue of commands the hardware itself reads
 * @size: of this
 * @flags: 0
 * @viommu_id: the IOMMU they are for
 * @type: which kind of queue
 * @index: which one of that kind
 * @out_hw_queue_id: its id
 * @nesting_parent_iova: where its memory is mapped
 * @length: bytes
 */
struct iommu_hw_queue_alloc {
	__u32 size;
	__u32 flags;
	__u32 viommu_id;
	__u32 type;
	__u32 index;
	__u32 out_hw_queue_id;
	__aligned_u64 nesting_parent_iova;
	__aligned_u64 length;
};

#define IOMMU_HW_QUEUE_ALLOC _IO(IOMMUFD_TYPE, 0x94)
#endif

#ifndef IOMMU_IOAS_NOIOMMU_GET_PA
/**
 * struct iommu_ioas_noiommu_get_pa - where mapped memory is, without an IOMMU
 * @size: of this
 * @flags: 0
 * @ioas_id: where it is mapped
 * @__reserved: 0
 * @iova: as what it is mapped
 * @length: bytes asked for, and how many of them are one physical run
 * @out_phys: the physical address
 */
struct iommu_ioas_noiommu_get_pa {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__u32 __reserved;
	__aligned_u64 iova;
	__aligned_u64 length;
	__aligned_u64 out_phys;
};

#define IOMMU_IOAS_NOIOMMU_GET_PA _IO(IOMMUFD_TYPE, 0x95)
#endif

#endif

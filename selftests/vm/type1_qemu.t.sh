#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: boot=own timeout=150
#
# A program written for VFIO containers, and with no knowledge of iommufd: QEMU's
# driver for NVMe. All it takes is that /dev/vfio/vfio leads to /dev/iommu.
. "${0%/*}/lib/tap.sh"

nvme=$(grep -l 0x010802 /sys/bus/pci/devices/*/class)
nvme=$(basename "${nvme%/class}")
disk=nvme://$nvme/1

# It asks /dev/vfio/vfio, and whatever it asks for is granted.
all_is_granted()
{
	strace -f -e trace=openat,ioctl -e signal=none -o /tmp/trace \
		qemu-img bench -c 10 -d 4 -s 4096 -f raw "$disk" &&
		grep -q 'openat(.*"/dev/vfio/vfio".* = [0-9]' /tmp/trace &&
		grep -q 'VFIO_IOMMU_MAP_DMA, .* = 0$' /tmp/trace &&
		grep -q 'VFIO_IOMMU_UNMAP_DMA, .* = 0$' /tmp/trace &&
		! grep 'ioctl(.*VFIO_.* = -1' /tmp/trace
}

# io EXPECTED COMMAND: says so, whatever its exit status is.
io()
{
	qemu-io -f raw -c "$2" "$disk" 2>&1 | tee /tmp/said
	grep -q "$1" /tmp/said
}

verifies()
{
	io "^read [0-9]*/" "$1" && ! grep "verification failed" /tmp/said
}

rm /dev/vfio/vfio
ln -s ../iommu /dev/vfio/vfio

check "qemu-img reads in parallel" \
	qemu-img bench -c 2000 -d 32 -s 4096 -f raw "$disk"
check "qemu-img writes in parallel" \
	qemu-img bench -w -c 500 -d 16 -s 65536 -f raw "$disk"
check "qemu-img reads with unaligned buffers" \
	qemu-img bench -c 200 -d 8 -s 1536 -S 512 -f raw "$disk"
check "the ABI is used, and no request fails" all_is_granted
check "a pattern is written" io "wrote 8388608/8388608 bytes" \
	"write -P 0xa5 1M 8M"
check "another one is written into it" io "wrote 524288/524288 bytes" \
	"write -P 0x5a 5M 512k"
check "the first one is read" verifies "read -P 0xa5 1M 4M"
check "the other one is read" verifies "read -P 0x5a 5M 512k"
check "the first one goes on" verifies "read -P 0xa5 5632k 3M"
check "a wrong one is noticed" io "Pattern verification failed" \
	"read -P 0xa5 5M 512k"
finish

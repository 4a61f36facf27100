#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The program of docs/vmm-authors.md, as it stands there, maps memory for a device,
# and says which policy refused.
. "${0%/*}/lib/tap.sh"

edu=$(for dev in /sys/bus/pci/devices/*; do
	grep -qx 0x11e8 "$dev/device" && basename "$dev"; done | head -n 1)
pci=/sys/bus/pci/devices/$edu

says()
{
	local text=$1 out
	shift

	out=$("$@" 2>&1)
	echo "$out"
	grep -qF -- "$text" <<<"$out"
}

device=/dev/vfio/devices/$(ls "$pci/vfio-dev")
check "there is a device" [ -c "$device" ]

sed -n 's/^    //p' docs/vmm-authors.md >/tmp/vmm.c
check "the program compiles" gcc -Wall -Wextra -Werror -o /tmp/vmm /tmp/vmm.c
check "memory is mapped" says "the device has it at 0x" /tmp/vmm "$device"
check "a policy is loaded" iommufd-bpf load build/user/map_guard.bpf.o \
	--set max_mapping_mib=1
check "it is named" says "refused by policy map_guard (map)" /tmp/vmm "$device"
check "it is unloaded" iommufd-bpf unload map_guard
check "memory is mapped again" says "the device has it at 0x" /tmp/vmm "$device"
finish

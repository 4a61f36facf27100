#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: boot=own load=no timeout=150
#
# The life of the module: what it says of itself, when it can be unloaded, what
# it leaves behind, that it refuses to run without BTF, and that it has nothing
# of the test build.
. "${0%/*}/lib/tap.sh"

build=/src/build/$(uname -r)
module=$build/kmod/iommufd.ko
policy=/src/build/user/map_guard.bpf.o
sys=/sys/kernel/iommufd
# Out of tree (O, 4096) and, if the kernel looks for signatures, unsigned (E, 8192).
taint=O tainted=4096
if [ -e /sys/module/module/parameters/sig_enforce ]; then
	taint=OE tainted=12288
fi
vfio=(vfio vfio_iommu_type1 pci/vfio-pci-core pci/vfio-pci)

is_loaded()
{
	[ -d /sys/module/iommufd ]
}

is_refused()
{
	fails rmmod iommufd && is_loaded && [ -c /dev/iommu ]
}

# The programs of a policy that is gone keep the module until the kernel has freed
# them, which it does after a grace period.
unload_soon()
{
	local i

	for ((i = 0; i < 100; i++)); do
		rmmod iommufd 2>/dev/null && return
		sleep 0.1
	done
	rmmod iommufd
}

# Not asked about is iommufd_pages, which the kernel merges with caches of the
# same size and never takes off the list then.
is_gone()
{
	local left status=0

	for left in /dev/iommu $sys /sys/module/iommufd \
		/sys/kernel/slab/iommufd_area \
		/sys/kernel/tracing/events/iommufd; do
		[ ! -e "$left" ] || { echo "still there: $left"; status=1; }
	done
	return $status
}

section()
{
	readelf -SW "$module" | grep -F " $1 "
}

# mocks MODULE: what it has to be tested with.
mocks()
{
	nm "$1" | grep -E ' (mock_|compat_mock_|pages_test_)'
}

# IOMMU_TEST_CMD, of the kernel's own tests.
no_test_ioctl()
{
	perl -e 'my $arg = "\0" x 64; ioctl STDIN, 0x3ba0, $arg; exit !$!{ENOTTY}' <>/dev/iommu
}

unload_vfio()
{
	local i

	for ((i = ${#vfio[@]} - 1; i >= 0; i--)); do
		rmmod "${vfio[i]##*/}" || return
	done
}

# A per-CPU slab counts as full until it is given back.
nr_areas()
{
	[ "$(cat /sys/kernel/slab/iommufd_area/aliases)" = 0 ] ||
		echo "more than areas:"
	echo 1 >/sys/kernel/slab/iommufd_area/shrink
	cut -d' ' -f1 /sys/kernel/slab/iommufd_area/objects
}

# What modinfo knows.
version=$(modinfo -F version "$module")
check "it has a version" grep -qE '^[0-9]+\.[0-9]+\.[0-9]+$' <<<"$version"
is "its licence is the GPL" "$(modinfo -F license "$module")" GPL
check "it has a description" grep -q . <<<"$(modinfo -F description "$module")"
check "it has BTF" section .BTF
check "the test build has a mock IOMMU" mocks "$build/kmod-test/iommufd.ko"
check "it has none" fails mocks "$module"

# Without BTF, before anything else has tainted the kernel or warmed it up.
objcopy --remove-section=.BTF "$module" /tmp/iommufd.ko
dmesg --clear
check "without BTF it is not loaded" fails insmod /tmp/iommufd.ko
check "without BTF it says why" \
	grep -q 'iommufd: no usable BTF in this module' <<<"$(dmesg)"
check "without BTF it leaves nothing behind" is_gone

# Loaded.
check "it is loaded" insmod "$module"
is "it taints as every such module does" "$(cat /proc/sys/kernel/tainted)" $tainted
is "and in no other way" "$(cat /sys/module/iommufd/taint)" $taint
is "/dev/iommu is a character device" "$(stat -c %F /dev/iommu)" \
	"character special file"
is "/dev/iommu is for root and its group" "$(stat -c '%a %U' /dev/iommu)" \
	"660 root"
is "sysfs has the version" "$(cat $sys/version)" "$version"
is "sysfs has the version of the contract" "$(cat $sys/api_version)" 1
is "no policy is loaded" "$(ls $sys/policy)" ""
check "it has no ioctl for tests" no_test_ioctl

# Used, and what that leaves.
check "memory is mapped" iommufd-bpf map-test --size 8M
is "no area is left" "$(nr_areas)" 0

# Busy.
exec 5<>/dev/iommu
check "it stays while /dev/iommu is open" is_refused
exec 5>&-
check "unused it can be unloaded" rmmod iommufd
check "nothing of it is left" is_gone

check "it can be loaded again" insmod "$module"
modprobe irqbypass
for name in "${vfio[@]}"; do
	check "$name is loaded" insmod "$build/vfio/$name.ko"
done
check "it stays while VFIO is loaded" is_refused
check "VFIO can be unloaded" unload_vfio

check "a policy is loaded" iommufd-bpf load $policy
is "which nobody holds but its pin" "$(ls $sys/policy)" map_guard
check "it stays while a policy is loaded" is_refused
check "the policy is unloaded" iommufd-bpf unload map_guard
is "sysfs knows no policy any more" "$(ls $sys/policy)" ""
check "without policy it can be unloaded" unload_soon
check "nothing of it is left again" is_gone

many_lives()
{
	local i

	for ((i = 0; i < 20; i++)); do
		{ insmod "$module" && iommufd-bpf load $policy &&
			iommufd-bpf map-test && iommufd-bpf unload map_guard &&
			unload_soon; } || return
	done
}
check "it comes and goes many times" many_lives
check "and is gone in the end" is_gone
is "the taint is what it was" "$(cat /proc/sys/kernel/tainted)" $tainted
finish

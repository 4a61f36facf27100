#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: boot=own load=no timeout=700
#
# What 'make install' puts on a host is what the host then uses, and goes away
# with its directory.
. "${0%/*}/lib/tap.sh"

modules=/lib/modules/$(uname -r)

install()
{
	local out

	out=$(make -C /src install KDIR="$modules/build" 2>&1) &&
		fails grep -F depmod: <<<"$out"
}

from_updates()
{
	modprobe --show-depends "$1" | tail -n 1 |
		grep -F "insmod $modules/updates/iommufd-bpf/"
}

check "before, VFIO is the kernel's" fails from_updates vfio-pci
check "install, and depmod has no complaint" install
for module in iommufd vfio vfio_iommu_type1 vfio-pci; do
	check "$module is ours" from_updates $module
done
check "modprobe finds it" modprobe iommufd
check "/dev/iommu" [ -c /dev/iommu ]
check "vfio-pci loads on it" modprobe vfio-pci
is "and uses it" "$(cat /sys/module/iommufd/refcnt)" 1
check "the installed one runs" /usr/local/sbin/iommufd-bpf list
check "with an installed policy" /usr/local/sbin/iommufd-bpf load \
	/usr/local/lib/iommufd-bpf/map_guard.bpf.o
check "and unloads it" /usr/local/sbin/iommufd-bpf unload map_guard
for page in 8/iommufd-bpf.8 5/iommufd-bpf.conf.5; do
	check "manual page ${page#*/}" sh -c 'mandoc -T lint -W warning "$1" &&
		mandoc -T markdown "$1" | grep -q policies.d' page /usr/local/share/man/man$page
done

# What systemd and udev find there.
etc=$(mktemp -d)
cp -r /etc/. "$etc"
mount --bind "$etc" /etc
check "the group is created" systemd-sysusers iommufd-bpf.conf
check "and is there" getent group vfio
/usr/lib/systemd/systemd-udevd --daemon
udevadm trigger --settle /sys/class/misc/iommu
is "/dev/iommu is for it" "$(stat -c '%G %a' /dev/iommu)" "vfio 660"
echo vfio-pci >/sys/bus/pci/devices/0000:00:03.0/driver_override
echo 0000:00:03.0 >/sys/bus/pci/drivers_probe
udevadm settle
is "and so is a device" "$(stat -c '%G %a' /dev/vfio/devices/vfio0)" "vfio 660"
echo 0000:00:03.0 >/sys/bus/pci/drivers/vfio-pci/unbind
udevadm control --exit
umount /etc

check "the module is loaded at boot" grep -x iommufd \
	<<<"$(systemd-analyze cat-config modules-load.d | grep -A9 /usr/local)"
unit=/usr/local/lib/systemd/system/iommufd-bpf.service
check "systemd understands the unit" systemd-analyze verify --man=no "$unit"
check "which has a directory" [ -d /etc/iommufd-bpf/policies.d ]
printf '[policy]\nfile = map_guard.bpf.o\n' >/etc/iommufd-bpf/policies.d/guard.conf
check "what it starts" sh -c "$(sed -n 's/^ExecStart=//p' $unit)"
is "puts in force what is there" "$(ls /sys/kernel/iommufd/policy)" map_guard
rm /etc/iommufd-bpf/policies.d/guard.conf
check "and no longer what is not" sh -c "$(sed -n 's/^ExecReload=//p' $unit)"
is "which is nothing" "$(ls /sys/kernel/iommufd/policy)" ""

for name in $(sed 's/@.*//' libiommufd-bpf/abi); do
	[ -e "/usr/local/share/man/man3/$name.3" ] || echo "$name"
done >/tmp/no-page
check "and that of each function of the library" fails [ -s /tmp/no-page ]

check "what policy authors include is found" \
	[ -e /usr/local/include/iommufd_policy_test.h ]

# A program against the installed library and header.
cat >/tmp/uses.c <<'END'
#include <libiommufd-bpf.h>
#include <stdio.h>

int main(void)
{
	struct iommufd_policy_status *list;
	struct iommufd_policy_host *host;

	if (iommufd_policy_host_open(NULL, &host))
		return 1;
	if (iommufd_policy_list(host, &list))
		return puts(iommufd_policy_host_error(host)), 1;
	iommufd_policy_list_free(list);
	iommufd_policy_host_close(host);
	return 0;
}
END
export PKG_CONFIG_PATH=/usr/local/lib/pkgconfig
check "a program builds against the library" sh -c \
	'gcc -Wall -Werror -o /tmp/uses /tmp/uses.c $(pkgconf --cflags --libs libiommufd-bpf)'
ldconfig
check "and runs" /tmp/uses
check "a policy compiles against the headers" clang -target bpf -mcpu=v3 \
	-O2 -g -I/usr/local/include \
	-idirafter "/usr/include/$(gcc -print-multiarch)" \
	-c -o /tmp/guard.bpf.o bpf/map_guard.bpf.c
check "and can be loaded" iommufd-bpf load /tmp/guard.bpf.o
check "and unloaded" iommufd-bpf unload map_guard

modprobe -r -w 10000 vfio-pci vfio_iommu_type1 iommufd
rm -r "$modules/updates/iommufd-bpf"
depmod
check "removed, VFIO is the kernel's again" fails from_updates vfio-pci
finish

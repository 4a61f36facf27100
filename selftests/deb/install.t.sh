#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# First boot: a machine of Debian's packages gets ours. That of DKMS is there: see
# 'disk'.
. "${0%/*}/../vm/lib/tap.sh"

here=$PWD/${0%/*}
modules="iommufd vfio vfio_iommu_type1 vfio-pci-core vfio-pci mdev"

is "the machine is well" "$(systemctl is-system-running)" running
check "it has no /dev/iommu" [ ! -e /dev/iommu ]
is "nor a group for it" "$(getent group vfio)" ""
"$here/files" >/run/out/first

mkdir /tmp/deb
cp "$PWD"/build/deb/*iommufd-bpf{,-dkms,1,-dev}_*.deb /tmp/deb
cd /tmp/deb || exit
is "there are packages" "$(ls | wc -l)" 4
export DEBIAN_FRONTEND=noninteractive
check "apt install ./*.deb" apt -y install ./*.deb
check "dpkg finds all of it in order" dpkg --verify iommufd-bpf iommufd-bpf-dkms \
	libiommufd-bpf1 libiommufd-bpf-dev
is "and nothing half done" "$(dpkg --audit)" ""

check "DKMS has installed what it built" grep -qE ': installed( \(Original modules exist\))?$' \
	<<<"$(dkms status iommufd-bpf -k "$(uname -r)")"
for module in $modules; do
	check "$module is ours" grep -F /updates/ <<<"$(modinfo -n $module)"
done
is "kvmgt is refused" "$(modprobe kvmgt 2>&1 | head -n 1)" \
	"kvmgt does not work with the VFIO of iommufd-bpf-dkms"
check "group vfio is there" getent group vfio
is "the unit is enabled" "$(systemctl is-enabled iommufd-bpf)" enabled
check "and has nothing to do" systemctl start iommufd-bpf
is "which is no failure" "$(systemctl --failed --plain --no-legend)" ""

# Policies, of which one is for a cgroup that systemd makes; and a device for user
# space.
cat >/etc/iommufd-bpf/policies.d/guard.conf <<'END'
[policy]
file = map_guard.bpf.o

[parameters]
max_mapping_mib = 64
END
cat >/etc/iommufd-bpf/policies.d/quota.conf <<'END'
[policy]
file = pin_quota.bpf.o
policy = pin_quota
scope = cgroup:/machine.slice

[parameters]
quota_mib = 1024
END
echo 'options vfio-pci ids=1234:11e8' >/etc/modprobe.d/vfio-pci.conf
echo vfio-pci >/etc/modules-load.d/vfio-pci.conf
finish

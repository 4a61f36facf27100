#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Second boot: what was installed and configured is in force; and goes, without
# a boot.
. "${0%/*}/../vm/lib/tap.sh"

as_user()
{
	setpriv --reuid 65534 --regid 65534 "$@"
}

# policy FIELD [NAME]: what 'list' says of a policy.
policy()
{
	iommufd-bpf list -j |
		jq -r --arg name "${2-map_guard}" ".[] | select(.name == \$name) | $1"
}

udevadm settle
is "the machine is well" "$(systemctl is-system-running)" running
is "no unit has failed" "$(systemctl --failed --plain --no-legend)" ""
is "/dev/iommu is for the group" "$(stat -c '%U:%G %a' /dev/iommu)" "root:vfio 660"
is "and so is a device" "$(stat -c '%U:%G %a' /dev/vfio/devices/vfio0)" \
	"root:vfio 660"
is "the unit has succeeded" "$(systemctl show -P Result iommufd-bpf)" success
is "and is active" "$(systemctl is-active iommufd-bpf)" active
check "as systemctl status says" systemctl status iommufd-bpf
is "before anybody has a login" "$(systemctl show -P After multi-user.target |
	grep -ow iommufd-bpf.service)" iommufd-bpf.service
is "the policy is active" "$(policy .state)" active
is "and so is the one for machines" "$(policy .state pin_quota)" active
is "which there are none of yet" "$(policy .scope pin_quota)" cgroup:/machine.slice
check "it lets be mapped what it should" iommufd-bpf map-test --size 64M
check "and refuses what is larger" fails iommufd-bpf map-test --size 65M
is "which it counts" "$(policy .map_refused)" 1
check "a device has its way to memory" iommufd-bpf dma-test --device 0000:00:03.0

doctor=$(iommufd-bpf doctor -j)
is "doctor has something to say" "$(jq '.checks | length > 10' <<<"$doctor")" true
is "all of it is ok" "$(jq -c '.checks[] | select(.state != "ok")' <<<"$doctor")" ""

check "who is in the group may" as_user --groups vfio iommufd-bpf map-test
check "a device too" as_user --groups vfio iommufd-bpf dma-test \
	--device 0000:00:03.0
check "who is not may not" fails as_user --clear-groups iommufd-bpf map-test

check "there is a manual" grep -q doctor <<<"$(man iommufd-bpf)"
check "of the files as well" grep -q policies.d <<<"$(man 5 iommufd-bpf.conf)"
check "words are completed" bash -c '. /usr/share/bash-completion/bash_completion
	_comp_load iommufd-bpf && complete -p iommufd-bpf'

sed -i 's/64/128/' /etc/iommufd-bpf/policies.d/guard.conf
check "reload" systemctl reload iommufd-bpf
check "puts a change in force" iommufd-bpf map-test --size 65M

# A machine as docs/operators.md has it, but without anything in it.
sed -n '/^    mkdir.*vm@/,/^    END/s/^    //p' docs/operators.md >/tmp/block
check "a quota for a unit" bash -e /tmp/block
printf '[Service]\nExecStart=sleep infinity\n' >/etc/systemd/system/vm@.service
systemctl daemon-reload
check "it starts" systemctl start vm@web
is "with the quota" "$(policy .state web) $(policy .scope web)" \
	"active cgroup:/machine.slice/vm@web.service"
check "it stops" systemctl stop vm@web
is "without" "$(policy .state web)" ""
rm -r /etc/systemd/system/vm@.service{,.d}
systemctl daemon-reload

export DEBIAN_FRONTEND=noninteractive
mkdir /tmp/deb
cp build/deb/iommufd-bpf_*.deb /tmp/deb
id=$(policy .link_id)
check "an upgrade" apt -y reinstall /tmp/deb/iommufd-bpf_*.deb
is "leaves the policy alone" "$(policy .state) $(policy .link_id)" "active $id"
check "and the unit" systemctl status iommufd-bpf

# One that was loaded by hand goes as well.
iommufd-bpf load /usr/lib/iommufd-bpf/map_guard.bpf.o --name other >/dev/null
check "apt purge" apt -y purge iommufd-bpf iommufd-bpf-dkms libiommufd-bpf1 \
	libiommufd-bpf-dev
is "nothing is left of the packages" "$(dpkg --get-selections '*iommufd-bpf*' 2>/dev/null)" ""
is "nor for DKMS" "$(dkms status)" ""
check "/dev/iommu is gone" [ ! -e /dev/iommu ]
is "and the modules" "$(lsmod | grep -E 'iommufd|vfio')" ""
is "and all in memory" "$(find /run /dev /sys/fs/bpf /sys/kernel/iommufd /tmp/iommufd-bpf* \
	-path /run/src -prune -o -iname '*iommufd*' -print 2>/dev/null)" ""
rm /etc/modprobe.d/vfio-pci.conf /etc/modules-load.d/vfio-pci.conf
finish

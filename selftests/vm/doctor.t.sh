#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: boot=own load=no timeout=400
#
# doctor finds nothing wrong here, and what is wrong when something is.
. "${0%/*}/lib/tap.sh"

valid=${0%/*}/lib/valid
guest=/src/selftests/lab/guest
out=$(mktemp)
# All that it said: Python takes long to start.
all=$(mktemp)
empty=$(mktemp -d)

# finds CHECK STATE PATTERN [COMMAND...]: doctor, run by COMMAND, says so of CHECK.
finds()
{
	local check=$1 state=$2 pattern=$3
	shift 3

	"$@" iommufd-bpf -j doctor >"$out"
	jq -c . "$out" >>"$all"
	jq -e --arg check "$check" --arg state "$state" --arg pattern "$pattern" '
		.checks[] | select(.check == $check) | .state == $state and
		(.what + ": " + (.advice // "") | test($pattern)) and
		(($state == "wrong") == (.advice != null))' "$out" >/dev/null || {
		jq -c --arg check "$check" '.checks[] | select(.check == $check)' "$out"
		return 1
	}
}

# wrong CHECK PATTERN [COMMAND...]: and it is reported as failure, in one line.
wrong()
{
	finds "$1" wrong "$2" "${@:3}" || return
	"${@:3}" iommufd-bpf doctor >"$out" && { echo "no failure"; return 1; }
	grep -qE "^wrong +$1  .*: " "$out" || { cat "$out"; return 1; }
}

# As a hierarchy of version 1 is mounted
with_dir()
{
	mkdir "/sys/fs/cgroup/$1"
	"${@:2}"
}

# A kernel that is locked down stays so: this one only says it is.
locked_down()
{
	echo "$1" >/sys/kernel/security/lockdown
	"${@:2}"
}

check "no module" wrong module 'there is no iommufd|not loaded: load it'
check "no /dev/iommu" wrong dev-iommu 'modprobe iommufd'
check "the rest cannot be told" finds policies unknown 'not loaded'

$guest/load
check "nothing is wrong once it is loaded" iommufd-bpf doctor
is "and nothing is coloured in a file" "$(iommufd-bpf doctor | grep -c $'\033')" 0
is "but on a terminal, by what is found" \
	"$(script -qec 'iommufd-bpf doctor' /dev/null | grep -oE $'\033\\[3[0-9]m[a-z]+' |
		sort -u | tr '\033\n' '  ' | xargs)" "[32mok [33munknown"
check "the same as JSON" iommufd-bpf -j doctor
iommufd-bpf -j doctor >"$out"
jq -c . "$out" >>"$all"
is "nothing is wrong there" "$(jq .wrong "$out")" 0
# Nobody has installed the debug kernel with its configuration.
config=/boot/config-$(uname -r)
untold=vfio-files
[ -e "$config" ] || untold="kernel-options $untold"
is "what cannot be told" \
	"$(jq -r '[.checks[] | select(.state == "unknown") | .check] | join(" ")' "$out")" \
	"$untold"

check "not root" wrong capabilities 'as root' setpriv --reuid 65534 --clear-groups
check "not root, for devices" wrong dev-iommu 'may not open' \
	setpriv --reuid 65534 --regid 65534 --clear-groups
chmod 666 /dev/iommu
check "everybody may" wrong dev-iommu 'chmod 660'
chmod 660 /dev/iommu

check "no BTF" covered /sys/kernel/btf wrong module-btf 'pahole'
check "of the kernel" covered /sys/kernel/btf wrong kernel-btf 'CONFIG_DEBUG_INFO_BTF'
check "no IOMMU" covered /sys/class/iommu wrong iommu 'intel_iommu=on'
check "nothing behind it" covered /sys/kernel/iommu_groups wrong iommu 'no device is behind it'
check "no bpf filesystem" covered /sys/fs/bpf wrong bpffs 'mount -t bpf'
check "no cgroups" covered /sys/fs/cgroup wrong cgroup 'mount -t cgroup2'
check "only cgroups of version 1" covered /sys/fs/cgroup with_dir memory \
	wrong cgroup 'systemd.unified_cgroup_hierarchy=1'
check "of both versions" covered /sys/fs/cgroup with_unified finds cgroup ok 'unified is'
check "not locked down" finds lockdown ok 'not locked down'
# A kernel may have been built without.
if [ -d /sys/kernel/security ]; then
	check "nor where nothing is said of it" covered /sys/kernel/security \
		finds lockdown ok 'not locked down'
	check "locked down a little" covered /sys/kernel/security \
		locked_down 'none [integrity] confidentiality' finds lockdown ok 'integrity'
	check "locked down" covered /sys/kernel/security \
		locked_down 'none integrity [confidentiality]' wrong lockdown 'lockdown=integrity'
fi
check "no character devices of VFIO" covered /dev/vfio wrong vfio-cdev 'bind one to vfio-pci'
check "the kernel's own iommufd" covered /sys/kernel/iommufd wrong policies "kernel's own"

if [ -e "$config" ]; then
	grep -v '^CONFIG_BPF_JIT=' "$config" >"$empty/config"
	mount --bind "$empty/config" "$config"
	check "a kernel without an option" wrong kernel-options 'without CONFIG_BPF_JIT$|CONFIG_BPF_JIT:'
	umount "$config"
	check "and one with it" finds kernel-options ok 'are needed'
fi

# Two kinds of VFIO: as depmod would say it of what is installed.
list=/lib/modules/$(uname -r)/modules.dep
mixed="kernel/drivers/x.ko: kernel/drivers/vfio/vfio.ko"
ours="updates/iommufd-bpf/vfio.ko: updates/iommufd-bpf/iommufd.ko"
printf '%s\n' "$ours" >"$empty/dep"
mount --bind "$empty/dep" "$list"
check "ours alone" finds vfio-files ok 'all modules'
printf '%s\n' "$ours" "${mixed/kernel\/drivers\/vfio/updates\/iommufd-bpf}" >"$empty/dep"
check "another that uses it" wrong vfio-files 'x.ko is for the distribution'
mkdir -p /run/modprobe.d
echo 'install x exit 1' >/run/modprobe.d/x.conf
check "which modprobe refuses to load" finds vfio-files ok 'all modules'
echo 'install x modprobe -i x' >/run/modprobe.d/x.conf
check "or loads after all" wrong vfio-files 'x.ko is for the distribution'
rm /run/modprobe.d/x.conf
umount "$list"

iommufd-bpf load /src/build/user/map_guard.bpf.o >/dev/null
echo 1 >/sys/kernel/iommufd/off
check "a policy that is off" wrong policy-states 'map_guard \(off\)'
iommufd-bpf unload map_guard
check "is not there any more" iommufd-bpf doctor

# The distribution's own VFIO, beside a module of ours
for dev in /sys/bus/pci/drivers/vfio-pci/0*; do
	echo "${dev##*/}" >/sys/bus/pci/drivers/vfio-pci/unbind
done
rmmod vfio_pci vfio_pci_core vfio_iommu_type1 vfio
check "no VFIO" finds vfio unknown 'modprobe vfio-pci'
modprobe vfio
check "the distribution's own" wrong vfio "distribution's own"
modprobe -r vfio_iommu_type1 vfio
check "each is as the schema says" "$valid" doctor "$all" lines
rm -rf "$empty" "$out" "$all"
finish

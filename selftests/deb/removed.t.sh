#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Third boot: the machine is what it was at first.
. "${0%/*}/../vm/lib/tap.sh"

out=/run/out
# What Debian keeps of any package: groups; logs and caches. And what systemd
# makes for as long as it runs.
allowed=' (/etc/(group|gshadow)-?'
allowed+='|/var/cache/(apt|debconf|man)/.*'
allowed+='|/var/lib/apt/.*'
allowed+='|/var/log/(apt/.*|dpkg\.log)'
allowed+='|/var/tmp/systemd-private-.*)( |$)'

is "the machine is well" "$(systemctl is-system-running)" running
is "no unit has failed" "$(systemctl --failed --plain --no-legend)" ""
check "/dev/iommu is gone" [ ! -e /dev/iommu ]
check "iommufd cannot be loaded" fails modprobe iommufd
check "VFIO is the kernel's" grep -F /kernel/drivers/vfio/ \
	<<<"$(modinfo -n vfio_iommu_type1)"
check "and loads" modprobe vfio-pci

# Without what was installed before the first look, see 'disk'.
LC_ALL=C
export LC_ALL
sort "$out/first" "$out/taken" | comm -23 - "$out/added" >"$out/expected"
"${0%/*}/files" >"$out/last"
check "there is something to compare" [ "$(wc -l <"$out/expected")" -gt 30000 ]
is "nothing is left in any directory" \
	"$(comm -13 "$out/expected" "$out/last" | grep -vE "$allowed")" ""
is "and nothing is gone" \
	"$(comm -23 "$out/expected" "$out/last" | grep -vE "$allowed")" ""
finish

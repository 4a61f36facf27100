#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: timeout=120
#
# Every block of docs/operators.md is executed as it stands there, in the directory
# of the shipped policies. A line marked as refused has to fail.
. "${0%/*}/lib/tap.sh"

page=/src/docs/operators.md
blocks=$(mktemp -d)

# The tree cannot be written to; what the blocks write to /etc goes with the boot.
mkdir -p /tmp/etc
cp -r /etc/. /tmp/etc
mount --bind /tmp/etc /etc
# Where the installed command would look for policies.
mkdir -p /tmp/usr/sbin /tmp/usr/lib/iommufd-bpf
cp /src/build/user/iommufd-bpf /tmp/usr/sbin
cp /src/build/user/*.bpf.o /tmp/usr/lib/iommufd-bpf
PATH=/tmp/usr/sbin:$PATH
cd /tmp/usr/lib/iommufd-bpf || exit

awk -v dir="$blocks" '
/^    / { if (!on) { on = 1; nr++ } file = sprintf("%s/%02d", dir, nr)
	while (blank) { print "" >file; blank-- }
	print substr($0, 5) >file; next }
/^$/ { if (on) blank++; next }
{ on = 0; blank = 0 }' $page
sed -i 's/^\(.*\)  # refused$/! { \1; } || exit 1/' "$blocks"/*
is "there are blocks" "$(ls "$blocks" | wc -l)" 13
for block in "$blocks"/*; do
	check "block ${block##*/}: $(head -n 1 "$block")" bash -e -x "$block"
done
is "nothing is left" "$(ls /sys/kernel/iommufd/policy)" ""
cd /
umount /etc
finish

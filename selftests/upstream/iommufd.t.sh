#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: boot=own load=test icount=yes mem=3072 timeout=600
#
# The kernel's own test of iommufd. It gives each case 30 s, by the clock of the VM,
# which leaps ahead while all wait for a page of a file of the host: so the program
# is in memory.
here=${0%/*}

pages=512
echo $pages >/proc/sys/vm/nr_hugepages
if [ "$(cat /proc/sys/vm/nr_hugepages)" != $pages ]; then
	echo "Bail out! no memory for $pages huge pages"
	exit 1
fi
cp /src/build/upstream/iommufd /tmp/iommufd
"$here/judge" "$here/waiting" /tmp/iommufd
status=$?
rm /tmp/iommufd
echo 0 >/proc/sys/vm/nr_hugepages
exit $status

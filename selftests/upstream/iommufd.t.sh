#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: boot=own load=test icount=yes mem=3072 timeout=600
#
# The kernel's own test of iommufd. It gives each case 30 s, by the clock of the VM.
here=${0%/*}

pages=512
echo $pages >/proc/sys/vm/nr_hugepages
if [ "$(cat /proc/sys/vm/nr_hugepages)" != $pages ]; then
	echo "Bail out! no memory for $pages huge pages"
	exit 1
fi
"$here/judge" "$here/waiting" \
	/src/build/upstream/iommufd
status=$?
echo 0 >/proc/sys/vm/nr_hugepages
exit $status

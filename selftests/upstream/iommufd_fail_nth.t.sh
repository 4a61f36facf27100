#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: boot=own load=test icount=yes kernel=debug timeout=150
#
# The kernel's own test of what iommufd does when memory runs out, once for each
# allocation. Without fault injection in the kernel it would skip everything. It
# gives each case 30 s, by the clock of the VM.
here=${0%/*}

exec "$here/judge" --no-skips "$here/waiting.fail_nth" \
	/src/build/upstream/iommufd_fail_nth

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: timeout=120
#
# The story that 'make demo' tells is true, and leaves nothing behind.
. "${0%/*}/lib/tap.sh"

check "the demo succeeds" tools/demo
is "no policy is left" "$(iommufd-bpf -j list | jq length)" 0
finish

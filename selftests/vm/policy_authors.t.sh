#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: timeout=300
#
# What policy authors are told to copy and paste, copied and pasted.
. "${0%/*}/lib/tap.sh"

docs=/src/docs
work=$(mktemp -d)
mkdir -p /usr/local/include
cp /src/bpf/include/*.h /src/kmod/iommufd_policy.h /usr/local/include

# follow DOC: its blocks, as one script that ends with the first failure; $said has
# what it prints.
follow()
{
	sed -n 's/^    //p' "$docs/$1" >"$work/$1.sh"
	(cd "$work" && bash -e "./$1.sh") >"$work/said" 2>&1
}

check "the tour for authors of policies" follow policy-authors.md
said=$(cat "$work/said")
echo "$said" | sed 's/^/# /'
check "its test has run" grep -q 'PASSED.*1 test' "$work/said"
is "one mapping was refused" "$(grep -c '^refused$' "$work/said")" 1
is "one was only counted" "$(grep -c '^1$' "$work/said")" 1
check "nothing is left loaded" fails [ -e /sys/kernel/iommufd/policy/large_only ]
check "the test of a policy with a map" follow policies-testing.md
sed 's/^/# /' "$work/said"
check "that policy compiles for the kernel, too" sh -c "cd $work && clang -target bpf \
	-mcpu=v3 -O2 -g -Wall -Werror -I/usr/local/include -idirafter \
	/usr/include/$(gcc -print-multiarch) -c maps_once.bpf.c -o maps_once.bpf.o"
check "and loads" iommufd-bpf load "$work/maps_once.bpf.o"
check "and unloads" iommufd-bpf unload maps_once
rm -rf "$work"
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The program of docs/library.md, as it stands there, loads, replaces and unloads.
. "${0%/*}/lib/tap.sh"

user=/src/build/user
export PKG_CONFIG_PATH=$user LD_LIBRARY_PATH=$user
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Where the library has not been installed
flags()
{
	pkgconf --define-variable=libdir=$user \
		--define-variable=includedir=/src/libiommufd-bpf \
		--cflags --libs libiommufd-bpf
}

guard()
{
	"$work/guard" "$@" >"$work/said" 2>&1
}

says()
{
	cat "$work/said"
	[ "$(grep -cxF -- "$1" "$work/said")" = "$2" ]
}

sed -n 's/^    //p' docs/library.md >"$work/guard.c"
# shellcheck disable=SC2046 # words
check "the program compiles" gcc -Wall -Wextra -Werror -o "$work/guard" \
	"$work/guard.c" $(flags)
check "it runs" guard $user/map_guard.bpf.o
check "it has seen its policy, before and after" \
	says "map_guard active: asked 0 times, refused 0" 2
check "it has heard of the load" says "event: add map_guard" 1
check "of the end" says "event: offline map_guard" 1
check "and of what comes after" says "event: remove map_guard" 1
check "nothing is left loaded" fails [ -e /sys/kernel/iommufd/policy/map_guard ]
check "without a policy it fails" fails guard /etc/passwd
check "and says why" grep -F "/etc/passwd is not a compiled BPF object" "$work/said"
finish

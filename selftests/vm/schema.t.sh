#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: boot=own load=no
#
# Without the module: what -j prints is as docs/schema says, failures of all
# commands alike.
. "${0%/*}/lib/command.sh"

valid=${0%/*}/lib/valid
objects=/src/build/user

# failure STATUS CODE ARG...: on stdout and nowhere else
failure()
{
	local status=$1 code=$2
	shift 2

	exits "$status" iommufd-bpf -j "$@" && "$valid" error "$out" &&
		same "$(json .error.code)" "$code" || return
	iommufd-bpf -j "$@" 2>&1 >/dev/null | fails grep ''
}

for file in $objects/*.bpf.o; do
	check "inspect $(basename "$file")" exits 0 iommufd-bpf -j inspect "$file"
	check "as its schema says" "$valid" inspect "$out"
done
echo '{"policies":["a"],"parameters":[],"more":1}' >"$out"
check "which allows no more" fails "$valid" inspect "$out"

check "inspect without a policy" failure 1 EINVAL inspect /etc/passwd
check "inspect without a file" failure 1 ENOENT inspect /none
check "no module: list" failure 1 ENODEV list
check "no module: show" failure 1 ENODEV show map_guard
check "no module: stats" failure 1 ENODEV stats
check "no module: off" failure 1 ENODEV off
check "no module: unload" failure 1 ENODEV unload map_guard
check "no module: mode" failure 1 ENODEV mode map_guard audit
check "no module: load" failure 1 ENODEV load $objects/map_guard.bpf.o
check "no module: check" failure 1 ENODEV check $objects/map_guard.bpf.o
check "no command" failure 2 EINVAL
check "not a command" failure 2 EINVAL none
check "no operand" failure 2 EINVAL inspect
check "one too many" failure 2 EINVAL list more
check "no such option" failure 2 EINVAL list --none
finish

# SPDX-License-Identifier: GPL-2.0-only
# Sourced by tests of the command iommufd-bpf.
# shellcheck shell=bash
. "${0%/*}/lib/tap.sh"

# What the command has printed
out=$(mktemp)
trap 'rm -f "$out"' EXIT

# exits STATUS COMMAND...: with just that status; $out has what it printed.
exits()
{
	local want=$1 status=0
	shift

	"$@" >"$out" 2>&1 || status=$?
	[ "$status" = "$want" ] || {
		echo "exit status $status, not $want"
		cat "$out"
		return 1
	}
}

# one_line PATTERN COMMAND...: fails with one line of error that has PATTERN.
one_line()
{
	local pattern=$1
	shift

	exits 1 "$@" || return
	[ "$(wc -l <"$out")" = 1 ] && grep -qE -- "$pattern" "$out" || {
		cat "$out"
		return 1
	}
}

json()
{
	jq -er "$1" "$out"
}

listed()
{
	iommufd-bpf -j list >"$out" && jq -er "$1" "$out"
}

# commands: those that --help has
commands()
{
	iommufd-bpf --help | sed -nE 's/^  ([a-z][a-z-]*) .*/\1/p'
}

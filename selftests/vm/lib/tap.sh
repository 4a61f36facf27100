# SPDX-License-Identifier: GPL-2.0-only
# Sourced by tests that are scripts.
# shellcheck shell=bash

tap_nr=0
tap_failed=0

# check WHAT COMMAND...: a test that COMMAND succeeds; shows what it says if not.
check()
{
	local what=$1 said
	shift

	tap_nr=$((tap_nr + 1))
	if said=$("$@" 2>&1); then
		echo "ok $tap_nr - $what"
		return
	fi
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_nr - $what"
	echo "# failed: $*"
	[ -z "$said" ] || printf '%s\n' "$said" | sed 's/^/# /'
}

# is WHAT ACTUAL EXPECTED: a test that they are the same text.
is()
{
	check "$1" same "$2" "$3"
}

same()
{
	[ "$1" = "$2" ] || { echo "'$1' is not '$2'"; return 1; }
}

# fails COMMAND...: succeeds if it does not.
fails()
{
	! "$@" || { echo "it should fail: $*"; return 1; }
}

# covered PATH COMMAND...: with nothing at PATH
covered()
{
	local path=$1 status=0
	shift

	mount -t tmpfs tmpfs "$path" || return
	"$@" || status=$?
	umount "$path"
	return $status
}

# with_unified COMMAND...: with cgroups as they are mounted beside version 1, where
# /sys/fs/cgroup is covered.
with_unified()
{
	local status=0

	mkdir /sys/fs/cgroup/unified
	mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified || return
	"$@" || status=$?
	umount /sys/fs/cgroup/unified
	return $status
}

# finish: the plan, and the exit status.
finish()
{
	echo "1..$tap_nr"
	[ "$tap_failed" = 0 ]
}

# SPDX-License-Identifier: GPL-2.0-only
# Sourced by the scripts of the laboratory, on the host and in the guest.
# shellcheck shell=bash

die()
{
	echo "${0##*/}: $*" >&2
	exit 125
}

lab_repo=$(cd "$(dirname "$0")" && while [ ! -d selftests/lab ]; do
	[ "$PWD" != / ] || exit 1; cd ..; done && pwd -P)
lab_cache=${XDG_CACHE_HOME:-~/.cache}/iommufd-bpf
# The kernel series asked for, and the tree it is in.
case ${KERNEL:=6.12} in
6.12 | debug) lab_series=6.12 lab_tree=$lab_cache/trixie ;;
7.3) lab_series=$KERNEL lab_tree=$lab_cache/trixie-$KERNEL ;;
*) die "KERNEL=$KERNEL: there are 6.12, 7.3 and debug" ;;
esac
# A machine without anything of ours.
lab_image=$lab_tree-image
# Held shared by who uses the tree, exclusively by who replaces it.
lab_lock=$lab_tree.lock

need_root()
{
	[ "$(id -u)" = 0 ] || die "needs root (it mounts and changes root): try sudo"
}

need_tree()
{
	[ -e "$lab_tree/src" ] || die "no Debian tree in $lab_tree yet: run 'make KERNEL=$KERNEL lab'"
}

# Where the debug kernel is, or would be, for it is known by what goes into it.
# In the tree that is /run/kernel.
lab_debug()
{
	local id

	id=$({ cat "$lab_repo/selftests/lab/debug.config"
		chroot "$lab_tree" dpkg-query -W "linux-source-$lab_series"; } | sha256sum)
	echo "$lab_cache/debug-${id:0:12}"
}

# The release of the debug kernel, or of the newest stock kernel of the tree
# within the series asked for.
lab_kver()
{
	if [ "$KERNEL" = debug ]; then
		cat "$(lab_debug)/include/config/kernel.release"
		return
	fi
	ls -v "$lab_tree/lib/modules" | grep "^$lab_series\." | tail -n 1
}

# test_source NAME: the file that is the test; nothing if there is none.
test_source()
{
	local file dir=selftests/vm/

	[ "${1#upstream/}" = "$1" ] || dir=selftests/
	for file in "$lab_repo/$dir$1".{t.sh,c}; do
		[ ! -e "$file" ] || echo "$file"
	done
}

# test_option NAME KEY DEFAULT: what the test asks for in a comment among its
# first lines, as in "# lab: boot=own smp=1 timeout=120".
test_option()
{
	local source value=

	source=$(test_source "$1")
	[ -z "$source" ] ||
		value=$(sed -n "1,5s/.* lab:.* $2=\([^ ]*\).*/\1/p" "$source")
	echo "${value:-$3}"
}

# test_limit NAME: for how many seconds it may run. A kernel that checks
# everything it does takes its time.
test_limit()
{
	local limit

	limit=$(test_option "$1" timeout 60)
	[ "$KERNEL" != debug ] || limit=$((limit * 4))
	echo "$limit"
}

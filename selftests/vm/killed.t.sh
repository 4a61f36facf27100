#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: timeout=900 kernel=6.12,7.3
#
# 'iommufd-bpf load', 'replace', 'unload' and 'apply' are killed before each system
# call that changes something: it is always one policy that decides, whole, and the
# next command clears up what is left.
. "${0%/*}/lib/command.sh"

guard=/src/build/user/map_guard.bpf.o
sys=/sys/kernel/iommufd/policy
pins=/sys/fs/bpf/iommufd
# Not those that only look, or end with the process as well.
calls=(bpf mkdir unlink unlinkat rmdir symlink rename flock)
# Mapped with the old policy, refused by the new one
size=8M
dir=/tmp/killed.d
old=(--set max_mapping_mib=16)
new=(--set max_mapping_mib=4)

quiet()
{
	"$@" >/dev/null 2>&1
}

# pinned: without ids, which change
pinned()
{
	[ ! -e $pins ] || find $pins -mindepth 1 | sed 's/maps_[0-9]*/maps_ID/' | sort
}

# in_force: old, new or none. A policy refuses with the errno of what it refuses.
in_force()
{
	[ -e $sys/map_guard ] || { echo none; return; }
	quiet iommufd-bpf map-test --size $size && echo old || echo new
}

ioases_id()
{
	bpftool -j map show pinned "$1/ioases" | jq .id
}

# Where the maps of the policy in force are
maps_in_force()
{
	echo "$pins/map_guard/maps_$(bpftool -j link show pinned $pins/map_guard/link |
		jq .map_id)"
}

# killed CALL N COMMAND...: before its Nth CALL. Fails if it does not get there.
killed()
{
	local call=$1 n=$2 status=0
	shift 2

	quiet strace -f -qq -o /dev/null -e trace="$call" \
		-e inject="$call:signal=KILL:when=$n" "$@" || status=$?
	[ $status = 137 ]
}

# is_whole STATE: what there is when this one is in force, and nothing is left over.
is_whole()
{
	same "$(in_force)" "$1" || return
	case $1 in
	none) same "$(pinned)" "" ;;
	*)
		same "$(pinned)" "$whole" &&
			same "$(readlink -f $pins/map_guard/maps)" "$(maps_in_force)"
		;;
	esac
}

after_load()
{
	local state
	state=$(in_force)
	[ "$state" != new ] || { echo "what was loaded refuses"; return 1; }
	if [ "$state" = old ]; then
		# It was killed when all was done.
		is_whole old && exits 1 iommufd-bpf load $guard "${old[@]}" || return
	else
		exits 0 iommufd-bpf load $guard "${old[@]}" || return
	fi
	is_whole old && exits 0 iommufd-bpf unload map_guard && is_whole none
}

after_replace()
{
	local state id
	state=$(in_force)
	[ "$state" != none ] || { echo "there is no policy"; return 1; }
	id=$(ioases_id "$(maps_in_force)")
	if [ "$state" = old ]; then
		same "$id" "$old_id"
	else
		fails same "$id" "$old_id" >/dev/null
	fi || { echo "$state, with map $id; the old one had $old_id"; return 1; }
	# Whoever takes the lock clears up.
	exits 1 iommufd-bpf unload nobody && is_whole "$state" || return
	same "$(ioases_id $pins/map_guard/maps)" "$id" || return
	exits 0 iommufd-bpf replace map_guard $guard "${old[@]}" && is_whole old
}

after_unload()
{
	case $(in_force) in
	none)
		# What is pinned then is a link of no policy, or nothing.
		if [ -e $pins/map_guard/link ]; then
			exits 0 iommufd-bpf unload map_guard
		else
			exits 1 iommufd-bpf unload map_guard
		fi && is_whole none && exits 0 iommufd-bpf load $guard "${old[@]}"
		;;
	old) ;;
	*) echo "another policy decides"; return 1 ;;
	esac && is_whole old
}

# conf MIB: a file that says what 'old' or 'new' does
conf()
{
	printf '[policy]\nfile = %s\n[parameters]\nmax_mapping_mib = %s\n' $guard "$1" \
		>$dir/map_guard.conf
}

old_is_applied()
{
	conf 16
	exits 0 iommufd-bpf apply $dir && is_whole old && conf 4
}

after_apply()
{
	[ "$(in_force)" != none ] || { echo "there is no policy"; return 1; }
	exits 0 iommufd-bpf apply $dir && is_whole new &&
		same "$(ls -A /run/iommufd-bpf)" map_guard &&
		exits 0 iommufd-bpf apply $dir && grep -q unchanged "$out"
}

# points COUNT: of so many calls the first, the one in the middle, and the last: what
# is before those prepares what the process takes with it.
points()
{
	seq 1 "$1" | awk -v all="$1" \
		'$1 == 1 || $1 == int(all / 2) || $1 > all - 8'
}

# loop BEFORE AFTER COMMAND...: kills COMMAND everywhere.
loop()
{
	local before=$1 after=$2 call n all
	shift 2

	nr_points=0
	for call in "${calls[@]}"; do
		$before || return
		all=$(strace -f -qq -e trace="$call" -o /dev/stdout "$@" 2>/dev/null |
			grep -c "$call(")
		$after || return
		for n in $(points "$all"); do
			$before || return
			killed "$call" "$n" "$@" || {
				echo "it did not die of call $n of $all of $call"
				return 1
			}
			$after || { echo "killed before call $n of $all of $call"; return 1; }
			nr_points=$((nr_points + 1))
		done
	done
}

is_clear()
{
	is_whole none
}

is_old()
{
	is_whole old || return
	old_id=$(ioases_id $pins/map_guard/maps)
}

# The same, at many points. A check runs what it checks in a shell of its own.
everywhere()
{
	loop "$@" || return
	echo "# $nr_points points" >"$out.points"
	[ $nr_points -gt 10 ] || { echo "only $nr_points points"; return 1; }
}

exits 0 iommufd-bpf load $guard "${old[@]}"
whole=$(pinned)
check "a policy is loaded" is_whole old
is "with its link and its map" "$whole" "$pins/map_guard
$pins/map_guard/link
$pins/map_guard/maps
$pins/map_guard/maps_ID
$pins/map_guard/maps_ID/ioases"
check "it is replaced" exits 0 iommufd-bpf replace map_guard $guard "${new[@]}"
check "and whole" is_whole new
check "it is unloaded" exits 0 iommufd-bpf unload map_guard
check "and nothing is left" is_whole none

check "load may be killed" everywhere is_clear after_load iommufd-bpf load $guard "${old[@]}"
cat "$out.points"
check "loaded again" exits 0 iommufd-bpf load $guard "${old[@]}"
check "replace may be killed" everywhere is_old after_replace \
	iommufd-bpf replace map_guard $guard "${new[@]}"
cat "$out.points"
check "unload may be killed" everywhere is_old after_unload iommufd-bpf unload map_guard
cat "$out.points"
quiet iommufd-bpf unload map_guard
mkdir $dir
check "apply may be killed" everywhere old_is_applied after_apply iommufd-bpf apply $dir
cat "$out.points"
rm $dir/map_guard.conf
check "what was applied goes" exits 0 iommufd-bpf apply --prune $dir
check "nothing is left" is_whole none
rmdir $dir
rm -f "$out.points"
finish

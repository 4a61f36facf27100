#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: timeout=240
#
# watch shows what happens and who decided it, and audit is read by it.
. "${0%/*}/lib/tap.sh"

valid=${0%/*}/lib/valid
build=/src/build/user
work=$(mktemp -d)
out=$work/out
watcher=
device=$(for dev in /sys/bus/pci/devices/*; do
	grep -qx 0x11e8 "$dev/device" && basename "$dev"; done)

# begin_watch ARGS...: with lines of JSON in $out; not in a subshell, for end_watch.
begin_watch()
{
	: >"$work/err"
	iommufd-bpf -j watch "$@" >"$out" 2>"$work/err" &
	await_watching "$work/err"
}

# await_watching FILE: what the last command says there
await_watching()
{
	watcher=$!
	for _ in {1..100}; do
		! grep -q '^watching' "$1" || return 0
		kill -0 $watcher 2>/dev/null || return 0
		sleep 0.1
	done
}

# end_watch [SIGNAL]: $ended is its exit status; 137 if it took longer than 10 s.
end_watch()
{
	local killer

	[ -z "${1-}" ] || { sleep 0.5; kill -"$1" $watcher; }
	(sleep 10; kill -KILL $watcher) >/dev/null 2>&1 &
	killer=$!
	ended=0
	wait $watcher || ended=$?
	kill $killer 2>/dev/null
}

# seen FILTER: the first of the events in $out that it selects, or nothing.
seen()
{
	jq -cr "$1" "$out" | head -n 1
}

begin_watch
check "watching" grep -q watching "$work/err"
iommufd-bpf load $build/map_guard.bpf.o --set max_mapping_mib=1 >/dev/null
iommufd-bpf map-test --size 4K >/dev/null
iommufd-bpf map-test --size 2M >/dev/null 2>&1
iommufd-bpf unload map_guard
end_watch INT
is "ends on SIGINT" "$ended" 0
check "each line is as its schema says" "$valid" watch "$out" lines
is "the refusal is there, with policy, user and process" \
	"$(seen 'select(.event == "decision" and .code == "EDQUOT") |
		[.policy, .hook, .user, .uid, .comm, .mode]')" \
	'["map_guard","map","root",0,"iommufd-bpf","enforce"]'
is "so is what it allowed" \
	"$(seen 'select(.event == "decision" and .answer == 0) | .policy')" map_guard
is "and the map that failed for it" \
	"$(seen 'select(.event == "map" and .length == 2097152) | .code')" EDQUOT
is "a cgroup is a path" \
	"$(seen 'select(.event == "map") | .cgroup | type')" string
is "the end of the policy" \
	"$(seen 'select(.event == "exit") | [.policy, .kind]')" '["map_guard",1]'
is "how many were lost is said last" \
	"$(tail -n 1 "$out" | jq -c '[.event, .lost]')" '["end",0]'
is "and how many were seen" "$(tail -n 1 "$out" | jq .seen)" \
	$(($(wc -l <"$out") - 1))

# Of another user and another cgroup.
mkdir /sys/fs/cgroup/watched
chmod 666 /dev/iommu
begin_watch --refused --count 2
check "watching what is refused" grep -q watching "$work/err"
iommufd-bpf load $build/map_guard.bpf.o --set max_mapping_mib=1 >/dev/null
iommufd-bpf map-test --size 4K >/dev/null
sh -c 'echo $$ >/sys/fs/cgroup/watched/cgroup.procs
	exec setpriv --reuid 65534 --clear-groups iommufd-bpf map-test --size 2M' \
	>/dev/null 2>&1
end_watch
is "ends after two events" "$ended" 0
check "as the schema says" "$valid" watch "$out" lines
is "who was refused, and where" \
	"$(seen 'select(.event == "decision") | [.code, .user, .uid, .cgroup]')" \
	'["EDQUOT","nobody",65534,"/watched"]'
is "nothing else is shown" "$(jq -cs '[.[] | .event]' "$out")" \
	'["decision","map","end"]'
chmod 660 /dev/iommu
rmdir /sys/fs/cgroup/watched

iommufd-bpf load $build/map_guard.bpf.o --set max_mapping_mib=1 >/dev/null
script -qfec 'iommufd-bpf watch --policy map_guard --count 2' /dev/null \
	>"$out" </dev/null &
await_watching "$out"
iommufd-bpf map-test --size 4K >/dev/null
iommufd-bpf map-test --size 2M >/dev/null 2>&1
end_watch
is "ends on a terminal, too" "$ended" 0
check "what was allowed has no colour" grep -q '^[^'$'\033'']*: allowed[^'$'\033'']*$' "$out"
check "what was refused is red" grep -q $'\033\\[31m''.*: refused with EDQUOT.*'$'\033\\[0m' "$out"
iommufd-bpf unload map_guard

begin_watch --policy other
check "watching one policy" grep -q watching "$work/err"
iommufd-bpf map-test --size 2M >/dev/null 2>&1
end_watch TERM
is "ends on SIGTERM" "$ended" 0
is "there was nothing of it" "$(jq -c '[.seen, .lost]' "$out")" '[0,0]'
iommufd-bpf unload map_guard

begin_watch --charges
check "watching charges" grep -q watching "$work/err"
iommufd-bpf dma-test --device "$device" >/dev/null
end_watch INT
is "ends" "$ended" 0
check "each line is right" "$valid" watch "$out" lines
is "a charge" "$(seen 'select(.event == "charge") | [.pages, .comm, .code]')" \
	'[1,"iommufd-bpf",null]'
is "is of the context of the attach" "$(seen 'select(.event == "charge") | .ctx')" \
	"$(seen 'select(.event == "attach") | .ctx')"
is "what is given back" "$(seen 'select(.event == "uncharge") | .pages')" 1
is "an attach" "$(seen 'select(.event == "attach") | .device')" "$device"
is "a detach" "$(seen 'select(.event == "detach") | .device')" "$device"

# The policy that refuses nothing
check "audit is loaded" iommufd-bpf load $build/audit.bpf.o
begin_watch --audit audit
check "watching it" grep -q watching "$work/err"
check "it refuses nothing" iommufd-bpf map-test --size 8K
check "nor a device" iommufd-bpf dma-test --device "$device"
end_watch INT
is "ends" "$ended" 0
check "each line is right" "$valid" watch "$out" lines
is "a map with who asked" \
	"$(seen 'select(.hook == "map" and .length == 8192) |
		[.op, .pages, .user, .comm, .mem]')" '["ioas_map",2,"root","iommufd-bpf",1]'
is "each hook was there" "$(jq -rs '[.[] | .hook // empty] | unique | join(" ")' "$out")" \
	"attach charge detach iova_alloc map unmap"
is "the device is named" "$(seen 'select(.hook == "attach") | .device')" "$device"
is "none was lost" "$(tail -n 1 "$out" | jq -c '[.event, .lost]')" '["end",0]'
is "numbers follow each other" \
	"$(jq -cs '[.[] | .seq // empty] | . == [range(.[0]; .[0] + length)]' "$out")" true
check "it is unloaded" iommufd-bpf unload audit

check "with parameters" iommufd-bpf load $build/audit.bpf.o --name quiet \
	--set maps=false --set addresses=false --set charges=false
begin_watch --audit quiet --count 2
check "watching it by its name" grep -q watching "$work/err"
check "devices alone" iommufd-bpf dma-test --device "$device"
end_watch
is "it ends by itself" "$ended" 0
is "are written" "$(jq -cs '[.[] | .hook // empty]' "$out")" '["attach","detach"]'
check "it is unloaded, too" iommufd-bpf unload quiet
check "with others" iommufd-bpf load $build/audit.bpf.o --name large \
	--set attaches=false --set addresses=false --set min_pages=3
begin_watch --audit large
check "watching that" grep -q watching "$work/err"
check "devices" iommufd-bpf dma-test --device "$device"
check "few pages" iommufd-bpf map-test --size 8K
check "and more" iommufd-bpf map-test --size 12K
end_watch INT
is "only those are written" "$(jq -rs '[.[] | select(.hook) |
	"\(.hook) \(.length / 4096)"] | unique | join(",")' "$out")" "map 3,unmap 3"
check "it goes" iommufd-bpf unload large

# says PATTERN COMMAND...: fails with one line that has PATTERN.
says()
{
	local pattern=$1
	shift

	"$@" >"$out" 2>&1 && return 1
	[ "$(wc -l <"$out")" = 1 ] && grep -qE -- "$pattern" "$out" || { cat "$out"; return 1; }
}

check "a policy that is not there" says "policy 'none' has no events .*iommufd-bpf load" \
	iommufd-bpf watch --audit none
check "not root" says 'run this as root' \
	setpriv --reuid 65534 --clear-groups iommufd-bpf watch
check "options that do not go together" says 'goes with --count alone' \
	iommufd-bpf watch --audit audit --refused
for verb in areas pins map top watch doctor; do
	check "help of $verb" iommufd-bpf $verb --help
done
for verb in areas pins map top; do
	check "$verb, not root" says 'run this as root' \
		setpriv --reuid 65534 --clear-groups iommufd-bpf $verb
	setpriv --reuid 65534 --clear-groups iommufd-bpf -j $verb >"$out"
	check "$verb, the same as JSON" "$valid" $verb "$out"
	is "$verb, with a code" "$(jq -r .error.code "$out")" EPERM
done
check "a sort that is not there" says 'not one of ctx, iova' iommufd-bpf areas --sort colour
check "a number that is none" says 'not a number' iommufd-bpf map --ctx one
rm -rf "$work"
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: timeout=150
#
# The bpftool of tools/bpftool with policies, which are struct_ops of a module,
# beside a struct_ops of vmlinux.
. "${0%/*}/lib/tap.sh"

build=/src/build
policy=$build/user/map_guard.bpf.o
pins=/sys/fs/bpf/bpftool-test
out=$(mktemp)
tcp=tcp_congestion_ops
ops=iommufd_policy_ops

bpftool()
{
	"$build/bpftool/bpftool" "$@"
}

# says PATTERN COMMAND...: it succeeds, with a line that PATTERN is all of; what
# there is besides does not matter.
says()
{
	local pattern=$1
	shift

	"$@" >"$out" 2>&1 && grep -qxE -- "$pattern" "$out" || {
		cat "$out"
		return 1
	}
}

# refuses PATTERN COMMAND...: it fails, with such a line.
refuses()
{
	local pattern=$1 status=0
	shift

	"$@" >"$out" 2>&1 || status=$?
	[ "$status" = 255 ] && grep -qxE -- "$pattern" "$out" || {
		echo "exit status $status"
		cat "$out"
		return 1
	}
}

# json FILTER COMMAND...: what is in the JSON that it prints.
json()
{
	local filter=$1
	shift

	"$@" | jq -cer "$filter"
}

# map_id NAME: of the struct_ops map called that.
map_id()
{
	json ".[] | select(.name == \"$1\") | .id" bpftool -j struct_ops list
}

listed()
{
	json '[.[] | "\(.name) \(.kernel_struct_ops)"] | sort | join(", ")' \
		bpftool -j struct_ops "$@"
}

in_force()
{
	[ -e /sys/kernel/iommufd/policy/"$1" ]
}

# dumped FILTER ARGS...: what is in the policy that 'struct_ops dump' shows.
dumped()
{
	local filter=$1
	shift

	json ".[].bpf_struct_ops_$ops | select(.) | $filter" \
		bpftool "$@"
}

# Every hook is shown with the name and the id of its program.
hooks_are_programs()
{
	local hooks program name
	hooks=$(dumped '.data[] | strings | capture(" (?<p>[^ ]+/prog_id:[0-9]+)$").p' \
		-j struct_ops dump name map_guard) || return

	for program in $hooks; do
		name=$(json .name bpftool -j prog show id "${program#*:}") || return
		# The kernel keeps 15 characters; of BTF there may be all.
		same "${name:0:15}" "$(cut -c -15 <<<"${program%%/*}")" || return
	done
}

check "struct_ops of vmlinux are registered" \
	says "Registered $tcp tcp_linked map id [0-9]+ link id [0-9]+" \
	bpftool struct_ops register $build/user/tests/bpf/tcp.bpf.o $pins
check "with a link or without" grep -qxE "Registered $tcp tcp_plain id [0-9]+" "$out"
is "they are listed" "$(listed list)" "tcp_linked $tcp, tcp_plain $tcp"

check "a policy is loaded" iommufd-bpf load $policy
id=$(map_id map_guard)
is "it is listed beside them" "$(listed list)" \
	"map_guard $ops, tcp_linked $tcp, tcp_plain $tcp"
check "and without -j" says "$id: map_guard +$ops *" bpftool struct_ops list
check "so are the others" grep -qxE "[0-9]+: tcp_plain +$tcp *" "$out"
is "show by name" "$(listed show name map_guard)" "map_guard $ops"
is "show by id" "$(listed show id "$id")" "map_guard $ops"
check "show of nothing" refuses 'Error: no struct_ops found for none' \
	bpftool struct_ops show name none

is "dump has the name" "$(dumped .data.name -j struct_ops dump name map_guard)" map_guard
is "and the flags" "$(dumped '.data.flags % 2' -j struct_ops dump id "$id")" 1
is "and the state" "$(dumped .common.state -j struct_ops dump id "$id")" \
	BPF_STRUCT_OPS_STATE_READY
check "and the hooks" hooks_are_programs
is "without -j too" "$(dumped .data.name struct_ops dump name map_guard)" map_guard
is "and what a map is of" \
	"$(json '.[].bpf_map_info | select(.) | .name' bpftool -j struct_ops dump id "$id")" \
	map_guard
is "dump of all" "$(json '[.[] | keys[]] | group_by(.) | map("\(length) \(.[0])") | join(", ")' \
	bpftool -j struct_ops dump)" \
	"3 bpf_map_info, 1 bpf_struct_ops_$ops, 2 bpf_struct_ops_$tcp"
is "dump of one of vmlinux" \
	"$(json ".[1].bpf_struct_ops_$tcp.data.name" bpftool -j struct_ops dump name tcp_plain)" \
	lab_plain

is "map dump" "$(json '.[].value.data.name' bpftool map dump id "$id")" map_guard
is "map dump -j" "$(json '.[].formatted.value.data.name' bpftool -j map dump id "$id")" \
	map_guard
is "map lookup" "$(json '.value.data.name' bpftool map lookup id "$id" key 0 0 0 0)" \
	map_guard
is "map lookup -j" "$(json '.formatted.value.data.name' \
	bpftool -j map lookup id "$id" key 0 0 0 0)" map_guard
is "map dump of one of vmlinux" \
	"$(json '.[].value.data.name' bpftool map dump name tcp_linked)" lab_linked

check "what the command has loaded can be unregistered" \
	says "Unregistered $ops map_guard id $id" \
	bpftool struct_ops unregister name map_guard
check "it is not in force any more" fails in_force map_guard
is "the command knows" "$(json '.[].state' iommufd-bpf -j list)" detached
check "and clears the pin" iommufd-bpf unload map_guard
is "none is listed" "$(listed list)" "tcp_linked $tcp, tcp_plain $tcp"

check "register" says "Registered $ops map_guard map id [0-9]+ link id [0-9]+" \
	bpftool struct_ops register $policy $pins
check "it is in force" in_force map_guard
check "and pinned" [ -e $pins/map_guard ]
is "and what the pin says" "$(json .map_id bpftool -j link show pinned $pins/map_guard)" \
	"$(map_id map_guard)"
is "and the command says" "$(json '.[] | "\(.name) \(.state)"' iommufd-bpf -j list)" \
	"map_guard active"
check "the name is taken" refuses "Error: can't register struct_ops map_guard: File exists" \
	bpftool struct_ops register $policy
id=$(map_id map_guard)
check "unregister" says "Unregistered $ops map_guard id $id" \
	bpftool struct_ops unregister id "$id"
check "it is not in force" fails in_force map_guard
check "nor there" refuses 'Error: no struct_ops found for map_guard' \
	bpftool struct_ops unregister name map_guard
check "the pin is left" rm $pins/map_guard

is "register -j" "$(json 'tojson' bpftool -j struct_ops register $policy $pins)" null
check "is in force" in_force map_guard
is "unregister -j" "$(json 'tojson' bpftool -j struct_ops unregister name map_guard)" null
check "is not" fails in_force map_guard
rm -f $pins/map_guard
check "a link that nobody keeps" \
	says "Registered $ops map_guard map id [0-9]+ link id [0-9]+" \
	bpftool struct_ops register $policy
check "goes with the command" fails in_force map_guard

check "a policy that is in no link" \
	bpftool prog loadall $policy $pins/progs pinmaps $pins/maps
check "is listed" says "[0-9]+: map_guard +$ops *" bpftool struct_ops list
check "and is not registered" refuses \
	"Error: can't unload $ops map_guard id [0-9]+: No such file or directory" \
	bpftool struct_ops unregister name map_guard
rm -rf $pins/progs $pins/maps

check "a policy that wants no link is refused" \
	refuses "Error: can't register struct_ops legacy: Operation not supported" \
	bpftool struct_ops register $build/user/tests/bpf/answer.bpf.o
is "in JSON" "$(bpftool -j struct_ops register $build/user/tests/bpf/answer.bpf.o |
	jq -r .error)" "can't register struct_ops legacy: Operation not supported"

check "those of vmlinux are unregistered" \
	says "Unregistered $tcp tcp_plain id [0-9]+" \
	bpftool struct_ops unregister name tcp_plain
check "with a link too" says "Unregistered $tcp tcp_linked id [0-9]+" \
	bpftool struct_ops unregister name tcp_linked
rm -r $pins
is "nothing is left" "$(bpftool -j struct_ops list)" "[]"
is "of policies either" "$(json length iommufd-bpf -j list)" 0
rm "$out"
finish

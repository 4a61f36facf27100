#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: boot=own load=no timeout=400
#
# What -j prints is as docs/schema says: of each command, of policies in each state,
# and of failures, which are alike.
. "${0%/*}/lib/command.sh"

valid=${0%/*}/lib/valid
objects=/src/build/user

# What was printed is kept, by schema, for Python takes seconds to look at it.
documents=$(mktemp -d)
keep()
{
	cp "$out" "$(mktemp "$documents/$1.XXXXXX")"
}

# failure STATUS CODE ARG...: on stdout and nowhere else
failure()
{
	local status=$1 code=$2
	shift 2

	exits "$status" iommufd-bpf -j "$@" && keep error &&
		same "$(json .error.code)" "$code" || return
	iommufd-bpf -j "$@" 2>&1 >/dev/null | fails grep ''
}

for file in $objects/*.bpf.o; do
	check "inspect $(basename "$file")" exits 0 iommufd-bpf -j inspect "$file"
	keep inspect
done
echo '{"policies":["a"],"parameters":[],"more":1}' >"$out"
check "a schema allows no more than it has" fails "$valid" inspect "$out"

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

for name in $(commands); do
	check "there is a schema of $name" test -e "${0%/*}/../../docs/schema/$name.json"
done

# prints COMMAND ARG...: what its schema says
prints()
{
	exits 0 iommufd-bpf -j "$@" && keep "$1"
}

# fails_so STATUS COMMAND ARG...: with what there was to show before
fails_so()
{
	local status=$1
	shift

	exits "$status" iommufd-bpf -j "$@" && keep "$1" &&
		json .error.message
}

# are_seen STATE NAME: by each command that shows policies
are_seen()
{
	prints list && same "$(json ".[] | select(.name == \"$2\").state")" "$1" &&
		prints show "$2" && same "$(json .state)" "$1" && prints stats &&
		prints stats "$2"
}

rogue=$objects/tests/bpf/rogue.bpf.o
guard=$objects/map_guard.bpf.o
check "the module is loaded" /src/selftests/lab/guest/load
check "no bpf filesystem: load" covered /sys/fs/bpf failure 1 ENOENT load $guard
is "says how to mount it" "$(json .error.message | grep -c 'mount -t bpf bpf /sys/fs/bpf')" 1
check "no BTF of the module: load" covered /sys/kernel/btf failure 1 EOPNOTSUPP load $guard
is "says how to build it" "$(json .error.message | grep -c 'with pahole installed')" 1
check "no policy: list" prints list
is "is empty" "$(json length)" 0
check "a good policy: check" prints check $guard
check "load" prints load $guard --set max_mapping_mib=1
is "says which" "$(json .name)" map_guard
check "a second time: load" failure 1 EEXIST load $guard
check "active" are_seen active map_guard
check "map-test" prints map-test
check "a refused map-test" fails_so 1 map-test --size 2M
is "says by whom" "$(json .refused_by.policy)" map_guard
check "replace" prints replace map_guard $guard --set max_mapping_mib=1
check "mode" prints mode map_guard audit
check "in audit mode" are_seen active map_guard
is "as it says" "$(json '.[0].mode')" audit
check "a mapping that is audited" prints map-test --size 2M
is "as is counted" "$(prints stats; json '.[0].map_audited')" 1
check "unload" prints unload map_guard
check "again: unload" failure 1 ENOENT unload map_guard
check "what is not there: show" failure 1 ENOENT show map_guard
check "what is not there: mode" failure 1 ENOENT mode map_guard audit
check "what is not there: replace" failure 1 ENOENT replace map_guard $guard

check "a wrong one that fails open: load" prints load $rogue --set answer=77 --fail open \
	--name opened
check "fails a request: map-test" fails_so 1 map-test
check "ejected" are_seen ejected opened
check "one that fails closed: load" prints load $rogue --set answer=77 --fail closed \
	--name shut
check "fails a request, too: map-test" fails_so 1 map-test
check "closed" are_seen closed shut
mkdir /sys/fs/cgroup/schema
check "one for a cgroup: load" prints load $rogue --set answer=-1 --name alone \
	--scope cgroup:/schema --priority -5
rmdir /sys/fs/cgroup/schema
check "orphaned" are_seen orphaned alone
check "one that is detached by others: load" prints load $guard --name apart
bpftool link detach pinned /sys/fs/bpf/iommufd/apart/link
check "detached" are_seen detached apart
check "one more: load" prints load $guard --name last
check "off" prints off
check "off, too" are_seen off last
for name in opened shut alone apart last; do
	check "unload" prints unload $name
done

confs=$(mktemp -d)
printf '[policy]\nfile = %s\nname = first\n' $guard >"$confs/first.conf"
check "apply" prints apply --dry-run "$confs"
check "apply" prints apply "$confs"
check "apply" prints apply "$confs"
is "changes nothing then" "$(json '.policies[0].action')" unchanged
printf '[policy]\nfile = /none\n' >"$confs/second.conf"
check "apply that fails" fails_so 1 apply "$confs"
rm -r "$confs"
mkdir "$confs"
check "apply of nothing" prints apply --prune "$confs"
is "unloads" "$(json '.policies[0].action')" unloaded
rmdir "$confs"

check "dma-test --list" prints dma-test --list
check "dma-test" prints dma-test --device \
	"$(json '[.[] | select(.driver == "vfio-pci")][0].device')"
check "a device that is none: dma-test" fails_so 1 dma-test --device 0000:ff:1f.7
is "does not get far" "$(json '[.error.code, .steps[0].ok] | tojson')" '["ENOENT",false]'
iommufd-bpf -j doctor >"$out"
check "doctor" keep doctor

check "each of $(ls "$documents" | wc -l) documents is as its schema says" \
	"$valid" "$documents"
rm -r "$documents"
finish

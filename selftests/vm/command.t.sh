#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: timeout=120
#
# The command iommufd-bpf and the policy map_guard, as an operator uses them.
. "${0%/*}/lib/command.sh"

policy=/src/build/user/map_guard.bpf.o
pins=/sys/fs/bpf/iommufd
device=$(for dev in /sys/bus/pci/devices/*; do
	grep -qx 0x11e8 "$dev/device" && basename "$dev"; done)

check "help" exits 0 iommufd-bpf --help
for verb in inspect check load replace unload list show mode stats off map-test dma-test; do
	check "help of $verb" exits 0 iommufd-bpf $verb --help
done
check "unknown verb is wrong usage" exits 2 iommufd-bpf no-such-thing
check "list of nothing" exits 0 iommufd-bpf -j list
is "is an empty list" "$(json length)" 0

check "a file that is not there" one_line 'cannot open /none' iommufd-bpf load /none
check "a file that is no policy" one_line 'not a compiled BPF object' \
	iommufd-bpf load /etc/passwd
check "a parameter that is not there" one_line 'max_mapping_mib' \
	iommufd-bpf load $policy --set no_such=1
check "a value that is no number" one_line 'max_mapping_mib' \
	iommufd-bpf load $policy --set max_mapping_mib=many
check "nothing to unload" one_line 'no policy .map_guard. is loaded' \
	iommufd-bpf unload map_guard
check "not root" one_line 'root' setpriv --reuid 65534 --clear-groups \
	iommufd-bpf load $policy
check "an error as JSON" exits 1 iommufd-bpf -j unload map_guard
is "has a code" "$(json .error.code)" ENOENT
check "and a message" json .error.message

# For a module to come, or none: the error says what this one lacks.
lacks()
{
	local what=$1 object=/src/build/user/tests/bpf/$2.bpf.o
	shift 2

	one_line "it uses $what, which neither the loaded iommufd nor this kernel has" \
		iommufd-bpf load "$object" "$@"
}

newer=/src/build/user/tests/bpf/newer.bpf.o
check "a newer policy that looks before it uses" exits 0 \
	iommufd-bpf load $newer --policy newer
check "is unloaded" exits 0 iommufd-bpf unload newer
check "a hook that is missing" lacks 'struct iommufd_policy_ops\.resize' newer \
	--policy newer_hook
check "a data member that is missing" lacks 'struct iommufd_policy_ops\.budget' \
	newer --policy newer_data
check "a member of a request that is missing" lacks \
	'struct iommufd_policy_map_request\.colour' newer --policy newer_member
check "an enumerator that is missing" lacks \
	'enum iommufd_policy_mem::IOMMUFD_POLICY_MEM_NEWER' newer --policy newer_value
check "a function that is missing" lacks 'function iommufd_policy_paint' newer \
	--policy newer_function
check "a function it insists on" lacks 'function iommufd_policy_paint' strong
check "an older policy" exits 0 iommufd-bpf load \
	/src/build/user/tests/bpf/older.bpf.o
check "is unloaded, too" exits 0 iommufd-bpf unload older
check "the policy in the header" exits 0 iommufd-bpf load \
	/src/build/user/tests/bpf/example.bpf.o
check "is unloaded by its name" exits 0 iommufd-bpf unload root_only

check "inspect" exits 0 iommufd-bpf -j inspect $policy
check "shows the parameters" grep -q max_mapping_mib "$out"

check "load" exits 0 iommufd-bpf load $policy --set max_mapping_mib=4
check "its pin is there" [ -e $pins/map_guard/link ]
check "the name is taken" one_line 'unload or replace it' \
	iommufd-bpf load $policy
check "what is within the limit is allowed" exits 0 iommufd-bpf map-test --size 4M
check "what is beyond is refused" exits 1 iommufd-bpf -j map-test --size 8M
is "with the errno of the policy" "$(json .error.code)" EDQUOT
is "and its name" "$(json .refused_by.policy)" map_guard
is "and its hook" "$(json .refused_by.hook)" map
is "list names it" "$(listed '.[].name')" map_guard
is "list has its state" "$(listed '.[].state')" active
is "list counts what it was asked" "$(listed '.[].map_asked')" 2
is "list counts what it refused" "$(listed '.[].map_refused')" 1
is "list has its pin" "$(listed '.[].pinned')" $pins/map_guard/link
is "bpftool has its link" "$(bpftool -j link show | jq -r \
	--argjson id "$(listed '.[].link_id')" \
	'.[] | select(.id == $id) | .type')" struct_ops

check "replace" exits 0 iommufd-bpf replace map_guard $policy --set max_mapping_mib=16
check "the new limit is in force" exits 0 iommufd-bpf map-test --size 8M
is "the counters go on" "$(listed '.[].map_asked')" 3
check "replace of nothing" one_line "no policy 'other' is loaded" \
	iommufd-bpf replace other $policy

# A filesystem of pages that are pinned as they are.
ramfs=$(mktemp -d)
mount -t ramfs ramfs "$ramfs"
head -c 8192 /dev/urandom >"$ramfs/file"
check "a device may not write to a file" exits 1 \
	iommufd-bpf -j map-test --size 8K --file "$ramfs/file"
is "and is told why" "$(json .error.code)" EACCES
check "a device may read a file" exits 0 \
	iommufd-bpf map-test --size 8K --file "$ramfs/file" --read-only
check "unload" exits 0 iommufd-bpf unload map_guard
check "another name" exits 0 iommufd-bpf load $policy --name guard2 \
	--set deny_writable_file=false
check "without the rule it may write" exits 0 \
	iommufd-bpf map-test --size 8K --file "$ramfs/file"
umount "$ramfs"

check "a policy that is off" sh -c 'echo 1 >/sys/kernel/iommufd/off'
is "is listed as such" "$(listed '.[].state')" off
check "and replaced" exits 0 iommufd-bpf replace guard2 $policy --set max_mapping_mib=1
is "decides again" "$(listed '.[].state')" active
check "which shows" exits 1 iommufd-bpf map-test --size 2M
check "unload by the other name" exits 0 iommufd-bpf unload guard2
check "no pin is left" fails [ -e $pins/guard2 ]
is "nothing is left" "$(listed length)" 0

check "DMA" exits 0 iommufd-bpf -j dma-test --device "$device"
is "was the same byte for byte, and stopped where it had to" \
	"$(json '[.steps[] | select(.ok | not)] | length')" 0
check "DMA with a device that is not there" exits 1 \
	iommufd-bpf dma-test --device 0000:77:00.0
check "says so" grep -q 'no PCI device 0000:77:00.0' "$out"
rm -rf "$ramfs"
finish

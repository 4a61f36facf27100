#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: timeout=90
#
# The events iommufd:* tell what has happened, with true values.
. "${0%/*}/lib/tap.sh"

trace=/sys/kernel/tracing
events=$trace/events/iommufd
device=$(for dev in /sys/bus/pci/devices/*; do
	grep -qx 0x11e8 "$dev/device" && basename "$dev"; done)

# traced EVENT PATTERN: the buffer has such an event.
traced()
{
	grep -E ": iommufd_$1: $2\$" $trace/trace || {
		cat $trace/trace
		return 1
	}
}

count()
{
	grep -cE ": iommufd_$1: " $trace/trace
}

json()
{
	jq -r "$1" /tmp/said
}

is "there is an event for each thing that happens" \
	"$(cd $events && echo iommufd_*/)" \
	"$(printf 'iommufd_%s/ ' attach charge copy detach map map_file policy_decision \
		policy_exit uncharge unmap | sed 's/ $//')"

echo >$trace/trace
echo 1 >$events/enable

iommufd-bpf -j map-test --size 8K >/tmp/said
iova=$(printf 0x%x "$(json .iova)")
check "a map" traced map \
	"ctx=[0-9]+ ioas=1 iova=$iova length=0x2000 uptr=0x[0-9a-f]+ flags=0x6 error=0"
is "asks no policy, as there is none" "$(count policy_decision)" 0

# The command neither copies nor maps files: two tests do.
tests=${0%/*}/../../build/user/tests
echo >$trace/trace
{ TEST=all_of_an_area "$tests/copy"
	TEST=a_device_reads_and_writes_it "$tests/map_file"; } >/dev/null 2>&1
check "a copy" traced copy \
	"ctx=[0-9]+ src_ioas=1 src_iova=0x1000000 dst_ioas=2 dst_iova=0x1000000 length=0x10000 flags=0x7 error=0"
check "a file" traced map_file \
	"ctx=[0-9]+ ioas=1 iova=0x1000000 length=0x4000 fd=[0-9]+ start=0x2000 flags=0x7 error=0"

# A group that leaves twice, with something mapped
echo >$trace/trace
TEST=the_group_leaves "$tests/type1_leave" >/dev/null 2>&1
check "what the last group leaves" traced unmap \
	"ctx=[0-9]+ ioas=1 iova=0x0 length=0xffffffffffffffff unmapped=0x10000 error=0"
is "and nothing else is unmapped" "$(count unmap)" 2

# IOAS_MAP flags: 1 fixed, 2 writable, 4 readable
echo >$trace/trace
iommufd-bpf -j dma-test --device "$device" >/tmp/said
ctx=$(sed -n 's/.*iommufd_attach: \(ctx=[0-9]*\) .*/\1/p' $trace/trace)
source=$(json '.steps[] | .detail' | grep -oP 'source at IOVA \K0x[0-9a-f]+')
target=$(json '.steps[] | .detail' | grep -oP 'destination at \K0x[0-9a-f]+')
check "a context has an id" grep -q '^ctx=[1-9]' <<<"$ctx"
check "a map the device may read" traced map \
	"$ctx ioas=1 iova=$source length=0x1000 uptr=0x[0-9a-f]+ flags=0x5 error=0"
check "a map the device may write" traced map \
	"$ctx ioas=1 iova=$target length=0x1000 uptr=0x[0-9a-f]+ flags=0x[37] error=0"
check "a charge" traced charge "$ctx tgid=[1-9][0-9]* pages=1 error=0"
check "what is given back" traced uncharge "$ctx tgid=[1-9][0-9]* pages=1 error=0"
check "an attach" traced attach \
	"$ctx device=$device ioas=1 hwpt=[1-9][0-9]* replace=0 error=0"
check "an unmap" traced unmap \
	"$ctx ioas=1 iova=$target length=0x1000 unmapped=0x1000 error=0"
check "a detach" traced detach "$ctx device=$device"
is "and no more of them" "$(count map) $(count attach) $(count unmap) $(count detach)" \
	"2 1 1 1"

echo >$trace/trace
check "a policy is loaded" iommufd-bpf load /src/build/user/map_guard.bpf.o \
	--set max_mapping_mib=1
iommufd-bpf map-test --size 4K >/dev/null
check "a map that it refuses" fails iommufd-bpf map-test --size 2M
check "its decision to allow" traced policy_decision \
	"ctx=[0-9]+ policy=map_guard hook=map answer=0 mode=enforce"
check "its decision to refuse" traced policy_decision \
	"ctx=[0-9]+ policy=map_guard hook=map answer=-122 mode=enforce"
check "the map that was refused" traced map \
	"ctx=[0-9]+ ioas=1 iova=0x0 length=0x200000 uptr=0x[0-9a-f]+ flags=0x6 error=-122"
echo audit >/sys/kernel/iommufd/policy/map_guard/mode
check "a map that it refuses in audit mode" iommufd-bpf map-test --size 2M
check "its decision that is not enforced" traced policy_decision \
	"ctx=[0-9]+ policy=map_guard hook=map answer=-122 mode=audit"
check "the map that went on" traced map \
	"ctx=[0-9]+ ioas=1 iova=0x[0-9a-f]+ length=0x200000 uptr=0x[0-9a-f]+ flags=0x6 error=0"
check "it is unloaded" iommufd-bpf unload map_guard
check "its exit" traced policy_exit \
	'policy=map_guard kind=1 code=0 message="[a-z]+"'
is "and no more of them" "$(count policy_decision) $(count policy_exit)" "3 1"

echo 0 >$events/enable
echo >$trace/trace
iommufd-bpf map-test >/dev/null
is "nothing once disabled" "$(count map)" 0
finish

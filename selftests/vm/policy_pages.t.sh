#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: timeout=120
#
# The shipped policies with the command, as the page of each says to check it.
. "${0%/*}/lib/tap.sh"

objects=/src/build/user
out=$(mktemp)

# follow NAME: what its page says, but what is about a VM that is not here
follow()
{
	sed -n '/^## Check it/,$ s/^    //p' "/src/docs/policy-$1.md" |
		grep -v -e machine.slice -e PID >"$out.sh"
	(cd "$objects" && bash -e "$out.sh") >"$out" 2>&1
}

# parameters NAME: those the object has are those its page has, with what they are.
parameters()
{
	iommufd-bpf -j inspect "$objects/$1.bpf.o" |
		jq -r '.parameters[] | "\(.name) \(.type)"' | sort >"$out"
	sed -n 's/^| `\([a-z0-9_]*\)` | \([a-z0-9]*\) | .*/\1 \2/p
		s/^| `peer_1` … `peer_4` | u64 .*/peer_1 u64\npeer_2 u64\npeer_3 u64\npeer_4 u64/p' \
		"/src/docs/policy-$1.md" | sort >"$out.page"
	[ -s "$out" ] && diff "$out" "$out.page"
}

for name in pin_quota pin_once map_guard iova_window; do
	check "the page of $name has its parameters" parameters $name
	check "$name does what its page says" follow $name
	sed 's/^/# /' "$out"
	case $name in
	map_guard) check "and refuses" grep -qx refused "$out" ;;
	iova_window) check "and is asked" grep -qx 1 "$out" ;;
	pin_quota)
		check "and there is another" \
			[ -e /sys/kernel/iommufd/policy/pin_quota_alone ]
		check "which is unloaded" iommufd-bpf unload pin_quota_alone
		;;
	pin_once) check "and is unloaded" iommufd-bpf unload pin_once ;;
	esac
	check "nothing of $name is left" fails [ -e /sys/kernel/iommufd/policy/$name ]
done
check "a parameter that makes no sense is refused" \
	fails iommufd-bpf load $objects/iova_window.bpf.o --set align=3
check "and leaves nothing" fails [ -e /sys/kernel/iommufd/policy/iova_window ]
rm -f "$out" "$out".*
finish

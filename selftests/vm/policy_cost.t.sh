#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: boot=own load=no icount=yes kernel=6.12,7.3 timeout=300
#
# What policies cost, in instructions: none loaded, next to a build that does not
# know them; one that does nothing; and that it does not grow with a mapping. A
# debug kernel adds far more to each than is to be seen here.
. "${0%/*}/lib/tap.sh"

map_cost=/src/build/user/bench/map_cost
objects=/src/build/user/tests/bpf
small=4096
# 16,384 pages, in 32 huge ones: an instruction for each page or a call of a policy,
# 131, for each huge one is more than what is let pass.
large=$((64 << 20))
slack=$((32 * 130))

unload()
{
	rmmod vfio_pci vfio_pci_core vfio_iommu_type1 vfio iommufd
}

# cost NAME: sets NAME[KIND-LENGTH-WORK], KIND being plain or attached.
cost()
{
	local -n into=$1
	local length map unmap option

	for option in "" -a; do
		while read -r length map unmap; do
			into[${option:+attached}$length-map]=$map
			into[${option:+attached}$length-unmap]=$unmap
		done < <("$map_cost" $option "$small"
			"$map_cost" $option -m same "$large")
	done
	echo "# $1: $small bytes ${into[$small-map]} ${into[$small-unmap]}," \
		"attached ${into[attached$small-map]} ${into[attached$small-unmap]};" \
		"$large bytes attached ${into[attached$large-map]} ${into[attached$large-unmap]}"
}

# at_most WHAT VALUE LIMIT
at_most()
{
	check "$1: $2 of at most $3" [ "$2" -le "$3" ]
}

declare -A bare none trivial payer
echo 1 >/proc/sys/vm/nr_hugepages
check "a build without hooks is loaded" /src/selftests/lab/guest/load bare
cost bare
check "it is unloaded" unload
check "ours is loaded" /src/selftests/lab/guest/load
cost none
for kind in "" attached; do
	for work in map unmap; do
		at="$kind$small-$work"
		at_most "without a policy, one page ${kind:-unattached}, $work, is within 0.5 %" \
			"$((${none[$at]} * 1000))" "$((${bare[$at]} * 1005))"
	done
done

check "a trivial policy is loaded" iommufd-bpf load $objects/trivial.bpf.o
cost trivial
for kind in "" attached; do
	at="$kind$small-map"
	added=$((${trivial[$at]} - ${none[$at]}))
	at_most "it adds to a map of one page ${kind:-unattached}" $added 300
	at="$kind$large-map"
	at_most "and to one of 64 MiB no more" \
		"$((${trivial[$at]} - ${none[$at]} - added))" "$slack"
done
check "it is unloaded" iommufd-bpf unload trivial

check "a policy that pays is loaded" iommufd-bpf load $objects/payer.bpf.o
cost payer
at=attached$small-map
added=$((${payer[$at]} - ${none[$at]}))
at=attached$large-map
at_most "what it adds does not grow with the mapping" \
	"$((${payer[$at]} - ${none[$at]} - added))" "$slack"
check "it is unloaded" iommufd-bpf unload payer
finish

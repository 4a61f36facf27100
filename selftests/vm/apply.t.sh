#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# 'iommufd-bpf apply' puts in force what files say, does nothing the second time,
# says what is wrong with which line, and takes away what it had brought.
. "${0%/*}/lib/tap.sh"

dir=/tmp/policies.d
object=/src/build/user/map_guard.bpf.o
objects=/src/build/user/tests/bpf
sys=/sys/kernel/iommufd/policy
records=/run/iommufd-bpf

# conf NAME MIB: a file for map_guard.
conf()
{
	printf '[policy]\nfile = %s\nname = %s\n\n[parameters]\nmax_mapping_mib = %s\n' \
		$object "$1" "$2" >$dir/$1.conf
}

# fails_with TEXT ARG...: it fails, and TEXT is among what it says.
fails_with()
{
	local text=$1 out
	shift

	out=$(iommufd-bpf apply "$@" 2>&1) && return 1
	echo "$out"
	grep -qF -- "$text" <<<"$out"
}

rm -rf $dir $records
mkdir $dir
conf first 1
is "a dry run says so" "$(iommufd-bpf apply --dry-run $dir)" \
	"first: would be loaded ($dir/first.conf)"
is "and loads nothing" "$(ls $sys)" ""
check "nor leaves a directory for records" fails test -e $records
is "it is loaded" "$(iommufd-bpf apply $dir)" "first: loaded ($dir/first.conf)"
link=$(cat $sys/first/link_id)
check "a mapping of its size is allowed" iommufd-bpf map-test --size 1M
check "a larger one is refused" fails iommufd-bpf map-test --size 2M
is "again, nothing is done" "$(iommufd-bpf apply $dir)" \
	"first: unchanged ($dir/first.conf)"
is "the link is the same" "$(cat $sys/first/link_id)" "$link"

conf first 4
is "with another parameter it is replaced" "$(iommufd-bpf apply $dir)" \
	"first: replaced ($dir/first.conf)"
is "behind the same link" "$(cat $sys/first/link_id)" "$link"
check "and counts" iommufd-bpf map-test --size 2M
check "replaced by hand" iommufd-bpf replace first $object
is "it is put back" "$(iommufd-bpf apply $dir)" "first: replaced ($dir/first.conf)"

# How it is loaded.
attribute()
{
	cat $sys/first/"$1"
}

sed -i '/^name/a mode = audit' $dir/first.conf
is "another mode is a replacement" "$(iommufd-bpf apply $dir)" \
	"first: replaced ($dir/first.conf)"
is "that audits" "$(attribute mode)" audit
sed -i '/^name/a priority = 7\nscope = cgroup:/' $dir/first.conf
is "another priority a reload" "$(iommufd-bpf apply $dir)" \
	"first: reloaded ($dir/first.conf)"
is "with that priority" "$(attribute priority)" 7
is "with that scope" "$(attribute scope)" cgroup:/
is "once" "$(iommufd-bpf apply $dir)" "first: unchanged ($dir/first.conf)"
map=$(bpftool -j link show id "$(attribute link_id)" | jq .map_id)
printf '[policy]\nfile = %s\nname = first\n' $objects/refused.bpf.o >$dir/first.conf
check "what the kernel refuses is not loaded in its place" fails_with \
	"the kernel refused it" $dir
is "nor is the old one given up for it" \
	"$(bpftool -j link show id "$(attribute link_id)" | jq .map_id)" "$map"
conf first 4
sed -i '/^name/a scope = cgroup:/none/such' $dir/first.conf
check "a cgroup that is not there is told with its line" fails_with \
	"$dir/first.conf:4: no cgroup '/none/such'" $dir
is "and the scope is as it was" "$(attribute scope)" cgroup:/
conf first 4
is "back it goes" "$(iommufd-bpf apply $dir)" "first: reloaded ($dir/first.conf)"
is "to the whole system" "$(attribute scope) $(attribute mode)" "system enforce"

# What was compiled in is what counts where the file is silent.
printf '[policy]\nfile = %s\n' $objects/settled.bpf.o >$dir/settled.conf
is "what has a priority is loaded" "$(iommufd-bpf apply $dir/settled.conf)" \
	"settled: loaded ($dir/settled.conf)"
printf '[parameters]\nanswer = -13\n' >>$dir/settled.conf
is "and replaced, not reloaded" "$(iommufd-bpf apply $dir/settled.conf)" \
	"settled: replaced ($dir/settled.conf)"
is "with priority and mode as compiled" \
	"$(cat $sys/settled/priority $sys/settled/mode | xargs)" "5 audit"
rm $dir/settled.conf
check "it goes" iommufd-bpf unload settled

# What is wrong, and where.
conf second 64
conf wrong 1
echo 'no_such = 1' >>$dir/wrong.conf
check "a wrong parameter is told with its line" \
	fails_with "$dir/wrong.conf:7: " $dir
check "files behind it are applied nevertheless" [ -d $sys/second ]
check "the wrong one is not" [ ! -e $sys/wrong ]
printf '[policy]\nfile = %s\ncolour = red\n' $object >$dir/wrong.conf
check "so is a wrong key" fails_with \
	"$dir/wrong.conf:3: no key 'colour'" $dir/wrong.conf
printf '[policies]\nfile = %s\n' $object >$dir/wrong.conf
check "so is a wrong section" fails_with \
	"$dir/wrong.conf:2: no section [policies]" $dir/wrong.conf
printf '[policy]\nrubbish\n' >$dir/wrong.conf
check "so is a line that is neither" fails_with \
	"$dir/wrong.conf:2: neither" $dir/wrong.conf
printf '[policy]\nname = x\n' >$dir/wrong.conf
check "a file without object is told" fails_with "no 'file'" $dir/wrong.conf
printf '[policy]\nfile = /nowhere.bpf.o\n' >$dir/wrong.conf
check "so is an object that is not there" fails_with \
	"$dir/wrong.conf: cannot open /nowhere.bpf.o" $dir/wrong.conf
cp $dir/first.conf $dir/third.conf
rm $dir/wrong.conf
check "so is a name given twice" fails_with "$dir/third.conf: another file" $dir
rm $dir/third.conf
check "so is a directory that is not there" fails_with "/nowhere: " /nowhere
is "JSON has them all" "$(iommufd-bpf apply -j $dir |
	jq -c '[.policies[] | [.name, .action]]')" \
	'[["first","unchanged"],["second","unchanged"]]'

# What has no file any more.
rm $dir/second.conf
check "without --prune it stays" iommufd-bpf apply $dir
is "that is both" "$(ls $sys | xargs)" "first second"
check "by hand another is loaded" iommufd-bpf load $object
is "--prune unloads it" "$(iommufd-bpf apply --prune $dir | tail -n 1)" \
	"second: unloaded ($dir/second.conf)"
is "and not what was loaded by hand" "$(ls $sys | xargs)" "first map_guard"
check "that can be unloaded" iommufd-bpf unload map_guard

echo 1 >/sys/kernel/iommufd/off
check "what was put out of service is not put back" fails_with \
	"first is off: 'iommufd-bpf unload first'" $dir
check "it can be unloaded" iommufd-bpf unload first
is "and is loaded then" "$(iommufd-bpf apply $dir)" "first: loaded ($dir/first.conf)"
rm $dir/first.conf
check "all is pruned" iommufd-bpf apply --prune $dir
is "nothing is left" "$(ls $sys; ls /run/iommufd-bpf)" ""
finish

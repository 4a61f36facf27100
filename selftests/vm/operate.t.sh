#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lab: timeout=240
#
# What an operator decides about policies with iommufd-bpf, and is told of them.
. "${0%/*}/lib/command.sh"

objects=/src/build/user/tests/bpf
rogue=$objects/rogue.bpf.o
guard=/src/build/user/map_guard.bpf.o
cgroups=/sys/fs/cgroup

# within CGROUP COMMAND...: by a process of it
within()
{
	local procs=$cgroups/$1/cgroup.procs
	shift

	(echo $BASHPID >"$procs" && exec "$@")
}

shown()
{
	iommufd-bpf -j show "$1" >"$out" && jq -er "$2" "$out"
}

refused_by()
{
	iommufd-bpf -j map-test >"$out"
	jq -er '.refused_by.policy // "nobody"' "$out"
}

# Scope
mkdir $cgroups/operate $cgroups/operate/below $cgroups/other
check "a policy for a cgroup" exits 0 iommufd-bpf load $rogue --set answer=-1 \
	--scope cgroup:/operate --name here
check "others are not its business" exits 0 iommufd-bpf map-test
check "nor is another cgroup" within other iommufd-bpf map-test
check "a process in there is" fails within operate iommufd-bpf map-test
check "and one below" fails within operate/below iommufd-bpf map-test
is "show has the scope" "$(shown here .scope)" cgroup:/operate
is "and the cgroup" "$(shown here .cgroup_id)" "$(stat -c %i $cgroups/operate)"
is "list has it, too" "$(listed '.[].scope')" cgroup:/operate
check "people read it in a table" exits 0 iommufd-bpf list
check "with the scope" grep -q '^here .*cgroup:/operate$' "$out"
check "a replacement keeps the scope" exits 0 iommufd-bpf replace here $rogue \
	--set answer=-13
is "as can be seen" "$(shown here .scope)" cgroup:/operate
check "which decides nothing elsewhere" exits 0 iommufd-bpf map-test
check "unload" exits 0 iommufd-bpf unload here
check "a cgroup by where it is mounted" exits 0 iommufd-bpf load $rogue \
	--scope cgroup:$cgroups/operate/below --set answer=-1
is "is the same" "$(shown rogue .scope)" cgroup:/operate/below
check "unload again" exits 0 iommufd-bpf unload rogue

beside_version_1()
{
	exits 0 iommufd-bpf load $rogue --scope cgroup:/operate/below --set answer=-1 &&
		[ "$(shown rogue .scope)" = cgroup:/operate/below ] &&
		exits 0 iommufd-bpf areas --cgroup /operate &&
		exits 0 iommufd-bpf areas --cgroup /sys/fs/cgroup/unified/operate &&
		exits 0 iommufd-bpf unload rogue
}

check "where version 1 is mounted, too" covered /sys/fs/cgroup with_unified beside_version_1
check "a cgroup that is not there" one_line "no cgroup '/none'" \
	iommufd-bpf load $rogue --scope cgroup:/none
check "what only begins like the mount point" one_line "no cgroup '/sys/fs/cgroupoperate'" \
	iommufd-bpf load $rogue --scope cgroup:${cgroups}operate
check "what is in a cgroup is none" one_line 'not a cgroup' \
	iommufd-bpf load $rogue --scope cgroup:/operate/cgroup.procs
check "no scope" one_line "it is 'system' or 'cgroup:PATH'" \
	iommufd-bpf load $rogue --scope everywhere
is "nothing was loaded" "$(listed length)" 0

# Priority
check "a policy of priority 1" exits 0 iommufd-bpf load $rogue --name low \
	--set answer=-1 --priority 1
check "and one of priority 2" exits 0 iommufd-bpf load $rogue --name zhigh \
	--set answer=-13 --priority 2
is "is asked first, whatever its name" "$(refused_by)" zhigh
is "show has it" "$(shown zhigh .priority)" 2
check "unload it" exits 0 iommufd-bpf unload zhigh
check "a negative one" exits 0 iommufd-bpf load $rogue --name zlow \
	--set answer=-13 --priority -2147483648
is "is asked last" "$(refused_by)" low
check "a replacement keeps the priority" exits 0 iommufd-bpf replace zlow $rogue
is "as is shown" "$(shown zlow .priority)" -2147483648
check "unload that" exits 0 iommufd-bpf unload zlow
check "and the other" exits 0 iommufd-bpf unload low
for number in many 2147483648 1.5 ''; do
	check "priority '$number' is wrong usage" exits 2 iommufd-bpf load $rogue \
		--priority "$number"
done

# Mode
check "a policy that begins in audit mode" exits 0 iommufd-bpf load $rogue \
	--set answer=-1 --mode audit
check "lets pass what it refuses" exits 0 iommufd-bpf map-test
is "and counts it" "$(shown rogue .map_audited)" 1
is "show has the mode" "$(shown rogue .mode)" audit
check "it is enforced" exits 0 iommufd-bpf mode rogue enforce
check "and refuses" exits 1 iommufd-bpf map-test
is "which is counted as well" "$(shown rogue .map_refused)" 1
check "back to audit" exits 0 iommufd-bpf mode rogue audit
check "it lets pass again" exits 0 iommufd-bpf map-test
check "another mode is wrong usage" exits 2 iommufd-bpf mode rogue off
check "no such policy" one_line "no policy 'none' is loaded" \
	iommufd-bpf mode none audit
check "what is no name" one_line 'not a policy name' \
	iommufd-bpf mode ../rogue audit
check "not root" one_line 'run this as root' setpriv --reuid 65534 \
	--clear-groups iommufd-bpf mode rogue enforce
check "unload the policy" exits 0 iommufd-bpf unload rogue
check "a mode that is none is wrong usage" exits 2 iommufd-bpf load $rogue \
	--mode careful

# When a policy is wrong
check "a policy that is wrong" exits 0 iommufd-bpf load $rogue --set answer=77 \
	--fail closed
check "fails the request" exits 1 iommufd-bpf -j map-test
is "with EPROTO" "$(json .error.code)" EPROTO
is "and is closed" "$(shown rogue .state)" closed
check "so that the next fails as well" exits 1 iommufd-bpf map-test
is "show has the answer" "$(shown rogue .exit_code)" 77
check "people are told" exits 0 iommufd-bpf show rogue
check "why" grep -q '^because .*code 77' "$out"
check "one that is right in its place" exits 0 iommufd-bpf replace rogue $rogue
check "lets requests through" exits 0 iommufd-bpf map-test
check "unload the right one" exits 0 iommufd-bpf unload rogue
check "a wrong policy that fails open" exits 0 iommufd-bpf load $rogue \
	--set answer=77 --fail open
check "fails a request" exits 1 iommufd-bpf map-test
check "and no other" exits 0 iommufd-bpf map-test
is "it is ejected" "$(shown rogue .state)" ejected
check "and unloaded" exits 0 iommufd-bpf unload rogue
check "to fail in another way is wrong usage" exits 2 iommufd-bpf load $rogue \
	--fail safe

# Maps, for who reads them
pins=/sys/fs/bpf/iommufd
check "a policy with a map" exits 0 iommufd-bpf load $guard
is "has it pinned" "$(ls $pins/map_guard/maps)" ioases
id=$(bpftool -j map show pinned $pins/map_guard/maps/ioases | jq .id)
check "is replaced" exits 0 iommufd-bpf replace map_guard $guard
check "and has the map of the new one" fails [ "$id" = \
	"$(bpftool -j map show pinned $pins/map_guard/maps/ioases | jq .id)" ]
check "by one without maps" exits 0 iommufd-bpf replace map_guard $rogue
is "which has none" "$(ls $pins/map_guard/maps)" ""
check "and goes" exits 0 iommufd-bpf unload map_guard
mkdir -p $pins/map_guard/maps_1
bpftool map create $pins/map_guard/maps_1/left type array key 4 value 4 entries 1 name left
check "what a load has left behind" exits 0 iommufd-bpf load $guard
is "is gone" "$(ls $pins/map_guard/maps_*)" ioases
check "as all is in the end" exits 0 iommufd-bpf unload map_guard
is "of it" "$(ls $pins)" ""

# Emergency
check "two policies" exits 0 iommufd-bpf load $rogue --set answer=-1
check "that refuse" exits 0 iommufd-bpf load $guard --set max_mapping_mib=1
check "off, by somebody" one_line 'run this as root' setpriv --reuid 65534 \
	--clear-groups iommufd-bpf off
check "changes nothing" exits 1 iommufd-bpf map-test
check "off" exits 0 iommufd-bpf off
check "all is allowed" exits 0 iommufd-bpf map-test --size 2M
is "none decides" "$(listed 'map(.state) | unique | .[]')" off
check "unload one" exits 0 iommufd-bpf unload rogue
check "unload both" exits 0 iommufd-bpf unload map_guard

# Check
check "a policy that would load" exits 0 iommufd-bpf -j check $guard
is "is named" "$(json .name)" map_guard
is "and not loaded" "$(listed length)" 0
is "nothing is left of it" "$(bpftool -j map list | jq '[.[] |
	select(.type == "struct_ops")] | length')" 0
check "one that the verifier refuses" one_line \
	"the verifier says 'only read is supported'" \
	iommufd-bpf check $objects/refused.bpf.o
check "says no more to who wants all" exits 1 \
	iommufd-bpf -v check $objects/refused.bpf.o
check "but shows the log" grep -q 'BEGIN PROG LOAD LOG' "$out"
check "no policy" one_line 'not a compiled BPF object' iommufd-bpf check /etc/passwd
check "one of several" exits 0 iommufd-bpf check $objects/newer.bpf.o \
	--policy newer
check "none of several" one_line 'choose one by its name' \
	iommufd-bpf check $objects/newer.bpf.o
check "what the module lacks is named" one_line 'it uses struct' \
	iommufd-bpf check $objects/newer.bpf.o --policy newer_hook

# Statistics
check "a policy to count" exits 0 iommufd-bpf load $guard --set max_mapping_mib=1
iommufd-bpf map-test >/dev/null
iommufd-bpf map-test --size 2M >/dev/null 2>&1
check "stats" exits 0 iommufd-bpf stats
check "have a line for each hook that was called" grep -qE \
	'^map_guard +map +2 +1 +0$' "$out"
check "of one policy" exits 0 iommufd-bpf -j stats map_guard
is "as JSON" "$(json '.[] | "\(.map_asked) \(.map_refused) \(.map_audited)"')" "2 1 0"
check "of none" one_line "no policy 'none' is loaded" iommufd-bpf stats none
check "over and over" exits 0 iommufd-bpf -j stats --interval 1 --count 2
is "is a document each time" "$(jq -s length "$out")" 2
check "a count without an interval is wrong usage" exits 2 iommufd-bpf stats --count 2

metric()
{
	sed -n "s/^$1 //p" "$out"
}

check "OpenMetrics" exits 0 iommufd-bpf stats --openmetrics
is "end with their mark" "$(tail -n 1 "$out")" "# EOF"
is "have what was asked" \
	"$(metric 'iommufd_policy_asked_total{policy="map_guard",hook="map"}')" 2
is "have what was refused" \
	"$(metric 'iommufd_policy_refused_total{policy="map_guard",hook="map"}')" 1
is "have the state" "$(metric 'iommufd_policy_active{policy="map_guard"}')" 1
is "have no line of another form" "$(grep -cvE \
	'^# (EOF|(TYPE|HELP) iommufd_policy[a-z_]* .+)$|^iommufd_policy_[a-z_]+\{.*\} [0-9]+$' \
	"$out")" 0
is "have each family once" "$(grep '^# TYPE' "$out" | sort | uniq -d)" ""
check "into a file" exits 0 iommufd-bpf stats --openmetrics --output /tmp/metrics.prom
is "which is whole" "$(tail -n 1 /tmp/metrics.prom)" "# EOF"
is "for all to read" "$(stat -c %a /tmp/metrics.prom)" 644
is "and alone" "$(ls /tmp/metrics.prom*)" /tmp/metrics.prom
check "again and again into the file" exits 0 iommufd-bpf stats --openmetrics \
	--output /tmp/metrics.prom --interval 1 --count 2
is "which has one end" "$(grep -c '^# EOF$' /tmp/metrics.prom)" 1
check "but not to a reader of one text" exits 2 iommufd-bpf stats --openmetrics \
	--interval 1 --count 2
check "who is told" grep -q -- '--openmetrics with --interval needs --output' "$out"
check "a file that cannot be" one_line 'cannot write /none/metrics' \
	iommufd-bpf stats --openmetrics --output /none/metrics
check "JSON that is none is wrong usage" exits 2 iommufd-bpf -j stats --openmetrics
check "unload what was counted" exits 0 iommufd-bpf unload map_guard

mkdir "$cgroups/odd\"name"
check "a cgroup with a strange name" exits 0 iommufd-bpf load $rogue \
	--scope 'cgroup:/odd"name'
check "does no harm" exits 0 iommufd-bpf stats --openmetrics
check "to a label" grep -qF 'scope="cgroup:/odd\"name"' "$out"
check "unload the last" exits 0 iommufd-bpf unload rogue

check "show what is not there" one_line "no policy 'rogue' is loaded" \
	iommufd-bpf show rogue
rm -f /tmp/metrics.prom
rmdir $cgroups/operate/below $cgroups/operate $cgroups/other "$cgroups/odd\"name"
finish

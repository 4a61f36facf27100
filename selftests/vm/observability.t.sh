#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# docs/observability.md lists what the kernel shows, no more and no less.
. "${0%/*}/lib/tap.sh"

page=/src/docs/observability.md
sys=/sys/kernel/iommufd
events=/sys/kernel/tracing/events/iommufd

# section HEADING: what stands below it, up to the next.
section()
{
	awk -v heading="$1" '/^#+ / { on = $0 == heading; next } on' $page
}

# first_column: the names in the first column of a table, sorted.
first_column()
{
	sed -n 's/^| \(`[^|]*\) |.*/\1/p' | grep -o '`[^`]*`' | tr -d '`' | sort
}

# The common fields are the same for every event.
fields()
{
	sed -n 's/^\tfield:\(.*\);\toffset.*/\1/p' "$events/$1/format" |
		sed 's/\[\]//; s/\[.*//; s/.*[ *]//' | grep -v ^common_ | sort
}

is "every event is there" "$(sed -n 's/^### //p' $page | sort)" \
	"$(cd $events && ls -d */ | tr -d / | sort)"
for event in $(cd $events && ls -d */ | tr -d /); do
	is "fields of $event" "$(section "### $event" | first_column)" \
		"$(fields "$event")"
done

check "a policy is loaded" iommufd-bpf load /src/build/user/map_guard.bpf.o \
	--set max_mapping_mib=1
is "files in sysfs" "$(section '## sysfs' | first_column)" \
	"$( (ls -p $sys; ls $sys/policy/map_guard) | sort)"

# fdinfo: after a refusal every line is there.
cat >/tmp/fdinfo.py <<'END'
import ctypes, fcntl, mmap, os, struct
fd = os.open("/dev/iommu", os.O_RDWR)
alloc = bytearray(struct.pack("IIi", 12, 0, 0))
fcntl.ioctl(fd, 0x3b81, alloc)
ioas = struct.unpack("IIi", alloc)[2]
memory = mmap.mmap(-1, 2 << 20)
address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
try:
    fcntl.ioctl(fd, 0x3b85, struct.pack("IIIIQQQ", 40, 6, ioas, 0, address,
                                        2 << 20, 0))
except OSError:
    pass
print(open("/proc/self/fdinfo/%d" % fd).read())
END
is "lines of fdinfo" "$(section '## fdinfo' | first_column)" \
	"$(python3 /tmp/fdinfo.py | grep -o '^iommufd-[a-z-]*:' | sort)"
check "it is unloaded" iommufd-bpf unload map_guard

is "actions of uevents" "$(section '## Uevents' | first_column)" \
	"$(grep -oh 'KOBJ_[A-Z]*' /src/kmod/policy_registry.c /src/kmod/policy_sysfs.c |
		sed 's/KOBJ_//' | tr A-Z a-z | { cat; echo remove; } | sort -u)"
finish

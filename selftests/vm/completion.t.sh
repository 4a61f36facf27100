#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What bash completes for iommufd-bpf is what its --help says.
. "${0%/*}/lib/command.sh"

# Of the package bash-completion, which is not here: what is needed of it
_init_completion()
{
	words=("${COMP_WORDS[@]}")
	cword=$COMP_CWORD
	cur=${words[cword]}
	prev=${words[cword - 1]}
}

# It is for words that bash splits at a colon, which are whole here.
__ltrim_colon_completions()
{
	:
}

# completes WORD...: what the last may become, in order
completes()
{
	local COMP_WORDS=(iommufd-bpf "$@") COMP_CWORD=$# COMPREPLY=()

	_iommufd_bpf
	[ ${#COMPREPLY[@]} = 0 ] || printf '%s\n' "${COMPREPLY[@]}" | sort
}

# long_options COMMAND...: those that --help has
long_options()
{
	iommufd-bpf "$@" --help | grep -oE '^  (-.,|   ) --[a-z-]+' |
		grep -oE -- '--[a-z-]+' | sort
}

. /src/tools/completion/iommufd-bpf
check "bash calls it" grep -qx 'complete -F _iommufd_bpf iommufd-bpf' \
	<(complete -p iommufd-bpf)
commands=$(commands | sort)
check "help lists commands" [ "$(wc -w <<<"$commands")" -gt 10 ]
is "all commands" "$(completes '')" "$commands"
is "one command" "$(completes unl)" unload
is "options of the program" "$(completes -)" "$(long_options)"
for command in $commands; do
	is "options of $command" "$(completes "$command" -)" \
		"$(long_options "$command")"
done
is "modes" "$(completes load --mode '')" "$(printf 'audit\nenforce')"
is "ways to fail" "$(completes load --fail '')" "$(printf 'closed\nopen')"
is "scopes" "$(completes load --scope '')" "$(printf 'cgroup:/\nsystem')"
is "how to sort pins" "$(completes pins --sort 'p')" pinned
is "devices" "$(completes dma-test --device '')" \
	"$(basename -a /sys/bus/pci/devices/* | sort)"
is "users" "$(completes areas --user roo)" root

is "no policies while none is loaded" "$(completes unload '')" ""
for name in one two; do
	check "a policy" exits 0 iommufd-bpf load /src/build/user/map_guard.bpf.o \
		--name $name
done
for command in unload replace show mode stats; do
	is "policies to $command" "$(completes $command '')" "$(printf 'one\ntwo')"
done
is "one of them" "$(completes watch --policy o)" one
is "modes for it" "$(completes mode one '')" "$(printf 'audit\nenforce')"
for name in one two; do
	check "it goes" exits 0 iommufd-bpf unload $name
done
is "no such command has only what all have" "$(completes none --j)" --json
finish

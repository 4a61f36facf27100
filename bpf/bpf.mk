# SPDX-License-Identifier: GPL-2.0-only
# How a policy is compiled: $(O)/NAME.bpf.o from NAME.bpf.c. Included by every
# Makefile that has policies, after it has set O.
BPF_DIR := $(dir $(lastword $(MAKEFILE_LIST)))
CLANG ?= clang
# linux-bpf-dev has vmlinux.h in the multiarch directory, which clang does not
# look into for the bpf target; gcc knows its name.
BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror \
	-Wno-unused-parameter -I$(BPF_DIR)include -I$(BPF_DIR)../kmod \
	-idirafter /usr/include/$(shell $(CC) -print-multiarch)
Q := $(if $(filter 1,$(V)),,@)

$(O)/%.bpf.o: %.bpf.c $(wildcard $(BPF_DIR)include/*.h) $(BPF_DIR)../kmod/iommufd_policy.h
	@mkdir -p $(@D)
	@echo "  BPF     $(notdir $@)"
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@

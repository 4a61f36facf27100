# SPDX-License-Identifier: GPL-2.0-only
# Rules for C programs and libraries in user space. O: where results go; OBJ:
# where the objects of the including Makefile go.
VERSION := 0.1.0
USER_DIR := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
O ?= $(USER_DIR)/../build/user
override O := $(abspath $(O))
OBJ ?= $(O)/obj/$(notdir $(CURDIR))

CC ?= gcc
CFLAGS ?= -O2 -g
override CFLAGS += -std=gnu11 -Wall -Wextra -Werror -D_GNU_SOURCE -MMD -MP \
	-I$(USER_DIR) -DIOMMUFD_BPF_VERSION='"$(VERSION)"'
Q := $(if $(filter 1,$(V)),,@)

$(OBJ)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC      $(notdir $(CURDIR))/$<"
	$(Q)$(CC) $(CFLAGS) -c $< -o $@

-include $(wildcard $(OBJ)/*.d)

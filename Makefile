# SPDX-License-Identifier: GPL-2.0-only
#
# Everything is built inside a Debian 13 tree that 'make lab' sets up, so what
# the host is hardly matters. 'make help' lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -ec
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := all

# The kernel series to build for, or 'debug'; each series has its tree. Tests
# run on all series if none is asked for.
TEST_KERNELS := $(or $(KERNEL),6.12 7.3)
KERNEL ?= 6.12
export KERNEL
SERIES := $(KERNEL:debug=6.12)

LAB := selftests/lab
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/iommufd-bpf
TREE := $(CACHE)/trixie$(if $(filter-out 6.12,$(SERIES)),-$(SERIES))
SOURCE = /usr/src/linux-source-$(SERIES)

ifdef KDIR
# Against headers of the host, with the host's compiler, without the tree.
IN :=
TOP := $(CURDIR)
KVER = $(shell cat $(KDIR)/include/config/kernel.release)
SERIES = $(shell cut -d. -f1-2 $(KDIR)/include/config/kernel.release)
else
IN := $(LAB)/in-tree
TOP := /src
ifeq ($(KERNEL),debug)
KDIR = /run/kernel
KVER = $(shell KERNEL=debug $(IN) cat $(KDIR)/include/config/kernel.release)
NEED_LAB := lab debug-kernel
else
KVER = $(shell ls -v $(TREE)/lib/modules | grep '^$(SERIES)\.' | tail -n 1)
KDIR = /lib/modules/$(KVER)/build
NEED_LAB := lab
endif
endif

# Set late: KVER is not known before the tree is there.
KMOD = build/$(KVER)/kmod
VFIO = build/$(KVER)/vfio
CHECK = build/$(KVER)/check
USER = build/user
# What is tested with the kernel's own tests is the same for every kernel.
UPSTREAM = build/upstream
UPSTREAM_SOURCE = $(UPSTREAM)/linux-source-7.3

# A job server does not reach into the tree.
SUBMAKE = $(IN) env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
	make --no-print-directory -j$(shell nproc) $(if $(V),V=1,-s)
Q := $(if $(V),,@)
say = @printf '  %-7s %s\n' $(1) $(2)
# Compilers then name files as they are called here. The kbuild of 7.3 runs
# them in the directory of the sources.
RELATIVE = 2>&1 | sed -u 's,$(TOP)/build/$(KVER)/\(kmod\|kmod-test\|check\)/,kmod/,g; s,\(^\| \)$(TOP)/,\1,g'
RELATIVE_KMOD = 2>&1 | sed -u 's,^[a-z][a-z_/]*\.[ch]:[0-9],kmod/&,' $(RELATIVE)

# mirror DIR: kbuild of 6.12 builds where its sources are; they are links there.
define mirror
$(Q)$(IN) sh -ec 'mkdir -p $(1); cp -rsf $(TOP)/kmod/. $(1); find $(1) -xtype l -delete'
endef

help:	## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo 'Variables: V=1 shows commands; KDIR=DIR builds against headers of this'
	@echo 'host instead of the tree; KERNEL=6.12, 7.3 or debug is the kernel to build'
	@echo 'and test for, TESTS="ioas map" what to test.'

all: $(NEED_LAB) modules vfio bpf user ## all that is built

lab:	## the Debian 13 tree, in the cache; once
	@$(LAB)/tree

debug-kernel: lab
	@$(LAB)/debug-kernel

modules: $(NEED_LAB) ## iommufd.ko
	$(call say,KMOD,$(KMOD)/iommufd.ko)
	$(call mirror,$(KMOD))
	$(Q)$(SUBMAKE) -C $(KDIR) M=$(TOP)/$(KMOD) modules $(RELATIVE_KMOD)
	$(Q)$(IN) readelf -SW $(KMOD)/iommufd.ko | grep -F ' .BTF ' >/dev/null || \
		{ echo '$(KMOD)/iommufd.ko has no .BTF section: no policy could be loaded' >&2; exit 1; }

# The same with a mock IOMMU and the ioctls of the kernel's own tests, which it
# takes the ABI of.
TEST_BUILD = IOMMUFD_TEST=1 \
	IOMMUFD_TEST_ABI=$(TOP)/$(UPSTREAM_SOURCE)/drivers/iommu/iommufd
modules-test: $(NEED_LAB) upstream-source
	$(call say,KMOD,$(KMOD)-test/iommufd.ko)
	$(call mirror,$(KMOD)-test)
	$(Q)$(SUBMAKE) -C $(KDIR) M=$(TOP)/$(KMOD)-test $(TEST_BUILD) modules \
		$(RELATIVE_KMOD)

# The same without the hooks of policies, to see what those cost.
modules-bare: $(NEED_LAB)
	$(call say,KMOD,$(KMOD)-bare/iommufd.ko)
	$(call mirror,$(KMOD)-bare)
	$(Q)$(SUBMAKE) -C $(KDIR) M=$(TOP)/$(KMOD)-bare IOMMUFD_HOOKS=0 modules \
		$(RELATIVE_KMOD)

upstream-source upstream:
	@KERNEL=7.3 $(LAB)/tree
	$(Q)KERNEL=7.3 $(SUBMAKE) -C selftests/upstream O=$(TOP)/$(UPSTREAM) $@

# notice_symbols DIR SYMVERS: that symbols of another module have changed, which
# kbuild does not.
notice_symbols = cmp -s $(2) $(1)/iommufd.symvers || { \
	rm -f $(1)/Module.symvers; cp $(2) $(1)/iommufd.symvers; }

# build_vfio DIR SYMVERS
define build_vfio
$(call say,VFIO,$(1))
$(Q)[ -d $(1) ] || { rm -rf $(1).new; mkdir -p $(1).new; \
	$(IN) cp -r $(SOURCE)/drivers/vfio/. $(1).new; mv $(1).new $(1); }
$(Q)$(call notice_symbols,$(1),$(2))
$(Q)$(SUBMAKE) -C $(KDIR) M=$(TOP)/$(1) \
	CONFIG_IOMMUFD=m CONFIG_VFIO_DEVICE_CDEV=y \
	KCFLAGS='-DCONFIG_IOMMUFD_MODULE=1 -DCONFIG_VFIO_DEVICE_CDEV=1' \
	KBUILD_EXTRA_SYMBOLS=$(TOP)/$(2) modules $(RELATIVE)
endef

vfio: modules ## the kernel's own VFIO with iommufd and cdev, against our module
	$(call build_vfio,$(VFIO),$(KMOD)/Module.symvers)

bpf: $(NEED_LAB) ## the shipped policies
	$(call say,MAKE,bpf)
	$(Q)$(SUBMAKE) -C bpf O=$(TOP)/$(USER) $(RELATIVE)

# One after another: tools link the library, tests use both.
define each
$(Q)for dir in $(1); do \
	printf '  %-7s %s\n' MAKE $$dir; \
	$(SUBMAKE) -C $$dir O=$(TOP)/$(USER) KERNEL=$(SERIES) $(RELATIVE); \
done
endef

user: bpf ## library and command
	$(call each,libiommufd-bpf tools)

tests: user upstream-source ## test programs
	$(call each,selftests/vm selftests/bench selftests/host)

# Of the kernel that was patched, and used on every kernel.
bpftool: ## bpftool with our patches, for the tests
	@KERNEL=6.12 $(LAB)/tree
	$(Q)KERNEL=6.12 $(SUBMAKE) -C tools/bpftool O=$(TOP)/build/bpftool

include selftests/bench/bench.mk

demo: all ## a story: real DMA under a policy, in a VM
	$(Q)$(LAB)/vm -- sh -c '$(LAB)/guest/load && exec tools/demo'

test: ## every test, on each kernel; ends with 'N passed, N failed'
	$(Q)for kernel in $(TEST_KERNELS); do $(MAKE) KERNEL=$$kernel testable; done
	$(Q)KERNELS='$(TEST_KERNELS)' selftests/vm/run $(TESTS)

testable: all tests modules-test modules-bare upstream bpftool

test-upstream: TESTS = upstream/iommufd
test-upstream: test ## the kernel's own tests of iommufd, unmodified, against ours

test-debug: ## every test on a kernel with KASAN, lockdep, kmemleak and the like
	@$(MAKE) KERNEL=debug test

MINUTES ?= 60
stress: ## everything at once on that kernel, for MINUTES=60
	$(Q)$(MAKE) KERNEL=debug testable
	$(Q)mkdir -p build/log/debug
	$(Q)KERNEL=debug $(LAB)/vm --timeout $$(($(MINUTES) * 60 + 1200)) \
		--log build/log/debug/stress.log -- env KERNEL=debug \
		$(LAB)/guest/stress $(MINUTES)

bench-parallel: all tests ## what a second CPU is good for, as lines of JSON
	$(Q)selftests/bench/parallel

FUZZ_SECONDS ?= 60
fuzz: lab ## libFuzzer on the pure data structures, each for FUZZ_SECONDS=60
	$(call say,MAKE,selftests/host)
	$(Q)$(SUBMAKE) -C selftests/host O=$(TOP)/$(USER) KERNEL=$(SERIES) fuzz $(RELATIVE)
	$(Q)$(IN) selftests/host/fuzz $(USER)/host-fuzz build/fuzz $(FUZZ_SECONDS)

shell: all ## a prompt in the VM with everything loaded
	$(Q)$(LAB)/vm --interactive -- $(LAB)/guest/shell

# depmod prefers updates/ to the kernel's own modules. Stock modules that use
# VFIO and have no counterpart here must not meet ours.
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
SYSCONFDIR ?= /etc
# systemd and udev look into these below /usr and /usr/local.
UNITDIR ?= $(PREFIX)/lib/systemd/system
UDEVDIR ?= $(PREFIX)/lib/udev/rules.d
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
MODULESLOADDIR ?= $(PREFIX)/lib/modules-load.d
UPDATES = $(DESTDIR)/lib/modules/$(KVER)/updates/iommufd-bpf
INSTALL = install -D -t

install-modules:
	$(call say,INSTALL,$(UPDATES))
	$(Q)$(INSTALL) $(UPDATES) -m 644 $(KMOD)/iommufd.ko $$(find $(VFIO) -name '*.ko')
	$(Q)[ -n '$(DESTDIR)' ] || depmod $(KVER)
	$(Q)cat /lib/modules/$(KVER)/modules.dep 2>/dev/null | \
		awk -F : '$$2 ~ "/vfio/" && $$1 !~ "/(vfio|updates)/" { \
		print "note: " $$1 " is for the stock VFIO modules and will not load beside these" }' || :

install-user:
	$(call say,INSTALL,$(DESTDIR)$(PREFIX))
	$(Q)$(INSTALL) $(DESTDIR)$(PREFIX)/sbin $(USER)/iommufd-bpf
	$(Q)$(INSTALL) $(DESTDIR)$(LIBDIR) -m 644 $(USER)/libiommufd-bpf.so.1 $(USER)/libiommufd-bpf.a
	$(Q)ln -sf libiommufd-bpf.so.1 $(DESTDIR)$(LIBDIR)/libiommufd-bpf.so
	$(Q)$(INSTALL) $(DESTDIR)$(PREFIX)/lib/iommufd-bpf -m 644 $(USER)/*.bpf.o
	$(Q)$(INSTALL) $(DESTDIR)$(PREFIX)/include -m 644 libiommufd-bpf/libiommufd-bpf.h \
		$(wildcard bpf/include/*.h) kmod/iommufd_policy.h
	$(Q)$(INSTALL) $(DESTDIR)$(PREFIX)/share/man/man8 -m 644 tools/iommufd-bpf.8
	$(Q)$(INSTALL) $(DESTDIR)$(PREFIX)/share/man/man5 -m 644 tools/iommufd-bpf.conf.5
	$(Q)$(INSTALL) $(DESTDIR)$(PREFIX)/share/iommufd-bpf/schema -m 644 docs/schema/*.json
	$(Q)$(INSTALL) $(DESTDIR)$(PREFIX)/share/man/man3 -m 644 libiommufd-bpf/man/*.3
	$(Q)cd $(DESTDIR)$(PREFIX)/share/man/man3 && \
		awk '$$1 == ".Nm" && $$2 ".3" != FILENAME { print FILENAME, $$2 ".3" }' \
		$(notdir $(wildcard libiommufd-bpf/man/*.3)) | xargs -n 2 ln -sf
	$(Q)$(INSTALL) $(DESTDIR)$(PREFIX)/share/bash-completion/completions -m 644 \
		tools/completion/iommufd-bpf
	$(Q)mkdir -p $(DESTDIR)$(LIBDIR)/pkgconfig
	$(Q)sed 's,^prefix=.*,prefix=$(PREFIX),; s,^libdir=.*,libdir=$(LIBDIR),' \
		$(USER)/libiommufd-bpf.pc >$(DESTDIR)$(LIBDIR)/pkgconfig/libiommufd-bpf.pc

# Nothing is enabled or started here: README.md says how.
install-system:
	$(call say,INSTALL,$(DESTDIR)$(UNITDIR)/iommufd-bpf.service)
	$(Q)mkdir -p $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSCONFDIR)/iommufd-bpf/policies.d
	$(Q)sed 's,@SBINDIR@,$(PREFIX)/sbin,' system/iommufd-bpf.service.in \
		>$(DESTDIR)$(UNITDIR)/iommufd-bpf.service
	$(Q)$(INSTALL) $(DESTDIR)$(UDEVDIR) -m 644 system/60-iommufd-bpf.rules
	$(Q)install -D -m 644 system/sysusers.conf $(DESTDIR)$(SYSUSERSDIR)/iommufd-bpf.conf
	$(Q)install -D -m 644 system/modules-load.conf $(DESTDIR)$(MODULESLOADDIR)/iommufd-bpf.conf

install: install-modules install-user install-system ## what has been built, on this host; DESTDIR=, PREFIX=

deb: lab ## the Debian packages, into build/deb; lintian has to be content
	$(call say,DEB,build/deb)
	$(Q)mkdir -p build && rm -rf build/deb.new
	$(Q)$(IN) $(LAB)/deb $(TOP)/build/deb

test-deb: ## the packages on machines of Debian's: installed, booted, removed
	@$(MAKE) KERNEL=6.12 deb
	$(Q)set -e; for kernel in $(TEST_KERNELS); do \
		export KERNEL=$$kernel; \
		$(LAB)/tree; $(LAB)/tree image; selftests/deb/run; \
	done

check: check-style check-man check-build check-spelling check-host ## checkpatch --strict, W=1, sparse, codespell, models
	@echo 'clean: checkpatch --strict, W=1$(if $(SPARSE), and sparse) on kmod; mandoc on man pages; codespell on all'

# The macros of trace.h have a layout that --strict was not made for, versions
# are what compat/ is about, 6.12 has none of the allocators that the script of
# 7.3 recommends, and the commits that patches for the kernel name are not here.
CHECKPATCH = xargs $(SOURCE)/scripts/checkpatch.pl --no-tree --quiet --show-types \
	--ignore ALLOC_WITH_SIZEOF
check-style: lab
	$(call say,CHECK,'checkpatch --strict')
	$(Q)$(IN) sh -ec 'find kmod -name "*.[ch]" ! -name trace.h ! -path "*/compat/*" | \
		$(CHECKPATCH) --strict -f'
	$(Q)$(IN) sh -ec 'find kmod/compat -name "*.[ch]" | \
		$(CHECKPATCH),LINUX_VERSION_CODE,CONSTANT_COMPARISON --strict -f'
	$(Q)$(IN) sh -ec 'find kmod -name trace.h | $(CHECKPATCH) -f'
	$(Q)$(IN) sh -ec 'find tools -name "*.patch" | \
		GIT_DIR=none $(CHECKPATCH),UNKNOWN_COMMIT_ID --strict'

# What mandoc says, and that each function of the library has a page.
check-man: lab
	$(call say,CHECK,mandoc)
	$(Q)$(IN) libiommufd-bpf/man/check tools/*.[1-8]

# check_build WHAT [ARGS]: they say things about the kernel's headers too: ours
# alone count. The headers of 7.3 are too new for Debian 13's sparse.
SPARSE = $(if $(filter 6.12,$(SERIES)),C=2 CF=-D__CHECK_ENDIAN__)
define check_build
$(call say,CHECK,'$(strip W=1 $(if $(SPARSE),and sparse)): $(1)')
$(call mirror,$(CHECK))
$(Q)$(SUBMAKE) -C $(KDIR) M=$(TOP)/$(CHECK) clean
$(Q)$(SUBMAKE) -C $(KDIR) M=$(TOP)/$(CHECK) W=1 $(SPARSE) $(2) modules \
	$(RELATIVE_KMOD) | tee $(CHECK).log
$(Q)! grep -E '^kmod/.*(warning|error):|modpost: ' $(CHECK).log >/dev/null
endef

check-build: $(NEED_LAB) upstream-source
	$(call check_build,the module)
	$(call check_build,the test build,$(TEST_BUILD))

check-spelling: lab
	$(call say,CHECK,codespell)
	$(Q)$(IN) codespell --skip .git,build --ignore-words-list filp,fo,nd .

# The pure data structures against naive models, and the shipped policies,
# which needs no kernel.
check-host: lab
	$(call say,CHECK,'models and policies')
	$(Q)$(SUBMAKE) -C selftests/host O=$(TOP)/$(USER) KERNEL=$(SERIES) test $(RELATIVE)

clean:	## removes build/, keeps the cache
	rm -rf build

distclean: clean ## removes the cache as well
	rm -rf $(CACHE)

.PHONY: all lab debug-kernel modules modules-test modules-bare upstream-source upstream \
	vfio bpf user tests bpftool demo test testable test-upstream test-debug shell \
	clean distclean help install install-modules install-user install-system deb test-deb \
	check check-style check-man check-build check-spelling check-host fuzz stress bench-parallel

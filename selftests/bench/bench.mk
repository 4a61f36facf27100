# SPDX-License-Identifier: GPL-2.0-only
# Included by the Makefile of the repository: what is measured and compared.

BENCH_KMOD = build/$(KVER)/bench
BENCH_OUT = build/bench

# bench_module NAME [SYMVERS]: a module of ours that measures in the kernel.
define bench_module
$(call say,KMOD,$(BENCH_KMOD)/$(1))
$(Q)$(IN) sh -ec 'mkdir -p $(BENCH_KMOD)/$(1); \
	cp -sf $(TOP)/selftests/bench/module_clock.h $(BENCH_KMOD); \
	cp -rsf $(TOP)/selftests/bench/$(firstword $(subst -, ,$(1)))/. $(BENCH_KMOD)/$(1)'
$(if $(2),$(Q)$(call notice_symbols,$(BENCH_KMOD)/$(1),$(2)))
$(Q)$(SUBMAKE) -C $(KDIR) M=$(TOP)/$(BENCH_KMOD)/$(1) \
	$(if $(2),KBUILD_EXTRA_SYMBOLS=$(TOP)/$(2)) modules $(RELATIVE)
endef

bench-floor: $(NEED_LAB)
	$(call bench_module,floor)

# The kernel's own iommufd, out of its source package. It wants a part of
# lib/interval_tree.c that the stock kernel has not, and exports it no more.
IN_TREE = $(BENCH_KMOD)/in-tree
IN_TREE_CONFIG = -DCONFIG_IOMMUFD_MODULE=1 -DCONFIG_IOMMUFD_DRIVER_MODULE=1 \
	-DCONFIG_INTERVAL_TREE_SPAN_ITER=1
bench-in-tree: $(NEED_LAB)
	$(call say,KMOD,$(IN_TREE)/iommufd/iommufd.ko)
	$(Q)[ -d $(IN_TREE) ] || { rm -rf $(IN_TREE).new; mkdir -p $(IN_TREE).new; \
		$(IN) tar -C $(IN_TREE).new --strip-components=3 -xJf $(SOURCE).tar.xz \
			$(notdir $(SOURCE))/drivers/iommu/iommufd \
			$(notdir $(SOURCE))/drivers/iommu/iommu-priv.h; \
		$(IN) sh -c 'tar -O -xJf $(SOURCE).tar.xz \
			$(notdir $(SOURCE))/lib/interval_tree.c | sed /^EXPORT_SYMBOL/d \
			>$(IN_TREE).new/iommufd/interval_tree.c'; \
		echo 'iommufd-y += iova_bitmap.o interval_tree.o' \
			>>$(IN_TREE).new/iommufd/Makefile; \
		mv $(IN_TREE).new $(IN_TREE); }
	$(Q)$(SUBMAKE) -C $(KDIR) M=$(TOP)/$(IN_TREE)/iommufd CONFIG_IOMMUFD=m \
		KCFLAGS='$(IN_TREE_CONFIG)' modules $(RELATIVE)
	$(call build_vfio,$(IN_TREE)-vfio,$(IN_TREE)/iommufd/Module.symvers)

bench-access-ours: modules
	$(call bench_module,access-ours,$(KMOD)/Module.symvers)

bench-access-in-tree: bench-in-tree
	$(call bench_module,access-in-tree,$(IN_TREE)/iommufd/Module.symvers)

# What is to be measured, with which peers, and how far areas are to grow.
BENCH ?=
PEERS ?= ours in-tree type1
AREAS ?= 1000000
bench: bench-kernel all tests bench-floor bench-access-ours bench-access-in-tree ## what requests cost, beside other implementations; BENCH="pair map_*"
	$(Q)selftests/bench/run $(BENCH_OUT) $(AREAS) '$(PEERS)' '$(BENCH)'

PEER ?= ours
bench-profile: bench-kernel all tests bench-floor bench-access-ours $(if $(filter in-tree,$(PEER)),bench-access-in-tree) ## where the instructions of requests go, by function; BENCH="pair fixed_*" PEER=in-tree
	$(Q)selftests/bench/profile $(BENCH_OUT) '$(PEER)' '$(BENCH)'

# A run that is known to be good, to compare with.
BENCH_STORED = selftests/bench/results/$(SERIES).json
bench-compare: ## what has moved since a run that is stored: of the last 'make bench', or of a new one
	$(Q)[ -e $(BENCH_OUT)/results.json ] || $(MAKE) bench
	$(Q)$(IN) selftests/bench/compare $(BENCH_STORED) $(BENCH_OUT)/results.json \
		$(AREAS) '$(PEERS)' '$(BENCH)'

bench-store: ## makes the last 'make bench' the one that is stored
	$(Q)selftests/bench/store $(BENCH_OUT) $(BENCH_STORED) docs/performance.md

.PHONY: bench-compare bench-store
# In-tree is built for this one, and the figures of docs/ are of it.
bench-kernel:
	$(Q)[ '$(KERNEL)' = 6.12 ] || { echo 'make bench is for KERNEL=6.12' >&2; exit 1; }

.PHONY: bench-kernel bench-floor bench-in-tree bench-access-ours bench-access-in-tree bench bench-profile

# SPDX-License-Identifier: GPL-2.0-only
# The contract of a module as it might have been: with less, in another order.
/^struct iommufd_policy_ops {/,/^};/ {
	/^	int (\*charge)/ d
	/^	void (\*uncharge)/ d
	/^	s64 (\*iova_alloc)/ d
	/^	void (\*exit)/ d
	/^	s32 priority;/ d
	/^	char name/ d
	s/^struct .*/&\n	char name[IOMMUFD_POLICY_NAME_LEN];/
}
/^struct iommufd_policy_who {/,/^};/ {
	/^	u64 ctx_id;/ d
	/of_module/ d
	s/^	u32 tgid;/&\n	u64 ctx_id;/
}
/^struct iommufd_policy_map_request {/,/^};/ {
	/^	u64 pages;/ d
	/^	u64 src_iova;/ d
	/^	u32 src_ioas_id;/ d
	/^	u32 mem;/ d
	/^	u64 iova;/ d
	/^	u32 fixed;/ d
	s/^	struct .* who;/	u32 fixed;\n&/
	s/^	u32 prot;/&\n	u64 iova;/
}

# SPDX-License-Identifier: GPL-2.0-only
# The contract of a module to come: more of everything, and not at the ends.
/^struct iommufd_policy_ops {/ {
	i\
struct iommufd_policy_resize_request {\
	struct iommufd_policy_who who;\
	u64 length;\
};\

	a\
	int (*resize)(const struct iommufd_policy_resize_request *req);\
	u64 budget;
}
/^struct iommufd_policy_who {/ a\
	u64 colour;
/^struct iommufd_policy_map_request {/,/^};/ s/^	u64 length;/	u32 colour;\n&/
s/^	IOMMUFD_POLICY_F_MEM_KIND = .*/	IOMMUFD_POLICY_F_NEWER = 1U << 31,\n&/
s/^	IOMMUFD_POLICY_OP_IOAS_COPY,/	IOMMUFD_POLICY_OP_NEWER = 1000,\n	IOMMUFD_POLICY_OP_IOAS_COPY = 4,/
s/^	IOMMUFD_POLICY_PAY = .*/	IOMMUFD_POLICY_NEWER_PAY = 100,\n&/
s/^	IOMMUFD_POLICY_LIMIT_NONE,/&\n	IOMMUFD_POLICY_LIMIT_NEWER,/
s/^	IOMMUFD_POLICY_HOLE_HIGHEST = .*/	IOMMUFD_POLICY_HOLE_NEWER = 1U << 31,\n&/
s/^	IOMMUFD_POLICY_PROT_READ = .*/	IOMMUFD_POLICY_PROT_NEWER = 1U << 31,\n&/
s/^	IOMMUFD_POLICY_MEM_ANON = .*/	IOMMUFD_POLICY_MEM_NEWER = 1U << 31,\n&/
s/^	IOMMUFD_POLICY_EXIT_NONE = .*/	IOMMUFD_POLICY_EXIT_NEWER = 1000,\n&/

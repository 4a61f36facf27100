// SPDX-License-Identifier: GPL-2.0-only
/* The struct_ops type iommufd_policy_ops, as the BPF core sees it. */
#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/filter.h>
#include <linux/module.h>

#include "iommufd_policy.h"
#include "policy_kfuncs.h"
#include "policy_registry.h"
#include "policy_struct_ops.h"

#define KNOWN_FLAGS (IOMMUFD_POLICY_F_MEM_KIND |			\
		     IOMMUFD_POLICY_F_FAIL_CLOSED |			\
		     IOMMUFD_POLICY_F_AUDIT |				\
		     IOMMUFD_POLICY_F_EXCEED_RLIMIT)

/* Set when the BPF core has found the type in the module's BTF. */
static bool type_found;

static int ops_init(struct btf *btf)
{
	/* Or policies could not tell which values this module knows. */
	BTF_TYPE_EMIT(enum iommufd_policy_flags);
	BTF_TYPE_EMIT(enum iommufd_policy_op);
	BTF_TYPE_EMIT(enum iommufd_policy_payment);
	BTF_TYPE_EMIT(enum iommufd_policy_limit);
	BTF_TYPE_EMIT(enum iommufd_policy_hole_flags);
	BTF_TYPE_EMIT(enum iommufd_policy_prot);
	BTF_TYPE_EMIT(enum iommufd_policy_mem);
	BTF_TYPE_EMIT(enum iommufd_policy_exit_kind);
	kfuncs_found_btf(btf);
	type_found = true;
	return 0;
}

static int ops_init_member(const struct btf_type *t,
			   const struct btf_member *member, void *kdata,
			   const void *udata)
{
	const struct iommufd_policy_ops *from = udata;
	struct iommufd_policy_ops *to = kdata;

	switch (__btf_member_bit_offset(t, member) / BITS_PER_BYTE) {
	case offsetof(struct iommufd_policy_ops, flags):
		if (from->flags & ~KNOWN_FLAGS)
			return -EINVAL;
		to->flags = from->flags;
		return 1;
	case offsetof(struct iommufd_policy_ops, cgroup_id):
		to->cgroup_id = from->cgroup_id;
		return 1;
	case offsetof(struct iommufd_policy_ops, priority):
		to->priority = from->priority;
		return 1;
	case offsetof(struct iommufd_policy_ops, name):
		memcpy(to->name, from->name, sizeof(to->name));
		return 1;
	default:
		return 0;
	}
}

/* Without a link a policy could be neither replaced nor pinned. */
static int ops_reg(void *kdata, struct bpf_link *link)
{
	return link ? registry_add(kdata, link) : -EOPNOTSUPP;
}

static void ops_unreg(void *kdata, struct bpf_link *link)
{
	registry_remove(link);
}

static int ops_update(void *kdata, void *old_kdata, struct bpf_link *link)
{
	return registry_replace(kdata, link);
}

static const struct bpf_func_proto *get_func_proto(enum bpf_func_id func_id,
						   const struct bpf_prog *prog)
{
	return bpf_base_func_proto(func_id, prog);
}

static bool is_valid_access(int off, int size, enum bpf_access_type type,
			    const struct bpf_prog *prog,
			    struct bpf_insn_access_aux *info)
{
	return bpf_tracing_btf_ctx_access(off, size, type, prog, info);
}

static const struct bpf_verifier_ops verifier_ops = {
	.get_func_proto = get_func_proto,
	.is_valid_access = is_valid_access,
};

/* The BPF core reads the prototypes of the hooks off these. */
static int iommufd_policy_ops__map(const struct iommufd_policy_map_request *req)
{
	return 0;
}

static void
iommufd_policy_ops__unmap(const struct iommufd_policy_unmap_request *req)
{
}

static int
iommufd_policy_ops__attach(const struct iommufd_policy_attach_request *req)
{
	return 0;
}

static void
iommufd_policy_ops__detach(const struct iommufd_policy_detach_request *req)
{
}

static s64
iommufd_policy_ops__iova_alloc(const struct iommufd_policy_iova_request *req)
{
	return 0;
}

static int
iommufd_policy_ops__charge(const struct iommufd_policy_charge_request *req)
{
	return 0;
}

static void
iommufd_policy_ops__uncharge(const struct iommufd_policy_uncharge_request *req)
{
}

static int
iommufd_policy_ops__init(const struct iommufd_policy_init_info *info)
{
	return 0;
}

static void
iommufd_policy_ops__exit(const struct iommufd_policy_exit_info *info)
{
}

static struct iommufd_policy_ops stubs = {
	.map = iommufd_policy_ops__map,
	.unmap = iommufd_policy_ops__unmap,
	.attach = iommufd_policy_ops__attach,
	.detach = iommufd_policy_ops__detach,
	.iova_alloc = iommufd_policy_ops__iova_alloc,
	.charge = iommufd_policy_ops__charge,
	.uncharge = iommufd_policy_ops__uncharge,
	.init = iommufd_policy_ops__init,
	.exit = iommufd_policy_ops__exit,
};

static struct bpf_struct_ops policy_struct_ops = {
	.verifier_ops = &verifier_ops,
	.init = ops_init,
	.init_member = ops_init_member,
	.reg = ops_reg,
	.unreg = ops_unreg,
	.update = ops_update,
	.cfi_stubs = &stubs,
	.owner = THIS_MODULE,
	.name = "iommufd_policy_ops",
};

/**
 * struct_ops_register - make the type known to the BPF core
 *
 * A module without BTF is accepted by the core with no more than a warning in
 * the log; it would let every request through without a policy.
 *
 * Return: 0; -EOPNOTSUPP if the module was built without BTF or the kernel
 * cannot read it; an error of the BPF core.
 */
int struct_ops_register(void)
{
	int rc = register_bpf_struct_ops(&policy_struct_ops,
					 iommufd_policy_ops);

	if (!rc && !type_found) {
		pr_err("iommufd: no usable BTF in this module, so no policy could be loaded; build it with pahole and the vmlinux of the kernel headers\n");
		rc = -EOPNOTSUPP;
	}
	return rc;
}

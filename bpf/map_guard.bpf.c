// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * map_guard - limits what memory devices may be given
 *
 * Refuses a mapping
 *  - larger than max_mapping_mib, with EDQUOT;
 *  - beyond the first max_mappings of a context, with EDQUOT;
 *  - of a kind of memory that is not in allowed_kinds, with EACCES;
 *  - that lets the device write to file-backed memory, with EACCES: such a
 *    write goes to the page cache behind the back of the filesystem, which
 *    may have cleaned, checksummed or frozen the page;
 *  - that lets the device write to shared memory (memfd, tmpfs), with EACCES,
 *    if deny_writable_shmem says so. Off by default: VMMs keep guest memory
 *    there.
 * Private mappings of files are not file-backed for this purpose, because
 * pinning gives the process its own copy. A copy of a mapping is of memory that
 * was judged when it was mapped first, and cannot be written to if that could
 * not.
 *
 * With peers_only_listed, memory of devices (PFN maps) and devices other than
 * peer_1 to peer_4 never come together in an IOAS: what comes second is refused,
 * with EACCES, for as long as the IOAS is there.
 */
#include <iommufd_policy.bpf.h>

/* Which of the two an IOAS is for: what came first, until the IOAS is gone */
#define FOR_PFNMAP 1U
#define FOR_UNLISTED 2U

/* Largest single mapping in MiB; 0: no limit */
const volatile u64 max_mapping_mib = 0;
/* Mappings of a context, copies among them; 0: no limit */
const volatile u32 max_mappings = 0;
/* Bits of enum iommufd_policy_mem */
const volatile u32 allowed_kinds = IOMMUFD_POLICY_MEM_ALL;
const volatile bool deny_writable_file = true;
const volatile bool deny_writable_shmem = false;
const volatile bool peers_only_listed = false;
/*
 * PCI devices that may reach memory of others, by their names without the colons
 * and the dot: 0x00003a001 is 0000:3a:00.1; 0: none
 */
const volatile u64 peer_1 = 0;
const volatile u64 peer_2 = 0;
const volatile u64 peer_3 = 0;
const volatile u64 peer_4 = 0;

struct ioas_key {
	u64 ctx_id;
	u64 ioas_id;
};

/* What IOASes are for, if they have met one of the two */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct ioas_key);
	__type(value, u32);
} ioases SEC(".maps");

static bool too_large(u64 length)
{
	/* Not max_mapping_mib << 20, which overflows for a large limit */
	return max_mapping_mib && (length - 1) >> 20 >= max_mapping_mib;
}

/* Requests at the same time do not see each other. */
static bool too_many(u64 ctx_id)
{
	struct iommufd_policy_ioas *ioas;
	u64 nr = 0;

	if (!max_mappings)
		return false;
	bpf_for_each(iommufd_ioas, ioas, ctx_id)
		nr += ioas->areas;
	return nr >= max_mappings;
}

static bool is_denied(const struct iommufd_policy_map_request *req)
{
	u32 denied = 0;

	if (req->op == IOMMUFD_POLICY_OP_IOAS_COPY)
		return false;
	if (req->mem & ~allowed_kinds)
		return true;
	if (deny_writable_file)
		denied |= IOMMUFD_POLICY_MEM_FILE;
	if (deny_writable_shmem)
		denied |= IOMMUFD_POLICY_MEM_SHMEM;
	return (req->prot & IOMMUFD_POLICY_PROT_WRITE) && (req->mem & denied);
}

static int reserve_ioas(u64 ctx_id, u64 ioas_id, u32 what)
{
	const struct ioas_key key = { ctx_id, ioas_id };
	u32 *is_for, none = 0, before;

	/* If another CPU is faster, that is as good. */
	bpf_map_update_elem(&ioases, &key, &none, BPF_NOEXIST);
	is_for = bpf_map_lookup_elem(&ioases, &key);
	if (!is_for)
		return -ENOMEM;
	before = __sync_val_compare_and_swap(is_for, 0, what);
	return !before || before == what ? 0 : -EACCES;
}

static bool may_hold_pfnmap(const struct iommufd_policy_map_request *req)
{
	const struct ioas_key from = { req->who.ctx_id, req->src_ioas_id };
	u32 *is_for;

	if (req->op != IOMMUFD_POLICY_OP_IOAS_COPY)
		return req->mem & IOMMUFD_POLICY_MEM_PFNMAP;
	is_for = bpf_map_lookup_elem(&ioases, &from);
	return is_for && *is_for == FOR_PFNMAP;
}

/* The name without colons and dots as a number; 0 if it is another kind of name */
static u64 number_of(const char *name, u32 size)
{
	u64 number = 0;
	u32 i;

	for (i = 0; i < size && name[i]; i++) {
		if (name[i] >= '0' && name[i] <= '9')
			number = number << 4 | (name[i] - '0');
		else if (name[i] >= 'a' && name[i] <= 'f')
			number = number << 4 | (name[i] - 'a' + 10);
		else if (name[i] != ':' && name[i] != '.')
			return 0;
	}
	return number;
}

static bool is_listed(const struct iommufd_policy_attach_request *req)
{
	char name[sizeof(req->dev_name)];
	u64 number;

	bpf_core_read(name, sizeof(name), &req->dev_name);
	number = number_of(name, sizeof(name));
	return number && (number == peer_1 || number == peer_2 ||
			  number == peer_3 || number == peer_4);
}

SEC("struct_ops.s")
int BPF_PROG(map_guard_map, const struct iommufd_policy_map_request *req)
{
	if (too_large(req->length) || too_many(req->who.ctx_id))
		return -EDQUOT;
	if (is_denied(req))
		return -EACCES;
	if (peers_only_listed && may_hold_pfnmap(req))
		return reserve_ioas(req->who.ctx_id, req->ioas_id, FOR_PFNMAP);
	return 0;
}

SEC("struct_ops")
int BPF_PROG(map_guard_attach, const struct iommufd_policy_attach_request *req)
{
	if (!peers_only_listed || is_listed(req))
		return 0;
	return reserve_ioas(req->who.ctx_id, req->ioas_id, FOR_UNLISTED);
}

SEC("struct_ops")
void BPF_PROG(map_guard_unmap, const struct iommufd_policy_unmap_request *req)
{
	const struct ioas_key key = { req->who.ctx_id, req->ioas_id };

	if (req->op == IOMMUFD_POLICY_OP_IOAS_DESTROY)
		bpf_map_delete_elem(&ioases, &key);
}

IOMMUFD_POLICY(map_guard,
	       .map = (void *)map_guard_map,
	       .attach = (void *)map_guard_attach,
	       .unmap = (void *)map_guard_unmap,
	       .flags = IOMMUFD_POLICY_F_MEM_KIND);

char _license[] SEC("license") = "Dual BSD/GPL";

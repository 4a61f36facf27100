// SPDX-License-Identifier: LGPL-2.1-or-later
/* A file of compiled policies: what is in it, which one is meant */
#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static bool is_policy(struct iommufd_policy_object *obj, struct bpf_map *map)
{
	const struct btf *btf = bpf_object__btf(obj->bpf);
	const struct btf_type *type;

	if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
		return false;
	type = btf__type_by_id(btf, bpf_map__btf_value_type_id(map));
	return type && !strcmp(btf__name_by_offset(btf, type->name_off),
			       "iommufd_policy_ops");
}

static struct bpf_map *next_policy(struct iommufd_policy_object *obj,
				   struct bpf_map *map)
{
	do
		map = bpf_object__next_map(obj->bpf, map);
	while (map && !is_policy(obj, map));
	return map;
}

void *policy_member(struct iommufd_policy_object *obj, struct bpf_map *policy,
		    const char *member, size_t size)
{
	const struct btf *btf = bpf_object__btf(obj->bpf);
	const struct btf_type *type =
		btf__type_by_id(btf, bpf_map__btf_value_type_id(policy));
	const struct btf_member *m = btf_members(type);
	char *value = bpf_map__initial_value(policy, NULL);
	int i;

	for (i = 0; i < btf_vlen(type); i++, m++) {
		if (strcmp(btf__name_by_offset(btf, m->name_off), member))
			continue;
		if (btf__resolve_size(btf, m->type) != (__s64)size)
			return NULL;
		return value + m->offset / 8;
	}
	return NULL;
}

/* NULL if the policy was compiled with another idea of the name */
char *policy_name(struct iommufd_policy_object *obj, struct bpf_map *policy)
{
	return policy_member(obj, policy, "name", POLICY_NAME_LEN);
}

bool policy_name_valid(const char *name)
{
	size_t len = strlen(name);

	/* No '.': bpffs keeps such names for itself */
	return len && len < POLICY_NAME_LEN &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == len;
}

int object_check_chosen(struct iommufd_policy_object *obj)
{
	if (obj->policy)
		return 0;
	return host_fail(obj->host, -EINVAL,
			 "%s has several policies: choose one by its name; 'iommufd-bpf inspect %s' shows them",
			 obj->path, obj->path);
}

int object_check_open(struct iommufd_policy_object *obj)
{
	if (!obj->loaded)
		return 0;
	return host_fail(obj->host, -EBUSY,
			 "%s is loaded already: open it again to load it otherwise",
			 obj->path);
}

static int check_policies(struct iommufd_policy_object *obj)
{
	struct iommufd_policy_host *host = obj->host;
	struct bpf_map *map = NULL;
	char *name;

	while ((map = next_policy(obj, map))) {
		if (!(bpf_map__map_flags(map) & BPF_F_LINK))
			return host_fail(host, -ENOEXEC,
					 "%s: policy '%s' is in section .struct_ops: declare it with IOMMUFD_POLICY(), or put it in .struct_ops.link",
					 obj->path, bpf_map__name(map));
		name = policy_name(obj, map);
		if (!name)
			return host_fail(host, -ENOEXEC,
					 "%s: policy '%s' has no member name[%d]: compile it with the current iommufd_policy.bpf.h",
					 obj->path, bpf_map__name(map),
					 POLICY_NAME_LEN);
		if (!memchr(name, '\0', POLICY_NAME_LEN) ||
		    !policy_name_valid(name))
			return host_fail(host, -ENOEXEC,
					 "%s: policy '%s' has a bad .name: use up to %d letters, digits, '_' and '-'",
					 obj->path, bpf_map__name(map),
					 POLICY_NAME_LEN - 1);
	}
	return 0;
}

EXPORT int iommufd_policy_object_open(struct iommufd_policy_host *host,
				      const char *path,
				      struct iommufd_policy_object **objp)
{
	struct iommufd_policy_object *obj;
	int err;

	obj = calloc(1, sizeof(*obj) + strlen(path) + 1);
	if (!obj)
		return host_fail(host, -ENOMEM, "out of memory");
	obj->host = host;
	strcpy(obj->path, path);

	host_log_begin(host);
	obj->bpf = bpf_object__open_file(path, NULL);
	err = -errno;
	host_log_end();
	if (!obj->bpf) {
		/* libbpf has codes of its own, all about what is in the file */
		if (err <= -__LIBBPF_ERRNO__START || err == -EINVAL)
			err = host_fail(host, -EINVAL,
					"%s is not a compiled BPF object: build it with 'clang -target bpf -g'",
					path);
		else
			host_fail(host, err, "cannot open %s: %s", path,
				  strerror(-err));
		goto err_free;
	}

	obj->policy = next_policy(obj, NULL);
	if (!obj->policy) {
		err = host_fail(host, -ENOEXEC,
				"%s has no iommufd policy: declare one with IOMMUFD_POLICY() of iommufd_policy.bpf.h",
				path);
		goto err_close;
	}
	err = check_policies(obj);
	if (err)
		goto err_close;

	if (next_policy(obj, obj->policy))
		obj->policy = NULL;
	*objp = obj;
	return 0;

err_close:
	bpf_object__close(obj->bpf);
err_free:
	free(obj);
	return err;
}

EXPORT void iommufd_policy_object_close(struct iommufd_policy_object *obj)
{
	if (!obj)
		return;
	bpf_object__close(obj->bpf);
	free(obj);
}

EXPORT const char *
iommufd_policy_object_policy(struct iommufd_policy_object *obj,
			     unsigned int index)
{
	struct bpf_map *map = next_policy(obj, NULL);

	while (map && index--)
		map = next_policy(obj, map);
	return map ? policy_name(obj, map) : NULL;
}

EXPORT int iommufd_policy_object_select(struct iommufd_policy_object *obj,
					const char *name)
{
	struct bpf_map *map = NULL;
	int err = object_check_open(obj);

	if (err)
		return err;
	while ((map = next_policy(obj, map))) {
		if (strcmp(policy_name(obj, map), name))
			continue;
		obj->policy = map;
		return 0;
	}
	return host_fail(obj->host, -ENOENT,
			 "%s has no policy '%s': 'iommufd-bpf inspect' shows those it has",
			 obj->path, name);
}

EXPORT const char *
iommufd_policy_object_name(struct iommufd_policy_object *obj)
{
	return obj->policy ? policy_name(obj, obj->policy) : NULL;
}

EXPORT int iommufd_policy_object_rename(struct iommufd_policy_object *obj,
					const char *name)
{
	int err = host_check_name(obj->host, name);

	if (!err)
		err = object_check_chosen(obj);
	if (!err)
		err = object_check_open(obj);
	if (err)
		return err;
	strcpy(policy_name(obj, obj->policy), name);
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Parameters of a policy: its const volatile variables. They lie in .rodata,
 * which libbpf lets us write until the object is loaded and the kernel freezes
 * it, and BTF says what they are.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct param {
	const char *name;
	const char *type;
	size_t size;
	bool is_bool;
	bool is_signed;
	void *value;
};

static void *rodata(struct iommufd_policy_object *obj)
{
	struct bpf_map *map;
	const char *name;

	bpf_object__for_each_map(map, obj->bpf) {
		name = strchr(bpf_map__name(map), '.');
		if (bpf_map__is_internal(map) && name &&
		    !strcmp(name, ".rodata")) {
			size_t size;

			return bpf_map__initial_value(map, &size);
		}
	}
	return NULL;
}

/* Whether a variable is a parameter; if so @param has what its type says */
static bool param_type(const struct btf *btf, __u32 id, struct param *param)
{
	const struct btf_type *type = btf__type_by_id(btf, id);
	bool is_const = false, is_volatile = false;

	param->type = NULL;
	for (;; type = btf__type_by_id(btf, type->type)) {
		if (btf_is_const(type))
			is_const = true;
		else if (btf_is_volatile(type))
			is_volatile = true;
		else if (!param->type)
			param->type = btf__name_by_offset(btf, type->name_off);
		if (!btf_is_mod(type) && !btf_is_typedef(type))
			break;
	}
	if (!is_const || !is_volatile || !btf_is_int(type) || type->size > 8)
		return false;

	param->size = type->size;
	param->is_bool = btf_int_encoding(type) & BTF_INT_BOOL;
	param->is_signed = btf_int_encoding(type) & BTF_INT_SIGNED;
	return true;
}

/* Parameter @index, or the one called @name */
static bool find_param(struct iommufd_policy_object *obj, unsigned int index,
		       const char *name, struct param *param)
{
	const struct btf *btf = bpf_object__btf(obj->bpf);
	const struct btf_var_secinfo *info;
	const struct btf_type *section, *var;
	char *data = rodata(obj);
	int id, i;

	id = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
	if (id < 0 || !data)
		return false;

	section = btf__type_by_id(btf, id);
	info = btf_var_secinfos(section);
	for (i = 0; i < btf_vlen(section); i++, info++) {
		var = btf__type_by_id(btf, info->type);
		if (!param_type(btf, var->type, param))
			continue;
		param->name = btf__name_by_offset(btf, var->name_off);
		if (name ? strcmp(param->name, name) != 0 : index-- != 0)
			continue;
		param->value = data + info->offset;
		return true;
	}
	return false;
}

static uint64_t param_read(const struct param *param)
{
	unsigned int spare = 64 - param->size * 8;
	uint64_t value;

	switch (param->size) {
	case 1:
		value = *(uint8_t *)param->value;
		break;
	case 2:
		value = *(uint16_t *)param->value;
		break;
	case 4:
		value = *(uint32_t *)param->value;
		break;
	default:
		value = *(uint64_t *)param->value;
	}
	if (param->is_signed)
		return (int64_t)(value << spare) >> spare;
	return value;
}

static void param_write(const struct param *param, uint64_t value)
{
	switch (param->size) {
	case 1:
		*(uint8_t *)param->value = value;
		break;
	case 2:
		*(uint16_t *)param->value = value;
		break;
	case 4:
		*(uint32_t *)param->value = value;
		break;
	default:
		*(uint64_t *)param->value = value;
	}
}

EXPORT int iommufd_policy_object_param(struct iommufd_policy_object *obj,
				       unsigned int index,
				       struct iommufd_policy_param *to)
{
	struct iommufd_policy_param out = {};
	struct param param;
	uint64_t value;
	int err;

	err = host_check_sz(obj->host, to->sz, SIZE_UP_TO(out, value));
	if (err)
		return err;
	if (!find_param(obj, index, NULL, &param))
		return -ENOENT;

	out.name = param.name;
	out.type = param.type;
	out.size = param.size;
	value = param_read(&param);
	if (param.is_bool)
		strcpy(out.value, value ? "true" : "false");
	else
		snprintf(out.value, sizeof(out.value),
			 param.is_signed ? "%" PRId64 : "%" PRIu64, value);
	copy_out(to, &out, sizeof(out));
	return 0;
}

static int unknown_param(struct iommufd_policy_object *obj, const char *name)
{
	char known[256] = "";
	struct param param;
	size_t len = 0;
	unsigned int i;

	for (i = 0; find_param(obj, i, NULL, &param) && len < sizeof(known); i++)
		len += snprintf(known + len, sizeof(known) - len, "%s%s",
				i ? ", " : "", param.name);
	if (!i)
		return host_fail(obj->host, -ENOENT,
				 "%s has no parameter '%s', nor any other",
				 obj->path, name);
	return host_fail(obj->host, -ENOENT,
			 "%s has no parameter '%s': it has %s", obj->path, name,
			 known);
}

static bool parse_bool(const char *text, uint64_t *value)
{
	*value = !strcmp(text, "true") || !strcmp(text, "1");
	return *value || !strcmp(text, "false") || !strcmp(text, "0");
}

/* A number, decimal or 0x, a leading zero being just that; else -EINVAL */
static int parse_number(const char *text, bool is_signed, uint64_t *value)
{
	const char *digits = text + (*text == '-');
	int base = strncasecmp(digits, "0x", 2) ? 10 : 16;
	char *end;

	if (!strchr("0123456789", *digits) || !*digits)
		return -EINVAL;
	errno = 0;
	if (is_signed)
		*value = strtoimax(text, &end, base);
	else
		*value = strtoumax(digits, &end, base);
	if (*end || end == digits)
		return -EINVAL;
	if (errno || (!is_signed && *text == '-' && *value))
		return -ERANGE;
	return 0;
}

EXPORT int iommufd_policy_object_set_param(struct iommufd_policy_object *obj,
					   const char *name, const char *text)
{
	struct iommufd_policy_host *host = obj->host;
	struct param param;
	unsigned int bits;
	uint64_t value;
	int err;

	err = object_check_open(obj);
	if (err)
		return err;
	if (!find_param(obj, 0, name, &param))
		return unknown_param(obj, name);

	if (param.is_bool) {
		if (!parse_bool(text, &value))
			return host_fail(host, -EINVAL,
					 "parameter %s: '%s' is not a %s: use true or false",
					 name, text, param.type);
		param_write(&param, value);
		return 0;
	}

	err = parse_number(text, param.is_signed, &value);
	if (err == -EINVAL)
		return host_fail(host, err,
				 "parameter %s: '%s' is not a %s: use a number, decimal or 0x",
				 name, text, param.type);

	bits = param.size * 8;
	if (param.is_signed) {
		int64_t min = INT64_MIN >> (64 - bits);

		if (err || (int64_t)value < min || (int64_t)value > ~min)
			return host_fail(host, -ERANGE,
					 "parameter %s: %s does not fit a %s: use %" PRId64 " to %" PRId64,
					 name, text, param.type, min, ~min);
	} else {
		uint64_t max = UINT64_MAX >> (64 - bits);

		if (err || value > max)
			return host_fail(host, -ERANGE,
					 "parameter %s: %s does not fit a %s: use 0 to %" PRIu64,
					 name, text, param.type, max);
	}
	param_write(&param, value);
	return 0;
}

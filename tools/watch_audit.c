// SPDX-License-Identifier: GPL-2.0-only
/* What the policy audit has written */
#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <iommufd_audit.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "names.h"
#include "policy_values.h"
#include "watch_audit.h"
#include "watch_show.h"

static const char *const hooks[] = {
	[IOMMUFD_AUDIT_MAP] = "map",
	[IOMMUFD_AUDIT_UNMAP] = "unmap",
	[IOMMUFD_AUDIT_ATTACH] = "attach",
	[IOMMUFD_AUDIT_DETACH] = "detach",
	[IOMMUFD_AUDIT_IOVA_ALLOC] = "iova_alloc",
	[IOMMUFD_AUDIT_CHARGE] = "charge",
};

static const char *const ops[] = {
	[IOMMUFD_POLICY_OP_IOAS_MAP] = "ioas_map",
	[IOMMUFD_POLICY_OP_ATTACH_DEVICE] = "attach_device",
	[IOMMUFD_POLICY_OP_REPLACE_DEVICE] = "replace_device",
	[IOMMUFD_POLICY_OP_IOAS_COPY] = "ioas_copy",
	[IOMMUFD_POLICY_OP_IOAS_MAP_FILE] = "ioas_map_file",
	[IOMMUFD_POLICY_OP_ATTACH_ACCESS] = "attach_access",
	[IOMMUFD_POLICY_OP_REPLACE_ACCESS] = "replace_access",
	[IOMMUFD_POLICY_OP_TYPE1_MAP] = "type1_map",
	[IOMMUFD_POLICY_OP_IOAS_UNMAP] = "ioas_unmap",
	[IOMMUFD_POLICY_OP_TYPE1_UNMAP] = "type1_unmap",
	[IOMMUFD_POLICY_OP_IOAS_DESTROY] = "ioas_destroy",
	[IOMMUFD_POLICY_OP_DETACH_DEVICE] = "detach_device",
	[IOMMUFD_POLICY_OP_DETACH_ACCESS] = "detach_access",
	[IOMMUFD_POLICY_OP_FILL_DOMAIN] = "fill_domain",
	[IOMMUFD_POLICY_OP_ACCESS_PIN] = "access_pin",
	[IOMMUFD_POLICY_OP_CHANGE_PROCESS] = "change_process",
};

#define NAME_OF(names, value)						\
	((value) < sizeof(names) / sizeof(*(names)) ? (names)[value] : NULL)

static struct json_object *event_json(const struct iommufd_audit_event *event)
{
	struct json_object *obj = json_object_new_object();

	add_string(obj, "event", "audit");
	add_number(obj, "seq", event->seq);
	json_object_object_add(obj, "time",
			       json_object_new_double(event->time / 1e9));
	add_number(obj, "pid", event->tgid);
	add_string(obj, "comm", *event->comm ? event->comm :
		    process_name(event->tgid));
	add_user(obj, event->uid);
	add_cgroup(obj, event->cgroup_id);
	add_number(obj, "ctx", event->ctx_id);
	add_string(obj, "hook", NAME_OF(hooks, event->hook));
	add_string(obj, "op", NAME_OF(ops, event->op));
	add_number(obj, "ioas", event->ioas_id);
	add_number(obj, "iova", event->iova);
	add_number(obj, "length", event->length);
	add_number(obj, "uptr", event->uptr);
	add_number(obj, "pages", event->pages);
	add_number(obj, "prot", event->prot);
	add_number(obj, "mem", event->mem);
	add_string(obj, "device", *event->dev_name ? event->dev_name : NULL);
	return obj;
}

static void show(const struct iommufd_audit_event *event)
{
	char size[HUMAN_SIZE];

	if (opt_json) {
		out_line(event_json(event));
		return;
	}
	printf("%10.6f context %llu %s[%u] %s %s: %s %s IOAS %u",
	       event->time / 1e9, event->ctx_id,
	       *event->comm ? event->comm : name_text(process_name(event->tgid)),
	       event->tgid, user_text(event->uid),
	       name_text(cgroup_path(event->cgroup_id)),
	       name_text(NAME_OF(hooks, event->hook)),
	       name_text(NAME_OF(ops, event->op)), event->ioas_id);
	if (*event->dev_name)
		printf(" %s", event->dev_name);
	if (event->length)
		printf(" IOVA 0x%llx %s", event->iova,
		       human_size(event->length, size));
	if (event->pages)
		printf(" %llu pages", event->pages);
	printf("\n");
}

static int take_event(void *arg, void *data, size_t size)
{
	struct iommufd_audit_event event = {};
	struct watch *watch = arg;

	if (!watch_goes_on(watch))
		return 0;
	/* Of an older policy, or a newer one */
	memcpy(&event, data, size < sizeof(event) ? size : sizeof(event));
	if (!watch->first_seq || event.seq < watch->first_seq)
		watch->first_seq = event.seq;
	if (event.seq > watch->last_seq)
		watch->last_seq = event.seq;
	watch->seen++;
	show(&event);
	return 0;
}

int watch_audit(struct watch *watch, const char *name)
{
	char path[PATH_MAX];
	uint64_t numbers;
	int map, ret;

	snprintf(path, sizeof(path), "/sys/fs/bpf/iommufd/%s/maps/events", name);
	map = bpf_obj_get(path);
	if (map == -EACCES || map == -EPERM)
		return out_fail(map, "cannot open %s: run this as root", path);
	if (map < 0)
		return out_fail(map, "policy '%s' has no events (no %s): load it with 'iommufd-bpf load audit.bpf.o --name %s'",
				name, path, name);
	ret = watch_poll(watch, map, take_event);
	close(map);
	numbers = watch->seen ? watch->last_seq - watch->first_seq + 1 : 0;
	watch_end(watch, numbers - watch->seen);
	return ret;
}

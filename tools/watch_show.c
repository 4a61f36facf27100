// SPDX-License-Identifier: GPL-2.0-only
/* Events of the tracepoints, for people and programs */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "names.h"
#include "watch.h"
#include "watch_show.h"

static const char *const kinds[WATCH_KINDS] = {
	[WATCH_DECISION] = "decision",
	[WATCH_EXIT] = "exit",
	[WATCH_MAP] = "map",
	[WATCH_MAP_FILE] = "map_file",
	[WATCH_COPY] = "copy",
	[WATCH_UNMAP] = "unmap",
	[WATCH_ATTACH] = "attach",
	[WATCH_DETACH] = "detach",
	[WATCH_CHARGE] = "charge",
	[WATCH_UNCHARGE] = "uncharge",
};

/* "EPERM", or NULL for what is no error */
static const char *error_name(int64_t answer)
{
	return answer < 0 && answer >= -4095 ? strerrorname_np(-answer) : NULL;
}

static bool is_request(const struct watch_event *event)
{
	return event->kind >= WATCH_MAP && event->kind <= WATCH_DETACH;
}

static void add_request(struct json_object *obj,
			const struct watch_event *event)
{
	if (event->kind == WATCH_ATTACH || event->kind == WATCH_DETACH)
		add_string(obj, "device", event->text);
	if (event->kind == WATCH_DETACH)
		return;
	add_number(obj, "ioas", event->ioas_id);
	if (event->kind == WATCH_ATTACH) {
		add_number(obj, "hwpt", event->other_id);
		add_bool(obj, "replace", event->audit);
		return;
	}
	add_number(obj, "iova", event->iova);
	add_number(obj, "length", event->length);
	if (event->kind == WATCH_MAP)
		add_number(obj, "uptr", event->place);
	else if (event->kind == WATCH_MAP_FILE)
		add_number(obj, "file_offset", event->place);
	else if (event->kind == WATCH_UNMAP)
		add_number(obj, "unmapped", event->pages);
	if (event->kind != WATCH_COPY)
		return;
	add_number(obj, "src_ioas", event->other_id);
	add_number(obj, "src_iova", event->place);
}

static struct json_object *event_json(const struct watch_event *event)
{
	struct json_object *obj = json_object_new_object();

	add_string(obj, "event", kinds[event->kind]);
	json_object_object_add(obj, "time",
			       json_object_new_double(event->time / 1e9));
	add_number(obj, "pid", event->tgid);
	add_string(obj, "comm", event->comm);
	add_user(obj, event->uid);
	add_cgroup(obj, event->cgroup_id);
	if (event->kind == WATCH_EXIT) {
		add_string(obj, "policy", event->policy);
		add_number(obj, "kind", event->other_id);
		json_object_object_add(obj, "code",
				       json_object_new_int(event->error));
		add_string(obj, "message", event->text);
		return obj;
	}
	add_number(obj, "ctx", event->ctx_id);
	if (event->kind == WATCH_DECISION) {
		add_string(obj, "policy", event->policy);
		add_string(obj, "hook", event->text);
		json_object_object_add(obj, "answer",
				       json_object_new_int64(event->answer));
		add_string(obj, "code", error_name(event->answer));
		add_string(obj, "mode", event->audit ? "audit" : "enforce");
		return obj;
	}
	if (is_request(event))
		add_request(obj, event);
	else
		add_number(obj, "pages", event->pages);
	add_string(obj, "code", error_name(event->error));
	return obj;
}

static void show_decision(const struct watch_event *event)
{
	const bool refused = event->answer < 0;
	const bool colour = refused && isatty(STDOUT_FILENO);

	printf("%s%s %s: %s", colour ? "\033[31m" : "", event->policy,
	       event->text, refused ? "refused" : "allowed");
	if (refused)
		printf(" with %s", error_name(event->answer) ?: "an unknown error");
	else if (event->answer)
		printf(", answer %lld", event->answer);
	printf("%s%s", event->audit ? ", audit only" : "",
	       colour ? "\033[0m" : "");
}

static void show_request(const struct watch_event *event)
{
	char size[HUMAN_SIZE];

	printf("%s", kinds[event->kind]);
	if (event->kind == WATCH_DETACH)
		printf(" %s", event->text);
	else if (event->kind == WATCH_ATTACH)
		printf(" %s to IOAS %u", event->text, event->ioas_id);
	else
		printf(" IOAS %u IOVA 0x%llx %s", event->ioas_id, event->iova,
		       human_size(event->length, size));
	if (event->error)
		printf(": %s", error_name(event->error) ?: "failed");
}

void watch_show(const struct watch_event *event)
{
	if (opt_json) {
		out_line(event_json(event));
		return;
	}
	printf("%10.6f ", event->time / 1e9);
	if (event->ctx_id)
		printf("context %llu ", event->ctx_id);
	printf("%s[%u] %s %s: ", event->comm, event->tgid,
	       user_text(event->uid), name_text(cgroup_path(event->cgroup_id)));
	if (event->kind == WATCH_DECISION)
		show_decision(event);
	else if (event->kind == WATCH_EXIT)
		printf("%s is gone: %s", event->policy, event->text);
	else if (is_request(event))
		show_request(event);
	else
		printf("%s %llu pages", kinds[event->kind], event->pages);
	printf("\n");
}

// SPDX-License-Identifier: GPL-2.0-only
/* iommufd-bpf apply: put in force what configuration files say */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "applied.h"
#include "cmd.h"
#include "conf.h"

#define POLICIES_D "/etc/iommufd-bpf/policies.d"

struct apply {
	struct iommufd_policy_host *host;
	struct json_object *results;
	/* Names the files have; records of others are pruned */
	struct json_object *names;
	bool dry_run;
	int count;
	int failed;
};

static struct json_object *add_result(struct apply *apply, const char *name,
				      const char *path, const char *action)
{
	struct json_object *result = json_object_new_object();

	if (name)
		json_object_object_add(result, "name",
				       json_object_new_string(name));
	json_object_object_add(result, "file", json_object_new_string(path));
	json_object_object_add(result, "action",
			       json_object_new_string(action));
	json_object_array_add(apply->results, result);
	return result;
}

static void done(struct apply *apply, const char *name, const char *path,
		 const char *action)
{
	add_result(apply, name, path, action);
	out_text("%s: %s%s (%s)\n", name, apply->dry_run ? "would be " : "",
		 action, path);
}

static void failed(struct apply *apply, const char *path, int line,
		   const char *message)
{
	struct json_object *result = add_result(apply, NULL, path, "failed");

	apply->failed++;
	json_object_object_add(result, "message",
			       json_object_new_string(message));
	if (line)
		json_object_object_add(result, "line",
				       json_object_new_int(line));
	if (opt_json)
		return;
	if (line)
		fprintf(stderr, "%s:%d: %s\n", path, line, message);
	else
		fprintf(stderr, "%s: %s\n", path, message);
}

static int find_loaded(struct iommufd_policy_host *host, const char *name,
		       struct iommufd_policy_status *found)
{
	struct iommufd_policy_status *list, *policy;
	int err;

	err = iommufd_policy_list(host, &list);
	if (err)
		return err;
	err = -ENOENT;
	for (policy = list; policy; policy = policy->next) {
		if (strcmp(policy->name, name))
			continue;
		*found = *policy;
		err = 0;
	}
	iommufd_policy_list_free(list);
	return err;
}

/* Scope and priority stay with the link; the rest can be replaced. */
static bool replaceable(const struct iommufd_policy_settings *wanted,
			const struct iommufd_policy_status *now)
{
	return strcmp(now->state, "orphaned") &&
	       now->priority == wanted->priority &&
	       now->cgroup_id == wanted->cgroup_id;
}

static int bring_in(struct apply *apply, struct iommufd_policy_object *obj,
		    bool audit, const char *action)
{
	const char *name = iommufd_policy_object_name(obj);
	int err;

	if (!strcmp(action, "replaced")) {
		err = iommufd_policy_replace(obj, name);
		return err ?: iommufd_policy_set_audit(apply->host, name, audit);
	}
	if (!strcmp(action, "reloaded")) {
		/* The old one is not given up for one that the kernel refuses. */
		err = iommufd_policy_check(obj);
		if (!err)
			err = iommufd_policy_unload(apply->host, name);
		if (err)
			return err;
	}
	return iommufd_policy_load(obj);
}

/* Load, replace or leave what is opened; the library says what failed. */
static int put_in_force(struct apply *apply, struct conf *conf,
			struct iommufd_policy_object *obj)
{
	const char *name = iommufd_policy_object_name(obj);
	struct iommufd_policy_settings wanted = { .sz = sizeof(wanted) };
	struct iommufd_policy_status now = {};
	const char *action = "loaded";
	char *content;
	size_t size;
	int err;

	content = applied_content(obj, conf, &size);
	if (!content) {
		snprintf(conf->message, sizeof(conf->message), "%s: %s",
			 conf->file, strerror(errno));
		return -errno;
	}
	err = iommufd_policy_object_settings(obj, &wanted);
	if (err)
		goto out;
	err = find_loaded(apply->host, name, &now);
	if (err && err != -ENOENT)
		goto out;
	if (!err && strcmp(now.state, "detached"))
		action = replaceable(&wanted, &now) ? "replaced" : "reloaded";
	if (strcmp(action, "loaded") && strcmp(now.state, "orphaned") &&
	    applied_same(name, applied_map(now.link_id), content, size)) {
		err = 0;
		if (!strcmp(now.state, "active")) {
			done(apply, name, conf->path, "unchanged");
			goto out;
		}
		/* Somebody has to look first: it is not put back by itself. */
		snprintf(conf->message, sizeof(conf->message),
			 "%s is %s: 'iommufd-bpf unload %s', then apply again",
			 name, now.state, name);
		err = -EPERM;
		goto out;
	}

	err = 0;
	if (!apply->dry_run) {
		err = bring_in(apply, obj, wanted.audit, action);
		if (!err)
			err = find_loaded(apply->host, name, &now);
		if (!err)
			err = applied_record(name, applied_map(now.link_id),
					     conf->path, content, size);
	}
	if (!err)
		done(apply, name, conf->path, action);
out:
	free(content);
	return err;
}

static void apply_file(struct apply *apply, const char *path)
{
	struct conf conf = { .path = path };
	struct iommufd_policy_object *obj = NULL;
	const char *name;
	int err;

	apply->count++;
	err = conf_read(&conf);
	if (!err)
		err = iommufd_policy_object_open(apply->host, conf.file, &obj);
	if (!err && conf.policy)
		err = iommufd_policy_object_select(obj, conf.policy);
	if (!err && conf.name)
		err = iommufd_policy_object_rename(obj, conf.name);
	if (!err)
		err = conf_configure(&conf, apply->host, obj);
	if (!err) {
		name = iommufd_policy_object_name(obj);
		if (!name) {
			snprintf(conf.message, sizeof(conf.message),
				 "%s has several policies: say which with 'policy'",
				 conf.file);
			err = -EINVAL;
		} else if (json_object_object_get_ex(apply->names, name, NULL)) {
			snprintf(conf.message, sizeof(conf.message),
				 "another file has a policy %s: give one a 'name'",
				 name);
			err = -EEXIST;
		} else {
			json_object_object_add(apply->names, name,
					       json_object_new_boolean(true));
			err = put_in_force(apply, &conf, obj);
		}
	}
	if (err) {
		const char *why = iommufd_policy_host_error(apply->host);

		failed(apply, path, conf.line,
		       conf.message[0] ? conf.message :
		       why[0] ? why : strerror(-err));
	}
	iommufd_policy_object_close(obj);
	conf_free(&conf);
}

static int is_conf(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && dot && !strcmp(dot, ".conf");
}

static void apply_path(struct apply *apply, const char *path)
{
	struct dirent **entries;
	struct stat st;
	char *file;
	int i, count;

	if (!stat(path, &st) && !S_ISDIR(st.st_mode)) {
		apply_file(apply, path);
		return;
	}
	count = scandir(path, &entries, is_conf, alphasort);
	if (count < 0) {
		apply->count++;
		failed(apply, path, 0, strerror(errno));
		return;
	}
	for (i = 0; i < count; i++) {
		if (asprintf(&file, "%s/%s", path, entries[i]->d_name) < 0)
			abort();
		apply_file(apply, file);
		free(file);
		free(entries[i]);
	}
	free(entries);
}

static int is_record(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void prune_one(struct apply *apply, const char *name)
{
	struct iommufd_policy_status now;
	struct stat st;
	uint32_t map;
	char *conf;
	int err;

	if (json_object_object_get_ex(apply->names, name, NULL) ||
	    applied_read(name, &map, &conf))
		return;
	if (!stat(conf, &st) || errno != ENOENT)
		goto out;
	err = find_loaded(apply->host, name, &now);
	/* What somebody else has put in its place is theirs. */
	if (!err && applied_map(now.link_id) == map) {
		if (!apply->dry_run)
			err = iommufd_policy_unload(apply->host, name);
		if (!err)
			done(apply, name, conf, "unloaded");
	} else if (err == -ENOENT) {
		err = 0;
	}
	if (err)
		failed(apply, conf, 0, iommufd_policy_host_error(apply->host));
	else if (!apply->dry_run)
		applied_forget(name);
out:
	free(conf);
}

static void prune(struct apply *apply)
{
	struct dirent **entries;
	int i, count = scandir(APPLIED_DIR, &entries, is_record, alphasort);

	for (i = 0; i < count; i++) {
		prune_one(apply, entries[i]->d_name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dry-run", no_argument, NULL, 'n' },
		{ "prune", no_argument, NULL, 'p' },
		COMMON_OPTIONS,
		{}
	};
	struct apply apply = {};
	bool pruning = false;
	int opt, err;

	while ((opt = cmd_getopt(&cmd_apply, argc, argv, options)) != -1) {
		switch (opt) {
		case 'n':
			apply.dry_run = true;
			break;
		case 'p':
			pruning = true;
			break;
		}
	}
	err = applied_lock(!apply.dry_run);
	if (err)
		return out_fail(err, APPLIED_DIR ": %s: run it as root",
				strerror(-err));

	apply.host = open_host();
	apply.names = json_object_new_object();
	apply.results = json_object_new_array();
	if (optind == argc)
		apply_path(&apply, POLICIES_D);
	for (; optind < argc; optind++)
		apply_path(&apply, argv[optind]);
	if (pruning)
		prune(&apply);
	iommufd_policy_host_close(apply.host);
	json_object_put(apply.names);
	json_object_object_add(out_json(), "policies", apply.results);
	if (apply.failed)
		return out_fail(-EINVAL, "%d failed of %d files", apply.failed,
				apply.count);
	return EXIT_SUCCESS;
}

const struct command cmd_apply = {
	.name = "apply",
	.args = "[--dry-run] [--prune] [DIRECTORY | FILE]...",
	.summary = "Put in force what configuration files say",
	.options = "  -n, --dry-run          only say what would be done\n"
		"  -p, --prune            unload what was applied and has no file any more\n",
	.notes = "Without operand, " POLICIES_D "/*.conf are applied.\n",
	.run = run,
};

// SPDX-License-Identifier: GPL-2.0-only
/* A policy under test, loaded with libbpf and nothing else. */
#include <dirent.h>
#include <libgen.h>
#include <limits.h>

#include <bpf/btf.h>

#include "lib/policy.h"

char verifier_log[VERIFIER_LOG_SIZE];

/* libbpf explains what tests expect to fail. */
static int quiet(enum libbpf_print_level level, const char *format,
		 va_list args)
{
	if (level != LIBBPF_WARN || !getenv("LIBBPF_LOG"))
		return 0;
	fputs("# ", stderr);
	return vfprintf(stderr, format, args);
}

struct bpf_object *object_open(const char *name)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts,
		    .kernel_log_buf = verifier_log,
		    .kernel_log_size = VERIFIER_LOG_SIZE);
	char self[PATH_MAX] = {}, path[PATH_MAX + 64];
	struct bpf_object *object;

	libbpf_set_print(quiet);
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	snprintf(path, sizeof(path), "%s/bpf/%s.bpf.o", dirname(self), name);
	verifier_log[0] = '\0';
	object = bpf_object__open_file(path, &opts);
	assert_non_null(object);
	return object;
}

/* The one called "policy", or @name, or else the one that is no "legacy". */
static struct bpf_map *find_policy(struct bpf_object *object, const char *name)
{
	struct bpf_map *map, *found;

	found = bpf_object__find_map_by_name(object, "policy") ?:
		bpf_object__find_map_by_name(object, name);
	if (found && bpf_map__type(found) != BPF_MAP_TYPE_STRUCT_OPS)
		found = NULL;
	bpf_object__for_each_map(map, object)
		if (!found && bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS &&
		    strcmp(bpf_map__name(map), "legacy"))
			found = map;
	assert_non_null(found);
	return found;
}

void policy_open_object(struct policy *policy, const char *object,
			const char *name)
{
	struct bpf_map *map;
	size_t size;

	memset(policy, 0, sizeof(*policy));
	policy->object = object_open(object);
	policy->map = find_policy(policy->object, name);
	bpf_object__for_each_map(map, policy->object)
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			bpf_map__set_autocreate(map, map == policy->map);

	policy->ops = bpf_map__initial_value(policy->map, &size);
	assert_int_equal(size, sizeof(*policy->ops));
	/* Without a NUL if it is too long: the module has to refuse that. */
	memset(policy->ops->name, 0, sizeof(policy->ops->name));
	memcpy(policy->ops->name, name,
	       strnlen(name, sizeof(policy->ops->name)));

	if (strcmp(object, "answer"))
		return;
	map = bpf_object__find_map_by_name(policy->object, ".bss");
	policy->answer = bpf_map__initial_value(map, &size);
	assert_true(size >= sizeof(*policy->answer));
}

void policy_open(struct policy *policy, const char *name)
{
	policy_open_object(policy, "answer", name);
}

void policy_set(struct policy *policy, const char *param, uint64_t value)
{
	const struct btf *btf = bpf_object__btf(policy->object);
	struct bpf_map *map = bpf_object__find_map_by_name(policy->object,
							   ".rodata");
	const struct btf_var_secinfo *var;
	const struct btf_type *type;
	size_t size;
	char *data = bpf_map__initial_value(map, &size);
	int i, id;

	id = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
	assert_true(id > 0);
	type = btf__type_by_id(btf, id);
	var = btf_var_secinfos(type);
	for (i = 0; i < btf_vlen(type); i++, var++) {
		const struct btf_type *of = btf__type_by_id(btf, var->type);

		if (strcmp(btf__name_by_offset(btf, of->name_off), param))
			continue;
		assert_true(var->size <= sizeof(value));
		memcpy(data + var->offset, &value, var->size);
		return;
	}
	fail_msg("no parameter %s", param);
}

void *policy_program(struct policy *policy, const char *name)
{
	struct bpf_program *program;

	program = bpf_object__find_program_by_name(policy->object, name);
	assert_non_null(program);
	return program;
}

static void load_if(void *program)
{
	if (program)
		bpf_program__set_autoload(program, true);
}

int policy_load(struct policy *policy)
{
	load_if(policy->ops->map);
	load_if(policy->ops->unmap);
	load_if(policy->ops->attach);
	load_if(policy->ops->detach);
	load_if(policy->ops->iova_alloc);
	load_if(policy->ops->charge);
	load_if(policy->ops->uncharge);
	load_if(policy->ops->init);
	load_if(policy->ops->exit);
	verifier_log[0] = '\0';
	return bpf_object__load(policy->object);
}

int policy_attach(struct policy *policy)
{
	policy->link = bpf_map__attach_struct_ops(policy->map);
	return policy->link ? 0 : -errno;
}

void policy_start(struct policy *policy, const char *name)
{
	policy_open(policy, name);
	assert_int_equal(policy_load(policy), 0);
	assert_int_equal(policy_attach(policy), 0);
}

void policy_detach(struct policy *policy)
{
	assert_int_equal(bpf_link__detach(policy->link), 0);
	bpf_link__destroy(policy->link);
	policy->link = NULL;
}

void policy_stop(struct policy *policy)
{
	if (policy->link)
		policy_detach(policy);
	bpf_object__close(policy->object);
}

int policy_replace(struct policy *policy, struct policy *by)
{
	return bpf_link__update_map(policy->link, by->map);
}

char *policy_read(const char *name, const char *file)
{
	char path[PATH_MAX], text[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), POLICIES "/%s/%s", name, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	assert_true(n > 0 && text[n - 1] == '\n');
	text[n - 1] = '\0';
	return strdup(text);
}

long policy_number(const char *name, const char *file)
{
	char *text = policy_read(name, file);
	long value;

	assert_non_null(text);
	value = atol(text);
	free(text);
	return value;
}

void assert_policy_reads(const char *name, const char *file,
			 const char *expected)
{
	char *text = policy_read(name, file);

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static int is_counter(const struct dirent *entry)
{
	static const char *const ends[] = {
		"_asked", "_told", "_refused", "_audited",
	};
	const char *end = strrchr(entry->d_name, '_');
	size_t i;

	for (i = 0; end && i < ARRAY_SIZE(ends); i++)
		if (!strcmp(end, ends[i]))
			return 1;
	return 0;
}

void assert_policy_counts(const char *name, const char *expected)
{
	char path[PATH_MAX], *text = NULL;
	struct dirent **entries;
	size_t length;
	FILE *counts;
	int i, nr;

	snprintf(path, sizeof(path), POLICIES "/%s", name);
	nr = scandir(path, &entries, is_counter, alphasort);
	/* Three of each hook that answers, and one of each that is told */
	assert_int_equal(nr, 4 * 3 + 3);
	counts = open_memstream(&text, &length);
	assert_non_null(counts);
	for (i = 0; i < nr; i++) {
		long value = policy_number(name, entries[i]->d_name);

		if (value)
			fprintf(counts, "%s%s=%ld", ftell(counts) ? " " : "",
				entries[i]->d_name, value);
		free(entries[i]);
	}
	fclose(counts);
	assert_string_equal(text, expected);
	free(text);
	free(entries);
}

answer_u64 settled(volatile answer_u64 *calls, answer_u64 expected)
{
	int tries;

	for (tries = 0; tries < 100 && *calls < expected; tries++)
		usleep(20000);
	return *calls;
}

void assert_refused_by(int iommu, const char *expected)
{
	static const char key[] = "\niommufd-refused-by:\t";
	char *text = fdinfo(iommu), *line = strstr(text, key);

	if (expected) {
		assert_non_null(line);
		line += strlen(key);
		line[strcspn(line, "\n")] = '\0';
		assert_string_equal(line, expected);
	} else {
		assert_null(line);
	}
	free(text);
}

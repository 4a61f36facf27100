// SPDX-License-Identifier: GPL-2.0-only
/* Programs that look at all there is: bpf/look.bpf.c */
#include <bpf/bpf.h>

#include "lib/look.h"
#include "lib/policy.h"

volatile struct look *look;

static struct bpf_object *object;

void look_open(void)
{
	struct bpf_map *bss;
	size_t size;

	object = object_open("look");
	if (bpf_object__load(object))
		fail_msg("%s", verifier_log);
	bss = bpf_object__find_map_by_name(object, ".bss");
	look = bpf_map__initial_value(bss, &size);
	assert_true(size >= sizeof(*look));
}

void look_close(void)
{
	bpf_object__close(object);
}

int look_run(const char *name)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct bpf_program *program;
	int err;

	program = bpf_object__find_program_by_name(object, name);
	look->nr_contexts = 0;
	look->nr_accounts = 0;
	look->nr_ioases = 0;
	look->nr_areas = 0;
	look->nr_ranges = 0;
	look->steady = 0;
	err = bpf_prog_test_run_opts(bpf_program__fd(program), &opts);
	return err ?: (int)opts.retval;
}

volatile struct look_context *look_context(uint64_t id)
{
	volatile struct look_context *found = NULL;
	size_t i;

	for (i = 0; i < look->nr_contexts; i++) {
		if (look->contexts[i].ctx_id != id)
			continue;
		assert_null(found);
		found = &look->contexts[i];
	}
	return found;
}

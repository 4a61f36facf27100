// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads the programs of an object one at a time. Loading an object per program
 * takes most of a second under emulation, because libbpf parses the BTF of the
 * kernel every time. So the object is loaded once, with empty programs, and the
 * instructions libbpf has prepared for each program are kept for later.
 */
#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "lib/program.h"

#define MAX_PROGRAMS 512
/* Modules whose kfuncs the programs call, and vmlinux */
#define MAX_MODULES 8
/* The value of a struct_ops map: a header, then in a cache line the ops */
#define CACHE_LINE 64UL
#define OPS_SIZE (CACHE_LINE + (sizeof(struct iommufd_policy_ops) +	\
				CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE)

/**
 * struct program - what libbpf passes to bpf_prog_load() for a program
 * @name: its name, complete
 * @insns: its relocated instructions
 * @nr_insns: number of @insns
 * @opts: everything else
 */
struct program {
	const char *name;
	struct bpf_insn *insns;
	size_t nr_insns;
	struct bpf_prog_load_opts opts;
};

static struct program programs[MAX_PROGRAMS];
static size_t nr_programs;
/* Duplicates, because libbpf closes its own when the object is loaded */
static int module_btfs[MAX_MODULES];
static struct bpf_object *object;
/* The policy "policy" and its hook in the kernel, and the BTF of their types */
static struct bpf_map_info ops_info;
static struct bpf_prog_info hook_info;
static int ops_btf;

static void keep_modules(const struct program *program)
{
	const struct bpf_insn *insn = program->insns;
	size_t i;

	for (i = 0; i < program->nr_insns; i++, insn++) {
		if (insn->code != (BPF_JMP | BPF_CALL) || !insn->off ||
		    insn->src_reg != BPF_PSEUDO_KFUNC_CALL ||
		    module_btfs[insn->off])
			continue;
		assert_in_range(insn->off, 1, MAX_MODULES - 1);
		module_btfs[insn->off] = dup(program->opts.fd_array[insn->off]);
		assert_true(module_btfs[insn->off] > 0);
	}
}

static int keep(struct bpf_program *from, struct bpf_prog_load_opts *opts,
		long cookie)
{
	/* r0 = 0, exit */
	struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct program *program = &programs[nr_programs++];
	size_t size;

	assert_in_range(nr_programs, 1, MAX_PROGRAMS);
	program->name = bpf_program__name(from);
	program->nr_insns = bpf_program__insn_cnt(from);
	size = program->nr_insns * sizeof(*program->insns);
	program->insns = malloc(size);
	assert_non_null(program->insns);
	memcpy(program->insns, bpf_program__insns(from), size);
	program->opts = *opts;
	keep_modules(program);

	opts->func_info_cnt = 0;
	opts->line_info_cnt = 0;
	return bpf_program__set_insns(from, nothing, ARRAY_SIZE(nothing));
}

/* Socket filters, because empty ones load without further attributes. */
static void register_section(const char *section)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts,
		    .prog_prepare_load_fn = keep);

	assert_true(libbpf_register_prog_handler(section,
						 BPF_PROG_TYPE_SOCKET_FILTER, 0,
						 &opts) > 0);
}

static void look_at_template(void)
{
	struct bpf_program *template;
	struct bpf_map *policy;
	__u32 size;

	policy = bpf_object__find_map_by_name(object, "policy");
	template = bpf_object__find_program_by_name(object, "template");
	assert_non_null(policy);
	assert_non_null(template);
	size = sizeof(ops_info);
	assert_int_equal(bpf_map_get_info_by_fd(bpf_map__fd(policy), &ops_info,
						&size), 0);
	assert_int_equal(ops_info.value_size, OPS_SIZE);
	size = sizeof(hook_info);
	assert_int_equal(bpf_prog_get_info_by_fd(bpf_program__fd(template),
						 &hook_info, &size), 0);
	assert_int_equal(bpf_program__expected_attach_type(template),
			 HOOK(iova_alloc));
	ops_btf = bpf_btf_get_fd_by_id(hook_info.attach_btf_obj_id);
	assert_true(ops_btf > 0);
}

struct bpf_object *programs_open(const char *name)
{
	static bool registered;

	if (!registered) {
		register_section("hook");
		register_section("observer");
		registered = true;
	}
	object = object_open(name);
	if (bpf_object__load(object))
		fail_msg("%s: %s", name, verifier_log);
	look_at_template();
	return object;
}

void programs_close(void)
{
	size_t i;

	for (i = 0; i < nr_programs; i++)
		free(programs[i].insns);
	nr_programs = 0;
	for (i = 0; i < MAX_MODULES; i++)
		if (module_btfs[i])
			close(module_btfs[i]);
	memset(module_btfs, 0, sizeof(module_btfs));
	close(ops_btf);
	bpf_object__close(object);
}

static const struct program *find_program(const char *name)
{
	size_t i;

	for (i = 0; i < nr_programs; i++)
		if (!strcmp(programs[i].name, name))
			return &programs[i];
	fail_msg("no program %s", name);
	return NULL;
}

int program_load(const char *name, int hook, unsigned int flags)
{
	const enum bpf_prog_type type = hook == NO_HOOK ?
					BPF_PROG_TYPE_SYSCALL :
					BPF_PROG_TYPE_STRUCT_OPS;
	const struct program *program = find_program(name);
	struct bpf_prog_load_opts opts = program->opts;
	int fd;

	opts.fd_array = module_btfs;
	opts.prog_flags = flags;
	if (hook != NO_HOOK) {
		opts.expected_attach_type = hook;
		opts.attach_btf_id = hook_info.attach_btf_id;
		opts.attach_btf_obj_fd = ops_btf;
	}
	verifier_log[0] = '\0';
	fd = bpf_prog_load(type, name, "GPL", program->insns,
			   program->nr_insns, &opts);
	if (fd >= 0)
		return fd;
	/* A log makes the verifier slower, so only refused programs get one. */
	opts.log_level = 1;
	opts.log_buf = verifier_log;
	opts.log_size = VERIFIER_LOG_SIZE;
	return bpf_prog_load(type, name, "GPL", program->insns,
			     program->nr_insns, &opts);
}

int program_attach(const char *name, const int hooks[static NR_HOOKS])
{
	LIBBPF_OPTS(bpf_map_create_opts, opts,
		    .map_flags = BPF_F_LINK | BPF_F_VTYPE_BTF_OBJ_FD,
		    .btf_fd = bpf_object__btf_fd(object),
		    .btf_vmlinux_value_type_id =
			ops_info.btf_vmlinux_value_type_id,
		    .value_type_btf_obj_fd = ops_btf);
	static char value[OPS_SIZE] __attribute__((aligned(8)));
	struct iommufd_policy_ops *ops = (void *)(value + CACHE_LINE);
	unsigned int zero = 0;
	int i, map, link;

	memset(value, 0, sizeof(value));
	strcpy(ops->name, name);
	for (i = 0; i < NR_HOOKS; i++)
		((unsigned long *)ops)[i] = hooks[i];
	map = bpf_map_create(BPF_MAP_TYPE_STRUCT_OPS, name, sizeof(zero),
			     sizeof(value), 1, &opts);
	assert_return_code(map, errno);
	assert_int_equal(bpf_map_update_elem(map, &zero, value, 0), 0);
	link = bpf_link_create(map, 0, BPF_STRUCT_OPS, NULL);
	assert_return_code(link, errno);
	/* The link holds a reference. */
	close(map);
	return link;
}

void program_detach(int link)
{
	assert_int_equal(bpf_link_detach(link), 0);
	close(link);
}

int program_run(int program)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int err = bpf_prog_test_run_opts(program, &opts);

	return err ?: (int)opts.retval;
}

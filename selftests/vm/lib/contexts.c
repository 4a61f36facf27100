// SPDX-License-Identifier: GPL-2.0-only
/* Runs the programs of bpf/contexts.bpf.c while pages are charged. */
#include <pthread.h>
#include <time.h>

#include "lib/cgroup.h"
#include "lib/contexts.h"

#define LENGTH (64 * KIB)
/* Maps during each run */
#define ROUNDS 4
#define PATIENCE_S 20

volatile struct contexts *record;
atomic_ulong map_rounds, map_failures;
int program = -1;

static int iommu;
static uint32_t ioas;
static struct edu edu;
static char *memory;
static struct policy payer;
static pthread_t mapper;
static bool mapping;
static atomic_bool stop;
/* The charge hook of a policy whose uncharge hook is under test */
static int pays = -1;
static int link_fd = -1;

static void open_programs(void)
{
	struct bpf_object *object = programs_open("contexts");
	const unsigned int element = 0;
	struct bpf_map *map;
	size_t size;

	map = bpf_object__find_map_by_name(object, "elements");
	assert_int_equal(bpf_map__update_elem(map, &element, sizeof(element),
					      &element, sizeof(element), 0), 0);
	map = bpf_object__find_map_by_name(object, ".bss");
	record = bpf_map__initial_value(map, &size);
	assert_true(size >= sizeof(*record));
	record->ctx_id = context_id(iommu);
	record->cgroup_id = cgroup_id("");
	record->ioas_id = ioas;
	record->uid = 0;
	record->memory = (uintptr_t)memory;
}

void contexts_open(void)
{
	uint64_t iova;

	iommu = context_open();
	ioas = ioas_new(iommu);
	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	memory = memory_new(LENGTH);
	open_programs();
	policy_open_object(&payer, SHIPPED "pin_quota", "pin_quota");
	assert_int_equal(policy_load(&payer), 0);
	assert_int_equal(policy_attach(&payer), 0);
	/* Sums and walks always find at least this page. */
	assert_int_equal(ioas_map(iommu, ioas, memory, PAGE, RW, &iova), 0);
	assert_int_equal(policy_number("pin_quota", "paid"), 1);
}

void contexts_close(void)
{
	policy_stop(&payer);
	programs_close();
	edu_close(&edu);
	munmap(memory, LENGTH);
	close(iommu);
}

void contexts_reattach(void)
{
	assert_int_equal(edu_detach(&edu), 0);
	assert_int_equal(edu_attach(&edu, ioas), 0);
}

int map_and_unmap(void)
{
	uint64_t iova;
	int err = ioas_map(iommu, ioas, memory, LENGTH, RW, &iova);

	return err ?: ioas_unmap(iommu, ioas, iova, LENGTH, NULL);
}

static void *keep_mapping(void *unused)
{
	while (!stop) {
		if (map_and_unmap())
			map_failures++;
		map_rounds++;
	}
	return NULL;
}

void start_mapping(void)
{
	stop = false;
	map_rounds = 0;
	map_failures = 0;
	assert_int_equal(pthread_create(&mapper, NULL, keep_mapping, NULL), 0);
	mapping = true;
}

void stop_mapping(void)
{
	stop = true;
	if (mapping)
		pthread_join(mapper, NULL);
	mapping = false;
}

void load_program(const char *name, int hook, unsigned int flags)
{
	program = program_load(name, hook, flags);
}

static void reset_record(void)
{
	record->calls = 0;
	record->empty = 0;
	record->preempt_count = 0;
	record->rcu_depth = 0;
	record->task_flags = 0;
	record->started = 0;
	record->again = 1;
}

void attach_program(int hook)
{
	int hooks[NR_HOOKS] = {};

	if (hook == HOOK(uncharge)) {
		pays = program_load("hook_pays", HOOK(charge), 0);
		assert_true(pays >= 0);
		hooks[HOOK(charge)] = pays;
	}
	hooks[hook] = program;
	reset_record();
	link_fd = program_attach("contexts", hooks);
}

void end_callbacks(void)
{
	const time_t end = time(NULL) + PATIENCE_S;

	record->again = 0;
	while (record->pending && time(NULL) < end)
		usleep(1000);
	assert_int_equal(record->pending, 0);
}

static bool is_done(unsigned long calls)
{
	return record->calls + record->empty >= calls && map_rounds >= ROUNDS;
}

/* The mapper's requests call a hook; observers are called from here. */
void run_program(const struct caller *caller, unsigned long calls)
{
	const time_t end = time(NULL) + PATIENCE_S;

	if (caller->hook == NO_HOOK)
		reset_record();
	else
		attach_program(caller->hook);
	start_mapping();
	while (!is_done(calls) && time(NULL) < end) {
		if (caller->hook == NO_HOOK)
			assert_int_equal(program_run(program), 0);
		else
			usleep(1000);
	}
	end_callbacks();
	stop_mapping();
	if (!is_done(calls))
		fail_msg("%llu calls and %lu maps in %d s",
			 record->calls + record->empty, map_rounds, PATIENCE_S);
}

static void close_program(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void unload_program(void)
{
	if (link_fd >= 0)
		program_detach(link_fd);
	link_fd = -1;
	close_program(&program);
	close_program(&pays);
}

int contexts_teardown(void **state)
{
	record->again = 0;
	stop_mapping();
	unload_program();
	return 0;
}

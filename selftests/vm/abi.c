// SPDX-License-Identifier: GPL-2.0-only
/* What all ioctls have in common: numbers, sizes, pointers, reserved fields */
#include <sys/stat.h>

#include "test.h"

#define IOVA 0x100000
#define MAX_FIELDS 3

static int iommu;
static uint32_t ioas;
static void *memory;
static struct iommu_iova_range range;

/* Room for a command, and for what a later version could add */
union request {
	uint32_t size;
	struct iommu_destroy destroy;
	struct iommu_ioas_alloc alloc;
	struct iommu_ioas_iova_ranges ranges;
	struct iommu_ioas_allow_iovas allow;
	struct iommu_ioas_map map;
	struct iommu_ioas_unmap unmap;
	struct iommu_option option;
	char bytes[256];
};

/* A field that must not have a bit */
struct field {
	size_t offset;
	uint32_t bit;
};

/**
 * struct command - an ioctl, and a request with which it succeeds
 * @prepare: fill in the request
 * @reserved: fields and flags; ends with an empty one
 */
struct command {
	const char *name;
	unsigned long number;
	size_t size;
	void (*prepare)(union request *request);
	struct field reserved[MAX_FIELDS + 1];
};

static void prepare_destroy(union request *request)
{
	request->destroy.id = ioas_new(iommu);
}

static void prepare_alloc(union request *request)
{
}

static void prepare_ranges(union request *request)
{
	request->ranges.ioas_id = ioas;
	request->ranges.num_iovas = 1;
	request->ranges.allowed_iovas = (uintptr_t)&range;
}

static void prepare_allow(union request *request)
{
	range = (struct iommu_iova_range){ .start = 0, .last = IOVA };
	request->allow.ioas_id = ioas;
	request->allow.num_iovas = 1;
	request->allow.allowed_iovas = (uintptr_t)&range;
}

static void prepare_map(union request *request)
{
	request->map.ioas_id = ioas;
	request->map.flags = RW;
	request->map.user_va = (uintptr_t)memory;
	request->map.length = PAGE;
}

static void prepare_unmap(union request *request)
{
	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW, IOVA), 0);
	request->unmap.ioas_id = ioas;
	request->unmap.iova = IOVA;
	request->unmap.length = PAGE;
}

static void prepare_option(union request *request)
{
	request->option.option_id = IOMMU_OPTION_HUGE_PAGES;
	request->option.op = IOMMU_OPTION_OP_GET;
	request->option.object_id = ioas;
}

#define COMMAND(_number, _struct, _prepare, ...)			\
	{								\
		.name = #_number,					\
		.number = _number,					\
		.size = sizeof(_struct),				\
		.prepare = _prepare,					\
		.reserved = { __VA_ARGS__ },				\
	}

#define FIELD(_struct, _member, _bit) { offsetof(_struct, _member), _bit }

static struct command commands[] = {
	COMMAND(IOMMU_DESTROY, struct iommu_destroy, prepare_destroy),
	COMMAND(IOMMU_IOAS_ALLOC, struct iommu_ioas_alloc, prepare_alloc,
		FIELD(struct iommu_ioas_alloc, flags, 1)),
	COMMAND(IOMMU_IOAS_IOVA_RANGES, struct iommu_ioas_iova_ranges,
		prepare_ranges,
		FIELD(struct iommu_ioas_iova_ranges, __reserved, 1)),
	COMMAND(IOMMU_IOAS_ALLOW_IOVAS, struct iommu_ioas_allow_iovas,
		prepare_allow,
		FIELD(struct iommu_ioas_allow_iovas, __reserved, 1)),
	COMMAND(IOMMU_IOAS_MAP, struct iommu_ioas_map, prepare_map,
		FIELD(struct iommu_ioas_map, flags, 1U << 3),
		FIELD(struct iommu_ioas_map, flags, 1U << 31),
		FIELD(struct iommu_ioas_map, __reserved, 1)),
	COMMAND(IOMMU_IOAS_UNMAP, struct iommu_ioas_unmap, prepare_unmap),
	COMMAND(IOMMU_OPTION, struct iommu_option, prepare_option,
		FIELD(struct iommu_option, option_id, 1U << 30),
		FIELD(struct iommu_option, op, 1U << 15),
		FIELD(struct iommu_option, op, 1U << 16)),
};

static int setup(void **state)
{
	iommu = context_open();
	ioas = ioas_new(iommu);
	memory = memory_new(PAGE);
	return 0;
}

static int teardown(void **state)
{
	munmap(memory, PAGE);
	return close(iommu);
}

static void prepare(const struct command *command, union request *request)
{
	memset(request, 0, sizeof(*request));
	request->size = command->size;
	command->prepare(request);
}

static void assert_succeeds(const struct command *command, void *request)
{
	assert_return_code(ioctl(iommu, command->number, request), errno);
}

/* Fails so, and leaves the context as it was */
static void assert_fails(const struct command *command, void *request, int err)
{
	char *before = fdinfo(iommu), *after;

	errno = 0;
	assert_int_equal(ioctl(iommu, command->number, request), -1);
	assert_int_equal(errno, err);
	after = fdinfo(iommu);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void size_of_today_is_taken(void **state)
{
	union request request;

	prepare(*state, &request);
	assert_succeeds(*state, &request);
}

static void size_too_small(void **state)
{
	const struct command *command = *state;
	union request request;

	prepare(command, &request);
	request.size = command->size - 1;
	assert_fails(command, &request, EINVAL);
	request.size = 0;
	assert_fails(command, &request, EINVAL);
}

static void larger_with_zeros_is_taken(void **state)
{
	union request request;

	prepare(*state, &request);
	request.size = sizeof(request);
	assert_succeeds(*state, &request);
}

static void larger_with_more_in_it(void **state)
{
	const struct command *command = *state;
	union request request;

	prepare(command, &request);
	request.size = sizeof(request);
	request.bytes[sizeof(request) - 1] = 1;
	assert_fails(command, &request, E2BIG);
	request.bytes[sizeof(request) - 1] = 0;
	request.bytes[command->size] = 1;
	assert_fails(command, &request, E2BIG);
	/* What is behind the size is nobody's business */
	request.size = command->size;
	assert_succeeds(command, &request);
}

static void request_not_readable(void **state)
{
	const struct command *command = *state;
	char *pages = memory_new(2 * PAGE);
	union request request;

	prepare(command, &request);
	assert_fails(command, NULL, EFAULT);
	assert_int_equal(mprotect(pages + PAGE, PAGE, PROT_NONE), 0);
	assert_fails(command, pages + PAGE, EFAULT);
	/* All of it but the last byte */
	memcpy(pages + PAGE - command->size + 1, &request, command->size - 1);
	assert_fails(command, pages + PAGE - command->size + 1, EFAULT);
	munmap(pages, 2 * PAGE);
}

static void reserved_field_or_unknown_flag(void **state)
{
	const struct command *command = *state;
	const struct field *field = command->reserved;
	union request request;
	uint32_t word;

	for (; field->bit; field++) {
		prepare(command, &request);
		memcpy(&word, request.bytes + field->offset, sizeof(word));
		word |= field->bit;
		memcpy(request.bytes + field->offset, &word, sizeof(word));
		assert_fails(command, &request, EOPNOTSUPP);
	}
}

static void unknown_ioctl(void **state)
{
	const unsigned long numbers[] = {
		_IO(IOMMUFD_TYPE, IOMMUFD_CMD_BASE - 1),
		_IO(IOMMUFD_TYPE, 0xff),
		_IO(IOMMUFD_TYPE + 1, IOMMUFD_CMD_IOAS_ALLOC),
		_IOW(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_ALLOC, uint32_t),
	};
	union request request = { .size = sizeof(struct iommu_ioas_alloc) };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		errno = 0;
		assert_int_equal(ioctl(iommu, numbers[i], &request), -1);
		assert_int_equal(errno, ENOTTY);
	}
}

/* As the interface of 7.3 has them: least size, and size */
static void not_served_yet(void **state)
{
	static const struct {
		unsigned int number;
		uint32_t min, size;
	} commands[] = {
		{ IOMMUFD_CMD_HWPT_SET_DIRTY_TRACKING, 16, 16 },
		{ IOMMUFD_CMD_HWPT_GET_DIRTY_BITMAP, 48, 48 },
		{ IOMMUFD_CMD_HWPT_INVALIDATE, 32, 32 },
		{ IOMMUFD_CMD_FAULT_QUEUE_ALLOC, 16, 16 },
		{ 0x90, 24, 40 },	/* VIOMMU_ALLOC */
		{ 0x91, 24, 24 },	/* VDEVICE_ALLOC */
		{ 0x93, 28, 32 },	/* VEVENTQ_ALLOC */
		{ 0x94, 40, 40 },	/* HW_QUEUE_ALLOC */
		{ 0x95, 40, 40 },	/* IOAS_NOIOMMU_GET_PA */
	};
	struct command command = { .name = "" };
	union request request = {};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		command.number = _IO(IOMMUFD_TYPE, commands[i].number);
		request.size = commands[i].min - 1;
		assert_fails(&command, &request, EINVAL);
		request.size = commands[i].min;
		assert_fails(&command, &request, EOPNOTSUPP);
		request.size = sizeof(request);
		assert_fails(&command, &request, EOPNOTSUPP);
		request.bytes[commands[i].size] = 1;
		assert_fails(&command, &request, E2BIG);
		request.size = commands[i].size;
		assert_fails(&command, &request, EOPNOTSUPP);
		request.bytes[commands[i].size] = 0;
	}
}

static void node_is_for_root_and_its_group(void **state)
{
	struct stat st;

	assert_int_equal(stat("/dev/iommu", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(st.st_uid, 0);
}

static void fdinfo_tells_what_is_mapped(void **state)
{
	uint32_t second = ioas_new(iommu);
	unsigned long areas, bytes;

	assert_int_equal(ioas_map_at(iommu, ioas, memory, PAGE, RW, IOVA), 0);
	assert_int_equal(ioas_map_at(iommu, ioas, memory, 100, READ, 0), 0);
	fdinfo_ioas(iommu, ioas, &areas, &bytes);
	assert_int_equal(areas, 2);
	assert_int_equal(bytes, PAGE + 100);
	fdinfo_ioas(iommu, second, &areas, &bytes);
	assert_int_equal(areas, 0);
	assert_int_equal(bytes, 0);
	/* No device, hence no need */
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), 0);
	assert_int_equal(fdinfo_value(iommu, "iommufd-charged:"), 0);
}

static void contexts_have_ids_of_their_own(void **state)
{
	int other = context_open();
	long id = fdinfo_value(iommu, "iommufd-ctx:");

	assert_true(id > 0);
	assert_true(fdinfo_value(other, "iommufd-ctx:") > id);
	close(other);
}

#define TEST(_test) cmocka_unit_test_setup_teardown(_test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest of_each[] = {
		TEST(size_of_today_is_taken),
		TEST(size_too_small),
		TEST(larger_with_zeros_is_taken),
		TEST(larger_with_more_in_it),
		TEST(request_not_readable),
		TEST(reserved_field_or_unknown_flag),
	};
	static const struct CMUnitTest of_all[] = {
		TEST(unknown_ioctl),
		TEST(not_served_yet),
		TEST(node_is_for_root_and_its_group),
		TEST(fdinfo_tells_what_is_mapped),
		TEST(contexts_have_ids_of_their_own),
	};
	static struct CMUnitTest tests[ARRAY_SIZE(of_each) *
				       ARRAY_SIZE(commands) +
				       ARRAY_SIZE(of_all)];
	static char names[ARRAY_SIZE(tests)][80];
	size_t i, k, n = 0;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		for (k = 0; k < ARRAY_SIZE(of_each); k++) {
			if (of_each[k].test_func ==
			    reserved_field_or_unknown_flag &&
			    !commands[i].reserved[0].bit)
				continue;
			snprintf(names[n], sizeof(names[n]), "%s %s",
				 commands[i].name, of_each[k].name);
			tests[n] = of_each[k];
			tests[n].name = names[n];
			tests[n++].initial_state = &commands[i];
		}
	memcpy(&tests[n], of_all, sizeof(of_all));
	return run_tap(tests, NULL, NULL);
}

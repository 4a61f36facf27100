// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=120 */
/* Everything at once, for a while */
#include <sys/wait.h>

#include "lib/mock.h"
#include "lib/worker.h"

#define SECONDS 10
#define SLOT (16 * PAGE)
#define SLOTS 64
/* Where the kernel chooses, above all windows */
#define CHOSEN (1024 * MIB)
/* What a child may lock */
#define LIMIT 64UL

static int iommu;
static uint32_t ioas;
static struct edu edu;
static char *memory;
/* An IOAS that comes and goes, and a HWPT */
static atomic_uint passing, passing_hwpt;
/* Another, for children, who die; and a device to attach to that */
static uint32_t nursery;
static int nvme;

static int setup(void **state)
{
	iommu = context_open();
	ioas = ioas_new(iommu);
	edu_open(&edu, iommu);
	memory = memory_new(SLOT);
	passing = passing_hwpt = 0;
	return 0;
}

static int teardown(void **state)
{
	munmap(memory, SLOT);
	edu_close(&edu);
	return close(iommu);
}

/* A few slots filled in any order, then emptied in any way */
static int map_fixed(struct worker *worker)
{
	unsigned int first = draw(worker, SLOTS), n = 1 + draw(worker, SLOTS);
	uint64_t iova, unmapped, length = (1 + draw(worker, 16)) * PAGE;
	unsigned int i;

	for (i = 0; i < n; i++) {
		iova = worker->window + (first + i * 7) % SLOTS * SLOT;
		CHECK(!ioas_map_at(iommu, ioas, memory, length, RW, iova));
		CHECK(ioas_map_at(iommu, ioas, memory, PAGE, RW, iova) ==
		      -EEXIST);
	}
	if (draw(worker, 2)) {
		CHECK(!ioas_unmap(iommu, ioas, worker->window, SLOTS * SLOT,
				  &unmapped));
		CHECK(unmapped == n * length);
		return 0;
	}
	for (i = 0; i < n; i++) {
		iova = worker->window + (first + i * 7) % SLOTS * SLOT;
		CHECK(!ioas_unmap(iommu, ioas, iova, length, &unmapped));
		CHECK(unmapped == length);
	}
	return 0;
}

static int map_chosen(struct worker *worker)
{
	uint64_t iova[16], unmapped, length = (1 + draw(worker, 16)) * PAGE;
	unsigned int i, n = 1 + draw(worker, 16);

	for (i = 0; i < n; i++) {
		CHECK(!ioas_map(iommu, ioas, memory, length, RW, &iova[i]));
		CHECK(iova[i] >= CHOSEN);
	}
	for (i = 0; i < n; i++) {
		CHECK(!ioas_unmap(iommu, ioas, iova[i], length, &unmapped));
		CHECK(unmapped == length);
	}
	return 0;
}

static int move_device(struct worker *worker)
{
	uint32_t other = passing, hwpt = passing_hwpt;
	int err;

	switch (draw(worker, 5)) {
	case 0:
		CHECK(!edu_detach(&edu));
		break;
	case 1:
		/* Gone by now, perhaps, and its id that of something else */
		err = other ? edu_attach(&edu, other) : 0;
		CHECK(!err || err == -ENOENT || err == -EINVAL);
		break;
	case 2:
		err = hwpt ? edu_attach(&edu, hwpt) : 0;
		CHECK(!err || err == -ENOENT || err == -EINVAL);
		break;
	default:
		CHECK(!edu_attach(&edu, ioas));
	}
	return 0;
}

static int come_and_go(struct worker *worker)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	uint64_t iova;
	int err;

	CHECK(!ioctl(iommu, IOMMU_IOAS_ALLOC, &alloc));
	CHECK(!ioas_map(iommu, alloc.out_ioas_id, memory, SLOT, RW, &iova));
	passing = alloc.out_ioas_id;
	usleep(draw(worker, 3000));
	passing = 0;
	CHECK(!ioas_map(iommu, alloc.out_ioas_id, memory, PAGE, RW, &iova));
	/* The device may have come, and will leave */
	do {
		err = object_destroy(iommu, alloc.out_ioas_id);
		CHECK(!err || err == -EBUSY);
	} while (err && !workers_stop);
	return 0;
}

static int come_and_go_as_hwpt(struct worker *worker)
{
	int64_t hwpt = hwpt_alloc(iommu, edu.id, ioas, 0);
	int err;

	CHECK(hwpt > 0);
	passing_hwpt = hwpt;
	usleep(draw(worker, 3000));
	do {
		err = object_destroy(iommu, hwpt);
		CHECK(!err || err == -EBUSY);
	} while (err && !workers_stop);
	if (!err)
		passing_hwpt = 0;
	return 0;
}

static int look_on(struct worker *worker)
{
	char path[64], text[4096];
	struct iommu_iova_range ranges[8];
	uint32_t nr = ARRAY_SIZE(ranges);
	uint64_t value;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", iommu);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK(read(fd, text, sizeof(text)) > 0);
	close(fd);
	CHECK(!ioas_ranges(iommu, ioas, ranges, &nr, NULL));
	CHECK(nr > 0);
	CHECK(!option_get(iommu, IOMMU_OPTION_HUGE_PAGES, ioas, &value));
	CHECK(object_destroy(iommu, edu.id) == -EBUSY);
	CHECK(object_destroy(iommu, UINT32_MAX) == -ENOENT);
	return 0;
}

/* Whichever of them goes first */
static int copy_own(struct worker *worker)
{
	struct copy_source from = { .ioas = ioas };
	uint64_t copies[8], lengths[8], unmapped;
	unsigned int i, n = 1 + draw(worker, 8);
	bool source_first = draw(worker, 2);

	CHECK(!ioas_map_at(iommu, ioas, memory, SLOT, RW, worker->window));
	for (i = 0; i < n; i++) {
		unsigned int first = draw(worker, 16);

		from.iova = worker->window + first * PAGE;
		from.length = (1 + draw(worker, 16 - first)) * PAGE;
		lengths[i] = from.length;
		CHECK(!ioas_copy(iommu, ioas, &from, RW, &copies[i]));
	}
	if (source_first)
		CHECK(!ioas_unmap(iommu, ioas, worker->window, SLOT, NULL));
	for (i = 0; i < n; i++) {
		CHECK(!ioas_unmap(iommu, ioas, copies[i], lengths[i],
				  &unmapped));
		CHECK(unmapped == lengths[i]);
	}
	if (!source_first)
		CHECK(!ioas_unmap(iommu, ioas, worker->window, SLOT, NULL));
	return 0;
}

/* An address in a slot that one of the first two workers fills, or not */
static uint64_t draw_slot(struct worker *worker)
{
	return (1 + draw(worker, 2)) * WINDOW + draw(worker, SLOTS) * SLOT;
}

/* What others map and unmap meanwhile */
static int copy_others(struct worker *worker)
{
	struct copy_source from = { ioas, draw_slot(worker), PAGE };
	uint32_t other = passing;
	uint64_t iova, unmapped;
	int err;

	err = ioas_copy(iommu, ioas, &from, RW, &iova);
	CHECK(!err || err == -ENOENT);
	if (!err) {
		CHECK(!ioas_unmap(iommu, ioas, iova, PAGE, &unmapped));
		CHECK(unmapped == PAGE);
	}
	err = other ? ioas_copy(iommu, other, &from, RW, &iova) : 0;
	CHECK(!err || err == -ENOENT);
	return 0;
}

/* In a process of its own, which may be killed at any time */
static int map_in_child(struct worker *worker, int context, uint32_t where)
{
	char *own = mmap(NULL, LIMIT * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct copy_source from = { where, worker->window, 16 * PAGE };
	uint64_t iova;
	int i;

	CHECK(own != MAP_FAILED);
	CHECK(!become_tenant(LIMIT));
	for (i = draw(worker, 10); i >= 0; i--) {
		/* All it may lock: nothing may be left of any child before */
		CHECK(!ioas_map_at(context, where, own, LIMIT * PAGE, RW,
				   worker->window));
		CHECK(!ioas_copy(context, where, &from, RW, &iova));
		if (!i)
			break;
		CHECK(!ioas_unmap_all(context, where));
	}
	return 0;
}

static int bind_and_map(struct worker *worker)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	int context, device;

	context = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	CHECK(context >= 0);
	device = nvme_bind(context);
	CHECK(device >= 0);
	CHECK(!ioctl(context, IOMMU_IOAS_ALLOC, &alloc));
	CHECK(!nvme_attach(device, alloc.out_ioas_id));
	return map_in_child(worker, context, alloc.out_ioas_id);
}

static int outlive(struct worker *worker, pid_t pid)
{
	int status;

	CHECK(pid > 0);
	usleep(draw(worker, 50000));
	if (draw(worker, 2))
		kill(pid, SIGKILL);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : !status);
	return 0;
}

/* Children leave in the context of their parent what they have mapped */
static int raise_child(struct worker *worker)
{
	pid_t pid;
	int err;

	CHECK(!nvme_attach(nvme, nursery));
	pid = fork();
	if (!pid)
		_exit(map_in_child(worker, iommu, nursery));
	if (outlive(worker, pid))
		return 1;
	/* Somewhere else and back: memory is looked for that is gone */
	if (draw(worker, 2)) {
		err = nvme_attach(nvme, ioas);
		CHECK(!err);
		err = nvme_attach(nvme, nursery);
		CHECK(!err || err == -EFAULT);
	}
	CHECK(!ioas_unmap_all(iommu, nursery));
	return 0;
}

/* Or have a context and a device of their own, and take it all along */
static int let_child_go(struct worker *worker)
{
	pid_t pid;

	close(nvme);
	pid = fork();
	if (!pid)
		_exit(bind_and_map(worker));
	if (outlive(worker, pid))
		return 1;
	nvme = nvme_bind(iommu);
	CHECK(nvme >= 0);
	return 0;
}

static int have_children(struct worker *worker)
{
	return draw(worker, 4) ? raise_child(worker) : let_child_go(worker);
}

static int use_access(struct worker *worker, int access)
{
	uint64_t iova = draw_slot(worker);
	char data[64];
	int64_t id;
	int err;

	switch (draw(worker, 4)) {
	case 0:
		err = access_read(iommu, access, iova, data, sizeof(data));
		CHECK(!err || err == -ENOENT);
		break;
	case 1:
		err = access_write(iommu, access, iova, memory, PAGE);
		CHECK(!err || err == -ENOENT);
		break;
	default:
		id = access_pin(iommu, access, iova, PAGE, memory);
		CHECK(id >= 0 || id == -ENOENT);
		/* Taken away by an unmap, or left to whoever closes */
		err = id < 0 || !draw(worker, 4) ? 0 :
		      access_unpin(iommu, access, id);
		CHECK(!err || err == -ENOENT);
	}
	return 0;
}

static int have_access(struct worker *worker)
{
	int access = access_new(iommu, ioas), err, i;
	uint32_t other;

	CHECK(access >= 0);
	for (i = draw(worker, 50); i >= 0; i--)
		if (use_access(worker, access))
			return 1;
	other = passing;
	err = other ? access_move(iommu, access, other) : 0;
	CHECK(!err || err == -ENOENT);
	close(access);
	return 0;
}

static int have_mock_device(struct worker *worker)
{
	int64_t device = mock_device_new(iommu, ioas);

	CHECK(device > 0);
	usleep(draw(worker, 3000));
	CHECK(!object_destroy(iommu, device));
	return 0;
}

static void assert_nothing_is_left(void)
{
	unsigned long areas, bytes;

	fdinfo_ioas(iommu, ioas, &areas, &bytes);
	assert_int_equal(areas, 0);
	assert_int_equal(bytes, 0);
	assert_int_equal(edu_detach(&edu), 0);
	if (passing_hwpt)
		assert_int_equal(object_destroy(iommu, passing_hwpt), 0);
	assert_int_equal(fdinfo_value(iommu, "iommufd-pinned:"), 0);
	assert_int_equal(fdinfo_value(iommu, "iommufd-charged:"), 0);
	assert_int_equal(pinned_pages(0), 0);
	assert_int_equal(object_destroy(iommu, ioas), 0);
}

/* Minutes in the environment are for a long run by itself */
static unsigned int seconds(void)
{
	const char *minutes = getenv("STRESS_MINUTES");

	return minutes ? 60 * atoi(minutes) : SECONDS;
}

static int lock_all_there_is(void *arg)
{
	void *own = mmap(NULL, LIMIT * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(own != MAP_FAILED);
	CHECK(!become_tenant(LIMIT));
	CHECK(!ioas_map_at(iommu, nursery, own, LIMIT * PAGE, RW, WINDOW));
	CHECK(!ioas_unmap_all(iommu, nursery));
	return 0;
}

static void all_requests_at_once(void **state)
{
	const struct iommu_iova_range chosen = {
		.start = CHOSEN, .last = 2 * CHOSEN - 1
	};
	struct worker workers[] = {
		WORKER(map_fixed), WORKER(map_fixed),
		WORKER(map_chosen), WORKER(map_chosen),
		WORKER(copy_own), WORKER(copy_others),
		WORKER(move_device), WORKER(come_and_go),
		WORKER(come_and_go_as_hwpt), WORKER(have_children),
		WORKER(look_on),
		/* The shipped module has no such things */
		WORKER(have_access), WORKER(have_access),
		WORKER(have_mock_device),
	};
	size_t nr = ARRAY_SIZE(workers);

	if (!mock_available(iommu))
		nr -= 3;
	nursery = ioas_new(iommu);
	nvme = nvme_bind(iommu);
	assert_return_code(nvme, -nvme);
	assert_int_equal(ioas_allow(iommu, ioas, &chosen, 1), 0);
	run_all(workers, nr, seconds());

	/* The user of the children owes nothing */
	assert_int_equal(nvme_attach(nvme, nursery), 0);
	assert_int_equal(in_child(lock_all_there_is, NULL), 0);
	close(nvme);
	assert_int_equal(object_destroy(iommu, nursery), 0);
	assert_nothing_is_left();
}

/* More areas than are taken out in one go, in the first 62 pages of 64 */
static int unmap_up_to_the_border(struct worker *worker)
{
	uint64_t iova;
	int i, err;

	for (i = 0; i < 62; i++) {
		iova = WINDOW + i * PAGE;
		CHECK(!ioas_map_at(iommu, ioas, memory, PAGE, RW, iova));
	}
	/* Refused, or broken off, for the sake of the other */
	err = ioas_unmap(iommu, ioas, WINDOW, 64 * PAGE, NULL);
	CHECK(!err || err == -ENOENT);
	if (err)
		err = ioas_unmap(iommu, ioas, WINDOW, 62 * PAGE, NULL);
	CHECK(!err || err == -ENOENT);
	return 0;
}

/* An area across the end of what the other unmaps is not its to unmap */
static int map_across_the_border(struct worker *worker)
{
	const uint64_t iova = WINDOW + 62 * PAGE;
	uint64_t unmapped;

	CHECK(!ioas_map_at(iommu, ioas, memory, 4 * PAGE, RW, iova));
	if (draw(worker, 4) == 0)
		sched_yield();
	CHECK(!ioas_unmap(iommu, ioas, iova, 4 * PAGE, &unmapped));
	CHECK(unmapped == 4 * PAGE);
	return 0;
}

static void unmap_takes_nothing_beyond_its_range(void **state)
{
	struct worker workers[] = {
		WORKER(unmap_up_to_the_border),
		WORKER(map_across_the_border),
	};

	assert_int_equal(edu_attach(&edu, ioas), 0);
	run_all(workers, ARRAY_SIZE(workers), SECONDS / 2);
	assert_nothing_is_left();
}

#define TEST(_test) cmocka_unit_test_setup_teardown(_test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(all_requests_at_once),
		TEST(unmap_takes_nothing_beyond_its_range),
	};

	return run_tap(tests, NULL, NULL);
}

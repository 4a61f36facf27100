// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=300 */
/* areas, pins, map and top show what this test has mapped, and what is true. */
#include <inttypes.h>
#include <linux/memfd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "lib/cgroup.h"
#include "lib/test.h"

#define BASE (16 * MIB)
#define OUTPUT "/tmp/observe.json"
#define VALID "/src/selftests/vm/lib/valid"
#define CGROUP "observe"
#define MANY 100000UL
#define HUGE_PAGES "/proc/sys/vm/nr_hugepages"

static int iommu;
static uint32_t ioas;
static struct edu edu;
static char *memory;
static uint64_t ctx;

static int setup(void **state)
{
	iommu = context_open();
	ioas = ioas_new(iommu);
	memory = memory_new(HUGE);
	ctx = context_id(iommu);
	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	return 0;
}

static int teardown(void **state)
{
	edu_close(&edu);
	munmap(memory, HUGE);
	return close(iommu);
}

static int map_at(uint64_t iova, unsigned long pages)
{
	return ioas_map_at(iommu, ioas, memory, pages * PAGE, RW, iova);
}

/* Run the command for this context; what it says is what its schema says. */
static void __attribute__((format(printf, 2, 3)))
look(const char *name, const char *fmt, ...)
{
	char command[512];
	va_list ap;
	int n;

	n = snprintf(command, sizeof(command), "iommufd-bpf -j %s ", name);
	va_start(ap, fmt);
	n += vsnprintf(command + n, sizeof(command) - n, fmt, ap);
	va_end(ap);
	snprintf(command + n, sizeof(command) - n, " >" OUTPUT);
	if (system(command)) {
		assert_int_equal(system("cat " OUTPUT " >&2"), 0);
		fail_msg("%s", command);
	}
	snprintf(command, sizeof(command), VALID " %s " OUTPUT " %s >&2", name,
		 strcmp(name, "top") ? "" : "lines");
	assert_int_equal(system(command), 0);
}

/* What jq makes of it, in one line */
static const char *said(const char *filter)
{
	static char text[4096];
	char command[1024];
	FILE *pipe;

	snprintf(command, sizeof(command), "jq -cr '%s' " OUTPUT, filter);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	text[0] = '\0';
	assert_non_null(fgets(text, sizeof(text), pipe));
	assert_int_equal(pclose(pipe), 0);
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static uint64_t number(const char *filter)
{
	const char *text = said(filter);
	char *end;
	uint64_t value = strtoull(text, &end, 10);

	if (end == text || *end)
		fail_msg("%s is '%s', no number", filter, text);
	return value;
}

static void areas_are_those_that_are_mapped(void **state)
{
	assert_int_equal(map_at(BASE, 4), 0);
	assert_int_equal(ioas_map_at(iommu, ioas, memory + 8 * PAGE, PAGE, READ,
				     4 * BASE), 0);
	look("areas", "--ctx %" PRIu64, ctx);
	assert_int_equal(number(".areas | length"), 2);
	assert_int_equal(number(".areas[0].iova"), BASE);
	assert_int_equal(number(".areas[0].length"), 4 * PAGE);
	assert_int_equal(number(".areas[0].uptr"), (uintptr_t)memory);
	assert_int_equal(number(".areas[0].pinned_pages"), 4);
	assert_int_equal(number(".areas[0].pid"), getpid());
	assert_int_equal(number(".areas[0].ioas"), ioas);
	assert_string_equal(said(".areas[0].comm"), "observe");
	assert_string_equal(said(".areas[0].user"), "root");
	assert_string_equal(said(".areas[0].kind"), "anon");
	assert_string_equal(said(".areas[0].prot"), "rw");
	assert_string_equal(said(".areas[0].charged_to"), "exempt");
	assert_string_equal(said(".areas[1].prot"), "r-");
	assert_int_equal(number(".areas[1].iova"), 4 * BASE);
	assert_int_equal(number(".totals.areas"), 2);
	assert_int_equal(number(".totals.bytes"), 5 * PAGE);
	assert_int_equal(number(".totals.pinned_pages"),
			 fdinfo_value(iommu, "iommufd-pinned:\t"));
}

static void areas_are_sorted_and_filtered(void **state)
{
	assert_int_equal(map_at(BASE, 1), 0);
	assert_int_equal(map_at(2 * BASE, 9), 0);
	assert_int_equal(map_at(3 * BASE, 3), 0);
	look("areas", "--ctx %" PRIu64 " --sort size", ctx);
	assert_string_equal(said("[.areas[].length / 4096]"), "[9,3,1]");
	look("areas", "--ctx %" PRIu64 " --sort pinned --limit 1", ctx);
	assert_string_equal(said("[.areas[].pinned_pages]"), "[9]");
	assert_int_equal(number(".totals.areas"), 3);
	look("areas", "--pid %d", getpid());
	assert_int_equal(number(".areas | length"), 3);
	look("areas", "--pid 1");
	assert_int_equal(number(".areas | length"), 0);
	look("areas", "--user root --ioas %" PRIu32, ioas + 1000);
	assert_int_equal(number(".areas | length"), 0);
}

static int memory_of(int fd, size_t length, const char *kind)
{
	void *shared = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED,
			    fd, 0);

	assert_true(shared != MAP_FAILED);
	assert_int_equal(ioas_map_at(iommu, ioas, shared, length, RW, BASE), 0);
	look("areas", "--ctx %" PRIu64, ctx);
	assert_string_equal(said(".areas[0].kind"), kind);
	assert_int_equal(number(".areas[0].pinned_pages"), length / PAGE);
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	munmap(shared, length);
	return close(fd);
}

static void areas_tell_the_kind_of_memory(void **state)
{
	long before = write_number(HUGE_PAGES, 4);
	int fd;

	fd = memfd_create("observe", MFD_CLOEXEC);
	assert_return_code(ftruncate(fd, 3 * PAGE), errno);
	memory_of(fd, 3 * PAGE, "shmem");
	fd = memfd_create("observe", MFD_CLOEXEC | MFD_HUGETLB);
	assert_return_code(ftruncate(fd, HUGE), errno);
	memory_of(fd, HUGE, "hugetlb");
	write_number(HUGE_PAGES, before);

	/* Nothing is pinned without a device. */
	assert_int_equal(edu_detach(&edu), 0);
	assert_int_equal(map_at(BASE, 2), 0);
	look("areas", "--ctx %" PRIu64, ctx);
	assert_string_equal(said(".areas[0] | [.kind, .charged_to, .pinned_pages]"),
			    "[null,null,0]");
}

static int map_three_as_tenant(void *arg)
{
	CHECK(!cgroup_enter(CGROUP));
	CHECK(!become_tenant(16));
	CHECK(!map_at(BASE + MIB, 3));
	return 0;
}

static void pins_are_of_who_has_pinned(void **state)
{
	struct other tenant;

	cgroup_new(CGROUP);
	assert_int_equal(map_at(BASE, 5), 0);
	other_start(&tenant, map_three_as_tenant, NULL);

	look("areas", "--ctx %" PRIu64 " --pid %d", ctx, tenant.pid);
	assert_string_equal(said(".areas[0] | [.charged_to, .cgroup]"),
			    "[\"user\",\"/" CGROUP "\"]");
	look("areas", "--cgroup " CGROUP);
	assert_int_equal(number(".areas[0].pid"), tenant.pid);

	look("pins", "--ctx %" PRIu64, ctx);
	assert_string_equal(said("[.pins[] | [.pinned_pages, .charged_pages]]"),
			    "[[5,0],[3,3]]");
	assert_int_equal(number(".pins[0].pid"), getpid());
	assert_int_equal(number(".pins[0].pinned_pages") * PAGE / KIB,
			 status_kib("VmPin:"));
	assert_int_equal(number(".pins[1].pid"), tenant.pid);
	assert_string_equal(said(".pins[1].cgroup"), "/" CGROUP);
	assert_int_equal(number(".totals.pinned_pages"),
			 fdinfo_value(iommu, "iommufd-pinned:\t"));
	assert_int_equal(number(".totals.charged_pages"),
			 fdinfo_value(iommu, "iommufd-charged:\t"));
	look("pins", "--sort charged");
	assert_int_equal(number(".pins[0].pid"), tenant.pid);
	look("pins", "--by cgroup");
	assert_int_equal(number("[.pins[] | select(.cgroup == \"/" CGROUP "\")][0].pinned_pages"),
			 3);
	look("pins", "--by user");
	assert_int_equal(number("[.pins[] | select(.user == \"nobody\")][0].pinned_pages"),
			 3);
	look("pins", "--by context");
	assert_int_equal(number(".pins[0].ctx"), ctx);
	assert_int_equal(number(".pins[0].pinned_pages"), 8);
	other_stop(&tenant);
	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	cgroup_remove(CGROUP);
	look("pins", "--ctx %" PRIu64, ctx);
	assert_int_equal(number(".pins | length"), 0);
}

/* Copies pin nothing more: of the areas' pages each counts. */
static void a_page_is_pinned_once(void **state)
{
	const struct copy_source source = { ioas, BASE, 4 * PAGE };

	assert_int_equal(map_at(BASE, 4), 0);
	assert_int_equal(ioas_copy_at(iommu, ioas, &source, RW, 2 * BASE), 0);
	look("areas", "--ctx %" PRIu64, ctx);
	assert_string_equal(said("[.areas[] | [.pinned_pages, .shared]]"),
			    "[[4,true],[4,true]]");
	look("pins", "--ctx %" PRIu64, ctx);
	assert_int_equal(number(".totals.pinned_pages"), 4);
}

/* What is not reserved is what IOMMU_IOAS_IOVA_RANGES says. */
static void assert_usable(void)
{
	struct iommu_iova_range ranges[64];
	uint32_t nr = ARRAY_SIZE(ranges), i;
	char filter[160], expected[64];
	unsigned long reserved = 0;
	uint64_t next = 0, alignment;

	assert_int_equal(ioas_ranges(iommu, ioas, ranges, &nr, &alignment),
			 0);
	for (i = 0; i < nr; i++) {
		if (ranges[i].start > next) {
			snprintf(filter, sizeof(filter),
				 "[.spaces[0].ranges[] | select(.kind == \"reserved\")][%lu] | \"\\(.start) \\(.last)\"",
				 reserved++);
			snprintf(expected, sizeof(expected), "%" PRIu64 " %" PRIu64, next,
				 (uint64_t)ranges[i].start - 1);
			assert_string_equal(said(filter), expected);
		}
		next = ranges[i].last + 1;
	}
	reserved += next != 0;
	assert_int_equal(number("[.spaces[0].ranges[] | select(.kind == \"reserved\")] | length"),
			 reserved);
	assert_true(reserved > 0);
}

static void a_map_shows_areas_holes_and_reserved_ranges(void **state)
{
	const struct iommu_iova_range allowed[] = {
		{ 32 * MIB, 64 * MIB - 1 }, { BASE, 2 * BASE - 1 },
	};

	assert_int_equal(ioas_allow(iommu, ioas, allowed, ARRAY_SIZE(allowed)),
			 0);
	assert_int_equal(map_at(BASE, 4), 0);
	assert_int_equal(map_at(BASE + 4 * PAGE, 1), 0);
	assert_int_equal(map_at(BASE + 8 * PAGE, 1), 0);
	look("map", "--ctx %" PRIu64, ctx);
	assert_int_equal(number(".spaces | length"), 1);
	assert_int_equal(number(".spaces[0].ioas"), ioas);
	assert_int_equal(number(".spaces[0].areas"), 3);
	assert_int_equal(number(".spaces[0].domains"), 1);
	assert_string_equal(said("[.spaces[0].ranges[] | select(.kind == \"mapped\") | [.start, .last, .areas]]"),
			    "[[16777216,16797695,2],[16809984,16814079,1]]");
	/* No address is missing, and none is there twice. */
	assert_int_equal(number(".spaces[0].ranges[0].start"), 0);
	assert_string_equal(said(".spaces[0].ranges | [range(1; length) as $i | .[$i - 1].kind != .[$i].kind] | all"),
			    "true");
	assert_string_equal(said(".spaces[0].ranges[0:4] | [range(1; length) as $i | .[$i - 1].last + 1 == .[$i].start] | all"),
			    "true");
	assert_string_equal(said("[.spaces[0].allowed[] | [.start, .last]]"),
			    "[[16777216,33554431],[33554432,67108863]]");
	assert_usable();

	assert_int_equal(system("iommufd-bpf map --width 40 | grep -q '[#+]'"),
			 0);
}

/* Ends with the test, whatever becomes of that. */
static int map_and_unmap(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		if (map_at(BASE, 1) ||
		    ioas_unmap(iommu, ioas, BASE, PAGE, NULL))
			return 1;
		usleep(1000);
	}
}

static void top_counts_requests(void **state)
{
	pid_t pid = fork();
	char filter[160];

	assert_return_code(pid, errno);
	if (!pid)
		_exit(map_and_unmap());
	assert_int_equal(map_at(2 * BASE, 7), 0);
	look("top", "--count 3");
	snprintf(filter, sizeof(filter),
		 "select(.seconds > 0) | .rows[] | select(.pid == %d) | .requests_per_second > 10",
		 pid);
	assert_string_equal(said(filter), "true");
	snprintf(filter, sizeof(filter),
		 ".rows[] | select(.pid == %d) | .pinned_pages", getpid());
	assert_int_equal(number(filter), 7);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(system("iommufd-bpf top --batch --count 1 | grep -q PINNED"),
			 0);
}

/* Were each step a walk from the beginning, this would take hours. */
static void many_areas_are_one_walk(void **state)
{
	unsigned long i;

	assert_int_equal(edu_detach(&edu), 0);
	for (i = 0; i < MANY; i++)
		assert_int_equal(map_at(BASE + 2 * i * PAGE, 1), 0);
	look("areas", "--ctx %" PRIu64 " --sort iova --limit 3", ctx);
	assert_int_equal(number(".areas | length"), 3);
	assert_int_equal(number(".totals.areas"), MANY);
	assert_int_equal(number(".totals.bytes"), MANY * PAGE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(areas_are_those_that_are_mapped),
		TEST(areas_are_sorted_and_filtered),
		TEST(areas_tell_the_kind_of_memory),
		TEST(pins_are_of_who_has_pinned),
		TEST(a_page_is_pinned_once),
		TEST(a_map_shows_areas_holes_and_reserved_ranges),
		TEST(top_counts_requests),
		TEST(many_areas_are_one_walk),
	};

	return run_tap(tests, NULL, NULL);
}

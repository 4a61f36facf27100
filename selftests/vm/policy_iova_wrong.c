// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=180 */
/* IO addresses that policies should not have chosen, or no longer. */
#include <linux/memfd.h>
#include <limits.h>
#include <pthread.h>

#include "lib/place.h"

#define BASE (64 * MIB)
#define LAST (256 * MIB - 1)
#define MSI_WINDOW 0xfee00000UL
#define MSI_LAST 0xfeefffffUL
/* How often the module lets others come first */
#define TRIES 16

#define USED "which is in use"
#define RESERVED "which a device has reserved"
#define NOT_ALLOWED "where user space has not allowed it"
#define MISALIGNED "which is not at the start of a page"
#define TOO_LONG "from where the request leaves the address space"
#define UNKNOWN "which its contract does not know"

static struct policy policy, other;
static volatile struct place *place;
static int iommu;
static uint32_t ioas;
static struct edu edu;
static char *memory;

static int setup(void **state)
{
	policy.object = NULL;
	other.object = NULL;
	edu.vfio = -1;
	iommu = context_open();
	ioas = ioas_new(iommu);
	memory = memory_new(HUGE);
	return 0;
}

static int setup_attached(void **state)
{
	setup(state);
	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	return 0;
}

static int teardown(void **state)
{
	if (other.object)
		policy_stop(&other);
	if (policy.object)
		policy_stop(&policy);
	if (edu.vfio >= 0)
		edu_close(&edu);
	munmap(memory, HUGE);
	return close(iommu);
}

static void start(const char *hook)
{
	place = place_start(&policy, "place", hook,
			    (struct place_window){ BASE, LAST, PAGE });
}

/* The address, or a negative errno */
static int64_t map(const void *from, uint64_t length)
{
	uint64_t iova;
	int err = ioas_map(iommu, ioas, from, length, RW, &iova);

	return err ?: (int64_t)iova;
}

static int map_at(uint64_t iova, uint64_t length)
{
	return ioas_map_at(iommu, ioas, memory + PAGE, length, RW, iova);
}

/* For an answer outside the contract, which the message tells */
static void assert_ejected(int64_t answer, const char *why)
{
	char expected[IOMMUFD_POLICY_MSG_LEN];
	long code = answer < INT_MIN ? INT_MIN : answer;

	snprintf(expected, sizeof(expected),
		 "hook iova_alloc answered %ld, %s", answer, why);
	assert_policy_reads("place", "exit_message", expected);
	assert_policy_reads("place", "state", "ejected");
	assert_int_equal(policy_number("place", "exit_kind"),
			 IOMMUFD_POLICY_EXIT_ERROR);
	assert_int_equal(policy_number("place", "exit_code"),
			 code > INT_MAX ? INT_MAX : code);
	assert_int_equal(policy_number("place", "iova_alloc_asked"), 1);
	assert_int_equal(policy_number("place", "iova_alloc_refused"), 1);
	assert_refused_by(iommu, "place iova_alloc -71");
}

/* The request fails, nothing has changed, and the kernel takes over. */
static void assert_ejects(int64_t answer, const void *from, uint64_t length,
			  const char *why)
{
	const unsigned long areas = ioas_areas(iommu, ioas);
	int64_t iova;

	start("answering");
	place->answer = answer;
	assert_int_equal(map(from, length), -EPROTO);
	assert_ejected(answer, why);
	assert_int_equal(ioas_areas(iommu, ioas), areas);
	assert_int_equal(pinned_pages(0), 0);

	iova = map(memory, PAGE);
	assert_true(iova > 0);
	assert_int_equal(ioas_unmap(iommu, ioas, iova, PAGE, NULL), 0);
	assert_int_equal(place->calls, 1);
	policy_stop(&policy);
	policy.object = NULL;
}

static void what_is_in_use_is_no_choice(void **state)
{
	assert_int_equal(map_at(BASE, 4 * PAGE), 0);
	assert_ejects(BASE, memory, PAGE, USED);
	assert_ejects(BASE, memory, 4 * PAGE, USED);
	assert_ejects(BASE + 3 * PAGE, memory, PAGE, USED);
	/* In part */
	assert_ejects(BASE - PAGE, memory, 2 * PAGE, USED);
	assert_ejects(BASE - PAGE, memory, 6 * PAGE, USED);
	assert_ejects(BASE + 3 * PAGE, memory, 2 * PAGE, USED);
}

static void a_byte_in_use_is_enough(void **state)
{
	assert_int_equal(map_at(BASE + PAGE - 1, 1), 0);
	assert_ejects(BASE, memory, PAGE, USED);
	start("answering");
	place->answer = BASE;
	assert_int_equal(map(memory, PAGE - 1), BASE);
}

static void what_is_reserved_is_no_choice(void **state)
{
	assert_ejects(MSI_WINDOW, memory, PAGE, RESERVED);
	assert_ejects(MSI_LAST + 1 - PAGE, memory, PAGE, RESERVED);
	assert_ejects(MSI_WINDOW - PAGE, memory, 2 * PAGE, RESERVED);
	assert_ejects(MSI_LAST + 1 - PAGE, memory, 2 * PAGE, RESERVED);
	assert_ejects(MSI_WINDOW - PAGE, memory, HUGE, RESERVED);
}

static void what_the_iommu_does_not_reach_is_no_choice(void **state)
{
	assert_ejects(1L << 60, memory, PAGE, RESERVED);
	assert_ejects(INT64_MAX - PAGE + 1, memory, PAGE, RESERVED);
}

static void what_is_not_allowed_is_no_choice(void **state)
{
	const struct iommu_iova_range allowed = { BASE, BASE + 4 * PAGE - 1 };

	assert_int_equal(ioas_allow(iommu, ioas, &allowed, 1), 0);
	assert_ejects(BASE - PAGE, memory, PAGE, NOT_ALLOWED);
	assert_ejects(BASE + 4 * PAGE, memory, PAGE, NOT_ALLOWED);
	assert_ejects(BASE - PAGE, memory, 2 * PAGE, NOT_ALLOWED);
	assert_ejects(BASE + 3 * PAGE, memory, 2 * PAGE, NOT_ALLOWED);
	assert_ejects(BASE - PAGE, memory, 6 * PAGE, NOT_ALLOWED);

	start("answering");
	place->answer = BASE;
	assert_int_equal(map(memory, 4 * PAGE), BASE);
}

static void what_is_off_a_page_is_no_choice(void **state)
{
	static const int64_t answers[] = {
		1, 511, PAGE - 1, PAGE + 1, 12345, BASE + PAGE / 2, INT_MAX,
		INT64_MAX,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(answers); i++)
		assert_ejects(answers[i], memory, PAGE, MISALIGNED);
}

static void what_ends_behind_the_last_address_is_no_choice(void **state)
{
	const uint64_t half = 1UL << 63;

	assert_ejects(INT64_MAX - PAGE + 1, (void *)PAGE, half + 2 * PAGE,
		      TOO_LONG);
	/* The last address itself is one. */
	start("answering");
	place->answer = INT64_MAX - PAGE + 1;
	assert_int_equal(map((void *)PAGE, half + PAGE), place->answer);
}

static void errors_not_on_the_list_are_no_answers(void **state)
{
	static const int64_t answers[] = {
		-EINVAL, -EAGAIN, -EEXIST, -EPROTO, -4095, -4096, -(int)PAGE,
		INT_MIN, (int64_t)INT_MIN - 1, INT64_MIN,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(answers); i++)
		assert_ejects(answers[i], memory, PAGE, UNKNOWN);
}

/* The same answers are right where nothing speaks against them. */
static void no_good_choice_is_taken_for_a_bad_one(void **state)
{
	static const int64_t answers[] = {
		PAGE, BASE, MSI_WINDOW, 1L << 60, INT64_MAX - PAGE + 1,
	};
	size_t i;

	start("answering");
	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		place->answer = answers[i];
		assert_int_equal(map(memory, PAGE), answers[i]);
	}
	assert_policy_reads("place", "state", "active");
}

static void copies_and_files_eject_likewise(void **state)
{
	struct copy_source from = { ioas, BASE, 4 * PAGE };
	struct file_range range = { .length = PAGE };
	uint32_t dst = ioas_new(iommu);
	uint64_t iova = 0;

	assert_int_equal(map_at(BASE, 4 * PAGE), 0);
	start("answering");
	place->answer = BASE;
	assert_int_equal(ioas_copy(iommu, ioas, &from, RW, &iova), -EPROTO);
	assert_ejected(BASE, USED);
	assert_int_equal(ioas_copy(iommu, dst, &from, RW, &iova), 0);
	policy_stop(&policy);

	range.fd = memfd_create("place", MFD_CLOEXEC);
	assert_return_code(ftruncate(range.fd, range.length), errno);
	start("answering");
	place->answer = BASE + 1;
	assert_int_equal(ioas_map_file(iommu, ioas, &range, RW, &iova),
			 -EPROTO);
	assert_ejected(BASE + 1, MISALIGNED);
	assert_int_equal(ioas_areas(iommu, ioas), 1);
	assert_int_equal(ioas_map_file(iommu, ioas, &range, RW, &iova), 0);
	close(range.fd);
}

static void whoever_fails_closed_refuses_afterwards(void **state)
{
	place = place_open(&policy, "place", "answering", PLACE_ANYWHERE);
	policy.ops->flags = IOMMUFD_POLICY_F_FAIL_CLOSED;
	assert_int_equal(policy_load(&policy), 0);
	assert_int_equal(policy_attach(&policy), 0);
	place->answer = BASE;
	assert_int_equal(map(memory, PAGE), BASE);
	assert_int_equal(map(memory, PAGE), -EPROTO);
	assert_refused_by(iommu, "place iova_alloc -71");
	assert_policy_reads("place", "state", "closed");
	assert_int_equal(map(memory, PAGE), -EPROTO);
	assert_refused_by(iommu, "place map -71");
	assert_int_equal(map_at(2 * BASE, PAGE), -EPROTO);
	assert_int_equal(place->calls, 2);
	assert_int_equal(ioas_areas(iommu, ioas), 1);

	place = place_open(&other, "place", "lowest",
			   (struct place_window){ BASE, LAST, PAGE });
	assert_int_equal(policy_load(&other), 0);
	assert_int_equal(policy_replace(&policy, &other), 0);
	assert_policy_reads("place", "state", "active");
	assert_int_equal(map(memory, PAGE), BASE + PAGE);
}

static void each_refusing_errno_reaches_the_caller(void **state)
{
	static const struct {
		int error;
		const char *name;
	} refusals[] = {
		{ -EPERM, "place iova_alloc -1" },
		{ -EACCES, "place iova_alloc -13" },
		{ -EDQUOT, "place iova_alloc -122" },
		{ -ENOMEM, "place iova_alloc -12" },
		{ -ENOSPC, "place iova_alloc -28" },
		{ -EBUSY, "place iova_alloc -16" },
	};
	size_t i;

	start("answering");
	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		place->answer = refusals[i].error;
		assert_int_equal(map(memory, PAGE), refusals[i].error);
		assert_refused_by(iommu, refusals[i].name);
		assert_int_equal(policy_number("place", "iova_alloc_refused"),
				 i + 1);
	}
	assert_int_equal(place->calls, i);
	assert_int_equal(ioas_areas(iommu, ioas), 0);
	assert_int_equal(pinned_pages(0), 0);
	assert_policy_reads("place", "state", "active");
	/* Where user space chooses there is nothing to refuse. */
	assert_int_equal(map_at(BASE, PAGE), 0);
}

static void who_declines_leaves_it_to_the_next(void **state)
{
	volatile struct place *next;
	int64_t built_in = map(memory, PAGE);

	assert_int_equal(ioas_unmap_all(iommu, ioas), 0);
	start("answering");
	next = place_start(&other, "place-next", "answering", PLACE_ANYWHERE);
	assert_int_equal(map(memory, PAGE), built_in);
	assert_int_equal(place->calls, 1);
	assert_int_equal(next->calls, 1);
	next->answer = BASE;
	assert_int_equal(map(memory, PAGE), BASE);
	assert_int_equal(place->calls, 2);
	assert_int_equal(next->calls, 2);
	place->answer = 2 * BASE;
	assert_int_equal(map(memory, PAGE), 2 * BASE);
	assert_int_equal(next->calls, 2);
	place->answer = -EDQUOT;
	assert_int_equal(map(memory, PAGE), -EDQUOT);
	assert_int_equal(next->calls, 2);

	/* Who is wrong is not asked again; the next one is. */
	place->answer = 12345;
	next->answer = 3 * BASE;
	assert_int_equal(map(memory, PAGE), -EPROTO);
	assert_int_equal(next->calls, 2);
	assert_int_equal(map(memory, PAGE), 3 * BASE);
	assert_int_equal(place->calls, 5);
	assert_policy_reads("place-next", "state", "active");
}

static void *map_thread(void *arg)
{
	return (void *)map(memory, PAGE);
}

static pthread_t begin_map(void)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, map_thread, NULL), 0);
	return thread;
}

static int64_t end_map(pthread_t thread)
{
	void *result;

	pthread_join(thread, &result);
	return (intptr_t)result;
}

/* A map whose policy has chosen, and not answered yet */
static pthread_t begin_to_hesitate(void)
{
	pthread_t thread;

	place->contested = 1;
	thread = begin_map();
	assert_int_equal(settled(&place->waiting, 1), 1);
	return thread;
}

static void what_others_take_meanwhile_is_no_fault(void **state)
{
	pthread_t thread;

	start("hesitating");
	thread = begin_to_hesitate();
	assert_int_equal(place->found, BASE);
	assert_int_equal(map_at(BASE, 4 * PAGE), 0);
	place->go = 1;
	assert_int_equal(end_map(thread), BASE + 4 * PAGE);
	assert_int_equal(place->calls, 2);
	assert_int_equal(ioas_areas(iommu, ioas), 2);
	assert_policy_reads("place", "state", "active");
	assert_int_equal(policy_number("place", "iova_alloc_refused"), 0);
	assert_refused_by(iommu, NULL);
}

static void what_is_forbidden_meanwhile_is_no_fault(void **state)
{
	const struct iommu_iova_range allowed = { 2 * BASE, 3 * BASE };
	pthread_t thread;

	start("hesitating");
	thread = begin_to_hesitate();
	assert_int_equal(ioas_allow(iommu, ioas, &allowed, 1), 0);
	place->go = 1;
	assert_int_equal(end_map(thread), 2 * BASE);
	assert_int_equal(place->calls, 2);
	assert_policy_reads("place", "state", "active");
}

static void what_is_reserved_meanwhile_is_no_fault(void **state)
{
	pthread_t thread;

	place = place_start(&policy, "place", "hesitating",
			    (struct place_window){ MSI_WINDOW, MSI_LAST + MIB,
						   PAGE });
	edu_open(&edu, iommu);
	thread = begin_to_hesitate();
	assert_int_equal(place->found, MSI_WINDOW);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	place->go = 1;
	assert_int_equal(end_map(thread), MSI_LAST + 1);
	assert_int_equal(place->calls, 2);
	assert_policy_reads("place", "state", "active");
}

static void what_others_do_elsewhere_does_not_matter(void **state)
{
	pthread_t thread;

	start("hesitating");
	thread = begin_to_hesitate();
	assert_int_equal(map_at(2 * BASE, PAGE), 0);
	place->go = 1;
	assert_int_equal(end_map(thread), BASE);
	assert_int_equal(place->calls, 1);
}

static void it_is_busy_if_others_always_come_first(void **state)
{
	unsigned int i;
	pthread_t thread;

	start("hesitating");
	place->contested = UINT64_MAX;
	thread = begin_map();
	for (i = 1; i <= TRIES; i++) {
		assert_int_equal(settled(&place->waiting, i), i);
		assert_int_equal(map_at(place->found, PAGE), 0);
		place->go = i;
	}
	assert_int_equal(end_map(thread), -EBUSY);
	assert_int_equal(place->calls, TRIES);
	assert_int_equal(ioas_areas(iommu, ioas), TRIES);
	assert_policy_reads("place", "state", "active");
	assert_refused_by(iommu, NULL);
	place->contested = 0;
	assert_int_equal(map(memory, PAGE), BASE + TRIES * PAGE);
}

/* A map held up while it pins memory, which is after it was given an address */
static pthread_t begin_to_pin(int uffd)
{
	pthread_t thread = begin_map();

	userfault_wait(uffd);
	return thread;
}

static void what_others_take_during_the_pinning_is_no_fault(void **state)
{
	int uffd = userfault_new(memory, PAGE);
	pthread_t thread;

	start("lowest");
	thread = begin_to_pin(uffd);
	assert_int_equal(place->calls, 1);
	memory_random(memory + PAGE, PAGE);
	assert_int_equal(map_at(BASE, PAGE), 0);
	userfault_resolve(uffd, memory, PAGE);
	assert_int_equal(end_map(thread), BASE + PAGE);
	assert_int_equal(place->calls, 2);
	assert_int_equal(ioas_areas(iommu, ioas), 2);
	assert_policy_reads("place", "state", "active");
	edu_read(&edu, BASE);
	edu_write(&edu, BASE + PAGE);
	assert_memory_equal(memory, memory + PAGE, PAGE);
	assert_int_equal(pinned_pages(2), 2);
}

/* It is asked again, and could have known then. */
static void who_insists_on_what_others_took_is_ejected(void **state)
{
	int uffd = userfault_new(memory, PAGE);
	pthread_t thread;

	start("answering");
	place->answer = BASE;
	thread = begin_to_pin(uffd);
	assert_int_equal(map_at(BASE, PAGE), 0);
	userfault_resolve(uffd, memory, PAGE);
	assert_int_equal(end_map(thread), -EPROTO);
	assert_int_equal(place->calls, 2);
	assert_policy_reads("place", "state", "ejected");
	assert_int_equal(ioas_areas(iommu, ioas), 1);
	assert_int_equal(pinned_pages(1), 1);
}

/* What it reports counts, whatever has become of its answer meanwhile. */
static void who_reports_an_error_is_not_asked_again(void **state)
{
	pthread_t thread;

	start("hesitating");
	place->report = 42;
	thread = begin_to_hesitate();
	assert_int_equal(map_at(BASE, PAGE), 0);
	place->go = 1;
	assert_int_equal(end_map(thread), -EPROTO);
	assert_int_equal(place->calls, 1);
	assert_policy_reads("place", "state", "ejected");
	assert_policy_reads("place", "exit_code", "42");
	assert_int_equal(policy_number("place", "exit_kind"),
			 IOMMUFD_POLICY_EXIT_REPORTED);
	assert_int_equal(ioas_areas(iommu, ioas), 1);
}

#define ROUNDS 500

static void *map_many(void *arg)
{
	int64_t iova, *iovas = arg;
	size_t i;

	for (i = 0; i < ROUNDS; i++) {
		iova = map(memory, PAGE);
		if (iova < 0)
			return (void *)iova;
		iovas[i] = iova;
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

static void two_threads_share_a_window(void **state)
{
	static int64_t iovas[2 * ROUNDS];
	pthread_t threads[2];
	void *result;
	size_t i;

	start("lowest");
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, map_many,
						iovas + i * ROUNDS), 0);
	for (i = 0; i < 2; i++) {
		pthread_join(threads[i], &result);
		assert_null(result);
	}
	assert_policy_reads("place", "state", "active");
	qsort(iovas, 2 * ROUNDS, sizeof(*iovas), compare);
	for (i = 0; i < 2 * ROUNDS; i++)
		assert_int_equal(iovas[i], BASE + i * PAGE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_ATTACHED(name)						\
	cmocka_unit_test_setup_teardown(name, setup_attached, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_is_in_use_is_no_choice),
		TEST(a_byte_in_use_is_enough),
		TEST_ATTACHED(what_is_reserved_is_no_choice),
		TEST_ATTACHED(what_the_iommu_does_not_reach_is_no_choice),
		TEST(what_is_not_allowed_is_no_choice),
		TEST(what_is_off_a_page_is_no_choice),
		TEST(what_ends_behind_the_last_address_is_no_choice),
		TEST(errors_not_on_the_list_are_no_answers),
		TEST(no_good_choice_is_taken_for_a_bad_one),
		TEST(copies_and_files_eject_likewise),
		TEST(whoever_fails_closed_refuses_afterwards),
		TEST(each_refusing_errno_reaches_the_caller),
		TEST(who_declines_leaves_it_to_the_next),
		TEST(what_others_take_meanwhile_is_no_fault),
		TEST(what_is_forbidden_meanwhile_is_no_fault),
		TEST(what_is_reserved_meanwhile_is_no_fault),
		TEST(what_others_do_elsewhere_does_not_matter),
		TEST(it_is_busy_if_others_always_come_first),
		TEST_ATTACHED(what_others_take_during_the_pinning_is_no_fault),
		TEST_ATTACHED(who_insists_on_what_others_took_is_ejected),
		TEST(who_reports_an_error_is_not_asked_again),
		TEST(two_threads_share_a_window),
	};

	return run_tap(tests, NULL, NULL);
}

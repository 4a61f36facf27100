// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=180 */
/* How policies come, how they are replaced, and how they end. */
#include <bpf/bpf.h>
#include <limits.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/policy.h"

#define REPLACEMENTS 500

static struct policy policy, next;
static int iommu;
static uint32_t ioas;
static struct edu edu;
static char *memory;

static int setup(void **state)
{
	policy.object = NULL;
	next.object = NULL;
	edu.vfio = -1;
	iommu = context_open();
	ioas = ioas_new(iommu);
	memory = memory_new(HUGE);
	return 0;
}

static int teardown(void **state)
{
	if (policy.object)
		policy_stop(&policy);
	if (next.object)
		policy_stop(&next);
	if (edu.vfio >= 0)
		edu_close(&edu);
	munmap(memory, HUGE);
	return close(iommu);
}

static int map(void)
{
	uint64_t iova;

	return ioas_map(iommu, ioas, memory, PAGE, RW, &iova);
}

static bool is_there(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), POLICIES "/%s", name);
	return !access(path, F_OK);
}

/* Loaded, and not attached */
static void prepare(struct policy *p, const char *name)
{
	policy_open(p, name);
	assert_int_equal(policy_load(p), 0);
}

static void it_is_seen_in_sysfs_while_attached(void **state)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);

	prepare(&policy, "answer");
	assert_false(is_there("answer"));
	assert_int_equal(policy_attach(&policy), 0);
	assert_int_equal(bpf_link_get_info_by_fd(bpf_link__fd(policy.link),
						 &info, &size), 0);
	assert_int_equal(policy_number("answer", "link_id"), info.id);
	assert_policy_reads("answer", "state", "active");
	assert_policy_reads("answer", "exit_kind", "0");
	assert_policy_reads("answer", "exit_code", "0");
	assert_policy_reads("answer", "exit_message", "");
	policy_detach(&policy);
	assert_false(is_there("answer"));
}

static void init_and_exit_are_called_once(void **state)
{
	policy_start(&policy, "answer");
	assert_int_equal(policy.answer->init.calls, 1);
	assert_int_equal(policy.answer->init.api_version,
			 IOMMUFD_POLICY_API_VERSION);
	assert_int_equal(policy.answer->init.replaces, 0);
	assert_int_equal(policy.answer->exit.calls, 0);
	policy_detach(&policy);
	assert_int_equal(policy.answer->exit.calls, 1);
	assert_int_equal(policy.answer->exit.kind,
			 IOMMUFD_POLICY_EXIT_DETACHED);
	assert_int_equal(policy.answer->exit.code, 0);
	policy.answer->map_answer = -EPERM;
	assert_int_equal(map(), 0);
	assert_int_equal(policy.answer->map.calls, 0);
}

/* Nobody detaches it: the last user of the link goes. */
static void a_link_that_is_closed_ends_the_policy(void **state)
{
	policy_start(&policy, "answer");
	policy.answer->map_answer = -EPERM;
	assert_int_equal(map(), -EPERM);
	bpf_link__destroy(policy.link);
	policy.link = NULL;
	assert_int_equal(settled(&policy.answer->exit.calls, 1), 1);
	assert_int_equal(policy.answer->exit.kind,
			 IOMMUFD_POLICY_EXIT_DETACHED);
	assert_int_equal(map(), 0);
}

static void init_can_refuse(void **state)
{
	static const struct {
		int answer;
		int error;
	} cases[] = {
		{ -EPERM, -EPERM },
		{ -EINVAL, -EINVAL },
		{ -4095, -4095 },
		{ -4096, -EPROTO },
		{ -9999, -EPROTO },
		{ INT_MIN, -EPROTO },
		{ 1, -EPROTO },
		{ INT_MAX, -EPROTO },
	};
	size_t i;

	prepare(&policy, "answer");
	policy.answer->map_answer = -EPERM;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		policy.answer->init_answer = cases[i].answer;
		assert_int_equal(policy_attach(&policy), cases[i].error);
		assert_false(is_there("answer"));
		assert_int_equal(policy.answer->init.calls, i + 1);
	}
	assert_int_equal(map(), 0);
	/* What has not begun does not end. */
	assert_int_equal(policy.answer->exit.calls, 0);
	policy.answer->init_answer = 0;
	assert_int_equal(policy_attach(&policy), 0);
	assert_int_equal(map(), -EPERM);
}

static void a_name_is_taken_once(void **state)
{
	policy_start(&policy, "answer");
	prepare(&next, "answer");
	next.answer->map_answer = -EPERM;
	assert_int_equal(policy_attach(&next), -EEXIST);
	assert_int_equal(next.answer->init.calls, 0);
	assert_int_equal(map(), 0);
	assert_int_equal(policy.answer->map.calls, 1);
	policy_detach(&policy);
	assert_int_equal(policy_attach(&next), 0);
	assert_int_equal(map(), -EPERM);
}

static void names_are_checked(void **state)
{
	static const char *const bad[] = {
		"", ".", "..", "a.b", "a/b", "a b", "a\n", "a:b", "\303\244",
		"0123456789abcdef",
	};
	static const char *const good[] = {
		"a", "A-b_c9", "-", "_", "0123456789abcde",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		prepare(&policy, bad[i]);
		assert_int_equal(policy_attach(&policy), -EINVAL);
		assert_int_equal(policy.answer->init.calls, 0);
		policy_stop(&policy);
	}
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		policy_start(&policy, good[i]);
		assert_true(is_there(good[i]));
		policy_stop(&policy);
	}
	policy.object = NULL;
}

static void unknown_flags_are_refused(void **state)
{
	const uint64_t known = IOMMUFD_POLICY_F_MEM_KIND |
			       IOMMUFD_POLICY_F_FAIL_CLOSED |
			       IOMMUFD_POLICY_F_AUDIT |
			       IOMMUFD_POLICY_F_EXCEED_RLIMIT;
	unsigned int bit;

	for (bit = 0; bit < 64; bit++) {
		policy_open(&policy, "answer");
		policy.ops->flags = 1ULL << bit;
		assert_int_equal(policy_load(&policy), 0);
		assert_int_equal(policy_attach(&policy),
				 policy.ops->flags & known ? 0 : -EINVAL);
		policy_stop(&policy);
	}
	policy.object = NULL;
}

static void without_a_link_it_is_not_supported(void **state)
{
	struct bpf_map *legacy;
	struct bpf_link *link;

	policy_open(&policy, "answer");
	legacy = bpf_object__find_map_by_name(policy.object, "legacy");
	bpf_map__set_autocreate(legacy, true);
	assert_int_equal(policy_load(&policy), 0);
	link = bpf_map__attach_struct_ops(legacy);
	assert_null(link);
	assert_int_equal(errno, EOPNOTSUPP);
	assert_false(is_there("legacy"));
}

static void the_first_refusal_by_name_wins(void **state)
{
	policy_start(&policy, "b");
	policy_start(&next, "a");
	assert_int_equal(map(), 0);
	assert_int_equal(policy.answer->map.calls, 1);
	assert_int_equal(next.answer->map.calls, 1);

	policy.answer->map_answer = -ENOSPC;
	assert_int_equal(map(), -ENOSPC);
	assert_refused_by(iommu, "b map -28");
	next.answer->map_answer = -EBUSY;
	assert_int_equal(map(), -EBUSY);
	assert_refused_by(iommu, "a map -16");
	/* After a refusal the others are not asked. */
	assert_int_equal(policy.answer->map.calls, 2);
	assert_int_equal(next.answer->map.calls, 3);

	/* They stay, whichever goes first. */
	policy_detach(&next);
	assert_int_equal(map(), -ENOSPC);
	assert_int_equal(policy_attach(&next), 0);
	assert_int_equal(map(), -EBUSY);
	policy_detach(&policy);
	assert_int_equal(map(), -EBUSY);
}

static void an_answer_outside_the_contract_ejects(void **state)
{
	static const int rogue[] = {
		1, 4096, INT_MAX, INT_MIN, -9999, -EINVAL, -EPROTO, -EFAULT,
		-ENOENT, -4095, -4096,
	};
	char expected[16];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rogue); i++) {
		policy_start(&policy, "answer");
		policy.answer->map_answer = rogue[i];
		assert_int_equal(map(), -EPROTO);
		assert_refused_by(iommu, "answer map -71");
		assert_int_equal(settled(&policy.answer->exit.calls, 1), 1);
		assert_int_equal(policy.answer->exit.kind,
				 IOMMUFD_POLICY_EXIT_ERROR);
		assert_int_equal(policy.answer->exit.code, rogue[i]);
		snprintf(expected, sizeof(expected), "%d", rogue[i]);
		assert_non_null(strstr((char *)policy.answer->exit.message,
				       expected));
		assert_policy_reads("answer", "state", "ejected");
		assert_policy_reads("answer", "exit_kind", "64");
		assert_policy_reads("answer", "exit_code", expected);
		assert_policy_reads("answer", "exit_message",
				    (char *)policy.answer->exit.message);

		/* Built-in behaviour, and the policy hears of it no more. */
		assert_int_equal(map(), 0);
		assert_int_equal(policy.answer->map.calls, 1);
		policy_detach(&policy);
		assert_int_equal(policy.answer->exit.calls, 1);
		assert_false(is_there("answer"));
		policy_stop(&policy);
	}
	policy.object = NULL;
}

static void a_rogue_attach_answer_ejects(void **state)
{

	policy_start(&policy, "answer");
	edu_open(&edu, iommu);
	policy.answer->attach_answer = -9999;
	assert_int_equal(edu_attach(&edu, ioas), -EPROTO);
	assert_refused_by(iommu, "answer attach -71");
	assert_int_equal(settled(&policy.answer->exit.calls, 1), 1);
	assert_non_null(strstr((char *)policy.answer->exit.message, "attach"));
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_int_equal(policy.answer->attach.calls, 1);
}

/* The others go on deciding. */
static void only_the_rogue_one_is_ejected(void **state)
{
	policy_start(&policy, "a");
	policy_start(&next, "b");
	policy.answer->map_answer = 77;
	next.answer->map_answer = -EPERM;
	assert_int_equal(map(), -EPROTO);
	assert_int_equal(map(), -EPERM);
	assert_policy_reads("a", "state", "ejected");
	assert_policy_reads("b", "state", "active");
}

static void update_revives_an_ejected_policy(void **state)
{
	policy_start(&policy, "answer");
	policy.answer->map_answer = 5;
	assert_int_equal(map(), -EPROTO);
	assert_int_equal(settled(&policy.answer->exit.calls, 1), 1);

	prepare(&next, "answer");
	next.answer->map_answer = -EACCES;
	assert_int_equal(policy_replace(&policy, &next), 0);
	assert_int_equal(next.answer->init.replaces, 1);
	assert_policy_reads("answer", "state", "active");
	assert_policy_reads("answer", "exit_kind", "0");
	assert_policy_reads("answer", "exit_code", "0");
	assert_policy_reads("answer", "exit_message", "");
	assert_int_equal(map(), -EACCES);
	/* It ended once, and not by being replaced. */
	assert_int_equal(policy.answer->exit.calls, 1);
	assert_int_equal(policy.answer->exit.kind, IOMMUFD_POLICY_EXIT_ERROR);

	/* What came in its place is judged as itself. */
	next.answer->map_answer = 6;
	assert_int_equal(map(), -EPROTO);
	assert_int_equal(settled(&next.answer->exit.calls, 1), 1);
	assert_int_equal(next.answer->exit.code, 6);
	assert_policy_reads("answer", "exit_code", "6");
}

static void replacing_changes_who_decides(void **state)
{
	policy_start(&policy, "answer");
	prepare(&next, "answer");
	next.answer->map_answer = -EDQUOT;
	assert_int_equal(map(), 0);
	assert_int_equal(policy_replace(&policy, &next), 0);
	assert_int_equal(next.answer->init.calls, 1);
	assert_int_equal(next.answer->init.replaces, 1);
	assert_int_equal(policy.answer->exit.calls, 1);
	assert_int_equal(policy.answer->exit.kind,
			 IOMMUFD_POLICY_EXIT_REPLACED);
	assert_int_equal(map(), -EDQUOT);
	assert_int_equal(policy.answer->map.calls, 1);
	/* The same policy to whoever counts. */
	assert_int_equal(policy_number("answer", "map_asked"), 2);
	assert_policy_reads("answer", "state", "active");
	assert_int_equal(next.answer->exit.calls, 0);

	policy_detach(&policy);
	assert_int_equal(next.answer->exit.calls, 1);
	assert_int_equal(next.answer->exit.kind, IOMMUFD_POLICY_EXIT_DETACHED);
	assert_int_equal(policy.answer->exit.calls, 1);
}

static void a_replacement_that_is_refused_changes_nothing(void **state)
{
	policy_start(&policy, "answer");
	policy.answer->map_answer = -EDQUOT;
	prepare(&next, "other");
	assert_int_equal(policy_replace(&policy, &next), -EINVAL);
	assert_int_equal(next.answer->init.calls, 0);
	policy_stop(&next);

	prepare(&next, "answer");
	next.answer->init_answer = -ENOENT;
	assert_int_equal(policy_replace(&policy, &next), -ENOENT);
	next.answer->init_answer = 1;
	assert_int_equal(policy_replace(&policy, &next), -EPROTO);
	assert_int_equal(next.answer->exit.calls, 0);
	assert_int_equal(policy.answer->exit.calls, 0);
	assert_int_equal(map(), -EDQUOT);
}

/* The kind of memory is looked up for the policy that is there now. */
static void replacing_changes_the_flags(void **state)
{
	policy_start(&policy, "answer");
	policy_open(&next, "answer");
	next.ops->flags = IOMMUFD_POLICY_F_MEM_KIND;
	assert_int_equal(policy_load(&next), 0);
	assert_int_equal(map(), 0);
	assert_int_equal(policy.answer->map.mem, 0);
	assert_int_equal(policy_replace(&policy, &next), 0);
	assert_int_equal(map(), 0);
	assert_int_equal(next.answer->map.mem, IOMMUFD_POLICY_MEM_ANON);
	assert_int_equal(policy_replace(&policy, &policy), 0);
	assert_int_equal(map(), 0);
	assert_int_equal(policy.answer->map.mem, 0);
}

static void write_off(const char *text, int error)
{
	int fd = open(OFF, O_WRONLY | O_CLOEXEC);

	assert_return_code(fd, errno);
	errno = 0;
	assert_int_equal(write(fd, text, strlen(text)),
			 error ? -1 : (ssize_t)strlen(text));
	assert_int_equal(errno, error);
	close(fd);
}

static void off_puts_all_out_of_service(void **state)
{
	policy_start(&policy, "a");
	policy_start(&next, "b");
	policy.answer->map_answer = -EPERM;
	write_off("0", EINVAL);
	write_off("please", EINVAL);
	assert_int_equal(map(), -EPERM);

	write_off("1", 0);
	assert_int_equal(policy.answer->exit.calls, 1);
	assert_int_equal(policy.answer->exit.kind, IOMMUFD_POLICY_EXIT_OFF);
	assert_int_equal(next.answer->exit.calls, 1);
	assert_policy_reads("a", "state", "off");
	assert_policy_reads("b", "state", "off");
	assert_policy_reads("a", "exit_kind", "3");
	assert_int_equal(map(), 0);
	assert_int_equal(policy.answer->map.calls, 1);
	assert_int_equal(next.answer->map.calls, 0);
	write_off("1", 0);
	assert_int_equal(policy.answer->exit.calls, 1);

	/* A way back, and the way out. */
	assert_int_equal(policy_replace(&policy, &policy), 0);
	assert_policy_reads("a", "state", "active");
	assert_int_equal(map(), -EPERM);
	policy_detach(&next);
	assert_int_equal(next.answer->exit.calls, 1);
}

static void off_is_for_root_only(void **state)
{
	struct stat st;

	assert_return_code(stat(OFF, &st), errno);
	assert_int_equal(st.st_mode & 0777, 0200);
	assert_int_equal(st.st_uid, 0);
}

static volatile bool stop;

/* Returns how often that was refused, or what else it got, or 1 for success */
static void *map_until_stopped(void *arg)
{
	const uint64_t iova = (uintptr_t)arg * HUGE;
	intptr_t refused = 0;

	while (!stop) {
		int err = ioas_map_at(iommu, ioas, memory, PAGE, RW, iova);

		if (err != -EACCES && err != -EPERM)
			return (void *)(intptr_t)(err ?: 1);
		refused--;
	}
	return (void *)refused;
}

/*
 * Two policies that refuse everything take each other's place: nothing must
 * ever get through.
 */
static void replacing_leaves_no_moment_without_policy(void **state)
{
	struct policy *both[] = { &policy, &next };
	pthread_t threads[2];
	long refused = 0;
	void *result[2];
	size_t i, done;
	int err = 0;

	policy_start(&policy, "answer");
	policy.answer->map_answer = -EACCES;
	prepare(&next, "answer");
	next.answer->map_answer = -EPERM;

	stop = false;
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						map_until_stopped,
						(void *)(i + 1)), 0);
	for (done = 0; done < REPLACEMENTS && !err; done++)
		err = policy_replace(&policy, both[!(done % 2)]);
	stop = true;
	for (i = 0; i < 2; i++) {
		pthread_join(threads[i], &result[i]);
		/* In the order of magnitude: each has run all the time */
		assert_true((intptr_t)result[i] < -REPLACEMENTS / 10);
		refused -= (intptr_t)result[i];
	}
	assert_int_equal(err, 0);
	assert_int_equal(policy_number("answer", "map_refused"), refused);
	assert_int_equal(policy.answer->map.calls + next.answer->map.calls,
			 refused);
	assert_true(policy.answer->map.calls && next.answer->map.calls);
	assert_int_equal(policy.answer->init.calls, REPLACEMENTS / 2 + 1);
	assert_int_equal(next.answer->init.calls, REPLACEMENTS / 2);
	assert_int_equal(policy.answer->exit.calls, REPLACEMENTS / 2);
	assert_int_equal(next.answer->exit.calls, REPLACEMENTS / 2);
}

static void *map_and_unmap_until_stopped(void *arg)
{
	const uint64_t iova = (uintptr_t)arg * HUGE;
	intptr_t wrong = 0;

	while (!stop) {
		int err = ioas_map_at(iommu, ioas, memory, PAGE, RW, iova);

		if (!err)
			err = ioas_unmap(iommu, ioas, iova, PAGE, NULL);
		if (err && err != -EPROTO && err != -EPERM)
			wrong = err;
	}
	return (void *)wrong;
}

/* Each load of a policy ends just once, whatever it ends of. */
static void all_ways_to_end_at_once(void **state)
{
	struct policy *both[] = { &policy, &next };
	pthread_t threads[2];
	void *result[2];
	size_t i;

	policy_start(&policy, "answer");
	policy.answer->map_answer = -EPERM;
	prepare(&next, "answer");
	next.answer->map_answer = -9999;

	stop = false;
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						map_and_unmap_until_stopped,
						(void *)(i + 1)), 0);
	for (i = 0; i < REPLACEMENTS; i++) {
		if (i % 16 == 15)
			write_off("1", 0);
		if (i % 64 == 63) {
			policy_detach(&policy);
			assert_int_equal(policy_attach(&policy), 0);
		} else {
			assert_int_equal(policy_replace(&policy, both[!(i % 2)]),
					 0);
		}
	}
	stop = true;
	for (i = 0; i < 2; i++) {
		pthread_join(threads[i], &result[i]);
		assert_int_equal((intptr_t)result[i], 0);
	}
	policy_detach(&policy);
	assert_int_equal(policy.answer->exit.calls, policy.answer->init.calls);
	assert_int_equal(next.answer->exit.calls, next.answer->init.calls);
	assert_int_equal(map(), 0);
}

static void *map_thread(void *arg)
{
	return (void *)(intptr_t)map();
}

static void *replace_thread(void *arg)
{
	return (void *)(intptr_t)policy_replace(&policy, &next);
}

/*
 * A request is in the old policy while the new one comes: what the old one
 * answers in the end must not be held against the new one.
 */
static void a_late_rogue_answer_spares_the_successor(void **state)
{
	int uffd = userfault_new(memory, PAGE);
	pthread_t mapper, replacer;
	void *result;

	policy_open(&policy, "answer");
	policy.ops->map = policy_program(&policy, "on_map_sleeping");
	assert_int_equal(policy_load(&policy), 0);
	assert_int_equal(policy_attach(&policy), 0);
	policy.answer->map_answer = -9999;
	prepare(&next, "answer");
	next.answer->map_answer = -EACCES;

	assert_int_equal(pthread_create(&mapper, NULL, map_thread, NULL), 0);
	assert_int_equal(settled(&policy.answer->asleep, 1), 1);
	assert_int_equal(pthread_create(&replacer, NULL, replace_thread, NULL),
			 0);
	assert_int_equal(settled(&next.answer->init.calls, 1), 1);
	usleep(200000);
	/* It waits for the request, but decides already. */
	assert_int_equal(policy.answer->exit.calls, 0);
	memory += PAGE;
	assert_int_equal(map(), -EACCES);
	memory -= PAGE;

	userfault_resolve(uffd, memory, PAGE);
	pthread_join(mapper, &result);
	assert_int_equal((intptr_t)result, -EPROTO);
	pthread_join(replacer, &result);
	assert_int_equal((intptr_t)result, 0);
	assert_int_equal(policy.answer->exit.calls, 1);
	assert_int_equal(map(), -EACCES);
	assert_policy_reads("answer", "state", "active");
	assert_int_equal(next.answer->exit.calls, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(it_is_seen_in_sysfs_while_attached),
		TEST(init_and_exit_are_called_once),
		TEST(a_link_that_is_closed_ends_the_policy),
		TEST(init_can_refuse),
		TEST(a_name_is_taken_once),
		TEST(names_are_checked),
		TEST(unknown_flags_are_refused),
		TEST(without_a_link_it_is_not_supported),
		TEST(the_first_refusal_by_name_wins),
		TEST(an_answer_outside_the_contract_ejects),
		TEST(a_rogue_attach_answer_ejects),
		TEST(only_the_rogue_one_is_ejected),
		TEST(update_revives_an_ejected_policy),
		TEST(replacing_changes_who_decides),
		TEST(a_replacement_that_is_refused_changes_nothing),
		TEST(replacing_changes_the_flags),
		TEST(off_puts_all_out_of_service),
		TEST(off_is_for_root_only),
		TEST(replacing_leaves_no_moment_without_policy),
		TEST(all_ways_to_end_at_once),
		TEST(a_late_rogue_answer_spares_the_successor),
	};

	return run_tap(tests, NULL, NULL);
}

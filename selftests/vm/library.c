// SPDX-License-Identifier: GPL-2.0-only
/* lab: timeout=120 */
/* libiommufd-bpf in a program that has threads, and uses libbpf by itself */
#include <bpf/libbpf.h>
#include <pthread.h>
#include <stdatomic.h>

#include "libiommufd-bpf.h"
#include "test.h"

#define ROUNDS 5000
#define NO_OBJECT "/etc/passwd"
#define GUARD "/src/build/user/map_guard.bpf.o"

static atomic_uint heard;

static int hear(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	heard++;
	return 0;
}

static void *fail_to_open(void *arg)
{
	struct iommufd_policy_object *object;
	struct iommufd_policy_host *host;
	int i;

	if (iommufd_policy_host_open(NULL, &host))
		return NULL;
	for (i = 0; i < ROUNDS; i++)
		if (iommufd_policy_object_open(host, NO_OBJECT, &object) !=
		    -EINVAL ||
		    !strstr(iommufd_policy_host_error(host), NO_OBJECT))
			return NULL;
	iommufd_policy_host_close(host);
	return arg;
}

/* By itself, without a handle: its own function is to be told, each time */
static void *fail_by_itself(void *arg)
{
	int i;

	for (i = 0; i < ROUNDS; i++)
		if (bpf_object__open_file(NO_OBJECT, NULL))
			return NULL;
	return arg;
}

static void run_threads(void *(*second)(void *arg))
{
	pthread_t threads[2];
	void *result;
	int i;

	assert_int_equal(pthread_create(&threads[0], NULL, fail_to_open,
					&heard), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, second, &heard), 0);
	for (i = 0; i < 2; i++) {
		pthread_join(threads[i], &result);
		assert_ptr_equal(result, &heard);
	}
}

static void threads_have_handles_of_their_own(void **state)
{
	libbpf_set_print(hear);
	heard = 0;
	run_threads(fail_to_open);
	assert_int_equal(heard, 0);
	assert_ptr_equal(libbpf_set_print(NULL), hear);
}

static void a_thread_uses_libbpf_by_itself(void **state)
{
	unsigned int each;

	libbpf_set_print(hear);
	heard = 0;
	assert_null(bpf_object__open_file(NO_OBJECT, NULL));
	each = heard;
	assert_true(each > 0);
	heard = 0;
	run_threads(fail_by_itself);
	assert_int_equal(heard, ROUNDS * each);
	assert_ptr_equal(libbpf_set_print(NULL), hear);
}

static struct iommufd_policy_host *open_host(void)
{
	struct iommufd_policy_host *host;

	assert_int_equal(iommufd_policy_host_open(NULL, &host), 0);
	return host;
}

static struct iommufd_policy_object *open_guard(struct iommufd_policy_host *host)
{
	struct iommufd_policy_object *object;

	assert_int_equal(iommufd_policy_object_open(host, GUARD, &object), 0);
	return object;
}

/* Of a later version: what has more members is used by programs that know less. */
static void structures_grow(void **state)
{
	struct {
		struct iommufd_policy_host_opts known;
		uint64_t more;
	} opts = { .known.sz = sizeof(opts) };
	struct {
		struct iommufd_policy_param known;
		uint64_t more;
	} param = { .known.sz = sizeof(param), .more = 7 };
	struct iommufd_policy_object *object;
	struct iommufd_policy_host *host;

	assert_int_equal(iommufd_policy_host_open(&opts.known, &host), 0);
	iommufd_policy_host_close(host);
	opts.more = 1;
	assert_int_equal(iommufd_policy_host_open(&opts.known, &host), -EINVAL);
	opts.known.sz = sizeof(opts.known) - 1;
	assert_int_equal(iommufd_policy_host_open(&opts.known, &host), -EINVAL);

	host = open_host();
	object = open_guard(host);
	assert_int_equal(iommufd_policy_object_param(object, 0, &param.known), 0);
	assert_string_equal(param.known.name, "max_mapping_mib");
	assert_int_equal(param.known.sz, sizeof(param));
	assert_int_equal(param.more, 7);
	param.known.sz = offsetof(struct iommufd_policy_param, value);
	assert_int_equal(iommufd_policy_object_param(object, 0, &param.known),
			 -EINVAL);
	assert_non_null(strstr(iommufd_policy_host_error(host), "sz"));
	iommufd_policy_object_close(object);
	iommufd_policy_host_close(host);
}

static void what_was_set_can_be_read(void **state)
{
	struct iommufd_policy_settings now = { .sz = sizeof(now) };
	struct iommufd_policy_host *host = open_host();
	struct iommufd_policy_object *object = open_guard(host);

	assert_int_equal(iommufd_policy_object_settings(object, &now), 0);
	assert_int_equal(now.cgroup_id, 0);
	assert_int_equal(now.priority, 0);
	assert_false(now.audit || now.fail_closed);
	assert_int_equal(iommufd_policy_object_set_priority(object, -3), 0);
	assert_int_equal(iommufd_policy_object_set_audit(object, true), 0);
	assert_int_equal(iommufd_policy_object_set_scope(object, "cgroup:/"), 0);
	assert_int_equal(iommufd_policy_object_settings(object, &now), 0);
	assert_int_equal(now.cgroup_id, 1);
	assert_int_equal(now.priority, -3);
	assert_true(now.audit);
	assert_false(now.fail_closed);
	iommufd_policy_object_close(object);
	iommufd_policy_host_close(host);
}

static void assert_is_loaded(struct iommufd_policy_object *object)
{
	assert_int_equal(iommufd_policy_object_set_param(object, "max_mapping_mib",
							 "2"), -EBUSY);
	assert_int_equal(iommufd_policy_object_set_priority(object, 1), -EBUSY);
	assert_int_equal(iommufd_policy_object_rename(object, "other"), -EBUSY);
	assert_int_equal(iommufd_policy_object_select(object, "map_guard"), -EBUSY);
	assert_int_equal(iommufd_policy_check(object), -EBUSY);
}

static void what_was_checked_is_put_in_force_once(void **state)
{
	struct iommufd_policy_host *host = open_host();
	struct iommufd_policy_object *object = open_guard(host);
	struct iommufd_policy_status *list;

	assert_int_equal(iommufd_policy_check(object), 0);
	assert_is_loaded(object);
	assert_int_equal(iommufd_policy_list(host, &list), 0);
	assert_null(list);
	assert_int_equal(iommufd_policy_load(object), 0);
	assert_is_loaded(object);
	assert_int_equal(iommufd_policy_replace(object, "map_guard"), -EBUSY);
	assert_int_equal(iommufd_policy_load(object), -EEXIST);
	assert_int_equal(iommufd_policy_unload(host, "map_guard"), 0);
	assert_int_equal(iommufd_policy_load(object), -EBUSY);
	iommufd_policy_object_close(object);
	iommufd_policy_host_close(host);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_have_handles_of_their_own),
		cmocka_unit_test(a_thread_uses_libbpf_by_itself),
		cmocka_unit_test(structures_grow),
		cmocka_unit_test(what_was_set_can_be_read),
		cmocka_unit_test(what_was_checked_is_put_in_force_once),
	};

	return run_tap(tests, NULL, NULL);
}

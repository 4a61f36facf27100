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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_have_handles_of_their_own),
		cmocka_unit_test(a_thread_uses_libbpf_by_itself),
	};

	return run_tap(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* What programs hear of policies through libiommufd-bpf */
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>

#include "lib/policy.h"
#include "libiommufd-bpf.h"

#define SECONDS 20
/* More than the socket has room for */
#define MANY 3000

static struct iommufd_policy_host *host;
static struct iommufd_policy_watch *watch;
static struct iommufd_policy_event event = { .sz = sizeof(event) };
static struct policy policy;

static int setup(void **state)
{
	policy.object = NULL;
	assert_int_equal(iommufd_policy_host_open(NULL, &host), 0);
	assert_int_equal(iommufd_policy_watch_open(host, &watch), 0);
	return 0;
}

static int teardown(void **state)
{
	if (policy.object)
		policy_stop(&policy);
	iommufd_policy_watch_close(watch);
	iommufd_policy_host_close(host);
	return 0;
}

static void assert_event(const char *action, const char *state,
			 const char *mode, uint32_t kind, int32_t code)
{
	struct pollfd wait = {
		.fd = iommufd_policy_watch_fd(watch),
		.events = POLLIN,
	};
	int err;

	/* Uevents of all else make it readable, too */
	while ((err = iommufd_policy_watch_next(watch, &event)) == -EAGAIN)
		assert_int_equal(poll(&wait, 1, SECONDS * 1000), 1);
	assert_int_equal(err, 0);
	assert_string_equal(event.name, "answer");
	assert_string_equal(event.action, action);
	assert_string_equal(event.state, state);
	assert_string_equal(event.mode, mode);
	assert_int_equal(event.exit_kind, kind);
	assert_int_equal(event.exit_code, code);
}

static void assert_no_event(void)
{
	assert_int_equal(iommufd_policy_watch_next(watch, &event), -EAGAIN);
}

static void set_audit(bool audit)
{
	assert_int_equal(iommufd_policy_set_audit(host, "answer", audit), 0);
}

static void it_comes_changes_and_goes(void **state)
{
	assert_no_event();
	policy_start(&policy, "answer");
	assert_event("add", "active", "enforce", 0, 0);
	set_audit(true);
	assert_event("change", "active", "audit", 0, 0);
	assert_int_equal(iommufd_policy_off(host), 0);
	assert_event("offline", "off", "audit", 3, 0);
	assert_true(event.exit_message[0]);
	assert_int_equal(policy_replace(&policy, &policy), 0);
	assert_event("online", "active", "audit", 0, 0);
	policy_detach(&policy);
	assert_event("offline", "detached", "audit", 1, 0);
	assert_string_equal(event.exit_message, "detached");
	assert_event("remove", "detached", "audit", 1, 0);
	assert_no_event();
}

static void what_is_ejected_says_why(void **state)
{
	int iommu = context_open();
	uint32_t ioas = ioas_new(iommu);
	char *memory = memory_new(PAGE);
	uint64_t iova;

	policy_start(&policy, "answer");
	assert_event("add", "active", "enforce", 0, 0);
	policy.answer->map_answer = -9999;
	assert_int_equal(ioas_map(iommu, ioas, memory, PAGE, RW, &iova),
			 -EPROTO);
	assert_event("offline", "ejected", "enforce", 64, -9999);
	assert_string_equal(event.exit_message,
			    (char *)policy.answer->exit.message);
	munmap(memory, PAGE);
	close(iommu);
}

static void what_programs_send_is_not_believed(void **state)
{
	static const char fake[] = "add@/kernel/iommufd/policy/answer\0"
		"ACTION=add\0SUBSYSTEM=iommufd\0IOMMUFD_POLICY=fake\0"
		"IOMMUFD_STATE=active\0IOMMUFD_MODE=enforce\0"
		"IOMMUFD_EXIT_KIND=0\0IOMMUFD_EXIT_CODE=0\0"
		"IOMMUFD_EXIT_MESSAGE=";
	const struct sockaddr_nl to = {
		.nl_family = AF_NETLINK,
		.nl_groups = 1,
	};
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC,
			NETLINK_KOBJECT_UEVENT);

	assert_return_code(fd, errno);
	assert_int_equal(sendto(fd, fake, sizeof(fake), 0, (void *)&to,
				sizeof(to)), sizeof(fake));
	close(fd);
	assert_no_event();
	policy_start(&policy, "answer");
	assert_event("add", "active", "enforce", 0, 0);
}

static void lost_events_are_told(void **state)
{
	int i, err;

	policy_start(&policy, "answer");
	for (i = 0; i < MANY; i++)
		set_audit(i % 2 == 0);
	for (i = 0; i < MANY; i++) {
		err = iommufd_policy_watch_next(watch, &event);
		if (err)
			break;
	}
	assert_int_equal(err, -ENOBUFS);
	assert_non_null(strstr(iommufd_policy_host_error(host), "lost"));
	/* What has come before is still there, and so is what comes. */
	while (!(err = iommufd_policy_watch_next(watch, &event)))
		;
	assert_int_equal(err, -EAGAIN);
	set_audit(true);
	assert_event("change", "active", "audit", 0, 0);
}

static void a_structure_without_size_is_none(void **state)
{
	struct iommufd_policy_event small = { .sz = sizeof(small) - 1 };

	assert_int_equal(iommufd_policy_watch_next(watch, &small), -EINVAL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(it_comes_changes_and_goes),
		TEST(what_is_ejected_says_why),
		TEST(what_programs_send_is_not_believed),
		TEST(lost_events_are_told),
		TEST(a_structure_without_size_is_none),
	};

	return run_tap(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* What udev and its like hear of policies */
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>

#include "lib/policy.h"

#define MODE POLICIES "/answer/mode"
/* The kernel's own, not what udevd makes of it */
#define KERNEL_EVENTS 1
#define SECONDS 20

static struct policy policy, next;
static int iommu, events;
static uint32_t ioas;
static char *memory;

/* The last one, as it came: strings, each ended by NUL */
static char event[8192];
static size_t event_length;

static int events_open(void)
{
	const struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = KERNEL_EVENTS,
	};
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC,
			NETLINK_KOBJECT_UEVENT);

	assert_return_code(fd, errno);
	assert_return_code(bind(fd, (void *)&address, sizeof(address)), errno);
	return fd;
}

static int setup(void **state)
{
	policy.object = NULL;
	next.object = NULL;
	iommu = context_open();
	ioas = ioas_new(iommu);
	memory = memory_new(PAGE);
	events = events_open();
	return 0;
}

static int teardown(void **state)
{
	if (policy.object)
		policy_stop(&policy);
	if (next.object)
		policy_stop(&next);
	close(events);
	munmap(memory, PAGE);
	return close(iommu);
}

static int map(void)
{
	uint64_t iova;

	return ioas_map(iommu, ioas, memory, PAGE, RW, &iova);
}

/* A variable of the event, or NULL */
static const char *variable(const char *name)
{
	size_t length = strlen(name);
	const char *at;

	for (at = event; at < event + event_length; at += strlen(at) + 1)
		if (!strncmp(at, name, length) && at[length] == '=')
			return at + length + 1;
	return NULL;
}

static void assert_variable(const char *name, const char *expected)
{
	const char *value = variable(name);

	assert_non_null(value);
	assert_string_equal(value, expected);
}

/* Whatever else happens in the machine is none of ours. */
static bool is_ours(void)
{
	const char *subsystem = variable("SUBSYSTEM");

	return subsystem && !strcmp(subsystem, "iommufd");
}

/* The next one; false: there is none within that time */
static bool next_event(int milliseconds)
{
	struct pollfd wait = { .fd = events, .events = POLLIN };
	ssize_t n;

	while (poll(&wait, 1, milliseconds) == 1) {
		n = recv(events, event, sizeof(event) - 1, 0);
		assert_true(n > 0);
		event[n] = '\0';
		event_length = n;
		if (is_ours())
			return true;
	}
	return false;
}

static void assert_event(const char *action, const char *name,
			 const char *state)
{
	char path[64], title[96];

	assert_true(next_event(SECONDS * 1000));
	snprintf(path, sizeof(path), "/kernel/iommufd/policy/%s", name);
	snprintf(title, sizeof(title), "%s@%s", action, path);
	assert_string_equal(event, title);
	assert_variable("ACTION", action);
	assert_variable("DEVPATH", path);
	assert_variable("IOMMUFD_POLICY", name);
	assert_variable("IOMMUFD_STATE", state);
}

static void assert_exit(const char *kind, const char *code,
			const char *message)
{
	assert_variable("IOMMUFD_EXIT_KIND", kind);
	assert_variable("IOMMUFD_EXIT_CODE", code);
	assert_variable("IOMMUFD_EXIT_MESSAGE", message);
}

static void assert_no_exit(void)
{
	assert_exit("0", "0", "");
}

/* Of another policy that comes later, and it is the next one */
static void assert_no_event(void)
{
	struct policy marker;

	policy_start(&marker, "marker");
	assert_event("add", "marker", "active");
	policy_stop(&marker);
	assert_event("offline", "marker", "detached");
	assert_event("remove", "marker", "detached");
}

static void start(const char *name, uint64_t flags)
{
	policy_open(&policy, name);
	policy.ops->flags = flags;
	assert_int_equal(policy_load(&policy), 0);
	assert_int_equal(policy_attach(&policy), 0);
}

static void write_text(const char *path, const char *text, int error)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_return_code(fd, errno);
	errno = 0;
	assert_int_equal(write(fd, text, strlen(text)) < 0, !!error);
	assert_int_equal(errno, error);
	close(fd);
}

static void it_comes_and_goes(void **state)
{
	start("answer", 0);
	assert_event("add", "answer", "active");
	assert_variable("IOMMUFD_MODE", "enforce");
	assert_no_exit();
	policy_detach(&policy);
	/* Out of service first, and then gone */
	assert_event("offline", "answer", "detached");
	assert_exit("1", "0", "detached");
	assert_event("remove", "answer", "detached");
	assert_exit("1", "0", "detached");
	assert_no_event();
}

static void one_that_is_not_let_in_is_no_event(void **state)
{
	policy_open(&policy, "answer");
	assert_int_equal(policy_load(&policy), 0);
	policy.answer->init_answer = -EPERM;
	assert_int_equal(policy_attach(&policy), -EPERM);
	assert_no_event();
}

static void what_is_ejected_goes_offline(void **state)
{
	start("answer", 0);
	assert_event("add", "answer", "active");
	policy.answer->map_answer = -9999;
	assert_int_equal(map(), -EPROTO);
	assert_event("offline", "answer", "ejected");
	assert_exit("64", "-9999", (char *)policy.answer->exit.message);
	assert_int_equal(policy.answer->exit.calls, 1);
	/* It goes offline once. */
	assert_int_equal(map(), 0);
	assert_no_event();
	policy_detach(&policy);
	assert_event("remove", "answer", "ejected");
	assert_variable("IOMMUFD_EXIT_KIND", "64");
	assert_no_event();
}

static void what_fails_closed_says_so(void **state)
{
	start("answer", IOMMUFD_POLICY_F_FAIL_CLOSED);
	assert_event("add", "answer", "active");
	policy.answer->report = -42;
	assert_int_equal(map(), -EPROTO);
	assert_event("offline", "answer", "closed");
	assert_exit("65", "-42", "told to report it");
	assert_int_equal(map(), -EPROTO);
	assert_no_event();
}

static void a_replacement_brings_it_online(void **state)
{
	start("answer", 0);
	assert_event("add", "answer", "active");
	policy.answer->map_answer = -9999;
	assert_int_equal(map(), -EPROTO);
	assert_event("offline", "answer", "ejected");
	policy_open(&next, "answer");
	assert_int_equal(policy_load(&next), 0);
	assert_int_equal(policy_replace(&policy, &next), 0);
	assert_event("online", "answer", "active");
	assert_no_exit();

	policy.answer->map_answer = 0;
	assert_int_equal(policy_replace(&policy, &policy), 0);
	assert_event("change", "answer", "active");
	assert_no_exit();
	assert_no_event();
}

static void off_takes_it_offline(void **state)
{
	start("answer", 0);
	assert_event("add", "answer", "active");
	write_text(OFF, "1", 0);
	assert_event("offline", "answer", "off");
	assert_exit("3", "0", "put out of service by an operator");
	write_text(OFF, "1", 0);
	assert_int_equal(policy_replace(&policy, &policy), 0);
	assert_event("online", "answer", "active");
	assert_no_exit();
}

static void another_mode_is_a_change(void **state)
{
	start("answer", IOMMUFD_POLICY_F_AUDIT);
	assert_event("add", "answer", "active");
	assert_variable("IOMMUFD_MODE", "audit");
	write_text(MODE, "enforce", 0);
	assert_event("change", "answer", "active");
	assert_variable("IOMMUFD_MODE", "enforce");
	assert_no_exit();
	write_text(MODE, "enforce", 0);
	write_text(MODE, "please", EINVAL);
	write_text(MODE, "audit\n", 0);
	assert_event("change", "answer", "active");
	assert_variable("IOMMUFD_MODE", "audit");
	assert_no_event();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(it_comes_and_goes),
		TEST(one_that_is_not_let_in_is_no_event),
		TEST(what_is_ejected_goes_offline),
		TEST(what_fails_closed_says_so),
		TEST(a_replacement_brings_it_online),
		TEST(off_takes_it_offline),
		TEST(another_mode_is_a_change),
	};

	return run_tap(tests, NULL, NULL);
}

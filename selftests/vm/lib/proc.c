// SPDX-License-Identifier: GPL-2.0-only
/* What /proc says, and processes to say it about */
#include <grp.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "test.h"

static char *read_all(const char *path)
{
	FILE *file = fopen(path, "re"), *copy;
	char *text = NULL, buffer[512];
	size_t length, n;

	assert_non_null(file);
	copy = open_memstream(&text, &length);
	assert_non_null(copy);
	while ((n = fread(buffer, 1, sizeof(buffer), file)))
		fwrite(buffer, 1, n, copy);
	fclose(copy);
	fclose(file);
	return text;
}

/* The number behind a key at the start of a line, or @missing */
static long find_value(const char *text, const char *key, long missing)
{
	size_t length = strlen(key);
	const char *line = text;

	while (line && strncmp(line, key, length)) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return line ? atol(line + length) : missing;
}

char *fdinfo(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return read_all(path);
}

long file_value(const char *path, const char *key)
{
	char *text = read_all(path);
	long value = find_value(text, key, LONG_MIN);

	free(text);
	assert_int_not_equal(value, LONG_MIN);
	return value;
}

long fdinfo_value(int fd, const char *key)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return file_value(path, key);
}

uint64_t context_id(int iommu)
{
	return fdinfo_value(iommu, "iommufd-ctx:");
}

void fdinfo_ioas(int fd, uint32_t ioas, unsigned long *areas,
		 unsigned long *bytes)
{
	char *text = fdinfo(fd), *line, key[64];
	int n = 0;

	snprintf(key, sizeof(key), "\niommufd-ioas:\t%u areas", ioas);
	line = strstr(text, key);
	if (line)
		n = sscanf(line + strlen(key), " %lu bytes %lu", areas, bytes);
	free(text);
	assert_int_equal(n, 2);
}

unsigned long ioas_areas(int fd, uint32_t ioas)
{
	unsigned long areas, bytes;

	fdinfo_ioas(fd, ioas, &areas, &bytes);
	return areas;
}

long status_kib(const char *key)
{
	char *text = read_all("/proc/self/status");
	long value = find_value(text, key, LONG_MIN);

	free(text);
	return value;
}

static char *read_vmstat(void)
{
	/* Folds the per-CPU counts into the global ones */
	free(read_all("/proc/sys/vm/stat_refresh"));
	return read_all("/proc/vmstat");
}

long io_page_tables(void)
{
	char *text = read_vmstat();
	long pages = find_value(text, "nr_iommu_pages ", LONG_MIN);

	free(text);
	assert_int_not_equal(pages, LONG_MIN);
	return pages;
}

long pinned_pages_now(void)
{
	char *text = read_vmstat();
	long pinned = find_value(text, "nr_foll_pin_acquired ", LONG_MIN) -
		      find_value(text, "nr_foll_pin_released ", LONG_MIN);

	free(text);
	return pinned;
}

long pinned_pages(long expected)
{
	int tries;
	long pinned;

	/* Processes are reaped before all they held is given back */
	for (tries = 0; tries < 40; tries++) {
		pinned = pinned_pages_now();
		if (pinned == expected)
			break;
		usleep(50000);
	}
	return pinned;
}

long write_number(const char *path, long value)
{
	char *text = read_all(path);
	long old = atol(text);
	FILE *file;
	int err;

	free(text);
	file = fopen(path, "we");
	if (!file)
		return -errno;
	fprintf(file, "%ld\n", value);
	err = fclose(file) ? -errno : 0;
	return err ?: old;
}

/* -1 if it runs */
static long sleeps_in(pid_t pid)
{
	char path[64], *text, *end;
	long number;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	text = read_all(path);
	number = strtol(text, &end, 10);
	if (end == text)
		number = -1;
	free(text);
	return number;
}

void wait_in_syscall(pid_t pid, long number)
{
	int tries;

	for (tries = 0; tries < 1000 && sleeps_in(pid) != number; tries++)
		usleep(10000);
	assert_true(tries < 1000);
}

int in_child(int (*run)(void *arg), void *arg)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_return_code(pid, errno);
	if (!pid)
		_exit(run(arg));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int stay(int (*run)(void *arg), void *arg, int ready, int leave)
{
	char byte = 0;

	if (run(arg) || write(ready, &byte, 1) != 1)
		return 1;
	return read(leave, &byte, 1) < 0;
}

void other_start(struct other *other, int (*run)(void *arg), void *arg)
{
	int ready[2], leave[2];
	char byte;

	assert_return_code(pipe(ready), errno);
	assert_return_code(pipe(leave), errno);
	fflush(NULL);
	other->pid = fork();
	assert_return_code(other->pid, errno);
	if (!other->pid) {
		close(ready[0]);
		close(leave[1]);
		_exit(stay(run, arg, ready[1], leave[0]));
	}
	close(ready[1]);
	close(leave[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	other->pipe = leave[1];
}

void other_stop(struct other *other)
{
	int status;

	close(other->pipe);
	assert_int_equal(waitpid(other->pid, &status, 0), other->pid);
	assert_int_equal(status, 0);
}

int become_nobody(void)
{
	if (setgroups(0, NULL) || setresgid(65534, 65534, 65534) ||
	    setresuid(65534, 65534, 65534))
		return -errno;
	return 0;
}

int become_tenant(unsigned long pages)
{
	struct rlimit limit = {
		.rlim_cur = pages * PAGE,
		.rlim_max = pages * PAGE,
	};

	if (setrlimit(RLIMIT_MEMLOCK, &limit))
		return -errno;
	return become_nobody();
}

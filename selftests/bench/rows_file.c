// SPDX-License-Identifier: GPL-2.0-only
/* A gigabyte of a file, without an address of it in the process */
#include "bench.h"

#define LENGTH GIB
#define PAGES ((double)(LENGTH / PAGE))
#define IOVA (1UL << 32)
#define ROUNDS 5
#define SHMEM_HUGE "/sys/kernel/mm/transparent_hugepage/shmem_enabled"

struct file {
	const char *huge;
	bool scattered;
	const char *rows[2];
};

static const struct file files[] = {
	{ "never", true, { "map_file_4k", "unmap_file_4k" } },
	{ "always", false, { "map_file_huge", "unmap_file_huge" } },
};

static int file_new(const char *huge, bool scattered)
{
	int fd = open(SHMEM_HUGE, O_WRONLY | O_CLOEXEC);
	ssize_t length = strlen(huge);
	char *memory;

	check(fd < 0 || write(fd, huge, length) != length ? -errno : 0,
	      "choose the size of pages of memory files");
	close(fd);
	fd = memfd_create("bench", MFD_CLOEXEC);
	check(fd < 0 || ftruncate(fd, LENGTH) ? -errno : 0, "get a file");
	memory = memory_file(fd, LENGTH);
	kind_touch(memory, LENGTH, scattered);
	munmap(memory, LENGTH);
	return fd;
}

static int map(struct space *space, int fd, uint64_t *cost)
{
	struct file_range range = { fd, 0, LENGTH };
	uint64_t iova = IOVA, start = clock_now();
	int err = ioas_map_file(space->fd, space->ioas, &range, RW | FIXED,
				&iova);

	*cost = clock_since(start);
	return err;
}

static void measure(const struct peer *peer, const struct file *file)
{
	struct range range = { .length = LENGTH, .iova = IOVA };
	uint64_t map_cost[ROUNDS], unmap_cost[ROUNDS];
	int fd = file_new(file->huge, file->scattered), err = 0, i;
	struct space space;

	space_open(&space, peer, true);
	for (i = 0; !err && i < ROUNDS; i++) {
		err = map(&space, fd, &map_cost[i]);
		if (!err)
			unmap_cost[i] = space_unmap(&space, &range);
	}
	if (err == -ENOTTY || err == -EOPNOTSUPP) {
		report_none(file->rows[0], 0, "unknown ioctl");
	} else {
		check(err, "map a file");
		report(file->rows[0], median(map_cost, ROUNDS) / PAGES);
		report(file->rows[1], median(unmap_cost, ROUNDS) / PAGES);
	}
	space_close(&space);
	close(fd);
}

void rows_file(const struct peer *peer)
{
	size_t i;

	for (i = 0; peer->has_ioas && i < ARRAY_SIZE(files); i++)
		if (wanted_any(files[i].rows, ARRAY_SIZE(files[i].rows)))
			measure(peer, &files[i]);
}

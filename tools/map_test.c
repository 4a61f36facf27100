// SPDX-License-Identifier: GPL-2.0-only
/* iommufd-bpf map-test: would a VMM be allowed to? */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "iommu.h"

static uint64_t parse_size(const char *text)
{
	static const char units[] = "KMGT";
	unsigned int shift = 0;
	uint64_t size;
	char *end;

	errno = 0;
	size = strtoull(text, &end, 10);
	if (*end && strchr(units, *end))
		shift = 10 * (strchr(units, *end++) - units + 1);
	if (errno || !size || *text == '-' || *end ||
	    size << shift >> shift != size)
		usage_error(&cmd_map_test,
			    "--size %s: not a size such as 4K, 8M or 1G", text);
	return size << shift;
}

static uint64_t round_up(uint64_t size)
{
	uint64_t page = sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

/* What of a file is mapped has to be there, or pinning it gives EFAULT */
static int map_file(const char *path, struct iommu_mapping *mapping)
{
	int prot = PROT_READ | (mapping->writable ? PROT_WRITE : 0);
	struct stat st;
	int fd, err;

	fd = open(path, (mapping->writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		goto fail;
	if (!mapping->length)
		mapping->length = st.st_size;
	if (!mapping->length || mapping->length > round_up(st.st_size)) {
		close(fd);
		return out_fail(-EINVAL, "%s has %jd bytes: choose a smaller --size",
				path, (intmax_t)st.st_size);
	}
	mapping->length = round_up(mapping->length);
	mapping->memory = mmap(NULL, mapping->length, prot, MAP_SHARED, fd, 0);
	if (mapping->memory == MAP_FAILED)
		goto fail;
	close(fd);
	return EXIT_SUCCESS;

fail:
	err = -errno;
	if (fd >= 0)
		close(fd);
	return out_fail(err, "cannot use %s: %s", path, strerror(-err));
}

static int map_memory(struct iommu_mapping *mapping)
{
	if (!mapping->length)
		mapping->length = 1;
	mapping->length = round_up(mapping->length);
	mapping->memory = mmap(NULL, mapping->length, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mapping->memory == MAP_FAILED)
		return out_fail(-errno, "cannot get %zu bytes of memory: %s",
				mapping->length, strerror(errno));
	return EXIT_SUCCESS;
}

static int map_test(struct iommu_mapping *mapping, const char *what)
{
	int iommu, ret = EXIT_FAILURE;
	uint32_t ioas;

	iommu = iommu_open();
	if (iommu < 0)
		return ret;
	if (iommu_ioas_alloc(iommu, &ioas) ||
	    iommu_map(iommu, ioas, mapping, what))
		goto out_close;

	out_text("%s: mapped at IOVA 0x%" PRIx64 "\n", what, mapping->iova);
	json_object_object_add(out_json(), "iova",
			       json_object_new_uint64(mapping->iova));
	json_object_object_add(out_json(), "length",
			       json_object_new_uint64(mapping->length));
	ret = EXIT_SUCCESS;
out_close:
	close(iommu);
	return ret;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "file", required_argument, NULL, 'f' },
		{ "read-only", no_argument, NULL, 'r' },
		{ "size", required_argument, NULL, 's' },
		COMMON_OPTIONS,
		{}
	};
	struct iommu_mapping mapping = { .writable = true };
	const char *file = NULL;
	char what[PATH_MAX];
	int opt, ret;

	while ((opt = cmd_getopt(&cmd_map_test, argc, argv, options)) != -1) {
		switch (opt) {
		case 'f':
			file = optarg;
			break;
		case 'r':
			mapping.writable = false;
			break;
		case 's':
			mapping.length = parse_size(optarg);
			break;
		}
	}
	cmd_operands(&cmd_map_test, argc, argv, 0);

	ret = file ? map_file(file, &mapping) : map_memory(&mapping);
	if (ret)
		return ret;

	snprintf(what, sizeof(what), "%zu bytes of %s for devices to %s",
		 mapping.length, file ?: "anonymous memory",
		 mapping.writable ? "read and write" : "read");
	ret = map_test(&mapping, what);
	munmap(mapping.memory, mapping.length);
	return ret;
}

const struct command cmd_map_test = {
	.name = "map-test",
	.args = "[--size SIZE] [--file PATH] [--read-only]",
	.summary = "Ask whether memory may be mapped, by mapping it",
	.options = "  -s, --size SIZE        how much: 4096, 64K, 8M, 1G; default: a page, or all\n"
		"                         of the file\n"
		"  -f, --file PATH        map this file, shared, instead of anonymous memory\n"
		"  -r, --read-only        the device may only read it\n",
	.notes = "A refusal names the policy, and the exit code is 1. There is no device, so nothing\n"
		 "is pinned, and limits of locked memory are not met.\n",
	.run = run,
};

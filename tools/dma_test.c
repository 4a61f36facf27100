// SPDX-License-Identifier: GPL-2.0-only
/* iommufd-bpf dma-test: let a device copy memory, and see what it may reach */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "cmd.h"
#include "dma_device.h"
#include "iommu.h"
#include "kmsg.h"
#include "vfio.h"

#define SOURCE_IOVA 0x1000000
#define DESTINATION_IOVA 0x2000000

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static const struct dma_device_ops *const kinds[] = {
	&dma_edu,
};

struct dma_test {
	const char *bdf;
	bool bind;
	const struct dma_device_ops *ops;
	struct pci_info info;
	int iommu;
	int vfio;
	uint32_t ioas;
	volatile void *regs;
	size_t regs_length;
	struct iommu_mapping source;
	struct iommu_mapping destination;
	int kmsg;
	/* What came out of a step, for people */
	char detail[256];
};

static void __attribute__((format(printf, 2, 3)))
say(struct dma_test *test, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(test->detail, sizeof(test->detail), fmt, ap);
	va_end(ap);
}

static const struct dma_device_ops *find_kind(const struct pci_info *info)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i]->vendor == info->vendor &&
		    kinds[i]->device == info->device)
			return kinds[i];
	return NULL;
}

static int find_device(struct dma_test *test)
{
	struct pci_info *info = &test->info;
	int err;

	err = pci_read_info(test->bdf, info);
	if (err)
		return out_fail(err, "no PCI device %s: 'iommufd-bpf dma-test --list' shows those it can drive",
				test->bdf);
	test->ops = find_kind(info);
	if (!test->ops)
		return out_fail(-ENODEV, "cannot drive %s (%04x:%04x): 'iommufd-bpf dma-test --list' shows those it can",
				test->bdf, info->vendor, info->device);

	if (test->bind && strcmp(info->driver, "vfio-pci")) {
		if (vfio_bind_driver(test->bdf))
			return EXIT_FAILURE;
		pci_read_info(test->bdf, info);
	}
	if (strcmp(info->driver, "vfio-pci"))
		return out_fail(-ENODEV, "%s is bound to %s, not to vfio-pci: '--bind' changes that",
				test->bdf, *info->driver ? info->driver : "no driver");
	if (!*info->cdev)
		return out_fail(-ENODEV, "%s has no character device in /dev/vfio/devices: load VFIO modules built with iommufd",
				test->bdf);
	say(test, "%s, driver vfio-pci, /dev/vfio/devices/%s", test->ops->name,
	    info->cdev);
	return 0;
}

static int open_context(struct dma_test *test)
{
	test->iommu = iommu_open();
	if (test->iommu < 0 || iommu_ioas_alloc(test->iommu, &test->ioas))
		return EXIT_FAILURE;
	say(test, "IOAS %u", test->ioas);
	return 0;
}

static int bind_device(struct dma_test *test)
{
	test->vfio = vfio_open(test->bdf, &test->info, test->iommu);
	if (test->vfio < 0)
		return EXIT_FAILURE;
	say(test, "no other driver can use it now");
	return 0;
}

/* Zeroed memory for one copy, at a place the device can reach */
static int new_buffer(struct dma_test *test, struct iommu_mapping *mapping)
{
	size_t page = sysconf(_SC_PAGESIZE);

	mapping->fixed = true;
	mapping->length = (test->ops->length + page - 1) / page * page;
	mapping->memory = mmap(NULL, mapping->length, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mapping->memory == MAP_FAILED)
		return out_fail(-errno, "cannot get memory: %s",
				strerror(errno));
	return 0;
}

static int fill_random(void *memory, size_t length)
{
	size_t done = 0;
	ssize_t n;

	while (done < length) {
		n = getrandom((char *)memory + done, length - done, 0);
		if (n < 0)
			return out_fail(-errno, "no random data: %s",
					strerror(errno));
		done += n;
	}
	return 0;
}

static int map_buffers(struct dma_test *test)
{
	struct iommu_mapping *source = &test->source;
	struct iommu_mapping *destination = &test->destination;

	source->iova = SOURCE_IOVA;
	destination->iova = DESTINATION_IOVA;
	destination->writable = true;
	if (new_buffer(test, source) || new_buffer(test, destination) ||
	    fill_random(source->memory, test->ops->length) ||
	    iommu_map(test->iommu, test->ioas, source, "the source buffer") ||
	    iommu_map(test->iommu, test->ioas, destination,
		      "the destination buffer"))
		return EXIT_FAILURE;
	say(test, "source at IOVA 0x%" PRIx64 ", destination at 0x%" PRIx64,
	    source->iova, destination->iova);
	return 0;
}

static int attach_device(struct dma_test *test)
{
	if (vfio_attach(test->vfio, test->iommu, test->ioas))
		return EXIT_FAILURE;
	say(test, "IOAS %u", test->ioas);
	return 0;
}

static int start_device(struct dma_test *test)
{
	if (vfio_enable(test->vfio) ||
	    vfio_map_bar(test->vfio, test->ops->bar, &test->regs,
			 &test->regs_length))
		return EXIT_FAILURE;
	if (test->ops->check(test->regs))
		return out_fail(-ENODEV, "%s does not answer like a %s",
				test->bdf, test->ops->name);
	say(test, "registers mapped, DMA enabled");
	return 0;
}

static int copied(struct dma_test *test, int err)
{
	if (err)
		return out_fail(err, "%s did not finish its DMA", test->bdf);
	say(test, "%zu bytes", test->ops->length);
	return 0;
}

static int read_source(struct dma_test *test)
{
	return copied(test, test->ops->read_memory(test->regs,
						   test->source.iova));
}

static int write_destination(struct dma_test *test)
{
	return copied(test, test->ops->write_memory(test->regs,
						    test->destination.iova));
}

static int compare(struct dma_test *test)
{
	if (memcmp(test->source.memory, test->destination.memory,
		   test->ops->length))
		return out_fail(-EIO, "the destination is not what the source was: DMA went elsewhere");
	say(test, "%zu random bytes are the same", test->ops->length);
	return 0;
}

static int unmap_destination(struct dma_test *test)
{
	if (iommu_unmap(test->iommu, test->ioas, &test->destination))
		return EXIT_FAILURE;
	say(test, "IOVA 0x%" PRIx64 " leads nowhere", test->destination.iova);
	return 0;
}

static int write_unmapped(struct dma_test *test)
{
	size_t length = test->ops->length;
	void *before = malloc(length);
	int ret = EXIT_FAILURE;

	if (!before)
		return out_fail(-ENOMEM, "out of memory");
	/* Not what the device holds, or a write would not show */
	if (fill_random(test->destination.memory, length))
		goto out_free;
	memcpy(before, test->destination.memory, length);

	test->kmsg = kmsg_open();
	if (copied(test, test->ops->write_memory(test->regs,
						 test->destination.iova)))
		goto out_free;
	if (memcmp(before, test->destination.memory, length)) {
		out_fail(-EIO, "the device wrote to memory that is not mapped: there is no isolation");
		goto out_free;
	}
	say(test, "memory did not change");
	ret = 0;
out_free:
	free(before);
	return ret;
}

/* No proof either way: the kernel limits the rate of these messages */
static int find_fault(struct dma_test *test)
{
	struct json_object *seen = NULL;
	char fault[200];

	if (test->kmsg < 0) {
		say(test, "unknown, the kernel log may not be read");
	} else if (kmsg_find_fault(test->kmsg, test->bdf, fault, sizeof(fault))) {
		say(test, "%s", fault);
		seen = json_object_new_string(fault);
	} else {
		say(test, "none in the kernel log, which is rate-limited");
	}
	json_object_object_add(out_json(), "fault", seen);
	return 0;
}

static const struct {
	const char *what;
	int (*run)(struct dma_test *test);
} steps[] = {
	{ "find the device", find_device },
	{ "open /dev/iommu", open_context },
	{ "bind the device to it", bind_device },
	{ "map user memory", map_buffers },
	{ "attach the device", attach_device },
	{ "start the device", start_device },
	{ "device reads the source", read_source },
	{ "device writes the destination", write_destination },
	{ "compare", compare },
	{ "unmap the destination", unmap_destination },
	{ "device writes there again", write_unmapped },
	{ "fault reported by the IOMMU", find_fault },
};

static void report(const struct dma_test *test, size_t i, bool ok)
{
	struct json_object *list, *step = json_object_new_object();

	out_text("%2zu  %-29s  %s%s\n", i + 1, steps[i].what,
		 ok ? "ok: " : "failed", ok ? test->detail : "");

	json_object_object_add(step, "step", json_object_new_uint64(i + 1));
	json_object_object_add(step, "what",
			       json_object_new_string(steps[i].what));
	json_object_object_add(step, "ok", json_object_new_boolean(ok));
	if (ok)
		json_object_object_add(step, "detail",
				       json_object_new_string(test->detail));
	if (!json_object_object_get_ex(out_json(), "steps", &list)) {
		list = json_object_new_array();
		json_object_object_add(out_json(), "steps", list);
	}
	json_object_array_add(list, step);
}

static int dma_test(struct dma_test *test)
{
	int ret = EXIT_SUCCESS;
	size_t i;

	json_object_object_add(out_json(), "device",
			       json_object_new_string(test->bdf));
	for (i = 0; i < ARRAY_SIZE(steps) && !ret; i++) {
		ret = steps[i].run(test);
		report(test, i, !ret);
	}

	/* Detaches the device; the context goes last */
	if (test->regs)
		munmap((void *)test->regs, test->regs_length);
	if (test->vfio >= 0)
		close(test->vfio);
	if (test->iommu >= 0)
		close(test->iommu);
	if (test->kmsg >= 0)
		close(test->kmsg);
	return ret;
}

static void list_device(const char *bdf, const struct pci_info *info,
			const struct dma_device_ops *kind)
{
	struct json_object *entry = json_object_new_object();

	out_text("%s  %04x:%04x  %-10s  %-10s  %s\n", bdf, info->vendor,
		 info->device, kind->name, *info->driver ? info->driver : "-",
		 *info->cdev ? info->cdev : "-");
	json_object_object_add(entry, "device", json_object_new_string(bdf));
	json_object_object_add(entry, "kind",
			       json_object_new_string(kind->name));
	json_object_object_add(entry, "driver", *info->driver ?
			       json_object_new_string(info->driver) : NULL);
	json_object_object_add(entry, "cdev", *info->cdev ?
			       json_object_new_string(info->cdev) : NULL);
	json_object_array_add(out_json(), entry);
}

static int list_devices(void)
{
	const struct dma_device_ops *kind;
	struct dirent **entries;
	struct pci_info info;
	int i, n;

	n = scandir(PCI_DEVICES, &entries, NULL, alphasort);
	if (n < 0)
		return out_fail(-errno, "cannot read " PCI_DEVICES ": %s",
				strerror(errno));
	out_set_json(json_object_new_array());
	out_text("%-12s  %-9s  %-10s  %-10s  %s\n", "DEVICE", "ID", "KIND",
		 "DRIVER", "CDEV");
	for (i = 0; i < n; i++) {
		if (!pci_read_info(entries[i]->d_name, &info)) {
			kind = find_kind(&info);
			if (kind)
				list_device(entries[i]->d_name, &info, kind);
		}
		free(entries[i]);
	}
	free(entries);
	return EXIT_SUCCESS;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "bind", no_argument, NULL, 'b' },
		{ "device", required_argument, NULL, 'd' },
		{ "list", no_argument, NULL, 'l' },
		COMMON_OPTIONS,
		{}
	};
	struct dma_test test = { .iommu = -1, .vfio = -1, .kmsg = -1 };
	unsigned int domain, bus, slot, function;
	bool list = false;
	char bdf[32];
	int opt;

	while ((opt = cmd_getopt(&cmd_dma_test, argc, argv, options)) != -1) {
		switch (opt) {
		case 'b':
			test.bind = true;
			break;
		case 'd':
			if (sscanf(optarg, "%x:%x:%x.%u", &domain, &bus, &slot,
				   &function) != 4)
				usage_error(&cmd_dma_test,
					    "--device %s: not like 0000:00:03.0",
					    optarg);
			snprintf(bdf, sizeof(bdf), "%04x:%02x:%02x.%u", domain,
				 bus, slot, function);
			test.bdf = bdf;
			break;
		case 'l':
			list = true;
			break;
		}
	}
	cmd_operands(&cmd_dma_test, argc, argv, 0);

	if (list)
		return list_devices();
	if (!test.bdf)
		usage_error(&cmd_dma_test, "dma-test needs --device or --list");
	return dma_test(&test);
}

const struct command cmd_dma_test = {
	.name = "dma-test",
	.args = "--device DEVICE [--bind] | --list",
	.summary = "Let a device copy memory, and see that it reaches no more",
	.options = "  -d, --device DEVICE    PCI address, such as 0000:00:03.0\n"
		"  -b, --bind             take it from its driver and give it to vfio-pci first\n"
		"  -l, --list             show the devices here that can be used\n",
	.notes = "The device copies random data from one buffer to another, which is compared;\n"
		 "then one is unmapped and the device tries again.\n",
	.run = run,
};

// SPDX-License-Identifier: GPL-2.0-only
/* lab: boot=own devices=bridge timeout=120 */
/*
 * Two edu devices behind a bridge, which the IOMMU cannot tell apart, and one of
 * virtio, for which the kernel has a driver.
 */
#include <dirent.h>
#include <limits.h>

#include "test.h"
#include "vfio.h"

#define SOURCE (16 * MIB)
#define DESTINATION (64 * MIB)
#define VIRTIO_PCI "/sys/bus/pci/drivers/virtio-pci"

static int iommu;
static uint32_t ioas, other;
static struct edu first, second;
/* At DESTINATION of the one IOAS and the other; the source is the same */
static char *source, *destination, *elsewhere;
static char bdfs[2][NAME_MAX + 1], virtio[NAME_MAX + 1];

static void read_group(const char *bdf, char group[static PATH_MAX])
{
	char path[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), PCI_DEVICES "/%s/iommu_group", bdf);
	n = readlink(path, group, PATH_MAX - 1);
	assert_return_code(n, errno);
	group[n] = '\0';
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_return_code(fd, errno);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* On no bus that every machine has */
static int find_all(void **state)
{
	char groups[3][PATH_MAX];
	struct dirent *entry;
	struct pci_info info;
	unsigned int n = 0;
	DIR *dir;

	dir = opendir(PCI_DEVICES);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' ||
		    !strncmp(entry->d_name, "0000:00:", 8) ||
		    pci_read_info(entry->d_name, &info))
			continue;
		if (!strcmp(info.driver, "virtio-pci"))
			strcpy(virtio, entry->d_name);
		else if (info.vendor == 0x1234 && info.device == 0x11e8 &&
			 n < 2)
			strcpy(bdfs[n++], entry->d_name);
	}
	closedir(dir);
	assert_int_equal(n, 2);
	read_group(bdfs[0], groups[0]);
	read_group(bdfs[1], groups[1]);
	read_group(virtio, groups[2]);
	assert_string_equal(groups[0], groups[1]);
	assert_string_equal(groups[0], groups[2]);
	write_file(VIRTIO_PCI "/unbind", virtio);
	return 0;
}

static void fill(uint32_t where, char *memory)
{
	assert_int_equal(ioas_map_at(iommu, where, source, PAGE, READ, SOURCE),
			 0);
	assert_int_equal(ioas_map_at(iommu, where, memory, PAGE, RW,
				     DESTINATION), 0);
}

static int setup(void **state)
{
	iommu = context_open();
	assert_int_equal(edu_bind_at(&first, iommu, bdfs[0]), 0);
	assert_int_equal(edu_bind_at(&second, iommu, bdfs[1]), 0);
	source = memory_new(PAGE);
	destination = memory_new(PAGE);
	elsewhere = memory_new(PAGE);
	ioas = ioas_new(iommu);
	other = ioas_new(iommu);
	fill(ioas, destination);
	fill(other, elsewhere);
	return 0;
}

static int teardown(void **state)
{
	edu_close(&first);
	edu_close(&second);
	munmap(source, PAGE);
	munmap(destination, PAGE);
	munmap(elsewhere, PAGE);
	return close(iommu);
}

static void assert_copies_to(struct edu *edu, const char *memory)
{
	memory_random(source, PAGE);
	edu_read(edu, SOURCE);
	edu_write(edu, DESTINATION);
	assert_memory_equal(memory, source, EDU_LENGTH);
}

static void assert_both_copy_to(const char *memory)
{
	assert_copies_to(&first, memory);
	assert_copies_to(&second, memory);
}

static uint32_t hwpt_new(struct edu *edu, uint32_t of)
{
	int64_t hwpt = hwpt_alloc(iommu, edu->id, of, 0);

	assert_return_code(hwpt, -hwpt);
	return hwpt;
}

static long pinned(void)
{
	return fdinfo_value(iommu, "iommufd-pinned:");
}

static void the_second_joins_the_first(void **state)
{
	int64_t hwpt = edu_attach_hwpt(&first, ioas);

	assert_return_code(hwpt, -hwpt);
	assert_int_equal(edu_attach_hwpt(&second, ioas), hwpt);
	assert_both_copy_to(destination);
	assert_int_equal(object_destroy(iommu, hwpt), -EBUSY);

	/* Without the one, the other has all it had */
	assert_int_equal(edu_detach(&first), 0);
	assert_copies_to(&second, destination);
	assert_int_equal(object_destroy(iommu, hwpt), -EBUSY);
	assert_int_equal(edu_attach_hwpt(&first, ioas), hwpt);
	assert_int_equal(edu_detach(&second), 0);
	assert_copies_to(&first, destination);

	assert_int_equal(edu_detach(&first), 0);
	assert_int_equal(object_destroy(iommu, hwpt), -ENOENT);
	assert_int_equal(pinned(), 0);
	memset(destination, 0x55, PAGE);
	edu_write(&first, DESTINATION);
	edu_write(&second, DESTINATION);
	assert_int_equal(destination[0], 0x55);
	assert_memory_equal(destination, destination + 1, PAGE - 1);
}

static void the_second_cannot_go_elsewhere(void **state)
{
	uint32_t hwpt = hwpt_new(&second, ioas);

	assert_int_equal(edu_attach(&first, ioas), 0);
	assert_int_equal(edu_attach(&second, other), -EINVAL);
	assert_int_equal(edu_attach(&second, hwpt), -EINVAL);
	assert_copies_to(&first, destination);
	assert_int_equal(edu_detach(&first), 0);
	assert_int_equal(edu_attach(&second, hwpt), 0);
	/* The IOAS of it is not enough either */
	assert_int_equal(edu_attach(&first, ioas), -EINVAL);
	assert_int_equal(edu_attach(&first, hwpt), 0);
	assert_both_copy_to(destination);
	/* Nothing is left of what was tried */
	assert_int_equal(pinned(), 2);
	assert_int_equal(object_destroy(iommu, other), 0);
}

static void replace_moves_both(void **state)
{
	uint32_t hwpt = hwpt_new(&first, other);
	int64_t automatic = edu_attach_hwpt(&first, ioas), its;

	assert_int_equal(edu_attach_hwpt(&second, ioas), automatic);
	its = edu_attach_hwpt(&first, other);
	assert_return_code(its, -its);
	assert_int_equal(object_destroy(iommu, automatic), -ENOENT);
	assert_both_copy_to(elsewhere);
	assert_int_equal(edu_attach_hwpt(&second, other), its);
	assert_int_equal(edu_attach_hwpt(&second, hwpt), hwpt);
	assert_both_copy_to(elsewhere);
	assert_int_equal(object_destroy(iommu, hwpt), -EBUSY);
	assert_int_equal(edu_attach(&second, ioas), 0);
	assert_both_copy_to(destination);
	assert_int_equal(object_destroy(iommu, hwpt), 0);
	assert_int_equal(object_destroy(iommu, other), 0);
}

/* What the devices reserve goes with the last of them */
static void reserved_addresses_come_and_go(void **state)
{
	const uint64_t msi = 0xfee00000;

	assert_int_equal(edu_attach(&first, ioas), 0);
	assert_int_equal(edu_attach(&second, ioas), 0);
	assert_int_equal(edu_detach(&first), 0);
	assert_int_equal(ioas_map_at(iommu, ioas, source, PAGE, READ, msi),
			 -EINVAL);
	assert_int_equal(edu_attach(&second, other), 0);
	assert_int_equal(ioas_map_at(iommu, ioas, source, PAGE, READ, msi), 0);
	assert_int_equal(ioas_map_at(iommu, other, source, PAGE, READ, msi),
			 -EINVAL);
	/* Both would have to move */
	assert_int_equal(edu_attach(&second, ioas), -EADDRINUSE);
	assert_int_equal(edu_attach(&first, other), 0);
	assert_int_equal(edu_attach(&second, ioas), -EADDRINUSE);
	assert_both_copy_to(elsewhere);
	assert_int_equal(ioas_unmap(iommu, ioas, msi, PAGE, NULL), 0);
	assert_int_equal(edu_attach(&second, ioas), 0);
	assert_both_copy_to(destination);
	assert_int_equal(ioas_map_at(iommu, other, source, PAGE, READ, msi), 0);
}

static void another_context_cannot_have_the_second(void **state)
{
	struct edu stolen;
	int thief;

	edu_close(&second);
	thief = context_open();
	assert_int_equal(edu_bind_at(&stolen, thief, bdfs[1]), -EPERM);
	assert_int_equal(edu_attach(&first, ioas), 0);
	assert_copies_to(&first, destination);
	close(thief);
	assert_int_equal(edu_bind_at(&second, iommu, bdfs[1]), 0);
	assert_int_equal(edu_attach(&second, ioas), 0);
	assert_both_copy_to(destination);
}

/* A driver of the kernel lets its device do DMA wherever it likes */
static void the_kernel_uses_another(void **state)
{
	struct edu edu;

	edu_close(&first);
	edu_close(&second);
	write_file(VIRTIO_PCI "/bind", virtio);
	assert_int_equal(edu_bind_at(&edu, iommu, bdfs[0]), -EPERM);
	write_file(VIRTIO_PCI "/unbind", virtio);
	assert_int_equal(edu_bind_at(&first, iommu, bdfs[0]), 0);
	assert_int_equal(edu_bind_at(&second, iommu, bdfs[1]), 0);
	assert_int_equal(edu_attach(&first, ioas), 0);
	assert_copies_to(&first, destination);
}

/* Nor may one come while the group is not the kernel's */
static void the_kernel_cannot_use_another(void **state)
{
	int fd = open(VIRTIO_PCI "/bind", O_WRONLY | O_CLOEXEC);

	assert_return_code(fd, errno);
	assert_int_equal(write(fd, virtio, strlen(virtio)), -1);
	close(fd);
	assert_int_equal(edu_attach(&first, ioas), 0);
	assert_copies_to(&first, destination);
}

#define TEST(_test) cmocka_unit_test_setup_teardown(_test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(the_second_joins_the_first),
		TEST(the_second_cannot_go_elsewhere),
		TEST(replace_moves_both),
		TEST(reserved_addresses_come_and_go),
		TEST(another_context_cannot_have_the_second),
		TEST(the_kernel_uses_another),
		TEST(the_kernel_cannot_use_another),
	};

	return run_tap(tests, find_all, NULL);
}

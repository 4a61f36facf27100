// SPDX-License-Identifier: GPL-2.0-only
/* What devices need on a host, to be given to user space */
#include <bpf/btf.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "doctor.h"

#define HOLDERS_MAX 32

void check_iommu(struct finding *finding)
{
	int iommus = count_entries("/sys/class/iommu");
	int groups = count_entries("/sys/kernel/iommu_groups");

	if (iommus <= 0)
		return found_wrong(finding, "enable VT-d, AMD-Vi or SMMU in the firmware; on Intel, boot with 'intel_iommu=on'",
				   "this machine has no IOMMU that is on");
	if (groups <= 0)
		return found_wrong(finding, "boot with 'intel_iommu=on', or without 'iommu=off'",
				   "there is an IOMMU, and no device is behind it");
	found_ok(finding, "%d IOMMUs, %d groups of devices", iommus, groups);
}

void check_dev_iommu(struct finding *finding)
{
	struct stat st;

	if (stat("/dev/iommu", &st))
		return found_wrong(finding, "load the module with 'modprobe iommufd'",
				   "no /dev/iommu");
	if (!S_ISCHR(st.st_mode))
		return found_wrong(finding, "remove it, and load the module again",
				   "/dev/iommu is no device");
	if (st.st_mode & S_IWOTH)
		return found_wrong(finding, "'chmod 660 /dev/iommu', and give it to a group for those who may",
				   "all users may open /dev/iommu and pin memory");
	if (access("/dev/iommu", R_OK | W_OK))
		return found_wrong(finding, "run this as root, or as a member of its group",
				   "you may not open /dev/iommu");
	found_ok(finding, "/dev/iommu, mode %o", st.st_mode & 07777);
}

/* Size of struct vfio_device as a module was built with it; 0 if not known */
static unsigned int vfio_device_size(struct btf *vmlinux, const char *module,
				     bool *with_iommufd)
{
	const struct btf_member *member;
	const struct btf_type *type;
	unsigned int size = 0;
	struct btf *btf;
	int id, i;

	*with_iommufd = false;
	btf = btf__load_module_btf(module, vmlinux);
	if (!btf)
		return 0;
	id = btf__find_by_name_kind(btf, "vfio_device", BTF_KIND_STRUCT);
	if (id > 0) {
		type = btf__type_by_id(btf, id);
		size = type->size;
		member = btf_members(type);
		for (i = 0; i < btf_vlen(type); i++)
			*with_iommufd |= !strcmp(btf__name_by_offset(btf, member[i].name_off),
						 "iommufd_device");
	}
	btf__free(btf);
	return size;
}

struct holders {
	char names[HOLDERS_MAX][64];
	int nr;
};

/* Those that use a module, and those that use them */
static void add_holders(struct holders *holders, const char *module)
{
	const struct dirent *entry;
	char path[320];
	DIR *dir;
	int i;

	snprintf(path, sizeof(path), "/sys/module/%s/holders", module);
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		for (i = 0; i < holders->nr; i++)
			if (!strcmp(holders->names[i], entry->d_name))
				break;
		if (*entry->d_name == '.' || i < holders->nr ||
		    holders->nr == HOLDERS_MAX ||
		    strlen(entry->d_name) >= sizeof(holders->names[0]))
			continue;
		strcpy(holders->names[holders->nr++], entry->d_name);
		add_holders(holders, entry->d_name);
	}
	closedir(dir);
}

static void compare_holders(struct finding *finding, struct btf *vmlinux,
			    unsigned int size)
{
	struct holders holders = {};
	unsigned int theirs;
	bool with_iommufd;
	int i;

	add_holders(&holders, "vfio");
	for (i = 0; i < holders.nr; i++) {
		theirs = vfio_device_size(vmlinux, holders.names[i],
					  &with_iommufd);
		if (theirs && theirs != size)
			return found_wrong(finding, "unload all VFIO modules now, memory may be corrupted; then install those that are built with iommufd, all of them",
					   "%s was built for another vfio: %u bytes of struct vfio_device, not %u",
					   holders.names[i], theirs, size);
	}
	found_ok(finding, "vfio with iommufd, and %d modules that go with it",
		 holders.nr);
}

/*
 * Modules of the distribution and those that were built with iommufd must not
 * meet: the layout of a device is not the same. Not each kernel refuses that.
 */
void check_vfio(struct finding *finding)
{
	struct btf *vmlinux;
	unsigned int size;
	bool with_iommufd;

	if (access("/sys/module/vfio", F_OK))
		return found_unknown(finding, "vfio is not loaded: 'modprobe vfio-pci' does so, for devices");
	vmlinux = btf__load_vmlinux_btf();
	size = vmlinux ? vfio_device_size(vmlinux, "vfio", &with_iommufd) : 0;
	if (!size)
		found_unknown(finding, "the BTF of vfio cannot be read");
	else if (!with_iommufd)
		found_wrong(finding, "unload the VFIO modules, and install those that are built with iommufd",
			    "the loaded vfio knows no iommufd: it is the distribution's own");
	else
		compare_holders(finding, vmlinux, size);
	btf__free(vmlinux);
}

static bool is_ours(const char *path)
{
	return !strncmp(path, "updates/", strlen("updates/")) ||
	       strstr(path, "/updates/");
}

/*
 * Whether modprobe has been told to run something instead that loads nothing,
 * as for those that must not meet a VFIO they were not built for.
 */
static bool is_refused(const char *path)
{
	char line[512], module[64], name[64] = "";
	const char *base = strrchr(path, '/');
	bool refused = false;
	FILE *config;
	char *c;

	sscanf(base ? base + 1 : path, "%63[^.]", name);
	for (c = name; *c; c++)
		if (*c == '-')
			*c = '_';
	config = popen("modprobe --showconfig 2>/dev/null", "re");
	if (!config)
		return false;
	while (fgets(line, sizeof(line), config))
		if (sscanf(line, "install %63s", module) == 1 &&
		    !strcmp(module, name))
			refused = !strstr(line, "modprobe") &&
				  !strstr(line, "insmod");
	pclose(config);
	return refused;
}

/* Next time something is loaded, by depmod's list */
void check_vfio_files(struct finding *finding)
{
	char list[256], line[4096], other[200] = "";
	struct utsname name;
	bool ours = false;
	char *deps;
	FILE *file;

	uname(&name);
	snprintf(list, sizeof(list), "/lib/modules/%s/modules.dep", name.release);
	file = fopen(list, "re");
	if (!file)
		return found_unknown(finding, "no %s to look into", list);
	while (fgets(line, sizeof(line), file)) {
		deps = strchr(line, ':');
		if (!deps)
			continue;
		*deps++ = '\0';
		if (is_ours(line) && strstr(line, "/vfio.ko"))
			ours = true;
		else if (!is_ours(line) && strstr(deps, "/vfio.ko") &&
			 !*other && !is_refused(line))
			snprintf(other, sizeof(other), "%.190s", line);
	}
	fclose(file);
	if (!ours)
		return found_unknown(finding, "no VFIO built with iommufd is installed in /lib/modules/%s/updates",
				     name.release);
	if (*other)
		return found_wrong(finding, "do not load it: install one that is built with iommufd, or remove it, and run 'depmod'",
				   "%s is for the distribution's own vfio, which is not the one installed",
				   other);
	found_ok(finding, "all modules that use vfio are built with iommufd, or refused by modprobe");
}

void check_vfio_cdev(struct finding *finding)
{
	int devices = count_entries("/dev/vfio/devices");

	if (count_entries("/sys/bus/pci/drivers/vfio-pci") <= 0)
		return found_unknown(finding, "vfio-pci is not loaded");
	if (devices < 0)
		return found_wrong(finding, "bind one to vfio-pci; if one is, load VFIO modules built with iommufd",
				   "no /dev/vfio/devices: no device can be used with iommufd");
	found_ok(finding, "%d devices in /dev/vfio/devices", devices);
}

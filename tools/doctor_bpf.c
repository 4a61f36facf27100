// SPDX-License-Identifier: GPL-2.0-only
/* What policies need on a host */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cgroups.h"
#include "doctor.h"
#include "policy_values.h"

#define MODULE_DIR "/sys/module/iommufd"
#define SYSFS_DIR "/sys/kernel/iommufd"
#define BPFFS_DIR "/sys/fs/bpf"

/* Whether depmod knows a file of this name, for the kernel that runs */
static bool module_installed(const char *file)
{
	char list[256], line[4096];
	struct utsname name;
	bool found = false;
	FILE *deps;

	uname(&name);
	snprintf(list, sizeof(list), "/lib/modules/%s/modules.dep", name.release);
	deps = fopen(list, "re");
	if (!deps)
		return false;
	while (!found && fgets(line, sizeof(line), deps)) {
		line[strcspn(line, ":\n")] = '\0';
		found = strstr(line, file);
	}
	fclose(deps);
	return found;
}

void check_module(struct finding *finding)
{
	struct utsname name;

	uname(&name);
	if (!access(MODULE_DIR, F_OK))
		return found_ok(finding, "iommufd is loaded");
	if (module_installed("/iommufd.ko"))
		return found_wrong(finding, "load it with 'modprobe iommufd'",
				   "iommufd is installed and not loaded");
	found_wrong(finding, "build and install it for this kernel, with its headers",
		    "there is no iommufd for kernel %s", name.release);
}

void check_policies(struct finding *finding)
{
	char version[16];

	if (access(MODULE_DIR, F_OK))
		return found_unknown(finding, "iommufd is not loaded");
	if (!read_line(SYSFS_DIR "/api_version", version, sizeof(version)))
		return found_wrong(finding, "load the module this program came with instead",
				   "the loaded iommufd knows no policies: it is the kernel's own");
	if (atoi(version) < IOMMUFD_POLICY_API_VERSION)
		return found_wrong(finding, "load the module this program came with",
				   "the loaded iommufd has version %s of the interface for policies, which is older than %d",
				   version, IOMMUFD_POLICY_API_VERSION);
	found_ok(finding, "interface for policies, version %s", version);
}

void check_module_btf(struct finding *finding)
{
	if (access(MODULE_DIR, F_OK))
		return found_unknown(finding, "iommufd is not loaded");
	if (access("/sys/kernel/btf/iommufd", F_OK))
		return found_wrong(finding, "build it with pahole installed, and load it again",
				   "the loaded iommufd has no BTF");
	found_ok(finding, "/sys/kernel/btf/iommufd");
}

void check_kernel_btf(struct finding *finding)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return found_wrong(finding, "boot a kernel with CONFIG_DEBUG_INFO_BTF, such as Debian's",
				   "this kernel has no BTF");
	found_ok(finding, "/sys/kernel/btf/vmlinux");
}

/* Whether @config, of the kernel that runs, says @option=y or =m */
static bool option_set(FILE *config, const char *option)
{
	const size_t length = strlen(option);
	char line[256];

	rewind(config);
	while (fgets(line, sizeof(line), config))
		if (!strncmp(line, option, length) && line[length] == '=')
			return line[length + 1] != 'n';
	return false;
}

void check_options(struct finding *finding)
{
	static const char *const needed[] = {
		"CONFIG_BPF_SYSCALL", "CONFIG_BPF_JIT", "CONFIG_BPF_EVENTS",
		"CONFIG_DEBUG_INFO_BTF", "CONFIG_DEBUG_INFO_BTF_MODULES",
		"CONFIG_CGROUPS", "CONFIG_IOMMU_API", "CONFIG_MODULES",
	};
	char path[256], missing[200] = "";
	struct utsname name;
	FILE *config;
	size_t i;

	uname(&name);
	snprintf(path, sizeof(path), "/boot/config-%s", name.release);
	config = fopen(path, "re");
	if (!config)
		return found_unknown(finding, "no %s to look into", path);
	for (i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		if (option_set(config, needed[i]))
			continue;
		strncat(missing, " ", sizeof(missing) - strlen(missing) - 1);
		strncat(missing, needed[i],
			sizeof(missing) - strlen(missing) - 1);
	}
	fclose(config);
	if (*missing)
		return found_wrong(finding, "boot a kernel with them, such as Debian's",
				   "this kernel is without%s", missing);
	found_ok(finding, "%zu of %zu that are needed are in %s",
		 sizeof(needed) / sizeof(*needed),
		 sizeof(needed) / sizeof(*needed), path);
}

void check_struct_ops(struct finding *finding)
{
	struct btf *vmlinux, *module;
	bool known;

	vmlinux = btf__load_vmlinux_btf();
	module = vmlinux ? btf__load_module_btf("iommufd", vmlinux) : NULL;
	known = module && btf__find_by_name_kind(module, "bpf_struct_ops_iommufd_policy_ops",
						 BTF_KIND_STRUCT) > 0;
	btf__free(module);
	btf__free(vmlinux);
	if (!module)
		return found_unknown(finding, "the BTF of iommufd cannot be read");
	if (!known)
		return found_wrong(finding, "build it against the headers of this kernel, and load it again",
				   "the loaded iommufd has no struct_ops type for policies");
	if (geteuid())
		return found_unknown(finding, "only root can try whether the kernel takes struct_ops");
	if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_STRUCT_OPS, NULL) != 1)
		return found_wrong(finding, "boot a kernel with CONFIG_BPF_JIT and CONFIG_DEBUG_INFO_BTF",
				   "this kernel takes no struct_ops");
	found_ok(finding, "iommufd_policy_ops is known, and the kernel takes struct_ops");
}

void check_bpffs(struct finding *finding)
{
	struct statfs fs;

	if (statfs(BPFFS_DIR, &fs) || fs.f_type != BPF_FS_MAGIC)
		return found_wrong(finding, "mount it with 'mount -t bpf bpf " BPFFS_DIR "'",
				   "no bpf filesystem on " BPFFS_DIR ", where policies are kept");
	found_ok(finding, BPFFS_DIR);
}

void check_cgroup(struct finding *finding)
{
	const char *root = cgroup_root();

	if (!root)
		return found_wrong(finding, "boot with 'systemd.unified_cgroup_hierarchy=1', or mount it with 'mount -t cgroup2 cgroup2 /sys/fs/cgroup'",
				   "no cgroups of version 2 on /sys/fs/cgroup, which policies for a cgroup need");
	found_ok(finding, "%s is of version 2", root);
}

static bool has_capability(uint64_t effective, unsigned int capability)
{
	return effective & 1ULL << capability;
}

void check_capabilities(struct finding *finding)
{
	uint64_t effective = 0;
	char line[128];
	FILE *status;

	status = fopen("/proc/self/status", "re");
	if (!status)
		return found_unknown(finding, "no /proc/self/status");
	while (fgets(line, sizeof(line), status))
		if (sscanf(line, "CapEff: %" SCNx64, &effective) == 1)
			break;
	fclose(status);
	if (!has_capability(effective, CAP_SYS_ADMIN) &&
	    !(has_capability(effective, CAP_BPF) &&
	      has_capability(effective, CAP_PERFMON)))
		return found_wrong(finding, "run this as root",
				   "neither CAP_SYS_ADMIN, nor CAP_BPF and CAP_PERFMON: no policy can be loaded");
	found_ok(finding, "enough to load policies");
}

void check_lockdown(struct finding *finding)
{
	char text[64];

	if (!read_line("/sys/kernel/security/lockdown", text, sizeof(text)))
		return found_ok(finding, "the kernel is not locked down");
	if (strstr(text, "[confidentiality]"))
		return found_wrong(finding, "boot with 'lockdown=integrity'",
				   "the kernel is locked down for confidentiality, and BPF programs may not read its memory");
	found_ok(finding, "lockdown: %s", text);
}

void check_dead(struct finding *finding)
{
	char path[320], state[32], dead[160] = "";
	const struct dirent *entry;
	unsigned int nr = 0;
	DIR *dir;

	dir = opendir(SYSFS_DIR "/policy");
	if (!dir)
		return found_unknown(finding, "iommufd with policies is not loaded");
	while ((entry = readdir(dir))) {
		snprintf(path, sizeof(path), SYSFS_DIR "/policy/%s/state",
			 entry->d_name);
		if (*entry->d_name == '.' ||
		    !read_line(path, state, sizeof(state)))
			continue;
		nr++;
		if (!strcmp(state, "active"))
			continue;
		snprintf(dead + strlen(dead), sizeof(dead) - strlen(dead),
			 " %.15s (%s)", entry->d_name, state);
	}
	closedir(dir);
	if (*dead)
		return found_wrong(finding, "'iommufd-bpf list' says why; replace or unload them",
				   "policies that are not active:%s", dead);
	found_ok(finding, "%u loaded, all of them active", nr);
}

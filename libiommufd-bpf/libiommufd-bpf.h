/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libiommufd-bpf - load, replace, list and unload BPF policies of iommufd.ko
 *
 * Functions return 0 or a negative errno, unless they say otherwise, and print
 * nothing. iommufd_policy_host_error() has the last failure in one line for
 * people: what failed, why, and what to do next.
 *
 * A structure with a member sz grows at its end. Set sz to its size and the
 * rest to zero.
 *
 * Policies stay loaded when the process ends. How they are kept, and how
 * processes that load and unload them keep out of each other's way, is written
 * in docs/pins.md.
 */
#ifndef LIBIOMMUFD_BPF_H
#define LIBIOMMUFD_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_policy_host;
struct iommufd_policy_object;
struct iommufd_policy_watch;

/**
 * struct iommufd_policy_host_opts - optional settings of a host handle
 * @sz: size of this structure
 * @log: gets the messages of libbpf, among them the log of the verifier, which
 *	are dropped otherwise. Each text ends with a newline.
 * @log_arg: first argument of @log
 */
struct iommufd_policy_host_opts {
	size_t sz;
	void (*log)(void *arg, const char *text);
	void *log_arg;
};

/**
 * iommufd_policy_host_open() - a handle for the policies of this host
 *
 * It can be opened on a host without iommufd; what needs the module says so.
 * A handle and the objects opened with it are used by one thread at a time.
 * While a function runs, the process-wide print callback of libbpf is ours, which
 * hands on what other threads' own use of libbpf has to say; a program sets its
 * callback before or after.
 */
int iommufd_policy_host_open(const struct iommufd_policy_host_opts *opts,
			     struct iommufd_policy_host **hostp);
void iommufd_policy_host_close(struct iommufd_policy_host *host);

/**
 * iommufd_policy_host_error() - the last failure, for people
 *
 * One line without newline; "" if nothing has failed. Valid until the next
 * call with this handle or one of its objects.
 */
const char *iommufd_policy_host_error(const struct iommufd_policy_host *host);

/**
 * iommufd_policy_object_open() - open a file of compiled policies
 *
 * -ENOENT: there is no such file. -EINVAL: it is not a BPF object.
 * -ENOEXEC: it is one, without a policy.
 */
int iommufd_policy_object_open(struct iommufd_policy_host *host,
			       const char *path,
			       struct iommufd_policy_object **objp);
void iommufd_policy_object_close(struct iommufd_policy_object *obj);

/**
 * iommufd_policy_object_policy() - name of policy @index of a file
 *
 * NULL after the last one.
 */
const char *iommufd_policy_object_policy(struct iommufd_policy_object *obj,
					 unsigned int index);

/**
 * iommufd_policy_object_select() - choose the policy to load
 *
 * Needed where a file has several. -ENOENT: it has none of that name. -EBUSY: one
 * of them is loaded.
 */
int iommufd_policy_object_select(struct iommufd_policy_object *obj,
				 const char *name);

/**
 * iommufd_policy_object_name() - the name the policy will be loaded under
 *
 * NULL while none of several is chosen.
 */
const char *iommufd_policy_object_name(struct iommufd_policy_object *obj);

/**
 * iommufd_policy_object_rename() - load the policy under another name
 *
 * -EINVAL: not a name: up to 15 letters, digits, '_' and '-'. -EBUSY: it is loaded.
 */
int iommufd_policy_object_rename(struct iommufd_policy_object *obj,
				 const char *name);

/**
 * struct iommufd_policy_param - a parameter: a variable that is const volatile
 * @sz: size of this structure
 * @name: name of the variable
 * @type: name of its type, "u64"
 * @size: bytes
 * @value: its value, as iommufd_policy_object_set_param() takes it
 */
struct iommufd_policy_param {
	size_t sz;
	const char *name;
	const char *type;
	size_t size;
	char value[24];
};

/**
 * iommufd_policy_object_param() - parameter @index of a file
 *
 * Parameters belong to the file: policies in the same file share them.
 * -ENOENT after the last one. The strings live as long as @obj.
 */
int iommufd_policy_object_param(struct iommufd_policy_object *obj,
				unsigned int index,
				struct iommufd_policy_param *param);

/**
 * iommufd_policy_object_set_param() - set a parameter before the load
 * @text: true or false; or a number, decimal or 0x
 *
 * -ENOENT: no such parameter. -EINVAL: @text is not a value of its type.
 * -ERANGE: it does not fit. -EBUSY: the policy is loaded.
 */
int iommufd_policy_object_set_param(struct iommufd_policy_object *obj,
				    const char *name, const char *text);

/**
 * iommufd_policy_object_set_scope() - whose requests the policy decides about
 * @scope: "system": everybody's; "cgroup:PATH": of processes in a cgroup (version
 *	2) and below it. PATH is where it is mounted, or what /proc/PID/cgroup says.
 *
 * This and what follows is said of the chosen policy, before it is loaded; a
 * replacement keeps scope and priority of what it replaces.
 * -EINVAL: not a scope, or not a cgroup of version 2, or none of several policies
 * is chosen. -ENOENT: there is no such cgroup. -ENOEXEC: the policy was compiled
 * with a header that knows nothing of it. -EBUSY: it is loaded.
 */
int iommufd_policy_object_set_scope(struct iommufd_policy_object *obj,
				    const char *scope);

/**
 * iommufd_policy_object_set_priority() - of the policies of a scope, the highest
 *	is asked first
 *
 * -EINVAL, -ENOEXEC, -EBUSY: as iommufd_policy_object_set_scope().
 */
int iommufd_policy_object_set_priority(struct iommufd_policy_object *obj,
				       int32_t priority);

/**
 * iommufd_policy_object_set_audit() - begin in audit mode, or not: what the policy
 *	refuses is counted, and goes on
 *
 * -EINVAL, -ENOEXEC, -EBUSY: as iommufd_policy_object_set_scope().
 */
int iommufd_policy_object_set_audit(struct iommufd_policy_object *obj,
				    bool audit);

/**
 * iommufd_policy_object_set_fail_closed() - whether requests are refused, or go
 *	on, after an answer outside the contract has ended the policy
 *
 * -EINVAL, -ENOEXEC, -EBUSY: as iommufd_policy_object_set_scope().
 */
int iommufd_policy_object_set_fail_closed(struct iommufd_policy_object *obj,
					  bool closed);

/**
 * struct iommufd_policy_settings - what was decided about a policy, or compiled in
 * @sz: size of this structure
 * @cgroup_id: of the scope, or 0 for the system
 * @priority: as iommufd_policy_object_set_priority() says
 * @audit: as iommufd_policy_object_set_audit() says
 * @fail_closed: as iommufd_policy_object_set_fail_closed() says
 */
struct iommufd_policy_settings {
	size_t sz;
	uint64_t cgroup_id;
	int32_t priority;
	bool audit;
	bool fail_closed;
};

/**
 * iommufd_policy_object_settings() - what the policy will be loaded with
 *
 * -EINVAL: none of several policies is chosen, or @settings->sz is too small.
 */
int iommufd_policy_object_settings(struct iommufd_policy_object *obj,
				   struct iommufd_policy_settings *settings);

/**
 * iommufd_policy_check() - would the policy load?
 *
 * The kernel takes it, and nothing is left of it once @obj is closed, unless
 * iommufd_policy_load() follows, which puts in force what was checked. Nothing
 * can be set any more. Errors are those of iommufd_policy_load(), but for -EEXIST.
 */
int iommufd_policy_check(struct iommufd_policy_object *obj);

/**
 * iommufd_policy_load() - load the policy, put it in force and pin it
 *
 * An object is loaded once, else -EBUSY. -EEXIST: the name is taken. -EPERM, -EACCES: not
 * privileged. -ENODEV: no iommufd with policies. -EOPNOTSUPP: its BTF is
 * missing, or the policy has a hook the module does not know.
 */
int iommufd_policy_load(struct iommufd_policy_object *obj);

/**
 * iommufd_policy_replace() - put the policy in the place of a pinned one
 * @name: the one to replace; the policy is loaded under this name
 *
 * There is no moment without policy, and on failure the old one stays; but if
 * only its maps cannot be pinned, the new one is in force all the same.
 * -ENOENT: none of that name is loaded. Else as iommufd_policy_load().
 */
int iommufd_policy_replace(struct iommufd_policy_object *obj, const char *name);

/**
 * iommufd_policy_unload() - end a policy
 *
 * On return it has answered its last request, whoever else holds its link.
 * -ENOENT: none of that name is loaded.
 */
int iommufd_policy_unload(struct iommufd_policy_host *host, const char *name);

/**
 * iommufd_policy_set_audit() - switch a loaded policy between audit and enforce
 *
 * -ENOENT: none of that name is loaded. -EACCES: not privileged.
 */
int iommufd_policy_set_audit(struct iommufd_policy_host *host, const char *name,
			     bool audit);

/**
 * iommufd_policy_off() - the emergency off: put all policies out of service
 *
 * Needs no BPF. They stay listed, as "off", until they are replaced or unloaded.
 * -ENODEV: no iommufd with policies. -EACCES: not privileged.
 */
int iommufd_policy_off(struct iommufd_policy_host *host);

/**
 * struct iommufd_policy_count - how often a hook was called
 * @asked: for an answer, or to tell it something
 * @refused: with a refusal or a breach that was enforced
 * @audited: with one that was let pass in audit mode
 */
struct iommufd_policy_count {
	uint64_t asked;
	uint64_t refused;
	uint64_t audited;
};

/**
 * struct iommufd_policy_status - a loaded policy; grows at its end
 * @next: the next one, by name
 * @name: its name
 * @state: "active"; "orphaned", its cgroup is gone; "ejected", it answered outside
 *	the contract; "closed", the same, and requests are refused; "off", an
 *	operator ejected all; "detached", only its pin is left
 * @pinned: its pin, or "" if there is none
 * @exit_message: @exit_code for people
 * @link_id: id of the BPF link
 * @exit_kind: why it is no longer active, or 0
 * @exit_code: the answer that ended it, or 0
 * @priority: of the policies of a scope, the highest is asked first
 * @mode: "enforce" or "audit"
 * @scope: "system" or "cgroup:PATH"; "" if it is detached
 * @cgroup_id: of the scope, or 0
 * @paid: pages it has paid for that are still pinned
 * @map: its hook of that name, and so on
 * @unmap: only @asked counts of this, @detach and @uncharge
 * @attach: as @map
 * @detach: as @unmap
 * @iova_alloc: as @map
 * @charge: as @map
 * @uncharge: as @unmap
 */
struct iommufd_policy_status {
	struct iommufd_policy_status *next;
	char name[16];
	char state[16];
	char pinned[64];
	char exit_message[96];
	uint32_t link_id;
	uint32_t exit_kind;
	int32_t exit_code;
	int32_t priority;
	char mode[16];
	char *scope;
	uint64_t cgroup_id;
	uint64_t paid;
	struct iommufd_policy_count map;
	struct iommufd_policy_count unmap;
	struct iommufd_policy_count attach;
	struct iommufd_policy_count detach;
	struct iommufd_policy_count iova_alloc;
	struct iommufd_policy_count charge;
	struct iommufd_policy_count uncharge;
};

/**
 * iommufd_policy_list() - the loaded policies
 * @listp: the first one, or NULL; for iommufd_policy_list_free()
 */
int iommufd_policy_list(struct iommufd_policy_host *host,
			struct iommufd_policy_status **listp);
void iommufd_policy_list_free(struct iommufd_policy_status *list);

/**
 * struct iommufd_policy_event - what has become of a policy
 * @sz: size of this structure
 * @action: "add", it is in force; "change", its mode was switched, or it was
 *	replaced, or a closed one refuses no more; "offline", it was put out of
 *	service; "online", a replacement has revived it; "remove", it is gone
 * @name: of the policy
 * @state: as in struct iommufd_policy_status, or "detached"
 * @mode: as there, and so on
 */
struct iommufd_policy_event {
	size_t sz;
	char action[16];
	char name[16];
	char state[16];
	char mode[16];
	uint32_t exit_kind;
	int32_t exit_code;
	char exit_message[96];
};

/**
 * iommufd_policy_watch_open() - hear what becomes of policies, from now on
 *
 * Needs neither privilege nor iommufd: the module may come later.
 */
int iommufd_policy_watch_open(struct iommufd_policy_host *host,
			      struct iommufd_policy_watch **watchp);
void iommufd_policy_watch_close(struct iommufd_policy_watch *watch);

/**
 * iommufd_policy_watch_fd() - a file descriptor for poll(2)
 *
 * It is readable when there may be an event. It belongs to @watch.
 */
int iommufd_policy_watch_fd(const struct iommufd_policy_watch *watch);

/**
 * iommufd_policy_watch_next() - the next event
 *
 * Does not wait. -EAGAIN: there is none. -ENOBUFS: some are lost, for they came
 * faster than they were read: call iommufd_policy_list(), and go on.
 */
int iommufd_policy_watch_next(struct iommufd_policy_watch *watch,
			      struct iommufd_policy_event *event);

#ifdef __cplusplus
}
#endif

#endif

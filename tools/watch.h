/* SPDX-License-Identifier: GPL-2.0-only */
/* What the programs of tools/bpf/watch.bpf.c tell the command */
#ifndef IOMMUFD_BPF_WATCH_H
#define IOMMUFD_BPF_WATCH_H

#define WATCH_COMM 16
#define WATCH_NAME 16
#define WATCH_TEXT 96

/* In the order of watch_kinds[] */
enum watch_kind {
	WATCH_DECISION,
	WATCH_EXIT,
	WATCH_MAP,
	WATCH_MAP_FILE,
	WATCH_COPY,
	WATCH_UNMAP,
	WATCH_ATTACH,
	WATCH_DETACH,
	WATCH_CHARGE,
	WATCH_UNCHARGE,
	WATCH_KINDS,
};

/**
 * struct watch_event - something that has happened
 * @time: CLOCK_MONOTONIC, in ns
 * @ctx_id: the context; 0 for an exit
 * @cgroup_id: of who did it
 * @iova: of a request; where a copy goes
 * @length: of a request
 * @place: address, place in a file, or IO address that a copy comes from
 * @pages: unmapped bytes of an unmap, pages of a charge
 * @answer: of a policy
 * @kind: enum watch_kind
 * @uid: of who did it
 * @tgid: likewise; who pays for a charge
 * @ioas_id: of a request; where a copy goes
 * @other_id: HWPT of an attach, IOAS that a copy comes from, kind of an exit
 * @error: of a request; code of an exit
 * @audit: the policy only audits; a device is moved
 * @comm: of who did it
 * @policy: name of the policy
 * @text: hook, device, or message of an exit
 */
struct watch_event {
	unsigned long long time;
	unsigned long long ctx_id;
	unsigned long long cgroup_id;
	unsigned long long iova;
	unsigned long long length;
	unsigned long long place;
	unsigned long long pages;
	long long answer;
	unsigned int kind;
	unsigned int uid;
	unsigned int tgid;
	unsigned int ioas_id;
	unsigned int other_id;
	int error;
	unsigned int audit;
	char comm[WATCH_COMM];
	char policy[WATCH_NAME];
	char text[WATCH_TEXT];
};

/**
 * struct watch_rates - how often, by process
 * @requests: map, copy, unmap, attach, detach
 * @refused: decisions of policies that were refusals
 * @cgroup_id: where the process was at its first one
 * @uid: who it was then
 */
struct watch_rates {
	unsigned long long requests;
	unsigned long long refused;
	unsigned long long cgroup_id;
	unsigned int uid;
};

#endif

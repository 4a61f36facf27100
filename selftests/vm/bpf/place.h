/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a test lets the policies of place.bpf.c choose, and what those tell.
 * The types are those of the compiler, which BPF and user space share.
 */
#ifndef PLACE_H
#define PLACE_H

/**
 * struct place_window - parameters, set before a policy is loaded
 * @start: first address it may choose
 * @last: last address that may be part of what it chooses
 * @align: a power of two
 */
struct place_window {
	unsigned long long start;
	unsigned long long last;
	unsigned long long align;
};

/**
 * struct place - shared by a policy and its test
 * @calls: how often it was asked
 * @found: what iommufd_policy_find_hole() has answered it last
 * @answer: of the answering policy, which looks nothing up
 * @flags: of the asking policy, for iommufd_policy_find_hole(), whose window is
 *	@window
 * @window: see @flags
 * @contested: the first so many answers of the hesitating policy have to wait
 * @waiting: it has chosen for the nth time, and waits before it answers
 * @go: until this is as large as @waiting
 * @deadline: or until then; its own
 * @report: it reports this error before it answers, if it is not 0
 */
struct place {
	unsigned long long calls;
	long long found;
	long long answer;
	unsigned int flags;
	struct place_window window;
	unsigned long long contested;
	unsigned long long waiting;
	unsigned long long go;
	unsigned long long deadline;
	int report;
};

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Events for people and programs */
#ifndef IOMMUFD_BPF_WATCH_SHOW_H
#define IOMMUFD_BPF_WATCH_SHOW_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdint.h>

struct watch_event;

/* What is watched for, and how many events were shown; @count 0: no end */
struct watch {
	const char *policy;
	bool refused;
	bool charges;
	uint64_t count;
	uint64_t seen;
	/* Of the policy audit: lowest and highest number seen */
	uint64_t first_seq, last_seq;
};

void watch_show(const struct watch_event *event);
/* watch.c: until it is enough; the exit code, with out_fail() done */
int watch_poll(struct watch *watch, int map, ring_buffer_sample_fn take);
bool watch_goes_on(const struct watch *watch);
void watch_end(const struct watch *watch, uint64_t lost);

#endif

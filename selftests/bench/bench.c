// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench [-f] [-l AREAS] PEER RESULTS [ROW]...: measures all rows, or those that
 * match one of the patterns, with PEER, and with the floor where rows have one
 * and -f is there; appends what comes out to the file RESULTS, a line of JSON for
 * each value. -l: no row is to map more areas than so many.
 */
#include "bench.h"

/* 4K pages first: what is left of them in the kernel scatters those that follow. */
static void all_rows(const struct peer *peer, const struct peer *floor,
		     uint64_t limit)
{
	rows_map(peer, floor);
	rows_areas(peer);
	rows_policies(peer);
	rows_access(peer);
	rows_device(peer);
	rows_file(peer);
	rows_exit(peer);
	rows_memory(peer);
	rows_size(peer, floor);
	rows_growth(peer, limit);
}

int main(int argc, char **argv)
{
	const struct peer *peer, *floor = NULL;
	uint64_t limit = UINT64_MAX;
	int option;

	while ((option = getopt(argc, argv, "fl:")) != -1)
		if (option == 'f')
			floor = &peer_floor;
		else if (option == 'l')
			limit = strtoull(optarg, NULL, 0);
		else
			return 2;
	peer = argc - optind >= 2 ? peer_find(argv[optind]) : NULL;
	if (!peer) {
		fprintf(stderr, "usage: bench [-f] [-l AREAS] ours|in-tree|type1 RESULTS [ROW]...\n");
		return 2;
	}
	clock_start();
	report_start(argv[optind + 1], argv + optind + 2);
	all_rows(peer, floor, limit);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* One page mapped and unmapped, with the policies that happen to be loaded */
#include <dirent.h>

#include "bench.h"

#define POLICIES "/sys/kernel/iommufd/policy"

static unsigned int count_policies(DIR *dir)
{
	struct dirent *entry;
	unsigned int count = 0;

	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	return count;
}

void rows_policies(const struct peer *peer)
{
	DIR *dir = opendir(POLICIES);
	char row[32];

	if (!dir)
		return;
	snprintf(row, sizeof(row), "pair_policies_%u", count_policies(dir));
	closedir(dir);
	if (peer->has_ioas)
		row_pair(peer, true, row);
}

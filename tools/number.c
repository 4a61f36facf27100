// SPDX-License-Identifier: GPL-2.0-only
/* Numbers people write and read */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"
#include "names.h"

uint64_t cmd_number(const struct command *cmd, const char *option,
		    const char *text, uint64_t max)
{
	uint64_t number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || number > max)
		usage_error(cmd, "%s %s: not a number up to %" PRIu64, option,
			    text, max);
	return number;
}

const char *human_size(uint64_t bytes, char text[HUMAN_SIZE])
{
	static const char units[] = "BKMGTPE";
	unsigned int unit = 0;
	double size = bytes;

	while (size >= 1024 && units[unit + 1]) {
		size /= 1024;
		unit++;
	}
	if (!unit)
		snprintf(text, HUMAN_SIZE, "%" PRIu64, bytes);
	else if (size < 10 && size != (uint64_t)size)
		snprintf(text, HUMAN_SIZE, "%.1f%c", size, units[unit]);
	else
		snprintf(text, HUMAN_SIZE, "%.0f%c", size, units[unit]);
	return text;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Operations are what libFuzzer makes up, rather than random. */
#include <stddef.h>
#include <stdlib.h>

#include "model.h"
#include "random.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *input, *input_end;

int random_seed(void **state)
{
	return 0;
}

/* As many bytes as it takes, so that each byte of the input has a meaning. */
uint64_t random_below(uint64_t n)
{
	uint64_t value = 0, max;

	for (max = n - 1; max && input < input_end; max >>= 8)
		value = value << 8 | *input++;
	return value % n;
}

/* A difference has to look like a crash. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return setenv("CMOCKA_TEST_ABORT", "1", 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input = data;
	input_end = data + size;
	model_start();
	while (input < input_end)
		model_operation();
	model_finish();
	return 0;
}

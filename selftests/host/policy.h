/* SPDX-License-Identifier: GPL-2.0-only */
/* Tests of policies: what each includes before the source of its policy. */
#ifndef HOST_POLICY_H
#define HOST_POLICY_H

#include <iommufd_policy_test.h>
#include <setjmp.h>

#include <cmocka.h>

#define PAGE 4096ULL
#define MIB (1ULL << 20)
#define GIB (1ULL << 30)
#define PAGES_PER_MIB (MIB / PAGE)
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static inline int forget(void **state)
{
	policy_test_reset();
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, reset, forget)

#endif

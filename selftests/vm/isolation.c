// SPDX-License-Identifier: GPL-2.0-only
/* lab: boot=own append=intremap=off */
/* Without interrupt remapping a device can raise any interrupt by DMA */
#include "test.h"

#define PARAMETER "/sys/module/iommufd/parameters/allow_unsafe_interrupts"

static void allow(const char *text)
{
	int fd = open(PARAMETER, O_WRONLY | O_CLOEXEC);

	assert_return_code(fd, errno);
	assert_int_equal(write(fd, text, 1), 1);
	close(fd);
}

static void bind_is_refused(void **state)
{
	int iommu = context_open();
	struct edu edu;

	assert_int_equal(edu_bind(&edu, iommu), -EPERM);
	close(iommu);
}

static void bind_is_allowed_by_the_operator(void **state)
{
	int iommu = context_open();
	struct edu edu;

	allow("Y");
	assert_int_equal(edu_bind(&edu, iommu), 0);
	assert_int_equal(edu_attach(&edu, ioas_new(iommu)), 0);
	allow("N");
	/* What is bound stays so */
	assert_int_equal(edu_detach(&edu), 0);
	edu_close(&edu);
	assert_int_equal(edu_bind(&edu, iommu), -EPERM);
	close(iommu);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(bind_is_refused),
		cmocka_unit_test(bind_is_allowed_by_the_operator),
	};

	return run_tap(tests, NULL, NULL);
}

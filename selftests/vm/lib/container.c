// SPDX-License-Identifier: GPL-2.0-only
/* Containers under test: who comes and who leaves */
#include "container.h"

void container_open(struct container *container)
{
	container->iommu = context_open();
	container->group = group_open();
	assert_return_code(container->group, -container->group);
	container->other = -1;
	container->nvme = -1;
	container->edu.vfio = -1;
	container->memory = memory_new(CONTAINER_PAGES * PAGE);
}

void container_close(struct container *container)
{
	if (container->edu.vfio >= 0)
		container_close_edu(container);
	if (container->nvme >= 0)
		close(container->nvme);
	if (container->other >= 0)
		close(container->other);
	if (container->group >= 0)
		close(container->group);
	munmap(container->memory, CONTAINER_PAGES * PAGE);
	close(container->iommu);
}

void container_enter(struct container *container)
{
	assert_int_equal(group_set_container(container->group,
					     container->iommu), 0);
	assert_int_equal(type1_set_iommu(container->iommu, VFIO_TYPE1v2_IOMMU),
			 0);
}

void container_leave(struct container *container)
{
	assert_int_equal(group_unset_container(container->group), 0);
}

void container_leave_by_closing(struct container *container)
{
	assert_int_equal(close(container->group), 0);
	container->group = -1;
}

void container_open_other(struct container *container)
{
	char bdf[EDU_BDF_SIZE];

	assert_int_equal(nvme_find(bdf), 0);
	container->other = group_open_at(bdf);
	assert_return_code(container->other, -container->other);
}

void container_bind_nvme(struct container *container)
{
	container->nvme = nvme_bind(container->iommu);
	assert_return_code(container->nvme, -container->nvme);
}

void container_unbind_nvme(struct container *container)
{
	assert_int_equal(close(container->nvme), 0);
	container->nvme = -1;
}

void container_close_edu(struct container *container)
{
	edu_close(&container->edu);
	container->edu.vfio = -1;
}

int container_map(const struct container *container)
{
	return type1_map(container->iommu, container->memory,
			 CONTAINER_PAGES * PAGE, DMA_RW, CONTAINER_BASE);
}

uint32_t container_ioas(const struct container *container)
{
	uint32_t ioas;

	assert_int_equal(compat_get(container->iommu, &ioas), 0);
	return ioas;
}

unsigned long container_areas(const struct container *container)
{
	return ioas_areas(container->iommu, container_ioas(container));
}

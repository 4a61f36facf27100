// SPDX-License-Identifier: GPL-2.0-only
/* Processes that pin memory, all through one context, for one device */
#include <sched.h>
#include <stdatomic.h>

#include "lib/cgroup.h"
#include "lib/pinner.h"

/* Within reach of edu */
#define BASE (16 * MIB)

static struct edu edu;
static int iommu;
static uint32_t ioas, other_ioas;
static char *memory;
/* How many are not there yet; shared with them */
static atomic_int *gate;

void pinners_open(void)
{
	iommu = context_open();
	ioas = ioas_new(iommu);
	other_ioas = ioas_new(iommu);
	edu_open(&edu, iommu);
	assert_int_equal(edu_attach(&edu, ioas), 0);
	assert_true(hwpt_alloc(iommu, edu.id, other_ioas, 0) > 0);
	memory = memory_new(PINNER_PAGES * PAGE);
	gate = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(gate, MAP_FAILED);
}

void pinners_close(void)
{
	edu_close(&edu);
	close(iommu);
	munmap(memory, PINNER_PAGES * PAGE);
	munmap(gate, PAGE);
	assert_int_equal(pinned_pages(0), 0);
}

static long become(long limit, long unused)
{
	return become_tenant(limit);
}

void pinner_start(struct pinner *pinner, const char *cgroup,
		  unsigned long limit)
{
	cgroup_new(cgroup);
	pinner->cgroup = cgroup;
	puppet_start(&pinner->process);
	cgroup_move(cgroup, pinner->process.pid);
	assert_int_equal(puppet_do(&pinner->process, become, limit, 0), 0);
}

void pinner_stop(struct pinner *pinner)
{
	if (!pinner->cgroup)
		return;
	puppet_kill(&pinner->process);
	cgroup_remove(pinner->cgroup);
	pinner->cgroup = NULL;
}

static long map_in(uint32_t where, long first, long nr)
{
	return ioas_map_at(iommu, where, memory + first % PINNER_PAGES * PAGE,
			   nr * PAGE, RW, BASE + first * PAGE);
}

static long map(long first, long nr)
{
	return map_in(ioas, first, nr);
}

static long map_elsewhere(long first, long nr)
{
	return map_in(other_ioas, first, nr);
}

static long unmap(long first, long nr)
{
	return ioas_unmap(iommu, ioas, BASE + first * PAGE, nr * PAGE, NULL);
}

/* A refusal may be for what another has asked for at the same time. */
static long map_greedily(long first, long nr)
{
	long got = 0, err = 0;
	int refusals = 0;

	atomic_fetch_sub(gate, 1);
	while (atomic_load(gate) > 0)
		sched_yield();
	while (got < nr && refusals < 3) {
		err = map(first + got, 1);
		if (!err)
			got++;
		else if (err == -EDQUOT)
			refusals++;
		else
			return err;
	}
	return got;
}

static long do_as(struct pinner *pinner, puppet_step *step, long first, long nr)
{
	if (!pinner)
		return step(first, nr);
	return puppet_do(&pinner->process, step, first, nr);
}

long pin(struct pinner *pinner, long first, long nr)
{
	return do_as(pinner, map, first, nr);
}

long unpin(struct pinner *pinner, long first, long nr)
{
	return do_as(pinner, unmap, first, nr);
}

long pin_elsewhere(struct pinner *pinner, long first, long nr)
{
	return do_as(pinner, map_elsewhere, first, nr);
}

void pinners_wait_for(int nr)
{
	atomic_store(gate, nr);
}

void pin_greedily(struct pinner *pinner, long first, long nr)
{
	puppet_begin(&pinner->process, map_greedily, first, nr);
}

long pin_greedily_end(struct pinner *pinner)
{
	return puppet_end(&pinner->process);
}

void pinned_is_read(long page)
{
	edu_read(&edu, BASE + page * PAGE);
}

int pinner_context(void)
{
	return iommu;
}

unsigned long pinned(void)
{
	return fdinfo_value(iommu, "iommufd-pinned:");
}

unsigned long charged(void)
{
	return fdinfo_value(iommu, "iommufd-charged:");
}

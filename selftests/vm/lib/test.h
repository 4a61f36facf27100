/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests in the VM share: cmocka, ioctls, memory, processes, edu. */
#ifndef TEST_H
#define TEST_H

#include <errno.h>
#include <fcntl.h>
#include <linux/iommufd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define PAGE 4096UL
#define KIB 1024UL
#define MIB (1024 * KIB)
#define HUGE (2 * MIB)

#define READ IOMMU_IOAS_MAP_READABLE
#define WRITE IOMMU_IOAS_MAP_WRITEABLE
#define FIXED IOMMU_IOAS_MAP_FIXED_IOVA
#define RW (READ | WRITE)

/* All of them, or with TEST in the environment that one; a pattern, as "policy_*" */
#define run_tap(tests, setup, teardown)				\
	(cmocka_set_message_output(CM_OUTPUT_TAP),			\
	 cmocka_set_test_filter(getenv("TEST")),			\
	 cmocka_run_group_tests(tests, setup, teardown))

/*
 * iommu.c: requests return 0 or a negative errno; a context or an IOAS that
 * cannot be had fails the test.
 */
int context_open(void);
uint32_t ioas_new(int iommu);
int object_destroy(int iommu, uint32_t id);
/* @iova is read if @flags has FIXED, and written on success */
int ioas_map(int iommu, uint32_t ioas, const void *memory, uint64_t length,
	     uint32_t flags, uint64_t *iova);
int ioas_map_at(int iommu, uint32_t ioas, const void *memory, uint64_t length,
		uint32_t flags, uint64_t iova);
/* Memory of a file; @flags and @iova as those of ioas_map() */
struct file_range {
	int fd;
	uint64_t start;
	uint64_t length;
};

int ioas_map_file(int iommu, uint32_t ioas, const struct file_range *range,
		  uint32_t flags, uint64_t *iova);
int ioas_change_process(int iommu);
/* @unmapped may be NULL, and is written on success */
int ioas_unmap(int iommu, uint32_t ioas, uint64_t iova, uint64_t length,
	       uint64_t *unmapped);
int ioas_unmap_all(int iommu, uint32_t ioas);

/* Where from; @flags and @dst_iova as those of ioas_map() */
struct copy_source {
	uint32_t ioas;
	uint64_t iova;
	uint64_t length;
};

int ioas_copy(int iommu, uint32_t dst, const struct copy_source *src,
	      uint32_t flags, uint64_t *dst_iova);
int ioas_copy_at(int iommu, uint32_t dst, const struct copy_source *src,
		 uint32_t flags, uint64_t dst_iova);
int ioas_allow(int iommu, uint32_t ioas, const struct iommu_iova_range *ranges,
	       uint32_t nr);
/* @nr in: room; out: how many there are, also for -EMSGSIZE */
int ioas_ranges(int iommu, uint32_t ioas, struct iommu_iova_range *ranges,
		uint32_t *nr, uint64_t *alignment);
/* The HWPT, or a negative errno */
int64_t hwpt_alloc(int iommu, uint32_t device, uint32_t pt_id, uint32_t flags);
int option_get(int iommu, uint32_t option, uint32_t object, uint64_t *value);
int option_set(int iommu, uint32_t option, uint32_t object, uint64_t value);

/* proc.c: what the kernel says about a context; the text is to be freed */
char *fdinfo(int fd);
long fdinfo_value(int fd, const char *key);
/* What policies and traces know it by */
uint64_t context_id(int iommu);
void fdinfo_ioas(int fd, uint32_t ioas, unsigned long *areas,
		 unsigned long *bytes);
unsigned long ioas_areas(int fd, uint32_t ioas);
/* proc.c: a field of /proc/self/status in KiB */
long status_kib(const char *key);
/* proc.c: pages of the machine pinned through GUP, a moment after @expected */
long pinned_pages(long expected);
/* The same for who is interested in what happens meanwhile */
long pinned_pages_now(void);
/* proc.c: pages of the machine that IO page tables are made of */
long io_page_tables(void);
/* proc.c: the number behind a key at the start of a line */
long file_value(const char *path, const char *key);
/* proc.c: wait until a thread sleeps in the system call of this number */
void wait_in_syscall(pid_t pid, long number);
/* proc.c: a number in a file; negative errno, or the old value */
long write_number(const char *path, long value);

/* proc.c: run in a process of its own; 0 is success, also for a signal */
int in_child(int (*run)(void *arg), void *arg);
/* proc.c: a process that has done something, and stays until it is stopped */
struct other {
	pid_t pid;
	int pipe;
};

/* Once @run has returned; what it returns has to be 0, or the test fails */
void other_start(struct other *other, int (*run)(void *arg), void *arg);
void other_stop(struct other *other);
/* proc.c: no root any more, nor any capability */
int become_nobody(void);
/* proc.c: the same, with no more than so many pages to lock */
int become_tenant(unsigned long pages);

/* In a child or a thread, where cmocka cannot be used; the function returns 1 */
#define CHECK(condition)						\
	do {								\
		if (!(condition)) {					\
			fprintf(stderr, "# %s:%d: not true: %s\n",	\
				__FILE__, __LINE__, #condition);	\
			return 1;					\
		}							\
	} while (0)

/* memory.c: mapped and zeroed; failing fails the test */
void *memory_new(size_t length);
void *memory_aligned(size_t length, size_t alignment);
void *memory_file(int fd, size_t length);
void memory_random(void *memory, size_t length);
/*
 * Touch every page, each @step pages behind the one before, so that neighbours
 * are apart in physical memory; @step is coprime to the number of pages
 */
void memory_touch(void *memory, size_t length, size_t step);
/* memory.c: who touches the memory, never before, waits until it is resolved */
int userfault_new(void *start, size_t length);
/* The same for a child: a negative errno if it fails */
int userfault_try(void *start, size_t length);
void userfault_wait(int fd);
void userfault_resolve(int fd, void *start, size_t length);

/* edu.c: QEMU's edu device, which copies EDU_LENGTH bytes at a time */
#define EDU_LENGTH 4096UL

struct edu {
	int vfio;
	uint32_t id;
	volatile void *regs;
	size_t regs_length;
};

/* Its name on the PCI bus; 0 or a negative errno */
#define EDU_BDF_SIZE 16
int edu_find(char bdf[static EDU_BDF_SIZE]);
/* Ready for DMA, with @vfio open; 0 or a negative errno */
int edu_start(struct edu *edu);
/* Bound to the context, and not attached. For a child: a negative errno */
int edu_bind(struct edu *edu, int iommu);
/* The one at this address; 0, or a negative errno of binding it */
int edu_bind_at(struct edu *edu, int iommu, const char *bdf);
void edu_open(struct edu *edu, int iommu);
void edu_close(struct edu *edu);
int edu_attach(struct edu *edu, uint32_t pt_id);
/* The HWPT, or a negative errno */
int64_t edu_attach_hwpt(struct edu *edu, uint32_t pt_id);
int edu_detach(struct edu *edu);
/* Let the device read memory, write it; failing fails the test */
void edu_read(struct edu *edu, uint64_t iova);
void edu_write(struct edu *edu, uint64_t iova);

/* nvme.c: one more device; 0, a file descriptor, or a negative errno */
int nvme_find(char bdf[static EDU_BDF_SIZE]);
int nvme_bind(int iommu);
int nvme_attach(int nvme, uint32_t pt_id);

#endif

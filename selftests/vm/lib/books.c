// SPDX-License-Identifier: GPL-2.0-only
/* Does everybody who counts pinned pages come to the same sum? */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/books.h"
#include "lib/books.h"
#include "lib/cgroup.h"
#include "lib/policy.h"

#define NOBODY 65534

static struct bpf_object *object;
static struct bpf_program *program;
static volatile struct books *books;

void books_open(void)
{
	struct bpf_map *bss;
	size_t size;

	object = object_open("books");
	assert_int_equal(bpf_object__load(object), 0);
	program = bpf_object__find_program_by_name(object, "add_up");
	assert_non_null(program);
	bss = bpf_object__find_map_by_name(object, ".bss");
	books = bpf_map__initial_value(bss, &size);
	assert_true(size >= sizeof(*books));
}

void books_close(void)
{
	bpf_object__close(object);
}

static void add_up(uint64_t ctx_id, uint32_t uid, uint64_t cgroup_id)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	books->ctx_id = ctx_id;
	books->uid = uid;
	books->cgroup_id = cgroup_id;
	/* That it has run is to be seen. */
	books->contexts = -1;
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(program),
						&opts), 0);
	assert_int_equal(opts.retval, 0);
	assert_true(books->contexts != -1ULL);
}

void books_agree(const int *contexts, size_t nr, unsigned long pinned,
		 unsigned long charged)
{
	unsigned long sum_pinned = 0, sum_charged = 0, of_root;
	const uint64_t root = cgroup_id("");
	size_t i;

	for (i = 0; i < nr; i++) {
		unsigned long own = fdinfo_value(contexts[i],
						 "iommufd-pinned:");

		add_up(fdinfo_value(contexts[i], "iommufd-ctx:"), 0, root);
		assert_int_equal(books->by_context, own);
		sum_pinned += own;
		sum_charged += fdinfo_value(contexts[i], "iommufd-charged:");
	}
	assert_int_equal(sum_pinned, pinned);
	assert_int_equal(sum_charged, charged);

	add_up(0, 0, root);
	of_root = books->by_user;
	assert_int_equal(books->contexts, nr);
	assert_int_equal(books->pinned, pinned);
	assert_int_equal(books->charged, charged);
	assert_int_equal(books->by_cgroup, pinned);
	assert_int_equal(books->by_context, 0);
	add_up(0, NOBODY, root);
	assert_int_equal(of_root + books->by_user, pinned);
	assert_int_equal(pinned_pages(pinned), pinned);
}

unsigned long books_by_cgroup(const char *cgroup)
{
	add_up(0, 0, cgroup_id(cgroup));
	return books->by_cgroup;
}

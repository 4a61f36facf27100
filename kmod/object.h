/* SPDX-License-Identifier: GPL-2.0-only */
/* Objects of a context: ids, references, destruction. */
#ifndef IOMMUFD_OBJECT_H
#define IOMMUFD_OBJECT_H

#include <linux/atomic.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>

struct iommufd_ctx;

enum object_type {
	OBJECT_ANY,
	OBJECT_IOAS,
	OBJECT_HWPT,
	OBJECT_DEVICE,
	OBJECT_ACCESS,
#ifdef IOMMUFD_TEST_BUILD
	OBJECT_STDEV,
#endif
};

/**
 * struct object - first member of all that user space knows by id
 * @users: 1 for being there, and 1 for each other object or driver that
 *	depends on it; only an object nobody depends on can be destroyed
 * @pins: requests working on it right now; destruction waits for them
 * @type: enum object_type
 * @id: what user space calls it
 * @destroy: gives back what the object holds, not the object itself
 * @rcu: lookups run without a lock
 */
struct object {
	refcount_t users;
	atomic_t pins;
	enum object_type type;
	u32 id;
	void (*destroy)(struct object *obj);
	struct rcu_head rcu;
};

int object_create(struct iommufd_ctx *ictx, struct object *obj,
		  enum object_type type, void (*destroy)(struct object *obj));
void object_publish(struct iommufd_ctx *ictx, struct object *obj);
void object_abort(struct iommufd_ctx *ictx, struct object *obj);

struct object *object_pin(struct iommufd_ctx *ictx, u32 id,
			  enum object_type type);
void object_unpin(struct iommufd_ctx *ictx, struct object *obj);

bool object_use(struct object *obj);
void object_unuse(struct object *obj);

int object_destroy(struct iommufd_ctx *ictx, u32 id);
bool object_destroy_unused(struct iommufd_ctx *ictx, struct object *obj);
void object_destroy_all(struct iommufd_ctx *ictx);

#endif

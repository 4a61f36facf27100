// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects of a context: ids, references, destruction.
 *
 * A lookup takes no lock. Destruction withdraws the id first, so that no new
 * request finds the object, then waits for those that have. The slot stays
 * taken meanwhile: putting the object back needs no memory.
 */
#include <linux/err.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "ctx.h"
#include "object.h"

/**
 * object_create - give a new object an id nobody can find yet
 * @ictx: the context
 * @obj: allocated with kzalloc(), first member of what it is part of
 * @type: what it is
 * @destroy: what to do before it is freed
 *
 * Return: 0, or -ENOMEM, or -EBUSY when all ids are taken. The object is the
 * caller's to free then.
 */
int object_create(struct iommufd_ctx *ictx, struct object *obj,
		  enum object_type type, void (*destroy)(struct object *obj))
{
	refcount_set(&obj->users, 1);
	atomic_set(&obj->pins, 1);
	obj->type = type;
	obj->destroy = destroy;
	return xa_alloc(&ictx->objects, &obj->id, NULL, xa_limit_31b,
			GFP_KERNEL_ACCOUNT);
}

/**
 * object_publish - from now on requests may find the object
 * @ictx: the context
 * @obj: created, and complete
 */
void object_publish(struct iommufd_ctx *ictx, struct object *obj)
{
	/* The slot is there: this cannot fail. */
	WARN_ON(xa_err(xa_store(&ictx->objects, obj->id, obj, GFP_KERNEL)));
}

/**
 * object_abort - drop an object that was not published
 * @ictx: the context
 * @obj: created; its destroy() is not called
 */
void object_abort(struct iommufd_ctx *ictx, struct object *obj)
{
	xa_erase(&ictx->objects, obj->id);
	kfree(obj);
}

static noinline struct object *look_up(struct iommufd_ctx *ictx, u32 id,
				       enum object_type type)
{
	struct object *obj;

	rcu_read_lock();
	obj = xa_load(&ictx->objects, id);
	if (obj && (type != OBJECT_ANY && obj->type != type))
		obj = NULL;
	if (obj && !atomic_inc_not_zero(&obj->pins))
		obj = NULL;
	rcu_read_unlock();
	if (!obj)
		return ERR_PTR(-ENOENT);
	/* It cannot be freed before it is unpinned, and not be recent then. */
	if (type == OBJECT_IOAS)
		rcu_assign_pointer(ictx->recent, obj);
	return obj;
}

/**
 * object_pin - find an object and keep it while a request works on it
 * @ictx: the context
 * @id: what user space calls it
 * @type: what it has to be, or %OBJECT_ANY
 *
 * Return: the object, or ERR_PTR(-ENOENT) if there is none of that id and type.
 */
struct object *object_pin(struct iommufd_ctx *ictx, u32 id,
			  enum object_type type)
{
	struct object *obj;

	/* Most requests are for the object of the one before. */
	rcu_read_lock_sched();
	obj = rcu_dereference_sched(ictx->recent);
	if (obj && obj->id == id && obj->type == type &&
	    refcount_read(&obj->users) && atomic_inc_not_zero(&obj->pins)) {
		rcu_read_unlock_sched();
		return obj;
	}
	rcu_read_unlock_sched();
	return look_up(ictx, id, type);
}

/**
 * object_unpin - the request is done with the object
 * @ictx: the context
 * @obj: pinned; may be gone afterwards
 */
void object_unpin(struct iommufd_ctx *ictx, struct object *obj)
{
	/* A waiter queues itself before it looks at the pins. */
	if (atomic_dec_return(&obj->pins) == 1 && wq_has_sleeper(&ictx->idle))
		wake_up_all(&ictx->idle);
}

/**
 * object_use - depend on an object, which cannot be destroyed meanwhile
 * @obj: pinned by the caller, or kept from being freed otherwise
 *
 * Return: false if it is being destroyed.
 */
bool object_use(struct object *obj)
{
	return refcount_inc_not_zero(&obj->users);
}

/**
 * object_unuse - depend on it no longer
 * @obj: used before
 */
void object_unuse(struct object *obj)
{
	refcount_dec(&obj->users);
}

/* Take the id away if nobody depends on the object: no request finds it. */
static int object_withdraw(struct iommufd_ctx *ictx, struct object *obj)
{
	lockdep_assert_held(&ictx->objects.xa_lock);
	if (!refcount_dec_if_one(&obj->users))
		return -EBUSY;
	__xa_store(&ictx->objects, obj->id, XA_ZERO_ENTRY, GFP_ATOMIC);
	return 0;
}

/* The last pin was the object's own: no lookup can succeed any more. */
static bool object_claim(struct object *obj)
{
	return atomic_cmpxchg(&obj->pins, 1, 0) == 1;
}

static void object_free(struct iommufd_ctx *ictx, struct object *obj)
{
	/* Nobody can pin it any more, so nobody makes it recent again. */
	unrcu_pointer(cmpxchg(&ictx->recent, RCU_INITIALIZER(obj), NULL));
	xa_erase(&ictx->objects, obj->id);
	obj->destroy(obj);
	kfree_rcu(obj, rcu);
}

/**
 * object_destroy - destroy what user space names; IOMMU_DESTROY
 * @ictx: the context
 * @id: what user space calls it
 *
 * Return: 0 when it is gone; -ENOENT if there is none; -EBUSY if another
 * object or a driver depends on it; -EINTR on a fatal signal while other
 * requests work on it, which leaves it as it was.
 */
int object_destroy(struct iommufd_ctx *ictx, u32 id)
{
	struct object *obj;
	int rc;

	xa_lock(&ictx->objects);
	obj = xa_load(&ictx->objects, id);
	rc = obj ? object_withdraw(ictx, obj) : -ENOENT;
	xa_unlock(&ictx->objects);
	if (rc)
		return rc;

	if (wait_event_killable(ictx->idle, object_claim(obj))) {
		refcount_set(&obj->users, 1);
		object_publish(ictx, obj);
		return -EINTR;
	}
	object_free(ictx, obj);
	return 0;
}

/**
 * object_destroy_unused - depend on an object no longer, and destroy it then
 * @ictx: the context
 * @obj: used by the caller; of a type that requests do not work on for long
 *
 * Return: true if it is gone; false if somebody else depends on it.
 */
bool object_destroy_unused(struct iommufd_ctx *ictx, struct object *obj)
{
	int rc;

	xa_lock(&ictx->objects);
	object_unuse(obj);
	rc = object_withdraw(ictx, obj);
	xa_unlock(&ictx->objects);
	if (rc)
		return false;
	wait_event(ictx->idle, object_claim(obj));
	object_free(ictx, obj);
	return true;
}

/**
 * object_destroy_all - when the context ends
 * @ictx: the context; no request is left
 *
 * Objects depend on each other without circles: those nobody depends on go
 * first, and that frees others.
 */
void object_destroy_all(struct iommufd_ctx *ictx)
{
	struct object *obj;
	unsigned long id;
	bool progress;

	do {
		progress = false;
		xa_for_each(&ictx->objects, id, obj) {
			if (!refcount_dec_if_one(&obj->users))
				continue;
			object_free(ictx, obj);
			progress = true;
		}
	} while (progress);
	WARN_ON(!xa_empty(&ictx->objects));
}

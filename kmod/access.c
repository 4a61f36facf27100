// SPDX-License-Identifier: GPL-2.0-only
/*
 * In-kernel access to an IOAS: the kernel API of include/linux/iommufd.h that
 * drivers of emulated devices use.
 */
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/iommufd.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "compat/compat.h"
#include "ctx.h"
#include "ioas.h"
#include "iopt_access.h"
#include "object.h"

/**
 * struct binding - an access as it is attached to one IOAS
 * @user: in ioas->iopt
 * @access: the access
 * @ioas: the IOAS, used; NULL while not attached
 * @requests: of the driver, on their way, and one for being attached; none begins
 *	while it is 0
 */
struct binding {
	struct iopt_access user;
	struct iommufd_access *access;
	struct ioas *ioas;
	atomic_t requests;
};

/**
 * struct iommufd_access - a driver's access to an IOAS
 * @obj: the object; its one user is the driver, until it destroys it
 * @ictx: the context; a reference is held
 * @ops: of the driver
 * @data: for @ops
 * @change_lock: serialises attach, replace and detach
 * @bindings: two, so that one may begin before the other ends
 * @current_binding: what requests of the driver go to
 */
struct iommufd_access {
	struct object obj;
	struct iommufd_ctx *ictx;
	const struct iommufd_access_ops *ops;
	void *data;
	struct mutex change_lock;	/* see above */
	struct binding bindings[2];
	struct binding *current_binding;
};

static void binding_unmap(struct iopt_access *user, unsigned long iova,
			  unsigned long length)
{
	struct iommufd_access *access =
		container_of(user, struct binding, user)->access;

	access->ops->unmap(access->data, iova, length);
}

static void access_destroy_object(struct object *obj)
{
	struct iommufd_access *access =
		container_of(obj, struct iommufd_access, obj);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(access->bindings); i++)
		iopt_access_forget_spare(&access->bindings[i].user);
	mutex_destroy(&access->change_lock);
}

/**
 * iommufd_access_create - give a driver access to the memory of a context
 * @ictx: the context; the access takes a reference
 * @ops: of the driver; with needs_pin_pages set it may pin pages, and unmap()
 *	is called when memory it has pinned is to be unmapped: it must have
 *	unpinned it when it returns, and must not attach, detach or pin
 * @data: for @ops
 * @id: out: object id of the access
 *
 * Return: the access, for the driver alone until iommufd_access_destroy();
 * ERR_PTR(-EINVAL) if it may pin and has no unmap(); ERR_PTR(-ENOMEM).
 */
struct iommufd_access *
iommufd_access_create(struct iommufd_ctx *ictx,
		      const struct iommufd_access_ops *ops, void *data, u32 *id)
{
	struct iommufd_access *access;
	unsigned int i;
	int rc;

	if (ops->needs_pin_pages && !ops->unmap)
		return ERR_PTR(-EINVAL);
	access = kzalloc(sizeof(*access), GFP_KERNEL_ACCOUNT);
	if (!access)
		return ERR_PTR(-ENOMEM);
	access->ictx = ictx;
	access->ops = ops;
	access->data = data;
	mutex_init(&access->change_lock);
	for (i = 0; i < ARRAY_SIZE(access->bindings); i++) {
		struct binding *binding = &access->bindings[i];

		binding->access = access;
		binding->user.pins = RB_ROOT_CACHED;
		binding->user.alignment = ops->needs_pin_pages ? PAGE_SIZE : 1;
		binding->user.unmap = binding_unmap;
	}
	access->current_binding = &access->bindings[0];

	rc = object_create(ictx, &access->obj, OBJECT_ACCESS,
			   access_destroy_object);
	if (rc) {
		kfree(access);
		return ERR_PTR(rc);
	}
	iommufd_ctx_get(ictx);
	object_use(&access->obj);
	*id = access->obj.id;
	object_publish(ictx, &access->obj);
	return access;
}
EXPORT_SYMBOL_GPL(iommufd_access_create);

static void unbind(struct binding *binding)
{
	struct iommufd_access *access = binding->access;
	struct ioas *ioas = binding->ioas;

	lockdep_assert_held(&access->change_lock);
	iopt_remove_access(&ioas->iopt, &binding->user);
	if (!atomic_dec_and_test(&binding->requests))
		wait_var_event(&binding->requests,
			       !atomic_read_acquire(&binding->requests));
	binding->ioas = NULL;
	object_unuse(&ioas->obj);
}

/* The caller's use of the IOAS is the binding's if it succeeds. */
static int change(struct iommufd_access *access, struct ioas *ioas)
{
	struct binding *old = access->current_binding;
	struct binding *new = old == &access->bindings[0] ?
			      &access->bindings[1] : &access->bindings[0];
	int rc;

	lockdep_assert_held(&access->change_lock);
	rc = iopt_add_access(&ioas->iopt, &new->user);
	if (rc)
		return rc;
	/* What the driver unpins meanwhile is of the old one. */
	if (old->ioas)
		unbind(old);
	new->ioas = ioas;
	atomic_set_release(&new->requests, 1);
	WRITE_ONCE(access->current_binding, new);
	return 0;
}

static int attach(struct iommufd_access *access, u32 ioas_id, bool replace)
{
	struct iommufd_ctx *ictx = access->ictx;
	struct ioas *ioas = ioas_use(ictx, ioas_id);
	struct ioas *old;
	int rc;

	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	rc = policy_attach(ictx, access->obj.id, "", ioas_id, ioas_id,
			   replace ? IOMMUFD_POLICY_OP_REPLACE_ACCESS :
				     IOMMUFD_POLICY_OP_ATTACH_ACCESS);
	if (rc)
		goto unuse;

	mutex_lock(&access->change_lock);
	old = access->current_binding->ioas;
	if (!!old != replace)
		rc = replace ? -ENOENT : -EINVAL;
	else if (old != ioas)
		rc = change(access, ioas);
	mutex_unlock(&access->change_lock);
	if (!rc && old != ioas)
		return 0;
unuse:
	object_unuse(&ioas->obj);
	return rc;
}

/**
 * iommufd_access_attach - let an access use an IOAS
 * @access: not attached
 * @ioas_id: object id of the IOAS
 *
 * Return: 0; -ENOENT if there is no such IOAS; -EINVAL if it is attached;
 * -EADDRINUSE if it may pin and something is mapped that is not aligned to
 * pages; what a policy answers, or -EPROTO if that is outside its contract.
 */
int iommufd_access_attach(struct iommufd_access *access, u32 ioas_id)
{
	return attach(access, ioas_id, false);
}
EXPORT_SYMBOL_GPL(iommufd_access_attach);

/**
 * iommufd_access_replace - let an access use another IOAS
 * @access: attached, or nothing happens; told to unpin all it has pinned
 * @ioas_id: object id of the IOAS, which may be the same
 *
 * Return: 0; -ENOENT if there is no such IOAS or it is not attached; else as
 * iommufd_access_attach(). A failure leaves it where it was.
 */
int iommufd_access_replace(struct iommufd_access *access, u32 ioas_id)
{
	return attach(access, ioas_id, true);
}
EXPORT_SYMBOL_GPL(iommufd_access_replace);

/* If it is attached. */
static void detach(struct iommufd_access *access)
{
	struct ioas *ioas;
	u32 ioas_id = 0;

	mutex_lock(&access->change_lock);
	ioas = access->current_binding->ioas;
	if (ioas) {
		ioas_id = ioas->obj.id;
		unbind(access->current_binding);
	}
	mutex_unlock(&access->change_lock);
	if (ioas_id)
		policy_detach(access->ictx, access->obj.id, "", ioas_id,
			      IOMMUFD_POLICY_OP_DETACH_ACCESS);
}

/**
 * iommufd_access_detach - let an access use its IOAS no longer
 * @access: attached; told to unpin all it has pinned, and waited for, as are
 *	requests on their way
 */
void iommufd_access_detach(struct iommufd_access *access)
{
	detach(access);
}
EXPORT_SYMBOL_GPL(iommufd_access_detach);

/**
 * iommufd_access_destroy - undo iommufd_access_create()
 * @access: detached if it was not; gone afterwards
 */
void iommufd_access_destroy(struct iommufd_access *access)
{
	struct iommufd_ctx *ictx = access->ictx;

	detach(access);
	/* The driver was the one user, and nothing depends on an access. */
	WARN_ON(!object_destroy_unused(ictx, &access->obj));
	iommufd_ctx_put(ictx);
}
EXPORT_SYMBOL_GPL(iommufd_access_destroy);

/* What a request of the driver goes to; it stays until end_request(). */
static struct binding *begin_request(struct iommufd_access *access)
{
	struct binding *binding = READ_ONCE(access->current_binding);

	return atomic_inc_not_zero(&binding->requests) ? binding : NULL;
}

static void end_request(struct binding *binding)
{
	/*
	 * Nobody waits before it is detached, and the access may be gone as soon
	 * as the last one has ended.
	 */
	if (atomic_dec_and_test(&binding->requests))
		wake_up_var(&binding->requests);
}

/**
 * iommufd_access_pin_pages - pin memory and get its pages
 * @access: created with needs_pin_pages
 * @iova: first byte
 * @length: bytes
 * @out_pages: out: each page that @iova to @iova + @length - 1 touches
 * @flags: %IOMMUFD_ACCESS_RW_WRITE if they will be written
 *
 * They are pinned until iommufd_access_unpin_pages() with the same range.
 *
 * Context: may fault in user memory.
 * Return: 0; -EINVAL without needs_pin_pages; -ENOENT if not attached; the
 * errors of iopt_pin().
 */
int iommufd_access_pin_pages(struct iommufd_access *access, unsigned long iova,
			     unsigned long length, struct page **out_pages,
			     unsigned int flags)
{
	struct binding *binding;
	int rc;

	if (!access->ops->needs_pin_pages)
		return -EINVAL;
	binding = begin_request(access);
	if (!binding)
		return -ENOENT;
	rc = iopt_pin(&binding->ioas->iopt, &binding->user, iova, length,
		      flags & IOMMUFD_ACCESS_RW_WRITE, out_pages);
	end_request(binding);
	return rc;
}
EXPORT_SYMBOL_GPL(iommufd_access_pin_pages);

/**
 * iommufd_access_unpin_pages - undo iommufd_access_pin_pages()
 * @access: the access
 * @iova: as given to iommufd_access_pin_pages()
 * @length: likewise
 */
void iommufd_access_unpin_pages(struct iommufd_access *access,
				unsigned long iova, unsigned long length)
{
	struct binding *binding = begin_request(access);

	if (WARN_ON(!binding))
		return;
	iopt_unpin(&binding->ioas->iopt, &binding->user, iova, length);
	end_request(binding);
}
EXPORT_SYMBOL_GPL(iommufd_access_unpin_pages);

/**
 * iommufd_access_rw - copy from or to memory by IO address
 * @access: the access
 * @iova: first byte
 * @data: kernel memory
 * @length: bytes
 * @flags: %IOMMUFD_ACCESS_RW_WRITE: from @data to @iova
 *
 * Context: may fault in user memory. Calls do not wait for each other.
 * Return: 0; -ENOENT if not attached; the errors of iopt_rw().
 */
int iommufd_access_rw(struct iommufd_access *access, unsigned long iova,
		      void *data, size_t length, unsigned int flags)
{
	struct binding *binding = begin_request(access);
	int rc;

	if (!binding)
		return -ENOENT;
	rc = iopt_rw(&binding->ioas->iopt, iova, data, length, flags);
	end_request(binding);
	return rc;
}
EXPORT_SYMBOL_GPL(iommufd_access_rw);

// SPDX-License-Identifier: GPL-2.0-only
/* Letting policies choose IO addresses. */
#include <linux/errno.h>
#include <linux/minmax.h>

#include "area.h"
#include "ioas.h"
#include "pages.h"
#include "policy.h"
#include "policy_walk.h"

/* How often one is asked whose choice others take meanwhile. */
#define MAX_TRIES 16

static const char *explain(int error)
{
	switch (error) {
	case 0:
		return NULL;
	case -EINVAL:
		return "which is not at the start of a page";
	case -EOVERFLOW:
		return "from where the request leaves the address space";
	case -EPERM:
		return "where user space has not allowed it";
	case -EADDRINUSE:
		return "which a device has reserved";
	default:
		return "which is in use";
	}
}

/**
 * iova_ask_one - ask one policy for an address
 * @q: the question
 *
 * Return: 1 if it has chosen one; 0 if not; -EBUSY if each of its choices was
 * taken by others before it had answered; else see policy_judge().
 */
int iova_ask_one(struct question *q)
{
	struct io_pagetable *iopt = q->iopt;
	unsigned int tries;

	if (!q->ops->iova_alloc)
		return 0;
	for (tries = 0; tries < MAX_TRIES; tries++) {
		unsigned long changes = READ_ONCE(iopt->changes);
		s64 answer = q->ops->iova_alloc(&q->iova);
		const char *fault;
		int rc = 0;

		if (answer > 0)
			rc = iopt_check_choice(iopt, answer, q->where->length,
					       changes);
		if (rc == -EAGAIN && !q->reported)
			continue;
		fault = explain(rc);
		rc = policy_judge(q, POLICY_IOVA_ALLOC, answer, fault);
		/* Audit mode, which may have ended just now, lets all pass. */
		if (rc || answer <= 0 || fault || q->reported ||
		    READ_ONCE(q->policy->audit))
			return rc;
		q->where->iova = answer;
		q->where->chosen = true;
		return 1;
	}
	return -EBUSY;
}

/**
 * policy_choose_iova - let policies choose an address
 * @iopt: where something is to be mapped
 * @area: that, or the first of it
 * @where: the request; gets the address, if one has chosen it
 *
 * Context: may sleep; iopt->lock is not held.
 * Return: 0, whether or not one has; -EBUSY if each choice of one was taken by
 * others before it had answered; the refusing errno of a policy, or -EPROTO if
 * the answer of one is outside its contract.
 */
int policy_choose_iova(struct io_pagetable *iopt, const struct area *area,
		       struct iova_request *where)
{
	struct ioas *ioas = container_of(iopt, struct ioas, iopt);
	struct question q __uninitialized;
	int rc;

	where->chosen = false;
	question_init(&q, POLICY_IOVA_ALLOC, ioas->ictx);
	q.iopt = iopt;
	q.where = where;
	q.iova.length = where->length;
	q.iova.uptr = where->op == IOMMUFD_POLICY_OP_IOAS_COPY ?
		      0 : area->pages->uptr + area->offset;
	q.iova.op = where->op;
	q.iova.ioas_id = ioas->obj.id;
	rc = policy_ask(&q);
	return min(rc, 0);
}

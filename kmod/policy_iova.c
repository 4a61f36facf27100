// SPDX-License-Identifier: GPL-2.0-only
/* Letting policies choose IO addresses. */
#include <linux/errno.h>

#include "ctx.h"
#include "io_pagetable.h"
#include "policy.h"
#include "policy_question.h"
#include "policy_registry.h"

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
		int rc = 0;

		if (answer > 0)
			rc = iopt_check_choice(iopt, answer, q->where->length,
					       changes);
		if (rc == -EAGAIN)
			continue;
		rc = policy_judge(q, answer, explain(rc));
		if (rc || answer <= 0 || READ_ONCE(q->policy->audit))
			return rc;
		q->where->iova = answer;
		q->where->chosen = true;
		return 1;
	}
	return -EBUSY;
}

/* The policies in scope, until one has an opinion. */
static int ask(struct io_pagetable *iopt, struct iova_request *where)
{
	struct question q = { .iopt = iopt, .where = where };
	int rc;

	where->chosen = false;
	question_init(&q, POLICY_IOVA_ALLOC, where->ictx);
	q.iova.length = where->length;
	q.iova.uptr = where->uptr;
	q.iova.op = where->op;
	q.iova.ioas_id = iopt->ioas_id;
	rc = policy_ask(&q);
	return rc < 0 ? rc : 0;
}

/**
 * policy_choose_iova - policy_iova() with policies loaded
 * @ictx: the context
 * @uptr: as a map request has it
 * @where: gets whom to ask, unless user space chose the address
 */
void policy_choose_iova(struct iommufd_ctx *ictx, u64 uptr,
			struct iova_request *where)
{
	if (where->fixed)
		return;
	where->choose = ask;
	where->ictx = ictx;
	where->uptr = uptr;
}

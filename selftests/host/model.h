/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A structure of kmod/ and a naive model of it, side by side. Random tests call
 * these, and so does fuzz.c for each input; what differs from the model fails
 * an assertion of cmocka.
 */
#ifndef HOST_MODEL_H
#define HOST_MODEL_H

/* Both new and empty, in circumstances as the choices have it. */
void model_start(void);
/* The same to both. */
void model_operation(void);
/* Compare all that is in them, empty them, and see that nothing leaked. */
void model_finish(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What policies of an older and of a newer contract have found in the module.
 * The types are those of the compiler, which BPF and user space share.
 */
#ifndef CONTRACT_H
#define CONTRACT_H

/**
 * struct found - shared by a policy and its test
 * @calls: of the map hook; the members of its last request follow
 * @known: of things the module has, a bit each that was found
 * @unknown: of things to come, likewise
 * @pinned: by the user, as told by a function of the module
 */
struct found {
	unsigned long long calls;
	unsigned long long ctx_id;
	unsigned long long uid;
	unsigned long long tgid;
	unsigned long long iova;
	unsigned long long length;
	unsigned long long uptr;
	unsigned long long op;
	unsigned long long ioas_id;
	unsigned long long prot;
	unsigned long long fixed;
	unsigned long long known;
	unsigned long long unknown;
	unsigned long long pinned;
};

/* How many bits there are */
#define FOUND_KNOWN 13
#define FOUND_UNKNOWN 13

#define keep_request(found, req)					\
	do {								\
		(found)->ctx_id = (req)->who.ctx_id;			\
		(found)->uid = (req)->who.uid;				\
		(found)->tgid = (req)->who.tgid;			\
		(found)->iova = (req)->iova;				\
		(found)->length = (req)->length;			\
		(found)->uptr = (req)->uptr;				\
		(found)->op = (req)->op;				\
		(found)->ioas_id = (req)->ioas_id;			\
		(found)->prot = (req)->prot;				\
		(found)->fixed = (req)->fixed;				\
		(found)->calls++;					\
	} while (0)

#endif

/* SPDX-License-Identifier: MIT */
/* A set of chunk references: a bitmap for each pack that occurs. Not thread-safe. */
#ifndef FS_TREE_REF_SET_H
#define FS_TREE_REF_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "fs/store/chunk_ref.h"

struct ref_set;

struct ref_set *ref_set_new(void); /* NULL without memory */
void ref_set_free(struct ref_set **set);
/* 1: it was not in the set, 0: it was, or -ENOMEM. */
int ref_set_add(struct ref_set *set, struct chunk_ref ref);
bool ref_set_has(const struct ref_set *set, struct chunk_ref ref);
size_t ref_set_count(const struct ref_set *set);
/* How many packs they lie in. */
size_t ref_set_packs(const struct ref_set *set);

#endif

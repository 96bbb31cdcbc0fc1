/* SPDX-License-Identifier: MIT */
/*
 * Memory for secrets: keys, and what CHAP goes by. It is in pages of its own that no core dump has,
 * and is wiped out when it is freed, so that nothing else in the process ever has it.
 */
#ifndef LIB_BASE_SECRET_H
#define LIB_BASE_SECRET_H

#include <stddef.h>

/* `count` elements of `size` bytes, zeroed. NULL without memory, where count * size overflows, and where
 * it cannot be left out of core dumps. secret_free() it. Passes the fault point "mem". */
void *secret_alloc(size_t count, size_t size);
/* NULL is nothing to be freed. */
void secret_free(void *pointer);
static inline void secret_cleanup(void *pointer)
{
	secret_free(*(void **)pointer);
}
#define CLEANUP_SECRET __attribute__((cleanup(secret_cleanup)))

/* free() for the allocators of libraries that secrets pass through (JSON, buffers of sockets): wipes out
 * what malloc() has given. */
void secret_heap_free(void *pointer);

#endif

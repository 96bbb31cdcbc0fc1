/* SPDX-License-Identifier: MIT */
/*
 * Memory. mem_* abort when there is none: for start-up and for small things of
 * known size. mem_try_* may fail and check the multiplication: for sizes that
 * come from a peer, the disk or a user, and for everything on the data path.
 * mem_try_* pass the fault point "mem".
 */
#ifndef LIB_BASE_MEM_H
#define LIB_BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);
void *mem_zalloc(size_t size);
char *mem_strdup(const char *string);
__attribute__((format(printf, 1, 2))) char *mem_printf(const char *format, ...);

/* NULL without memory, and where count * size overflows. free() them. */
void *mem_try_alloc(size_t count, size_t size);
void *mem_try_zalloc(size_t count, size_t size);
void *mem_try_resize(void *pointer, size_t count, size_t size);
/* Aligned to `alignment` bytes (a power of two). */
void *mem_try_aligned(size_t alignment, size_t size);

/* Makes room for `need` elements: grows *capacity by doubling. 0 or -ENOMEM, *array kept. */
int mem_reserve(void *array_pointer, size_t *capacity, size_t need, size_t element_size);

#endif

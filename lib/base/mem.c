/* SPDX-License-Identifier: MIT */
#include "lib/base/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/fault.h"

void *mem_alloc(size_t size)
{
	void *p = malloc(size ? size : 1);
	ASSERT(p != NULL);
	return p;
}

void *mem_zalloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);
	ASSERT(p != NULL);
	return p;
}

char *mem_strdup(const char *string)
{
	char *p = strdup(string);
	ASSERT(p != NULL);
	return p;
}

char *mem_printf(const char *format, ...)
{
	char *p = NULL;
	va_list arguments;
	va_start(arguments, format);
	int n = vasprintf(&p, format, arguments);
	va_end(arguments);
	ASSERT(n >= 0);
	return p;
}

void *mem_try_alloc(size_t count, size_t size)
{
	return mem_try_resize(NULL, count, size);
}

/* Asked before the allocator is, because a sanitizer's allocator ends the process instead. */
static bool mem_overflows(size_t count, size_t size)
{
	size_t product;
	return __builtin_mul_overflow(count, size, &product);
}

void *mem_try_zalloc(size_t count, size_t size)
{
	if (fault_hit("mem") || mem_overflows(count, size))
		return NULL;
	return calloc(count ? count : 1, size ? size : 1);
}

void *mem_try_resize(void *pointer, size_t count, size_t size)
{
	if (fault_hit("mem") || mem_overflows(count, size))
		return NULL;
	return reallocarray(pointer, count ? count : 1, size ? size : 1);
}

void *mem_try_aligned(size_t alignment, size_t size)
{
	void *p = NULL;
	if (fault_hit("mem"))
		return NULL;
	return posix_memalign(&p, alignment, size ? size : 1) == 0 ? p : NULL;
}

int mem_reserve(void *array_pointer, size_t *capacity, size_t need, size_t element_size)
{
	void *array;
	if (need <= *capacity)
		return 0;
	size_t grown = *capacity ? *capacity : 8;
	while (grown < need) {
		if (__builtin_mul_overflow(grown, (size_t)2, &grown))
			return -ENOMEM;
	}
	memcpy(&array, array_pointer, sizeof(array));
	array = mem_try_resize(array, grown, element_size);
	if (!array)
		return -ENOMEM;
	memcpy(array_pointer, &array, sizeof(array));
	*capacity = grown;
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Each allocation is a mapping of its own, whose first bytes say how long it is. It is for few things
 * that stay, such as access lists and the keys of a drive: the smallest takes a page.
 */
#include "lib/base/secret.h"

#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/fault.h"

struct secret {
	size_t size; /* of the mapping */
	max_align_t data[];
};

void *secret_alloc(size_t count, size_t size)
{
	size_t whole;
	if (fault_hit("mem") || __builtin_mul_overflow(count, size, &whole) ||
	    __builtin_add_overflow(whole, sizeof(struct secret), &whole))
		return NULL;
	struct secret *secret = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (secret == MAP_FAILED)
		return NULL;
	if (madvise(secret, whole, MADV_DONTDUMP)) {
		munmap(secret, whole);
		return NULL;
	}
	secret->size = whole;
	return secret->data;
}

void secret_free(void *pointer)
{
	if (!pointer)
		return;
	struct secret *secret = (struct secret *)((char *)pointer - offsetof(struct secret, data));
	size_t size = secret->size;
	explicit_bzero(secret, size); /* the pages might be shared with a child */
	munmap(secret, size);
}

void secret_heap_free(void *pointer)
{
	if (pointer)
		explicit_bzero(pointer, malloc_usable_size(pointer));
	free(pointer);
}

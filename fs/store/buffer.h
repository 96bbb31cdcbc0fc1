/* SPDX-License-Identifier: MIT */
/*
 * Buffers of raw region bytes, counted by reference. Those of the usual size are
 * kept for the next user instead of going back to the allocator, which would
 * give their pages to the kernel each time.
 */
#ifndef FS_STORE_BUFFER_H
#define FS_STORE_BUFFER_H

#include <stddef.h>
#include <stdint.h>

struct buffer_pool;

struct buffer {
	uint32_t references; /* atomic */
	struct buffer_pool *pool;
	struct buffer *next_free;
	size_t capacity;
	size_t size; /* bytes in use; the owner's, grows while others read what is before */
	uint8_t data[];
};

/* `usual` is the capacity of most buffers; up to `keep` of them are kept. */
struct buffer_pool *buffer_pool_new(size_t usual, size_t keep);
/* Every buffer must have been released. */
void buffer_pool_free(struct buffer_pool **pool);
/* Room for at least `capacity` bytes, size 0, one reference. NULL without memory. */
struct buffer *buffer_pool_take(struct buffer_pool *pool, size_t capacity);
struct buffer *buffer_hold(struct buffer *buffer);
/* Drops a reference and sets the pointer to NULL; NULL is no error. */
void buffer_release(struct buffer **buffer);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Slabs: the write buffers of an inode, what has been written and not yet handed to the
 * pipeline. They are disjoint and sorted; an append grows the buffer before it
 * up to BUFFER_SIZE, an overwrite of buffered bytes happens in place.
 *
 * Buffers go to the pipeline in runs that continue the last one, once full, so
 * that writes which arrive a little out of order still make one stream. Only
 * when much has gathered without such a run does everything go.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/tree/internal.h"

#define BUFFER_ROOM_MIN   512u
#define BUFFERS_SCATTERED (8u << 20) /* bytes out of sequence that are waited with */
#define BUFFERS_MANY      4096u      /* buffers that are waited with: finding a place is linear */

struct slab *slab_new(size_t room, size_t head)
{
	struct slab *b = mem_try_zalloc(1, sizeof(*b));
	uint8_t *memory = mem_try_alloc(head + room, 1);
	if (!b || !memory) {
		free(b);
		free(memory);
		return NULL;
	}
	b->data = memory + head;
	b->room = room;
	b->head = head;
	return b;
}

void slab_free(struct slab **pointer)
{
	struct slab *b = TAKE(*pointer);
	if (!b)
		return;
	free(b->data - b->head);
	free(b);
}

void slab_retire_locked(struct inode *inode, struct slab **pointer)
{
	struct slab *b = *pointer;
	struct tree *t = inode->tree;
	content_count_down_locked(inode, b->growth);
	atomic_fetch_sub(&t->buffered, b->size);
	atomic_fetch_sub(&t->slabs, 1);
	store_unreserve(t->store, b->size);
	slab_free(pointer);
	pthread_cond_broadcast(&t->room);
}

uint64_t slabs_memory(struct tree *t)
{
	return atomic_load(&t->buffered) +
	       atomic_load(&t->slabs) * (sizeof(struct slab) + BUFFER_ROOM_MIN);
}

static uint64_t slab_end(const struct slab *b)
{
	return b->offset + b->size;
}

/* Index of the first buffer that starts after `offset`. */
static size_t slab_after(const struct content *content, uint64_t offset)
{
	size_t low = 0, high = content->dirty_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (content->dirty[middle]->offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int slab_grow(struct slab *b, size_t need)
{
	size_t room = b->room;
	if (need <= room)
		return 0;
	while (room < need)
		room *= 2;
	uint8_t *memory = mem_try_resize(b->data - b->head, b->head + room, 1);
	if (!memory)
		return -ENOMEM;
	b->data = memory + b->head;
	b->room = room;
	return 0;
}

/* Bytes in front of the data for what an earlier buffer leaves over. */
static size_t slab_head(const struct tree *t, uint64_t offset, size_t size)
{
	return offset && size >= BUFFER_SIZE / 4 ? chunker_largest(t->chunker) + CHUNKER_ZERO_RUN : 0;
}

static struct slab *slab_insert(struct inode *inode, size_t index, uint64_t offset, size_t size)
{
	struct content *content = inode->content;
	size_t room = BUFFER_ROOM_MIN;
	if (mem_reserve(&content->dirty, &content->dirty_capacity, content->dirty_count + 1,
			sizeof(*content->dirty)))
		return NULL;
	while (room < size)
		room *= 2;
	/* One that continues a stream will be filled. */
	if (index && slab_end(content->dirty[index - 1]) == offset)
		room = BUFFER_SIZE;
	struct slab *b = slab_new(room, slab_head(inode->tree, offset, room));
	if (!b)
		return NULL;
	b->offset = offset;
	memmove(content->dirty + index + 1, content->dirty + index,
		(content->dirty_count - index) * sizeof(*content->dirty));
	content->dirty[index] = b;
	content->dirty_count++;
	atomic_fetch_add(&inode->tree->slabs, 1);
	return b;
}

/* Puts as much as one buffer takes; returns the bytes, or -ENOMEM. */
static ssize_t slab_put(struct inode *inode, struct slab_write *w)
{
	struct content *content = inode->content;
	uint64_t offset = w->offset + w->taken, growth = 0;
	const uint8_t *data = w->data + w->taken;
	size_t size = w->size - w->taken;
	size_t index = slab_after(content, offset);
	struct slab *b = index ? content->dirty[index - 1] : NULL;
	if (b && offset < slab_end(b)) {
		size_t n = slab_end(b) - offset < size ? (size_t)(slab_end(b) - offset) : size;
		memcpy(b->data + (offset - b->offset), data, n);
		return (ssize_t)n;
	}
	if (index < content->dirty_count && content->dirty[index]->offset - offset < size)
		size = (size_t)(content->dirty[index]->offset - offset);
	bool append = b && slab_end(b) == offset && b->size < BUFFER_SIZE;
	size_t room = append ? BUFFER_SIZE - b->size : BUFFER_SIZE;
	if (size > room)
		size = room;
	if (!append)
		b = slab_insert(inode, index, offset, size);
	if (!b || slab_grow(b, b->size + size))
		return -ENOMEM;
	memcpy(b->data + b->size, data, size);
	b->size += size;
	/* The map has been asked when the write was charged. If it cannot be asked again, what
	 * fills holes counts when the map has it. */
	if (content_growth_locked(inode, offset, size, w->holes, &growth))
		(void)content_growth_locked(inode, offset, size, false, &growth);
	b->growth += growth;
	content->growth += growth;
	content->dirty_bytes += size;
	w->added += size;
	return (ssize_t)size;
}

int slab_write_locked(struct inode *inode, struct slab_write *w)
{
	w->taken = w->added = 0;
	while (w->taken < w->size) {
		ssize_t n = slab_put(inode, w);
		if (n < 0)
			return (int)n;
		w->taken += (size_t)n;
	}
	return 0;
}

static bool slab_covers(const struct slab *b, uint64_t offset, size_t size)
{
	return b->offset <= offset && offset + size <= slab_end(b);
}

bool slab_read_locked(const struct content *content, uint64_t offset, size_t size, uint8_t *out)
{
	const struct slab *only = NULL;
	size_t index = slab_after(content, offset);
	if (index && slab_covers(content->dirty[index - 1], offset, size)) {
		only = content->dirty[index - 1];
	} else {
		for (size_t i = 0; i < content->dirty_count; i++)
			if (content->dirty[i]->offset < offset + size &&
			    offset < slab_end(content->dirty[i]))
				return false;
		for (const struct slab *b = content->queue; b; b = b->next) {
			if (b->offset >= offset + size || offset >= slab_end(b))
				continue;
			if (only || !slab_covers(b, offset, size))
				return false;
			only = b;
		}
	}
	if (!only)
		return false;
	memcpy(out, only->data + (offset - only->offset), size);
	return true;
}

static void slab_enqueue(struct content *content, size_t first, size_t count)
{
	for (size_t i = first; i < first + count; i++) {
		struct slab *b = content->dirty[i];
		content->dirty_bytes -= b->size;
		b->next = NULL;
		if (content->queue)
			content->queue_end->next = b;
		else
			content->queue = b;
		content->queue_end = b;
	}
	memmove(content->dirty + first, content->dirty + first + count,
		(content->dirty_count - first - count) * sizeof(*content->dirty));
	content->dirty_count -= count;
}

void slab_hand_over_locked(struct inode *inode, bool all)
{
	struct content *content = inode->content;
	if (!content || content->dirty_count == 0)
		return;
	if (all || content->dirty_bytes >= BUFFERS_SCATTERED || content->dirty_count >= BUFFERS_MANY) {
		slab_enqueue(content, 0, content->dirty_count);
		return;
	}
	uint64_t expected = content->dirty[0]->offset;
	if (content->queue)
		expected = slab_end(content->queue_end);
	else if (content->carry)
		expected = slab_end(content->carry);
	size_t first = slab_after(content, expected);
	if (first == 0 || content->dirty[first - 1]->offset != expected)
		return;
	size_t end = --first;
	while (end < content->dirty_count && content->dirty[end]->size == BUFFER_SIZE &&
	       content->dirty[end]->offset == expected) {
		expected += BUFFER_SIZE;
		end++;
	}
	if (end > first)
		slab_enqueue(content, first, end - first);
}

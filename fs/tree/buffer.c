/* SPDX-License-Identifier: MIT */
/*
 * Write buffers of an inode: what has been written and not yet handed to the
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

#define BUFFER_ROOM_MIN   4096u
#define BUFFERS_SCATTERED (8u << 20) /* bytes out of sequence that are waited with */

struct buffer *buffer_new(size_t room, size_t head)
{
	struct buffer *b = mem_try_zalloc(1, sizeof(*b));
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

void buffer_free(struct buffer **pointer)
{
	struct buffer *b = TAKE(*pointer);
	if (!b)
		return;
	free(b->data - b->head);
	free(b);
}

void buffer_retire_locked(struct inode *inode, struct buffer **pointer)
{
	struct buffer *b = *pointer;
	struct tree *t = inode->tree;
	inode->content->growth -= b->growth;
	container_discharge(t, inode->row.container, b->growth);
	atomic_fetch_sub(&t->buffered, b->size);
	store_unreserve(t->store, b->size);
	buffer_free(pointer);
	pthread_cond_broadcast(&t->room);
}

static uint64_t buffer_end(const struct buffer *b)
{
	return b->offset + b->size;
}

/* Index of the first buffer that starts after `offset`. */
static size_t buffer_after(const struct content *content, uint64_t offset)
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

static int buffer_grow(struct buffer *b, size_t need)
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
static size_t buffer_head(const struct tree *t, uint64_t offset, size_t size)
{
	return offset && size >= BUFFER_SIZE / 4 ? chunker_largest(t->chunker) + CHUNKER_ZERO_RUN : 0;
}

static struct buffer *buffer_insert(struct inode *inode, size_t index, uint64_t offset, size_t size)
{
	struct content *content = inode->content;
	size_t room = BUFFER_ROOM_MIN;
	if (mem_reserve(&content->dirty, &content->dirty_capacity, content->dirty_count + 1,
			sizeof(*content->dirty)))
		return NULL;
	while (room < size)
		room *= 2;
	/* One that continues a stream will be filled. */
	if (index && buffer_end(content->dirty[index - 1]) == offset)
		room = BUFFER_SIZE;
	struct buffer *b = buffer_new(room, buffer_head(inode->tree, offset, room));
	if (!b)
		return NULL;
	b->offset = offset;
	memmove(content->dirty + index + 1, content->dirty + index,
		(content->dirty_count - index) * sizeof(*content->dirty));
	content->dirty[index] = b;
	content->dirty_count++;
	return b;
}

/* The part of [offset, offset + size) that lies beyond the file's end. */
static uint64_t growth_of(uint64_t file_size, uint64_t offset, size_t size)
{
	uint64_t end = offset + size;
	if (end <= file_size)
		return 0;
	return end - (offset > file_size ? offset : file_size);
}

/* Puts as much as one buffer takes; returns the bytes, or -ENOMEM. */
static ssize_t buffer_put(struct inode *inode, uint64_t offset, const uint8_t *data, size_t size,
			  size_t *added)
{
	struct content *content = inode->content;
	size_t index = buffer_after(content, offset);
	struct buffer *b = index ? content->dirty[index - 1] : NULL;
	if (b && offset < buffer_end(b)) {
		size_t n = buffer_end(b) - offset < size ? (size_t)(buffer_end(b) - offset) : size;
		memcpy(b->data + (offset - b->offset), data, n);
		return (ssize_t)n;
	}
	if (index < content->dirty_count && content->dirty[index]->offset - offset < size)
		size = (size_t)(content->dirty[index]->offset - offset);
	bool append = b && buffer_end(b) == offset && b->size < BUFFER_SIZE;
	size_t room = append ? BUFFER_SIZE - b->size : BUFFER_SIZE;
	if (size > room)
		size = room;
	if (!append)
		b = buffer_insert(inode, index, offset, size);
	if (!b || buffer_grow(b, b->size + size))
		return -ENOMEM;
	memcpy(b->data + b->size, data, size);
	b->size += size;
	uint64_t growth = growth_of(inode->row.size, offset, size);
	b->growth += growth;
	content->growth += growth;
	content->dirty_bytes += size;
	*added += size;
	return (ssize_t)size;
}

int buffer_write_locked(struct inode *inode, uint64_t offset, const uint8_t *data, size_t size,
			size_t *added)
{
	*added = 0;
	while (size) {
		ssize_t n = buffer_put(inode, offset, data, size, added);
		if (n < 0)
			return (int)n;
		offset += (uint64_t)n;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

static bool buffer_covers(const struct buffer *b, uint64_t offset, size_t size)
{
	return b->offset <= offset && offset + size <= buffer_end(b);
}

bool buffer_read_locked(const struct content *content, uint64_t offset, size_t size, uint8_t *out)
{
	const struct buffer *only = NULL;
	size_t index = buffer_after(content, offset);
	if (index && buffer_covers(content->dirty[index - 1], offset, size)) {
		only = content->dirty[index - 1];
	} else {
		for (size_t i = 0; i < content->dirty_count; i++)
			if (content->dirty[i]->offset < offset + size &&
			    offset < buffer_end(content->dirty[i]))
				return false;
		for (const struct buffer *b = content->queue; b; b = b->next) {
			if (b->offset >= offset + size || offset >= buffer_end(b))
				continue;
			if (only || !buffer_covers(b, offset, size))
				return false;
			only = b;
		}
	}
	if (!only)
		return false;
	memcpy(out, only->data + (offset - only->offset), size);
	return true;
}

static void buffer_enqueue(struct content *content, size_t first, size_t count)
{
	for (size_t i = first; i < first + count; i++) {
		struct buffer *b = content->dirty[i];
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

void buffer_hand_over_locked(struct inode *inode, bool all)
{
	struct content *content = inode->content;
	if (!content || content->dirty_count == 0)
		return;
	if (all || content->dirty_bytes >= BUFFERS_SCATTERED) {
		buffer_enqueue(content, 0, content->dirty_count);
		return;
	}
	uint64_t expected = content->dirty[0]->offset;
	if (content->queue)
		expected = buffer_end(content->queue_end);
	else if (content->carry)
		expected = buffer_end(content->carry);
	size_t first = buffer_after(content, expected);
	if (first == 0 || content->dirty[first - 1]->offset != expected)
		return;
	size_t end = --first;
	while (end < content->dirty_count && content->dirty[end]->size == BUFFER_SIZE &&
	       content->dirty[end]->offset == expected) {
		expected += BUFFER_SIZE;
		end++;
	}
	if (end > first)
		buffer_enqueue(content, first, end - first);
}

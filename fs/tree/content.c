/* SPDX-License-Identifier: MIT */
/*
 * The contents of a regular file in use: its map, write buffers and pipeline
 * state. The struct comes when it is first needed and goes when the file is
 * closed and clean.
 *
 * A byte is in exactly one of these places, newest first: a dirty buffer, a
 * buffer in the queue, the carried bytes (unless stored), the map.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/tree/internal.h"

/* One file's map may have this share of the memory. */
#define MAP_SHARE      32u
#define MAP_MEMORY_MIN (256u << 10)

int content_need_locked(struct inode *inode)
{
	if (inode->content)
		return 0;
	struct content *content = mem_try_zalloc(1, sizeof(*content));
	if (!content)
		return -ENOMEM;
	content->inode = inode;
	pthread_cond_init(&content->idle, NULL);
	inode->content = content;
	return 0;
}

void content_take_stream(struct content *content)
{
	struct tree *t = content->inode->tree;
	if (content->stream)
		return;
	if (atomic_fetch_add(&t->own_streams, 1) < OWN_STREAMS)
		content->stream = store_stream_new(t->store, PACK_DATA);
	if (!content->stream)
		atomic_fetch_sub(&t->own_streams, 1);
}

void content_free_stream(struct content *content)
{
	if (!content->stream)
		return;
	store_stream_free(&content->stream);
	atomic_fetch_sub(&content->inode->tree->own_streams, 1);
}

int content_map_locked(struct inode *inode, struct filemap **map)
{
	int error = content_need_locked(inode);
	if (error)
		return error;
	struct content *content = inode->content;
	if (!content->map) {
		if (inode->map_size) {
			error = filemap_load(&inode->tree->io, inode->map, inode->map_size,
					     &content->map);
		} else {
			content->map = filemap_new(&inode->tree->io);
			error = content->map ? 0 : -ENOMEM;
		}
	}
	if (!error)
		*map = content->map;
	return error;
}

static bool content_has_work(const struct content *content)
{
	return content->queue || (content->carry && !content->carry->stored);
}

bool content_is_pending(const struct content *content)
{
	return content && (content->running || content->dirty_count || content_has_work(content));
}

static bool slab_overlaps(const struct slab *b, uint64_t offset, uint64_t size)
{
	return b->offset < offset + size && offset < b->offset + b->size;
}

bool content_overlaps(const struct content *content, uint64_t offset, uint64_t size)
{
	if (!content)
		return false;
	for (size_t i = 0; i < content->dirty_count; i++)
		if (slab_overlaps(content->dirty[i], offset, size))
			return true;
	for (const struct slab *b = content->queue; b; b = b->next)
		if (slab_overlaps(b, offset, size))
			return true;
	const struct slab *carry = content->carry;
	return carry && !carry->stored && slab_overlaps(carry, offset, size);
}

void content_account_locked(struct inode *inode)
{
	uint64_t allocated = filemap_allocated(inode->content->map);
	int64_t change = (int64_t)(allocated - inode->row.allocated);
	/* A task that was under way when its inode was freed: that one is off the books. */
	if (change == 0 || inode->deleted)
		return;
	inode->row.allocated = allocated;
	container_account(inode->tree, inode->row.container, 0, change);
}

int content_trim_locked(struct inode *inode)
{
	struct filemap *map = inode->content->map;
	size_t limit = (size_t)(inode->tree->options.memory / MAP_SHARE) + MAP_MEMORY_MIN;
	if (filemap_memory(map) <= limit)
		return 0;
	return filemap_shrink(map, limit / 2);
}

int content_save_locked(struct inode *inode)
{
	struct content *content = inode->content;
	if (!content || !content->map || !filemap_is_dirty(content->map))
		return 0;
	void *blob = NULL;
	size_t size = 0;
	int error = filemap_save(content->map, &blob, &size);
	if (error)
		return error;
	free(inode->map);
	inode->map = blob;
	inode->map_size = size;
	return 0;
}

int content_growth_locked(struct inode *inode, uint64_t offset, uint64_t size, bool holes,
			  uint64_t *growth)
{
	uint64_t before = inode->row.size > offset ? inode->row.size - offset : 0;
	uint64_t data = before < size ? before : size; /* or what may be */
	struct filemap *map;
	int error = 0;
	if (holes && data) {
		error = content_map_locked(inode, &map);
		if (!error)
			error = filemap_data(map, offset, data, &data);
	}
	if (!error)
		*growth = size - data;
	return map_errno(error);
}

void content_count_down_locked(struct inode *inode, uint64_t growth)
{
	inode->content->growth -= growth;
	container_discharge(inode->tree, inode->row.container, growth);
}

void content_carry_locked(struct content *content, struct slab *carry)
{
	struct tree *t = content->inode->tree;
	if (content->carry)
		atomic_fetch_sub(&t->held, content->carry->size);
	if (carry)
		atomic_fetch_add(&t->held, carry->size);
	slab_free(&content->carry);
	content->carry = carry;
}

static void content_drop_buffers(struct content *content)
{
	struct inode *inode = content->inode;
	while (content->dirty_count) {
		struct slab *b = content->dirty[--content->dirty_count];
		content->dirty_bytes -= b->size;
		slab_retire_locked(inode, &b);
	}
	while (content->queue) {
		struct slab *b = content->queue;
		content->queue = b->next;
		slab_retire_locked(inode, &b);
	}
	content->queue_end = NULL;
	if (content->carry)
		content_count_down_locked(inode, content->carry->growth);
	content_carry_locked(content, NULL);
}

void content_lose_locked(struct inode *inode, int error)
{
	content_drop_buffers(inode->content);
	loss_note_locked(inode, error);
}

void content_discard_locked(struct inode *inode)
{
	struct content *content = inode->content;
	if (!content)
		return;
	/* Only the buffer that is being worked on has to be waited for. */
	while (content->running) {
		struct slab *rest = content->queue ? content->queue->next : NULL;
		if (content->queue)
			content->queue->next = NULL;
		content->queue_end = content->queue;
		while (rest) {
			struct slab *b = rest;
			rest = b->next;
			slab_retire_locked(inode, &b);
		}
		content->waiters++;
		pthread_cond_wait(&content->idle, &inode->lock);
		content->waiters--;
	}
	content_drop_buffers(content);
	content->finish = false;
	content->error = 0;
}

void content_free(struct content **pointer)
{
	struct content *content = *pointer;
	if (!content)
		return;
	ASSERT(!content->running && !content->waiters);
	content_drop_buffers(content);
	*pointer = NULL;
	content_free_stream(content);
	filemap_free(&content->map);
	free(content->dirty);
	pthread_cond_destroy(&content->idle);
	free(content);
}

void content_release_locked(struct inode *inode)
{
	struct content *content = inode->content;
	if (!content || inode->opens || content->waiters || content_is_pending(content))
		return;
	if (content->map && filemap_is_dirty(content->map))
		return;
	content_free(&inode->content);
}

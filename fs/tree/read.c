/* SPDX-License-Identifier: MIT */
/*
 * Reading: extents under the inode's lock, chunks outside of it, as views into
 * the store's region cache that are sent without copying.
 *
 * What is still in a write buffer comes from there when one buffer has all of
 * it; otherwise the inode's buffers are drained first. A sequential reader has
 * the next regions loaded ahead by the pool.
 *
 * Between the look at the map and the fetch an overwritten chunk may be cleaned
 * away: then the map is looked at again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "fs/tree/internal.h"

#define READ_EXTENTS  128
#define READ_TRIES    3
#define READ_AHEAD_PART 16       /* of the tree's memory: bytes of the file to load ahead */
#define READ_NEAR     (8u << 20) /* as much as the kernel asks for at once */
#define READ_RUN      (64u << 10) /* bytes in a row that make a reader sequential */
#define ZEROS_SIZE    (256u << 10)

static uint8_t read_zeros[ZEROS_SIZE];

/* What a read holds until it is released. */
struct read_hold {
	void *copy;
	struct store_view *views;
	size_t view_count, view_capacity;
	struct extent *extents;
	size_t extent_count, extent_capacity;
	size_t iov_capacity;
};

static void read_hold_reset(struct read_hold *hold)
{
	for (size_t i = 0; i < hold->view_count; i++)
		store_view_release(&hold->views[i]);
	hold->view_count = hold->extent_count = 0;
}

void tree_read_release(struct tree_read *read)
{
	struct read_hold *hold = TAKE(read->hold);
	if (hold) {
		read_hold_reset(hold);
		free(hold->views);
		free(hold->extents);
		free(hold->copy);
		free(hold);
	}
	free(read->iov);
	*read = (struct tree_read){0};
}

static int read_add(struct tree_read *read, const uint8_t *data, size_t size)
{
	struct read_hold *hold = read->hold;
	if (read->count) {
		struct iovec *last = &read->iov[read->count - 1];
		if ((const uint8_t *)last->iov_base + last->iov_len == data) {
			last->iov_len += size;
			read->size += size;
			return 0;
		}
	}
	if (mem_reserve(&read->iov, &hold->iov_capacity, (size_t)read->count + 1, sizeof(*read->iov)))
		return -ENOMEM;
	read->iov[read->count++] = (struct iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = size};
	read->size += size;
	return 0;
}

static int read_add_hole(struct tree_read *read, uint64_t length)
{
	int error = 0;
	while (!error && length) {
		size_t n = length < ZEROS_SIZE ? (size_t)length : ZEROS_SIZE;
		error = read_add(read, read_zeros, n);
		length -= n;
	}
	return error;
}

static int read_add_data(struct tree *t, struct tree_read *read, const struct extent *extent)
{
	struct read_hold *hold = read->hold;
	if (mem_reserve(&hold->views, &hold->view_capacity, hold->view_count + 1,
			sizeof(*hold->views)))
		return -ENOMEM;
	struct store_view *view = &hold->views[hold->view_count];
	int error = store_get(t->store, extent->chunk, view);
	if (error)
		return error;
	hold->view_count++;
	/* A map that asks for more than the chunk has is damaged. */
	if (extent->skip > view->size || extent->length > view->size - extent->skip)
		return -EIO;
	return read_add(read, view->data + extent->skip, (size_t)extent->length);
}

/* The extents of [offset, offset + size), with a hole for what the map does not reach. */
static int read_look_locked(struct inode *inode, uint64_t offset, size_t size, struct read_hold *hold)
{
	struct filemap *map;
	int error = content_map_locked(inode, &map);
	for (uint64_t at = offset, end = offset + size; !error && at < end;) {
		error = mem_reserve(&hold->extents, &hold->extent_capacity,
				    hold->extent_count + READ_EXTENTS, sizeof(*hold->extents));
		if (error)
			break;
		struct extent *extents = hold->extents + hold->extent_count;
		int n = filemap_read(map, at, end - at, extents, READ_EXTENTS);
		if (n < 0)
			return n;
		if (n == 0) {
			extents[0] = (struct extent){.length = end - at, .kind = EXTENT_HOLE};
			n = 1;
		}
		hold->extent_count += (size_t)n;
		for (int i = 0; i < n; i++)
			at += extents[i].length;
	}
	return error;
}

static int read_fetch(struct tree *t, struct tree_read *read)
{
	struct read_hold *hold = read->hold;
	int error = 0;
	read->count = 0;
	read->size = 0;
	for (size_t i = 0; i < hold->extent_count && !error; i++) {
		const struct extent *extent = &hold->extents[i];
		if (extent->kind == EXTENT_HOLE)
			error = read_add_hole(read, extent->length);
		else
			error = read_add_data(t, read, extent);
	}
	return error;
}

/* Lock held: notes the read; true when the reader is sequential. The kernel reads ahead in several
 * requests at once, which come in any order. */
static bool read_is_sequential_locked(struct content *content, uint64_t offset, uint64_t end)
{
	bool near = offset <= content->read_next + READ_NEAR && end + READ_NEAR >= content->read_next;
	if (!near) {
		content->read_run = 0;
		content->read_next = content->prefetched = end;
	} else if (end > content->read_next) {
		content->read_next = end;
	}
	content->read_run += end - offset;
	return content->read_run >= READ_RUN;
}

/* Lock held: has the regions after what is read loaded, so that the workers decode them while
 * the reader is busy with what it has got. */
static void read_ahead_locked(struct inode *inode, uint64_t offset, uint64_t end)
{
	struct content *content = inode->content;
	struct tree *t = inode->tree;
	struct extent extents[READ_EXTENTS];
	if (!read_is_sequential_locked(content, offset, end) || !content->map)
		return;
	uint64_t ahead = t->options.memory / READ_AHEAD_PART;
	uint64_t from = content->prefetched > content->read_next ? content->prefetched : content->read_next;
	uint64_t to = content->read_next + ahead;
	if (to > inode->row.size)
		to = inode->row.size;
	/* In steps, so that a small read does not look for each few bytes. */
	if (from >= to || (to - from < ahead / 8 && to != inode->row.size))
		return;
	bool room = true;
	while (room && from < to) {
		int n = filemap_read(content->map, from, to - from, extents, READ_EXTENTS);
		for (int i = 0; i < n && room; i++) {
			if (extents[i].kind == EXTENT_DATA)
				room = store_prefetch(t->store, extents[i].chunk);
			if (room)
				from += extents[i].length;
		}
		room = room && n > 0;
	}
	content->prefetched = from;
}

static int read_buffered_locked(struct inode *inode, uint64_t offset, size_t size,
				struct tree_read *read)
{
	struct read_hold *hold = read->hold;
	if (!content_overlaps(inode->content, offset, size))
		return -ENOENT;
	hold->copy = mem_try_alloc(size, 1);
	if (!hold->copy)
		return -ENOMEM;
	if (slab_read_locked(inode->content, offset, size, hold->copy))
		return read_add(read, hold->copy, size);
	free(TAKE(hold->copy));
	int error = ingest_drain_locked(inode);
	return error ? error : -ENOENT;
}

/* Takes what there is from the buffers, or the extents; -EAGAIN says the latter. */
static int read_start(struct inode *inode, uint64_t offset, size_t size, struct tree_read *read)
{
	LOCK_SCOPE(&inode->lock);
	if (!S_ISREG(inode->row.mode))
		return S_ISDIR(inode->row.mode) ? -EISDIR : -EINVAL;
	inode_accessed_locked(inode);
	if (offset >= inode->row.size)
		return 0;
	if (size > inode->row.size - offset)
		size = (size_t)(inode->row.size - offset);
	int error = read_buffered_locked(inode, offset, size, read);
	if (error != -ENOENT)
		return error;
	error = read_look_locked(inode, offset, size, read->hold);
	if (error)
		return map_errno(error);
	read_ahead_locked(inode, offset, offset + size);
	(void)content_trim_locked(inode); /* a reader need not care whether it could */
	return -EAGAIN;
}

int tree_read(struct tree *t, uint64_t number, uint64_t offset, size_t size, struct tree_read *read)
{
	CLEANUP_INODE struct inode *inode = NULL;
	*read = (struct tree_read){0};
	int error = inode_get(t, number, &inode);
	if (error || size == 0)
		return error;
	if (offset > TREE_FILE_MAX || size > TREE_FILE_MAX - offset)
		return -EINVAL;
	read->hold = mem_try_zalloc(1, sizeof(struct read_hold));
	error = read->hold ? -ENOENT : -ENOMEM;
	for (int try = 0; error == -ENOENT && try < READ_TRIES; try++) {
		read_hold_reset(read->hold);
		error = read_start(inode, offset, size, read);
		if (error == -EAGAIN)
			error = read_fetch(t, read);
	}
	if (error) {
		tree_read_release(read);
		return error == -ENOENT ? -EIO : error;
	}
	atomic_fetch_add_explicit(&t->bytes_read, read->size, memory_order_relaxed);
	return 0;
}

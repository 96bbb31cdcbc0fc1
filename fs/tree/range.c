/* SPDX-License-Identifier: MIT */
/*
 * Ranges of a file: truncate, fallocate, lseek, copy_file_range. Each first
 * drains the write buffers, so that the map says everything, and then works on
 * the map alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "fs/tree/internal.h"
#include "lib/base/clock.h"

/* Holes below st_blksize are data to lseek(2), as they are where blocks are that large: two
 * calls for each few zeros of a package cost cp(1) more than to read them. */
#define SEEK_HOLE_MIN  65536u
/* No more small ones than this are passed by at once: the inode is locked. */
#define SEEK_STEPS_MAX 1024u

/* The carried bytes do not go on from here any more. */
static void range_forget_carry(struct inode *inode)
{
	if (inode->content && !content_is_pending(inode->content))
		content_carry_locked(inode->content, NULL);
}

static int range_prepare_locked(struct inode *inode, struct filemap **map)
{
	int error = ingest_drain_locked(inode);
	if (!error)
		error = content_map_locked(inode, map);
	if (!error)
		range_forget_carry(inode);
	return error;
}

/* Nothing of the map is asked for that: so what is damaged can be written anew. */
static void range_empty_locked(struct inode *inode)
{
	content_discard_locked(inode);
	if (inode->content)
		filemap_free(&inode->content->map);
	free(TAKE(inode->map));
	inode->map_size = 0;
	container_account(inode->tree, inode->row.container, 0, -(int64_t)inode->row.allocated);
	inode->row.allocated = 0;
}

int range_truncate_locked(struct inode *inode, uint64_t size)
{
	struct filemap *map;
	int error = 0;
	if (size > TREE_FILE_MAX)
		return -EFBIG;
	if (size == 0) {
		range_empty_locked(inode);
	} else if (size < inode->row.size) {
		error = range_prepare_locked(inode, &map);
		if (!error)
			error = filemap_truncate(map, size);
		if (!error)
			content_account_locked(inode);
	}
	if (!error)
		inode->row.size = size;
	return error;
}

/* Nothing is set aside, but what the quota could never take is refused: what [offset, end) has no
 * data for. */
static int fallocate_check_locked(struct inode *inode, uint64_t offset, uint64_t end)
{
	uint64_t growth = 0;
	int error = content_need_locked(inode);
	if (error || end <= offset)
		return error;
	bool limited = container_is_limited(inode->tree, inode->row.container);
	if (limited)
		error = ingest_drain_locked(inode);
	if (!error)
		error = content_growth_locked(inode, offset, end - offset, limited, &growth);
	return error ? error : container_check(inode->tree, inode->row.container, growth);
}

static int fallocate_locked(struct inode *inode, int mode, uint64_t offset, uint64_t length)
{
	struct filemap *map;
	uint64_t end = offset + length;
	bool grow = !(mode & FALLOC_FL_KEEP_SIZE) && end > inode->row.size;
	int error = 0;
	if (inode->deleted)
		return -ESTALE;
	if (!S_ISREG(inode->row.mode))
		return S_ISDIR(inode->row.mode) ? -EISDIR : -ENODEV;
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) {
		error = range_prepare_locked(inode, &map);
		if (!error)
			error = filemap_punch(map, offset, length);
		if (!error)
			content_account_locked(inode);
	} else {
		bool within = grow || end <= inode->row.size;
		error = fallocate_check_locked(inode, offset, within ? end : inode->row.size);
	}
	if (error)
		return error;
	if (grow)
		inode->row.size = end;
	inode->row.mtime = inode->row.ctime = clock_real_ns();
	return 0;
}

static bool fallocate_mode_is_known(int mode)
{
	return mode == 0 || mode == FALLOC_FL_KEEP_SIZE ||
	       mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE) ||
	       mode == FALLOC_FL_ZERO_RANGE || mode == (FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE);
}

static int fallocate_once(struct tree *t, struct inode *inode, int mode, uint64_t offset,
			  uint64_t length)
{
	bool frees = mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE);
	int error = frees ? change_begin_freeing(t) : change_begin(t);
	if (error)
		return error;
	pthread_mutex_lock(&inode->lock);
	error = fallocate_locked(inode, mode, offset, length);
	pthread_mutex_unlock(&inode->lock);
	if (!error)
		inode_mark(inode);
	change_end(t);
	return error;
}

int tree_fallocate(struct tree *t, uint64_t number, int mode, uint64_t offset, uint64_t length)
{
	CLEANUP_INODE struct inode *inode = NULL;
	if (!fallocate_mode_is_known(mode))
		return -EOPNOTSUPP;
	if (length == 0)
		return -EINVAL;
	if (offset > TREE_FILE_MAX || length > TREE_FILE_MAX - offset)
		return -EFBIG;
	int error = inode_get(t, number, &inode);
	if (error)
		return error;
	bool allocate = !(mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE));
	/* Space is not set aside for what has not been written, but what could never fit is refused. */
	if (allocate)
		error = store_reserve(t->store, length);
	if (error)
		return error;
	error = fallocate_once(t, inode, mode, offset, length);
	if (container_settle(inode, error))
		error = fallocate_once(t, inode, mode, offset, length);
	if (allocate)
		store_unreserve(t->store, length);
	return map_errno(error);
}

/* Data, or a hole worth the trip: see SEEK_HOLE_MIN. Past the map's end all is a hole. */
static int seek_map(struct filemap *map, uint64_t offset, bool data, uint64_t *found)
{
	uint64_t next = 0;
	for (unsigned steps = 0;; steps++) {
		int error = filemap_seek(map, offset, data, found);
		if (error)
			return error;
		if (data) {
			if (*found - offset < SEEK_HOLE_MIN)
				*found = offset;
			return 0;
		}
		error = filemap_seek(map, *found, true, &next);
		/* A map that does not read further on is no reason to hide the hole before it. */
		if (error || next - *found >= SEEK_HOLE_MIN || steps == SEEK_STEPS_MAX)
			return 0;
		offset = next;
	}
}

static int lseek_locked(struct inode *inode, uint64_t offset, bool data, uint64_t *found)
{
	struct filemap *map;
	if (!S_ISREG(inode->row.mode))
		return -EINVAL;
	if (offset >= inode->row.size)
		return -ENXIO;
	/* The kernel asks without writing what was changed in a mapping: it would be called a hole. */
	if (inode->mappable) {
		*found = data ? offset : inode->row.size;
		return 0;
	}
	int error = ingest_drain_locked(inode);
	if (!error)
		error = content_map_locked(inode, &map);
	if (error)
		return error;
	uint64_t size = inode->row.size;
	if (offset >= filemap_length(map)) {
		*found = offset;
		return data ? -ENXIO : 0;
	}
	error = seek_map(map, offset, data, found);
	if (!error && *found >= size) {
		*found = size;
		error = data ? -ENXIO : 0;
	}
	return error;
}

int tree_lseek(struct tree *t, uint64_t number, uint64_t offset, int whence, uint64_t *found)
{
	CLEANUP_INODE struct inode *inode = NULL;
	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return -EINVAL;
	int error = inode_get(t, number, &inode);
	if (error)
		return error;
	LOCK_SCOPE(&inode->lock);
	uint64_t at;
	error = lseek_locked(inode, offset, whence == SEEK_DATA, &at);
	if (!error)
		*found = at;
	return map_errno(error);
}

/* Locks both when neither has anything in its buffers. */
static int copy_lock_drained(struct inode *from, struct inode *to)
{
	for (;;) {
		struct inode *each[2] = {from, to};
		for (int i = 0; i < 2; i++) {
			LOCK_SCOPE(&each[i]->lock);
			int error = ingest_drain_locked(each[i]);
			if (error)
				return error;
		}
		inode_lock_pair(from, to);
		if (!content_is_pending(from->content) && !content_is_pending(to->content))
			return 0;
		inode_unlock_pair(from, to);
	}
}

/* Takes from the quota by how much the data that comes is more than what it takes the place of. */
static int copy_charge(struct inode *to, struct filemap *source, uint64_t from_offset,
		       struct filemap *target, uint64_t to_offset, uint64_t length, uint64_t *charged)
{
	uint64_t more, less;
	*charged = 0;
	if (!container_is_limited(to->tree, to->row.container))
		return 0;
	int error = filemap_data(source, from_offset, length, &more);
	if (!error)
		error = filemap_data(target, to_offset, length, &less);
	if (error || more <= less)
		return error;
	error = container_charge(to->tree, to->row.container, more - less);
	if (!error)
		*charged = more - less;
	return error;
}

static ssize_t copy_locked(struct inode *from, uint64_t from_offset, struct inode *to,
			   uint64_t to_offset, uint64_t length)
{
	struct filemap *source, *target;
	if (from_offset >= from->row.size)
		return 0;
	if (length > from->row.size - from_offset)
		length = from->row.size - from_offset;
	if (to_offset > TREE_FILE_MAX - length)
		return -EFBIG;
	if (from == to && from_offset < to_offset + length && to_offset < from_offset + length)
		return -EINVAL;
	uint64_t end = to_offset + length, charged;
	int error = content_map_locked(from, &source);
	if (!error)
		error = content_map_locked(to, &target);
	if (!error)
		error = copy_charge(to, source, from_offset, target, to_offset, length, &charged);
	if (error)
		return error;
	range_forget_carry(to);
	/* The source's map may end before its file does: the rest is a hole. */
	uint64_t mapped = filemap_length(source) > from_offset ? filemap_length(source) - from_offset : 0;
	if (mapped > length)
		mapped = length;
	if (mapped)
		error = filemap_copy(source, from_offset, mapped, target, to_offset);
	if (!error && mapped < length)
		error = filemap_punch(target, to_offset + mapped, length - mapped);
	content_account_locked(to);
	container_discharge(to->tree, to->row.container, charged);
	if (error)
		return error;
	if (end > to->row.size)
		to->row.size = end;
	to->row.mtime = to->row.ctime = clock_real_ns();
	return (ssize_t)length;
}

static ssize_t copy_once(struct inode *from, uint64_t from_offset, struct inode *to,
			 uint64_t to_offset, uint64_t length)
{
	ssize_t copied = change_begin(to->tree);
	if (copied)
		return copied;
	copied = copy_lock_drained(from, to);
	if (copied == 0) {
		copied = copy_locked(from, from_offset, to, to_offset, length);
		inode_unlock_pair(from, to);
	}
	if (copied > 0)
		inode_mark(to);
	change_end(to->tree);
	return copied;
}

ssize_t tree_copy_range(struct tree *t, uint64_t from_number, uint64_t from_offset,
			uint64_t to_number, uint64_t to_offset, size_t length)
{
	CLEANUP_INODE struct inode *from = NULL;
	CLEANUP_INODE struct inode *to = NULL;
	if (from_offset > TREE_FILE_MAX || to_offset > TREE_FILE_MAX)
		return -EFBIG;
	int error = inode_get(t, from_number, &from);
	if (!error)
		error = inode_get(t, to_number, &to);
	if (error)
		return error;
	if (!S_ISREG(from->row.mode) || !S_ISREG(to->row.mode))
		return S_ISDIR(from->row.mode) || S_ISDIR(to->row.mode) ? -EISDIR : -EINVAL;
	ssize_t copied = copy_once(from, from_offset, to, to_offset, length);
	if (copied < 0 && container_settle(to, (int)copied))
		copied = copy_once(from, from_offset, to, to_offset, length);
	return copied < 0 ? map_errno((int)copied) : copied;
}

/* SPDX-License-Identifier: MIT */
/*
 * A snapshot: what a commit writes, copied out of the objects while nothing
 * changes, so that they may change again while it is written.
 *
 *   take   copies everything dirty; may fail, and then nothing has happened
 *   seal   the objects count as "under way" instead of dirty
 *   write  rows, inside the catalogue's transaction; may be done again
 *   end    the objects are clean (or dirty again after a failure) and unpinned
 *
 * take and seal run with freeze held for writing; only lazy marks (atime) can
 * come between, and what they miss is written by a later commit or not at all.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/tree/internal.h"

enum image_action { IMAGE_NOTHING, IMAGE_PUT, IMAGE_PUT_ORPHAN, IMAGE_DELETE };

struct inode_image {
	struct inode *inode;
	struct inode_row row;
	uint8_t *map;
	size_t map_size;
	struct xattrs *xattrs;
	bool write_xattrs;
	enum image_action action;
};

struct entry_image {
	struct entry *entry;
	uint64_t inode;
	uint8_t type;
	bool delete;
};

struct snapshot {
	struct inode_image *inodes;
	size_t inode_count;
	struct entry_image *entries;
	size_t entry_count;
	struct container *containers;
	size_t container_count;
	double ratio; /* of what it stores: known when that is written */
	int64_t next_inode;
	struct chunk_ref anchor;
	uint64_t anchor_changes;
};

void snapshot_free(struct snapshot **pointer)
{
	struct snapshot *s = TAKE(*pointer);
	if (!s)
		return;
	for (size_t i = 0; i < s->inode_count; i++) {
		free(s->inodes[i].map);
		xattrs_free(&s->inodes[i].xattrs);
	}
	free(s->inodes);
	free(s->entries);
	free(s->containers);
	free(s);
}

/* The row says whether it was ever written: read under table. */
static bool inode_is_stored(struct inode *inode)
{
	LOCK_SCOPE(&inode->tree->table);
	return inode->stored;
}

static int image_fill(struct inode_image *image)
{
	struct inode *inode = image->inode;
	LOCK_SCOPE(&inode->lock);
	image->row = inode->row;
	if (inode->deleted) {
		image->action = inode_is_stored(inode) ? IMAGE_DELETE : IMAGE_NOTHING;
		image->write_xattrs = inode->xattrs_dirty || (inode->row.flags & INODE_XATTRS);
		return 0;
	}
	image->action = inode->row.links ? IMAGE_PUT : IMAGE_PUT_ORPHAN;
	if (inode->map_size) {
		image->map = mem_try_alloc(inode->map_size, 1);
		if (!image->map)
			return -ENOMEM;
		memcpy(image->map, inode->map, inode->map_size);
		image->map_size = inode->map_size;
	}
	image->write_xattrs = inode->xattrs_dirty;
	return inode->xattrs_dirty ? xattrs_copy(inode->xattrs, &image->xattrs) : 0;
}

static int take_inodes(struct tree *t, struct snapshot *s)
{
	size_t room = atomic_load(&t->inodes_dirty_count);
	s->inodes = mem_try_zalloc(room, sizeof(*s->inodes));
	if (!s->inodes)
		return -ENOMEM;
	pthread_mutex_lock(&t->table);
	struct inode *inode;
	DL_FOREACH(t->inodes_dirty, inode)
	{
		if (s->inode_count == room)
			break; /* marked lazily just now: another time */
		s->inodes[s->inode_count++].inode = inode;
	}
	pthread_mutex_unlock(&t->table);
	int error = 0;
	for (size_t i = 0; i < s->inode_count && !error; i++)
		error = image_fill(&s->inodes[i]);
	return error;
}

static int take_entries(struct tree *t, struct snapshot *s)
{
	LOCK_SCOPE(&t->names);
	s->entries = mem_try_zalloc(t->entries_dirty_count, sizeof(*s->entries));
	if (!s->entries)
		return -ENOMEM;
	struct entry *entry;
	DL_FOREACH(t->entries_dirty, entry)
	s->entries[s->entry_count++] = (struct entry_image){
		.entry = entry,
		.inode = entry->inode,
		.type = entry->type,
		.delete = entry->inode == 0,
	};
	return 0;
}

static int take_containers(struct tree *t, struct snapshot *s)
{
	LOCK_SCOPE(&t->accounts);
	struct container *c, *next;
	s->containers = mem_try_zalloc(HASH_COUNT(t->containers), sizeof(*s->containers));
	if (!s->containers)
		return -ENOMEM;
	HASH_ITER(hh, t->containers, c, next)
	if (c->dirty)
		s->containers[s->container_count++] = *c;
	return 0;
}

int snapshot_take(struct tree *t, struct snapshot **snapshot)
{
	struct snapshot *s = mem_try_zalloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	int error = take_inodes(t, s);
	if (!error)
		error = take_entries(t, s);
	if (!error)
		error = take_containers(t, s);
	s->next_inode = (int64_t)atomic_load(&t->next_inode);
	pthread_mutex_lock(&t->commit);
	s->anchor = t->anchor;
	s->anchor_changes = t->anchor_changes;
	pthread_mutex_unlock(&t->commit);
	if (error)
		snapshot_free(&s);
	else
		*snapshot = s;
	return error;
}

static void seal_inode(struct tree *t, struct inode_image *image)
{
	struct inode *inode = image->inode;
	pthread_mutex_lock(&inode->lock);
	inode->xattrs_dirty = false;
	pthread_mutex_lock(&t->table);
	ASSERT(inode->dirty && !inode->committing);
	DL_DELETE(t->inodes_dirty, inode);
	atomic_fetch_sub(&t->inodes_dirty_count, 1);
	inode->dirty = false;
	inode->committing = true;
	inode->stored = image->action == IMAGE_PUT || image->action == IMAGE_PUT_ORPHAN;
	pthread_mutex_unlock(&t->table);
	pthread_mutex_unlock(&inode->lock);
}

static void seal_entry(struct tree *t, struct entry_image *image)
{
	struct entry *entry = image->entry;
	DL_DELETE(t->entries_dirty, entry);
	t->entries_dirty_count--;
	entry->dirty = false;
	entry->committing = true;
	entry->stored = !image->delete;
	CLEANUP_INODE struct inode *directory = NULL;
	/* In memory for certain: it is dirty itself when an entry of it is. */
	int error = inode_get(t, entry->key.parent, &directory);
	ASSERT(error == 0 && directory->pending != NULL);
	directory->fresh = false;
}

void snapshot_seal(struct tree *t, struct snapshot *s)
{
	pthread_mutex_lock(&t->names);
	for (size_t i = 0; i < s->entry_count; i++)
		seal_entry(t, &s->entries[i]);
	pthread_mutex_unlock(&t->names);
	for (size_t i = 0; i < s->inode_count; i++)
		seal_inode(t, &s->inodes[i]);
	atomic_store(&t->inodes_committing, s->inode_count);
	atomic_store(&t->entries_committing, s->entry_count);
	pthread_mutex_lock(&t->table);
	/* Together: whoever finds nothing changed must find the commit that carries it behind him. */
	t->changed = false;
	atomic_fetch_add(&t->current, 1);
	pthread_mutex_unlock(&t->table);
	LOCK_SCOPE(&t->accounts);
	for (size_t i = 0; i < s->container_count; i++) {
		struct container *c;
		HASH_FIND(hh, t->containers, &s->containers[i].inode, sizeof(uint64_t), c);
		if (c)
			c->dirty = false;
	}
}

static int write_inode(struct catalogue *c, const struct inode_image *image)
{
	uint64_t number = image->row.number;
	if (image->action == IMAGE_NOTHING)
		return 0;
	if (image->action == IMAGE_DELETE)
		return rows_delete_inode(c, number, image->write_xattrs);
	int error = rows_put_inode(c, &image->row, image->map, image->map_size);
	if (!error && image->write_xattrs)
		error = rows_put_xattrs(c, number, image->xattrs);
	if (!error && image->action == IMAGE_PUT_ORPHAN)
		error = rows_put_orphan(c, number);
	return error;
}

static int write_entry(struct catalogue *c, const struct entry_image *image)
{
	if (image->delete)
		return rows_delete_entry(c, image->entry);
	return rows_put_entry(c, image->entry, image->inode, image->type);
}

bool snapshot_has_changes(const struct snapshot *s)
{
	return s->inode_count || s->entry_count || s->container_count;
}

int snapshot_write(struct tree *t, struct snapshot *s, double ratio)
{
	struct catalogue *c = t->catalogue;
	int error = catalogue_set_meta(c, "next_inode", s->next_inode);
	if (!error && s->anchor.pack) {
		error = catalogue_set_meta(c, "anchor_pack", (int64_t)s->anchor.pack);
		if (!error)
			error = catalogue_set_meta(c, "anchor_slot", s->anchor.slot);
		if (!error)
			error = catalogue_set_meta(c, "anchor_changes", (int64_t)s->anchor_changes);
	}
	for (size_t i = 0; i < s->inode_count && !error; i++)
		error = write_inode(c, &s->inodes[i]);
	for (size_t i = 0; i < s->entry_count && !error; i++)
		error = write_entry(c, &s->entries[i]);
	s->ratio = ratio;
	for (size_t i = 0; i < s->container_count && !error; i++) {
		struct container container = s->containers[i];
		container_weigh(&container, container.fresh, ratio);
		error = rows_put_container(c, &container);
	}
	return error;
}

static void end_entries(struct tree *t, struct snapshot *s, bool committed)
{
	LOCK_SCOPE(&t->names);
	for (size_t i = 0; i < s->entry_count; i++) {
		CLEANUP_INODE struct inode *directory = NULL;
		struct entry *entry = s->entries[i].entry;
		int error = inode_get(t, entry->key.parent, &directory);
		ASSERT(error == 0);
		entry_settle(t, directory, entry, committed);
	}
}

/* An append that follows reads the last chunk back instead, where memory is short. */
static void end_carry_locked(struct inode *inode)
{
	struct content *content = inode->content;
	if (content && content->carry && !content_is_pending(content) && !content->waiters &&
	    atomic_load(&inode->tree->held) > inode->tree->budget / 4)
		content_carry_locked(content, NULL);
}

static void end_inode(struct inode_image *image, bool committed)
{
	struct inode *inode = image->inode;
	pthread_mutex_lock(&inode->lock);
	if (!committed && image->write_xattrs)
		inode->xattrs_dirty = true;
	else if (committed && inode->row.links)
		content_release_locked(inode);
	if (committed)
		inode->target_dirty = false;
	inode_hold_bytes_locked(inode);
	end_carry_locked(inode);
	pthread_mutex_unlock(&inode->lock);
	inode_settle(inode, committed);
}

static void end_containers(struct tree *t, struct snapshot *s, bool committed)
{
	LOCK_SCOPE(&t->accounts);
	for (size_t i = 0; i < s->container_count; i++) {
		struct container *c;
		HASH_FIND(hh, t->containers, &s->containers[i].inode, sizeof(uint64_t), c);
		if (!c)
			continue;
		if (!committed) {
			c->dirty = true;
			continue;
		}
		container_weigh(c, s->containers[i].fresh, s->ratio);
		if (c->removed && !c->dirty) {
			HASH_DELETE(hh, t->containers, c);
			free(c);
		}
	}
}

void snapshot_end(struct tree *t, struct snapshot **pointer, bool committed)
{
	struct snapshot *s = *pointer;
	end_entries(t, s, committed);
	for (size_t i = 0; i < s->inode_count; i++)
		end_inode(&s->inodes[i], committed);
	end_containers(t, s, committed);
	atomic_store(&t->inodes_committing, 0);
	atomic_store(&t->entries_committing, 0);
	snapshot_free(pointer);
}

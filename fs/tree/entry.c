/* SPDX-License-Identifier: MIT */
/*
 * Directory entries in memory: what is known of names, absent ones included.
 *
 * An entry sits at (directory, hash): the hash of its name, or the next of
 * ENTRY_PROBES places that is free both here and in the catalogue. So at most
 * one entry is at a place, names of equal hash included, and a name keeps its
 * place (and with it its readdir cookie) for as long as it exists.
 *
 * A name that has been removed stays here, dirty, until a commit has deleted
 * its row; its place is not given to another name before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/tree/internal.h"
#include "fs/tree/name_hash.h"

int name_check(const char *name)
{
	size_t length = strlen(name);
	if (length == 0)
		return -ENOENT;
	if (length > TREE_NAME_MAX)
		return -ENAMETOOLONG;
	return strchr(name, '/') ? -EINVAL : 0;
}

static uint64_t entry_hash(const struct tree *t, const char *name, size_t length)
{
	return name_hash(t->name_seed, name, length);
}

static struct entry *entry_at(struct tree *t, uint64_t parent, uint64_t hash)
{
	struct entry_key key = {parent, hash};
	struct entry *entry;
	HASH_FIND(hh, t->entries, &key, sizeof(key), entry);
	return entry;
}

static bool entry_is_clean(const struct entry *entry)
{
	return !entry->dirty && !entry->committing;
}

static void entry_drop(struct tree *t, struct entry *entry)
{
	HASH_DELETE(hh, t->entries, entry);
	free(entry);
}

static void entry_keep_clean(struct tree *t, struct entry *entry)
{
	DL_APPEND(t->entries_clean, entry);
	if (++t->entries_clean_count <= t->entries_max)
		return;
	struct entry *oldest = t->entries_clean;
	DL_DELETE(t->entries_clean, oldest);
	t->entries_clean_count--;
	entry_drop(t, oldest);
}

static struct entry *entry_add(struct tree *t, uint64_t parent, uint64_t hash, const char *name,
			       size_t length)
{
	struct entry *entry = mem_try_zalloc(1, sizeof(*entry) + length + 1);
	if (!entry)
		return NULL;
	entry->key = (struct entry_key){parent, hash};
	entry->length = (uint16_t)length;
	memcpy(entry->name, name, length);
	HASH_ADD(hh, t->entries, key, sizeof(entry->key), entry);
	if (!entry->hh.tbl) {
		free(entry);
		return NULL;
	}
	entry_keep_clean(t, entry);
	return entry;
}

static struct entry *entry_cached(struct tree *t, uint64_t parent, uint64_t hash, const char *name,
				  size_t length, unsigned *taken)
{
	*taken = 0;
	for (unsigned i = 0; i < ENTRY_PROBES; i++) {
		struct entry *entry = entry_at(t, parent, hash + i);
		if (!entry)
			continue;
		if (entry->length == length && memcmp(entry->name, name, length) == 0)
			return entry;
		*taken |= 1u << i;
	}
	return NULL;
}

/* Not in memory: asks the catalogue, and remembers the answer. */
static int entry_load(struct tree *t, uint64_t parent, uint64_t hash, const char *name,
		      size_t length, unsigned taken, bool fresh, struct entry **found)
{
	struct row_entry rows[ENTRY_PROBES];
	ssize_t count = 0;
	if (!fresh)
		count = rows_load_entries(t, parent, hash, hash + ENTRY_PROBES - 1, rows, ENTRY_PROBES);
	if (count < 0)
		return (int)count;
	for (ssize_t i = 0; i < count; i++) {
		if (rows[i].length == length && memcmp(rows[i].name, name, length) == 0) {
			*found = entry_add(t, parent, rows[i].hash, name, length);
			if (!*found)
				return -ENOMEM;
			(*found)->inode = rows[i].inode;
			(*found)->type = rows[i].type;
			(*found)->stored = true;
			return 0;
		}
		taken |= 1u << (rows[i].hash - hash);
	}
	for (unsigned i = 0; i < ENTRY_PROBES; i++) {
		if (taken & (1u << i))
			continue;
		*found = entry_add(t, parent, hash + i, name, length);
		return *found ? 0 : -ENOMEM;
	}
	return -ENOSPC;
}

int entry_find(struct tree *t, struct inode *directory, const char *name, struct entry **found)
{
	size_t length = strlen(name);
	uint64_t hash = entry_hash(t, name, length);
	unsigned taken;
	uint64_t parent = directory->row.number;
	struct entry *entry = entry_cached(t, parent, hash, name, length, &taken);
	if (!entry)
		return entry_load(t, parent, hash, name, length, taken, directory->fresh, found);
	if (entry_is_clean(entry)) {
		DL_DELETE(t->entries_clean, entry);
		DL_APPEND(t->entries_clean, entry);
	}
	*found = entry;
	return 0;
}

struct entry *entry_get(struct tree *t, uint64_t parent, uint64_t hash)
{
	return entry_at(t, parent, hash);
}

static void entry_pend(struct inode *directory, struct entry *entry)
{
	DL_APPEND2(directory->pending, entry, pending_prev, pending_next);
}

static void entry_unpend(struct inode *directory, struct entry *entry)
{
	DL_DELETE2(directory->pending, entry, pending_prev, pending_next);
}

void entry_set(struct tree *t, struct inode *directory, struct entry *entry, uint64_t inode,
	       uint8_t type)
{
	bool was_clean = entry_is_clean(entry);
	/* A name that came and went between two commits leaves nothing to write. */
	bool dirty = inode != 0 || entry->stored;
	entry->inode = inode;
	entry->type = type;
	if (dirty && !entry->dirty) {
		if (was_clean) {
			DL_DELETE(t->entries_clean, entry);
			t->entries_clean_count--;
			entry_pend(directory, entry);
		}
		DL_APPEND(t->entries_dirty, entry);
		entry->dirty = true;
		if (atomic_fetch_add(&t->entries_dirty_count, 1) + 1 == ENTRIES_AN_INODE * t->dirty_max)
			commit_kick(t);
	} else if (!dirty && entry->dirty) {
		DL_DELETE(t->entries_dirty, entry);
		t->entries_dirty_count--;
		entry->dirty = false;
		if (!entry->committing) {
			entry_unpend(directory, entry);
			entry_keep_clean(t, entry);
		}
	}
}

void entry_settle(struct tree *t, struct inode *directory, struct entry *entry, bool committed)
{
	entry->committing = false;
	if (!committed) {
		/* What the catalogue has is not known: write or delete it again. */
		entry->stored = true;
		if (!entry->dirty) {
			DL_APPEND(t->entries_dirty, entry);
			t->entries_dirty_count++;
			entry->dirty = true;
		}
		return;
	}
	if (entry->dirty)
		return;
	entry_unpend(directory, entry);
	entry_keep_clean(t, entry);
}

void entry_free_all(struct tree *t)
{
	struct entry *entry, *next;
	HASH_ITER(hh, t->entries, entry, next)
	entry_drop(t, entry);
	t->entries_clean = t->entries_dirty = NULL;
}

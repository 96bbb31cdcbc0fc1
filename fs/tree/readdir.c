/* SPDX-License-Identifier: MIT */
/*
 * Reading directories: the catalogue's rows in pages, merged with the entries
 * that no commit has finished, in the order of their hashes.
 *
 * The hashes of the pending entries are noted when the directory is opened or
 * rewound; each candidate is then looked up as it is now. So an entry that is
 * there all the while comes exactly once, whatever is added, removed or
 * committed meanwhile. Cookie 1 is ".", 2 "..", hash + 2 an entry.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/tree/internal.h"

#define READDIR_ROWS    512
#define COOKIE_DOT      1u
#define COOKIE_DOT_DOT  2u

struct tree_dir {
	struct tree *tree;
	struct inode *inode;
	pthread_mutex_t lock; /* outermost */
	uint64_t *pending;    /* hashes, ascending */
	size_t pending_count, pending_capacity;
	struct row_entry *rows;
	size_t row_count;
	uint64_t rows_from, rows_to; /* hashes that the page answers for */
	uint64_t rows_commit;        /* commits ended when it was read */
	bool rows_valid;
};

static int compare_hashes(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static int readdir_rewind(struct tree_dir *dir)
{
	struct tree *t = dir->tree;
	LOCK_SCOPE(&t->names);
	dir->pending_count = 0;
	dir->rows_valid = false;
	for (struct entry *e = dir->inode->pending; e; e = e->pending_next) {
		if (!e->inode)
			continue;
		if (mem_reserve(&dir->pending, &dir->pending_capacity, dir->pending_count + 1,
				sizeof(*dir->pending)))
			return -ENOMEM;
		dir->pending[dir->pending_count++] = e->key.hash;
	}
	if (dir->pending_count)
		qsort(dir->pending, dir->pending_count, sizeof(*dir->pending), compare_hashes);
	return 0;
}

int tree_opendir(struct tree *t, uint64_t number, struct tree_dir **result)
{
	struct tree_dir *dir = mem_try_zalloc(1, sizeof(*dir));
	if (!dir)
		return -ENOMEM;
	dir->tree = t;
	pthread_mutex_init(&dir->lock, NULL);
	dir->rows = mem_try_alloc(READDIR_ROWS, sizeof(*dir->rows));
	int error = dir->rows ? directory_get(t, number, &dir->inode) : -ENOMEM;
	if (!error) {
		LOCK_SCOPE(&dir->inode->lock);
		if (dir->inode->deleted)
			error = -ESTALE;
		else
			dir->inode->opens++;
	}
	if (error) {
		inode_put(&dir->inode);
		tree_closedir(&dir);
		return error;
	}
	error = readdir_rewind(dir);
	if (error)
		tree_closedir(&dir);
	else
		*result = dir;
	return error;
}

void tree_closedir(struct tree_dir **pointer)
{
	struct tree_dir *dir = TAKE(*pointer);
	if (!dir)
		return;
	if (dir->inode) {
		uint64_t number = dir->inode->row.number;
		inode_put(&dir->inode);
		tree_release_file(dir->tree, number);
	}
	pthread_mutex_destroy(&dir->lock);
	free(dir->pending);
	free(dir->rows);
	free(dir);
}

static int readdir_load(struct tree_dir *dir, uint64_t from)
{
	struct tree *t = dir->tree;
	uint64_t commits = atomic_load(&t->commits);
	ssize_t n = rows_load_entries(t, dir->inode->row.number, from, INT64_MAX, dir->rows,
				      READDIR_ROWS);
	if (n < 0)
		return (int)n;
	dir->row_count = (size_t)n;
	dir->rows_from = from;
	dir->rows_to = n == READDIR_ROWS ? dir->rows[n - 1].hash : INT64_MAX;
	dir->rows_commit = commits;
	dir->rows_valid = true;
	return 0;
}

/* The first row after `after`, or NULL. */
static int readdir_next_row(struct tree_dir *dir, uint64_t after, const struct row_entry **row)
{
	*row = NULL;
	for (;;) {
		if (!dir->rows_valid || after + 1 < dir->rows_from || after >= dir->rows_to) {
			if (dir->rows_valid && after >= INT64_MAX)
				return 0;
			int error = readdir_load(dir, after + 1);
			if (error)
				return error;
		}
		size_t low = 0, high = dir->row_count;
		while (low < high) {
			size_t middle = low + (high - low) / 2;
			if (dir->rows[middle].hash <= after)
				low = middle + 1;
			else
				high = middle;
		}
		if (low < dir->row_count) {
			*row = &dir->rows[low];
			return 0;
		}
		if (dir->rows_to == INT64_MAX)
			return 0;
		after = dir->rows_to;
	}
}

static uint64_t readdir_next_pending(const struct tree_dir *dir, uint64_t after)
{
	size_t low = 0, high = dir->pending_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (dir->pending[middle] <= after)
			low = middle + 1;
		else
			high = middle;
	}
	return low < dir->pending_count ? dir->pending[low] : UINT64_MAX;
}

/* What is at `hash` now; name of length 0: nothing (any more). names held. */
static int readdir_now_locked(struct tree_dir *dir, uint64_t hash, const struct row_entry *row,
			      struct row_entry *now)
{
	struct tree *t = dir->tree;
	uint64_t parent = dir->inode->row.number;
	const struct entry *e = entry_get(t, parent, hash);
	now->length = 0;
	if (e) {
		if (!e->inode)
			return 0;
		now->inode = e->inode;
		now->type = e->type;
		now->length = e->length;
		memcpy(now->name, e->name, e->length);
		now->name[e->length] = 0;
		return 0;
	}
	if (row && dir->rows_commit == atomic_load(&t->commits)) {
		*now = *row;
		return 0;
	}
	ssize_t n = rows_load_entries(t, parent, hash, hash, now, 1);
	if (n == 0)
		now->length = 0;
	return n < 0 ? (int)n : 0;
}

/* The next entry after `after`; its hash in now->hash; -ENOENT at the end. */
static int readdir_next(struct tree_dir *dir, uint64_t after, struct row_entry *now)
{
	for (;;) {
		const struct row_entry *row;
		int error = readdir_next_row(dir, after, &row);
		if (error)
			return error;
		uint64_t hash = readdir_next_pending(dir, after);
		if (row && row->hash <= hash)
			hash = row->hash;
		else
			row = NULL;
		if (hash == UINT64_MAX)
			return -ENOENT;
		LOCK_SCOPE(&dir->tree->names);
		error = readdir_now_locked(dir, hash, row, now);
		now->hash = hash;
		if (error || now->length)
			return error;
		after = hash;
	}
}

/* False: stop. */
static bool readdir_give(struct tree_dir *dir, const struct row_entry *now, uint64_t cookie, bool plus,
			 tree_emit *emit, void *context, int *error)
{
	struct tree *t = dir->tree;
	struct tree_entry entry = {
		.inode = now->inode,
		.attr = {.st_ino = now->inode, .st_mode = (mode_t)now->type << 12},
	};
	if (!plus)
		return emit(context, now->name, cookie, &entry);
	CLEANUP_INODE struct inode *inode = NULL;
	*error = inode_get(t, now->inode, &inode);
	if (*error == -ESTALE) { /* removed a moment ago */
		*error = 0;
		return true;
	}
	if (*error)
		return false;
	bool counts = cookie > COOKIE_DOT_DOT;
	inode_entry(inode, &entry);
	if (counts)
		inode_reference(inode, 1);
	bool more = emit(context, now->name, cookie, &entry);
	if (!more && counts)
		tree_forget(t, now->inode, 1);
	return more;
}

static bool readdir_give_dots(struct tree_dir *dir, uint64_t cookie, bool plus, tree_emit *emit,
			      void *context, int *error)
{
	struct inode *inode = dir->inode;
	pthread_mutex_lock(&inode->lock);
	uint64_t parent = inode->row.parent ? inode->row.parent : TREE_ROOT;
	inode_accessed_locked(inode);
	pthread_mutex_unlock(&inode->lock);
	struct row_entry dots[2] = {
		{.inode = inode->row.number, .type = mode_type(S_IFDIR), .length = 1, .name = "."},
		{.inode = parent, .type = mode_type(S_IFDIR), .length = 2, .name = ".."},
	};
	for (uint64_t i = cookie; i < 2; i++)
		if (!readdir_give(dir, &dots[i], i + 1, plus, emit, context, error))
			return false;
	return true;
}

int tree_readdir(struct tree_dir *dir, uint64_t cookie, bool plus, tree_emit *emit, void *context)
{
	LOCK_SCOPE(&dir->lock);
	int error = 0;
	if (cookie == 0)
		error = readdir_rewind(dir);
	if (error)
		return error;
	if (cookie < COOKIE_DOT_DOT) {
		if (!readdir_give_dots(dir, cookie, plus, emit, context, &error))
			return error;
		cookie = COOKIE_DOT_DOT;
	}
	for (;;) {
		struct row_entry now;
		error = readdir_next(dir, cookie - COOKIE_DOT_DOT, &now);
		if (error)
			return error == -ENOENT ? 0 : error;
		cookie = now.hash + COOKIE_DOT_DOT;
		if (!readdir_give(dir, &now, cookie, plus, emit, context, &error))
			return error;
	}
}

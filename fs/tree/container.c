/* SPDX-License-Identifier: MIT */
/*
 * Containers: the accounting of each top-level directory, and its quota.
 *
 * Every inode names the container that it is charged to: the top-level
 * directory it was made in or moved to; 0 for what lies in the root itself and
 * for directories at no place of their own. `logical` is the sum of allocated
 * bytes, which is what a quota limits: holes take nothing of it, data that is
 * shared counts in full. What write buffers hold and no map shows yet is
 * `pending`, so that a quota refuses at the write; what of it fills holes is
 * asked only where there is a quota. What new data takes in the segments is known
 * when it is committed: each container has a part of that as of the new data. A number that has no row (any more: hard links
 * can outlive their directory) is charged to 0. A directory that moves away from
 * the root keeps its container, without a quota, while such links are charged to
 * it: it may come back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/tree/internal.h"

/* accounts held */
static struct container *container_find_exact(struct tree *t, uint64_t number)
{
	struct container *c;
	HASH_FIND(hh, t->containers, &number, sizeof(number), c);
	return c && !c->removed ? c : NULL;
}

/* accounts held */
static struct container *container_find(struct tree *t, uint64_t number)
{
	struct container *c = container_find_exact(t, number);
	if (!c)
		c = container_find_exact(t, 0);
	ASSERT(c != NULL);
	return c;
}

/* accounts held */
static int container_insert(struct tree *t, uint64_t number)
{
	struct container *c = mem_try_zalloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->inode = number;
	c->dirty = true;
	HASH_ADD(hh, t->containers, inode, sizeof(c->inode), c);
	if (c->hh.tbl)
		return 0;
	free(c);
	return -ENOMEM;
}

int container_load(struct tree *t)
{
	int error = rows_load_containers(t);
	LOCK_SCOPE(&t->accounts);
	if (!error && !container_find_exact(t, 0))
		error = container_insert(t, 0);
	return error;
}

void container_free_all(struct tree *t)
{
	struct container *c, *next;
	HASH_ITER(hh, t->containers, c, next)
	{
		HASH_DELETE(hh, t->containers, c);
		free(c);
	}
}

int container_add(struct tree *t, uint64_t number)
{
	LOCK_SCOPE(&t->accounts);
	struct container *c;
	HASH_FIND(hh, t->containers, &number, sizeof(number), c);
	if (!c)
		return container_insert(t, number);
	if (c->removed) { /* moved away and back between two commits */
		c->removed = false;
		c->quota = c->files = c->logical = c->deduplicated = c->stored = c->pending = c->fresh = 0;
		c->dirty = true;
	}
	return 0;
}

/* Its directory is in the root no more. */
static void container_retire(struct tree *t, uint64_t number)
{
	pthread_mutex_lock(&t->accounts);
	struct container *c = container_find_exact(t, number);
	bool charged = c && (c->files || c->logical || c->pending);
	if (charged) {
		c->quota = 0;
		c->dirty = true;
	}
	pthread_mutex_unlock(&t->accounts);
	if (!charged)
		container_remove(t, number);
}

void container_remove(struct tree *t, uint64_t number)
{
	LOCK_SCOPE(&t->accounts);
	struct container *c = container_find_exact(t, number);
	if (!c || number == 0)
		return;
	c->removed = c->dirty = true;
	struct container *rest = container_find(t, 0);
	rest->files += c->files;
	rest->logical += c->logical;
	rest->pending += c->pending;
	rest->dirty = true;
}

static void figure_add(uint64_t *figure, int64_t change)
{
	/* A figure that a damaged catalogue got wrong must not wrap around. */
	if (change < 0 && (uint64_t)-change > *figure)
		*figure = 0;
	else
		*figure += (uint64_t)change;
}

void container_account(struct tree *t, uint64_t number, int64_t files, int64_t logical)
{
	if (files == 0 && logical == 0)
		return;
	LOCK_SCOPE(&t->accounts);
	struct container *c = container_find(t, number);
	figure_add(&c->files, files);
	figure_add(&c->logical, logical);
	c->dirty = true;
}

void container_stored(struct tree *t, uint64_t number, uint64_t new_bytes)
{
	if (new_bytes == 0)
		return;
	LOCK_SCOPE(&t->accounts);
	struct container *c = container_find(t, number);
	c->deduplicated += new_bytes;
	c->fresh += new_bytes;
	c->dirty = true;
}

void container_weigh(struct container *c, uint64_t fresh, double ratio)
{
	c->stored += (uint64_t)((double)fresh * ratio);
	figure_add(&c->fresh, -(int64_t)fresh);
}

uint64_t container_stored_bytes(const struct tree *t, const struct container *c)
{
	return c->stored + (uint64_t)((double)c->fresh * store_compression_ratio(t->store));
}

static int container_fits(const struct container *c, uint64_t bytes)
{
	uint64_t used = c->logical + c->pending;
	/* What takes nothing may go on above the limit, as writing over what is there. */
	if (!c->quota || bytes == 0)
		return 0;
	return used > c->quota || bytes > c->quota - used ? -EDQUOT : 0;
}

int container_check(struct tree *t, uint64_t number, uint64_t bytes)
{
	LOCK_SCOPE(&t->accounts);
	return container_fits(container_find(t, number), bytes);
}

int container_charge(struct tree *t, uint64_t number, uint64_t growth)
{
	LOCK_SCOPE(&t->accounts);
	struct container *c = container_find(t, number);
	int error = container_fits(c, growth);
	if (!error)
		c->pending += growth;
	return error;
}

bool container_is_limited(struct tree *t, uint64_t number)
{
	LOCK_SCOPE(&t->accounts);
	return container_find(t, number)->quota != 0;
}

bool container_settle(struct inode *inode, int error)
{
	struct tree *t = inode->tree;
	if (error != -EDQUOT)
		return false;
	pthread_mutex_lock(&inode->lock);
	uint64_t number = inode->row.container;
	bool pending = content_is_pending(inode->content);
	pthread_mutex_unlock(&inode->lock);
	pthread_mutex_lock(&t->accounts);
	pending = pending || container_find(t, number)->pending > 0;
	pthread_mutex_unlock(&t->accounts);
	/* Not tree_commit(): what another thread has just put into a buffer may not be marked yet. */
	return pending && commit_now(t) == 0;
}

void container_discharge(struct tree *t, uint64_t number, uint64_t growth)
{
	if (growth == 0)
		return;
	LOCK_SCOPE(&t->accounts);
	figure_add(&container_find(t, number)->pending, -(int64_t)growth);
}

/* ---- moving between containers ---- */

static void inode_move(struct inode *inode, uint64_t to)
{
	struct tree *t = inode->tree;
	pthread_mutex_lock(&inode->lock);
	uint64_t from = inode->row.container;
	uint64_t growth = inode->content ? inode->content->growth : 0;
	int64_t files = S_ISDIR(inode->row.mode) ? 0 : 1;
	container_account(t, from, -files, -(int64_t)inode->row.allocated);
	container_discharge(t, from, growth);
	inode->row.container = to;
	container_account(t, to, files, (int64_t)inode->row.allocated);
	pthread_mutex_lock(&t->accounts);
	container_find(t, to)->pending += growth;
	pthread_mutex_unlock(&t->accounts);
	pthread_mutex_unlock(&inode->lock);
	inode_mark(inode);
}

struct walk {
	uint64_t *list; /* directories still to be read */
	size_t count, capacity;
	uint64_t to, bytes;
	bool move;
};

static int walk_child(struct tree *t, struct walk *w, uint64_t number, uint8_t type)
{
	if (type == mode_type(S_IFDIR)) {
		int error = mem_reserve(&w->list, &w->capacity, w->count + 1, sizeof(*w->list));
		if (error)
			return error;
		w->list[w->count++] = number;
		return 0;
	}
	CLEANUP_INODE struct inode *inode = NULL;
	int error = inode_get(t, number, &inode);
	if (error)
		return error;
	if (w->move) {
		inode_move(inode, w->to);
		return 0;
	}
	LOCK_SCOPE(&inode->lock);
	w->bytes += inode->row.allocated + (inode->content ? inode->content->growth : 0);
	return 0;
}

#define WALK_ROWS 256

static int walk_rows(struct tree *t, struct walk *w, uint64_t directory)
{
	CLEANUP_FREE struct row_entry *rows = mem_try_alloc(WALK_ROWS, sizeof(*rows));
	uint64_t first = 0;
	if (!rows)
		return -ENOMEM;
	for (;;) {
		ssize_t n = rows_load_entries(t, directory, first, INT64_MAX, rows, WALK_ROWS);
		if (n < 0)
			return (int)n;
		for (ssize_t i = 0; i < n; i++) {
			/* What is in memory is told by the pending entries, or is the same. */
			struct entry *entry = entry_get(t, directory, rows[i].hash);
			if (entry && (entry->dirty || entry->committing))
				continue;
			int error = walk_child(t, w, rows[i].inode, rows[i].type);
			if (error)
				return error;
		}
		if (n < WALK_ROWS)
			return 0;
		first = rows[n - 1].hash + 1;
	}
}

static int walk_directory(struct tree *t, struct walk *w, uint64_t number)
{
	CLEANUP_INODE struct inode *directory = NULL;
	int error = inode_get(t, number, &directory);
	if (error)
		return error;
	for (struct entry *entry = directory->pending; entry && !error; entry = entry->pending_next)
		if (entry->inode)
			error = walk_child(t, w, entry->inode, entry->type);
	if (!error && !directory->fresh)
		error = walk_rows(t, w, number);
	if (!error && w->move)
		inode_move(directory, w->to);
	return error;
}

static int walk_all(struct tree *t, struct walk *w, struct inode *inode)
{
	int error = walk_child(t, w, inode->row.number, mode_type(inode->row.mode));
	while (!error && w->count)
		error = walk_directory(t, w, w->list[--w->count]);
	return error;
}

int container_move(struct tree *t, struct inode *inode, uint64_t to)
{
	uint64_t from = inode->row.container, number = inode->row.number;
	if (from == to)
		return 0;
	struct walk w = {.to = to};
	int error = walk_all(t, &w, inode);
	if (!error)
		error = to == number ? container_add(t, number) : container_check(t, to, w.bytes);
	if (!error) {
		w.move = true;
		error = walk_all(t, &w, inode);
	}
	if (!error && from == number)
		container_retire(t, number);
	free(w.list);
	return error;
}

/* ---- for the administrator ---- */

int tree_set_quota(struct tree *t, const char *path, uint64_t bytes)
{
	CLEANUP_INODE struct inode *inode = NULL;
	int error = path_resolve(t, path, &inode);
	if (error)
		return error;
	uint64_t number = inode->row.number == TREE_ROOT ? 0 : inode->row.number;
	error = change_begin(t);
	if (error)
		return error;
	pthread_mutex_lock(&t->accounts);
	struct container *c = container_find_exact(t, number);
	if (c) {
		c->quota = bytes;
		c->dirty = true;
	}
	pthread_mutex_unlock(&t->accounts);
	inode_mark(inode);
	change_end(t);
	return c ? 0 : S_ISDIR(inode->row.mode) ? -EINVAL : -ENOTDIR;
}

/* The names of the containers: entries of the root. */
static void container_name(void *context, const char *name, uint64_t number)
{
	struct tree_container **all = context;
	for (struct tree_container *c = *all; c < all[1]; c++)
		if (c->inode == number)
			strncpy(c->name, name, TREE_NAME_MAX);
}

struct name_list {
	struct tree_container *range[2];
};

static bool container_emit(void *context, const char *name, uint64_t cookie,
			   const struct tree_entry *entry)
{
	(void)cookie;
	container_name(((struct name_list *)context)->range, name, entry->inode);
	return true;
}

static int compare_containers(const void *a, const void *b)
{
	const struct tree_container *x = a, *y = b;
	return strcmp(x->name, y->name);
}

/* What lies in no top-level directory is one; the number that is left. */
static size_t containers_join(struct tree_container *list, size_t count)
{
	size_t kept = 0;
	struct tree_container rest = {0};
	for (size_t i = 0; i < count; i++) {
		if (list[i].name[0]) {
			list[kept++] = list[i];
			continue;
		}
		rest.quota += list[i].quota; /* 0 but for the root's own */
		rest.files += list[i].files;
		rest.logical += list[i].logical;
		rest.deduplicated += list[i].deduplicated;
		rest.stored += list[i].stored;
	}
	list[kept++] = rest;
	return kept;
}

ssize_t tree_containers(struct tree *t, struct tree_container **result)
{
	size_t count = 0;
	pthread_mutex_lock(&t->accounts);
	struct tree_container *list = mem_try_zalloc(HASH_COUNT(t->containers) + 1, sizeof(*list));
	struct container *c, *next;
	HASH_ITER(hh, t->containers, c, next)
	{
		if (!list || c->removed)
			continue;
		list[count++] = (struct tree_container){.inode = c->inode,
							.quota = c->quota,
							.files = c->files,
							.logical = c->logical + c->pending,
							.deduplicated = c->deduplicated,
							.stored = container_stored_bytes(t, c)};
	}
	pthread_mutex_unlock(&t->accounts);
	if (!list)
		return -ENOMEM;
	struct name_list names = {{list, list + count}};
	struct tree_dir *root = NULL;
	int error = tree_opendir(t, TREE_ROOT, &root);
	if (!error)
		error = tree_readdir(root, 0, false, container_emit, &names);
	tree_closedir(&root);
	if (error) {
		free(list);
		return error;
	}
	count = containers_join(list, count);
	qsort(list, count, sizeof(*list), compare_containers);
	*result = list;
	return (ssize_t)count;
}

/* SPDX-License-Identifier: MIT */
/*
 * Opening and closing a tree, figures.
 *
 * Each writable open counts the meta key mount_epoch up, durably, before
 * anything else: it is the generation of the inodes made in this mount, so a
 * number that a crash took back is told from the one that is given again.
 */
#include "fs/tree/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "fs/tree/internal.h"
#include "fs/tree/job.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

#define TREE_MEMORY_DEFAULT (UINT64_C(256) << 20)
#define TREE_BUDGET_MIN     (UINT64_C(8) << 20)
#define TREE_ENTRY_BYTES    200u
#define TREE_DIRTY_BYTES    8192u /* memory per dirty inode that makes a commit start */

/* ---- the store as the maps see it ---- */

static int node_put(void *context, const void *data, size_t size, struct chunk_ref *ref)
{
	struct tree *t = context;
	struct fingerprint_input input = {data, size};
	struct store_put_result result = {0};
	LOCK_SCOPE(&t->nodes.lock);
	return store_put(t->store, t->nodes.stream, &input, 1, ref, &result);
}

static int node_get(void *context, struct chunk_ref ref, const uint8_t **data, size_t *size,
		    void **hold)
{
	struct tree *t = context;
	struct store_view *view = mem_try_alloc(1, sizeof(*view));
	if (!view)
		return -ENOMEM;
	int error = store_get(t->store, ref, view);
	if (error) {
		free(view);
		return error;
	}
	*data = view->data;
	*size = view->size;
	*hold = view;
	return 0;
}

static void node_drop(void *context, void *hold)
{
	(void)context;
	struct store_view *view = hold;
	store_view_release(view);
	free(view);
}

/* ---- opening ---- */

static void tree_set_limits(struct tree *t, const struct tree_options *options)
{
	t->options = *options;
	if (!t->options.memory)
		t->options.memory = TREE_MEMORY_DEFAULT;
	if (!t->options.backup_seconds)
		t->options.backup_seconds = 3600;
	if (!t->options.commit_seconds)
		t->options.commit_seconds = 5;
	uint64_t memory = t->options.memory;
	t->budget = memory / 4 > TREE_BUDGET_MIN ? memory / 4 : TREE_BUDGET_MIN;
	t->inodes_max = memory / 4 / INODE_BYTES + 256;
	t->entries_max = memory / 8 / TREE_ENTRY_BYTES + 256;
	t->dirty_max = memory / TREE_DIRTY_BYTES + 256;
}

static void tree_init_locks(struct tree *t)
{
	pthread_rwlockattr_t attributes;
	pthread_rwlockattr_init(&attributes);
	/* The committer must get its turn while others keep coming. No reader nests. */
	pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&t->freeze, &attributes);
	pthread_rwlockattr_destroy(&attributes);
	pthread_mutex_t *locks[] = {&t->names, &t->table, &t->accounts, &t->commit, &t->backup,
				    &t->nodes.lock};
	for (size_t i = 0; i < sizeof(locks) / sizeof(locks[0]); i++)
		pthread_mutex_init(locks[i], NULL);
	for (unsigned i = 0; i < SHARED_STREAMS; i++)
		pthread_mutex_init(&t->data[i].lock, NULL);
	clock_cond_init(&t->commit_work);
	clock_cond_init(&t->commit_end);
	clock_cond_init(&t->room);
}

static void tree_free(struct tree *t)
{
	jobs_free(t);
	/* After a failure nobody has waited for them. */
	ingest_wait_all(t);
	inode_free_all(t);
	references_free(&t->references);
	entry_free_all(t);
	container_free_all(t);
	for (unsigned i = 0; i < SHARED_STREAMS; i++) {
		store_stream_free(&t->data[i].stream);
		pthread_mutex_destroy(&t->data[i].lock);
	}
	store_stream_free(&t->nodes.stream);
	pthread_mutex_t *locks[] = {&t->names, &t->table, &t->accounts, &t->commit, &t->backup,
				    &t->nodes.lock};
	for (size_t i = 0; i < sizeof(locks) / sizeof(locks[0]); i++)
		pthread_mutex_destroy(locks[i]);
	pthread_cond_destroy(&t->commit_work);
	pthread_cond_destroy(&t->commit_end);
	pthread_cond_destroy(&t->room);
	pthread_rwlock_destroy(&t->freeze);
	t->magic = 0;
	free(t);
}

static int tree_open_streams(struct tree *t)
{
	for (unsigned i = 0; i < SHARED_STREAMS; i++) {
		t->data[i].stream = store_stream_new(t->store, PACK_DATA);
		if (!t->data[i].stream)
			return -ENOMEM;
	}
	t->nodes.stream = store_stream_new(t->store, PACK_MAP);
	return t->nodes.stream ? 0 : -ENOMEM;
}

static int tree_load_counters(struct tree *t)
{
	int64_t next = 0, epoch = 0, pack = 0, slot = 0, changes = 0, anchor_changes = 0;
	const struct {
		const char *key;
		int64_t *value;
	} counters[] = {
		{"next_inode", &next},	     {"mount_epoch", &epoch}, {"anchor_pack", &pack},
		{"anchor_slot", &slot}, {"changes", &changes},	  {"anchor_changes", &anchor_changes},
	};
	int error = 0;
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]) && !error; i++)
		error = catalogue_get_meta(t->catalogue, counters[i].key, counters[i].value);
	if (!error && next <= (int64_t)TREE_ROOT) {
		log_error("%s: the catalogue has no root directory", store_path(t->store));
		error = -EBADMSG;
	}
	t->next_inode = (uint64_t)next;
	t->epoch = (uint64_t)epoch;
	t->anchor = (struct chunk_ref){(uint64_t)pack, (uint32_t)slot};
	t->changes = (uint64_t)changes;
	t->anchor_changes = (uint64_t)anchor_changes;
	return error;
}

static int tree_begin_epoch(struct tree *t)
{
	t->epoch++;
	int error = catalogue_begin(t->catalogue);
	if (error)
		return error;
	error = catalogue_set_meta(t->catalogue, "mount_epoch", (int64_t)t->epoch);
	if (error) {
		catalogue_rollback(t->catalogue);
		return error;
	}
	return catalogue_commit(t->catalogue);
}

static int tree_free_orphans(struct tree *t)
{
	CLEANUP_FREE uint64_t *list = NULL;
	size_t count;
	int error = rows_load_orphans(t, &list, &count);
	for (size_t i = 0; i < count && !error; i++) {
		CLEANUP_INODE struct inode *inode = NULL;
		error = inode_get(t, list[i], &inode);
		if (!error)
			inode_reap(inode);
		else if (error == -ESTALE) /* the row without its inode says nothing */
			error = 0;
	}
	return error;
}

static int tree_start(struct tree *t)
{
	CLEANUP_INODE struct inode *root = NULL;
	int error = tree_load_counters(t);
	if (!error)
		error = container_load(t);
	if (!error)
		error = inode_get(t, TREE_ROOT, &root);
	if (!error && !S_ISDIR(root->row.mode))
		error = -EBADMSG;
	if (error || t->options.read_only)
		return error;
	error = tree_open_streams(t);
	if (!error)
		error = tree_begin_epoch(t);
	if (!error)
		error = tree_free_orphans(t);
	if (!error)
		error = commit_start(t);
	return error ? error : jobs_open(t);
}

int tree_open(struct store *store, const struct tree_options *options, struct tree **tree)
{
	struct tree *t = mem_zalloc(sizeof(*t));
	t->magic = TREE_MAGIC;
	t->store = store;
	t->catalogue = store_catalogue(store);
	t->pool = store_pool(store);
	t->chunker = store_chunker(store);
	t->name_seed = store_superblock(store)->name_seed;
	t->io = (struct filemap_io){node_put, node_get, node_drop, t};
	t->current = 1;
	tree_set_limits(t, options);
	tree_init_locks(t);
	int error = tree_start(t);
	if (error) {
		log_error("%s: cannot open the tree: %s", store_path(store), strerror(-error));
		jobs_stop(t);
		commit_stop(t);
		tree_free(t);
		return error;
	}
	*tree = t;
	return 0;
}

/* What is still held by name only through handles that no longer exist. */
static void tree_reap_all(struct tree *t)
{
	for (bool found = true; found;) {
		CLEANUP_INODE struct inode *inode = NULL;
		struct inode *i, *next;
		found = false;
		pthread_mutex_lock(&t->table);
		HASH_ITER(hh, t->inodes, i, next)
		{
			i->references = 0;
			/* links of an unpinned inode: nobody changes them any more */
			if (!found && i->row.links == 0 && !i->deleted && i->opens == 0) {
				found = true;
				inode_hold_locked(t, i);
				inode = i;
			}
		}
		pthread_mutex_unlock(&t->table);
		if (inode)
			inode_reap(inode);
	}
}

int tree_close(struct tree **pointer)
{
	struct tree *t = TAKE(*pointer);
	int error = 0;
	if (!t)
		return 0;
	ASSERT_OBJECT(t, TREE_MAGIC);
	if (!t->options.read_only) {
		jobs_stop(t);
		error = store_failed(t->store);
		if (!error) {
			tree_reap_all(t);
			bool more = atomic_load(&t->inodes_dirty_count) || jobs_want_commit(t) ||
				    store_wants_commit(t->store);
			error = more ? commit_now(t) : tree_commit(t, 0);
		}
		if (!error)
			error = tree_backup_catalogue(t);
		commit_stop(t);
	}
	tree_free(t);
	return error;
}

int tree_create_root(struct store *store, uid_t uid, gid_t gid, mode_t mode)
{
	struct catalogue *c = store_catalogue(store);
	int64_t now = clock_real_ns();
	struct inode_row root = {
		.number = TREE_ROOT,
		.mode = S_IFDIR | (mode & 07777),
		.links = 2,
		.uid = uid,
		.gid = gid,
		.parent = TREE_ROOT,
		.atime = now,
		.mtime = now,
		.ctime = now,
		.btime = now,
	};
	int error = catalogue_begin(c);
	if (error)
		return error;
	error = rows_put_inode(c, &root, NULL, 0);
	if (!error)
		error = catalogue_set_meta(c, "next_inode", (int64_t)TREE_ROOT + 1);
	if (error) {
		catalogue_rollback(c);
		return error;
	}
	return catalogue_commit(c);
}

/* ---- figures ---- */

int tree_statfs(struct tree *t, struct statvfs *sv)
{
	struct store_space space;
	int error = store_space(t->store, &space);
	if (error)
		return error;
	const unsigned block = 4096;
	/* What has been accepted and not stored yet is not there to be written again. */
	uint64_t buffered = atomic_load(&t->buffered);
	uint64_t available = space.available > buffered ? space.available - buffered : 0;
	*sv = (struct statvfs){
		.f_bsize = 1u << 20,
		.f_frsize = block,
		.f_blocks = space.total / block,
		.f_bfree = available / block,
		.f_bavail = available / block,
		.f_files = INT32_MAX,
		.f_ffree = INT32_MAX - (atomic_load(&t->next_inode) & 0x3fffffff),
		.f_favail = INT32_MAX - (atomic_load(&t->next_inode) & 0x3fffffff),
		.f_namemax = TREE_NAME_MAX,
	};
	return 0;
}

void tree_get_stats(struct tree *t, struct tree_stats *stats)
{
	*stats = (struct tree_stats){
		.dirty_bytes = atomic_load(&t->buffered),
		.commits = atomic_load(&t->commits),
		.commit_ns_last = atomic_load(&t->commit_ns_last),
		.commit_ns_max = atomic_load(&t->commit_ns_max),
		.bytes_written = atomic_load(&t->bytes_written),
		.bytes_read = atomic_load(&t->bytes_read),
		.operations = atomic_load(&t->operations),
	};
	pthread_mutex_lock(&t->table);
	stats->inodes_cached = HASH_COUNT(t->inodes);
	stats->dirty_inodes = t->inodes_dirty_count;
	uint64_t targets = t->clean_bytes;
	uint64_t references = t->references.capacity * sizeof(struct reference);
	pthread_mutex_unlock(&t->table);
	pthread_mutex_lock(&t->names);
	uint64_t entries = HASH_COUNT(t->entries);
	pthread_mutex_unlock(&t->names);
	stats->memory_bytes = slabs_memory(t) + atomic_load(&t->held) + stats->inodes_cached * INODE_BYTES +
			      targets + entries * TREE_ENTRY_BYTES + references;
}

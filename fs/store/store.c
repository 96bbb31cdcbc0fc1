/* SPDX-License-Identifier: MIT */
/*
 * Opening and closing a store, its failure, its numbers. Refusals are said in
 * one sentence, by whoever knows the reason, before anything has been written.
 */
#include "fs/store/lock.h"
#include "fs/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/store/catalogue_sql.h"
#include "fs/store/store_private.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define STORE_MEMORY     (UINT64_C(512) << 20)
#define STORE_MEMORY_MIN (UINT64_C(16) << 20)
#define STORE_KEPT_RAW   48u /* region buffers that wait for their next use */

/* How the memory is shared out; the rest is for open packs and buffers in use. */
static const struct {
	unsigned index, regions, directories, catalogue, flow;
} store_share = {.index = 4, .regions = 4, .directories = 8, .catalogue = 16, .flow = 8};

/* ---- opening ---- */

static int store_lock(struct store *store)
{
	CLEANUP_FREE char *path = mem_printf("%s/lock", store->path);
	unsigned seconds = store->options.lock_seconds;
	int error = store->options.read_only ? lock_share(store->path, seconds, &store->lock_fd)
					     : lock_take(store->path, seconds, &store->lock_fd);
	if (error == -EWOULDBLOCK)
		log_error("%s: is in use by another process", store->path);
	else if (error == -EROFS)
		log_error("%s: is on a read-only filesystem", store->path);
	else if (error)
		log_error("%s: %s", path, strerror(-error));
	return error;
}

static int store_check_writable(const struct store *store)
{
	if (store->options.read_only || access(store->path, W_OK) == 0)
		return 0;
	int error = errno == EROFS ? -EROFS : -errno;
	log_error("%s: %s", store->path,
		  error == -EROFS ? "is on a read-only filesystem" : strerror(-error));
	return error;
}

static int store_open_index(struct store *store)
{
	if (store->options.read_only)
		return 0;
	CLEANUP_FREE char *folder = mem_printf("%s/index", store->path);
	struct index_options options = {
		.folder = folder,
		.memory = store->options.memory / store_share.index,
		.sparse = store->options.sparse_index,
		.pack_exists = store_pack_exists,
		.context = store,
	};
	memcpy(options.store_uuid, store->sb.uuid, sizeof(options.store_uuid));
	int error = index_open(&options, &store->index);
	if (error)
		log_error("%s: cannot open the index: %s", store->path, strerror(-error));
	return error;
}

static int store_open_parts(struct store *store)
{
	CLEANUP_FREE char *catalogue = mem_printf("%s/catalogue.sqlite", store->path);
	struct store_options *o = &store->options;
	int error = catalogue_open(catalogue, store->sb.uuid, o->read_only,
				   o->memory / store_share.catalogue, &store->catalogue);
	if (error)
		return error;
	struct segments_options segments = {
		.store_path = store->path,
		.uuid = store->sb.uuid,
		.segment_size = store->sb.segment_size,
		.read_only = o->read_only,
		.salvage = o->salvage,
	};
	error = segments_open(&segments, store->catalogue, &store->segments);
	if (!error)
		error = damage_open(store->catalogue, &store->damage);
	if (!error)
		error = space_open(store->path, store->sb.reserve, o->read_only, &store->space);
	return error;
}

static int store_load_numbers(struct store *store)
{
	int64_t next = 0, packs = 0, highest = 0;
	struct catalogue *c = store->catalogue;
	int error = catalogue_get_meta(c, "next_pack", &next);
	if (!error)
		error = catalogue_get_meta(c, "packs", &packs);
	if (error)
		return error;
	catalogue_read_lock(c);
	sqlite3_stmt *s = catalogue_statement(c, SQL_PACK_LAST);
	int code = sqlite3_step(s);
	if (code == SQLITE_ROW)
		highest = sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	error = catalogue_errno(c, code, "find the last pack");
	catalogue_read_unlock(c);
	store->next_pack = next > highest ? (uint64_t)next : (uint64_t)highest + 1;
	store->pack_count = packs > 0 ? (uint64_t)packs : 0;
	return error;
}

static unsigned store_threads(unsigned wanted)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (wanted)
		return wanted;
	return cpus > 2 ? (unsigned)cpus : 2;
}

static void store_init(struct store *store)
{
	pthread_rwlockattr_t attr;
	pthread_rwlockattr_init(&attr);
	/* Cleaning asks for it seldom and shortly; a steady stream of puts must not keep it out. */
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&store->sweep_lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	pthread_mutex_init(&store->streams_lock, NULL);
	pthread_mutex_init(&store->delta_lock, NULL);
	pthread_mutex_init(&store->prefetch_lock, NULL);
	pthread_mutex_init(&store->flow.lock, NULL);
	pthread_mutex_init(&store->existence.lock, NULL);
	clock_cond_init(&store->flow.moved);
	LIST_INIT(&store->streams);
	TAILQ_INIT(&store->uncommitted);
	store->lock_fd = -1;
}

static void store_start(struct store *store)
{
	const struct store_options *o = &store->options;
	store->flow.limit = o->memory / store_share.flow;
	store->raw_buffers = buffer_pool_new(store->sb.region_size, STORE_KEPT_RAW);
	store->stored_buffers = buffer_pool_new(0, 0);
	store->scratch = scratch_pool_new();
	store->packs = pack_table_new(o->memory / store_share.directories, store_load_pack, store);
	store->regions = region_cache_new(o->memory / store_share.regions);
	store->pool = pool_new(store_threads(o->threads));
	for (int kind = PACK_DATA; kind <= PACK_ANCHOR; kind++)
		store->shared[kind] = store_stream_new(store, (enum pack_kind)kind);
	if (store->index)
		store_recovery_start(store);
}

static int store_try_open(struct store *store)
{
	int error = superblock_read(store->path, &store->sb);
	if (!error)
		error = fingerprint_start((enum fingerprint_algorithm)store->sb.fingerprint);
	if (!error)
		error = store_check_writable(store);
	if (!error)
		error = store_lock(store);
	if (error)
		return error;
	store->chunker = chunker_new(store->sb.chunk_average);
	if (!store->chunker)
		return -ENOMEM;
	store->compression = store->options.compression < 0
				     ? store->sb.compression
				     : (enum compression)store->options.compression;
	error = store_open_parts(store);
	if (!error)
		error = store_load_numbers(store);
	/* Its workers may ask which packs there are from here on. */
	if (!error)
		error = store_open_index(store);
	if (!error)
		store_start(store);
	return error;
}

int store_open(const char *path, const struct store_options *options, struct store **result)
{
	struct store *store = mem_zalloc(sizeof(*store));
	store->magic = STORE_MAGIC;
	store->path = mem_strdup(path);
	store->options = *options;
	if (store->options.memory == 0)
		store->options.memory = STORE_MEMORY;
	if (store->options.memory < STORE_MEMORY_MIN)
		store->options.memory = STORE_MEMORY_MIN;
	store_init(store);
	int error = store_try_open(store);
	if (error)
		store_close(&store);
	else
		*result = store;
	return error;
}

/* ---- closing ---- */

static void store_end_writing(struct store *store)
{
	struct pack *pack;
	if (!store->pool)
		return;
	store_recovery_stop(store);
	for (int kind = PACK_DATA; kind <= PACK_ANCHOR; kind++)
		store_stream_free(&store->shared[kind]);
	ASSERT(LIST_EMPTY(&store->streams));
	pool_free(&store->pool);
	if (store->index && !store_failed(store)) {
		if (store_recovery_is_done(store))
			index_set_committed(store->index, store_committed_below(store));
		int error = index_flush(store->index);
		if (error)
			log_warning("%s: the index was not saved: %s", store->path, strerror(-error));
	}
	/* What no commit has taken is lost, as after a crash. */
	while ((pack = TAILQ_FIRST(&store->uncommitted))) {
		TAILQ_REMOVE(&store->uncommitted, pack, delta_link);
		pack_table_drop(store->packs, pack->number);
		pack_release(&pack);
	}
	store_recovery_free(store);
}

void store_close(struct store **pointer)
{
	struct store *store = TAKE(*pointer);
	if (!store)
		return;
	ASSERT_OBJECT(store, STORE_MAGIC);
	store_end_writing(store);
	index_close(&store->index);
	region_cache_free(&store->regions);
	pack_table_free(&store->packs);
	scratch_pool_free(&store->scratch);
	buffer_pool_free(&store->raw_buffers);
	buffer_pool_free(&store->stored_buffers);
	space_free(&store->space);
	damage_free(&store->damage);
	segments_close(&store->segments);
	catalogue_close(&store->catalogue);
	chunker_free(&store->chunker);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	pthread_rwlock_destroy(&store->sweep_lock);
	pthread_mutex_destroy(&store->streams_lock);
	pthread_mutex_destroy(&store->delta_lock);
	pthread_mutex_destroy(&store->prefetch_lock);
	pthread_mutex_destroy(&store->flow.lock);
	pthread_mutex_destroy(&store->existence.lock);
	pthread_cond_destroy(&store->flow.moved);
	store->magic = 0;
	free(store->existence.word);
	free(store->path);
	free(store);
}

/* ---- parts ---- */

const struct superblock *store_superblock(const struct store *store)
{
	return &store->sb;
}

const struct chunker *store_chunker(const struct store *store)
{
	return store->chunker;
}

struct catalogue *store_catalogue(struct store *store)
{
	return store->catalogue;
}

struct pool *store_pool(struct store *store)
{
	return store->pool;
}

const char *store_path(const struct store *store)
{
	return store->path;
}

/* ---- failure ---- */

void store_fail(struct store *store, int error, const char *doing)
{
	int none = 0;
	ASSERT(error < 0);
	if (!__atomic_compare_exchange_n(&store->failed, &none, error, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		return;
	log_error("%s: %s: %s; the store is read-only from now on", store->path, doing, strerror(-error));
	LOCK_SCOPE(&store->flow.lock);
	pthread_cond_broadcast(&store->flow.moved);
}

int store_failed(const struct store *store)
{
	return __atomic_load_n(&store->failed, __ATOMIC_ACQUIRE);
}

/* ---- space and numbers ---- */

int store_reserve(struct store *store, uint64_t bytes)
{
	return store_can_write(store) ? space_reserve(store->space, bytes) : -EROFS;
}

void store_unreserve(struct store *store, uint64_t bytes)
{
	space_unreserve(store->space, bytes);
}

bool store_release_reserve(struct store *store)
{
	return space_release(store->space);
}

int store_space(struct store *store, struct store_space *space)
{
	struct segments_totals totals;
	int error = space_available(store->space, &space->available);
	segments_get_totals(store->segments, &totals);
	space->segment_bytes = totals.bytes;
	space->dead_bytes = totals.freed;
	space->total = space->available + totals.bytes - totals.freed + catalogue_size(store->catalogue);
	return error;
}

bool store_wants_commit(struct store *store)
{
	if (!store_can_write(store))
		return false;
	if (damage_is_dirty(store->damage))
		return true;
	LOCK_SCOPE(&store->delta_lock);
	return !TAILQ_EMPTY(&store->uncommitted);
}

double store_compression_ratio(const struct store *store)
{
	uint64_t raw = __atomic_load_n(&store->counters.regions_raw, __ATOMIC_RELAXED);
	uint64_t stored = __atomic_load_n(&store->counters.regions_stored, __ATOMIC_RELAXED);
	return raw ? (double)stored / (double)raw : 1.0;
}

void store_get_stats(struct store *store, struct store_stats *stats)
{
	struct region_cache_stats regions;
	struct segments_totals segments;
	struct damage_counts damage;
	const struct store_counters *c = &store->counters;
	*stats = (struct store_stats){0};
	region_cache_get_stats(store->regions, &regions);
	segments_get_totals(store->segments, &segments);
	damage_get_counts(store->damage, &damage);
	if (store->index)
		index_get_stats(store->index, &stats->index);
	pthread_mutex_lock(&store->delta_lock);
	stats->packs = store->pack_count;
	pthread_mutex_unlock(&store->delta_lock);
	pthread_mutex_lock(&store->flow.lock);
	uint64_t flow = store->flow.bytes;
	pthread_mutex_unlock(&store->flow.lock);
	stats->chunks_new = __atomic_load_n(&c->chunks_new, __ATOMIC_RELAXED);
	stats->chunks_duplicate = __atomic_load_n(&c->chunks_duplicate, __ATOMIC_RELAXED);
	stats->bytes_new = __atomic_load_n(&c->bytes_new, __ATOMIC_RELAXED);
	stats->bytes_rewritten = __atomic_load_n(&c->bytes_rewritten, __ATOMIC_RELAXED);
	stats->bytes_duplicate = __atomic_load_n(&c->bytes_duplicate, __ATOMIC_RELAXED);
	stats->bytes_stored = segments.bytes - segments.freed;
	stats->regions_raw = __atomic_load_n(&c->regions_raw, __ATOMIC_RELAXED);
	stats->regions_stored = __atomic_load_n(&c->regions_stored, __ATOMIC_RELAXED);
	stats->region_hits = regions.hits;
	stats->region_misses = regions.misses;
	stats->memory_bytes = regions.bytes + flow + pack_table_memory(store->packs) + stats->index.memory_bytes;
	stats->damaged_chunks = damage.damaged;
	stats->healed_chunks = damage.healed;
}

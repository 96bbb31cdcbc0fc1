/* SPDX-License-Identifier: MIT */
/*
 * The store: chunks in, chunks out. It knows packs, segments, the fingerprint
 * index, the region cache and damage; it knows nothing of files and names.
 *
 * Commit. Chunks that store_put() has taken are readable at once and durable
 * when the catalogue's transaction that names their packs has committed:
 *
 *   store_freeze()        closes the open packs; what was put before is in the delta
 *   store_delta_sync()    waits until their bytes are written, then fdatasync()s segments
 *   catalogue_begin()     -+ the tree writes its own rows in the same transaction
 *   store_delta_record()   | the packs' rows
 *   catalogue_commit()    -+ the only commit point
 *   store_delta_done()    their packs are ordinary from now on
 *
 * Freezing and the three steps after it are the committer's alone (one thread);
 * puts and gets go on meanwhile and belong to the next delta.
 *
 * Failure. The first I/O error on a write or sync makes the store read-only for
 * good (store_fail()): nothing is retried, puts answer -EROFS, gets go on.
 * ENOSPC is no failure: store_reserve() refuses at the write that does not fit.
 *
 * Lock order (outer first): sweep lock, stream lock, pack table lock, segment
 * lock, region cache lock, catalogue reader lock, index lock.
 */
#ifndef FS_STORE_STORE_H
#define FS_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/chunk/chunker.h"
#include "fs/chunk/compress.h"
#include "fs/store/catalogue.h"
#include "fs/store/chunk_ref.h"
#include "fs/store/index.h"
#include "fs/store/pool.h"
#include "fs/store/superblock.h"

struct store;

struct store_options {
	uint64_t memory;     /* bytes for everything the store keeps; 0: 512 MiB */
	unsigned threads;    /* workers; 0: one per CPU, at least 2 */
	unsigned lock_seconds; /* patience while the last commit of an unmounted store runs */
	bool read_only;      /* no lock is broken, nothing is written */
	bool sparse_index;
	bool salvage;        /* opens although segments are missing or cut off; reading them is -EIO */
	int compression;     /* enum compression, or -1 for the superblock's */
};

/* Opens the store at `path`: superblock, lock, catalogue, segments, index. Every refusal is
 * logged as one sentence and changes nothing: -EWOULDBLOCK (in use), -ENOENT, -EMEDIUMTYPE
 * (not a store), -EPROTONOSUPPORT (a version or algorithm this program does not know),
 * -EBADMSG (damaged), -EROFS (host read-only and !read_only), -ENOMEM, -EIO. */
int store_open(const char *path, const struct store_options *options, struct store **store);
/* Everything must have been committed. Flushes the index (unless read-only or failed). */
void store_close(struct store **store);

const struct superblock *store_superblock(const struct store *store);
const struct chunker *store_chunker(const struct store *store);
struct catalogue *store_catalogue(struct store *store);
struct pool *store_pool(struct store *store);
const char *store_path(const struct store *store);

/* ---- putting --------------------------------------------------------------------------- */

/* Data chunks and file-map nodes live in packs of their own. On-disk ids. */
enum pack_kind { PACK_DATA = 1, PACK_MAP = 2, PACK_ANCHOR = 3 };

/* A writer's place in the store: what it brings is kept together. store_put() takes the
 * stream's lock, so short-lived writers may share one; the store keeps one of each kind for
 * them. */
struct store_stream;
struct store_stream *store_stream_new(struct store *store, enum pack_kind kind);
/* The store's own; not to be freed. */
struct store_stream *store_shared_stream(struct store *store, enum pack_kind kind);
/* What it brought stays; an open pack is closed at the next freeze or before. */
void store_stream_free(struct store_stream **stream);

struct store_put_result {
	uint64_t new_chunks, new_bytes;   /* raw bytes that were stored */
	uint64_t rewritten_bytes;         /* of these, those that the store had, but scattered */
	uint64_t duplicate_chunks, duplicate_bytes;
};

/* Stores `count` chunks of 1..chunker_largest() bytes and says where each one is. Waits (and
 * lends a hand) while too much is waiting to be compressed. The bytes are copied.
 * *result is added to. 0, -EROFS, -ENOSPC, -ENOMEM; after an error nothing is referred to. */
int store_put(struct store *store, struct store_stream *stream,
	      const struct fingerprint_input *chunks, size_t count, struct chunk_ref *refs,
	      struct store_put_result *result);

/* The rows of a commit may only refer to what was put before its store_freeze(). -ENOSPC from
 * sync, record or commit loses nothing: after store_delta_done(.., false) the packs are in the
 * next delta. */
struct store_delta;
int store_freeze(struct store *store, struct store_delta **delta);
int store_delta_sync(struct store *store, struct store_delta *delta);
int store_delta_record(struct store *store, struct store_delta *delta);
/* Stored bytes, all told, for each raw byte of data that the (synced) delta brings. */
double store_delta_ratio(struct store *store, const struct store_delta *delta);
void store_delta_done(struct store *store, struct store_delta **delta, bool committed);
/* Something waits for a commit that no file tells of: packs, quarantined or healed chunks. */
bool store_wants_commit(struct store *store);

/* ---- getting --------------------------------------------------------------------------- */

/* A chunk's bytes, valid until released. */
struct store_view {
	const uint8_t *data;
	size_t size;
	void *hold;
};
/* 0, -EIO for damage (already logged and quarantined), -ENOENT for a ref that names nothing
 * (a damaged map), -ENOMEM. */
int store_get(struct store *store, struct chunk_ref ref, struct store_view *view);
void store_view_release(struct store_view *view);
/* Loads the chunk's region into the cache in the background; false when too much of that is
 * waiting already. */
bool store_prefetch(struct store *store, struct chunk_ref ref);
/* Raw and stored size of a chunk (stored: its share of the region), and its fingerprint unless
 * that is NULL. */
int store_chunk_info(struct store *store, struct chunk_ref ref, uint32_t *raw, uint32_t *stored,
		     struct fingerprint *fingerprint);

/* ---- space and failure ------------------------------------------------------------------ */

/* Sets aside room for `bytes` of raw data before they are accepted; -ENOSPC when the host's
 * free space, less the reserve and what is set aside already, does not hold them. */
int store_reserve(struct store *store, uint64_t bytes);
void store_unreserve(struct store *store, uint64_t bytes);
struct store_space {
	uint64_t total, available; /* bytes, for statfs */
	uint64_t segment_bytes;    /* in segment files */
	uint64_t dead_bytes;       /* of these, known to be free-able or freed inside */
};
int store_space(struct store *store, struct store_space *space);
/* Host ENOSPC during a commit: gives the reserve file's space to the filesystem. False when it
 * has been given already. It is taken back when there is room again. */
bool store_release_reserve(struct store *store);
void store_fail(struct store *store, int error, const char *doing);
/* 0, or the -errno of the first failure. */
int store_failed(const struct store *store);

struct store_stats {
	uint64_t packs, chunks_new, chunks_duplicate, bytes_stored;
	uint64_t bytes_new, bytes_rewritten, bytes_duplicate; /* rewritten: part of new */
	uint64_t regions_raw, regions_stored; /* bytes compressed since the store was opened */
	uint64_t region_hits, region_misses, memory_bytes, damaged_chunks, healed_chunks;
	struct index_stats index;
};
void store_get_stats(struct store *store, struct store_stats *stats);
/* Stored bytes for each raw byte of the regions compressed so far; 1 before the first. */
double store_compression_ratio(const struct store *store);

#endif

/* SPDX-License-Identifier: MIT */
/* What the files that implement fs/store/store.h share. Nobody else includes this. */
#ifndef FS_STORE_STORE_PRIVATE_H
#define FS_STORE_STORE_PRIVATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "fs/store/buffer.h"
#include "fs/store/capping.h"
#include "fs/store/damage.h"
#include "fs/store/pack_table.h"
#include "fs/store/region_cache.h"
#include "fs/store/scratch.h"
#include "fs/store/segment.h"
#include "fs/store/space.h"
#include "fs/store/store.h"

#define STORE_MAGIC        0x53544f52u
#define STORE_STREAM_MAGIC 0x5354524du

#define STORE_PREFETCH_MAX 64u

struct store_marks;

struct store_stream {
	uint32_t magic;
	struct store *store;
	enum pack_kind kind;
	LIST_ENTRY(store_stream) link; /* store->streams_lock */
	pthread_mutex_t lock;          /* the stream lock: all below */
	struct pack *pack;             /* open, or NULL */
	struct buffer *region;         /* the open region of it, or NULL */
	struct pack *follow;           /* where the last duplicate was found... */
	uint32_t follow_slot;          /* ...and the slot after it */
	size_t window;                 /* fingerprints to look up at once */
	uint64_t credit;               /* bytes that may be stored anew (capping.h) */
	struct capping_place last_place; /* of the last duplicate */
};

/* What has been put and is not on the disk. */
struct store_flow {
	pthread_mutex_t lock; /* all below */
	pthread_cond_t moved; /* a region was compressed, a pack was written or failed */
	uint64_t bytes;       /* raw bytes to compress, stored bytes to write */
	uint64_t limit;
	unsigned stuck;       /* packs that the host had no room for */
};

struct store_counters { /* atomic, relaxed */
	uint64_t chunks_new, chunks_duplicate, bytes_new, bytes_rewritten, bytes_duplicate;
	uint64_t regions_raw, regions_stored; /* bytes of the regions compressed so far */
};

struct store_prefetch {
	struct pool_task task;
	struct store *store;
	struct chunk_ref ref;
	uint32_t region; /* UINT32_MAX: not known, the pack's directory is not in memory */
	bool used;
};

/* Bitmap of the packs below `end` that exist; see existence.c. */
struct store_existence {
	pthread_mutex_t lock; /* all below; outside the catalogue reader lock and the delta lock */
	uint64_t *word;       /* NULL: nobody has asked yet */
	uint64_t end;
};

struct store {
	uint32_t magic;
	char *path;
	struct superblock sb;
	struct store_options options;
	enum compression compression;
	int lock_fd;
	int failed; /* atomic; -errno */

	struct chunker *chunker;
	struct catalogue *catalogue;
	struct pool *pool;
	struct index *index;
	struct segments *segments;
	struct pack_table *packs;
	struct region_cache *regions;
	struct buffer_pool *raw_buffers;
	struct buffer_pool *stored_buffers;
	struct scratch_pool *scratch;
	struct damage *damage;
	struct space *space;

	/* The sweep lock: a put reads under it; cleaning changes what is below under it. */
	pthread_rwlock_t sweep_lock;
	struct store_marks *marks;    /* NULL: nobody marks */
	uint64_t sweep_low, sweep_high; /* packs [low, high) are being swept: no dedup targets */

	pthread_mutex_t streams_lock;
	LIST_HEAD(, store_stream) streams;
	struct store_stream *shared[PACK_ANCHOR + 1];

	struct store_flow flow;

	/* The delta lock, inside the stream lock: numbers and what is not committed. */
	pthread_mutex_t delta_lock;
	uint64_t next_pack;
	uint64_t pack_count; /* committed */
	int64_t pack_count_change; /* the committer's: of the transaction under way */
	struct pack_list uncommitted; /* in order of number */

	struct store_counters counters;

	pthread_mutex_t prefetch_lock;
	struct store_prefetch prefetch[STORE_PREFETCH_MAX];

	struct store_recovery *recovery;
	struct store_existence existence;
};

static inline bool store_can_write(const struct store *store)
{
	return !store->options.read_only && store_failed(store) == 0;
}

/* stream.c: the stream lock is held */
int stream_append_locked(struct store_stream *stream, const struct fingerprint_input *chunk,
			 const struct fingerprint *fingerprint, struct chunk_ref *ref);
void stream_close_pack_locked(struct store_stream *stream);
/* Waits while too much is waiting to be written, helping. 0, -ENOSPC, -EROFS. */
int store_throttle(struct store *store);
/* Closes the open pack of each stream, so that it gets written. No stream's lock held. */
void store_close_packs(struct store *store);

/* pack_write.c */
/* Lays out, allots and writes a pack whose regions are all in pack->work[]->stored. */
int pack_write_parts(struct store *store, struct pack *pack);
void pack_drop_work_locked(struct pack *pack);
/* Region bytes as they will be stored; the reference is the caller's. Never fails. */
struct buffer *region_compress(struct store *store, struct buffer *raw, enum codec *codec);
void pack_work_submit(struct pack_work *work);
/* The stream will not add to it any more. */
void pack_close(struct store *store, struct pack *pack);
/* Tries again to write a pack that the host had no room for. */
void pack_write_again(struct store *store, struct pack *pack);

/* pack_load.c */
pack_loader store_load_pack;
region_loader store_load_region;
/* The bytes of one region as they are stored, checked against their checksum. */
int store_read_region(struct store *store, const struct pack *pack, uint32_t region, uint8_t *data);
/* Decodes it into a new buffer. */
int store_decode_region(struct store *store, const struct pack_region *region, const uint8_t *stored,
			struct buffer **buffer);
/* All chunks of the region are quarantined; logged. */
void store_quarantine_region(struct store *store, const struct pack *pack, uint32_t region);

/* A row of the catalogue. */
struct pack_row {
	uint64_t pack;
	uint32_t version;
	uint8_t kind;
	struct segment_place place;
	uint32_t slots;
	uint64_t raw;
};
/* The next rows from `from` on: their number or -errno. */
int store_next_rows(struct store *store, uint64_t from, struct pack_row *rows, int room);
int store_segment_rows(struct store *store, uint64_t segment, struct pack_row *rows, int room);
/* Whether the catalogue still says that the pack is where it was loaded from: 0; -ESTALE: it is
 * elsewhere, or gone; else why that cannot be read. */
int store_check_pack(struct store *store, const struct pack *pack);
int store_check_row(struct store *store, const struct pack_row *row);

/* pack_repair.c */
/* Fills in directory and raw size from the pack's end and its regions. -EBADMSG: in vain. */
int store_rebuild_directory(struct store *store, const struct pack_row *row, struct pack *pack);
/* Writes header and directory again, in place, and makes them durable. -EBADMSG: what can be
 * made of them is not proven to be what they were; -EIO: what is needed for that does not read;
 * -EAGAIN: cleaning has the pack; -EROFS. */
int store_repair_pack(struct store *store, const struct pack_row *row);
/* Writes the pack's tail and the header behind it again, if they are not what `directory` and the
 * header at the beginning say: 0: they are; 1: written; errors as above. */
int store_repair_end(struct store *store, const struct pack_row *row,
		     const struct pack_directory *directory);

/* rewrite.c: the pack's living chunks as a new pack in a new place, written but not synced.
 * -EIO: damage stands in the way. */
int pack_rewrite(struct store *store, struct pack *old, const struct store_marks *marks,
		 struct pack **fresh);
/* The same bytes in another place. */
int pack_move(struct store *store, const struct pack_row *row, struct pack **fresh);
/* Stored bytes of living and of all chunks. */
void pack_weigh(const struct pack *pack, const struct store_marks *marks, uint64_t *living,
		uint64_t *all);

/* delta.c */
/* Notes in the transaction under way that so many packs came or went, and the next number. */
int store_record_counters(struct store *store, int64_t change);
/* Its end, for the same number. */
void store_settle_counters(struct store *store, int64_t change, bool committed);
/* Every pack below this is committed. */
uint64_t store_committed_below(struct store *store);
/* The pack's row, in the committer's transaction. */
int store_record_pack(struct store *store, const struct pack *pack);

/* The sweep lock is held: cleaning is not deciding about the pack just now. */
static inline bool store_may_target_locked(const struct store *store, uint64_t pack)
{
	return pack < store->sweep_low || pack >= store->sweep_high;
}

/* marks.c: for whoever refers to a chunk that is there, under the sweep lock */
void store_marks_hit(struct store *store, struct chunk_ref ref);

/* existence.c */
bool store_pack_exists(void *store, uint64_t pack);
void store_existence_drop(struct store *store, uint64_t pack);

/* recover.c */
void store_recovery_start(struct store *store);
/* Waits for the step under way; the pool must still run. */
void store_recovery_stop(struct store *store);
void store_recovery_free(struct store *store);
/* True once every committed pack's fingerprints are in the index. */
bool store_recovery_is_done(struct store *store);

#endif

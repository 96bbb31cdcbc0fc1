/* SPDX-License-Identifier: MIT */
/*
 * From the disk to memory: a pack's directory, a region's bytes. Everything is
 * checked against its checksum. What fails is quarantined, said once in the log
 * and answered with -EIO, except where the pack has meanwhile been rewritten
 * elsewhere: then the caller looks it up again.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <xxhash.h>

#include "fs/store/catalogue_sql.h"
#include "fs/store/store_private.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

/* ---- directories ---- */

static struct pack_row pack_row_read(sqlite3_stmt *s)
{
	return (struct pack_row){
		.pack = (uint64_t)sqlite3_column_int64(s, 0),
		.version = (uint32_t)sqlite3_column_int64(s, 1),
		.kind = (uint8_t)sqlite3_column_int(s, 2),
		.place = {(uint64_t)sqlite3_column_int64(s, 3), (uint64_t)sqlite3_column_int64(s, 4),
			  (uint64_t)sqlite3_column_int64(s, 5)},
		.slots = (uint32_t)sqlite3_column_int64(s, 6),
		.raw = (uint64_t)sqlite3_column_int64(s, 7),
	};
}

static int pack_rows_read(struct catalogue *c, sqlite3_stmt *s, struct pack_row *rows, int room)
{
	int n = 0, code = SQLITE_ROW;
	while (n < room && (code = sqlite3_step(s)) == SQLITE_ROW)
		rows[n++] = pack_row_read(s);
	sqlite3_reset(s);
	if (fault_hit("catalogue_rows"))
		code = SQLITE_IOERR;
	int error = catalogue_errno(c, code, "read packs");
	return error ? error : n;
}

int store_next_rows(struct store *store, uint64_t from, struct pack_row *rows, int room)
{
	catalogue_read_lock(store->catalogue);
	sqlite3_stmt *s = catalogue_statement(store->catalogue, SQL_PACK_NEXT);
	sqlite3_bind_int64(s, 1, (int64_t)from);
	sqlite3_bind_int64(s, 2, room);
	int n = pack_rows_read(store->catalogue, s, rows, room);
	catalogue_read_unlock(store->catalogue);
	return n;
}

int store_segment_rows(struct store *store, uint64_t segment, struct pack_row *rows, int room)
{
	catalogue_read_lock(store->catalogue);
	sqlite3_stmt *s = catalogue_statement(store->catalogue, SQL_PACK_IN_SEGMENT);
	sqlite3_bind_int64(s, 1, (int64_t)segment);
	int n = pack_rows_read(store->catalogue, s, rows, room);
	catalogue_read_unlock(store->catalogue);
	return n;
}

static int store_find_row(struct store *store, uint64_t number, struct pack_row *row)
{
	catalogue_read_lock(store->catalogue);
	sqlite3_stmt *s = catalogue_statement(store->catalogue, SQL_PACK_GET);
	sqlite3_bind_int64(s, 1, (int64_t)number);
	int n = pack_rows_read(store->catalogue, s, row, 1);
	catalogue_read_unlock(store->catalogue);
	if (n == -EBADMSG)
		return -EIO;
	return n < 0 ? n : n == 0 ? -ENOENT : 0;
}

static bool pack_row_same(const struct pack_row *row, uint32_t version, const struct segment_place *place)
{
	return row->version == version && row->place.segment == place->segment &&
	       row->place.offset == place->offset;
}

static int store_check_place(struct store *store, uint64_t number, uint32_t version,
			     const struct segment_place *place)
{
	struct pack_row now;
	int error = store_find_row(store, number, &now);
	if (error)
		return error == -ENOENT ? -ESTALE : error;
	return pack_row_same(&now, version, place) ? 0 : -ESTALE;
}

int store_check_row(struct store *store, const struct pack_row *row)
{
	return store_check_place(store, row->pack, row->version, &row->place);
}

int store_check_pack(struct store *store, const struct pack *pack)
{
	if (pack_is_superseded(pack))
		return -ESTALE;
	return pack->state == PACK_STATE_COMMITTED
		       ? store_check_place(store, pack->number, pack->version, &pack->place)
		       : 0;
}

/* The header is read with as much behind it as the directory most likely has. */
static size_t pack_head_guess(const struct pack_row *row)
{
	uint64_t guess = PACK_HEADER_SIZE + pack_directory_size(row->slots / 16 + 2, row->slots);
	return guess < row->place.length ? (size_t)guess : (size_t)row->place.length;
}

static int store_read_head(struct store *store, const struct pack_row *row, uint8_t **head,
			   struct pack_header *header)
{
	size_t size = pack_head_guess(row);
	if (row->slots > PACK_SLOTS_MAX || size < PACK_HEADER_SIZE)
		return -EBADMSG;
	CLEANUP_FREE uint8_t *data = mem_try_alloc(1, size);
	if (!data)
		return -ENOMEM;
	int error = segments_read(store->segments, row->place.segment, row->place.offset, data, size);
	if (!error)
		error = pack_header_decode(data, store->sb.uuid, header);
	if (!error && (header->pack != row->pack || header->version != row->version ||
		       header->length != row->place.length || header->slots != row->slots))
		error = -EBADMSG;
	if (error)
		return error;
	size_t need = PACK_HEADER_SIZE + (size_t)header->directory_size;
	if (need > size) {
		uint8_t *grown = mem_try_resize(data, need, 1);
		if (!grown)
			return -ENOMEM;
		data = grown;
		error = segments_read(store->segments, row->place.segment, row->place.offset + size,
				      data + size, need - size);
	}
	if (!error)
		*head = TAKE(data);
	return error;
}

static int store_read_directory(struct store *store, const struct pack_row *row, struct pack *pack)
{
	CLEANUP_FREE uint8_t *head = NULL;
	struct pack_header header;
	int error = store_read_head(store, row, &head, &header);
	if (!error)
		error = pack_directory_decode(&header, head + PACK_HEADER_SIZE, &pack->directory);
	if (!error)
		pack->raw = header.raw;
	return error;
}

/* From the beginning of the pack, or else from its end. */
static int store_fetch_directory(struct store *store, const struct pack_row *row, struct pack *pack)
{
	int error = store_read_directory(store, row, pack);
	/* What cleaning has just moved away reads as zeros, at both ends. */
	if (error && error != -ENOMEM)
		error = store_rebuild_directory(store, row, pack);
	if (error)
		return error;
	pack->place = row->place;
	pack->placed = true;
	pack->state = PACK_STATE_COMMITTED;
	return 0;
}

/* A directory that does not read although the catalogue still says that it is there. */
static int store_quarantine_directory(struct store *store, const struct pack_row *row)
{
	struct pack_row now;
	int error = store_find_row(store, row->pack, &now);
	if (error)
		return error;
	if (!pack_row_same(&now, row->version, &row->place))
		return -EAGAIN;
	struct chunk_ref ref = {row->pack, DAMAGE_DIRECTORY};
	if (damage_add(store->damage, ref, NULL))
		log_error("%s: pack %" PRIu64 " (segment %" PRIu64 " at %" PRIu64
			  ") is damaged: its directory does not read",
			  store->path, row->pack, row->place.segment, row->place.offset);
	return -EIO;
}

int store_load_pack(void *context, uint64_t number, struct pack **loaded)
{
	struct store *store = context;
	struct pack_row row;
	int error;
	do {
		error = store_find_row(store, number, &row);
		if (error)
			return error;
		struct pack *pack = pack_new(number, row.version, row.kind);
		if (!pack)
			return -ENOMEM;
		error = store_fetch_directory(store, &row, pack);
		if (!error) {
			*loaded = pack;
			return 0;
		}
		pack_release(&pack);
		if (error != -ENOMEM)
			error = store_quarantine_directory(store, &row);
	} while (error == -EAGAIN);
	return error;
}

/* ---- regions ---- */

int store_read_region(struct store *store, const struct pack *pack, uint32_t index, uint8_t *data)
{
	const struct pack_region *region = &pack->directory.region[index];
	int error = segments_read(store->segments, pack->place.segment, pack->place.offset + region->offset,
				  data, region->stored);
	if (!error && XXH3_64bits(data, region->stored) != region->checksum)
		error = -EBADMSG;
	return error;
}

int store_decode_region(struct store *store, const struct pack_region *region, const uint8_t *stored,
			struct buffer **buffer)
{
	CLEANUP_SCRATCH struct scratch *scratch = scratch_take(store->scratch, 0);
	struct buffer *raw = buffer_pool_take(store->raw_buffers, region->raw);
	int error = scratch && raw ? 0 : -ENOMEM;
	if (!error)
		error = compressor_unpack(scratch->compressor, (enum codec)region->codec, stored,
					  region->stored, raw->data, region->raw);
	if (error) {
		buffer_release(&raw);
		return error;
	}
	raw->size = region->raw;
	*buffer = raw;
	return 0;
}

void store_quarantine_region(struct store *store, const struct pack *pack, uint32_t index)
{
	const struct pack_directory *d = &pack->directory;
	unsigned news = 0;
	for (uint32_t slot = 0; slot < d->slots; slot++) {
		struct chunk_ref ref = {pack->number, slot};
		const struct fingerprint *fingerprint = &d->fingerprint[slot];
		if (d->slot[slot].region == index)
			news += damage_add(store->damage, ref,
					   pack_fingerprint_is_known(fingerprint) ? fingerprint : NULL);
	}
	if (news)
		log_error("%s: pack %" PRIu64 " (segment %" PRIu64 " at %" PRIu64
			  ") is damaged: region %u with %u chunks does not read",
			  store->path, pack->number, pack->place.segment, pack->place.offset, index, news);
}

/* A region that is compressed but not on the disk yet: a copy of its entry and its bytes. */
static bool store_find_unwritten(struct pack *pack, uint32_t index, struct pack_region *region,
				 struct buffer **stored)
{
	LOCK_SCOPE(&pack->lock);
	ASSERT(index < pack->directory.regions);
	*region = pack->directory.region[index];
	if (!pack->work || !pack->work[index]->stored)
		return false;
	*stored = buffer_hold(pack->work[index]->stored);
	return true;
}

static int store_load_written(struct store *store, struct pack *pack, uint32_t index,
			      struct buffer **buffer)
{
	const struct pack_region *region = &pack->directory.region[index];
	CLEANUP_SCRATCH struct scratch *scratch = scratch_take(store->scratch, region->stored);
	if (!scratch)
		return -ENOMEM;
	int error = store_read_region(store, pack, index, scratch->room);
	if (!error)
		error = store_decode_region(store, region, scratch->room, buffer);
	if (!error || error == -ENOMEM)
		return error;
	/* Cleaning may have moved the pack and freed its old place just now. Where that cannot be
	 * found out, nothing is known of the region. */
	error = store_check_pack(store, pack);
	if (error)
		return error == -ESTALE || error == -ENOMEM ? error : -EIO;
	store_quarantine_region(store, pack, index);
	return -EIO;
}

int store_load_region(void *context, const struct region_key *key, struct buffer **buffer)
{
	struct pack *pack = context;
	struct buffer *stored = NULL;
	struct pack_region region;
	struct store *store = pack->table ? pack_table_context(pack->table) : NULL;
	ASSERT(store != NULL);
	if (!store_find_unwritten(pack, key->region, &region, &stored))
		return store_load_written(store, pack, key->region, buffer);
	int error = store_decode_region(store, &region, stored->data, buffer);
	buffer_release(&stored);
	return error;
}

/* SPDX-License-Identifier: MIT */
/*
 * Packs whose header or directory does not read. Loading makes it again from the
 * pack's end and its regions, in memory, so that reads and dedup go on as
 * before; scrubbing writes what is proven to be the same bytes over the damaged
 * ones, and does so with an end that nobody has needed yet. These are the only
 * writes into a pack that is there, and one of its ends is good and durable
 * before the other is written: a power cut in it leaves what was there before.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "fs/store/pack_end.h"
#include "fs/store/pack_rebuild.h"
#include "fs/store/store_private.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"

struct repair_source {
	struct store *store;
	const struct segment_place *place;
};

static int repair_read(void *context, uint64_t offset, void *data, size_t size)
{
	const struct repair_source *s = context;
	return segments_read(s->store->segments, s->place->segment, s->place->offset + offset, data, size);
}

static struct pack_source repair_source_of(struct repair_source *context)
{
	return (struct pack_source){.read = repair_read,
				    .context = context,
				    .uuid = context->store->sb.uuid,
				    .length = context->place->length};
}

static int repair_rebuild(struct store *store, const struct pack_row *row, struct pack_rebuilt *rebuilt)
{
	struct repair_source context = {store, &row->place};
	const struct pack_source source = repair_source_of(&context);
	struct pack_rebuilt made;
	int error = pack_rebuild(&source, &made);
	if (error)
		return error;
	if (made.header.pack != row->pack || made.header.version != row->version ||
	    made.header.slots != row->slots) {
		pack_rebuilt_clear(&made);
		return -EBADMSG;
	}
	*rebuilt = made;
	return 0;
}

/* What could not be salvaged is known to be damaged, though not what it was. */
static void repair_quarantine_lost(struct store *store, const struct pack *pack)
{
	for (uint32_t slot = 0; slot < pack->directory.slots; slot++)
		if (pack->directory.slot[slot].size == 0)
			damage_add(store->damage, (struct chunk_ref){pack->number, slot}, NULL);
}

int store_rebuild_directory(struct store *store, const struct pack_row *row, struct pack *pack)
{
	CLEANUP_REBUILT struct pack_rebuilt rebuilt = {0};
	int error = repair_rebuild(store, row, &rebuilt);
	/* What cleaning gives away while it is read looks like this. */
	if (!error && rebuilt.salvaged)
		error = store_check_row(store, row);
	if (error)
		return error;
	pack->directory = rebuilt.directory;
	rebuilt.directory = (struct pack_directory){0};
	pack->raw = rebuilt.header.raw;
	pack->rebuilt = true;
	pack->salvaged = rebuilt.salvaged;
	if (pack->salvaged)
		repair_quarantine_lost(store, pack);
	log_warning("%s: pack %" PRIu64 " (segment %" PRIu64 " at %" PRIu64 "): its directory does not read;"
		    " it is made again from the data%s",
		    store->path, row->pack, row->place.segment, row->place.offset,
		    rebuilt.whole    ? ", and scrubbing repairs it"
		    : rebuilt.salvaged ? ", as far as that proves it, for its copy is damaged, too"
		    : rebuilt.unread ? ", some of which does not read just now"
				     : ", some of which is damaged, too");
	return 0;
}

static int repair_write(struct store *store, const struct pack_row *row, void *data, size_t size,
			uint64_t at)
{
	const struct segment_place place = {row->place.segment, row->place.offset + at, size};
	struct iovec part = {data, size};
	int error = segments_write(store->segments, &place, &part, 1);
	if (error)
		return error;
	error = segments_sync(store->segments, &place, 1);
	/* The host tells of a loss once: it may be of packs that no commit has asked for yet. It has
	 * said nothing where the segment has gone meanwhile, or cannot be opened again just now. */
	if (error && error != -ENOENT && error != -EMFILE && error != -ENFILE)
		store_fail(store, error, "sync a repaired pack");
	return error;
}

/* -EAGAIN: the pack is elsewhere now. */
static int repair_check_row(struct store *store, const struct pack_row *row)
{
	int error = store_check_row(store, row);
	return error == -ESTALE ? -EAGAIN : error;
}

/* Writes `size` bytes at this offset of the pack, which is `what`, and makes them durable. */
static int repair_bytes(struct store *store, const struct pack_row *row, void *data, size_t size,
			uint64_t at, const char *what)
{
	if (!store_can_write(store))
		return -EROFS;
	/* Cleaning decides about a pack under this lock: it does not give the place away meanwhile. */
	pthread_rwlock_rdlock(&store->sweep_lock);
	int error = store_may_target_locked(store, row->pack) ? repair_check_row(store, row) : -EAGAIN;
	if (!error)
		error = repair_write(store, row, data, size, at);
	pthread_rwlock_unlock(&store->sweep_lock);
	if (error && error != -EAGAIN)
		/* Nothing that was there is lost by what could not be written: the store goes on. */
		log_error("%s: pack %" PRIu64 ": %s cannot be repaired: %s", store->path, row->pack, what,
			  strerror(-error));
	else if (!error)
		log_info("%s: pack %" PRIu64 ": %s is repaired", store->path, row->pack, what);
	return error;
}

int store_repair_pack(struct store *store, const struct pack_row *row)
{
	CLEANUP_REBUILT struct pack_rebuilt rebuilt = {0};
	int error = repair_rebuild(store, row, &rebuilt);
	if (!error && !rebuilt.whole)
		error = rebuilt.unread ? -EIO : -EBADMSG;
	return error ? error : repair_bytes(store, row, rebuilt.head, rebuilt.head_size, 0, "its directory");
}

int store_repair_end(struct store *store, const struct pack_row *row, const struct pack_directory *directory)
{
	CLEANUP_PACK_END struct pack_end end = {0};
	struct repair_source context = {store, &row->place};
	const struct pack_source source = repair_source_of(&context);
	int found = pack_end_check(&source, directory, &end);
	if (found != 1 && found != -EBADMSG)
		return found;
	int error = repair_check_row(store, row);
	if (error)
		return error;
	log_warning("%s: pack %" PRIu64 " (segment %" PRIu64 " at %" PRIu64
		    "): the copy of its directory at its end is damaged",
		    store->path, row->pack, row->place.segment, row->place.offset);
	if (found > 0)
		found = repair_bytes(store, row, end.data, end.size, end.offset, "the end");
	return found ? found : 1;
}

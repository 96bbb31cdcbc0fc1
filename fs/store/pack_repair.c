/* SPDX-License-Identifier: MIT */
/*
 * Packs whose header or directory does not read. Loading makes it again from the
 * pack's end and its regions, in memory, so that reads and dedup go on as
 * before; scrubbing writes what is proven to be the same bytes over the damaged
 * ones. That is the only write into a pack that is there: a power cut in it
 * leaves what was there before, a beginning that does not read.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

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

static int repair_rebuild(struct store *store, const struct pack_row *row, struct pack_rebuilt *rebuilt)
{
	struct repair_source context = {store, &row->place};
	const struct pack_source source = {.read = repair_read,
					   .context = &context,
					   .uuid = store->sb.uuid,
					   .length = row->place.length};
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

int store_rebuild_directory(struct store *store, const struct pack_row *row, struct pack *pack)
{
	CLEANUP_REBUILT struct pack_rebuilt rebuilt = {0};
	int error = repair_rebuild(store, row, &rebuilt);
	if (error)
		return error;
	pack->directory = rebuilt.directory;
	rebuilt.directory = (struct pack_directory){0};
	pack->raw = rebuilt.header.raw;
	pack->rebuilt = true;
	log_warning("%s: pack %" PRIu64 " (segment %" PRIu64 " at %" PRIu64 "): its directory does not read;"
		    " it is made again from the data%s",
		    store->path, row->pack, row->place.segment, row->place.offset,
		    rebuilt.whole ? ", and scrubbing repairs it" : ", some of which does not read either");
	return 0;
}

static int repair_write(struct store *store, const struct pack_row *row, struct pack_rebuilt *rebuilt)
{
	struct iovec part = {rebuilt->head, rebuilt->head_size};
	int error = segments_write(store->segments, &row->place, &part, 1);
	return error ? error : segments_sync(store->segments, &row->place, 1);
}

int store_repair_pack(struct store *store, const struct pack_row *row)
{
	CLEANUP_REBUILT struct pack_rebuilt rebuilt = {0};
	int error = store_can_write(store) ? repair_rebuild(store, row, &rebuilt) : -EROFS;
	if (!error && !rebuilt.whole)
		error = -EBADMSG;
	if (error)
		return error;
	/* Cleaning decides about a pack under this lock: it does not give the place away meanwhile. */
	pthread_rwlock_rdlock(&store->sweep_lock);
	if (!store_may_target_locked(store, row->pack) || !store_row_is_current(store, row))
		error = -EAGAIN;
	else
		error = repair_write(store, row, &rebuilt);
	pthread_rwlock_unlock(&store->sweep_lock);
	if (error && error != -EAGAIN)
		/* Nothing that was there is lost by it: the store goes on. */
		log_error("%s: pack %" PRIu64 ": its directory cannot be repaired: %s", store->path, row->pack,
			  strerror(-error));
	else if (!error)
		log_info("%s: pack %" PRIu64 ": its directory is repaired", store->path, row->pack);
	return error;
}

/* SPDX-License-Identifier: MIT */
/*
 * Getting: from a reference to a view of the chunk's bytes.
 *
 * A quarantined chunk that has been healed is read where its good copy is. A
 * chunk of an open region is read from the region; any other from the cache of
 * decoded regions. A pack that cleaning has moved while it was read is looked
 * up again.
 */
#include <errno.h>
#include <unistd.h>

#include "fs/store/store_private.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"

#define GET_HEAL_HOPS 16
#define GET_STALE_US  200

/* Follows healings: a good copy may have been damaged and healed in its turn. -EIO: no good one. */
static int store_resolve(struct store *store, struct chunk_ref *ref)
{
	struct chunk_ref good;
	for (int hops = 0; hops < GET_HEAL_HOPS; hops++) {
		if (!damage_find(store->damage, *ref, &good))
			return 0;
		if (chunk_ref_is_none(good))
			return -EIO;
		*ref = good;
	}
	return -EIO;
}

static void view_set(struct store_view *view, struct buffer *buffer, const struct pack_slot *slot)
{
	ASSERT((uint64_t)slot->offset + slot->size <= buffer->size);
	*view = (struct store_view){buffer->data + slot->offset, slot->size, buffer};
}

/* The chunk's slot, and its region's buffer while that is open. -ENOENT for none. */
static int pack_find_slot(struct pack *pack, uint32_t number, struct pack_slot *slot,
			  struct buffer **open_region)
{
	LOCK_SCOPE(&pack->lock);
	if (number >= pack->directory.slots)
		return -ENOENT;
	if (pack->directory.slot[number].size == 0)
		return pack->salvaged ? -EIO : -ENOENT;
	*slot = pack->directory.slot[number];
	struct pack_work *work = pack->work ? pack->work[slot->region] : NULL;
	if (work && work->raw)
		*open_region = buffer_hold(work->raw);
	return 0;
}

static int store_get_from(struct store *store, struct pack *pack, uint32_t number,
			  struct store_view *view)
{
	struct buffer *buffer = NULL;
	struct pack_slot slot;
	int error = pack_find_slot(pack, number, &slot, &buffer);
	if (error)
		return error;
	if (buffer) {
		/* The region grows while this is read: its size is not looked at. */
		*view = (struct store_view){buffer->data + slot.offset, slot.size, buffer};
		return 0;
	}
	struct region_key key = {pack->number, pack->version, slot.region};
	error = region_cache_get(store->regions, &key, store_load_region, pack, &buffer);
	if (!error)
		view_set(view, buffer, &slot);
	return error;
}

int store_get(struct store *store, struct chunk_ref ref, struct store_view *view)
{
	ASSERT_OBJECT(store, STORE_MAGIC);
	int error = store_resolve(store, &ref);
	while (!error) {
		struct pack *pack = NULL;
		error = pack_table_get(store->packs, ref.pack, &pack);
		if (error)
			break;
		error = store_get_from(store, pack, ref.slot, view);
		pack_release(&pack);
		if (error != -ESTALE)
			break;
		/* The commit that moved it is done; in a moment the table of packs says so too. */
		usleep(GET_STALE_US);
		error = 0;
	}
	return error;
}

void store_view_release(struct store_view *view)
{
	struct buffer *buffer = view->hold;
	buffer_release(&buffer);
	*view = (struct store_view){0};
}

int store_chunk_info(struct store *store, struct chunk_ref ref, uint32_t *raw, uint32_t *stored,
		     struct fingerprint *fingerprint)
{
	struct pack *pack = NULL;
	int error = store_resolve(store, &ref);
	if (!error)
		error = pack_table_get(store->packs, ref.pack, &pack);
	if (error)
		return error;
	pthread_mutex_lock(&pack->lock);
	if (ref.slot >= pack->directory.slots || pack->directory.slot[ref.slot].size == 0) {
		error = -ENOENT;
	} else {
		const struct pack_slot *slot = &pack->directory.slot[ref.slot];
		const struct pack_region *region = &pack->directory.region[slot->region];
		*raw = slot->size;
		/* What is not compressed yet counts as it is. */
		*stored = region->raw && region->stored
				  ? (uint32_t)((uint64_t)slot->size * region->stored / region->raw)
				  : slot->size;
		if (fingerprint)
			*fingerprint = pack->directory.fingerprint[ref.slot];
	}
	pthread_mutex_unlock(&pack->lock);
	pack_release(&pack);
	return error;
}

/* ---- reading ahead ---- */

static void prefetch_run(void *argument)
{
	struct store_prefetch *wish = argument;
	struct store *store = wish->store;
	struct store_view view;
	if (store_get(store, wish->ref, &view) == 0)
		store_view_release(&view);
	LOCK_SCOPE(&store->prefetch_lock);
	wish->used = false;
}

/* What a reader will want: the region, or the whole pack while its directory is not in memory. */
struct prefetch_target {
	uint32_t region; /* UINT32_MAX: not known */
	struct segment_place stored;
};

/* Looks where the chunk is; true when there is nothing to load. */
static bool prefetch_is_idle(struct store *store, struct chunk_ref ref, struct prefetch_target *target)
{
	struct pack *pack = pack_table_peek(store->packs, ref.pack);
	bool idle = false;
	*target = (struct prefetch_target){.region = UINT32_MAX};
	if (!pack)
		return false;
	pthread_mutex_lock(&pack->lock);
	const struct pack_directory *d = &pack->directory;
	if (ref.slot >= d->slots || d->slot[ref.slot].size == 0 || pack->work) {
		idle = true;
	} else {
		target->region = d->slot[ref.slot].region;
		const struct pack_region *region = &d->region[target->region];
		target->stored = (struct segment_place){
			pack->place.segment, pack->place.offset + region->offset, region->stored};
	}
	pthread_mutex_unlock(&pack->lock);
	if (!idle) {
		struct region_key key = {pack->number, pack->version, target->region};
		idle = region_cache_has(store->regions, &key);
	}
	pack_release(&pack);
	return idle;
}

/* A place for the wish, or NULL: there is none (*full), or somebody has the same wish. */
static struct store_prefetch *prefetch_take(struct store *store, struct chunk_ref ref, uint32_t region,
					    bool *full)
{
	struct store_prefetch *wish = NULL;
	LOCK_SCOPE(&store->prefetch_lock);
	for (unsigned i = 0; i < STORE_PREFETCH_MAX; i++) {
		struct store_prefetch *p = &store->prefetch[i];
		if (p->used && p->ref.pack == ref.pack && (p->region == region || p->region == UINT32_MAX))
			return NULL;
		if (!p->used)
			wish = p;
	}
	*full = wish == NULL;
	if (wish)
		*wish = (struct store_prefetch){.store = store, .ref = ref, .region = region, .used = true};
	return wish;
}

bool store_prefetch(struct store *store, struct chunk_ref ref)
{
	struct prefetch_target target;
	bool full = false;
	if (store_resolve(store, &ref) < 0 || prefetch_is_idle(store, ref, &target))
		return true;
	struct store_prefetch *wish = prefetch_take(store, ref, target.region, &full);
	if (!wish)
		return !full;
	/* The workers come to it later: until then the disk can be at it, for many at a time. */
	if (target.region != UINT32_MAX)
		segments_will_read(store->segments, target.stored.segment, target.stored.offset,
				   target.stored.length);
	wish->task = (struct pool_task){.run = prefetch_run, .argument = wish};
	pool_submit(store->pool, POOL_READ, &wish->task);
	return true;
}

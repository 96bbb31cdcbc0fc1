/* SPDX-License-Identifier: MIT */
/*
 * One pack copied forward. The new pack has the old one's number and slots and
 * the next version; a region all of whose chunks live is copied as it is stored,
 * one with dead chunks is decoded, closed up and compressed again, one without
 * living chunks goes. A quarantined chunk that has been healed is taken from its
 * good copy. A region that does not read and has a living chunk that nobody
 * healed is copied as it is: its chunks stay quarantined, nothing is lost that
 * could still be read. A fingerprint that was lost with a directory is made again
 * wherever the chunk's bytes are at hand.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "fs/store/marks.h"
#include "fs/store/store_private.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

struct rewrite {
	struct store *store;
	struct pack *old;
	const struct store_marks *marks;
	struct pack *fresh;
};

static bool rewrite_lives(const struct rewrite *r, uint32_t slot)
{
	return r->old->directory.slot[slot].size > 0 &&
	       marks_is_set(r->marks, (struct chunk_ref){r->old->number, slot});
}

void pack_weigh(const struct pack *pack, const struct store_marks *marks, uint64_t *living, uint64_t *all)
{
	const struct pack_directory *d = &pack->directory;
	*living = *all = 0;
	for (uint32_t i = 0; i < d->regions; i++)
		*all += d->region[i].stored;
	for (uint32_t i = 0; i < d->slots; i++) {
		const struct pack_slot *slot = &d->slot[i];
		if (slot->size && marks_is_set(marks, (struct chunk_ref){pack->number, i}))
			*living += (uint64_t)slot->size * d->region[slot->region].stored /
				   d->region[slot->region].raw;
	}
}

/* ---- the new pack ---- */

static int rewrite_add_region(struct rewrite *r, struct pack_region region, struct buffer *stored)
{
	struct pack *fresh = r->fresh;
	struct pack_work *work = mem_try_zalloc(1, sizeof(*work));
	if (!work)
		return -ENOMEM;
	work->stored = buffer_hold(stored);
	fresh->directory.region[fresh->directory.regions] = region;
	fresh->work[fresh->directory.regions++] = work;
	fresh->raw += region.raw;
	return 0;
}

/* `bytes`: the chunk's, or NULL where they do not read. */
static int rewrite_keep_slot(struct rewrite *r, uint32_t slot, uint32_t offset, const uint8_t *bytes)
{
	struct pack_directory *to = &r->fresh->directory;
	to->slot[slot] = r->old->directory.slot[slot];
	to->slot[slot].region = to->regions;
	to->slot[slot].offset = offset;
	to->fingerprint[slot] = r->old->directory.fingerprint[slot];
	if (!bytes || pack_fingerprint_is_known(&to->fingerprint[slot]))
		return 0;
	const struct fingerprint_input input = {bytes, to->slot[slot].size};
	return fingerprint_many(&input, 1, &to->fingerprint[slot]);
}

static int rewrite_start(struct rewrite *r)
{
	const struct pack_directory *d = &r->old->directory;
	r->fresh = pack_new(r->old->number, r->old->version + 1, r->old->kind);
	if (!r->fresh)
		return -ENOMEM;
	int error = pack_directory_allocate(&r->fresh->directory, d->regions, d->slots);
	if (error)
		return error;
	r->fresh->work = mem_try_zalloc(d->regions, sizeof(*r->fresh->work));
	r->fresh->directory.regions = 0;
	for (uint32_t i = 0; i < d->slots; i++)
		r->fresh->directory.slot[i].region = PACK_NO_REGION;
	return r->fresh->work ? 0 : -ENOMEM;
}

/* ---- regions ---- */

static int rewrite_verbatim(struct rewrite *r, uint32_t index, struct buffer *stored,
			    const struct buffer *decoded)
{
	for (uint32_t slot = 0; slot < r->old->directory.slots; slot++) {
		uint32_t offset = r->old->directory.slot[slot].offset;
		if (r->old->directory.slot[slot].region != index || !rewrite_lives(r, slot))
			continue;
		int error = rewrite_keep_slot(r, slot, offset, decoded ? decoded->data + offset : NULL);
		if (error)
			return error;
		if (r->fresh->restored)
			r->fresh->restored[slot] = 0;
	}
	return rewrite_add_region(r, r->old->directory.region[index], stored);
}

static int rewrite_note_restored(struct pack *fresh, uint32_t slot)
{
	if (!fresh->restored)
		fresh->restored = mem_try_zalloc(fresh->directory.slots, 1);
	if (!fresh->restored)
		return -ENOMEM;
	fresh->restored[slot] = 1;
	return 0;
}

/* A living chunk's bytes: out of the decoded region, or, if it was healed, of its good copy. */
static int rewrite_copy_chunk(struct rewrite *r, uint32_t slot, const struct buffer *decoded,
			      struct buffer *out)
{
	const struct pack_slot *s = &r->old->directory.slot[slot];
	struct chunk_ref ref = {r->old->number, slot}, good;
	/* Slots that overlap are not of this program's making: such a region stays as it is. */
	if ((uint64_t)out->size + s->size > r->old->directory.region[s->region].raw)
		return -EIO;
	if (!damage_find(r->store->damage, ref, &good)) {
		if (!decoded)
			return -EIO;
		memcpy(out->data + out->size, decoded->data + s->offset, s->size);
	} else {
		struct store_view view;
		int error = store_get(r->store, ref, &view);
		if (error)
			return error == -ENOMEM ? error : -EIO;
		if (view.size == s->size)
			memcpy(out->data + out->size, view.data, view.size);
		else
			error = -EIO;
		store_view_release(&view);
		if (!error)
			error = rewrite_note_restored(r->fresh, slot);
		if (error)
			return error;
	}
	int error = rewrite_keep_slot(r, slot, (uint32_t)out->size, out->data + out->size);
	if (!error)
		out->size += s->size;
	return error;
}

static int rewrite_close_up(struct rewrite *r, uint32_t index, const struct buffer *decoded)
{
	struct buffer *out = buffer_pool_take(r->store->raw_buffers, r->old->directory.region[index].raw);
	int error = out ? 0 : -ENOMEM;
	for (uint32_t slot = 0; slot < r->old->directory.slots && !error; slot++)
		if (r->old->directory.slot[slot].region == index && rewrite_lives(r, slot))
			error = rewrite_copy_chunk(r, slot, decoded, out);
	if (!error) {
		enum codec codec;
		struct buffer *stored = region_compress(r->store, out, &codec);
		struct pack_region region = {.stored = (uint32_t)stored->size,
					     .raw = (uint32_t)out->size,
					     .codec = (uint8_t)codec,
					     .checksum = XXH3_64bits(stored->data, stored->size)};
		error = rewrite_add_region(r, region, stored);
		buffer_release(&stored);
	}
	buffer_release(&out);
	return error;
}

struct rewrite_tally {
	uint32_t living, dead, quarantined;
	uint32_t unknown; /* living, and the fingerprint was lost */
};

static struct rewrite_tally rewrite_count(const struct rewrite *r, uint32_t index)
{
	struct rewrite_tally tally = {0};
	struct chunk_ref good;
	for (uint32_t slot = 0; slot < r->old->directory.slots; slot++) {
		if (r->old->directory.slot[slot].region != index)
			continue;
		bool lives = rewrite_lives(r, slot);
		tally.living += lives;
		tally.dead += !lives;
		tally.unknown +=
			lives && !pack_fingerprint_is_known(&r->old->directory.fingerprint[slot]);
		tally.quarantined +=
			lives && damage_find(r->store->damage, (struct chunk_ref){r->old->number, slot}, &good);
	}
	return tally;
}

static int rewrite_region(struct rewrite *r, uint32_t index)
{
	struct store *store = r->store;
	const struct pack_region *region = &r->old->directory.region[index];
	struct rewrite_tally tally = rewrite_count(r, index);
	struct buffer *stored = NULL, *decoded = NULL;
	if (tally.living == 0)
		return 0;
	stored = buffer_pool_take(store->stored_buffers, region->stored);
	if (!stored)
		return -ENOMEM;
	stored->size = region->stored;
	int error = store_read_region(store, r->old, index, stored->data);
	if (error == -EBADMSG) {
		store_quarantine_region(store, r->old, index);
		tally.quarantined = tally.living;
		error = 0;
	} else if (!error && (tally.dead || tally.quarantined || tally.unknown)) {
		error = store_decode_region(store, region, stored->data, &decoded);
		if (error == -EBADMSG || error == -ENOTSUP)
			error = 0;
	}
	if (!error && (tally.dead || tally.quarantined)) {
		error = rewrite_close_up(r, index, decoded);
		/* Not all of it can be had: as it is, it can still be healed. */
		if (error == -EIO)
			error = rewrite_verbatim(r, index, stored, decoded);
	} else if (!error) {
		error = rewrite_verbatim(r, index, stored, decoded);
	}
	buffer_release(&decoded);
	buffer_release(&stored);
	return error;
}

static void rewrite_finish(struct pack *fresh)
{
	pthread_mutex_lock(&fresh->lock);
	pack_drop_work_locked(fresh);
	fresh->state = PACK_STATE_COMMITTED;
	pthread_mutex_unlock(&fresh->lock);
}

/* Room that was allotted for a copy that does not come about is given back. */
static void rewrite_undo(struct store *store, struct pack **fresh)
{
	if (*fresh && (*fresh)->placed) {
		segments_give_back(store->segments, &(*fresh)->place);
		segments_discard(store->segments, &(*fresh)->place);
	}
	pack_release(fresh);
}

static int rewrite_write(struct store *store, struct pack *fresh)
{
	int error = pack_write_parts(store, fresh);
	if (error == -ENOSPC && store_release_reserve(store))
		error = pack_write_parts(store, fresh);
	if (error && error != -ENOSPC && error != -ENOMEM)
		store_fail(store, error, "write a pack");
	return error;
}

int pack_rewrite(struct store *store, struct pack *old, const struct store_marks *marks,
		 struct pack **fresh)
{
	struct rewrite r = {.store = store, .old = old, .marks = marks};
	int error = rewrite_start(&r);
	for (uint32_t i = 0; i < old->directory.regions && !error; i++)
		error = rewrite_region(&r, i);
	if (!error)
		error = rewrite_write(store, r.fresh);
	if (error) {
		rewrite_undo(store, &r.fresh);
		return error;
	}
	rewrite_finish(r.fresh);
	*fresh = r.fresh;
	return 0;
}

int pack_move(struct store *store, const struct pack_row *row, struct pack **moved)
{
	struct pack *fresh = NULL;
	CLEANUP_FREE uint8_t *bytes = mem_try_alloc(1, row->place.length);
	int error = bytes ? store_load_pack(store, row->pack, &fresh) : -ENOMEM;
	if (error)
		return error;
	error = segments_read(store->segments, row->place.segment, row->place.offset, bytes, row->place.length);
	fresh->placed = false;
	if (!error)
		error = segments_allocate(store->segments, row->place.length, &fresh->place);
	if (!error) {
		struct iovec part = {bytes, row->place.length};
		fresh->placed = true;
		error = segments_write(store->segments, &fresh->place, &part, 1);
		if (error && error != -ENOSPC)
			store_fail(store, error, "move a pack");
	}
	if (error)
		rewrite_undo(store, &fresh);
	else
		*moved = fresh;
	return error;
}

/* SPDX-License-Identifier: MIT */
/* Scrubbing; see scrub.h. Works on structs of its own that are in no table. */
#include "fs/store/scrub.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "fs/store/store_private.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define SCRUB_ROWS  64
#define SCRUB_BATCH 64u
/* How long a pack that cleaning is deciding about is waited for. */
#define SCRUB_TRIES    100
#define SCRUB_PAUSE_US 20000

struct scrub {
	struct store *store;
	struct pack *pack;
	struct store_scrub_result *result;
};

static struct chunk_ref scrub_ref(const struct scrub *s, uint32_t slot)
{
	return (struct chunk_ref){s->pack->number, slot};
}

/* ---- healing ---- */

static bool scrub_is_good(struct store *store, struct chunk_ref ref, const struct fingerprint *expected)
{
	struct store_view view;
	struct fingerprint actual;
	if (store_get(store, ref, &view) < 0)
		return false;
	struct fingerprint_input input = {view.data, view.size};
	bool good = fingerprint_many(&input, 1, &actual) == 0 &&
		    memcmp(&actual, expected, sizeof(actual)) == 0;
	store_view_release(&view);
	return good;
}

/* Under the sweep lock, as a put: `other` may be a copy that cleaning has found to be dead. */
static bool scrub_redirect(struct store *store, const struct fingerprint *fingerprint,
			   struct chunk_ref other)
{
	pthread_rwlock_rdlock(&store->sweep_lock);
	bool good = store_may_target_locked(store, other.pack) && scrub_is_good(store, other, fingerprint);
	if (good && store->marks)
		store_marks_hit(store, other);
	unsigned healed = good ? damage_heal(store->damage, fingerprint, other) : 0;
	pthread_rwlock_unlock(&store->sweep_lock);
	return healed > 0;
}

/* Another copy of the chunk, if the index knows one that reads. */
static bool scrub_heal(struct store *store, struct chunk_ref ref, const struct fingerprint *fingerprint)
{
	struct chunk_ref other, good;
	if (!store->index || !pack_fingerprint_is_known(fingerprint) ||
	    index_lookup(store->index, fingerprint, 1, &other) < 0 ||
	    chunk_ref_is_none(other) || chunk_ref_equal(other, ref))
		return false;
	return !damage_find(store->damage, other, &good) && scrub_redirect(store, fingerprint, other);
}

static void scrub_report_region(struct scrub *s, uint32_t index)
{
	const struct pack_directory *d = &s->pack->directory;
	struct chunk_ref good;
	for (uint32_t slot = 0; slot < d->slots; slot++) {
		if (d->slot[slot].region != index)
			continue;
		s->result->damaged_chunks++;
		bool known = damage_find(s->store->damage, scrub_ref(s, slot), &good) && !chunk_ref_is_none(good);
		if (known || scrub_heal(s->store, scrub_ref(s, slot), &d->fingerprint[slot]))
			s->result->healed_chunks++;
	}
}

/* ---- checking ---- */

static void scrub_chunk(struct scrub *s, uint32_t slot, const struct fingerprint *actual)
{
	const struct fingerprint *expected = &s->pack->directory.fingerprint[slot];
	struct damage *damage = s->store->damage;
	struct chunk_ref ref = scrub_ref(s, slot), good;
	/* Of one whose fingerprint was lost, its region's checksum is all that can be asked. */
	bool fits = !pack_fingerprint_is_known(expected) || memcmp(actual, expected, sizeof(*actual)) == 0;
	if (fits && damage_find(damage, ref, &good)) {
		s->result->damaged_chunks++;
		s->result->healed_chunks++;
		damage_forget(damage, ref);
	} else if (!fits) {
		s->result->damaged_chunks++;
		if (damage_add(damage, ref, expected))
			log_error("%s: pack %" PRIu64 ": chunk %u is not what its fingerprint says",
				  s->store->path, s->pack->number, slot);
		bool known = damage_find(damage, ref, &good) && !chunk_ref_is_none(good);
		if (known || scrub_heal(s->store, ref, expected))
			s->result->healed_chunks++;
	}
}

/* Some at a time: one alone is slower to fingerprint. */
static int scrub_chunks(struct scrub *s, uint32_t index, const struct buffer *raw)
{
	const struct pack_directory *d = &s->pack->directory;
	struct fingerprint_input input[SCRUB_BATCH];
	struct fingerprint actual[SCRUB_BATCH];
	uint32_t slots[SCRUB_BATCH];
	size_t n = 0;
	for (uint32_t slot = 0; slot < d->slots; slot++) {
		if (d->slot[slot].region == index) {
			input[n] = (struct fingerprint_input){raw->data + d->slot[slot].offset, d->slot[slot].size};
			slots[n++] = slot;
		}
		if (n < SCRUB_BATCH && slot + 1 < d->slots)
			continue;
		int error = fingerprint_many(input, n, actual);
		if (error)
			return error;
		for (size_t i = 0; i < n; i++)
			scrub_chunk(s, slots[i], &actual[i]);
		n = 0;
	}
	return 0;
}

static int scrub_region(struct scrub *s, uint32_t index)
{
	struct store *store = s->store;
	const struct pack_region *region = &s->pack->directory.region[index];
	CLEANUP_SCRATCH struct scratch *scratch = scratch_take(store->scratch, region->stored);
	struct buffer *raw = NULL;
	if (!scratch)
		return -ENOMEM;
	int error = store_read_region(store, s->pack, index, scratch->room);
	if (!error)
		error = store_decode_region(store, region, scratch->room, &raw);
	if (error == -ENOMEM)
		return error;
	s->result->bytes += region->stored;
	if (error) {
		/* Not damage if cleaning has just moved the pack away. */
		int now = store_check_pack(store, s->pack);
		if (now)
			return now == -ESTALE ? 0 : now;
		store_quarantine_region(store, s->pack, index);
		scrub_report_region(s, index);
		return 0;
	}
	error = scrub_chunks(s, index, raw);
	buffer_release(&raw);
	return error;
}

/* ---- header, directory and end ---- */

struct scrub_frame {
	bool damaged, repaired;
};

/* Repairs the beginning, and once that is good the end of the pack, as far as they need it and as that
 * can be done. -EAGAIN: cleaning has the pack; -ENOMEM. */
static int scrub_frame(struct scrub *s, struct scrub_frame *frame)
{
	const struct pack *pack = s->pack;
	const struct pack_row row = {pack->number, pack->version, pack->kind,
				     pack->place,  pack->directory.slots, pack->raw};
	int error = pack->rebuilt ? store_repair_pack(s->store, &row) : 0;
	*frame = (struct scrub_frame){.damaged = pack->rebuilt, .repaired = pack->rebuilt && !error};
	if (error == -ENOMEM || error == -EAGAIN)
		return error;
	/* While the beginning stays bad the end may be all that there is. */
	if (error)
		return 0;
	int end = store_repair_end(s->store, &row, &pack->directory);
	if (end) {
		frame->damaged = true;
		frame->repaired = end > 0;
	}
	return end == -ENOMEM || end == -EAGAIN ? end : 0;
}

/* The beginning is good: what others have made again with what they could read then is read again as
 * it is now. */
static void scrub_renew(struct scrub *s)
{
	uint64_t number = s->pack->number;
	struct pack *known = pack_table_peek(s->store->packs, number), *fresh = NULL;
	bool old = known && known->rebuilt;
	pack_release(&known);
	if (old)
		pack_table_drop(s->store->packs, number);
	if (s->pack->rebuilt && store_load_pack(s->store, number, &fresh) == 0) {
		pack_release(&s->pack);
		s->pack = fresh;
	}
}

/* Loads the pack and sees to its frame. Cleaning may have it just now: then it is what cleaning
 * makes of it, or later as it was. */
static int scrub_load(struct scrub *s, uint64_t number)
{
	struct scrub_frame frame = {0};
	int error = -EAGAIN;
	for (int tries = 0; error == -EAGAIN && tries < SCRUB_TRIES; tries++) {
		if (tries)
			usleep(SCRUB_PAUSE_US);
		pack_release(&s->pack);
		error = store_load_pack(s->store, number, &s->pack);
		if (!error)
			error = scrub_frame(s, &frame);
	}
	if (error && error != -EAGAIN)
		return error;
	s->result->damaged_packs += frame.damaged;
	s->result->repaired_packs += frame.repaired;
	if (!s->pack->rebuilt || frame.repaired)
		scrub_renew(s);
	return 0;
}

/* Slots that are empty: lost, or else of chunks that are gone, though they may have been called lost. */
static void scrub_empty_slots(struct scrub *s)
{
	struct chunk_ref good;
	for (uint32_t slot = 0; slot < s->pack->directory.slots; slot++) {
		if (s->pack->directory.slot[slot].size)
			continue;
		s->result->damaged_chunks += s->pack->salvaged;
		if (!s->pack->salvaged && damage_find(s->store->damage, scrub_ref(s, slot), &good))
			damage_forget(s->store->damage, scrub_ref(s, slot));
	}
}

static int scrub_pack(struct scrub *s, const struct pack_row *row)
{
	struct store *store = s->store;
	struct chunk_ref directory = {row->pack, DAMAGE_DIRECTORY}, good;
	int error = scrub_load(s, row->pack);
	if (error == -ENOENT)
		return 0;
	s->result->packs++;
	if (error == -EIO) {
		s->result->damaged_packs++;
		s->result->damaged_chunks += row->slots;
		return 0;
	}
	if (!error)
		s->result->bytes += PACK_HEADER_SIZE +
				    pack_directory_size(s->pack->directory.regions, s->pack->directory.slots);
	if (!error)
		scrub_empty_slots(s);
	for (uint32_t i = 0; !error && i < s->pack->directory.regions; i++)
		error = s->pack->directory.region[i].raw ? scrub_region(s, i) : 0;
	if (!error && damage_find(store->damage, directory, &good))
		damage_forget(store->damage, directory);
	pack_release(&s->pack);
	return error;
}

int store_scrub(struct store *store, uint64_t *cursor, unsigned count,
		struct store_scrub_result *result)
{
	ASSERT_OBJECT(store, STORE_MAGIC);
	CLEANUP_FREE struct pack_row *rows = mem_try_alloc(SCRUB_ROWS, sizeof(*rows));
	struct scrub s = {.store = store, .result = result};
	if (!rows)
		return -ENOMEM;
	while (count > 0) {
		int room = count < SCRUB_ROWS ? (int)count : SCRUB_ROWS;
		int n = store_next_rows(store, *cursor, rows, room);
		if (n <= 0)
			return n;
		for (int i = 0; i < n; i++) {
			int error = scrub_pack(&s, &rows[i]);
			if (error)
				return error;
			*cursor = rows[i].pack + 1;
		}
		if (n < room)
			return 0;
		count -= (unsigned)n;
	}
	return 1;
}

uint64_t store_scrub_total(struct store *store)
{
	struct segments_totals totals;
	segments_get_totals(store->segments, &totals);
	return totals.bytes - totals.freed - totals.segments * SEGMENT_HEADER_SIZE;
}

/* ---- damage ---- */

struct damage_walk {
	void (*each)(void *context, struct chunk_ref ref);
	void *context;
};

static void damage_walk_one(void *context, struct chunk_ref ref, struct chunk_ref good)
{
	struct damage_walk *walk = context;
	if (chunk_ref_is_none(good))
		walk->each(walk->context, ref);
}

int store_damage_each(struct store *store, void (*each)(void *context, struct chunk_ref ref),
		      void *context)
{
	struct damage_walk walk = {each, context};
	return damage_each(store->damage, damage_walk_one, &walk);
}

bool store_is_damaged(struct store *store, struct chunk_ref ref)
{
	struct chunk_ref good, whole = {ref.pack, DAMAGE_DIRECTORY};
	if (damage_find(store->damage, whole, &good))
		return true;
	return damage_find(store->damage, ref, &good) && chunk_ref_is_none(good);
}

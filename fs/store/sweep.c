/* SPDX-License-Identifier: MIT */
/*
 * The sweep; see sweep.h.
 *
 *   SWEEPING -> EVACUATING [no covered pack is left] -> (ended) [no sparse segment is left]
 *
 * A step collects changes: a pack that goes (fresh NULL), is rewritten or moved.
 * Nothing of them is visible before store_sweep_done() puts them into the table
 * of packs; only then the old places are punched, so a reader that still has the
 * old struct finds it superseded and looks again.
 */
#include "fs/store/sweep.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/store/catalogue_sql.h"
#include "fs/store/marks.h"
#include "fs/store/store_private.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

#define SWEEP_MAGIC        0x53574550u
#define SWEEP_DEAD_PERCENT 25u
#define SWEEP_STEP_PACKS   16u
#define SWEEP_STEP_MAX     256u
#define SWEEP_SPARSE_PERCENT 50u

struct sweep_change {
	uint64_t pack;
	struct segment_place old;
	struct pack *fresh; /* NULL: the pack goes */
	bool moved;         /* the same bytes elsewhere */
};

struct store_sweep {
	uint32_t magic;
	struct store *store;
	struct store_marks *marks;
	struct store_sweep_options options;
	uint64_t cursor, end;     /* packs */
	uint64_t step_end;        /* where the cursor goes when the step is committed */
	bool evacuating;
	uint64_t segment;         /* the cursor of evacuating */
	uint64_t step_segment;
	struct sweep_change changes[SWEEP_STEP_MAX];
	unsigned count;
	bool in_transaction; /* if not, what a transaction has touched is not this sweep's */
	int64_t recorded; /* change of the number of packs in the transaction under way */
	struct store_sweep_progress progress;
};

int store_sweep_begin(struct store *store, struct store_marks *marks,
		      const struct store_sweep_options *options, struct store_sweep **result)
{
	bool more;
	struct store_sweep *sweep = mem_try_zalloc(1, sizeof(*sweep));
	if (!sweep)
		return -ENOMEM;
	sweep->magic = SWEEP_MAGIC;
	sweep->store = store;
	sweep->marks = marks;
	sweep->options = *options;
	if (sweep->options.dead_percent == 0)
		sweep->options.dead_percent = SWEEP_DEAD_PERCENT;
	if (sweep->options.step_packs == 0)
		sweep->options.step_packs = SWEEP_STEP_PACKS;
	if (sweep->options.step_packs > SWEEP_STEP_MAX)
		sweep->options.step_packs = SWEEP_STEP_MAX;
	store_marks_range(marks, &sweep->cursor, &sweep->end, &more);
	sweep->progress.packs_total = sweep->end - sweep->cursor;
	*result = sweep;
	return 0;
}

static void sweep_set_range(struct store *store, uint64_t low, uint64_t high)
{
	pthread_rwlock_wrlock(&store->sweep_lock);
	store->sweep_low = low;
	store->sweep_high = high;
	pthread_rwlock_unlock(&store->sweep_lock);
}

static void sweep_add(struct store_sweep *sweep, const struct pack_row *row, struct pack *fresh, bool moved)
{
	ASSERT(sweep->count < SWEEP_STEP_MAX);
	sweep->changes[sweep->count++] = (struct sweep_change){row->pack, row->place, fresh, moved};
}

/* ---- deciding ---- */

/* Some chunks have been healed and none is beyond help: they can be put back in their place. */
static bool sweep_wants_repair(struct store_sweep *sweep, const struct pack *pack)
{
	struct chunk_ref good;
	bool healed = false;
	for (uint32_t slot = 0; damage_any(sweep->store->damage) && slot < pack->directory.slots; slot++) {
		struct chunk_ref ref = {pack->number, slot};
		if (!marks_is_set(sweep->marks, ref) || !damage_find(sweep->store->damage, ref, &good))
			continue;
		if (chunk_ref_is_none(good))
			return false;
		healed = true;
	}
	return healed;
}

static bool sweep_wants_rewrite(struct store_sweep *sweep, const struct pack *pack)
{
	uint64_t living, all;
	pack_weigh(pack, sweep->marks, &living, &all);
	if (sweep_wants_repair(sweep, pack))
		return true;
	return all > 0 && (all - living) * 100 >= all * sweep->options.dead_percent;
}

/* Of a pack that could only be salvaged in part, whether something living is lost: a copy would not
 * know it any more. */
static bool sweep_lacks_living(struct store_sweep *sweep, const struct pack *pack)
{
	for (uint32_t slot = 0; pack->salvaged && slot < pack->directory.slots; slot++)
		if (pack->directory.slot[slot].size == 0 &&
		    marks_is_set(sweep->marks, (struct chunk_ref){pack->number, slot}))
			return true;
	return false;
}

/* 0, or an error that ends the step: what concerns this pack alone only skips it. */
static int sweep_pack(struct store_sweep *sweep, const struct pack_row *row)
{
	struct store *store = sweep->store;
	struct pack *pack = NULL, *fresh = NULL;
	uint32_t living = marks_count(sweep->marks, row->pack);
	if (living == 0) {
		sweep_add(sweep, row, NULL, false);
		return 0;
	}
	int error = 0;
	if (living == row->slots && !damage_any(store->damage))
		return 0;
	error = pack_table_get(store->packs, row->pack, &pack);
	if (!error && sweep_lacks_living(sweep, pack))
		error = -EIO;
	if (!error && sweep_wants_rewrite(sweep, pack)) {
		error = pack_rewrite(store, pack, sweep->marks, &fresh);
		if (!error)
			sweep_add(sweep, row, fresh, false);
	}
	pack_release(&pack);
	if (error == -EIO && !store_failed(store))
		error = 0;
	else if (error != -ENOSPC)
		return error;
	/* Damaged, or no room for a copy just now: it stays as it is. */
	sweep->progress.packs_skipped += error != 0;
	return 0;
}

/* ---- moving packs out of sparse segments ---- */

static int sweep_evacuate(struct store_sweep *sweep)
{
	struct store *store = sweep->store;
	struct segments_totals totals;
	CLEANUP_FREE struct pack_row *rows = mem_try_alloc(SWEEP_STEP_MAX, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	segments_get_totals(store->segments, &totals);
	uint64_t number = totals.punching ? 0
					  : segments_find_sparse(store->segments, sweep->segment,
								 SWEEP_SPARSE_PERCENT);
	if (number == 0)
		return 0;
	int n = store_segment_rows(store, number, rows, SWEEP_STEP_MAX);
	for (int i = 0; i < n; i++) {
		struct pack *fresh = NULL;
		int error = pack_move(store, &rows[i], &fresh);
		if (!error)
			sweep_add(sweep, &rows[i], fresh, true);
		else if (error != -ENOSPC && (error != -EIO || store_failed(store)))
			return error;
		else
			sweep->progress.packs_skipped++;
	}
	/* A segment with more packs than one step takes is found again: it is sparser then. */
	sweep->step_segment = n == SWEEP_STEP_MAX && sweep->count ? number : number + 1;
	return n < 0 ? n : 1;
}

/* ---- a step ---- */

static int sweep_packs(struct store_sweep *sweep)
{
	struct store *store = sweep->store;
	CLEANUP_FREE struct pack_row *rows = mem_try_alloc(sweep->options.step_packs, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	int n = store_next_rows(store, sweep->cursor, rows, (int)sweep->options.step_packs);
	if (n < 0)
		return n;
	while (n > 0 && rows[n - 1].pack >= sweep->end)
		n--;
	if (n == 0)
		return 0;
	sweep->step_end = rows[n - 1].pack + 1;
	/* From here on no put refers to these packs; what was referred to before is marked. */
	sweep_set_range(store, rows[0].pack, sweep->step_end);
	for (int i = 0; i < n; i++) {
		int error = marks_cover(sweep->marks, rows[i].pack) ? sweep_pack(sweep, &rows[i]) : 0;
		if (error)
			return error;
	}
	return 1;
}

static int sweep_sync(struct store_sweep *sweep)
{
	struct segment_place *places = mem_try_alloc(sweep->count, sizeof(*places));
	size_t n = 0;
	if (!places)
		return -ENOMEM;
	for (unsigned i = 0; i < sweep->count; i++)
		if (sweep->changes[i].fresh)
			places[n++] = sweep->changes[i].fresh->place;
	int error = segments_sync(sweep->store->segments, places, n);
	free(places);
	if (error)
		store_fail(sweep->store, error, "sync segments");
	return error;
}

/* Forgets what a step has collected; its copies are dead bytes from now on. */
static void sweep_abandon(struct store_sweep *sweep)
{
	struct store *store = sweep->store;
	/* The last one first, so that the end of the segment goes back with them. */
	while (sweep->count > 0) {
		struct sweep_change *change = &sweep->changes[--sweep->count];
		if (change->fresh && !store_failed(store))
			segments_give_back(store->segments, &change->fresh->place);
		if (change->fresh)
			segments_discard(store->segments, &change->fresh->place);
		pack_release(&change->fresh);
	}
	sweep_set_range(store, 0, 0);
}

int store_sweep_step(struct store_sweep *sweep)
{
	ASSERT_OBJECT(sweep, SWEEP_MAGIC);
	ASSERT(sweep->count == 0);
	struct store *store = sweep->store;
	if (!store_can_write(store))
		return -EROFS;
	int more = 0;
	if (!sweep->evacuating) {
		more = sweep_packs(sweep);
		sweep->evacuating = more == 0;
	}
	if (sweep->evacuating)
		more = sweep_evacuate(sweep);
	if (more > 0) {
		int error = sweep_sync(sweep);
		more = error ? error : 1;
	}
	if (more < 0) {
		if (more == -EIO)
			store_fail(store, more, "clean");
		sweep_abandon(sweep);
	}
	return more;
}

bool store_sweep_has_changes(const struct store_sweep *sweep)
{
	return sweep->count > 0 || segments_have_empty(sweep->store->segments);
}

/* ---- recording ---- */

static int sweep_record_change(struct store *store, const struct sweep_change *change)
{
	segments_record_free(store->segments, &change->old);
	if (change->fresh) {
		segments_record_new(store->segments, &change->fresh->place);
		return store_record_pack(store, change->fresh);
	}
	sqlite3_stmt *row = catalogue_statement(store->catalogue, SQL_PACK_DELETE);
	sqlite3_bind_int64(row, 1, (int64_t)change->pack);
	return catalogue_run(store->catalogue, row, "drop a pack");
}

int store_sweep_record(struct store_sweep *sweep)
{
	ASSERT_OBJECT(sweep, SWEEP_MAGIC);
	struct store *store = sweep->store;
	int64_t change = 0;
	int error = 0;
	sweep->in_transaction = true;
	for (unsigned i = 0; i < sweep->count && !error; i++) {
		error = sweep_record_change(store, &sweep->changes[i]);
		change -= !sweep->changes[i].fresh;
	}
	segments_record_empty(store->segments);
	if (!error)
		error = segments_record_write(store->segments, store->catalogue);
	if (error || change == 0)
		return error;
	sweep->recorded = change;
	return store_record_counters(store, change);
}

static void sweep_apply(struct store_sweep *sweep, struct sweep_change *change)
{
	struct store *store = sweep->store;
	struct store_sweep_progress *p = &sweep->progress;
	p->bytes_freed += change->old.length;
	if (!change->fresh) {
		p->packs_dropped++;
		pack_table_drop(store->packs, change->pack);
		store_existence_drop(store, change->pack);
		index_forget_pack(store->index, change->pack);
		damage_forget_pack(store->damage, change->pack);
		return;
	}
	uint64_t length = change->fresh->place.length;
	p->bytes_freed -= length < p->bytes_freed ? length : p->bytes_freed;
	p->bytes_copied += length;
	p->packs_moved += change->moved;
	p->packs_rewritten += !change->moved;
	pack_table_replace(store->packs, change->fresh);
}

/* Healed chunks are back in their own place, emptied ones are gone. */
static void sweep_forget_damage(struct store *store, const struct pack *fresh)
{
	struct chunk_ref good;
	for (uint32_t slot = 0; damage_any(store->damage) && slot < fresh->directory.slots; slot++) {
		struct chunk_ref ref = {fresh->number, slot};
		bool restored = fresh->restored && fresh->restored[slot];
		if (damage_find(store->damage, ref, &good) &&
		    (fresh->directory.slot[slot].size == 0 || restored))
			damage_forget(store->damage, ref);
	}
}

/* The row may be damaged: what is given away must say itself that it is this pack. */
static bool sweep_owns_place(struct store *store, const struct sweep_change *change)
{
	uint8_t data[PACK_HEADER_SIZE];
	struct pack_header header;
	const struct segment_place *old = &change->old;
	return segments_read(store->segments, old->segment, old->offset, data, sizeof(data)) == 0 &&
	       pack_header_decode(data, store->sb.uuid, &header) == 0 &&
	       header.pack == change->pack && header.length == old->length;
}

static void sweep_finish(struct store_sweep *sweep, struct sweep_change *change)
{
	struct store *store = sweep->store;
	sweep_apply(sweep, change);
	if (change->fresh && !change->moved)
		sweep_forget_damage(store, change->fresh);
	if (sweep_owns_place(store, change))
		segments_punch(store->segments, &change->old);
	pack_release(&change->fresh);
}

void store_sweep_done(struct store_sweep *sweep, bool committed)
{
	ASSERT_OBJECT(sweep, SWEEP_MAGIC);
	struct store *store = sweep->store;
	if (sweep->in_transaction) {
		segments_settle(store->segments, committed);
		store_settle_counters(store, sweep->recorded, committed);
	}
	sweep->in_transaction = false;
	sweep->recorded = 0;
	for (unsigned i = 0; i < sweep->count && committed; i++)
		sweep_finish(sweep, &sweep->changes[i]);
	if (committed)
		sweep->count = 0;
	if (committed && sweep->evacuating)
		sweep->segment = sweep->step_segment;
	if (committed && !sweep->evacuating) {
		sweep->progress.packs_done += sweep->step_end - sweep->cursor;
		sweep->cursor = sweep->step_end;
	}
	sweep_abandon(sweep);
}

void store_sweep_get_progress(const struct store_sweep *sweep, struct store_sweep_progress *progress)
{
	*progress = sweep->progress;
}

void store_sweep_end(struct store_sweep **pointer)
{
	struct store_sweep *sweep = TAKE(*pointer);
	if (!sweep)
		return;
	sweep_abandon(sweep);
	sweep->magic = 0;
	free(sweep);
}

int store_sweep_estimate(struct store *store, const struct store_marks *marks, unsigned dead_percent,
			 uint64_t *bytes)
{
	CLEANUP_FREE struct pack_row *rows = mem_try_alloc(SWEEP_STEP_MAX, sizeof(*rows));
	uint64_t from, end, sum = 0;
	bool more;
	int n;
	if (!rows)
		return -ENOMEM;
	if (dead_percent == 0)
		dead_percent = SWEEP_DEAD_PERCENT;
	store_marks_range(marks, &from, &end, &more);
	do {
		n = store_next_rows(store, from, rows, SWEEP_STEP_MAX);
		for (int i = 0; i < n && rows[i].pack < end; i++) {
			uint64_t dead = rows[i].slots - marks_count(marks, rows[i].pack);
			if (rows[i].slots && dead * 100 >= (uint64_t)rows[i].slots * dead_percent)
				sum += rows[i].place.length * dead / rows[i].slots;
			from = rows[i].pack + 1;
		}
	} while (n == SWEEP_STEP_MAX && rows[n - 1].pack < end);
	*bytes = sum;
	return n < 0 ? n : 0;
}

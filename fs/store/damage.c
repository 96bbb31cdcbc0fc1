/* SPDX-License-Identifier: MIT */
/*
 * Quarantine; see damage.h. A table by place; places that are looked for by
 * fingerprint are found by walking it. A filter keeps nearly all new chunks from
 * that: a segment that is lost makes tens of thousands of places.
 */
#include "fs/store/damage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "fs/store/catalogue_sql.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"

#define DAMAGE_MAGIC 0x44414d47u
#define DAMAGE_FILTER_BITS (1u << 20)

struct damage_place {
	uint64_t pack;
	uint64_t slot;
};

struct damage_entry {
	struct damage_place place;
	struct chunk_ref good;
	struct fingerprint fingerprint;
	bool has_fingerprint;
	bool forgotten; /* its row is to be deleted */
	bool recorded;  /* in the transaction under way */
	uint64_t dirty; /* 0: as in the catalogue; else the freeze count when it changed */
	int64_t found;
	UT_hash_handle hh;
};

struct damage {
	uint32_t magic;
	uint64_t entries; /* atomic; of the table, forgotten ones too */
	pthread_mutex_t lock; /* all below */
	struct damage_entry *table;
	uint64_t freezes;
	uint64_t *filter; /* of the fingerprints ever known; NULL: none yet, or no memory */
	bool unfiltered;  /* one is not in it */
};

static uint32_t damage_filter_bit(const struct fingerprint *fingerprint)
{
	uint32_t word;
	memcpy(&word, fingerprint->bytes, sizeof(word));
	return word % DAMAGE_FILTER_BITS;
}

static void damage_set_fingerprint_locked(struct damage *d, struct damage_entry *entry,
					  const struct fingerprint *fingerprint)
{
	uint32_t bit = damage_filter_bit(fingerprint);
	entry->fingerprint = *fingerprint;
	entry->has_fingerprint = true;
	if (!d->filter)
		d->filter = mem_try_zalloc(DAMAGE_FILTER_BITS / 64, sizeof(*d->filter));
	if (d->filter)
		d->filter[bit / 64] |= UINT64_C(1) << (bit % 64);
	else
		d->unfiltered = true;
}

static bool damage_may_have_locked(const struct damage *d, const struct fingerprint *fingerprint)
{
	uint32_t bit = damage_filter_bit(fingerprint);
	return d->unfiltered || (d->filter && d->filter[bit / 64] >> (bit % 64) & 1);
}

static struct damage_entry *damage_find_locked(struct damage *d, struct chunk_ref ref)
{
	struct damage_place place = {ref.pack, ref.slot};
	struct damage_entry *entry;
	HASH_FIND(hh, d->table, &place, sizeof(place), entry);
	return entry;
}

static struct damage_entry *damage_insert_locked(struct damage *d, struct chunk_ref ref)
{
	struct damage_entry *entry = mem_try_zalloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->place = (struct damage_place){ref.pack, ref.slot};
	HASH_ADD(hh, d->table, place, sizeof(entry->place), entry);
	__atomic_add_fetch(&d->entries, 1, __ATOMIC_RELEASE);
	return entry;
}

static void damage_remove_locked(struct damage *d, struct damage_entry *entry)
{
	HASH_DEL(d->table, entry);
	free(entry);
	__atomic_sub_fetch(&d->entries, 1, __ATOMIC_RELEASE);
}

static int damage_load(struct damage *d, struct catalogue *catalogue)
{
	int error = 0, code = SQLITE_ROW;
	catalogue_read_lock(catalogue);
	sqlite3_stmt *rows = catalogue_statement(catalogue, SQL_DAMAGE_ALL);
	while (!error && (code = sqlite3_step(rows)) == SQLITE_ROW) {
		struct chunk_ref ref = {(uint64_t)sqlite3_column_int64(rows, 0),
					(uint32_t)sqlite3_column_int64(rows, 1)};
		struct damage_entry *entry = damage_insert_locked(d, ref);
		if (entry) {
			entry->good.pack = (uint64_t)sqlite3_column_int64(rows, 2);
			entry->good.slot = (uint32_t)sqlite3_column_int64(rows, 3);
			entry->found = sqlite3_column_int64(rows, 4);
		} else {
			error = -ENOMEM;
		}
	}
	sqlite3_reset(rows);
	if (!error)
		error = catalogue_errno(catalogue, code, "read the damage table");
	catalogue_read_unlock(catalogue);
	return error;
}

int damage_open(struct catalogue *catalogue, struct damage **damage)
{
	struct damage *d = mem_zalloc(sizeof(*d));
	d->magic = DAMAGE_MAGIC;
	d->freezes = 1;
	pthread_mutex_init(&d->lock, NULL);
	int error = damage_load(d, catalogue);
	if (error)
		damage_free(&d);
	else
		*damage = d;
	return error;
}

void damage_free(struct damage **pointer)
{
	struct damage *d = TAKE(*pointer);
	struct damage_entry *entry, *next;
	if (!d)
		return;
	ASSERT_OBJECT(d, DAMAGE_MAGIC);
	HASH_ITER(hh, d->table, entry, next)
		damage_remove_locked(d, entry);
	free(d->filter);
	pthread_mutex_destroy(&d->lock);
	d->magic = 0;
	free(d);
}

bool damage_any(const struct damage *d)
{
	return __atomic_load_n(&d->entries, __ATOMIC_ACQUIRE) > 0;
}

bool damage_find(struct damage *d, struct chunk_ref ref, struct chunk_ref *good)
{
	if (!damage_any(d))
		return false;
	LOCK_SCOPE(&d->lock);
	struct damage_entry *entry = damage_find_locked(d, ref);
	if (!entry || entry->forgotten)
		return false;
	*good = entry->good;
	return true;
}

bool damage_add(struct damage *d, struct chunk_ref ref, const struct fingerprint *fingerprint)
{
	LOCK_SCOPE(&d->lock);
	struct damage_entry *entry = damage_find_locked(d, ref);
	bool news = !entry || entry->forgotten;
	if (!entry)
		entry = damage_insert_locked(d, ref);
	/* Without memory it is found again at the next read. */
	if (!entry)
		return true;
	if (fingerprint && !entry->has_fingerprint)
		damage_set_fingerprint_locked(d, entry, fingerprint);
	if (news) {
		entry->forgotten = false;
		entry->good = (struct chunk_ref){0};
		entry->found = clock_real_ns();
		entry->dirty = d->freezes;
	}
	return news;
}

static bool damage_waits(const struct damage_entry *entry, const struct fingerprint *fingerprint)
{
	return entry->has_fingerprint && !entry->forgotten && chunk_ref_is_none(entry->good) &&
	       memcmp(&entry->fingerprint, fingerprint, sizeof(*fingerprint)) == 0;
}

bool damage_wants(struct damage *d, const struct fingerprint *fingerprint)
{
	if (!damage_any(d))
		return false;
	LOCK_SCOPE(&d->lock);
	if (!damage_may_have_locked(d, fingerprint))
		return false;
	for (struct damage_entry *entry = d->table; entry; entry = entry->hh.next)
		if (damage_waits(entry, fingerprint))
			return true;
	return false;
}

unsigned damage_heal(struct damage *d, const struct fingerprint *fingerprint, struct chunk_ref good)
{
	unsigned healed = 0;
	if (!damage_any(d))
		return 0;
	LOCK_SCOPE(&d->lock);
	for (struct damage_entry *entry = d->table; entry; entry = entry->hh.next) {
		if (!damage_waits(entry, fingerprint) ||
		    (entry->place.pack == good.pack && entry->place.slot == good.slot))
			continue;
		entry->good = good;
		entry->dirty = d->freezes;
		healed++;
	}
	return healed;
}

void damage_lose(struct damage *d, struct chunk_ref ref, struct chunk_ref good)
{
	LOCK_SCOPE(&d->lock);
	struct damage_entry *entry = damage_find_locked(d, ref);
	if (!entry || !chunk_ref_equal(entry->good, good))
		return;
	entry->good = (struct chunk_ref){0};
	entry->dirty = d->freezes;
}

void damage_forget(struct damage *d, struct chunk_ref ref)
{
	if (!damage_any(d))
		return;
	LOCK_SCOPE(&d->lock);
	struct damage_entry *entry = damage_find_locked(d, ref);
	if (!entry)
		return;
	entry->forgotten = true;
	entry->dirty = d->freezes;
}

void damage_forget_pack(struct damage *d, uint64_t pack)
{
	struct damage_entry *entry, *next;
	if (!damage_any(d))
		return;
	LOCK_SCOPE(&d->lock);
	HASH_ITER(hh, d->table, entry, next) {
		if (entry->place.pack != pack)
			continue;
		entry->forgotten = true;
		entry->dirty = d->freezes;
	}
}

/* The places that are quarantined now; the caller's to free. NULL without memory. */
static struct damage_entry *damage_copy(struct damage *d, size_t *count)
{
	LOCK_SCOPE(&d->lock);
	struct damage_entry *copy = mem_try_alloc(HASH_COUNT(d->table), sizeof(*copy));
	*count = 0;
	for (struct damage_entry *entry = d->table; copy && entry; entry = entry->hh.next)
		if (!entry->forgotten)
			copy[(*count)++] = *entry;
	return copy;
}

int damage_each(struct damage *d, void (*each)(void *context, struct chunk_ref ref, struct chunk_ref good),
		void *context)
{
	size_t n;
	CLEANUP_FREE struct damage_entry *copy = damage_copy(d, &n);
	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct chunk_ref ref = {copy[i].place.pack, (uint32_t)copy[i].place.slot};
		each(context, ref, copy[i].good);
	}
	return 0;
}

void damage_learn(struct damage *d,
		  int (*learn)(void *context, struct chunk_ref ref, struct fingerprint *fingerprint),
		  void *context)
{
	size_t n;
	/* Without memory nothing is learnt: what comes in again is stored and heals nothing. */
	CLEANUP_FREE struct damage_entry *copy = damage_copy(d, &n);
	for (size_t i = 0; copy && i < n; i++) {
		struct chunk_ref ref = {copy[i].place.pack, (uint32_t)copy[i].place.slot};
		struct fingerprint fingerprint;
		if (copy[i].has_fingerprint || ref.slot == DAMAGE_DIRECTORY ||
		    learn(context, ref, &fingerprint) < 0)
			continue;
		LOCK_SCOPE(&d->lock);
		struct damage_entry *entry = damage_find_locked(d, ref);
		if (entry)
			damage_set_fingerprint_locked(d, entry, &fingerprint);
	}
}

/* ---- the committer's ---- */

uint64_t damage_freeze(struct damage *d)
{
	LOCK_SCOPE(&d->lock);
	return d->freezes++;
}

static int64_t damage_slot_on_disk(uint64_t slot)
{
	return slot == DAMAGE_DIRECTORY ? -1 : (int64_t)slot;
}

static int damage_record_entry(struct catalogue *catalogue, const struct damage_entry *entry)
{
	sqlite3_stmt *row =
		catalogue_statement(catalogue, entry->forgotten ? SQL_DAMAGE_DELETE : SQL_DAMAGE_PUT);
	sqlite3_bind_int64(row, 1, (int64_t)entry->place.pack);
	sqlite3_bind_int64(row, 2, damage_slot_on_disk(entry->place.slot));
	if (!entry->forgotten) {
		sqlite3_bind_int64(row, 3, (int64_t)entry->good.pack);
		sqlite3_bind_int64(row, 4, entry->good.slot);
		sqlite3_bind_int64(row, 5, entry->found);
	}
	return catalogue_run(catalogue, row, "record damage");
}

int damage_record(struct damage *d, struct catalogue *catalogue, uint64_t frozen)
{
	int error = 0;
	if (!damage_any(d))
		return 0;
	LOCK_SCOPE(&d->lock);
	for (struct damage_entry *entry = d->table; entry && !error; entry = entry->hh.next) {
		if (!entry->dirty || entry->dirty > frozen)
			continue;
		entry->recorded = true;
		error = damage_record_entry(catalogue, entry);
	}
	return error;
}

void damage_settle(struct damage *d, bool committed)
{
	struct damage_entry *entry, *next;
	if (!damage_any(d))
		return;
	LOCK_SCOPE(&d->lock);
	HASH_ITER(hh, d->table, entry, next) {
		/* What changed again meanwhile keeps its new mark. */
		if (entry->recorded && committed && entry->dirty < d->freezes) {
			entry->dirty = 0;
			if (entry->forgotten)
				damage_remove_locked(d, entry);
			else
				entry->recorded = false;
			continue;
		}
		entry->recorded = false;
	}
}

bool damage_is_dirty(struct damage *d)
{
	if (!damage_any(d))
		return false;
	LOCK_SCOPE(&d->lock);
	for (struct damage_entry *entry = d->table; entry; entry = entry->hh.next)
		if (entry->dirty)
			return true;
	return false;
}

void damage_get_counts(struct damage *d, struct damage_counts *counts)
{
	*counts = (struct damage_counts){0};
	LOCK_SCOPE(&d->lock);
	for (struct damage_entry *entry = d->table; entry; entry = entry->hh.next) {
		if (entry->forgotten)
			continue;
		counts->damaged += chunk_ref_is_none(entry->good);
		counts->healed += !chunk_ref_is_none(entry->good);
	}
}

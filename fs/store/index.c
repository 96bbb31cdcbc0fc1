/* SPDX-License-Identifier: MIT */
/*
 * Fingerprint index: looking up and inserting. A lookup takes its fingerprints in
 * groups. Under the lock it asks the tables and the filters, with the cache lines
 * of the whole group fetched before they are needed; without it, it reads the
 * pages of the runs whose filters let a fingerprint through, the newest run first.
 */
#include "fs/store/index.h"

#include <errno.h>

#include "fs/store/index_internal.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"

#define LOOKUP_GROUP 64u
#define NOTE_AHEAD   8u

static_assert(INDEX_RUNS_MAX <= 64, "a run of a list is a bit");

/* Fingerprints being looked up together. */
struct lookup {
	struct index *index;
	struct chunk_ref *refs;
	size_t count;
	struct index_entry keys[LOOKUP_GROUP];
	uint8_t open[LOOKUP_GROUP];       /* those that the tables do not know */
	size_t open_count;
	uint64_t passed[LOOKUP_GROUP];    /* of each open one: runs to read, a bit each */
	uint64_t any_passed;
	struct index_run_list *list;      /* held if any_passed */
	uint64_t page_reads, run_hits;
	uint64_t damaged;                 /* runs in which a page was bad */
};

static void lookup_start(struct lookup *l, struct index *index,
			 const struct fingerprint *fingerprints, size_t count,
			 struct chunk_ref *refs)
{
	l->index = index;
	l->refs = refs;
	l->count = count;
	l->open_count = 0;
	l->any_passed = 0;
	l->list = NULL;
	l->page_reads = l->run_hits = l->damaged = 0;
	for (size_t i = 0; i < count; i++) {
		l->keys[i] = index_entry_of(&fingerprints[i]);
		refs[i] = (struct chunk_ref){0, 0};
	}
}

static uint64_t lookup_usable(const struct index *index, uint64_t place)
{
	return place && !index_forgotten_locked(index, index_place_pack(place)) ? place : 0;
}

static uint64_t lookup_in_tables(struct index *index, const struct index_entry *key)
{
	uint64_t place = lookup_usable(index, index_recent_find(index->recent, key->high));
	if (place) {
		index->stats.recent_hits++;
		return place;
	}
	place = lookup_usable(index, index_table_find(index->active, key));
	if (!place && index->frozen)
		place = lookup_usable(index, index_table_find(index->frozen, key));
	if (place)
		index->stats.memory_hits++;
	return place;
}

static void lookup_tables_locked(struct lookup *l)
{
	struct index *index = l->index;
	for (size_t i = 0; i < l->count && l->count > 1; i++) {
		index_recent_prefetch(index->recent, l->keys[i].high);
		index_table_prefetch(index->active, l->keys[i].low);
		if (index->frozen)
			index_table_prefetch(index->frozen, l->keys[i].low);
	}
	for (size_t i = 0; i < l->count; i++) {
		uint64_t place = lookup_in_tables(index, &l->keys[i]);
		if (place) {
			l->refs[i] = index_place_ref(place);
		} else {
			l->passed[l->open_count] = 0;
			l->open[l->open_count++] = (uint8_t)i;
		}
	}
}

static void lookup_filters_locked(struct lookup *l)
{
	struct index_run_list *list = l->index->runs;
	for (size_t r = 0; r < list->count; r++) {
		const struct index_filter_bits *bits = list->runs[r]->bits;
		for (size_t i = 0; i < l->open_count; i++)
			index_filter_prefetch(bits, &l->keys[l->open[i]]);
		for (size_t i = 0; i < l->open_count; i++) {
			if (index_filter_pass(bits, &l->keys[l->open[i]])) {
				l->passed[i] |= UINT64_C(1) << r;
				l->index->stats.filter_passes++;
			}
		}
	}
	for (size_t i = 0; i < l->open_count; i++)
		l->any_passed |= l->passed[i];
	if (l->any_passed) {
		l->list = list;
		index_runs_hold_locked(list);
	}
}

/* Reads the runs that let an open fingerprint through until one has it. */
static int lookup_pages(struct lookup *l, size_t open)
{
	int failed = 0;
	for (uint64_t left = l->passed[open]; left; left &= left - 1) {
		unsigned r = (unsigned)__builtin_ctzll(left);
		uint64_t place;
		int error = index_run_find(l->list->runs[r], &l->keys[l->open[open]], &place,
					   &l->page_reads);
		if (error == -EBADMSG)
			l->damaged |= UINT64_C(1) << r;
		else if (error)
			failed = error;
		if (!error && place) {
			l->refs[l->open[open]] = index_place_ref(place);
			l->run_hits++;
			return 0;
		}
	}
	return failed;
}

static int lookup_runs(struct lookup *l)
{
	int error = 0;
	for (size_t i = 0; i < l->open_count; i++) {
		int failed = l->passed[i] ? lookup_pages(l, i) : 0;
		error = failed ? failed : error;
	}
	return error;
}

static void lookup_finish_locked(struct lookup *l)
{
	struct index *index = l->index;
	index->stats.page_reads += l->page_reads;
	index->stats.run_hits += l->run_hits;
	for (uint64_t left = l->damaged; left; left &= left - 1)
		index_runs_note_damage_locked(index, l->list->runs[__builtin_ctzll(left)]);
	for (size_t i = 0; i < l->open_count; i++) {
		struct chunk_ref *ref = &l->refs[l->open[i]];
		if (!chunk_ref_is_none(*ref) && index_forgotten_locked(index, ref->pack))
			*ref = (struct chunk_ref){0, 0};
	}
	index_runs_release_locked(&l->list);
}

static int lookup_group(struct lookup *l)
{
	pthread_mutex_lock(&l->index->lock);
	l->index->stats.lookups += l->count;
	lookup_tables_locked(l);
	if (l->open_count)
		lookup_filters_locked(l);
	pthread_mutex_unlock(&l->index->lock);
	if (!l->any_passed)
		return 0;
	int error = lookup_runs(l);
	LOCK_SCOPE(&l->index->lock);
	lookup_finish_locked(l);
	return error;
}

int index_lookup(struct index *index, const struct fingerprint *fingerprints, size_t count,
		 struct chunk_ref *refs)
{
	struct lookup lookup;
	int error = 0;
	ASSERT_OBJECT(index, INDEX_MAGIC);
	for (size_t i = 0; i < count; i += LOOKUP_GROUP) {
		size_t group = count - i < LOOKUP_GROUP ? count - i : LOOKUP_GROUP;
		lookup_start(&lookup, index, fingerprints + i, group, refs + i);
		int failed = lookup_group(&lookup);
		error = failed ? failed : error;
	}
	return error;
}

struct chunk_ref index_lookup_memory(struct index *index, const struct fingerprint *fingerprint)
{
	struct index_entry key = index_entry_of(fingerprint);
	ASSERT_OBJECT(index, INDEX_MAGIC);
	LOCK_SCOPE(&index->lock);
	return index_place_ref(lookup_in_tables(index, &key));
}

int index_insert(struct index *index, const struct fingerprint *fingerprint, struct chunk_ref ref)
{
	struct index_entry entry = index_entry_of(fingerprint);
	ASSERT_OBJECT(index, INDEX_MAGIC);
	if (ref.pack == 0 || ref.pack > PACK_NUMBER_MAX || ref.slot > UINT16_MAX)
		return -EINVAL;
	entry.place = index_place(ref);
	LOCK_SCOPE(&index->lock);
	while (index_table_full(index->active)) {
		if (index->spare)
			index_worker_freeze_locked(index);
		else
			pthread_cond_wait(&index->done, &index->lock);
	}
	index_table_put(index->active, &entry);
	return 0;
}

void index_note_directory(struct index *index, uint64_t pack,
			  const struct fingerprint *fingerprints, size_t count)
{
	LOCK_SCOPE(&index->lock);
	if (pack == 0 || pack > PACK_NUMBER_MAX || index_forgotten_locked(index, pack))
		return;
	for (size_t i = 0; i < count && i <= UINT16_MAX; i++) {
		struct index_entry entry = index_entry_of(&fingerprints[i]);
		struct chunk_ref ref = {pack, (uint32_t)i};
		/* Each goes to another place in the table. */
		if (i + NOTE_AHEAD < count)
			index_recent_prefetch(index->recent,
					      index_entry_of(&fingerprints[i + NOTE_AHEAD]).high);
		index_recent_put(index->recent, entry.high, index_place(ref));
	}
}

uint64_t index_covered(const struct index *index)
{
	return atomic_load(&index->covered);
}

void index_set_committed(struct index *index, uint64_t pack)
{
	LOCK_SCOPE(&index->lock);
	if (pack > index->committed)
		index->committed = pack;
}

int index_flush(struct index *index)
{
	LOCK_SCOPE(&index->lock);
	while (!index->spare)
		pthread_cond_wait(&index->done, &index->lock);
	uint64_t target = index->committed < index->floor ? index->committed : index->floor;
	if (index_table_count(index->active) == 0 && atomic_load(&index->covered) >= target &&
	    !index->manifest_dirty)
		return 0;
	index_worker_freeze_locked(index);
	uint64_t ticket = index->freezes;
	while (index->flushes < ticket)
		pthread_cond_wait(&index->done, &index->lock);
	return index->flush_error;
}

int index_reset(struct index *index)
{
	LOCK_SCOPE(&index->lock);
	index->cancel = true;
	while (index->busy || !index->spare)
		pthread_cond_wait(&index->done, &index->lock);
	struct index_manifest manifest = {.next_run = index->next_run};
	memcpy(manifest.uuid, index->options.store_uuid, sizeof(manifest.uuid));
	int error = index_manifest_write(index->folder, &manifest);
	index->cancel = false;
	if (error)
		return error;
	struct index_run_list *list = index->runs;
	index_runs_hold_locked(list);
	index_runs_change_locked(index, NULL, list->runs, list->count, true);
	for (size_t i = 0; i < list->count; i++)
		index_run_unlink(list->runs[i]);
	index_runs_release_locked(&list);
	index_table_clear(index->active);
	index_recent_clear(index->recent);
	index_forgotten_clear_locked(index);
	index->committed = 0;
	index->floor = UINT64_MAX;
	index->manifest_dirty = false;
	atomic_store(&index->covered, 0);
	return 0;
}

void index_get_stats(const struct index *index, struct index_stats *stats)
{
	struct index *i = (struct index *)index;
	LOCK_SCOPE(&i->lock);
	*stats = i->stats;
	stats->entries = index_table_count(i->active);
	if (i->frozen)
		stats->entries += index_table_count(i->frozen);
	stats->memory_bytes = index_recent_bytes(i->recent) + 2 * i->table_bytes;
	if (i->forgotten.packs)
		stats->memory_bytes += (i->forgotten.mask + 1) * sizeof(*i->forgotten.packs);
	stats->runs = i->runs->count;
	for (size_t r = 0; r < i->runs->count; r++) {
		const struct index_run *run = i->runs->runs[r];
		stats->entries += run->record.entries;
		stats->disk_bytes += run->disk_bytes;
		stats->memory_bytes += index_filter_fixed_bytes(run->filter) +
				       index_filter_bits_bytes(run->bits);
	}
}

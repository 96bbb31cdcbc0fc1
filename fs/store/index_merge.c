/* SPDX-License-Identifier: MIT */
/*
 * Merging runs. Runs are of a tier by their size: tier 0 up to what a memory table
 * holds, each next tier up to four times as much. Four runs of a tier, and what is
 * newer and smaller, become one run. Only neighbours in age are merged, so of two
 * entries for a fingerprint the newer one always wins.
 *
 *   merged run written and synced -> it takes over from its inputs in memory, part by part
 *   of its filter -> manifest replaced -> inputs' files removed
 *
 * Streaming: memory is a buffer for each input. A table that fills up meanwhile is
 * written out in between.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "fs/store/index_internal.h"
#include "fs/store/index_page.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define MERGE_FANOUT 4u
#define MERGE_CHECK  8192u /* entries between looks at what else waits */
/* At most so many are merged at once. */
#define MERGE_RUNS_MOST 24u

/* Runs that stand together in the list; count 0: none. */
struct merge_pick {
	size_t first, count;
};

struct merge_input {
	struct index_run_reader *reader;
	struct index_entry head;
	bool more;
};

struct merge {
	struct index *index;
	struct index_run *const *runs; /* newest first */
	size_t count;
	struct merge_input inputs[INDEX_MANIFEST_RUNS_MAX];
	uint64_t committed;
};

static unsigned merge_tier(const struct index *index, const struct index_run *run)
{
	uint64_t size = index->table_limit;
	unsigned tier = 0;
	for (; size < run->record.entries; size *= MERGE_FANOUT)
		tier++;
	return tier;
}

/* The oldest runs of a row of neighbours, at most as many as are merged at once. */
static struct merge_pick merge_pick_of(size_t first, size_t length)
{
	size_t count = length < MERGE_RUNS_MOST ? length : MERGE_RUNS_MOST;
	return (struct merge_pick){first + length - count, count};
}

/* Neighbours of this tier and below, enough of which are of this tier. */
static bool merge_pick_tier(const struct index *index, const struct index_run_list *list,
			    unsigned tier, struct merge_pick *pick)
{
	size_t length = 0, same = 0;
	for (size_t i = 0; i <= list->count; i++) {
		unsigned own = i < list->count ? merge_tier(index, list->runs[i]) : UINT_MAX;
		if (own <= tier) {
			length++;
			same += own == tier;
			continue;
		}
		if (same >= MERGE_FANOUT) {
			*pick = merge_pick_of(i - length, length);
			return true;
		}
		length = same = 0;
	}
	return false;
}

static struct merge_pick merge_pick(const struct index *index, const struct index_run_list *list)
{
	struct merge_pick pick;
	unsigned highest = 0;
	for (size_t i = 0; i < list->count; i++) {
		unsigned tier = merge_tier(index, list->runs[i]);
		highest = tier > highest ? tier : highest;
	}
	for (unsigned tier = 0; tier <= highest; tier++) {
		if (merge_pick_tier(index, list, tier, &pick))
			return pick;
	}
	return merge_pick_of(0, list->count > INDEX_RUNS_HIGH - 1 ? MERGE_RUNS_MOST : 0);
}

static int merge_start(struct merge *merge)
{
	for (size_t i = 0; i < merge->count; i++) {
		struct merge_input *input = &merge->inputs[i];
		int error = index_run_reader_new(merge->runs[i], &input->reader);
		if (error)
			return error;
		input->more = index_run_reader_next(input->reader, &input->head) > 0;
	}
	return 0;
}

static void merge_end(struct merge *merge)
{
	for (size_t i = 0; i < merge->count; i++)
		index_run_reader_free(&merge->inputs[i].reader);
}

/* Entries of packs that are not committed yet stay: nobody could say of them that they are. */
static bool merge_keeps(const struct merge *merge, uint64_t place)
{
	const struct index_options *options = &merge->index->options;
	uint64_t pack = index_place_pack(place);
	return pack >= merge->committed || !options->pack_exists ||
	       options->pack_exists(options->context, pack);
}

/* The smallest key of all inputs, with its newest place that is worth keeping (0: none is). */
static bool merge_next(struct merge *merge, struct index_entry *entry)
{
	const struct merge_input *smallest = NULL;
	for (size_t i = 0; i < merge->count; i++) {
		const struct merge_input *input = &merge->inputs[i];
		if (input->more &&
		    (!smallest || index_entry_compare(&input->head, &smallest->head) < 0))
			smallest = input;
	}
	if (!smallest)
		return false;
	*entry = smallest->head;
	entry->place = 0;
	for (size_t i = 0; i < merge->count; i++) {
		struct merge_input *input = &merge->inputs[i];
		if (!input->more || index_entry_compare(&input->head, entry) != 0)
			continue;
		if (!entry->place && merge_keeps(merge, input->head.place))
			entry->place = input->head.place;
		input->more = index_run_reader_next(input->reader, &input->head) > 0;
	}
	return true;
}

static int merge_attend(struct merge *merge)
{
	struct index *index = merge->index;
	pthread_mutex_lock(&index->lock);
	bool cancelled = index->stop || index->cancel;
	bool flush = index->frozen && index->runs->count < INDEX_RUNS_HIGH;
	pthread_mutex_unlock(&index->lock);
	if (cancelled)
		return -ECANCELED;
	if (flush)
		index_worker_flush(index);
	return 0;
}

static int merge_write(struct merge *merge, struct index_run_writer *writer)
{
	struct index_entry entry;
	int error = merge_start(merge);
	for (uint64_t n = 1; !error && merge_next(merge, &entry); n++) {
		if (entry.place)
			error = index_run_writer_add(writer, &entry);
		if (!error && n % MERGE_CHECK == 0)
			error = merge_attend(merge);
	}
	merge_end(merge);
	return error;
}

/* *fresh is NULL when no entry is left. */
static int merge_runs(struct merge *merge, struct index_run **fresh)
{
	struct index *index = merge->index;
	struct index_run_writer *writer = NULL;
	uint64_t expected = 0;
	for (size_t i = 0; i < merge->count; i++)
		expected += (uint64_t)merge->runs[i]->record.pages * INDEX_PAGE_ENTRIES;
	pthread_mutex_lock(&index->lock);
	uint64_t number = index->next_run++;
	merge->committed = index->committed;
	pthread_mutex_unlock(&index->lock);
	int error = index_run_writer_new(index->folder, index->options.store_uuid, number, expected,
					 &writer);
	if (!error)
		error = merge_write(merge, writer);
	if (!error)
		error = index_run_writer_finish(writer, fresh);
	index_run_writer_free(&writer);
	return error;
}

/* The fresh run's filter comes in part by part, and the inputs' parts go. A part that cannot
 * be read lets everything through: that costs page reads only. */
static void merge_take_over(struct merge *merge, struct index_run *fresh)
{
	struct index *index = merge->index;
	unsigned level = index_filter_bits_level(fresh->bits);
	for (uint32_t part = 0; part < index_filter_parts(fresh->filter); part++) {
		uint64_t last = index_filter_part_last(fresh->filter, part);
		uint8_t *blocks = NULL;
		int error = index_filter_read_part(fresh->filter, level, part, &blocks);
		if (error)
			log_warning("%s: %s", fresh->filter_path, strerror(-error));
		LOCK_SCOPE(&index->lock);
		index_filter_set_part(fresh->filter, fresh->bits, part, blocks);
		for (size_t i = 0; i < merge->count; i++)
			index_filter_drop_parts(merge->runs[i]->filter, merge->runs[i]->bits, last);
	}
}

static int merge_install(struct merge *merge, struct index_run *fresh)
{
	struct index *index = merge->index;
	if (fresh) {
		unsigned level = index_budget_level(index, fresh, merge->runs, merge->count);
		fresh->bits = index_filter_bits_new(fresh->filter, level);
		if (!fresh->bits) {
			index_run_unlink(fresh);
			index_run_free(&fresh);
			return -ENOMEM;
		}
		pthread_mutex_lock(&index->lock);
		index_runs_change_locked(index, fresh, merge->runs, merge->count, false);
		pthread_mutex_unlock(&index->lock);
		merge_take_over(merge, fresh);
	}
	pthread_mutex_lock(&index->lock);
	for (size_t i = 0; i < merge->count; i++) {
		if (atomic_load(&merge->runs[i]->damaged))
			index_runs_note_damage_locked(index, merge->runs[i]);
	}
	index_runs_change_locked(index, NULL, merge->runs, merge->count, true);
	index->manifest_dirty = false;
	pthread_mutex_unlock(&index->lock);
	int error = index_runs_write_manifest(index, atomic_load(&index->covered));
	/* The manifest on disk still names the inputs if it could not be replaced. */
	for (size_t i = 0; i < merge->count && !error; i++)
		index_run_unlink(merge->runs[i]);
	return error;
}

static bool merge_list(struct index *index, const struct index_run_list *list)
{
	struct index_run *fresh = NULL;
	struct merge_pick pick = merge_pick(index, list);
	if (pick.count == 0 || list->count == index->merge_failed_count)
		return false;
	struct merge *merge = mem_try_zalloc(1, sizeof(*merge));
	int error = -ENOMEM;
	if (merge) {
		merge->index = index;
		merge->runs = list->runs + pick.first;
		merge->count = pick.count;
		error = merge_runs(merge, &fresh);
	}
	if (!error)
		error = merge_install(merge, fresh);
	free(merge);
	/* A failed merge is tried again when another run has come. */
	index->merge_failed_count = error ? list->count : 0;
	if (error && error != -ECANCELED)
		log_warning("%s: runs were not merged: %s", index->folder, strerror(-error));
	return !error;
}

bool index_merge(struct index *index)
{
	struct index_run_list *list = index_runs_hold(index);
	bool merged = merge_list(index, list);
	index_runs_release(index, &list);
	return merged;
}

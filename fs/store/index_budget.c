/* SPDX-License-Identifier: MIT */
/*
 * Memory for filters. Over the budget the largest filter is lowered by a level
 * (about half its size): it then knows a sample of its run's fingerprints, and a
 * hit in the sample brings the neighbours in through the pack's directory.
 */
#include "fs/store/index_internal.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"

static bool budget_leaves(const struct index_run *run, struct index_run *const *leaving,
			  size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (leaving[i] == run)
			return true;
	}
	return false;
}

static int budget_lower(struct index *index, struct index_run *run)
{
	struct index_filter_bits *bits;
	unsigned level = index_filter_bits_level(run->bits) + 1;
	int error = index_filter_load(run->filter, level, &bits);
	if (error)
		return error;
	log_info("%s: filter lowered to level %u for memory", run->path, level);
	pthread_mutex_lock(&index->lock);
	struct index_filter_bits *old = run->bits;
	run->bits = bits;
	pthread_mutex_unlock(&index->lock);
	index_filter_bits_free(&old);
	return 0;
}

/* Bytes of the filters that stay; *largest is the largest that can be lowered, or NULL. */
static size_t budget_used(const struct index_run_list *list, struct index_run *const *leaving,
			  size_t count, struct index_run **largest)
{
	size_t used = 0, most = 0;
	*largest = NULL;
	for (size_t i = 0; i < list->count; i++) {
		struct index_run *run = list->runs[i];
		if (budget_leaves(run, leaving, count))
			continue;
		size_t bytes = index_filter_bits_bytes(run->bits);
		used += bytes + index_filter_fixed_bytes(run->filter);
		/* At equal size the oldest, which is the last in the list. */
		if (bytes >= most &&
		    index_filter_bits_level(run->bits) + 1 < INDEX_FILTER_LEVELS) {
			most = bytes;
			*largest = run;
		}
	}
	return used;
}

unsigned index_budget_level(struct index *index, struct index_run *fresh,
			    struct index_run *const *leaving, size_t count)
{
	struct index_run_list *list = index_runs_hold(index);
	unsigned level = index->options.sparse ? INDEX_FILTER_SPARSE : 0;
	size_t fixed = index_filter_fixed_bytes(fresh->filter);
	for (;;) {
		struct index_run *largest;
		size_t own = index_filter_level_bytes(fresh->filter, level);
		if (budget_used(list, leaving, count, &largest) + own + fixed <=
		    index->filter_budget)
			break;
		bool can = level + 1 < INDEX_FILTER_LEVELS;
		if (can && (!largest || own >= index_filter_bits_bytes(largest->bits)))
			level++;
		else if (!largest || budget_lower(index, largest) != 0)
			break;
	}
	index_runs_release(index, &list);
	return level;
}

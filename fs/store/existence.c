/* SPDX-License-Identifier: MIT */
/*
 * Which packs there are, for the index: when it merges its runs it leaves out
 * the entries of packs that are gone. It asks for every entry, in the order of
 * fingerprints, so the answer is a bitmap in memory, read from the catalogue at
 * the first question. Packs that were not all committed at that time are said
 * to exist: a stale entry costs a read, a missing one costs space.
 */
#include <stdlib.h>

#include "fs/store/store_private.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

#define EXISTENCE_ROWS 1024

static void existence_set(struct store_existence *e, uint64_t pack, bool exists)
{
	uint64_t bit = UINT64_C(1) << (pack % 64);
	if (pack >= e->end)
		return;
	if (exists)
		e->word[pack / 64] |= bit;
	else
		e->word[pack / 64] &= ~bit;
}

static bool existence_build_locked(struct store *store)
{
	struct store_existence *e = &store->existence;
	CLEANUP_FREE struct pack_row *rows = mem_try_alloc(EXISTENCE_ROWS, sizeof(*rows));
	uint64_t from = 1, end = store_committed_below(store);
	int n;
	e->word = mem_try_zalloc(end / 64 + 1, sizeof(*e->word));
	if (!e->word || !rows)
		return false;
	e->end = end;
	do {
		n = store_next_rows(store, from, rows, EXISTENCE_ROWS);
		for (int i = 0; i < n; i++)
			existence_set(e, rows[i].pack, true);
		if (n > 0)
			from = rows[n - 1].pack + 1;
	} while (n == EXISTENCE_ROWS && from < end);
	return n >= 0;
}

bool store_pack_exists(void *context, uint64_t pack)
{
	struct store *store = context;
	struct store_existence *e = &store->existence;
	LOCK_SCOPE(&e->lock);
	if (!e->word && !existence_build_locked(store)) {
		free(TAKE(e->word));
		return true;
	}
	return pack >= e->end || (e->word[pack / 64] >> (pack % 64) & 1);
}

void store_existence_drop(struct store *store, uint64_t pack)
{
	struct store_existence *e = &store->existence;
	LOCK_SCOPE(&e->lock);
	if (e->word)
		existence_set(e, pack, false);
}

/* SPDX-License-Identifier: MIT */
/*
 * A second backup of a stream whose first backup is in an index, as the store
 * would ask for it: in batches; the directory of a pack that is hit is noted, and
 * of the next pack when the stream comes near a pack's end; what a batch did not
 * find is asked once more after its directories have been noted.
 */
#ifndef TESTS_UNIT_INDEX_STREAM_H
#define TESTS_UNIT_INDEX_STREAM_H

#include "tests/unit/index-util.h"

#define STREAM_BATCH 128u
#define STREAM_NOTED 8u /* directories remembered as noted; those before are noted again */

struct stream {
	struct index *index;
	uint64_t chunks;   /* of the first backup */
	uint64_t position; /* next of its chunks */
	uint64_t stretch;  /* chunks until the next change */
	uint64_t stretch_average, change_largest;
	uint64_t jump;     /* one change in so many goes on at another place; 0 none */
	uint64_t random, fresh; /* generator; number of the next new chunk */
	uint64_t noted[STREAM_NOTED];
	/* results */
	uint64_t duplicates, found, wrong, directories, lookups;
};

static inline uint64_t stream_random(struct stream *s, uint64_t below)
{
	s->random++;
	return util_mix(s->random) % below;
}

static inline void stream_note(struct stream *s, uint64_t pack)
{
	struct fingerprint fingerprints[UTIL_PACK_CHUNKS];
	if (pack == 0 || (pack - 1) * UTIL_PACK_CHUNKS >= s->chunks ||
	    s->noted[pack % STREAM_NOTED] == pack)
		return;
	s->noted[pack % STREAM_NOTED] = pack;
	for (uint64_t i = 0; i < UTIL_PACK_CHUNKS; i++)
		fingerprints[i] = util_fingerprint((pack - 1) * UTIL_PACK_CHUNKS + i);
	index_note_directory(s->index, pack, fingerprints, UTIL_PACK_CHUNKS);
	s->directories++;
}

/* The next chunk's number: an old one, or a new one where the stream has been changed. A
 * change replaces old chunks by about as many new ones; some are followed by another part of
 * the first backup, as where files have been moved. */
static inline uint64_t stream_next(struct stream *s, uint64_t *new_left)
{
	if (*new_left == 0 && s->stretch-- == 0) {
		*new_left = stream_random(s, s->change_largest) + 1;
		s->stretch = stream_random(s, 2 * s->stretch_average) + 1;
		s->position += stream_random(s, 2 * s->change_largest);
		if (s->jump && stream_random(s, s->jump) == 0)
			s->position = stream_random(s, s->chunks);
	}
	if (s->position >= s->chunks)
		s->position = 0;
	if (*new_left == 0)
		return s->position++;
	(*new_left)--;
	return s->fresh++;
}

static inline int stream_ask(struct stream *s, const uint64_t *numbers, struct chunk_ref *refs)
{
	struct fingerprint fingerprints[STREAM_BATCH];
	for (unsigned i = 0; i < STREAM_BATCH; i++)
		fingerprints[i] = util_fingerprint(numbers[i]);
	s->lookups += STREAM_BATCH;
	return index_lookup(s->index, fingerprints, STREAM_BATCH, refs);
}

static inline void stream_follow(struct stream *s, const struct chunk_ref *refs)
{
	for (unsigned i = 0; i < STREAM_BATCH; i++) {
		if (chunk_ref_is_none(refs[i]))
			continue;
		stream_note(s, refs[i].pack);
		if (refs[i].slot >= UTIL_PACK_CHUNKS - STREAM_BATCH)
			stream_note(s, refs[i].pack + 1);
	}
}

static inline void stream_count(struct stream *s, const uint64_t *numbers,
				const struct chunk_ref *refs)
{
	for (unsigned i = 0; i < STREAM_BATCH; i++) {
		bool old = numbers[i] < s->chunks;
		bool found = !chunk_ref_is_none(refs[i]);
		s->duplicates += old;
		s->found += old && found;
		s->wrong += found && (!old || !chunk_ref_equal(refs[i], util_ref(numbers[i])));
	}
}

/* Streams so many batches. 0 or what a lookup returned. */
static inline int stream_run(struct stream *s, uint64_t batches)
{
	uint64_t numbers[STREAM_BATCH], new_left = 0;
	struct chunk_ref refs[STREAM_BATCH];
	s->stretch = s->stretch_average;
	while (batches-- > 0) {
		for (unsigned i = 0; i < STREAM_BATCH; i++)
			numbers[i] = stream_next(s, &new_left);
		int error = stream_ask(s, numbers, refs);
		uint64_t before = s->directories;
		if (!error)
			stream_follow(s, refs);
		if (!error && s->directories != before)
			error = stream_ask(s, numbers, refs);
		if (error)
			return error;
		stream_count(s, numbers, refs);
	}
	return 0;
}

#endif

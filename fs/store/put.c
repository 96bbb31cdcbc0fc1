/* SPDX-License-Identifier: MIT */
/*
 * Putting: fingerprint a batch, find out what is here already, append the rest.
 *
 * A stream of known data mostly comes in the order in which it was stored, so
 * after a duplicate at (pack, slot) the next chunk is first compared with
 * (pack, slot + 1); only where that fails is the index asked, for a window of
 * chunks at once that grows while it goes on failing. Every answer of the index
 * is verified against the directory (the whole fingerprint and the size).
 *
 * When it is known where the batch's chunks are, those that lie alone in old
 * regions are stored anew beside the chunks that are new (capping.h). The index
 * has the newest place of a chunk, so that what follows is found together.
 *
 * A quarantined chunk and a pack that is being swept are no answers. The sweep
 * lock is held for reading throughout, so that cleaning never decides about a
 * pack between the verification and the mark.
 */
#include <errno.h>
#include <string.h>

#include "fs/store/capping.h"
#include "fs/store/store_private.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"

#define PUT_BATCH      CAPPING_BATCH
#define PUT_WINDOW_MIN 4u
/* Packs of one stream are seldom further apart: data and map packs take turns. */
#define PUT_FOLLOW_PACKS 2u
/* What a stream stored so few packs ago is in a reader's cache. */
#define PUT_NEAR_PACKS 16u

struct put {
	struct store *store;
	struct store_stream *stream;
	const struct fingerprint_input *chunks;
	size_t count;
	struct fingerprint fingerprints[PUT_BATCH];
	struct chunk_ref candidates[PUT_BATCH]; /* of [asked_from, asked_to) */
	size_t asked_to;
	struct chunk_ref found[PUT_BATCH]; /* or none */
	struct capping_place places[PUT_BATCH];
	bool anew[PUT_BATCH];
	uint16_t fresh[PUT_BATCH]; /* chunks of this batch that were new, and where they went */
	struct chunk_ref fresh_refs[PUT_BATCH];
	size_t fresh_count;
};

static bool pack_slot_matches(struct pack *pack, uint32_t slot,
			      const struct fingerprint *fingerprint, size_t size)
{
	if (pack_is_superseded(pack))
		return false;
	LOCK_SCOPE(&pack->lock);
	const struct pack_directory *d = &pack->directory;
	return slot < d->slots && d->slot[slot].size == size &&
	       memcmp(&d->fingerprint[slot], fingerprint, sizeof(*fingerprint)) == 0;
}

/* The good copy of a quarantined chunk, verified as an answer of the index is. One that is not
 * there is forgotten, so that the chunk can be healed again. */
static bool put_find_good(const struct put *put, size_t i, struct chunk_ref damaged,
			  struct chunk_ref good)
{
	struct damage *damage = put->store->damage;
	struct pack *pack = NULL;
	if (chunk_ref_is_none(good) || damage_find(damage, good, &(struct chunk_ref){0}))
		return false;
	int error = pack_table_get(put->store->packs, good.pack, &pack);
	bool there = !error &&
		     pack_slot_matches(pack, good.slot, &put->fingerprints[i], put->chunks[i].size);
	pack_release(&pack);
	if (!there && (!error || error == -ENOENT))
		damage_lose(damage, damaged, good);
	return there;
}

/* A verified place may be quarantined: then its good copy is the answer, or nothing is. */
static bool put_accept(const struct put *put, size_t i, struct chunk_ref *ref)
{
	struct store *store = put->store;
	struct chunk_ref good;
	if (damage_find(store->damage, *ref, &good)) {
		if (!put_find_good(put, i, *ref, good))
			return false;
		*ref = good;
	}
	if (!store_may_target_locked(store, ref->pack))
		return false;
	if (store->marks)
		store_marks_hit(store, *ref);
	return true;
}

/* Lets a chunk that was found be stored anew, if its pack is written and far. */
static void put_note_place(struct put *put, size_t i, struct pack *pack, struct chunk_ref ref)
{
	const struct pack *open = put->stream->pack;
	if (put->stream->kind != PACK_DATA || ref.pack != pack->number)
		return;
	if (open && pack->number + PUT_NEAR_PACKS > open->number)
		return;
	LOCK_SCOPE(&pack->lock);
	if (pack->state >= PACK_STATE_WRITTEN && ref.slot < pack->directory.slots)
		put->places[i] =
			(struct capping_place){pack->number, pack->directory.slot[ref.slot].region,
					       (uint32_t)put->chunks[i].size};
}

static void put_note_directory(struct store *store, struct pack *pack)
{
	/* An open pack's fingerprints are in the index's memory anyway. */
	pthread_mutex_lock(&pack->lock);
	bool fixed = pack->state >= PACK_STATE_WRITTEN;
	pthread_mutex_unlock(&pack->lock);
	if (fixed)
		index_note_directory(store->index, pack->number, pack->directory.fingerprint,
				     pack->directory.slots);
}

/* The stream has run off the pack that it followed: the next ones are likely to come. */
static void put_note_next(struct put *put)
{
	struct store *store = put->store;
	uint64_t number = put->stream->follow->number;
	for (unsigned i = 1; i <= PUT_FOLLOW_PACKS; i++) {
		struct pack *next = NULL;
		if (pack_table_get(store->packs, number + i, &next) < 0)
			return;
		bool same = next->kind == put->stream->kind;
		if (same)
			put_note_directory(store, next);
		pack_release(&next);
		if (same)
			return;
	}
}

/* The place after the last duplicate. */
static bool put_follow(struct put *put, size_t i, struct chunk_ref *ref)
{
	struct store_stream *stream = put->stream;
	if (!stream->follow)
		return false;
	if (!pack_slot_matches(stream->follow, stream->follow_slot, &put->fingerprints[i],
			       put->chunks[i].size))
		return false;
	*ref = (struct chunk_ref){stream->follow->number, stream->follow_slot};
	if (!put_accept(put, i, ref))
		return false;
	put_note_place(put, i, stream->follow, *ref);
	stream->follow_slot++;
	stream->window = PUT_WINDOW_MIN;
	return true;
}

/* The end of the followed pack: what comes next is in the pack after it, if anywhere near. */
static void put_check_end(struct put *put)
{
	struct store_stream *stream = put->stream;
	struct pack *pack = stream->follow;
	if (!pack)
		return;
	pthread_mutex_lock(&pack->lock);
	bool end =
		stream->follow_slot >= pack->directory.slots && pack->state >= PACK_STATE_WRITTEN;
	pthread_mutex_unlock(&pack->lock);
	if (!end)
		return;
	put_note_next(put);
	pack_release(&stream->follow);
}

static bool put_find_fresh(const struct put *put, size_t i, struct chunk_ref *ref)
{
	for (size_t f = 0; f < put->fresh_count; f++) {
		size_t other = put->fresh[f];
		if (put->chunks[other].size == put->chunks[i].size &&
		    memcmp(&put->fingerprints[other], &put->fingerprints[i], FINGERPRINT_SIZE) ==
			    0) {
			*ref = put->fresh_refs[f];
			return true;
		}
	}
	return false;
}

static struct chunk_ref put_ask_index(struct put *put, size_t i)
{
	struct store_stream *stream = put->stream;
	if (i >= put->asked_to) {
		size_t n = put->count - i;
		if (n > stream->window)
			n = stream->window;
		stream->window = stream->window * 2 < PUT_BATCH ? stream->window * 2 : PUT_BATCH;
		/* Advice: what cannot be read is not found. */
		if (index_lookup(put->store->index, put->fingerprints + i, n, put->candidates + i) <
		    0)
			memset(put->candidates + i, 0, n * sizeof(put->candidates[0]));
		put->asked_to = i + n;
	}
	return put->candidates[i];
}

/* Verifies a candidate of the index; the stream follows it from there. */
static bool put_take_candidate(struct put *put, size_t i, struct chunk_ref *ref)
{
	struct store_stream *stream = put->stream;
	struct pack *pack = NULL;
	if (chunk_ref_is_none(*ref) || pack_table_get(put->store->packs, ref->pack, &pack) < 0)
		return false;
	uint64_t candidate = ref->pack;
	uint32_t slot = ref->slot;
	if (!pack_slot_matches(pack, slot, &put->fingerprints[i], put->chunks[i].size) ||
	    !put_accept(put, i, ref)) {
		pack_release(&pack);
		return false;
	}
	put_note_place(put, i, pack, *ref);
	if (!stream->follow || stream->follow->number != candidate)
		put_note_directory(put->store, pack);
	pack_release(&stream->follow);
	stream->follow = pack;
	stream->follow_slot = slot + 1;
	return true;
}

/* Another stream with the same data may have stored the chunk since the index was asked: two that
 * run side by side would otherwise store much of it twice. */
static bool put_find_since(struct put *put, size_t i, struct chunk_ref *ref)
{
	*ref = index_lookup_memory(put->store->index, &put->fingerprints[i]);
	if (chunk_ref_is_none(*ref) || chunk_ref_equal(*ref, put->candidates[i]))
		return false;
	return put_take_candidate(put, i, ref);
}

static int put_new(struct put *put, size_t i, struct chunk_ref *ref)
{
	struct store *store = put->store;
	int error = stream_append_locked(put->stream, &put->chunks[i], &put->fingerprints[i], ref);
	if (error)
		return error;
	/* An entry that is missing from the index costs space once, no more. */
	index_insert(store->index, &put->fingerprints[i], *ref);
	put->fresh[put->fresh_count] = (uint16_t)i;
	put->fresh_refs[put->fresh_count++] = *ref;
	if (damage_wants(store->damage, &put->fingerprints[i]))
		damage_heal(store->damage, &put->fingerprints[i], *ref);
	return 0;
}

/* Where the batch's chunks are already. */
static void put_find(struct put *put)
{
	for (size_t i = 0; i < put->count; i++) {
		struct chunk_ref ref;
		put_check_end(put);
		if (!put_follow(put, i, &ref)) {
			ref = put_ask_index(put, i);
			if (!put_take_candidate(put, i, &ref))
				continue;
		}
		put->found[i] = ref;
	}
}

/* Copies are made only where the stream brings something new: one that is here already stays as it
 * is, however scattered. */
static void put_cap(struct put *put)
{
	struct store_stream *stream = put->stream;
	struct capping_place kept = stream->last_place;
	uint32_t few = put->store->sb.region_size / CAPPING_PARTS * CAPPING_FEW_PARTS;
	uint64_t fresh = 0;
	for (size_t i = 0; i < put->count; i++) {
		if (chunk_ref_is_none(put->found[i]))
			fresh += put->chunks[i].size;
		else
			stream->last_place = put->places[i];
	}
	stream->credit += fresh / CAPPING_CREDIT_PART;
	if (stream->credit > CAPPING_CREDIT_MAX)
		stream->credit = CAPPING_CREDIT_MAX;
	if (fresh)
		capping_choose(put->places, put->count, kept, few, &stream->credit, put->anew);
}

static int put_chunk(struct put *put, size_t i, struct chunk_ref *ref,
		     struct store_put_result *result)
{
	bool known = !chunk_ref_is_none(put->found[i]);
	*ref = put->found[i];
	if ((known && !put->anew[i]) || put_find_fresh(put, i, ref) ||
	    (!known && put_find_since(put, i, ref))) {
		result->duplicate_chunks++;
		result->duplicate_bytes += put->chunks[i].size;
		return 0;
	}
	result->new_chunks++;
	result->new_bytes += put->chunks[i].size;
	if (known)
		result->rewritten_bytes += put->chunks[i].size;
	return put_new(put, i, ref);
}

static int put_batch(struct put *put, struct chunk_ref *refs, struct store_put_result *result)
{
	int error = fingerprint_many(put->chunks, put->count, put->fingerprints);
	if (!error)
		error = store_throttle(put->store);
	if (error)
		return error;
	LOCK_SCOPE(&put->stream->lock);
	if (put->stream->window == 0)
		put->stream->window = PUT_WINDOW_MIN;
	put_find(put);
	put_cap(put);
	for (size_t i = 0; i < put->count && !error; i++)
		error = put_chunk(put, i, &refs[i], result);
	return error;
}

static void put_count(struct store *store, const struct store_put_result *r)
{
	struct store_counters *c = &store->counters;
	__atomic_add_fetch(&c->chunks_new, r->new_chunks, __ATOMIC_RELAXED);
	__atomic_add_fetch(&c->bytes_new, r->new_bytes, __ATOMIC_RELAXED);
	__atomic_add_fetch(&c->bytes_rewritten, r->rewritten_bytes, __ATOMIC_RELAXED);
	__atomic_add_fetch(&c->chunks_duplicate, r->duplicate_chunks, __ATOMIC_RELAXED);
	__atomic_add_fetch(&c->bytes_duplicate, r->duplicate_bytes, __ATOMIC_RELAXED);
}

int store_put(struct store *store, struct store_stream *stream,
	      const struct fingerprint_input *chunks, size_t count, struct chunk_ref *refs,
	      struct store_put_result *result)
{
	ASSERT_OBJECT(store, STORE_MAGIC);
	ASSERT_OBJECT(stream, STORE_STREAM_MAGIC);
	struct store_put_result sum = {0};
	int error = store_can_write(store) ? 0 : -EROFS;
	if (error)
		return error;
	pthread_rwlock_rdlock(&store->sweep_lock);
	for (size_t done = 0; done < count && !error;) {
		struct put put = {.store = store, .stream = stream, .chunks = chunks + done};
		put.count = count - done < PUT_BATCH ? count - done : PUT_BATCH;
		error = put_batch(&put, refs + done, &sum);
		done += put.count;
	}
	pthread_rwlock_unlock(&store->sweep_lock);
	put_count(store, &sum);
	result->new_chunks += sum.new_chunks;
	result->new_bytes += sum.new_bytes;
	result->rewritten_bytes += sum.rewritten_bytes;
	result->duplicate_chunks += sum.duplicate_chunks;
	result->duplicate_bytes += sum.duplicate_bytes;
	return error;
}

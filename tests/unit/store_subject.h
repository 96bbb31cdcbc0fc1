/* SPDX-License-Identifier: MIT */
/* One pack as it is on the disk, damaged on purpose: what the tests of repairing share. */
#ifndef TESTS_UNIT_STORE_SUBJECT_H
#define TESTS_UNIT_STORE_SUBJECT_H

#include "tests/unit/store_support.h"

#include <stdbool.h>

#include "fs/store/pack.h"
#include "fs/store/scrub.h"
#include "fs/store/segment.h"

#define COUNT 100u

struct bytes {
	uint8_t *data;
	size_t size;
};

/* One pack as it is on the disk. */
struct subject {
	struct segment_place place;
	struct pack_header header;
	struct bytes good;
};

/* Writes over the pack's bytes; turns one bit of them over. */
void write_pack(struct fixture *f, const struct subject *s, const void *data, size_t size,
		uint64_t at);
void flip_bit(struct fixture *f, const struct subject *s, uint64_t at);
/* Stores COUNT chunks in some packs; the first of them is what is damaged. */
struct subject put_subject(struct fixture *f, struct chunk_ref *refs);
/* That first pack as it is now, where cleaning has made another of it. */
struct subject find_subject(struct fixture *f, const struct chunk_ref *refs);
void reopen(struct fixture *f);
struct store_scrub_result scrub(struct fixture *f);
bool is_as_it_was(struct fixture *f, const struct subject *s);
/* How many of the chunks are in the first pack. */
uint32_t in_pack(const struct chunk_ref *refs);
void check_result(const struct store_scrub_result *result, uint64_t damaged_packs,
		uint64_t repaired_packs, uint64_t damaged_chunks, uint64_t healed_chunks);
/* Reads, dedup, then scrubbing, which leaves the pack as it was; no chunk is called damaged. */
void check_repaired(struct fixture *f, const struct subject *s, const struct chunk_ref *refs);
/* Where a slot's fingerprint stands in the pack. */
uint64_t fingerprint_place(const struct subject *s, uint32_t slot);
/* Cleans, with those chunks living. */
void sweep(struct fixture *f, const struct chunk_ref *refs, bool (*lives)(unsigned i));
/* Whether each living chunk is there, with the fingerprint of its bytes. */
void check_fingerprints(struct fixture *f, const struct chunk_ref *refs, bool (*lives)(unsigned i));

#endif

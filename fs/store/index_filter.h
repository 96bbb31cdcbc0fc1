/* SPDX-License-Identifier: MIT */
/*
 * A run's filter: says of most fingerprints that are not in the run that they
 * are not, without a read. It stands in a file beside the run, in six levels:
 * level 0 knows every fingerprint, the others a half, a quarter, an eighth, a
 * sixteenth and a sixty-fourth of them (hooks). One level is in memory; but for
 * level 0 a fingerprint that is not in the sample is taken for absent. The fence,
 * also there, says where each page begins, so that a lookup reads the one page
 * that matters.
 */
#ifndef FS_STORE_INDEX_FILTER_H
#define FS_STORE_INDEX_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/store/index_entry.h"

#define INDEX_FILTER_LEVELS 6u
#define INDEX_FILTER_SPARSE 3u /* the level that sparse mode begins with */

/* Whether a level's sample holds the fingerprint. */
bool index_filter_samples(unsigned level, const struct index_entry *key);

struct index_filter;

/* Reads table and fence of a filter file; no level is in memory yet. -EBADMSG when it is not
 * the filter of that run, -ENOENT, -ENOMEM, -EIO. */
int index_filter_open(const char *path, uint64_t run, uint64_t entries, uint32_t pages,
		      struct index_filter **filter);
void index_filter_free(struct index_filter **filter);

/* ---- what is in memory: `bits` changes under the index's lock -------------------------- */

/* A level in memory, whole or in part. */
struct index_filter_bits;
/* Nothing loaded: lets nothing through. NULL without memory. */
struct index_filter_bits *index_filter_bits_new(const struct index_filter *filter, unsigned level);
void index_filter_bits_free(struct index_filter_bits **bits);
unsigned index_filter_bits_level(const struct index_filter_bits *bits);
size_t index_filter_bits_bytes(const struct index_filter_bits *bits);
/* Bytes that a level takes in memory when it is whole. */
size_t index_filter_level_bytes(const struct index_filter *filter, unsigned level);
/* Table and fence, always in memory. */
size_t index_filter_fixed_bytes(const struct index_filter *filter);

uint32_t index_filter_parts(const struct index_filter *filter);
/* Last fingerprint prefix (first 64 bits) that a part is for. */
uint64_t index_filter_part_last(const struct index_filter *filter, uint32_t part);
/* Reads a part of a level. *blocks (free()) is NULL for a part that lets all through.
 * -EBADMSG damaged, -EIO, -ENOMEM. */
int index_filter_read_part(const struct index_filter *filter, unsigned level, uint32_t part,
			   uint8_t **blocks);
/* Puts a part in; blocks NULL: let all through. The blocks are the bits' from now on. */
void index_filter_set_part(const struct index_filter *filter, struct index_filter_bits *bits,
			   uint32_t part, uint8_t *blocks);
/* Gives up the parts that are wholly for prefixes up to `last`. */
void index_filter_drop_parts(const struct index_filter *filter, struct index_filter_bits *bits,
			     uint64_t last);
/* A whole level. */
int index_filter_load(const struct index_filter *filter, unsigned level,
		      struct index_filter_bits **bits);

void index_filter_prefetch(const struct index_filter_bits *bits, const struct index_entry *key);
bool index_filter_pass(const struct index_filter_bits *bits, const struct index_entry *key);

/* Pages that may hold the key: *first..*last. */
void index_filter_pages(const struct index_filter *filter, const struct index_entry *key,
			uint32_t *first, uint32_t *last);

/* ---- writing ---------------------------------------------------------------------------- */

struct index_filter_writer;
/* Makes the file; at most `expected` entries will come. */
int index_filter_writer_new(const char *path, uint64_t run, uint64_t expected,
			    struct index_filter_writer **writer);
/* Entries in ascending order; `new_page` when it is the first of a page. */
int index_filter_writer_add(struct index_filter_writer *writer, const struct index_entry *entry,
			    bool new_page);
/* Writes and syncs the rest. */
int index_filter_writer_finish(struct index_filter_writer *writer);
/* Removes the file unless it was finished. */
void index_filter_writer_free(struct index_filter_writer **writer);

#endif

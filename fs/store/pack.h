/* SPDX-License-Identifier: MIT */
/*
 * A pack's header, directory and tail: from and to the bytes that fs/format.h
 * describes. Decoding validates everything, so that what it gives can be used
 * without further checks; it never reads outside of what it is given.
 */
#ifndef FS_STORE_PACK_H
#define FS_STORE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/chunk/fingerprint.h"
#include "fs/format.h"

#define PACK_NO_REGION UINT32_MAX /* of a slot that cleaning has emptied */

struct pack_region {
	uint32_t offset; /* in the pack */
	uint32_t stored; /* bytes in the pack */
	uint32_t raw;    /* bytes when decoded */
	uint8_t codec;   /* enum codec, or one of a later program */
	uint64_t checksum; /* xxh3-64 of the stored bytes */
};

struct pack_slot {
	uint32_t region; /* or PACK_NO_REGION */
	uint32_t offset; /* in the decoded region */
	uint32_t size;   /* 0: emptied */
};

struct pack_header {
	uint64_t pack;
	uint32_t version;
	uint8_t kind; /* enum pack_kind */
	uint32_t regions, slots;
	uint32_t directory_size; /* bytes, as stored */
	uint64_t length;         /* of the whole pack, a multiple of PACK_ALIGN */
	uint64_t raw;            /* bytes of all regions, decoded */
	int64_t created;         /* ns since 1970 */
	uint32_t tail_size; /* bytes */
	uint64_t tail_checksum;
	uint64_t directory_checksum;
};

struct pack_directory {
	struct pack_region *region;
	struct pack_slot *slot;
	struct fingerprint *fingerprint; /* one a slot; zeros: emptied, or not known any more */
	uint32_t regions, slots;
};

static inline size_t pack_directory_size(uint32_t regions, uint32_t slots)
{
	return (size_t)regions * REGION_ENTRY_SIZE + (size_t)slots * SLOT_ENTRY_SIZE;
}

/* No tail is larger: a slot is two varints of 32 bits at most. */
static inline size_t pack_tail_limit(uint32_t regions, uint32_t slots)
{
	return (size_t)regions * REGION_ENTRY_SIZE + (size_t)slots * 10u;
}

/* Where the tail begins, and the header's copy behind it. */
static inline uint64_t pack_tail_offset(const struct pack_header *header)
{
	return header->length - PACK_HEADER_SIZE - header->tail_size;
}

/* `data` holds PACK_HEADER_SIZE bytes. 0; -EBADMSG for damage, zeros, or another store's pack;
 * -EPROTONOSUPPORT for a good header of a later format. */
int pack_header_decode(const uint8_t data[PACK_HEADER_SIZE], const uint8_t uuid[16],
		       struct pack_header *header);
void pack_header_encode(const struct pack_header *header, const uint8_t uuid[16],
			uint8_t data[PACK_HEADER_SIZE]);

/* `data` holds header->directory_size bytes. 0, -EBADMSG, -ENOMEM. The arrays are the caller's. */
int pack_directory_decode(const struct pack_header *header, const uint8_t *data,
			  struct pack_directory *directory);
/* Writes pack_directory_size() bytes. */
void pack_directory_encode(const struct pack_directory *directory, uint8_t *data);
/* `data` holds header->tail_size bytes. What comes out is the directory without fingerprints. */
int pack_tail_decode(const struct pack_header *header, const uint8_t *data,
		     struct pack_directory *directory);
/* Into room for pack_tail_limit() bytes; the tail's size. */
size_t pack_tail_encode(const struct pack_directory *directory, uint8_t *data);
/* Room for so many regions and slots, zeroed; the counts are set. 0 or -ENOMEM. */
int pack_directory_allocate(struct pack_directory *directory, uint32_t regions, uint32_t slots);
void pack_directory_clear(struct pack_directory *directory);
size_t pack_directory_memory(const struct pack_directory *directory);
/* False for zeros: whose chunk it was was lost with a directory. */
bool pack_fingerprint_is_known(const struct fingerprint *fingerprint);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The catalogue's copy in the segments, and the anchor that leads to it.
 *
 * The copy (an SQLite database, the last commit) is stored as a file would be:
 * chunks of BACKUP_BLOCK bytes in packs of kind PACK_DATA, a file map over them
 * (packs of kind PACK_MAP). The anchor is the only chunk of a pack of kind
 * PACK_ANCHOR:
 *
 *   magic u64 ANCHOR_MAGIC; version u32; blob size u32; generation u64 (the
 *   anchor with the greatest is the newest); time u64 (ns since 1970); size of
 *   the catalogue u64; its SHA-256 [32]; the map blob (as in inode.map)
 *
 * Restoring: scan the segments for packs (pack headers name number and version;
 * of several with one number the one that the copy knows counts, else the one of
 * the greatest version, of these the one written last), read the newest anchor whose map and
 * chunks all read well, write the bytes to catalogue.sqlite and compare the
 * SHA-256. The rows of packs written after the copy are added from the scan.
 *
 * The meta keys anchor_pack and anchor_slot name the newest anchor: with its
 * map it is a root for cleaning.
 */
#ifndef FS_TREE_BACKUP_H
#define FS_TREE_BACKUP_H

#include <stddef.h>
#include <stdint.h>

#define ANCHOR_MAGIC   UINT64_C(0x524f48434e415247) /* "GRANCHOR" */
#define ANCHOR_VERSION 1u
#define ANCHOR_HEADER  72u
#define BACKUP_BLOCK   (16u << 10)

struct anchor {
	uint64_t generation, time, size;
	uint8_t sha256[32];
	const uint8_t *blob; /* borrowed from the bytes parsed */
	size_t blob_size;
};

/* 0 or -EBADMSG. */
int anchor_parse(const void *data, size_t size, struct anchor *anchor);

#endif

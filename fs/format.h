/* SPDX-License-Identifier: MIT */
/*
 * On-disk constants of a store; granary-format.5 says the same in words.
 *
 * STORE/store.conf          superblock (fs/store/superblock.h)
 * STORE/catalogue.sqlite    names, inodes, map roots, packs' whereabouts (fs/store/catalogue_schema.h);
 *                           each page ends in a checksum (fs/store/catalogue_vfs.h)
 * STORE/segments/NN/NNNNNNNNNN.seg   NN: the number modulo 100; packs one after another
 * STORE/index/              fingerprint index, rebuildable (fs/store/index.h)
 * STORE/reserve             space kept back; STORE/lock  held while a process has the store
 *
 * All integers are little-endian. A segment is a segment header, then packs, each aligned to
 * PACK_ALIGN. A pack is written in one piece and is never changed in place, but for damaged
 * bytes of which it is known what they were:
 *
 *   pack header (PACK_HEADER_SIZE) | directory | regions, one after another | padding
 *     | tail | the pack header once more
 *
 * so that a scan from header to header finds every pack without the catalogue, and a pack
 * whose beginning is damaged is found from its end: the tail says what of the directory the
 * regions do not, and the fingerprints are made again from the chunks.
 */
#ifndef FS_FORMAT_H
#define FS_FORMAT_H

#include <assert.h>
#include <stdint.h>

#define SEGMENT_MAGIC       UINT64_C(0x4745534e41524721) /* "!GRANSEG" */
#define SEGMENT_HEADER_SIZE 4096u
/* magic u64, format u32, reserved u32, segment number u64, store uuid [16], created u64 (ns),
 * zeros, xxh3-64 of all before in the last 8 bytes */

#define PACK_MAGIC       UINT64_C(0x4b4341504e415247) /* "GRANPACK" */
#define PACK_ALIGN       512u
#define PACK_HEADER_SIZE 128u
/* magic u64; format u16, kind u8, fingerprint algorithm u8, cipher u8, 3 reserved;
 * pack u64; version u32; regions u32; slots u32; directory size u32;
 * length u64 (whole pack with padding); raw u64; store uuid [16]; created u64 (ns);
 * key context [16] (encryption at rest, zeros); tail size u32; 4 reserved; xxh3-64 of the tail;
 * xxh3-64 of the directory; xxh3-64 of all header bytes before */

/* Directory: a region entry for each region, then a slot entry for each slot. */
#define REGION_ENTRY_SIZE 24u
/* offset in the pack u32, stored size u32, raw size u32, codec u8, 3 reserved,
 * xxh3-64 of the stored bytes */
#define SLOT_ENTRY_SIZE 40u
/* offset in the region u32, size:24 | flags:8 u32, fingerprint [32]. The region is the one
 * whose slots these are: slots stand in region order; flag SLOT_NEW_REGION starts the next.
 * A slot that cleaning has emptied has size 0. */
#define SLOT_NEW_REGION 0x01u
#define SLOT_SIZE_MAX   ((1u << 24) - 1)

/* Tail: the directory's region entries, then a varint for each slot: its size shifted left by
 * two, and these flags. */
#define TAIL_NEW_REGION 1u /* as SLOT_NEW_REGION */
#define TAIL_MOVED      2u /* a varint follows: the offset, which is not the end of the slot before */

/* File-map nodes (chunks in packs of kind PACK_MAP): fs/tree/node.h. */
#define NODE_MAGIC   0xa7u
#define NODE_VERSION 1u

static_assert(SEGMENT_HEADER_SIZE % PACK_ALIGN == 0, "the first pack of a segment is aligned");

#endif

/* SPDX-License-Identifier: MIT */
/* store.conf: what a store is. Text in libconfig syntax whose last line is a checksum. */
#ifndef FS_STORE_SUPERBLOCK_H
#define FS_STORE_SUPERBLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "fs/chunk/compress.h"

#define SUPERBLOCK_FORMAT 2u

struct superblock {
	uint8_t uuid[16];
	uint32_t format;              /* SUPERBLOCK_FORMAT */
	uint32_t chunk_average;       /* bytes */
	uint32_t chunker;             /* algorithm id, 1 */
	uint32_t fingerprint;         /* enum fingerprint_algorithm */
	uint32_t region_size;         /* raw bytes, 256 KiB */
	uint32_t pack_size;           /* raw bytes, 4 MiB */
	uint32_t segment_size;        /* bytes, 256 MiB */
	enum compression compression; /* default for new data */
	uint64_t reserve;             /* bytes kept back so that a full store can clean */
	uint64_t name_seed;           /* seed of the directory-entry hash */
	uint32_t cipher;              /* 0: none. Encryption at rest has its place in the format. */
	char created[32];             /* ISO 8601, UTC */
};

/* Defaults, a new uuid and seed. */
void superblock_init(struct superblock *sb);
/* STORE/store.conf. -ENOENT, -EMEDIUMTYPE (not one of ours), -EPROTONOSUPPORT (version or
 * algorithm unknown), -EBADMSG (checksum or values); each logged as one sentence. */
int superblock_read(const char *store_path, struct superblock *sb);
int superblock_write(const char *store_path, const struct superblock *sb);
/* The text of a store.conf, which ends in a NUL that `size` does not count; the same errors, with
 * the reason in words. */
#define SUPERBLOCK_REASON 256u
int superblock_decode(const char *text, size_t size, struct superblock *sb, char reason[SUPERBLOCK_REASON]);
/* The text for it, the caller's to free. */
int superblock_encode(const struct superblock *sb, char **text, size_t *size);
/* "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx" and a NUL. */
void superblock_format_uuid(const uint8_t uuid[16], char text[37]);
/* The same back; -EBADMSG for anything else. */
int superblock_parse_uuid(const char *text, uint8_t uuid[16]);
/* Makes a new store in an empty or missing folder: store.conf, catalogue, segments/, index/,
 * the reserve. -ENOTEMPTY for anything else there, -EEXIST for a store. Logs the reason. */
int superblock_create_store(const char *store_path, const struct superblock *sb);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Reads packs straight from the segment files, for the tools. Everything is
 * verified on the way: headers, directories, regions. One thread.
 */
#ifndef FS_TOOL_READER_H
#define FS_TOOL_READER_H

#include <stddef.h>
#include <stdint.h>

#include "fs/store/chunk_ref.h"
#include "fs/store/pack.h"
#include "fs/store/pack_end.h"
#include "fs/store/pack_rebuild.h"
#include "fs/tree/filemap.h"

struct reader;
struct pack_list;
struct pack_row;

/* The list and the strings are borrowed. -ENOMEM */
int reader_open(const char *store_path, const uint8_t uuid[16], const struct pack_list *packs,
		struct reader **reader);
void reader_close(struct reader **reader);

/* A pack that is held in memory until reader_release(). */
struct reader_pack {
	struct pack_header header;
	struct pack_directory directory;
	bool salvaged; /* both directory and tail are damaged: slots without a region are lost */
};
/* Fetches header and directory, from the pack's end if need be, which is noted in its row:
 * -ENOENT no such pack, -EIO not readable, -EBADMSG damaged. */
int reader_fetch(struct reader *reader, uint64_t pack, struct reader_pack **held);
void reader_release(struct reader *reader, struct reader_pack *held);
/* A region's bytes, decoded; valid while the pack is held. -EBADMSG damaged, -ENOTSUP. */
int reader_region(struct reader *reader, struct reader_pack *held, uint32_t region,
		  const uint8_t **data);
/* A chunk's bytes. */
int reader_chunk(struct reader *reader, struct chunk_ref ref, const uint8_t **data, size_t *size,
		 struct reader_pack **held);
/* For filemap_load() and filemap_walk(): reads only. */
struct filemap_io reader_filemap_io(struct reader *reader);

/* Header and directory from the pack's end: -EBADMSG in vain. */
int reader_rebuild(struct reader *reader, const struct pack_row *row, struct pack_rebuilt *rebuilt);
/* pack_end_check() of a pack that is held. */
int reader_end(struct reader *reader, const struct pack_row *row, const struct reader_pack *pack,
	       struct pack_end *end);
/* Header of whatever pack is at this place. -ENODATA at the end of the file. */
int reader_header_at(struct reader *reader, uint64_t segment, uint64_t offset,
		     struct pack_header *header);

#endif

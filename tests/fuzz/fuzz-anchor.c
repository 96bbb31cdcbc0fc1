/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as the anchor that leads to the catalogue's copy, as they are and with magic and
 * version made right; the map in it goes the way that restoring and cleaning go.
 */
#include <errno.h>
#include <string.h>

#include "fs/tree/backup.h"
#include "fs/tree/filemap.h"
#include "lib/base/assert.h"
#include "lib/base/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int fuzz_get(void *context, struct chunk_ref ref, const uint8_t **data, size_t *size,
		    void **hold)
{
	(void)context, (void)ref, (void)data, (void)size, (void)hold;
	return -EIO;
}

static void fuzz_drop(void *context, void *hold)
{
	(void)context, (void)hold;
}

static void fuzz_anchor(const uint8_t *data, size_t size)
{
	const struct filemap_io io = {.get = fuzz_get, .drop = fuzz_drop};
	const struct filemap_visitor visitor = {0};
	struct anchor anchor;
	struct filemap *map;
	if (anchor_parse(data, size, &anchor) != 0)
		return;
	ASSERT(anchor.blob == data + ANCHOR_HEADER && anchor.blob_size <= size - ANCHOR_HEADER);
	(void)filemap_walk(&io, anchor.blob, anchor.blob_size, &visitor);
	if (filemap_load(&io, anchor.blob, anchor.blob_size, &map) == 0)
		filemap_free(&map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t copy[4096];
	struct wire w;
	fuzz_anchor(data, size);
	if (size < ANCHOR_HEADER || size > sizeof(copy))
		return 0;
	memcpy(copy, data, size);
	wire_writer(&w, copy, 16);
	wire_put_u64(&w, ANCHOR_MAGIC);
	wire_put_u32(&w, ANCHOR_VERSION);
	wire_put_u32(&w, (uint32_t)(size - ANCHOR_HEADER));
	fuzz_anchor(copy, size);
	return 0;
}

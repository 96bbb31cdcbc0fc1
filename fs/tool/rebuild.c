/* SPDX-License-Identifier: MIT */
/*
 * --rebuild-index: makes the fingerprint index anew from the directories of the
 * packs. A directory that is damaged is passed over: its chunks are stored
 * again when they come in.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fs/store/index.h"
#include "fs/store/store.h"
#include "fs/tool/fsck.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define MEMORY (UINT64_C(512) << 20)

static int pack_insert(struct fsck *f, struct index *index, const struct pack_row *row)
{
	struct reader_pack *held = NULL;
	int error = reader_fetch(f->reader, row->pack, &held);

	if (error == -ENOMEM)
		return error;
	if (error) {
		finding(f, "pack %" PRIu64 ": its directory cannot be read", row->pack);
		return 0;
	}
	for (uint32_t slot = 0; slot < held->directory.slots && !error; slot++)
		if (held->directory.slot[slot].region != PACK_NO_REGION &&
		    pack_fingerprint_is_known(&held->directory.fingerprint[slot]))
			error = index_insert(index, &held->directory.fingerprint[slot],
					     (struct chunk_ref){row->pack, slot});
	reader_release(f->reader, held);
	return error;
}

static int packs_insert(struct fsck *f, struct index *index)
{
	const struct pack_list *list = &f->packs;
	int error = 0;

	for (size_t i = 0; i < list->count && !error; i++)
		if (list->rows[i].kind != PACK_ANCHOR)
			error = pack_insert(f, index, &list->rows[i]);
	if (error)
		return error;
	index_set_committed(index, list->count ? list->rows[list->count - 1].pack + 1 : 1);
	return index_flush(index);
}

int fsck_rebuild_index(struct fsck *f)
{
	CLEANUP_FREE char *folder = mem_printf("%s/index", f->path);
	struct index_options options = {.folder = folder, .memory = MEMORY};
	struct index_stats stats;
	struct index *index = NULL;
	int error;

	memcpy(options.store_uuid, f->superblock.uuid, sizeof(options.store_uuid));
	error = index_open(&options, &index);
	if (!error)
		error = index_reset(index);
	if (!error)
		error = packs_insert(f, index);
	if (!error) {
		index_get_stats(index, &stats);
		printf("%s: the index has %" PRIu64 " entries\n", f->path, stats.entries);
	} else {
		log_error("%s: the index cannot be made: %s", folder, strerror(-error));
	}
	if (index)
		index_close(&index);
	return error;
}

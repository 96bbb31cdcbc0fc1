/* SPDX-License-Identifier: MIT */
/*
 * --rebuild-index: empties the fingerprint index and opens the store, which
 * then reads all directories into it as it does after a crash.
 */
#include <errno.h>
#include <string.h>

#include "fs/store/store.h"
#include "fs/tool/fsck.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define MEMORY (UINT64_C(512) << 20)

static int index_empty(const char *path)
{
	CLEANUP_FREE char *folder = mem_printf("%s/index", path);
	struct index_options options = {.folder = folder, .memory = MEMORY / 2};
	struct superblock superblock;
	struct index *index = NULL;
	int error = superblock_read(path, &superblock);

	if (error)
		return error;
	memcpy(options.store_uuid, superblock.uuid, sizeof(options.store_uuid));
	error = index_open(&options, &index);
	if (!error)
		error = index_reset(index);
	if (index)
		index_close(&index);
	if (error)
		log_error("%s: the index cannot be emptied: %s", folder, strerror(-error));
	return error;
}

int fsck_rebuild_index(const char *path)
{
	const struct store_options options = {.memory = MEMORY, .compression = -1};
	struct store_stats stats;
	struct store *store = NULL;
	int error;

	/* Once before, so that a store that is in use or damaged keeps its index. */
	error = store_open(path, &options, &store);
	if (error)
		return error;
	store_close(&store);
	error = index_empty(path);
	if (!error)
		error = store_open(path, &options, &store);
	if (error)
		return error;
	store_get_stats(store, &stats);
	printf("%s: the index has %llu entries\n", path, (unsigned long long)stats.index.entries);
	store_close(&store);
	return 0;
}

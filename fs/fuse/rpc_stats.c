/* SPDX-License-Identifier: MIT */
/* What the store and the tree count, as JSON: fs.stats, and flat as metrics. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "fs/fuse/fsd.h"
#include "lib/base/cleanup.h"

struct number {
	const char *name;
	size_t offset; /* of a uint64_t */
};

/* clang-format off */
#define NUMBER(type, field) { #field, offsetof(struct type, field) }

static const struct number store_numbers[] = {
	NUMBER(store_stats, packs), NUMBER(store_stats, chunks_new),
	NUMBER(store_stats, chunks_duplicate), NUMBER(store_stats, bytes_new), NUMBER(store_stats, bytes_rewritten),
	NUMBER(store_stats, bytes_duplicate), NUMBER(store_stats, bytes_stored),
	NUMBER(store_stats, regions_raw), NUMBER(store_stats, regions_stored),
	NUMBER(store_stats, region_hits), NUMBER(store_stats, region_misses),
	NUMBER(store_stats, memory_bytes), NUMBER(store_stats, damaged_chunks),
	NUMBER(store_stats, healed_chunks), { NULL, 0 },
};

static const struct number index_numbers[] = {
	NUMBER(index_stats, entries), NUMBER(index_stats, memory_bytes),
	NUMBER(index_stats, disk_bytes), NUMBER(index_stats, runs), NUMBER(index_stats, lookups),
	NUMBER(index_stats, recent_hits), NUMBER(index_stats, memory_hits),
	NUMBER(index_stats, run_hits), NUMBER(index_stats, filter_passes),
	NUMBER(index_stats, page_reads), { NULL, 0 },
};

static const struct number tree_numbers[] = {
	NUMBER(tree_stats, inodes_cached), NUMBER(tree_stats, dirty_bytes),
	NUMBER(tree_stats, dirty_inodes), NUMBER(tree_stats, commits),
	NUMBER(tree_stats, commit_ns_last), NUMBER(tree_stats, commit_ns_max),
	NUMBER(tree_stats, bytes_written), NUMBER(tree_stats, bytes_read),
	NUMBER(tree_stats, operations), NUMBER(tree_stats, memory_bytes), { NULL, 0 },
};

static const struct number space_numbers[] = {
	NUMBER(store_space, total), NUMBER(store_space, available),
	NUMBER(store_space, segment_bytes), NUMBER(store_space, dead_bytes), { NULL, 0 },
};

static const struct number container_numbers[] = {
	NUMBER(tree_container, inode), NUMBER(tree_container, quota),
	NUMBER(tree_container, files), NUMBER(tree_container, logical),
	NUMBER(tree_container, deduplicated), NUMBER(tree_container, stored), { NULL, 0 },
};
/* clang-format on */

static void numbers_add(json_t *object, const char *prefix, const struct number *numbers,
			const void *values)
{
	for (; numbers->name; numbers++) {
		uint64_t value;
		char name[64];

		memcpy(&value, (const char *)values + numbers->offset, sizeof(value));
		snprintf(name, sizeof(name), "%s%s", prefix, numbers->name);
		json_object_set_new(object, name, json_integer((json_int_t)value));
	}
}

static json_t *numbers_object(const struct number *numbers, const void *values)
{
	json_t *object = json_object();

	if (object)
		numbers_add(object, "", numbers, values);
	return object;
}

json_t *fsd_space(struct fsd *fsd)
{
	struct store_space space = {0};

	store_space(fsd->store, &space);
	return numbers_object(space_numbers, &space);
}

json_t *fsd_losses(struct fsd *fsd)
{
	struct tree_losses losses;

	tree_get_losses(fsd->tree, &losses);
	return json_pack("{s:I, s:I, s:o}", "count", (json_int_t)losses.count, "last_inode",
			 (json_int_t)losses.inode, "last_error",
			 losses.error ? json_string(strerror(-losses.error)) : json_null());
}

json_t *fsd_containers(struct fsd *fsd, int *error)
{
	CLEANUP_FREE struct tree_container *list = NULL;
	ssize_t count = tree_containers(fsd->tree, &list);
	json_t *array = json_array();

	*error = count < 0 ? (int)count : array ? 0 : -ENOMEM;
	for (ssize_t i = 0; i < count; i++) {
		json_t *object = numbers_object(container_numbers, &list[i]);

		json_object_set_new(object, "name", rpc_text(list[i].name));
		json_array_append_new(array, object);
	}
	return array;
}

json_t *fsd_stats(struct fsd *fsd)
{
	struct store_stats store = {0};
	struct tree_stats tree = {0};
	int error;

	store_get_stats(fsd->store, &store);
	tree_get_stats(fsd->tree, &tree);
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "store",
			 numbers_object(store_numbers, &store), "index",
			 numbers_object(index_numbers, &store.index), "tree",
			 numbers_object(tree_numbers, &tree), "space", fsd_space(fsd), "containers",
			 fsd_containers(fsd, &error));
}

void fsd_metrics(struct daemon *d, json_t *object)
{
	struct fsd *fsd = daemon_data(d);
	struct store_stats store = {0};
	struct store_space space = {0};
	struct tree_stats tree = {0};
	struct tree_losses losses;

	store_get_stats(fsd->store, &store);
	tree_get_stats(fsd->tree, &tree);
	store_space(fsd->store, &space);
	numbers_add(object, "store_", store_numbers, &store);
	numbers_add(object, "index_", index_numbers, &store.index);
	numbers_add(object, "tree_", tree_numbers, &tree);
	numbers_add(object, "space_", space_numbers, &space);
	tree_get_losses(fsd->tree, &losses);
	json_object_set_new(object, "losses", json_integer((json_int_t)losses.count));
	json_object_set_new(object, "failed", json_integer(store_failed(fsd->store) != 0));
}

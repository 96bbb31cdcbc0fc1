/* SPDX-License-Identifier: MIT */
/* What the tests of the store share; see store_support.h. */
#include "tests/unit/store_support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/store/store_private.h"
#include "lib/base/fault.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

void shell(const char *format, ...)
{
	char command[2048];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	assert_int_equal(system(command), 0);
}

int fixture_setup_closed(void **state)
{
	struct fixture *f = mem_zalloc(sizeof(*f));
	const char *tmp = getenv("TMPDIR");
	log_set_level(LOG_LEVEL_ERROR);
	snprintf(f->folder, sizeof(f->folder), "%s/granary-store.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/store", f->folder);
	superblock_init(&f->sb);
	f->sb.region_size = 64u << 10;
	f->sb.pack_size = 256u << 10;
	f->sb.segment_size = 1u << 20;
	f->sb.reserve = 1u << 20;
	f->options = (struct store_options){.memory = 32u << 20, .threads = 2, .compression = -1};
	*state = f;
	return 0;
}

void fixture_create(struct fixture *f)
{
	assert_int_equal(superblock_create_store(f->path, &f->sb), 0);
}

void fixture_open(struct fixture *f)
{
	assert_int_equal(store_open(f->path, &f->options, &f->store), 0);
}

void fixture_close(struct fixture *f)
{
	store_close(&f->store);
}

int fixture_setup(void **state)
{
	fixture_setup_closed(state);
	fixture_create(*state);
	fixture_open(*state);
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;
	fault_set(NULL);
	/* A test that has failed leaves its streams behind; its own message must come out. */
	if (f->store && f->store->recovery && LIST_FIRST(&f->store->streams) != f->store->shared[PACK_ANCHOR])
		return 0;
	store_close(&f->store);
	shell("rm -rf '%s'", f->folder);
	free(f);
	return 0;
}

const char *fixture_copy(struct fixture *f, const char *name)
{
	static char path[600];
	snprintf(path, sizeof(path), "%s/%s", f->folder, name);
	shell("cp -a '%s' '%s'", f->path, path);
	return path;
}

static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

void fill(uint8_t *data, size_t size, uint64_t seed)
{
	for (size_t i = 0; i < size; i += 8) {
		uint64_t word = i % 16 ? seed : mix(seed * UINT64_C(0x9e3779b97f4a7c15) + i);
		memcpy(data + i, &word, size - i < 8 ? size - i : 8);
	}
}

int put_some(struct store *store, struct store_stream *stream, uint64_t seed, size_t count,
	     struct chunk_ref *refs)
{
	struct store_put_result result = {0};
	uint8_t *data = mem_alloc(count * CHUNK);
	struct fingerprint_input *chunks = mem_alloc(count * sizeof(*chunks));
	for (size_t i = 0; i < count; i++) {
		fill(data + i * CHUNK, CHUNK, seed + i);
		chunks[i] = (struct fingerprint_input){data + i * CHUNK, CHUNK};
	}
	int error = store_put(store, stream, chunks, count, refs, &result);
	free(data);
	free(chunks);
	return error;
}

struct store_put_result put_many(struct store *store, struct store_stream *stream, uint64_t seed,
				 size_t count, struct chunk_ref *refs)
{
	struct store_stats before, after;
	store_get_stats(store, &before);
	assert_int_equal(put_some(store, stream, seed, count, refs), 0);
	store_get_stats(store, &after);
	return (struct store_put_result){
		.new_chunks = after.chunks_new - before.chunks_new,
		.new_bytes = after.bytes_new - before.bytes_new,
		.duplicate_chunks = after.chunks_duplicate - before.chunks_duplicate,
		.duplicate_bytes = after.bytes_duplicate - before.bytes_duplicate,
	};
}

void check_many(struct store *store, uint64_t seed, size_t count, const struct chunk_ref *refs)
{
	uint8_t expected[CHUNK];
	for (size_t i = 0; i < count; i++) {
		struct store_view view;
		fill(expected, CHUNK, seed + i);
		assert_int_equal(store_get(store, refs[i], &view), 0);
		assert_int_equal(view.size, CHUNK);
		assert_memory_equal(view.data, expected, CHUNK);
		store_view_release(&view);
	}
}

int get_error(struct store *store, struct chunk_ref ref)
{
	struct store_view view;
	int error = store_get(store, ref, &view);
	if (!error)
		store_view_release(&view);
	return error;
}

int commit(struct store *store)
{
	struct store_delta *delta = NULL;
	int error = store_freeze(store, &delta);
	if (error)
		return error;
	error = store_delta_sync(store, delta);
	if (!error)
		error = catalogue_begin(store_catalogue(store));
	if (!error) {
		error = store_delta_record(store, delta);
		if (error)
			catalogue_rollback(store_catalogue(store));
		else
			error = catalogue_commit(store_catalogue(store));
	}
	store_delta_done(store, &delta, error == 0);
	return error;
}

static void flip(struct fixture *f, const struct segment_place *place, uint64_t offset)
{
	char path[700];
	uint8_t byte;
	snprintf(path, sizeof(path), "%s/segments/%02u/%010llu.seg", f->path,
		 (unsigned)(place->segment % 100), (unsigned long long)place->segment);
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, (off_t)(place->offset + offset)), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)(place->offset + offset)), 1);
	close(fd);
}

void damage_pack(struct fixture *f, uint64_t number, uint64_t offset)
{
	struct pack *pack = NULL;
	assert_int_equal(pack_table_get(f->store->packs, number, &pack), 0);
	flip(f, &pack->place, offset);
	pack_release(&pack);
}

void damage_chunk(struct fixture *f, struct chunk_ref ref)
{
	struct pack *pack = NULL;
	assert_int_equal(pack_table_get(f->store->packs, ref.pack, &pack), 0);
	uint32_t region = pack->directory.slot[ref.slot].region;
	flip(f, &pack->place, pack->directory.region[region].offset + 9);
	pack_release(&pack);
}

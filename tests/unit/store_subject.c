/* SPDX-License-Identifier: MIT */
/* See store_subject.h. */
#include "tests/unit/store_subject.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/store/segment_file.h"
#include "fs/store/store_private.h"
#include "fs/store/sweep.h"
#include "lib/base/mem.h"

static int open_segment(struct fixture *f, const struct subject *s)
{
	char *path = segment_file_path(f->path, s->place.segment);
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	free(path);
	return fd;
}

static struct bytes read_pack(struct fixture *f, const struct subject *s)
{
	struct bytes b = {mem_alloc(s->place.length), s->place.length};
	int fd = open_segment(f, s);
	assert_int_equal(pread(fd, b.data, b.size, (off_t)s->place.offset), b.size);
	close(fd);
	return b;
}

void write_pack(struct fixture *f, const struct subject *s, const void *data, size_t size, uint64_t at)
{
	int fd = open_segment(f, s);
	assert_int_equal(pwrite(fd, data, size, (off_t)(s->place.offset + at)), size);
	close(fd);
}

void flip_bit(struct fixture *f, const struct subject *s, uint64_t at)
{
	uint8_t byte = s->good.data[at] ^ 0x08;
	write_pack(f, s, &byte, 1, at);
}

struct subject find_subject(struct fixture *f, const struct chunk_ref *refs)
{
	struct subject s;
	struct pack *pack = NULL;
	assert_int_equal(pack_table_get(f->store->packs, refs[0].pack, &pack), 0);
	s.place = pack->place;
	pack_release(&pack);
	s.good = read_pack(f, &s);
	assert_int_equal(pack_header_decode(s.good.data, f->sb.uuid, &s.header), 0);
	return s;
}

struct subject put_subject(struct fixture *f, struct chunk_ref *refs)
{
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, refs);
	assert_int_equal(commit(f->store), 0);
	assert_true(refs[COUNT - 1].pack != refs[0].pack);
	return find_subject(f, refs);
}

void reopen(struct fixture *f)
{
	fixture_close(f);
	fixture_open(f);
}

struct store_scrub_result scrub(struct fixture *f)
{
	struct store_scrub_result result = {0};
	uint64_t cursor = 0;
	int more;
	while ((more = store_scrub(f->store, &cursor, 3, &result)) == 1)
		;
	assert_int_equal(more, 0);
	return result;
}

bool is_as_it_was(struct fixture *f, const struct subject *s)
{
	struct bytes now = read_pack(f, s);
	bool same = memcmp(now.data, s->good.data, now.size) == 0;
	free(now.data);
	return same;
}

uint32_t in_pack(const struct chunk_ref *refs)
{
	uint32_t n = 0;
	while (n < COUNT && refs[n].pack == refs[0].pack)
		n++;
	return n;
}

void check_result(const struct store_scrub_result *result, uint64_t damaged_packs,
			 uint64_t repaired_packs, uint64_t damaged_chunks, uint64_t healed_chunks)
{
	assert_int_equal(result->damaged_packs, damaged_packs);
	assert_int_equal(result->repaired_packs, repaired_packs);
	assert_int_equal(result->damaged_chunks, damaged_chunks);
	assert_int_equal(result->healed_chunks, healed_chunks);
}

void check_repaired(struct fixture *f, const struct subject *s, const struct chunk_ref *refs)
{
	struct chunk_ref again[COUNT];
	reopen(f);
	assert_false(is_as_it_was(f, s));
	check_many(f->store, 1, COUNT, refs);
	assert_int_equal(
		put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, again).new_chunks, 0);
	struct store_scrub_result result = scrub(f);
	check_result(&result, 1, 1, 0, 0);
	assert_true(is_as_it_was(f, s));
	reopen(f);
	result = scrub(f);
	check_result(&result, 0, 0, 0, 0);
	check_many(f->store, 1, COUNT, refs);
}

uint64_t fingerprint_place(const struct subject *s, uint32_t slot)
{
	return PACK_HEADER_SIZE + s->header.regions * REGION_ENTRY_SIZE + slot * SLOT_ENTRY_SIZE + 20;
}

void sweep(struct fixture *f, const struct chunk_ref *refs, bool (*lives)(unsigned i))
{
	struct store_marks *marks = NULL;
	struct store_sweep *sweep = NULL;
	struct store_sweep_options options = {0};
	assert_int_equal(store_marks_begin(f->store, 0, 1 << 20, &marks), 0);
	for (unsigned i = 0; i < COUNT; i++)
		if (lives(i))
			store_mark(f->store, marks, refs[i]);
	assert_int_equal(store_sweep_begin(f->store, marks, &options, &sweep), 0);
	while (store_sweep_step(sweep) == 1) {
		assert_int_equal(catalogue_begin(store_catalogue(f->store)), 0);
		assert_int_equal(store_sweep_record(sweep), 0);
		assert_int_equal(catalogue_commit(store_catalogue(f->store)), 0);
		store_sweep_done(sweep, true);
	}
	store_sweep_end(&sweep);
	store_marks_end(f->store, &marks);
}

void check_fingerprints(struct fixture *f, const struct chunk_ref *refs, bool (*lives)(unsigned i))
{
	uint8_t expected[CHUNK];
	for (unsigned i = 0; i < COUNT; i++) {
		struct fingerprint_input input = {expected, CHUNK};
		struct fingerprint right, kept;
		uint32_t raw, stored;
		if (!lives(i))
			continue;
		check_many(f->store, 1 + i, 1, &refs[i]);
		fill(expected, CHUNK, 1 + i);
		assert_int_equal(fingerprint_many(&input, 1, &right), 0);
		assert_int_equal(store_chunk_info(f->store, refs[i], &raw, &stored, &kept), 0);
		assert_memory_equal(&kept, &right, sizeof(right));
	}
}

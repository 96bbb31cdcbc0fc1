/* SPDX-License-Identifier: MIT */
/*
 * A pack whose beginning is damaged reads on from its end, scrubbing writes the
 * beginning again, and a chunk that is not what its fingerprint says is found.
 */
#include "tests/unit/store_support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "fs/store/scrub.h"
#include "fs/store/segment_file.h"
#include "fs/store/store_private.h"
#include "fs/store/sweep.h"
#include "lib/base/mem.h"

#define COUNT 100u

struct bytes {
	uint8_t *data;
	size_t size;
};

/* One pack as it is on the disk. */
struct subject {
	struct segment_place place;
	struct pack_header header;
	struct bytes good;
};

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

static void write_pack(struct fixture *f, const struct subject *s, const void *data, size_t size, uint64_t at)
{
	int fd = open_segment(f, s);
	assert_int_equal(pwrite(fd, data, size, (off_t)(s->place.offset + at)), size);
	close(fd);
}

static void flip_bit(struct fixture *f, const struct subject *s, uint64_t at)
{
	uint8_t byte = s->good.data[at] ^ 0x08;
	write_pack(f, s, &byte, 1, at);
}

/* Stores COUNT chunks in some packs; the first of them is what is damaged. */
static struct subject put_subject(struct fixture *f, struct chunk_ref *refs)
{
	struct subject s;
	struct pack *pack = NULL;
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, refs);
	assert_int_equal(commit(f->store), 0);
	assert_true(refs[COUNT - 1].pack != refs[0].pack);
	assert_int_equal(pack_table_get(f->store->packs, refs[0].pack, &pack), 0);
	s.place = pack->place;
	pack_release(&pack);
	s.good = read_pack(f, &s);
	assert_int_equal(pack_header_decode(s.good.data, f->sb.uuid, &s.header), 0);
	return s;
}

static void reopen(struct fixture *f)
{
	fixture_close(f);
	fixture_open(f);
}

static struct store_scrub_result scrub(struct fixture *f)
{
	struct store_scrub_result result = {0};
	uint64_t cursor = 0;
	int more;
	while ((more = store_scrub(f->store, &cursor, 3, &result)) == 1)
		;
	assert_int_equal(more, 0);
	return result;
}

static bool is_as_it_was(struct fixture *f, const struct subject *s)
{
	struct bytes now = read_pack(f, s);
	bool same = memcmp(now.data, s->good.data, now.size) == 0;
	free(now.data);
	return same;
}

static uint32_t in_pack(const struct chunk_ref *refs)
{
	uint32_t n = 0;
	while (n < COUNT && refs[n].pack == refs[0].pack)
		n++;
	return n;
}

/* Reads, dedup, then scrubbing, which leaves the pack as it was. */
static void check_repaired(struct fixture *f, const struct subject *s, const struct chunk_ref *refs)
{
	struct chunk_ref again[COUNT];
	reopen(f);
	assert_false(is_as_it_was(f, s));
	check_many(f->store, 1, COUNT, refs);
	assert_int_equal(
		put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, again).new_chunks, 0);
	struct store_scrub_result result = scrub(f);
	assert_int_equal(result.damaged_packs, 1);
	assert_int_equal(result.damaged_chunks, in_pack(refs));
	assert_int_equal(result.healed_chunks, in_pack(refs));
	assert_true(is_as_it_was(f, s));
	reopen(f);
	result = scrub(f);
	assert_int_equal(result.damaged_packs + result.damaged_chunks, 0);
	check_many(f->store, 1, COUNT, refs);
}

/* Wherever a bit of header or directory turns over, nothing is lost and scrubbing repairs it. */
static void test_bits_of_the_directory(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct subject s = put_subject(f, refs);
	uint64_t end = PACK_HEADER_SIZE + s.header.directory_size;
	for (uint64_t at = 0; at < end; at += at + 1 == end ? 1 : end - at < 131 ? end - at - 1 : 131) {
		flip_bit(f, &s, at);
		check_repaired(f, &s, refs);
	}
	free(s.good.data);
}

/* So it does when the whole beginning, or the header alone, is zeros. */
static void test_no_beginning(void **state)
{
	static const uint8_t zeros[65536];
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct subject s = put_subject(f, refs);
	size_t whole = PACK_HEADER_SIZE + s.header.directory_size;
	write_pack(f, &s, zeros, PACK_HEADER_SIZE, 0);
	check_repaired(f, &s, refs);
	write_pack(f, &s, zeros, whole, 0);
	check_repaired(f, &s, refs);
	free(s.good.data);
}

/* A bad block over the end of the directory and the first region costs that region until its data
 * comes again: what the directory still says of it heals it. */
static void test_directory_and_region(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT], again[COUNT];
	struct subject s = put_subject(f, refs);
	uint32_t share = f->sb.region_size / CHUNK;
	uint8_t noise[120];
	memset(noise, 0xa5, sizeof(noise));
	write_pack(f, &s, noise, sizeof(noise), PACK_HEADER_SIZE + s.header.directory_size - 60);
	reopen(f);
	for (uint32_t i = 0; i < COUNT; i++)
		assert_int_equal(get_error(f->store, refs[i]), i < share ? -EIO : 0);
	struct store_scrub_result result = scrub(f);
	assert_int_equal(result.damaged_packs, 1);
	assert_int_equal(commit(f->store), 0);
	reopen(f);
	struct store_put_result put =
		put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, again);
	assert_int_equal(put.new_chunks, share);
	check_many(f->store, 1, COUNT, refs);
	assert_int_equal(commit(f->store), 0);
	reopen(f);
	check_many(f->store, 1, COUNT, refs);
	free(s.good.data);
}

/* Where the fingerprints of a region are lost with it, only its chunks are, and nothing is
 * written over the directory. */
static void test_directory_and_other_region(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT], again[COUNT];
	struct store_stats stats;
	struct subject s = put_subject(f, refs);
	uint32_t share = f->sb.region_size / CHUNK;
	damage_chunk(f, refs[0]);
	flip_bit(f, &s, PACK_HEADER_SIZE + s.header.regions * REGION_ENTRY_SIZE + 20);
	reopen(f);
	for (uint32_t i = 0; i < COUNT; i++)
		assert_int_equal(get_error(f->store, refs[i]), i < share ? -EIO : 0);
	struct store_scrub_result result = scrub(f);
	assert_int_equal(result.damaged_packs, 1);
	assert_int_equal(result.damaged_chunks, share);
	assert_int_equal(result.healed_chunks, 0);
	store_get_stats(f->store, &stats);
	assert_int_equal(stats.damaged_chunks, share);
	assert_int_equal(
		put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, again).new_chunks, share);
	check_many(f->store, 1, COUNT, again);
	check_many(f->store, 1 + share, COUNT - share, refs + share);
	assert_int_equal(commit(f->store), 0);
	free(s.good.data);
}

/* With both ends damaged the pack is lost, and no other. */
static void test_both_ends(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT], again[COUNT];
	struct subject s = put_subject(f, refs);
	flip_bit(f, &s, PACK_HEADER_SIZE + 40);
	flip_bit(f, &s, s.place.length - PACK_HEADER_SIZE - 5);
	reopen(f);
	assert_int_equal(get_error(f->store, refs[0]), -EIO);
	assert_int_equal(get_error(f->store, refs[COUNT - 1]), 0);
	assert_true(store_is_damaged(f->store, refs[0]));
	struct store_scrub_result result = scrub(f);
	assert_int_equal(result.damaged_packs, 1);
	assert_int_equal(result.damaged_chunks, in_pack(refs));
	assert_int_equal(result.healed_chunks, 0);
	struct store_put_result r =
		put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, again);
	assert_int_equal(r.new_chunks, in_pack(refs));
	check_many(f->store, 1, COUNT, again);
	free(s.good.data);
}

/* A store that is opened to be read reads from the end, too, and leaves the disk alone. */
static void test_read_only(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct subject s = put_subject(f, refs);
	fixture_close(f);
	flip_bit(f, &s, 70);
	f->options.read_only = true;
	fixture_open(f);
	check_many(f->store, 1, COUNT, refs);
	struct store_scrub_result result = scrub(f);
	assert_int_equal(result.damaged_packs, 1);
	assert_int_equal(result.healed_chunks, 0);
	assert_false(is_as_it_was(f, &s));
	fixture_close(f);
	f->options.read_only = false;
	fixture_open(f);
	check_repaired(f, &s, refs);
	free(s.good.data);
}

/* Cleaning copies the living chunks of a pack whose directory does not read. */
static void test_sweep_of_a_damaged_directory(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct store_marks *marks = NULL;
	struct store_sweep *sweep = NULL;
	struct store_sweep_options options = {0};
	struct subject s = put_subject(f, refs);
	flip_bit(f, &s, PACK_HEADER_SIZE + 3);
	reopen(f);
	assert_int_equal(store_marks_begin(f->store, 0, 1 << 20, &marks), 0);
	for (unsigned i = 0; i < COUNT; i += 2)
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
	reopen(f);
	for (unsigned i = 0; i < COUNT; i += 2)
		check_many(f->store, 1 + i, 1, &refs[i]);
	struct store_scrub_result result = scrub(f);
	assert_int_equal(result.damaged_packs + result.damaged_chunks, 0);
	free(s.good.data);
}

/* Sets the fingerprint of a slot, with checksums that are right. */
static void forge_fingerprint(struct fixture *f, struct subject *s, uint32_t slot)
{
	uint8_t *head = s->good.data;
	uint8_t *directory = head + PACK_HEADER_SIZE;
	directory[s->header.regions * REGION_ENTRY_SIZE + slot * SLOT_ENTRY_SIZE + 8] ^= 1;
	s->header.directory_checksum = XXH3_64bits(directory, s->header.directory_size);
	pack_header_encode(&s->header, f->sb.uuid, head);
	write_pack(f, s, head, PACK_HEADER_SIZE + s->header.directory_size, 0);
	write_pack(f, s, head, PACK_HEADER_SIZE, s->place.length - PACK_HEADER_SIZE);
}

/* All checksums right and the bytes not what the fingerprint says: scrubbing finds the one chunk,
 * it reads no more, and the neighbours do. */
static void test_wrong_content(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct subject s = put_subject(f, refs);
	forge_fingerprint(f, &s, refs[5].slot);
	reopen(f);
	struct store_scrub_result result = scrub(f);
	assert_int_equal(result.damaged_packs, 0);
	assert_int_equal(result.damaged_chunks, 1);
	assert_int_equal(result.healed_chunks, 0);
	for (uint32_t i = 0; i < COUNT; i++)
		assert_int_equal(get_error(f->store, refs[i]), i == 5 ? -EIO : 0);
	assert_true(store_is_damaged(f->store, refs[5]));
	/* It is no dedup target; a second look says the same, also after a restart. */
	assert_int_equal(commit(f->store), 0);
	reopen(f);
	result = scrub(f);
	assert_int_equal(result.damaged_chunks, 1);
	assert_int_equal(get_error(f->store, refs[5]), -EIO);
	free(s.good.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		STORE_TEST(test_bits_of_the_directory),
		STORE_TEST(test_no_beginning),
		STORE_TEST(test_directory_and_region),
		STORE_TEST(test_directory_and_other_region),
		STORE_TEST(test_both_ends),
		STORE_TEST(test_read_only),
		STORE_TEST(test_sweep_of_a_damaged_directory),
		STORE_TEST(test_wrong_content),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

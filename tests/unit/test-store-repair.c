/* SPDX-License-Identifier: MIT */
/*
 * A pack whose beginning is damaged reads on from its end, scrubbing writes the
 * beginning or the end again, whichever is damaged, and a chunk that is not what its
 * fingerprint says is found.
 */
#include "tests/unit/store_subject.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "fs/store/scrub.h"
#include "fs/store/segment_file.h"
#include "fs/store/store_private.h"
#include "fs/store/sweep.h"
#include "lib/base/fault.h"
#include "lib/base/mem.h"

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

/* An end that is damaged while the beginning is good is found although nobody needs it, and repaired,
 * so that the beginning can be made of it again. */
static void test_the_end(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct subject s = put_subject(f, refs);
	uint64_t tail = pack_tail_offset(&s.header);
	for (uint64_t at = tail; at < s.place.length; at += at < tail + 8 ? 1 : 37) {
		flip_bit(f, &s, at);
		check_repaired(f, &s, refs);
	}
	static const uint8_t zeros[4096];
	assert_true(s.place.length - tail <= sizeof(zeros));
	write_pack(f, &s, zeros, s.place.length - tail, tail);
	check_repaired(f, &s, refs);
	write_pack(f, &s, zeros, PACK_HEADER_SIZE, 0);
	check_repaired(f, &s, refs);
	free(s.good.data);
}

/* A damaged directory and a damaged copy of the header: together there is one of each part. */
static void test_directory_and_copy_of_the_header(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct subject s = put_subject(f, refs);
	flip_bit(f, &s, PACK_HEADER_SIZE + 40);
	flip_bit(f, &s, s.place.length - 40);
	check_repaired(f, &s, refs);
	free(s.good.data);
}

/* A damaged end is told of a store that is read only, and left alone. */
static void test_the_end_read_only(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct subject s = put_subject(f, refs);
	fixture_close(f);
	flip_bit(f, &s, s.place.length - 5);
	f->options.read_only = true;
	fixture_open(f);
	struct store_scrub_result result = scrub(f);
	check_result(&result, 1, 0, 0, 0);
	assert_false(is_as_it_was(f, &s));
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
	check_result(&result, 1, 1, share, 0);
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
	check_result(&result, 1, 0, share, 0);
	store_get_stats(f->store, &stats);
	assert_int_equal(stats.damaged_chunks, share);
	assert_int_equal(
		put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, again).new_chunks, share);
	check_many(f->store, 1, COUNT, again);
	check_many(f->store, 1 + share, COUNT - share, refs + share);
	assert_int_equal(commit(f->store), 0);
	free(s.good.data);
}

static bool live_every_other(unsigned i)
{
	return i % 2 == 0;
}

/* So that whole regions live and are copied as they are stored. */
static bool live_first_half(unsigned i)
{
	return i < 32;
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
	check_result(&result, 1, 0, 0, 0);
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
	struct subject s = put_subject(f, refs);
	flip_bit(f, &s, PACK_HEADER_SIZE + 3);
	reopen(f);
	sweep(f, refs, live_every_other);
	reopen(f);
	for (unsigned i = 0; i < COUNT; i += 2)
		check_many(f->store, 1 + i, 1, &refs[i]);
	struct store_scrub_result result = scrub(f);
	check_result(&result, 0, 0, 0, 0);
	free(s.good.data);
}

struct scrubber {
	struct fixture *f;
	struct store_scrub_result result;
};

static void *scrub_thread(void *argument)
{
	struct scrubber *s = argument;
	uint64_t cursor = 0;
	while (store_scrub(s->f->store, &cursor, 1, &s->result) == 1)
		;
	return NULL;
}

/* A pack that cleaning has in its hands is waited for, and is not called damaged if cleaning has
 * made it well. */
static void test_scrub_waits_for_cleaning(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct store_marks *marks = NULL;
	struct store_sweep *cleaning = NULL;
	struct store_sweep_options options = {0};
	struct scrubber scrubber = {.f = f};
	pthread_t thread;
	struct subject s = put_subject(f, refs);
	flip_bit(f, &s, PACK_HEADER_SIZE + 3);
	reopen(f);
	assert_int_equal(store_marks_begin(f->store, 0, 1 << 20, &marks), 0);
	for (unsigned i = 0; i < COUNT; i += 2)
		store_mark(f->store, marks, refs[i]);
	assert_int_equal(store_sweep_begin(f->store, marks, &options, &cleaning), 0);
	assert_int_equal(store_sweep_step(cleaning), 1);
	assert_int_equal(pthread_create(&thread, NULL, scrub_thread, &scrubber), 0);
	usleep(50000);
	assert_int_equal(catalogue_begin(store_catalogue(f->store)), 0);
	assert_int_equal(store_sweep_record(cleaning), 0);
	assert_int_equal(catalogue_commit(store_catalogue(f->store)), 0);
	store_sweep_done(cleaning, true);
	pthread_join(thread, NULL);
	store_sweep_end(&cleaning);
	store_marks_end(f->store, &marks);
	check_result(&scrubber.result, 0, 0, 0, 0);
	free(s.good.data);
}

/* ---- errors that pass ---- */

static void wait_for_quiet(struct fixture *f)
{
	while (!store_recovery_is_done(f->store))
		usleep(1000);
}

/* Loads the pack with the n-th read of it failing; how many reads there were. */
static unsigned long load_with_error(struct fixture *f, uint64_t number, unsigned long n)
{
	struct pack *pack = NULL;
	char fault[64];
	wait_for_quiet(f);
	pack_table_drop(f->store->packs, number);
	snprintf(fault, sizeof(fault), "segment_read:%lu", n);
	fault_set(fault);
	int error = pack_table_get(f->store->packs, number, &pack);
	assert_true(error == 0 || error == -EIO);
	unsigned long reads = fault_count("segment_read");
	fault_set(NULL);
	pack_release(&pack);
	return reads;
}

/* Whichever read of a pack with a damaged directory fails for once: what cleaning makes of the pack
 * has the fingerprints of all chunks. */
static void passing_errors(struct fixture *f, bool (*lives)(unsigned i))
{
	struct chunk_ref refs[COUNT];
	struct subject s = put_subject(f, refs);
	flip_bit(f, &s, fingerprint_place(&s, 0));
	reopen(f);
	unsigned long reads = load_with_error(f, refs[0].pack, 1000000);
	assert_in_range(reads, 6, 20);
	fixture_close(f);
	shell("cp -a '%s' '%s/before'", f->path, f->folder);
	for (unsigned long n = 1; n <= reads; n++) {
		fixture_open(f);
		load_with_error(f, refs[0].pack, n);
		sweep(f, refs, lives);
		reopen(f);
		check_fingerprints(f, refs, lives);
		fixture_close(f);
		shell("rm -rf '%s' && cp -a '%s/before' '%s'", f->path, f->folder, f->path);
	}
	fixture_open(f);
	free(s.good.data);
}

static void test_passing_errors_and_copied_chunks(void **state)
{
	passing_errors(*state, live_every_other);
}

static void test_passing_errors_and_copied_regions(void **state)
{
	passing_errors(*state, live_first_half);
}

/* An error that is gone at the second try is none: nothing is called damaged. */
static void test_error_at_the_first_try(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct store_stats stats;
	struct subject s = put_subject(f, refs);
	reopen(f);
	wait_for_quiet(f);
	for (unsigned i = 0; i < COUNT; i++) {
		fault_set("pread:1");
		assert_int_equal(get_error(f->store, refs[i]), 0);
		fault_set(NULL);
	}
	store_get_stats(f->store, &stats);
	assert_int_equal(stats.damaged_chunks, 0);
	free(s.good.data);
}

/* What scrubbing has repaired is known with all fingerprints at once, also where others had read it
 * when some of it did not read. */
static void test_repair_renews_what_is_in_memory(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct subject s = put_subject(f, refs);
	flip_bit(f, &s, fingerprint_place(&s, 0));
	reopen(f);
	unsigned long reads = load_with_error(f, refs[0].pack, 1000000);
	load_with_error(f, refs[0].pack, reads + 1 - s.header.regions);
	uint32_t raw, stored;
	struct fingerprint fingerprint;
	assert_int_equal(store_chunk_info(f->store, refs[0], &raw, &stored, &fingerprint), 0);
	assert_false(pack_fingerprint_is_known(&fingerprint));
	struct store_scrub_result result = scrub(f);
	check_result(&result, 1, 1, 0, 0);
	check_fingerprints(f, refs, live_every_other);
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
	check_result(&result, 0, 0, 1, 0);
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
		STORE_TEST(test_the_end),
		STORE_TEST(test_directory_and_copy_of_the_header),
		STORE_TEST(test_the_end_read_only),
		STORE_TEST(test_directory_and_region),
		STORE_TEST(test_directory_and_other_region),
		STORE_TEST(test_read_only),
		STORE_TEST(test_sweep_of_a_damaged_directory),
		STORE_TEST(test_scrub_waits_for_cleaning),
		STORE_TEST(test_passing_errors_and_copied_chunks),
		STORE_TEST(test_passing_errors_and_copied_regions),
		STORE_TEST(test_error_at_the_first_try),
		STORE_TEST(test_repair_renews_what_is_in_memory),
		STORE_TEST(test_wrong_content),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* What goes wrong around the store: full disks, failing disks, no memory, refusals to open. */
#include "tests/unit/store_support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "fs/store/segment_file.h"
#include "fs/store/store_private.h"
#include "lib/base/fault.h"

#define COUNT 200u

/* A failed write turns the store read-only for good: puts are refused, gets go on. */
static void test_write_error_is_for_good(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT], more[COUNT];
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, refs);
	assert_int_equal(commit(f->store), 0);
	fault_set("pwrite:1");
	put_some(f->store, store_shared_stream(f->store, PACK_DATA), 9000, COUNT, more);
	assert_int_equal(commit(f->store), -EIO);
	fault_set(NULL);
	assert_int_equal(store_failed(f->store), -EIO);
	assert_int_equal(put_some(f->store, store_shared_stream(f->store, PACK_DATA), 50000, 1, more), -EROFS);
	assert_int_equal(store_reserve(f->store, 1), -EROFS);
	assert_int_equal(commit(f->store), -EIO);
	check_many(f->store, 1, COUNT, refs);
	fixture_close(f);
	fixture_open(f);
	check_many(f->store, 1, COUNT, refs);
	assert_int_equal(store_failed(f->store), 0);
}

/* A failed sync is never tried again into success. */
static void test_sync_error_is_for_good(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, refs);
	fault_set("fdatasync:1");
	assert_int_equal(commit(f->store), -EIO);
	assert_int_equal(commit(f->store), -EIO);
	fault_set(NULL);
	assert_int_equal(commit(f->store), -EIO);
	/* What is in memory can still be read. */
	check_many(f->store, 1, COUNT, refs);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(get_error(f->store, refs[0]), -ENOENT);
}

/* The first block of a segment that the disk does not give costs none of its packs. */
static void test_unreadable_segment_header(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	int fd = -1;
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, refs);
	assert_int_equal(commit(f->store), 0);
	fixture_close(f);
	fault_set("pread:1");
	assert_int_equal(segment_file_open(f->path, f->sb.uuid, 1, true, &fd), 0);
	fault_set(NULL);
	close(fd);
}

/* A region that does not read while the catalogue does not read either: an error and an end of it, and
 * nothing is quarantined, for cleaning may have moved the pack. */
static void test_region_and_catalogue_do_not_read(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct store_stats stats;
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, refs);
	assert_int_equal(commit(f->store), 0);
	fixture_close(f);
	fixture_open(f);
	damage_chunk(f, refs[0]);
	while (!store_recovery_is_done(f->store))
		usleep(1000);
	fault_set("catalogue_rows:1+");
	/* It ends. */
	alarm(300);
	assert_int_equal(get_error(f->store, refs[0]), -EIO);
	alarm(0);
	fault_set(NULL);
	store_get_stats(f->store, &stats);
	assert_int_equal(stats.damaged_chunks, 0);
	assert_int_equal(get_error(f->store, refs[0]), -EIO);
	store_get_stats(f->store, &stats);
	assert_true(stats.damaged_chunks > 0);
}

/* A host without room: the reserve is given up once, and the write tried again. */
static void test_full_disk_takes_the_reserve(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct stat st;
	char reserve[400];
	snprintf(reserve, sizeof(reserve), "%s/reserve", f->path);
	assert_int_equal(stat(reserve, &st), 0);
	assert_int_equal(st.st_size, f->sb.reserve);
	assert_true((uint64_t)st.st_blocks * 512 >= f->sb.reserve);
	fault_set("segment_full:1");
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, 10, refs);
	struct store_delta *delta = NULL;
	assert_int_equal(store_freeze(f->store, &delta), 0);
	assert_int_equal(store_delta_sync(f->store, delta), 0);
	assert_int_equal(stat(reserve, &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_false(store_release_reserve(f->store));
	store_delta_done(f->store, &delta, false);
	/* There is room: the next commit takes the reserve back. */
	assert_int_equal(commit(f->store), 0);
	assert_int_equal(stat(reserve, &st), 0);
	assert_int_equal(st.st_size, f->sb.reserve);
	check_many(f->store, 1, 10, refs);
}

/* A host that stays full: the commit fails and loses nothing; writers wait for nothing. */
static void test_full_disk_loses_nothing(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT], more[COUNT];
	int error = 0;
	f->store->flow.limit = 300u << 10;
	fault_set("segment_full:1+");
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, 60, refs);
	assert_int_equal(commit(f->store), -ENOSPC);
	for (unsigned i = 0; i < 100 && !error; i++)
		error = put_some(f->store, store_shared_stream(f->store, PACK_DATA), 1000 * (i + 1), COUNT, more);
	assert_int_equal(error, -ENOSPC);
	assert_int_equal(commit(f->store), -ENOSPC);
	assert_int_equal(store_failed(f->store), 0);
	check_many(f->store, 1, 60, refs);
	fault_set(NULL);
	assert_int_equal(commit(f->store), 0);
	assert_int_equal(put_some(f->store, store_shared_stream(f->store, PACK_DATA), 7, COUNT, more), 0);
	assert_int_equal(commit(f->store), 0);
	fixture_close(f);
	fixture_open(f);
	check_many(f->store, 1, 60, refs);
	check_many(f->store, 7, COUNT, more);
}

/* Reservations are refused at the write that does not fit and come back. */
static void test_reservations(void **state)
{
	struct fixture *f = *state;
	struct store_space space;
	assert_int_equal(store_space(f->store, &space), 0);
	assert_true(space.available > 0 && space.total >= space.available);
	assert_int_equal(store_reserve(f->store, UINT64_MAX), -ENOSPC);
	assert_int_equal(store_reserve(f->store, space.available * 2), -ENOSPC);
	uint64_t half = space.available / 2;
	assert_int_equal(store_reserve(f->store, half), 0);
	assert_int_equal(store_reserve(f->store, half + half / 2), -ENOSPC);
	store_unreserve(f->store, half);
	assert_int_equal(store_reserve(f->store, half), 0);
	store_unreserve(f->store, half);
	/* The host fills up: it is asked again before long. */
	fault_set("space_full:1+");
	usleep(250000);
	assert_int_equal(store_reserve(f->store, 4096), -ENOSPC);
}

/* A chunk fails or works as a whole when memory runs out, at whichever allocation. */
static void test_no_memory(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	char spec[32];
	for (unsigned n = 1; n < 120; n++) {
		snprintf(spec, sizeof(spec), "mem:%u", n);
		fault_set(spec);
		int error = put_some(f->store, store_shared_stream(f->store, PACK_DATA), n * 1000, 40, refs);
		if (error)
			assert_int_equal(error, -ENOMEM);
		int committed = commit(f->store);
		if (committed)
			assert_int_equal(committed, -ENOMEM);
		fault_set(NULL);
		if (committed)
			assert_int_equal(commit(f->store), 0);
		if (!error)
			check_many(f->store, n * 1000, 40, refs);
	}
	assert_int_equal(store_failed(f->store), 0);
	fixture_close(f);
	fixture_open(f);
	check_many(f->store, 119 * 1000, 40, refs);
}

/* Two processes cannot have a store; readers may share one that nobody writes. */
static void test_lock(void **state)
{
	struct fixture *f = *state;
	struct store *second = NULL, *third = NULL;
	struct store_options reading = f->options;
	reading.read_only = true;
	assert_int_equal(store_open(f->path, &f->options, &second), -EWOULDBLOCK);
	assert_int_equal(store_open(f->path, &reading, &second), -EWOULDBLOCK);
	fixture_close(f);
	assert_int_equal(store_open(f->path, &reading, &second), 0);
	assert_int_equal(store_open(f->path, &reading, &third), 0);
	assert_int_equal(store_open(f->path, &f->options, &f->store), -EWOULDBLOCK);
	store_close(&second);
	store_close(&third);
}

/* Read-only: everything can be read, nothing is changed, not one byte of the folder. */
static void test_read_only_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, refs);
	assert_int_equal(commit(f->store), 0);
	fixture_close(f);
	shell("cd '%s' && find . -type f -exec md5sum {} + | sort > ../before", f->path);
	f->options.read_only = true;
	fixture_open(f);
	check_many(f->store, 1, COUNT, refs);
	assert_int_equal(put_some(f->store, store_shared_stream(f->store, PACK_DATA), 1, 1, refs), -EROFS);
	assert_int_equal(store_reserve(f->store, 1), -EROFS);
	fixture_close(f);
	shell("cd '%s' && find . -type f -exec md5sum {} + | sort | cmp - ../before", f->path);
}

/* A missing or short segment refuses the store, and salvage opens it all the same. */
static void test_missing_segment(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT], far[COUNT * 3];
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, refs);
	assert_int_equal(commit(f->store), 0); /* written now, so they are in the first segment */
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 100000, COUNT * 3, far);
	assert_int_equal(commit(f->store), 0);
	fixture_close(f);
	shell("truncate -s -1 '%s/segments/01/0000000001.seg'", f->path);
	assert_int_equal(store_open(f->path, &f->options, &f->store), -EBADMSG);
	shell("rm '%s/segments/01/0000000001.seg'", f->path);
	assert_int_equal(store_open(f->path, &f->options, &f->store), -EBADMSG);
	f->options.salvage = true;
	f->options.read_only = true;
	fixture_open(f);
	assert_int_equal(get_error(f->store, refs[0]), -EIO);
	check_many(f->store, 100000 + COUNT * 3 - 1, 1, &far[COUNT * 3 - 1]);
}

/* What is no store, or another's, is refused with the error that says so. */
static void test_refusals(void **state)
{
	struct fixture *f = *state;
	char path[400];
	fixture_close(f);
	snprintf(path, sizeof(path), "%s/none", f->folder);
	assert_int_equal(store_open(path, &f->options, &f->store), -ENOENT);
	assert_int_equal(store_open(f->folder, &f->options, &f->store), -EMEDIUMTYPE);
	/* A catalogue of another store. */
	struct superblock other;
	superblock_init(&other);
	snprintf(path, sizeof(path), "%s/other", f->folder);
	assert_int_equal(superblock_create_store(path, &other), 0);
	shell("cp '%s/catalogue.sqlite' '%s/catalogue.sqlite'", path, f->path);
	assert_int_equal(store_open(f->path, &f->options, &f->store), -EBADMSG);
	shell("rm '%s/catalogue.sqlite'", f->path);
	assert_int_equal(store_open(f->path, &f->options, &f->store), -EBADMSG);
	shell("yes | head -c 100000 > '%s/catalogue.sqlite'", f->path);
	assert_int_equal(store_open(f->path, &f->options, &f->store), -EBADMSG);
	assert_null(f->store);
}

/* While the reserve is given away its size is no room for writers: what has been given to the
 * commits that empty the store must not be filled up again. */
static void test_released_reserve_is_not_for_writers(void **state)
{
	struct fixture *f = *state;
	struct space *space = NULL;
	struct statvfs host;
	uint64_t available = 0;
	shell("mkdir '%s/host'; : >'%s/host/reserve'", f->folder, f->folder);
	char path[300];
	snprintf(path, sizeof(path), "%s/host", f->folder);
	assert_int_equal(space_open(path, UINT64_MAX, false, &space), 0);
	assert_int_equal(statvfs(path, &host), 0);
	assert_int_equal(space_available(space, &available), 0);
	uint64_t room = (uint64_t)host.f_bavail * host.f_frsize;
	uint64_t total = (uint64_t)host.f_blocks * host.f_frsize;
	assert_in_range(available, 0, room > total / 100 ? room - total / 100 : 0);
	space_free(&space);
}

/* What comes free on the host is said at once: who waits for cleaning looks right after it. */
static void test_freed_space_is_seen_at_once(void **state)
{
	struct fixture *f = *state;
	struct store_space space = {0};
	fault_set("space_full:1");
	assert_int_equal(store_space(f->store, &space), 0);
	assert_int_equal(space.available, 0);
	assert_int_equal(store_space(f->store, &space), 0);
	assert_true(space.available > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		STORE_TEST(test_write_error_is_for_good),
		STORE_TEST(test_sync_error_is_for_good),
		STORE_TEST(test_unreadable_segment_header),
		STORE_TEST(test_region_and_catalogue_do_not_read),
		STORE_TEST(test_full_disk_takes_the_reserve),
		STORE_TEST(test_freed_space_is_seen_at_once),
		STORE_TEST(test_released_reserve_is_not_for_writers),
		STORE_TEST(test_full_disk_loses_nothing),
		STORE_TEST(test_reservations),
		STORE_TEST(test_no_memory),
		STORE_TEST(test_lock),
		STORE_TEST(test_read_only_changes_nothing),
		STORE_TEST(test_missing_segment),
		STORE_TEST(test_refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

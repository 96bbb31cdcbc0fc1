/* SPDX-License-Identifier: MIT */
/* store.conf comes back as it was written; every damage and every foreign thing is told apart. */
#include "tests/unit/store_support.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

static char conf[400];

static int setup(void **state)
{
	fixture_setup_closed(state);
	struct fixture *f = *state;
	fixture_create(f);
	snprintf(conf, sizeof(conf), "%s/store.conf", f->path);
	return 0;
}

static void test_round_trip(void **state)
{
	struct fixture *f = *state;
	struct superblock sb;
	f->sb.segment_size = UINT32_MAX;
	f->sb.name_seed = UINT64_MAX;
	f->sb.compression = COMPRESSION_BEST;
	assert_int_equal(superblock_write(f->path, &f->sb), 0);
	assert_int_equal(superblock_read(f->path, &sb), 0);
	assert_memory_equal(sb.uuid, f->sb.uuid, 16);
	assert_int_equal(sb.segment_size, UINT32_MAX);
	assert_int_equal(sb.region_size, f->sb.region_size);
	assert_int_equal(sb.pack_size, f->sb.pack_size);
	assert_int_equal(sb.chunk_average, f->sb.chunk_average);
	assert_int_equal(sb.reserve, f->sb.reserve);
	assert_true(sb.name_seed == UINT64_MAX);
	assert_int_equal(sb.compression, COMPRESSION_BEST);
	assert_string_equal(sb.created, f->sb.created);
}

/* Writes the text with a good checksum. */
static void write_text(const char *text)
{
	char *whole = mem_printf("%schecksum = \"xxh3:%016" PRIx64 "\";\n", text,
				 (uint64_t)XXH3_64bits(text, strlen(text)));
	assert_int_equal(file_replace(conf, whole, strlen(whole), 0644), 0);
	free(whole);
}

/* The text of a good file without its checksum, with one piece replaced. */
static char *edited(const char *from, const char *to)
{
	char *text = NULL;
	size_t size = 0;
	assert_int_equal(file_read_all(conf, 65536, &text, &size), 0);
	strstr(text, "\nchecksum")[1] = 0;
	char *at = strstr(text, from);
	assert_non_null(at);
	*at = 0;
	char *result = mem_printf("%s%s%s", text, to, at + strlen(from));
	free(text);
	return result;
}

struct edit {
	const char *from, *to;
	int error;
};

static const struct edit edits[] = {
	{"format = 2;", "format = 1;", -EPROTONOSUPPORT},
	{"chunker = 1;", "chunker = 9;", -EPROTONOSUPPORT},
	{"fingerprint = 1;", "fingerprint = 2;", -EPROTONOSUPPORT},
	{"cipher = 0;", "cipher = 1;", -EPROTONOSUPPORT},
	{"\"balanced\"", "\"fractal\"", -EPROTONOSUPPORT},
	{"chunk_average = 8192;", "chunk_average = 8193;", -EBADMSG},
	{"chunk_average = 8192;", "chunk_average = 1;", -EBADMSG},
	{"chunk_average = 8192;", "", -EBADMSG},
	{"region_size = 65536;", "region_size = 0;", -EBADMSG},
	{"pack_size = 262144;", "pack_size = 4096;", -EBADMSG},
	{"segment_size = 1048576;", "segment_size = 65536;", -EBADMSG},
	{"segment_size = 1048576;", "segment_size = \"x\";", -EBADMSG},
	{"uuid = \"", "uuid = \"zz", -EBADMSG},
	{"name_seed = \"", "name_seed = \"-", -EBADMSG},
	{"created = \"", "created = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", -EBADMSG},
	{"created = \"", "created = \"\\n", -EBADMSG},
	{"reserve = ", "@include \"/dev/null\"\nreserve = ", -EBADMSG}, /* other files are no part of it */
	{"cipher = 0;", "cipher 0;", -EBADMSG}, /* no syntax */
	{"# Granary store", "# Another store", -EMEDIUMTYPE},
};

static void test_values(void **state)
{
	struct fixture *f = *state;
	struct superblock sb;
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		assert_int_equal(superblock_write(f->path, &f->sb), 0);
		char *text = edited(edits[i].from, edits[i].to);
		write_text(text);
		int error = superblock_read(f->path, &sb);
		assert_int_equal(error, edits[i].error);
		free(text);
	}
}

/* Any flipped byte and any cut is noticed. */
static void test_every_damage(void **state)
{
	struct fixture *f = *state;
	struct superblock sb;
	char *text = NULL;
	size_t size = 0;
	assert_int_equal(file_read_all(conf, 65536, &text, &size), 0);
	for (size_t i = 0; i < size; i++) {
		FILE *out = fopen(conf, "w");
		text[i] ^= 4;
		fwrite(text, 1, size, out);
		text[i] ^= 4;
		fclose(out);
		int error = superblock_read(f->path, &sb);
		assert_true(error == -EBADMSG || error == -EMEDIUMTYPE);
	}
	for (size_t i = 0; i < size; i += 3) {
		FILE *out = fopen(conf, "w");
		fwrite(text, 1, i, out);
		fclose(out);
		int error = superblock_read(f->path, &sb);
		assert_true(error == -EBADMSG || error == -EMEDIUMTYPE);
	}
	free(text);
}

/* A new store is only made where nothing is. */
static void test_create(void **state)
{
	struct fixture *f = *state;
	char path[400];
	struct superblock sb;
	assert_int_equal(superblock_create_store(f->path, &f->sb), -EEXIST);
	assert_int_equal(superblock_create_store(f->folder, &f->sb), -ENOTEMPTY);
	assert_int_equal(superblock_create_store(conf, &f->sb), -ENOTDIR);
	assert_int_equal(superblock_read(conf, &sb), -EMEDIUMTYPE);
	snprintf(path, sizeof(path), "%s/a/b", f->folder);
	assert_int_equal(superblock_create_store(path, &f->sb), -ENOENT);
	snprintf(path, sizeof(path), "%s/fresh", f->folder);
	shell("mkdir -p '%s/lost+found'", path);
	assert_int_equal(superblock_create_store(path, &f->sb), 0);
	assert_int_equal(superblock_read(path, &sb), 0);
}

/* A UUID has its one form; nothing behind a shorter text is looked at. */
static void test_uuid_text(void **state)
{
	static const char *const bad[] = {
		"", "0", "01234567", "01234567-89ab-cdef-0123-456789abcde",
		"01234567-89ab-cdef-0123-456789abcdef0", "0123456789abcdef0123456789abcdef0123",
		"-0123456-89ab-cdef-0123-456789abcdef", "01-23-45-67-01-23-45-01-01-01-01-01-0",
	};
	uint8_t uuid[16];
	char again[37];
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char *text = strdup(bad[i]);
		assert_int_equal(superblock_parse_uuid(text, uuid), -EBADMSG);
		free(text);
	}
	assert_int_equal(superblock_parse_uuid("01234567-89ab-cdef-0123-456789abcdef", uuid), 0);
	superblock_format_uuid(uuid, again);
	assert_string_equal(again, "01234567-89ab-cdef-0123-456789abcdef");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
		STORE_TEST(test_round_trip),
		STORE_TEST(test_values),
		STORE_TEST(test_every_damage),
		STORE_TEST(test_create),
		cmocka_unit_test(test_uuid_text),
	};
	/* Hundreds of refusals, each logged. */
	if (!freopen("/dev/null", "w", stderr))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Whatever happens to the files of the fingerprint index, it opens, answers nothing wrong, and
 * says from which pack on it has to be told again. */
#include "tests/unit/index-cmocka.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "lib/base/fault.h"

#define PART   2048u /* chunks in each of the two runs: packs 1 to 4, and 5 to 8 */
#define CHUNKS (2 * PART)

static char *file_path(const char *name)
{
	static char path[128];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void make_two_runs(struct index_options *options)
{
	*options = util_options(folder, MEDIUM);
	struct index *index = open_index(options);
	for (uint64_t part = 0; part < 2; part++) {
		insert_range(index, part * PART, (part + 1) * PART);
		index_set_committed(index, part * 4 + 5);
		assert_int_equal(index_flush(index), 0);
	}
	assert_int_equal(index_covered(index), 9);
	index_close(&index);
}

/* What the store does after a start: everything from the coverage on again. */
static void tell_again(struct index *index)
{
	uint64_t covered = index_covered(index);
	uint64_t first = covered ? (covered - 1) * UTIL_PACK_CHUNKS : 0;
	if (first < CHUNKS)
		insert_range(index, first, CHUNKS);
	index_set_committed(index, 9);
}

static void flip_byte(const char *path, off_t offset)
{
	uint8_t byte;
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	if (offset < 0)
		offset += lseek(fd, 0, SEEK_END);
	assert_int_equal(pread(fd, &byte, 1, offset), 1);
	byte ^= 0x41;
	assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
	close(fd);
}

enum damage { DAMAGE_FLIP, DAMAGE_CUT, DAMAGE_EMPTY, DAMAGE_REMOVE, DAMAGE_GROW };

struct damage_case {
	const char *file;
	enum damage damage;
	off_t offset;        /* for a flip; below 0 from the end */
	uint64_t covered;    /* after opening */
	uint64_t known;      /* chunks that must still be known then */
};

static void do_damage(const struct damage_case *c)
{
	struct stat st;
	char *path = file_path(c->file);
	assert_int_equal(stat(path, &st), 0);
	switch (c->damage) {
	case DAMAGE_FLIP:
		flip_byte(path, c->offset);
		break;
	case DAMAGE_CUT:
		assert_int_equal(truncate(path, st.st_size / 2), 0);
		break;
	case DAMAGE_EMPTY:
		assert_int_equal(truncate(path, 0), 0);
		break;
	case DAMAGE_REMOVE:
		assert_int_equal(unlink(path), 0);
		break;
	case DAMAGE_GROW:
		assert_int_equal(truncate(path, st.st_size + 4096), 0);
		break;
	}
}

#define RUN1 "run-0000000001"
#define RUN2 "run-0000000002"

static const struct damage_case damage_cases[] = {
	{"manifest", DAMAGE_FLIP, 0, 0, 0},
	{"manifest", DAMAGE_FLIP, 13, 0, 0},
	{"manifest", DAMAGE_FLIP, 33, 0, 0},
	{"manifest", DAMAGE_FLIP, -3, 0, 0},
	{"manifest", DAMAGE_CUT, 0, 0, 0},
	{"manifest", DAMAGE_EMPTY, 0, 0, 0},
	{"manifest", DAMAGE_REMOVE, 0, 0, 0},
	{"manifest", DAMAGE_GROW, 0, 0, 0},
	{RUN1, DAMAGE_FLIP, 20, 1, PART},
	{RUN1, DAMAGE_FLIP, 4000, 1, PART},
	{RUN1, DAMAGE_CUT, 0, 1, PART},
	{RUN1, DAMAGE_EMPTY, 0, 1, PART},
	{RUN1, DAMAGE_REMOVE, 0, 1, PART},
	{RUN2, DAMAGE_FLIP, 60, 5, PART},
	{RUN2, DAMAGE_CUT, 0, 5, PART},
	{RUN2, DAMAGE_REMOVE, 0, 5, PART},
	{RUN2, DAMAGE_GROW, 0, 5, PART},
	{RUN1 ".filter", DAMAGE_FLIP, 2, 9, CHUNKS},
	{RUN1 ".filter", DAMAGE_FLIP, 70, 9, CHUNKS},
	{RUN1 ".filter", DAMAGE_FLIP, -1, 9, CHUNKS},
	{RUN1 ".filter", DAMAGE_CUT, 0, 9, CHUNKS},
	{RUN2 ".filter", DAMAGE_EMPTY, 0, 9, CHUNKS},
	{RUN2 ".filter", DAMAGE_REMOVE, 0, 9, CHUNKS},
	{RUN2 ".filter", DAMAGE_GROW, 0, 9, CHUNKS},
};

/* Each file, damaged in several ways: what is lost is told, the rest goes on. */
static void test_damaged_file(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(damage_cases) / sizeof(damage_cases[0]); i++) {
		const struct damage_case *c = &damage_cases[i];
		struct index_options options;
		make_two_runs(&options);
		do_damage(c);
		struct index *index = open_index(&options);
		assert_int_equal(index_covered(index), c->covered);
		assert_int_equal(count_known(index, 0, CHUNKS), c->known);
		index_close(&index);
		/* Before anything was told again the same holds after another start. */
		index = open_index(&options);
		assert_int_equal(index_covered(index), c->covered);
		tell_again(index);
		assert_known(index, 0, CHUNKS);
		assert_int_equal(index_flush(index), 0);
		assert_int_equal(index_covered(index), 9);
		index_close(&index);
		util_remove_folder(folder);
	}
}

/* A page that goes bad under a running index: its entries are gone, the others are not, and
 * the coverage stays low until they have been told again after a start. */
static void test_damaged_page(void **state)
{
	(void)state;
	struct index_options options;
	make_two_runs(&options);
	flip_byte(file_path(RUN2), 3 * 4096 + 700);
	struct index *index = open_index(&options);
	assert_int_equal(index_covered(index), 9);
	uint64_t known = count_known(index, 0, CHUNKS);
	assert_in_range(known, CHUNKS - 170, CHUNKS - 1);
	assert_int_equal(count_known(index, 0, PART), PART);
	assert_int_equal(index_covered(index), 5);
	index_set_committed(index, 9);
	assert_int_equal(index_flush(index), 0);
	assert_int_equal(index_covered(index), 5);
	index_close(&index);

	index = open_index(&options);
	assert_int_equal(index_covered(index), 5);
	tell_again(index);
	assert_known(index, 0, CHUNKS);
	assert_int_equal(index_flush(index), 0);
	assert_int_equal(index_covered(index), 9);
	index_close(&index);
	index = open_index(&options);
	assert_known(index, 0, CHUNKS);
	assert_int_equal(index_covered(index), 9);
	index_close(&index);
}

/* Merging leaves a damaged page out and keeps everything else. */
static void test_merge_damaged_page(void **state)
{
	(void)state;
	struct index_options options;
	struct index_stats stats = {.runs = 4};
	make_two_runs(&options);
	flip_byte(file_path(RUN2), 2 * 4096 + 12);
	struct index *index = open_index(&options);
	for (uint64_t part = 2; part < 4; part++) {
		insert_range(index, part * PART, (part + 1) * PART);
		assert_int_equal(index_flush(index), 0);
	}
	for (int tries = 0; stats.runs > 1 && tries < 6000; tries++) {
		usleep(10000);
		index_get_stats(index, &stats);
	}
	assert_int_equal(stats.runs, 1);
	assert_int_equal(stats.entries, 4 * PART - 170);
	assert_int_equal(count_known(index, 0, 4 * PART), 4 * PART - 170);
	assert_int_equal(index_covered(index), 5);
	index_close(&index);
}

/* The index of another store is not believed. */
static void test_foreign(void **state)
{
	(void)state;
	struct index_options options;
	make_two_runs(&options);
	options.store_uuid[7] = 99;
	struct index *index = open_index(&options);
	assert_int_equal(index_covered(index), 0);
	assert_int_equal(count_known(index, 0, CHUNKS), 0);
	tell_again(index);
	assert_int_equal(index_flush(index), 0);
	index_close(&index);
	index = open_index(&options);
	assert_known(index, 0, CHUNKS);
	index_close(&index);
}

/* Runs that no manifest names, as a crash leaves them, are removed; other files are not. */
static void test_leftovers(void **state)
{
	(void)state;
	struct index_options options;
	make_two_runs(&options);
	close(open(file_path("run-0000000009"), O_CREAT | O_WRONLY, 0600));
	close(open(file_path("run-0000000009.filter"), O_CREAT | O_WRONLY, 0600));
	close(open(file_path("other"), O_CREAT | O_WRONLY, 0600));
	struct index *index = open_index(&options);
	assert_known(index, 0, CHUNKS);
	assert_int_equal(access(file_path("run-0000000009"), F_OK), -1);
	assert_int_equal(access(file_path("run-0000000009.filter"), F_OK), -1);
	assert_int_equal(access(file_path("other"), F_OK), 0);
	index_close(&index);
}

/* With one fault injected: fails cleanly or works, and never answers anything wrong. */
static void with_fault(const char *spec)
{
	struct index_options options = util_options(folder, SMALL);
	struct index *index;
	fault_set(spec);
	int error = index_open(&options, &index);
	if (!error) {
		insert_range(index, 0, CHUNKS);
		index_set_committed(index, 9);
		(void)index_flush(index);
		(void)count_known(index, 0, CHUNKS);
		index_close(&index);
	}
	fault_set(NULL);
	index = open_index(&options);
	uint64_t covered = index_covered(index);
	if (covered > 1)
		assert_known(index, 0, (covered - 1) * UTIL_PACK_CHUNKS);
	tell_again(index);
	assert_known(index, 0, CHUNKS);
	index_close(&index);
}

/* No memory, or an I/O error, at every place in turn. */
static void test_faults(void **state)
{
	(void)state;
	static const struct {
		const char *point;
		unsigned passages;
	} points[] = {{"mem", 160}, {"pwrite", 60}, {"fdatasync", 24}, {"pread", 40}};
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		for (unsigned n = 1; n <= points[i].passages; n++) {
			char spec[64];
			snprintf(spec, sizeof(spec), "%s:%u%s", points[i].point, n,
				 n % 8 == 7 ? "+" : "");
			with_fault(spec);
			/* Every third index lives on, so that opening meets faults too. */
			if (n % 3 == 0)
				util_remove_folder(folder);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_damaged_file), TEST(test_damaged_page), TEST(test_merge_damaged_page),
		TEST(test_foreign), TEST(test_leftovers), TEST(test_faults),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

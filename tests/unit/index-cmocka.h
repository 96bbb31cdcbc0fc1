/* SPDX-License-Identifier: MIT */
/* What the cmocka tests of the fingerprint index share: a folder for each test, ranges of
 * chunks inserted and asked for. */
#ifndef TESTS_UNIT_INDEX_CMOCKA_H
#define TESTS_UNIT_INDEX_CMOCKA_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the three above */
#include <cmocka.h>

#include "lib/base/log.h"
#include "tests/unit/index-util.h"

#define SMALL  ((size_t)256 << 10) /* bytes: the smallest tables, 714 entries a flush */
#define MEDIUM ((size_t)1 << 20)   /* 2863 entries a flush */

static char folder[64];

static int setup(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	util_make_folder(folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	util_remove_folder(folder);
	return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static inline struct index *open_index(const struct index_options *options)
{
	struct index *index;
	assert_int_equal(index_open(options, &index), 0);
	return index;
}

static inline void insert_range(struct index *index, uint64_t first, uint64_t end)
{
	for (uint64_t i = first; i < end; i++) {
		struct fingerprint fingerprint = util_fingerprint(i);
		assert_int_equal(index_insert(index, &fingerprint, util_ref(i)), 0);
	}
}

static inline struct chunk_ref lookup_one(struct index *index, uint64_t number)
{
	struct fingerprint fingerprint = util_fingerprint(number);
	struct chunk_ref ref = {77, 77};
	assert_int_equal(index_lookup(index, &fingerprint, 1, &ref), 0);
	return ref;
}

static inline void assert_known(struct index *index, uint64_t first, uint64_t end)
{
	for (uint64_t i = first; i < end; i++)
		assert_true(chunk_ref_equal(lookup_one(index, i), util_ref(i)));
}

static inline void assert_unknown(struct index *index, uint64_t first, uint64_t end)
{
	for (uint64_t i = first; i < end; i++)
		assert_true(chunk_ref_is_none(lookup_one(index, i)));
}

/* Each is answered rightly or not at all; says how many are. Reads may fail. */
static inline uint64_t count_known(struct index *index, uint64_t first, uint64_t end)
{
	uint64_t known = 0;
	for (uint64_t i = first; i < end; i++) {
		struct fingerprint fingerprint = util_fingerprint(i);
		struct chunk_ref ref = {77, 77};
		(void)index_lookup(index, &fingerprint, 1, &ref);
		if (chunk_ref_is_none(ref))
			continue;
		assert_true(chunk_ref_equal(ref, util_ref(i)));
		known++;
	}
	return known;
}

#endif

/* SPDX-License-Identifier: MIT */
/* What the tests of the store share: a store in a scratch folder, data, commits. */
#ifndef TESTS_UNIT_STORE_SUPPORT_H
#define TESTS_UNIT_STORE_SUPPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fs/store/store.h"

struct fixture {
	char folder[256];  /* removed at the end */
	char path[300];    /* the store */
	struct superblock sb;
	struct store_options options;
	struct store *store;
};

/* cmocka set-up and tear-down; the state is a struct fixture. */
int fixture_setup(void **state);        /* a small store, open */
int fixture_setup_closed(void **state); /* an empty folder; sb and options have test values */
int fixture_teardown(void **state);

void fixture_create(struct fixture *f);
void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);
/* Copies the store's folder to FOLDER/name, as a power cut would leave it; the path is static. */
const char *fixture_copy(struct fixture *f, const char *name);
void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* `size` bytes that depend on the seed only; half of them compress. */
void fill(uint8_t *data, size_t size, uint64_t seed);
/* Puts chunks of 4 KiB with seeds [seed, seed + count); asserts success. */
struct store_put_result put_many(struct store *store, struct store_stream *stream, uint64_t seed,
				 size_t count, struct chunk_ref *refs);
int put_some(struct store *store, struct store_stream *stream, uint64_t seed, size_t count,
	     struct chunk_ref *refs);
/* Whether each chunk is as it was put. */
void check_many(struct store *store, uint64_t seed, size_t count, const struct chunk_ref *refs);
int get_error(struct store *store, struct chunk_ref ref);
/* A whole commit; its error. */
int commit(struct store *store);
/* Flips a byte of the stored region that the chunk is in. */
void damage_chunk(struct fixture *f, struct chunk_ref ref);
/* Flips a byte at an offset from the start of the pack. */
void damage_pack(struct fixture *f, uint64_t pack, uint64_t offset);

#define CHUNK 4096u

#endif

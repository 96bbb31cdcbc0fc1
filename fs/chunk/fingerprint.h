/* SPDX-License-Identifier: MIT */
/*
 * Fingerprints: the identity of a chunk is the SHA-256 (FIPS 180-4) of its bytes.
 * The algorithm id stands in the store's superblock and in every pack.
 */
#ifndef FS_CHUNK_FINGERPRINT_H
#define FS_CHUNK_FINGERPRINT_H

#include <stddef.h>
#include <stdint.h>

#define FINGERPRINT_SIZE 32

enum fingerprint_algorithm { FINGERPRINT_SHA256 = 1 };

struct fingerprint {
	uint8_t bytes[FINGERPRINT_SIZE];
};

struct fingerprint_input {
	const void *data;
	size_t size;
};

/* Fetches the algorithm once for the process; every other call may come from any thread
 * after it. 0 or -ENOTSUP when the crypto library does not have it. */
int fingerprint_start(enum fingerprint_algorithm algorithm);
/* Fingerprints of `count` chunks; handing over many at once is faster than one by one.
 * 0 or -errno of the crypto library (-EIO). */
int fingerprint_many(const struct fingerprint_input *inputs, size_t count, struct fingerprint *out);
/* Name of the kernel in use, for status. */
const char *fingerprint_kernel(void);

#endif

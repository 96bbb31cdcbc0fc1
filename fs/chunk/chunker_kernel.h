/* SPDX-License-Identifier: MIT */
/*
 * Inside of the chunker: the search for a cut, in several vector widths which
 * all give the same answer. chunker.c states the rule.
 */
#ifndef FS_CHUNK_CHUNKER_KERNEL_H
#define FS_CHUNK_CHUNKER_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The multipliers of the window hash; on-disk commitment of chunker algorithm 1. */
#define CHUNKER_FACTOR 0x9E3779B9u
#define CHUNKER_STEP   0x6A09E667u
#define CHUNKER_STEP_2 ((uint32_t)(CHUNKER_STEP * CHUNKER_STEP))
#define CHUNKER_STEP_3 ((uint32_t)(CHUNKER_STEP_2 * CHUNKER_STEP))
#define CHUNKER_STEP_4 ((uint32_t)(CHUNKER_STEP_3 * CHUNKER_STEP))

/* Kernels may read this far before `from`. */
#define CHUNKER_LOOKBACK 128u

struct chunker_kernel {
	const char *name;
	bool (*supported)(void);
	/* The smallest end e in [from, to) where the window hash of data[e-16..e) is below
	 * `limit`, else `to`. data[from - CHUNKER_LOOKBACK .. to) is readable, and nothing else. */
	size_t (*find)(const uint8_t *data, size_t from, size_t to, int32_t limit);
};

extern const struct chunker_kernel chunker_kernel_portable;
#if defined(__x86_64__)
extern const struct chunker_kernel chunker_kernel_avx2;
extern const struct chunker_kernel chunker_kernel_avx512;
#endif

#endif

/* SPDX-License-Identifier: MIT */
/* Inside of the fingerprints: SHA-256 with the processor's SHA instructions, two chunks at a time.
 */
#ifndef FS_CHUNK_FINGERPRINT_KERNEL_H
#define FS_CHUNK_FINGERPRINT_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "fs/chunk/fingerprint.h"

#if defined(__x86_64__)
bool fingerprint_shani_supported(void);
void fingerprint_shani_many(const struct fingerprint_input *inputs, size_t count,
			    struct fingerprint *out);
#endif

#endif

/* SPDX-License-Identifier: MIT */
/*
 * CRC32C (Castagnoli, polynomial 1EDC6F41h reflected; RFC 7143 appendix A.4): digests of
 * PDUs and stretches of cartridges. The processor's instructions are chosen at run time
 * (GRANARY_CPU=portable takes the table, for tests).
 */
#ifndef LIB_BASE_CRC32C_H
#define LIB_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from `crc`, 0 to begin with: crc32c(crc32c(0, a), b) is that of a and b in a row. */
uint32_t crc32c(uint32_t crc, const void *data, size_t size);
/* "sse4.2", "portable"... */
const char *crc32c_kernel(void);

#endif

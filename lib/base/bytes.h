/* SPDX-License-Identifier: MIT */
/*
 * Big-endian integers and ASCII in place, as SCSI and iSCSI have them, for fields at fixed offsets
 * of buffers whose size has been checked (a CDB, a header). Records of variable shape go through
 * the cursor of wire.h.
 */
#ifndef LIB_BASE_BYTES_H
#define LIB_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t be_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t be_get24(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static inline uint32_t be_get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | be_get24(p + 1);
}

static inline uint64_t be_get64(const uint8_t *p)
{
	return (uint64_t)be_get32(p) << 32 | be_get32(p + 4);
}

static inline void be_put16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static inline void be_put24(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 16);
	be_put16(p + 1, (uint16_t)value);
}

static inline void be_put32(uint8_t *p, uint32_t value)
{
	be_put16(p, (uint16_t)(value >> 16));
	be_put16(p + 2, (uint16_t)value);
}

static inline void be_put64(uint8_t *p, uint64_t value)
{
	be_put32(p, (uint32_t)(value >> 32));
	be_put32(p + 4, (uint32_t)value);
}

/* Left-aligned, filled up with blanks, without a NUL, as SCSI has its text fields; what has no room is cut
 * off. */
static inline void ascii_put(uint8_t *p, size_t size, const char *text)
{
	size_t length = strnlen(text, size);
	memcpy(p, text, length);
	memset(p + length, ' ', size - length);
}

#endif

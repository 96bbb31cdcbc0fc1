/* SPDX-License-Identifier: MIT */
/*
 * One cursor for wire and disk bytes. It keeps the first error: read or write
 * the whole record, then check `error` once, validate, and only then use what
 * was read. After an error reads give zeros and writes do nothing.
 * Integers are little-endian unless the name says be. Varints are LEB128
 * (7 bits a byte, lowest first, at most 10 bytes); signed ones are zig-zag.
 */
#ifndef LIB_BASE_WIRE_H
#define LIB_BASE_WIRE_H

#include <stddef.h>
#include <stdint.h>

struct wire {
	uint8_t *data;
	size_t size;
	size_t position;
	int error; /* 0, or -EBADMSG (read past the end, bad varint) or -ENOBUFS (no room) */
};

/* The buffer is borrowed and must outlive the cursor. */
void wire_reader(struct wire *w, const void *data, size_t size);
void wire_writer(struct wire *w, void *data, size_t size);
size_t wire_left(const struct wire *w);

uint8_t wire_get_u8(struct wire *w);
uint16_t wire_get_u16(struct wire *w);
uint32_t wire_get_u32(struct wire *w);
uint64_t wire_get_u64(struct wire *w);
uint64_t wire_get_varint(struct wire *w);
int64_t wire_get_signed(struct wire *w);
/* A pointer into the buffer, NULL after an error. */
const uint8_t *wire_get_bytes(struct wire *w, size_t size);

void wire_put_u8(struct wire *w, uint8_t value);
void wire_put_u16(struct wire *w, uint16_t value);
void wire_put_u32(struct wire *w, uint32_t value);
void wire_put_u64(struct wire *w, uint64_t value);
void wire_put_varint(struct wire *w, uint64_t value);
void wire_put_signed(struct wire *w, int64_t value);
void wire_put_bytes(struct wire *w, const void *bytes, size_t size);
void wire_put_zeros(struct wire *w, size_t size);

#endif

/* SPDX-License-Identifier: MIT */
#include "lib/base/wire.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

void wire_reader(struct wire *w, const void *data, size_t size)
{
	*w = (struct wire){.data = (uint8_t *)(uintptr_t)data, .size = size};
}

void wire_writer(struct wire *w, void *data, size_t size)
{
	*w = (struct wire){.data = data, .size = size};
}

size_t wire_left(const struct wire *w)
{
	return w->size - w->position;
}

static uint8_t *wire_advance(struct wire *w, size_t size, int error)
{
	if (w->error)
		return NULL;
	if (size > wire_left(w)) {
		w->error = error;
		return NULL;
	}
	uint8_t *p = w->data + w->position;
	w->position += size;
	return p;
}

const uint8_t *wire_get_bytes(struct wire *w, size_t size)
{
	return wire_advance(w, size, -EBADMSG);
}

static void wire_get(struct wire *w, void *value, size_t size)
{
	const uint8_t *p = wire_get_bytes(w, size);
	if (p)
		memcpy(value, p, size);
}

uint8_t wire_get_u8(struct wire *w)
{
	uint8_t value = 0;
	wire_get(w, &value, sizeof(value));
	return value;
}

uint16_t wire_get_u16(struct wire *w)
{
	uint16_t value = 0;
	wire_get(w, &value, sizeof(value));
	return le16toh(value);
}

uint32_t wire_get_u32(struct wire *w)
{
	uint32_t value = 0;
	wire_get(w, &value, sizeof(value));
	return le32toh(value);
}

uint64_t wire_get_u64(struct wire *w)
{
	uint64_t value = 0;
	wire_get(w, &value, sizeof(value));
	return le64toh(value);
}

uint64_t wire_get_varint(struct wire *w)
{
	uint64_t value = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = wire_get_u8(w);
		if (w->error)
			return 0;
		if (shift == 63 && byte > 1)
			break;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	w->error = -EBADMSG;
	return 0;
}

int64_t wire_get_signed(struct wire *w)
{
	uint64_t raw = wire_get_varint(w);
	return (int64_t)((raw >> 1) ^ (0 - (raw & 1)));
}

void wire_put_bytes(struct wire *w, const void *bytes, size_t size)
{
	uint8_t *p = wire_advance(w, size, -ENOBUFS);
	if (p && size)
		memcpy(p, bytes, size);
}

void wire_put_zeros(struct wire *w, size_t size)
{
	uint8_t *p = wire_advance(w, size, -ENOBUFS);
	if (p)
		memset(p, 0, size);
}

void wire_put_u8(struct wire *w, uint8_t value)
{
	wire_put_bytes(w, &value, sizeof(value));
}

void wire_put_u16(struct wire *w, uint16_t value)
{
	value = htole16(value);
	wire_put_bytes(w, &value, sizeof(value));
}

void wire_put_u32(struct wire *w, uint32_t value)
{
	value = htole32(value);
	wire_put_bytes(w, &value, sizeof(value));
}

void wire_put_u64(struct wire *w, uint64_t value)
{
	value = htole64(value);
	wire_put_bytes(w, &value, sizeof(value));
}

void wire_put_varint(struct wire *w, uint64_t value)
{
	uint8_t bytes[10];
	size_t n = 0;
	do {
		bytes[n] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		value >>= 7;
		n++;
	} while (value);
	wire_put_bytes(w, bytes, n);
}

void wire_put_signed(struct wire *w, int64_t value)
{
	wire_put_varint(w, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

/* SPDX-License-Identifier: MIT */
/*
 * CRC32C: eight bytes a step from tables, or by the crc32 instruction of SSE 4.2.
 *
 * The instruction has a latency of three cycles and a throughput of one, so
 * three pieces of STRIDE bytes go side by side and are put together afterwards
 * (of SHORT bytes, when no more are left): the CRC of A followed by n zero bytes
 * is that of A times x^(8n) modulo the polynomial. Bit 31 of a word stands for
 * x^0 (the reflected form). Processors fetch no page ahead of its first use:
 * they are told AHEAD bytes before.
 */
#include "lib/base/crc32c.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define POLYNOMIAL 0x82f63b78u
#define STRIDE	   8192u
#define SHORT	   2048u
#define AHEAD	   1024u
#define POWERS	   64u

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint32_t table[8][256];
static uint32_t power[POWERS]; /* x^(2^n) */
struct lanes {
	size_t stride;
	uint32_t one, two; /* x^(8 * stride), and its square */
};
static struct lanes wide = {.stride = STRIDE}, narrow = {.stride = SHORT};
static const char *kernel = "portable";

static uint32_t multiply(uint32_t a, uint32_t b)
{
	uint32_t product = 0;
	for (uint32_t bit = UINT32_C(1) << 31; bit; bit >>= 1) {
		if (a & bit)
			product ^= b;
		b = b & 1 ? (b >> 1) ^ POLYNOMIAL : b >> 1;
	}
	return product;
}

static uint32_t power_of_bytes(uint64_t bytes)
{
	uint32_t result = UINT32_C(1) << 31;
	for (unsigned n = 3; bytes; n++, bytes >>= 1)
		if (bytes & 1)
			result = multiply(result, power[n % POWERS]);
	return result;
}

static void lanes_start(struct lanes *lanes)
{
	lanes->one = power_of_bytes(lanes->stride);
	lanes->two = multiply(lanes->one, lanes->one);
}

static void crc32c_start(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? (crc >> 1) ^ POLYNOMIAL : crc >> 1;
		table[0][i] = crc;
	}
	for (unsigned t = 1; t < 8; t++)
		for (unsigned i = 0; i < 256; i++)
			table[t][i] = table[t - 1][i] >> 8 ^ table[0][table[t - 1][i] & 0xff];
	power[0] = UINT32_C(1) << 30;
	for (unsigned n = 1; n < POWERS; n++)
		power[n] = multiply(power[n - 1], power[n - 1]);
	lanes_start(&wide);
	lanes_start(&narrow);
#ifdef __x86_64__
	const char *cpu = getenv("GRANARY_CPU");
	if (__builtin_cpu_supports("sse4.2") && !(cpu && strcmp(cpu, "portable") == 0))
		kernel = "sse4.2";
#endif
}

/* Little-endian, whatever the machine is. */
static uint64_t load64(const uint8_t *p)
{
	uint64_t value = 0;
	for (unsigned i = 0; i < 8; i++)
		value |= (uint64_t)p[i] << 8 * i;
	return value;
}

static uint32_t crc_portable(uint32_t crc, const uint8_t *p, size_t size)
{
	for (; size >= 8; size -= 8, p += 8) {
		uint64_t word = load64(p) ^ crc;
		crc = 0;
		for (unsigned i = 0; i < 8; i++)
			crc ^= table[7 - i][word >> 8 * i & 0xff];
	}
	for (; size; size--, p++)
		crc = crc >> 8 ^ table[0][(crc ^ *p) & 0xff];
	return crc;
}

#ifdef __x86_64__
/* Three lanes of bytes from p on. */
__attribute__((target("sse4.2"))) static uint32_t crc_lanes(uint32_t start, const uint8_t *p,
							    const struct lanes *lanes)
{
	size_t stride = lanes->stride;
	uint64_t a = start, b = 0, c = 0, word;
	for (size_t i = 0; i < stride; i += 8) {
		if (i % 64 == 0) {
			__builtin_prefetch(p + i + AHEAD);
			__builtin_prefetch(p + stride + i + AHEAD);
			__builtin_prefetch(p + 2 * stride + i + AHEAD);
		}
		memcpy(&word, p + i, 8);
		a = __builtin_ia32_crc32di(a, word);
		memcpy(&word, p + stride + i, 8);
		b = __builtin_ia32_crc32di(b, word);
		memcpy(&word, p + 2 * stride + i, 8);
		c = __builtin_ia32_crc32di(c, word);
	}
	return multiply((uint32_t)a, lanes->two) ^ multiply((uint32_t)b, lanes->one) ^ (uint32_t)c;
}

__attribute__((target("sse4.2"))) static uint32_t crc_sse(uint32_t start, const uint8_t *p, size_t size)
{
	for (; size >= 3 * STRIDE; p += 3 * STRIDE, size -= 3 * STRIDE)
		start = crc_lanes(start, p, &wide);
	for (; size >= 3 * SHORT; p += 3 * SHORT, size -= 3 * SHORT)
		start = crc_lanes(start, p, &narrow);
	uint64_t a = start, word;
	for (; size >= 8; size -= 8, p += 8) {
		memcpy(&word, p, 8);
		a = __builtin_ia32_crc32di(a, word);
	}
	uint32_t crc = (uint32_t)a;
	for (; size; size--, p++)
		crc = __builtin_ia32_crc32qi(crc, *p);
	return crc;
}
#endif

uint32_t crc32c(uint32_t crc, const void *data, size_t size)
{
	pthread_once(&once, crc32c_start);
#ifdef __x86_64__
	if (kernel[0] == 's')
		return ~crc_sse(~crc, data, size);
#endif
	return ~crc_portable(~crc, data, size);
}

const char *crc32c_kernel(void)
{
	pthread_once(&once, crc32c_start);
	return kernel;
}

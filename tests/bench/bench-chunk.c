/* SPDX-License-Identifier: MIT */
/*
 * bench-chunk [FILE...]: nanoseconds a byte of each chunker and fingerprint
 * kernel and each compression setting, on the files given (up to 256 MiB of
 * each) or on made-up data. The work of one ingest thread is their sum.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/chunk/chunker.h"
#include "fs/chunk/compress.h"
#include "fs/chunk/fingerprint.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"

#define INPUT_LIMIT (256u << 20)
#define MADE_UP	    (64u << 20)
#define REGION	    (256u << 10)
#define BATCH	    64

struct input {
	const char *name;
	uint8_t *data;
	size_t size;
	struct piece *pieces;
	size_t count;
};

static const char *const cpus[] = {"portable", "avx2", "avx512"};

static double per_byte(uint64_t since, size_t size)
{
	return (double)(clock_monotonic_ns() - since) / (double)size;
}

/* Leaves the cuts in the input for the fingerprints. */
static void bench_chunker(struct input *input, const char *cpu)
{
	size_t room = input->size / 1024 + 2;
	setenv("GRANARY_CPU", cpu, 1);
	struct chunker *chunker = chunker_new(CHUNKER_AVERAGE_DEFAULT);
	unsetenv("GRANARY_CPU");
	if (!chunker || strcmp(chunker_kernel(chunker), cpu) != 0) {
		chunker_free(&chunker);
		return;
	}
	if (!input->pieces)
		input->pieces = mem_alloc(room * sizeof(*input->pieces));
	size_t used = 0;
	uint64_t start = clock_monotonic_ns();
	input->count =
		chunker_split(chunker, input->data, input->size, true, input->pieces, room, &used);
	double ns = per_byte(start, input->size);
	printf("%-24s chunker %-12s %6.3f ns/byte %6.2f GB/s, %zu pieces of %zu\n", input->name,
	       cpu, ns, 1 / ns, input->count, input->size / (input->count ? input->count : 1));
	chunker_free(&chunker);
}

static void bench_fingerprint(const struct input *input, const char *cpu)
{
	struct fingerprint_input batch[BATCH];
	struct fingerprint out[BATCH];
	size_t at = 0, done = 0, n = 0;
	if (cpu)
		setenv("GRANARY_CPU", cpu, 1);
	int error = fingerprint_start(FINGERPRINT_SHA256);
	unsetenv("GRANARY_CPU");
	uint64_t start = clock_monotonic_ns();
	for (size_t i = 0; i < input->count && !error; i++) {
		if (input->pieces[i].kind == PIECE_DATA) {
			batch[n].data = input->data + at;
			batch[n++].size = input->pieces[i].length;
			done += input->pieces[i].length;
		}
		at += input->pieces[i].length;
		if (n == BATCH || i + 1 == input->count) {
			error = fingerprint_many(batch, n, out);
			n = 0;
		}
	}
	double ns = per_byte(start, done ? done : 1);
	printf("%-24s sha256  %-12s %6.3f ns/byte %6.2f GB/s%s\n", input->name,
	       fingerprint_kernel(), ns, 1 / ns, error ? " FAILED" : "");
}

static void bench_compress(const struct input *input, enum compression compression)
{
	struct compressor *c = compressor_new();
	uint8_t *out = mem_alloc(input->size + REGION), *back = mem_alloc(REGION);
	size_t regions = (input->size + REGION - 1) / REGION, stored = 0;
	size_t *sizes = mem_alloc(regions * sizeof(*sizes));
	enum codec *codecs = mem_alloc(regions * sizeof(*codecs));
	memset(out, 1, input->size + REGION);
	uint64_t start = clock_monotonic_ns();
	for (size_t r = 0; r < regions && c; r++) {
		size_t size = r + 1 < regions ? REGION : input->size - r * REGION;
		sizes[r] = compressor_pack(c, compression, input->data + r * REGION, size,
					   out + r * REGION, REGION, &codecs[r]);
		stored += sizes[r];
	}
	double pack = per_byte(start, input->size);
	int error = 0;
	start = clock_monotonic_ns();
	for (size_t r = 0; r < regions && c && !error; r++)
		error = compressor_unpack(c, codecs[r], out + r * REGION, sizes[r], back,
					  r + 1 < regions ? REGION : input->size - r * REGION);
	double unpack = per_byte(start, input->size);
	printf("%-24s pack    %-12s %6.3f ns/byte %6.2f GB/s, to %5.1f %%, unpack %.3f ns/byte%s\n",
	       input->name, compression_name(compression), pack, 1 / pack,
	       100.0 * (double)stored / (double)input->size, unpack, error ? " FAILED" : "");
	compressor_free(&c);
	free(out);
	free(back);
	free(sizes);
	free(codecs);
}

static void bench_input(struct input *input)
{
	for (size_t i = 0; i < sizeof(cpus) / sizeof(*cpus); i++)
		bench_chunker(input, cpus[i]);
	bench_fingerprint(input, "portable");
	bench_fingerprint(input, NULL);
	bench_compress(input, COMPRESSION_FAST);
	bench_compress(input, COMPRESSION_BALANCED);
	bench_compress(input, COMPRESSION_BEST);
	free(input->pieces);
	free(input->data);
}

/* Noise with words between, so that both the chunker and the compressor have work. */
static void make_up(struct input *input)
{
	uint64_t x = 1;
	input->name = "made-up";
	input->size = MADE_UP;
	input->data = mem_alloc(MADE_UP);
	for (size_t i = 0; i < MADE_UP; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		input->data[i] = (i >> 6) & 1 ? (uint8_t)(x >> 56) : "granary "[x >> 61];
	}
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *slash = strrchr(argv[i], '/');
		struct input input = {.name = slash ? slash + 1 : argv[i]};
		char *data = NULL;
		int error = file_read_all(argv[i], (size_t)1 << 34, &data, &input.size);
		if (error) {
			fprintf(stderr, "bench-chunk: %s: %s\n", argv[i], strerror(-error));
			return 1;
		}
		input.data = (uint8_t *)data;
		if (input.size > INPUT_LIMIT)
			input.size = INPUT_LIMIT;
		if (input.size)
			bench_input(&input);
		else
			free(data);
	}
	if (argc == 1) {
		struct input input = {0};
		make_up(&input);
		bench_input(&input);
	}
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Compression of regions. A compressor keeps the working memory of one thread,
 * with one zstd context a level, so that nothing is set up anew between regions.
 *
 * The probe: zstd 1 and LZ4 pass over what does not match in growing steps and
 * need a twentieth of their usual time for noise, so an attempt is their probe.
 * zstd 9 has no such habit (2.7 ns a byte for noise); there samples are tried
 * with level 1 first, and where they do not shrink the whole region is, before
 * it is believed.
 *
 * Level 1 has a match table of 2^13 entries instead of the 2^14 that zstd takes for
 * this size: on kernel packages 7 % faster for 1.5 % more bytes. Matches of 7
 * bytes gain nothing beside it; raw literals 5 % for 4.4 %; a step of 2 nothing
 * for 5.6 %.
 *
 * Invariant: what compressor_pack() stores is never larger than its input, and
 * compressor_unpack() writes exactly raw_size bytes or reports -EBADMSG.
 */
#include "fs/chunk/compress.h"

#include <errno.h>
#include <limits.h>
#include <lz4.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "lib/base/assert.h"
#include "lib/base/fault.h"
#include "lib/base/mem.h"

#define COMPRESSOR_MAGIC 0x434d5052u
/* Less than this part gained is not worth the work at every read. */
#define GAIN_PART	  32
#define LZ4_ACCELERATION  1
#define BALANCED_HASH_LOG 13

#define SAMPLES	    3
#define SAMPLE_SIZE (8u << 10)

struct compressor {
	uint32_t magic;
	ZSTD_CCtx *fast, *best; /* made when first needed */
	ZSTD_DCtx *decompress;
	void *lz4_state;
};

static size_t pack_off(struct compressor *c, const void *in, size_t size, void *out, size_t room);
static size_t pack_lz4(struct compressor *c, const void *in, size_t size, void *out, size_t room);
static size_t pack_zstd(struct compressor *c, const void *in, size_t size, void *out, size_t room);
static size_t pack_best(struct compressor *c, const void *in, size_t size, void *out, size_t room);

/* pack: the stored size, 0 where it does not fit into `room`. */
static const struct {
	const char *name;
	enum codec codec;
	size_t (*pack)(struct compressor *c, const void *in, size_t size, void *out, size_t room);
} settings[] = {
	[COMPRESSION_OFF] = {"off", CODEC_RAW, pack_off},
	[COMPRESSION_FAST] = {"fast", CODEC_LZ4, pack_lz4},
	[COMPRESSION_BALANCED] = {"balanced", CODEC_ZSTD, pack_zstd},
	[COMPRESSION_BEST] = {"best", CODEC_ZSTD, pack_best},
};
#define SETTINGS (sizeof(settings) / sizeof(*settings))

const char *compression_name(enum compression compression)
{
	ASSERT((size_t)compression < SETTINGS);
	return settings[compression].name;
}

int compression_parse(const char *name, enum compression *compression)
{
	for (size_t i = 0; i < SETTINGS; i++)
		if (strcmp(name, settings[i].name) == 0) {
			*compression = (enum compression)i;
			return 0;
		}
	return -EINVAL;
}

struct compressor *compressor_new(void)
{
	struct compressor *c = mem_try_zalloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->magic = COMPRESSOR_MAGIC;
	c->decompress = ZSTD_createDCtx();
	c->lz4_state = mem_try_alloc(1, (size_t)LZ4_sizeofState());
	if (!c->decompress || !c->lz4_state)
		compressor_free(&c);
	return c;
}

void compressor_free(struct compressor **compressor)
{
	struct compressor *c = *compressor;
	if (!c)
		return;
	ASSERT_OBJECT(c, COMPRESSOR_MAGIC);
	c->magic = 0;
	ZSTD_freeCCtx(c->fast);
	ZSTD_freeCCtx(c->best);
	ZSTD_freeDCtx(c->decompress);
	free(c->lz4_state);
	free(c);
	*compressor = NULL;
}

static size_t pack_off(struct compressor *c, const void *in, size_t size, void *out, size_t room)
{
	(void)c, (void)in, (void)size, (void)out, (void)room;
	return 0;
}

static size_t pack_lz4(struct compressor *c, const void *in, size_t size, void *out, size_t room)
{
	if (size > LZ4_MAX_INPUT_SIZE)
		return 0;
	int stored = LZ4_compress_fast_extState(c->lz4_state, in, out, (int)size, (int)room,
						LZ4_ACCELERATION);
	return stored > 0 ? (size_t)stored : 0;
}

/* The context in *context, made and set at its first use; NULL without memory. A hash_log of 0 is
 * the level's own. */
static ZSTD_CCtx *zstd_context(ZSTD_CCtx **context, int level, int hash_log)
{
	const struct {
		ZSTD_cParameter parameter;
		int value;
	} wanted[] = {
		{ZSTD_c_compressionLevel, level},
		{ZSTD_c_hashLog, hash_log},
		/* The pack's directory has the size and a checksum. */
		{ZSTD_c_contentSizeFlag, 0},
		{ZSTD_c_checksumFlag, 0},
	};
	if (*context)
		return *context;
	ZSTD_CCtx *made = fault_hit("mem") ? NULL : ZSTD_createCCtx();
	for (size_t i = 0; made && i < sizeof(wanted) / sizeof(*wanted); i++) {
		size_t result = ZSTD_CCtx_setParameter(made, wanted[i].parameter, wanted[i].value);
		ASSERT(!ZSTD_isError(result));
	}
	*context = made;
	return made;
}

static size_t zstd_pack(ZSTD_CCtx *context, const void *in, size_t size, void *out, size_t room)
{
	if (!context)
		return 0;
	size_t stored = ZSTD_compress2(context, out, room, in, size);
	return ZSTD_isError(stored) ? 0 : stored;
}

static size_t pack_zstd(struct compressor *c, const void *in, size_t size, void *out, size_t room)
{
	return zstd_pack(zstd_context(&c->fast, 1, BALANCED_HASH_LOG), in, size, out, room);
}

/* Whether a sample from the front, the middle or the end shrinks. Writes over `out`. */
static bool samples_shrink(struct compressor *c, const uint8_t *in, size_t size, void *out)
{
	for (size_t i = 0; i < SAMPLES; i++) {
		const uint8_t *sample = in + (size - SAMPLE_SIZE) / (SAMPLES - 1) * i;
		if (pack_zstd(c, sample, SAMPLE_SIZE, out, SAMPLE_SIZE - SAMPLE_SIZE / GAIN_PART))
			return true;
	}
	return false;
}

static size_t pack_best(struct compressor *c, const void *in, size_t size, void *out, size_t room)
{
	if (size >= 2 * SAMPLES * SAMPLE_SIZE && !samples_shrink(c, in, size, out) &&
	    !pack_zstd(c, in, size, out, room))
		return 0;
	return zstd_pack(zstd_context(&c->best, 9, 0), in, size, out, room);
}

size_t compressor_pack(struct compressor *c, enum compression compression, const void *in,
		       size_t size, void *out, size_t room, enum codec *codec)
{
	ASSERT_OBJECT(c, COMPRESSOR_MAGIC);
	ASSERT((size_t)compression < SETTINGS);
	ASSERT(room >= size);
	size_t stored = settings[compression].pack(c, in, size, out, size - size / GAIN_PART);
	if (stored != 0 && stored < size) {
		*codec = settings[compression].codec;
		return stored;
	}
	if (size)
		memcpy(out, in, size);
	*codec = CODEC_RAW;
	return size;
}

int compressor_unpack(struct compressor *c, enum codec codec, const void *in, size_t stored_size,
		      void *out, size_t raw_size)
{
	ASSERT_OBJECT(c, COMPRESSOR_MAGIC);
	size_t size = 0;
	switch (codec) {
	case CODEC_RAW:
		if (stored_size != raw_size)
			return -EBADMSG;
		if (raw_size)
			memcpy(out, in, raw_size);
		return 0;
	case CODEC_LZ4: {
		if (stored_size > INT_MAX || raw_size > INT_MAX)
			return -EBADMSG;
		int got = LZ4_decompress_safe(in, out, (int)stored_size, (int)raw_size);
		return got >= 0 && (size_t)got == raw_size ? 0 : -EBADMSG;
	}
	case CODEC_ZSTD:
		size = ZSTD_decompressDCtx(c->decompress, out, raw_size, in, stored_size);
		return !ZSTD_isError(size) && size == raw_size ? 0 : -EBADMSG;
	}
	return -ENOTSUP;
}

/* SPDX-License-Identifier: MIT */
/*
 * Compression of regions. A compressor keeps the working memory of one thread
 * and its settings between regions: a fresh context or changed parameters would
 * cost a good part of a region's time.
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
#include "lib/base/mem.h"

#define COMPRESSOR_MAGIC 0x434d5052u
/* Less than this part gained is not worth the work at every read. */
#define GAIN_PART 32
/* LZ4 looks faster past bytes that do not match with a higher acceleration. */
#define LZ4_ACCELERATION 1

struct compressor {
	uint32_t magic;
	ZSTD_CCtx *zstd_in;
	ZSTD_DCtx *zstd_out;
	void *lz4_state;
	enum compression zstd_setting; /* what zstd_in is set to, OFF for nothing yet */
};

static size_t pack_off(struct compressor *c, const void *in, size_t size, void *out, size_t room);
static size_t pack_lz4(struct compressor *c, const void *in, size_t size, void *out, size_t room);
static size_t pack_zstd(struct compressor *c, const void *in, size_t size, void *out, size_t room);

/* pack: the stored size, 0 where it does not fit into `room`. */
static const struct {
	const char *name;
	enum codec codec;
	int level;
	size_t (*pack)(struct compressor *c, const void *in, size_t size, void *out, size_t room);
} settings[] = {
	[COMPRESSION_OFF] = { "off", CODEC_RAW, 0, pack_off },
	[COMPRESSION_FAST] = { "fast", CODEC_LZ4, 0, pack_lz4 },
	[COMPRESSION_BALANCED] = { "balanced", CODEC_ZSTD, 1, pack_zstd },
	[COMPRESSION_BEST] = { "best", CODEC_ZSTD, 9, pack_zstd },
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
	c->zstd_in = ZSTD_createCCtx();
	c->zstd_out = ZSTD_createDCtx();
	c->lz4_state = mem_try_alloc(1, (size_t)LZ4_sizeofState());
	if (!c->zstd_in || !c->zstd_out || !c->lz4_state)
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
	ZSTD_freeCCtx(c->zstd_in);
	ZSTD_freeDCtx(c->zstd_out);
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

static size_t pack_zstd(struct compressor *c, const void *in, size_t size, void *out, size_t room)
{
	size_t stored = ZSTD_compress2(c->zstd_in, out, room, in, size);
	return ZSTD_isError(stored) ? 0 : stored;
}

/* Sets the zstd context up for a setting; it stays so. False where zstd refuses. */
static bool zstd_prepare(struct compressor *c, enum compression compression)
{
	if (c->zstd_setting == compression)
		return true;
	c->zstd_setting = COMPRESSION_OFF;
	ZSTD_CCtx_reset(c->zstd_in, ZSTD_reset_session_and_parameters);
	const struct {
		ZSTD_cParameter parameter;
		int value;
	} wanted[] = {
		{ ZSTD_c_compressionLevel, settings[compression].level },
		/* The pack's directory has the size and a checksum. */
		{ ZSTD_c_contentSizeFlag, 0 },
		{ ZSTD_c_checksumFlag, 0 },
	};
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		if (ZSTD_isError(ZSTD_CCtx_setParameter(c->zstd_in, wanted[i].parameter,
							wanted[i].value)))
			return false;
	c->zstd_setting = compression;
	return true;
}

size_t compressor_pack(struct compressor *c, enum compression compression, const void *in,
		       size_t size, void *out, size_t room, enum codec *codec)
{
	ASSERT_OBJECT(c, COMPRESSOR_MAGIC);
	ASSERT((size_t)compression < SETTINGS);
	ASSERT(room >= size);
	size_t stored = 0;
	if (settings[compression].codec != CODEC_ZSTD || zstd_prepare(c, compression))
		stored = settings[compression].pack(c, in, size, out, size - size / GAIN_PART);
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
		size = ZSTD_decompressDCtx(c->zstd_out, out, raw_size, in, stored_size);
		return !ZSTD_isError(size) && size == raw_size ? 0 : -EBADMSG;
	}
	return -ENOTSUP;
}

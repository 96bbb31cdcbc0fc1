/* SPDX-License-Identifier: MIT */
/*
 * Compression of regions. What does not shrink is stored as it is; a quick probe
 * spares the attempt on data that looks incompressible.
 */
#ifndef FS_CHUNK_COMPRESS_H
#define FS_CHUNK_COMPRESS_H

#include <stddef.h>
#include <stdint.h>

/* On-disk ids. */
enum codec { CODEC_RAW = 0, CODEC_LZ4 = 1, CODEC_ZSTD = 2 };

/* What a store is set to: off; LZ4; zstd 1; zstd 9. */
enum compression { COMPRESSION_OFF, COMPRESSION_FAST, COMPRESSION_BALANCED, COMPRESSION_BEST };

const char *compression_name(enum compression compression);
/* 0, or -EINVAL for a name that is none. */
int compression_parse(const char *name, enum compression *compression);

/* Working memory of one thread for both directions. NULL without memory. */
struct compressor;
struct compressor *compressor_new(void);
void compressor_free(struct compressor **compressor);

/* Compresses `size` bytes into out[0..room), room >= size. Returns the stored size, which is
 * `size` with CODEC_RAW where nothing is gained. Never fails. */
size_t compressor_pack(struct compressor *c, enum compression compression, const void *in,
		       size_t size, void *out, size_t room, enum codec *codec);
/* The reverse; `raw_size` is exact. 0, or -EBADMSG for data that does not decode to it,
 * -ENOTSUP for an unknown codec. */
int compressor_unpack(struct compressor *c, enum codec codec, const void *in, size_t stored_size,
		      void *out, size_t raw_size);

#endif

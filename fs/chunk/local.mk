# SPDX-License-Identifier: MIT
noinst_LIBRARIES += fs/chunk/libchunk.a
fs_chunk_libchunk_a_SOURCES = \
	fs/chunk/chunker.h fs/chunk/chunker.c \
	fs/chunk/chunker_kernel.h \
	fs/chunk/chunker_portable.c fs/chunk/chunker_avx2.c fs/chunk/chunker_avx512.c \
	fs/chunk/chunker_fixed.c \
	fs/chunk/fingerprint.h fs/chunk/fingerprint.c \
	fs/chunk/fingerprint_kernel.h fs/chunk/fingerprint_shani.c \
	fs/chunk/compress.h fs/chunk/compress.c
CHUNK_LIBS = fs/chunk/libchunk.a $(BASE_LIBS) $(CRYPTO_LIBS) $(ZSTD_LIBS) $(LZ4_LIBS) $(XXHASH_LIBS)

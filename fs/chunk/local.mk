# SPDX-License-Identifier: MIT
noinst_LIBRARIES += fs/chunk/libchunk.a
fs_chunk_libchunk_a_SOURCES = fs/chunk/chunker.h fs/chunk/fingerprint.h fs/chunk/compress.h
CHUNK_LIBS = fs/chunk/libchunk.a $(BASE_LIBS) $(CRYPTO_LIBS) $(ZSTD_LIBS) $(LZ4_LIBS) $(XXHASH_LIBS)

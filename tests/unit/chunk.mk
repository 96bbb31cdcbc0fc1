# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/unit/test-chunker tests/unit/test-fingerprint tests/unit/test-compress
TESTS += tests/unit/test-chunker tests/unit/test-fingerprint tests/unit/test-compress

tests_unit_test_chunker_SOURCES = tests/unit/test-chunker.c
tests_unit_test_chunker_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_chunker_LDADD = $(CHUNK_LIBS) $(CMOCKA_LIBS)

tests_unit_test_fingerprint_SOURCES = tests/unit/test-fingerprint.c
tests_unit_test_fingerprint_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_fingerprint_LDADD = $(CHUNK_LIBS) $(CMOCKA_LIBS)

tests_unit_test_compress_SOURCES = tests/unit/test-compress.c
tests_unit_test_compress_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_compress_LDADD = $(CHUNK_LIBS) $(CMOCKA_LIBS)

# Not a test: a program to measure with.
check_PROGRAMS += tests/bench/bench-chunk
tests_bench_bench_chunk_SOURCES = tests/bench/bench-chunk.c
tests_bench_bench_chunk_LDADD = $(CHUNK_LIBS)

check_PROGRAMS += tests/fuzz/fuzz-chunker tests/fuzz/fuzz-decompress
TESTS += tests/fuzz/fuzz-chunker tests/fuzz/fuzz-decompress
tests_fuzz_fuzz_chunker_SOURCES = tests/fuzz/fuzz-chunker.c tests/fuzz/driver.c
tests_fuzz_fuzz_chunker_LDADD = $(CHUNK_LIBS)
tests_fuzz_fuzz_decompress_SOURCES = tests/fuzz/fuzz-decompress.c tests/fuzz/driver.c
tests_fuzz_fuzz_decompress_LDADD = $(CHUNK_LIBS)
EXTRA_DIST += \
	tests/fuzz/seeds/chunker/holes tests/fuzz/seeds/chunker/records tests/fuzz/seeds/chunker/text \
	tests/fuzz/seeds/decompress/lz4 tests/fuzz/seeds/decompress/raw \
	tests/fuzz/seeds/decompress/zstd tests/fuzz/seeds/decompress/zstd-torn

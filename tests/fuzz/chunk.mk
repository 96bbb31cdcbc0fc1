# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/fuzz/fuzz-chunker tests/fuzz/fuzz-decompress
TESTS += tests/fuzz/fuzz-chunker tests/fuzz/fuzz-decompress
tests_fuzz_fuzz_chunker_SOURCES = tests/fuzz/fuzz-chunker.c tests/fuzz/driver.c
tests_fuzz_fuzz_chunker_LDADD = $(CHUNK_LIBS)
tests_fuzz_fuzz_decompress_SOURCES = tests/fuzz/fuzz-decompress.c tests/fuzz/driver.c
tests_fuzz_fuzz_decompress_LDADD = $(CHUNK_LIBS)

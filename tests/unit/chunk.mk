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

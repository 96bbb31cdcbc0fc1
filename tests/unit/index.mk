# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/unit/test-index
TESTS += tests/unit/test-index
tests_unit_test_index_SOURCES = tests/unit/test-index.c tests/unit/index-util.h
tests_unit_test_index_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_index_LDADD = $(STORE_LIBS) $(CMOCKA_LIBS)

# Not a test: a program to measure with.
check_PROGRAMS += tests/bench/bench-index
tests_bench_bench_index_SOURCES = tests/bench/bench-index.c tests/unit/index-stream.h \
	tests/unit/index-util.h
tests_bench_bench_index_LDADD = $(STORE_LIBS)

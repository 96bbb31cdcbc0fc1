# SPDX-License-Identifier: MIT
# Not a test: the fingerprint index at 10^8 chunks.
check_PROGRAMS += tests/bench/bench-index
tests_bench_bench_index_SOURCES = tests/bench/bench-index.c tests/unit/index-stream.h \
	tests/unit/index-util.h
tests_bench_bench_index_LDADD = $(STORE_LIBS)

# SPDX-License-Identifier: MIT
# Not a test: nanoseconds a byte of the engine's kernels.
check_PROGRAMS += tests/bench/bench-chunk
tests_bench_bench_chunk_SOURCES = tests/bench/bench-chunk.c
tests_bench_bench_chunk_LDADD = $(CHUNK_LIBS)

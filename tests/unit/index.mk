# SPDX-License-Identifier: MIT
index_unit_programs = tests/unit/test-index tests/unit/test-index-damage tests/unit/test-index-stream
index_unit_shared = tests/unit/index-cmocka.h tests/unit/index-util.h
check_PROGRAMS += $(index_unit_programs)
TESTS += $(index_unit_programs)

tests_unit_test_index_SOURCES = tests/unit/test-index.c $(index_unit_shared)
tests_unit_test_index_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_index_LDADD = $(STORE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_index_damage_SOURCES = tests/unit/test-index-damage.c $(index_unit_shared)
tests_unit_test_index_damage_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_index_damage_LDADD = $(STORE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_index_stream_SOURCES = tests/unit/test-index-stream.c tests/unit/index-stream.h \
	$(index_unit_shared)
tests_unit_test_index_stream_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_index_stream_LDADD = $(STORE_LIBS) $(CMOCKA_LIBS)

# Not a test: a program to measure with.
check_PROGRAMS += tests/bench/bench-index
tests_bench_bench_index_SOURCES = tests/bench/bench-index.c tests/unit/index-stream.h \
	tests/unit/index-util.h
tests_bench_bench_index_LDADD = $(STORE_LIBS)

check_PROGRAMS += tests/fuzz/fuzz-index
TESTS += tests/fuzz/fuzz-index
tests_fuzz_fuzz_index_SOURCES = tests/fuzz/fuzz-index.c tests/fuzz/driver.c
tests_fuzz_fuzz_index_LDADD = $(STORE_LIBS)
EXTRA_DIST += tests/fuzz/seeds/index/filter tests/fuzz/seeds/index/manifest \
	tests/fuzz/seeds/index/page

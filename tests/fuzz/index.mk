# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/fuzz/fuzz-index
TESTS += tests/fuzz/fuzz-index
tests_fuzz_fuzz_index_SOURCES = tests/fuzz/fuzz-index.c tests/fuzz/driver.c
tests_fuzz_fuzz_index_LDADD = $(STORE_LIBS)

# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/fuzz/fuzz-pack
TESTS += tests/fuzz/fuzz-pack
tests_fuzz_fuzz_pack_SOURCES = tests/fuzz/fuzz-pack.c tests/fuzz/driver.c
tests_fuzz_fuzz_pack_LDADD = $(STORE_LIBS)

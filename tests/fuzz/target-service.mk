# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/fuzz/fuzz-library
TESTS += tests/fuzz/fuzz-library
tests_fuzz_fuzz_library_SOURCES = tests/fuzz/fuzz-library.c tests/fuzz/driver.c
tests_fuzz_fuzz_library_LDADD = $(SERVICE_LIBS)

# SPDX-License-Identifier: MIT
# Tapes of other formats.
check_PROGRAMS += tests/fuzz/fuzz-tape-import
TESTS += tests/fuzz/fuzz-tape-import
tests_fuzz_fuzz_tape_import_SOURCES = tests/fuzz/fuzz-tape-import.c tests/fuzz/driver.c
tests_fuzz_fuzz_tape_import_LDADD = $(SOURCE_LIBS)

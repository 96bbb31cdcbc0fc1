# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/fuzz/fuzz-tape
TESTS += tests/fuzz/fuzz-tape
tests_fuzz_fuzz_tape_SOURCES = tests/fuzz/fuzz-tape.c tests/fuzz/commands.h tests/fuzz/driver.c
tests_fuzz_fuzz_tape_LDADD = $(TAPE_LIBS)

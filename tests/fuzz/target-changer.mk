# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/fuzz/fuzz-changer
TESTS += tests/fuzz/fuzz-changer
tests_fuzz_fuzz_changer_SOURCES = tests/fuzz/fuzz-changer.c tests/fuzz/commands.h tests/fuzz/driver.c
tests_fuzz_fuzz_changer_LDADD = $(CHANGER_LIBS)

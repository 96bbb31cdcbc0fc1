# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/fuzz/fuzz-drive
TESTS += tests/fuzz/fuzz-drive
tests_fuzz_fuzz_drive_SOURCES = tests/fuzz/fuzz-drive.c tests/fuzz/driver.c
tests_fuzz_fuzz_drive_LDADD = $(TAPE_LIBS)

check_PROGRAMS += tests/fuzz/fuzz-tape
TESTS += tests/fuzz/fuzz-tape
tests_fuzz_fuzz_tape_SOURCES = tests/fuzz/fuzz-tape.c tests/fuzz/driver.c
tests_fuzz_fuzz_tape_LDADD = $(TAPE_LIBS)

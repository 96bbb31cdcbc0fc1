# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/fuzz/fuzz-cdb
TESTS += tests/fuzz/fuzz-cdb
tests_fuzz_fuzz_cdb_SOURCES = tests/fuzz/fuzz-cdb.c tests/fuzz/commands.h tests/fuzz/driver.c
tests_fuzz_fuzz_cdb_LDADD = $(SCSI_LIBS)

# SPDX-License-Identifier: MIT
tape_test_support = tests/unit/tape_support.h tests/unit/tape_support.c
tape_test_cflags = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tape_test_libs = $(TAPE_LIBS) $(CMOCKA_LIBS)
DRIVE_TESTS = \
	tests/unit/test-drive-sense \
	tests/unit/test-drive-model \
	tests/unit/test-drive-threads \
	tests/unit/test-drive-end \
	tests/unit/test-drive-flush \
	tests/unit/test-drive-races \
	tests/unit/test-drive-slow \
	tests/unit/test-drive-medium
check_PROGRAMS += $(DRIVE_TESTS)
TESTS += $(DRIVE_TESTS)
THREAD_TESTS += tests/unit/test-drive-flush tests/unit/test-drive-races tests/unit/test-drive-slow tests/unit/test-drive-model tests/unit/test-drive-threads tests/unit/test-drive-medium

tests_unit_test_drive_sense_SOURCES = tests/unit/test-drive-sense.c tests/unit/sense_rows.h \
	$(tape_test_support)
tests_unit_test_drive_sense_CFLAGS = $(tape_test_cflags)
tests_unit_test_drive_sense_LDADD = $(tape_test_libs)

tests_unit_test_drive_model_SOURCES = tests/unit/test-drive-model.c $(tape_test_support)
tests_unit_test_drive_model_CFLAGS = $(tape_test_cflags)
tests_unit_test_drive_model_LDADD = $(tape_test_libs)

tests_unit_test_drive_threads_SOURCES = tests/unit/test-drive-threads.c $(tape_test_support)
tests_unit_test_drive_threads_CFLAGS = $(tape_test_cflags)
tests_unit_test_drive_threads_LDADD = $(tape_test_libs)

tests_unit_test_drive_end_SOURCES = tests/unit/test-drive-end.c $(tape_test_support)
tests_unit_test_drive_end_CFLAGS = $(tape_test_cflags)
tests_unit_test_drive_end_LDADD = $(tape_test_libs)

tests_unit_test_drive_flush_SOURCES = tests/unit/test-drive-flush.c $(tape_test_support) \
	tests/unit/tape_gate.h tests/unit/tape_gate.c
tests_unit_test_drive_flush_CFLAGS = $(tape_test_cflags)
tests_unit_test_drive_flush_LDADD = $(tape_test_libs)

tests_unit_test_drive_slow_SOURCES = tests/unit/test-drive-slow.c $(tape_test_support) \
	tests/unit/tape_gate.h tests/unit/tape_gate.c
tests_unit_test_drive_slow_CFLAGS = $(tape_test_cflags)
tests_unit_test_drive_slow_LDADD = $(tape_test_libs)

tests_unit_test_drive_medium_SOURCES = tests/unit/test-drive-medium.c $(tape_test_support)
tests_unit_test_drive_medium_CFLAGS = $(tape_test_cflags)
tests_unit_test_drive_medium_LDADD = $(tape_test_libs)

tests_unit_test_drive_races_SOURCES = tests/unit/test-drive-races.c $(tape_test_support)
tests_unit_test_drive_races_CFLAGS = $(tape_test_cflags)
tests_unit_test_drive_races_LDADD = $(tape_test_libs)

# SPDX-License-Identifier: MIT
SCSI_TESTS = \
	tests/unit/test-scsi-commands
check_PROGRAMS += $(SCSI_TESTS)
TESTS += $(SCSI_TESTS)
SCSI_FAKE = tests/unit/scsi-fake.h tests/unit/scsi-fake.c

tests_unit_test_scsi_commands_SOURCES = tests/unit/test-scsi-commands.c $(SCSI_FAKE)
tests_unit_test_scsi_commands_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_scsi_commands_LDADD = $(SCSI_LIBS) $(CMOCKA_LIBS)

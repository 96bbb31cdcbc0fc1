# SPDX-License-Identifier: MIT
SCSI_TESTS = \
	tests/unit/test-scsi-buffer \
	tests/unit/test-scsi-commands \
	tests/unit/test-scsi-mode \
	tests/unit/test-scsi-persist \
	tests/unit/test-scsi-queue \
	tests/unit/test-scsi-reserve \
	tests/unit/test-scsi-sense \
	tests/unit/test-scsi-sessions
check_PROGRAMS += $(SCSI_TESTS)
TESTS += $(SCSI_TESTS)
THREAD_TESTS += tests/unit/test-scsi-queue tests/unit/test-scsi-sessions
SCSI_FAKE = tests/unit/scsi-fake.h tests/unit/scsi-fake.c

tests_unit_test_scsi_buffer_SOURCES = tests/unit/test-scsi-buffer.c
tests_unit_test_scsi_buffer_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_scsi_buffer_LDADD = $(SCSI_LIBS) $(CMOCKA_LIBS)

tests_unit_test_scsi_commands_SOURCES = tests/unit/test-scsi-commands.c tests/unit/scsi-scene.h $(SCSI_FAKE)
tests_unit_test_scsi_commands_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_scsi_commands_LDADD = $(SCSI_LIBS) $(CMOCKA_LIBS)

tests_unit_test_scsi_mode_SOURCES = tests/unit/test-scsi-mode.c tests/unit/scsi-scene.h $(SCSI_FAKE)
tests_unit_test_scsi_mode_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_scsi_mode_LDADD = $(SCSI_LIBS) $(CMOCKA_LIBS)

tests_unit_test_scsi_persist_SOURCES = tests/unit/test-scsi-persist.c $(SCSI_FAKE)
tests_unit_test_scsi_persist_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_scsi_persist_LDADD = $(SCSI_LIBS) $(CMOCKA_LIBS)

tests_unit_test_scsi_queue_SOURCES = tests/unit/test-scsi-queue.c $(SCSI_FAKE)
tests_unit_test_scsi_queue_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_scsi_queue_LDADD = $(SCSI_LIBS) $(CMOCKA_LIBS)

tests_unit_test_scsi_reserve_SOURCES = tests/unit/test-scsi-reserve.c tests/unit/scsi-scene.h $(SCSI_FAKE)
tests_unit_test_scsi_reserve_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_scsi_reserve_LDADD = $(SCSI_LIBS) $(CMOCKA_LIBS)

tests_unit_test_scsi_sense_SOURCES = tests/unit/test-scsi-sense.c
tests_unit_test_scsi_sense_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_scsi_sense_LDADD = $(SCSI_LIBS) $(CMOCKA_LIBS)

tests_unit_test_scsi_sessions_SOURCES = tests/unit/test-scsi-sessions.c tests/unit/scsi-scene.h $(SCSI_FAKE)
tests_unit_test_scsi_sessions_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_scsi_sessions_LDADD = $(SCSI_LIBS) $(CMOCKA_LIBS)

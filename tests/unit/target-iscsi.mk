# SPDX-License-Identifier: MIT
# The server, its connections and sessions, over real sockets.
ISCSI_INITIATOR = tests/unit/initiator.h tests/unit/initiator.c \
	tests/target/disk.h tests/target/disk-opcodes.h tests/target/disk.c
ISCSI_SERVER_TESTS = \
	tests/unit/test-iscsi-transfer \
	tests/unit/test-iscsi-tasks \
	tests/unit/test-iscsi-drive \
	tests/unit/test-iscsi-sessions \
	tests/unit/test-iscsi-guess \
	tests/unit/test-iscsi-places \
	tests/unit/test-iscsi-follow \
	tests/unit/test-iscsi-storm \
	tests/unit/test-iscsi-harm
check_PROGRAMS += $(ISCSI_SERVER_TESTS)
TESTS += $(ISCSI_SERVER_TESTS)
THREAD_TESTS += $(ISCSI_SERVER_TESTS)

tests_unit_test_iscsi_transfer_SOURCES = tests/unit/test-iscsi-transfer.c $(ISCSI_INITIATOR)
tests_unit_test_iscsi_transfer_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_iscsi_transfer_LDADD = $(ISCSI_LIBS) $(CMOCKA_LIBS)

tests_unit_test_iscsi_tasks_SOURCES = tests/unit/test-iscsi-tasks.c $(ISCSI_INITIATOR)
tests_unit_test_iscsi_tasks_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_iscsi_tasks_LDADD = $(ISCSI_LIBS) $(CMOCKA_LIBS)

tests_unit_test_iscsi_drive_SOURCES = tests/unit/test-iscsi-drive.c $(ISCSI_INITIATOR) \
	tests/unit/tape_gate.h tests/unit/tape_gate.c
tests_unit_test_iscsi_drive_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_iscsi_drive_LDADD = $(TAPE_LIBS) $(ISCSI_LIBS) $(CMOCKA_LIBS)

tests_unit_test_iscsi_sessions_SOURCES = tests/unit/test-iscsi-sessions.c $(ISCSI_INITIATOR)
tests_unit_test_iscsi_sessions_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_iscsi_sessions_LDADD = $(ISCSI_LIBS) $(CMOCKA_LIBS)

tests_unit_test_iscsi_places_SOURCES = tests/unit/test-iscsi-places.c $(ISCSI_INITIATOR)
tests_unit_test_iscsi_places_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_iscsi_places_LDADD = $(ISCSI_LIBS) $(CMOCKA_LIBS)
tests_unit_test_iscsi_guess_SOURCES = tests/unit/test-iscsi-guess.c $(ISCSI_INITIATOR)
tests_unit_test_iscsi_guess_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_iscsi_guess_LDADD = $(ISCSI_LIBS) $(CMOCKA_LIBS)

tests_unit_test_iscsi_follow_SOURCES = tests/unit/test-iscsi-follow.c $(ISCSI_INITIATOR)
tests_unit_test_iscsi_follow_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_iscsi_follow_LDADD = $(ISCSI_LIBS) $(CMOCKA_LIBS)

tests_unit_test_iscsi_storm_SOURCES = tests/unit/test-iscsi-storm.c $(ISCSI_INITIATOR)
tests_unit_test_iscsi_storm_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_iscsi_storm_LDADD = $(ISCSI_LIBS) $(CMOCKA_LIBS)

tests_unit_test_iscsi_harm_SOURCES = tests/unit/test-iscsi-harm.c $(ISCSI_INITIATOR)
tests_unit_test_iscsi_harm_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_iscsi_harm_LDADD = $(ISCSI_LIBS) $(CMOCKA_LIBS)

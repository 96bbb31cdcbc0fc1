# SPDX-License-Identifier: MIT
CHANGER_TESTS = \
	tests/unit/test-changer-commands \
	tests/unit/test-changer-drives \
	tests/unit/test-changer-moves \
	tests/unit/test-changer-status \
	tests/unit/test-changer-threads
check_PROGRAMS += $(CHANGER_TESTS)
TESTS += $(CHANGER_TESTS)
THREAD_TESTS += tests/unit/test-changer-drives tests/unit/test-changer-threads

CHANGER_TEST_SUPPORT = tests/unit/changer_support.h tests/unit/changer_support.c

tests_unit_test_changer_commands_SOURCES = tests/unit/test-changer-commands.c $(CHANGER_TEST_SUPPORT)
tests_unit_test_changer_commands_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_changer_commands_LDADD = $(CHANGER_LIBS) $(CMOCKA_LIBS)

tests_unit_test_changer_drives_SOURCES = tests/unit/test-changer-drives.c $(CHANGER_TEST_SUPPORT)
tests_unit_test_changer_drives_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_changer_drives_LDADD = $(CHANGER_LIBS) $(TAPE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_changer_moves_SOURCES = tests/unit/test-changer-moves.c $(CHANGER_TEST_SUPPORT)
tests_unit_test_changer_moves_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_changer_moves_LDADD = $(CHANGER_LIBS) $(CMOCKA_LIBS)

tests_unit_test_changer_status_SOURCES = tests/unit/test-changer-status.c $(CHANGER_TEST_SUPPORT)
tests_unit_test_changer_status_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_changer_status_LDADD = $(CHANGER_LIBS) $(CMOCKA_LIBS)

tests_unit_test_changer_threads_SOURCES = tests/unit/test-changer-threads.c $(CHANGER_TEST_SUPPORT)
tests_unit_test_changer_threads_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_changer_threads_LDADD = $(CHANGER_LIBS) $(CMOCKA_LIBS)

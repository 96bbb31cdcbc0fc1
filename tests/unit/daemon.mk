# SPDX-License-Identifier: MIT
DAEMON_TESTS = \
	tests/unit/test-control \
	tests/unit/test-locate \
	tests/unit/test-options \
	tests/unit/test-ready \
	tests/unit/test-request \
	tests/unit/test-table
check_PROGRAMS += $(DAEMON_TESTS)
TESTS += $(DAEMON_TESTS)
THREAD_TESTS += tests/unit/test-control tests/unit/test-ready

# Runs tests/svc/sample-daemon.
tests_unit_test_control_SOURCES = tests/unit/test-control.c
tests_unit_test_control_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_control_LDADD = $(DAEMON_LIBS) $(CMOCKA_LIBS)

tests_unit_test_locate_SOURCES = tests/unit/test-locate.c svc/cli/locate.c
tests_unit_test_locate_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_locate_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_options_SOURCES = tests/unit/test-options.c
tests_unit_test_options_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_options_LDADD = $(DAEMON_LIBS) $(CMOCKA_LIBS)

tests_unit_test_ready_SOURCES = tests/unit/test-ready.c
tests_unit_test_ready_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_ready_LDADD = $(DAEMON_LIBS) $(CMOCKA_LIBS)

tests_unit_test_request_SOURCES = tests/unit/test-request.c
tests_unit_test_request_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_request_LDADD = $(DAEMON_LIBS) $(CMOCKA_LIBS)

tests_unit_test_table_SOURCES = tests/unit/test-table.c svc/cli/table.c
tests_unit_test_table_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_table_LDADD = $(DAEMON_LIBS) $(CMOCKA_LIBS)

# SPDX-License-Identifier: MIT
BASE_TESTS = \
	tests/unit/test-clock \
	tests/unit/test-crc32c \
	tests/unit/test-fault \
	tests/unit/test-file \
	tests/unit/test-log \
	tests/unit/test-mem \
	tests/unit/test-secret \
	tests/unit/test-wire
check_PROGRAMS += $(BASE_TESTS)
TESTS += $(BASE_TESTS)

tests_unit_test_clock_SOURCES = tests/unit/test-clock.c
tests_unit_test_clock_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_clock_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_fault_SOURCES = tests/unit/test-fault.c
tests_unit_test_fault_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_fault_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_file_SOURCES = tests/unit/test-file.c
tests_unit_test_file_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_file_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_log_SOURCES = tests/unit/test-log.c
tests_unit_test_log_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_log_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_secret_SOURCES = tests/unit/test-secret.c
tests_unit_test_secret_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_secret_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_mem_SOURCES = tests/unit/test-mem.c
tests_unit_test_mem_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_mem_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_wire_SOURCES = tests/unit/test-wire.c
tests_unit_test_wire_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_wire_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_crc32c_SOURCES = tests/unit/test-crc32c.c
tests_unit_test_crc32c_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_crc32c_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)

# SPDX-License-Identifier: MIT
store_test_support = tests/unit/store_support.h tests/unit/store_support.c
store_test_cflags = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
store_test_libs = $(STORE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test-store
TESTS += tests/unit/test-store
tests_unit_test_store_SOURCES = tests/unit/test-store.c $(store_test_support)
tests_unit_test_store_CFLAGS = $(store_test_cflags)
tests_unit_test_store_LDADD = $(store_test_libs)

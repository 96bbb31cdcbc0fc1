# SPDX-License-Identifier: MIT
store_test_support = tests/unit/store_support.h tests/unit/store_support.c
store_test_cflags = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
store_test_libs = $(STORE_LIBS) $(CMOCKA_LIBS)
store_tests = tests/unit/test-store tests/unit/test-store-damage tests/unit/test-store-sweep
check_PROGRAMS += $(store_tests)
TESTS += $(store_tests)

tests_unit_test_store_SOURCES = tests/unit/test-store.c $(store_test_support)
tests_unit_test_store_CFLAGS = $(store_test_cflags)
tests_unit_test_store_LDADD = $(store_test_libs)

tests_unit_test_store_damage_SOURCES = tests/unit/test-store-damage.c $(store_test_support)
tests_unit_test_store_damage_CFLAGS = $(store_test_cflags)
tests_unit_test_store_damage_LDADD = $(store_test_libs)

tests_unit_test_store_sweep_SOURCES = tests/unit/test-store-sweep.c $(store_test_support)
tests_unit_test_store_sweep_CFLAGS = $(store_test_cflags)
tests_unit_test_store_sweep_LDADD = $(store_test_libs)

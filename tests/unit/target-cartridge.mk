# SPDX-License-Identifier: MIT
CARTRIDGE_TESTS = \
	tests/unit/test-cartridge
check_PROGRAMS += $(CARTRIDGE_TESTS)
TESTS += $(CARTRIDGE_TESTS)
CARTRIDGE_SUPPORT = tests/unit/cartridge_support.c tests/unit/cartridge_support.h

tests_unit_test_cartridge_SOURCES = tests/unit/test-cartridge.c $(CARTRIDGE_SUPPORT)
tests_unit_test_cartridge_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_cartridge_LDADD = $(CARTRIDGE_LIBS) $(CMOCKA_LIBS)

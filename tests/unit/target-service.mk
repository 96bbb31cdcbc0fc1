# SPDX-License-Identifier: MIT
# Libraries as they are kept.
SERVICE_TESTS = tests/unit/test-library-config tests/unit/test-hooks
check_PROGRAMS += $(SERVICE_TESTS)
TESTS += $(SERVICE_TESTS)
THREAD_TESTS += tests/unit/test-hooks

tests_unit_test_hooks_SOURCES = tests/unit/test-hooks.c
tests_unit_test_hooks_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_hooks_LDADD = $(SERVICE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_library_config_SOURCES = tests/unit/test-library-config.c
tests_unit_test_library_config_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_library_config_LDADD = $(SERVICE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test-cartridge-clone
TESTS += tests/unit/test-cartridge-clone
tests_unit_test_cartridge_clone_SOURCES = tests/unit/test-cartridge-clone.c
tests_unit_test_cartridge_clone_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_cartridge_clone_LDADD = $(CARTRIDGE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test-reserve
TESTS += tests/unit/test-reserve
tests_unit_test_reserve_SOURCES = tests/unit/test-reserve.c target/tool/reserve.h target/tool/reserve.c
tests_unit_test_reserve_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_reserve_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)

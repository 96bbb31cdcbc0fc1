# SPDX-License-Identifier: MIT
CARTRIDGE_TESTS = \
	tests/unit/test-cartridge \
	tests/unit/test-cartridge-crash \
	tests/unit/test-cartridge-faults \
	tests/unit/test-cartridge-rules \
	tests/unit/test-cartridge-links \
	tests/unit/test-cartridge-scale
check_PROGRAMS += $(CARTRIDGE_TESTS)
TESTS += $(CARTRIDGE_TESTS)
THREAD_TESTS += tests/unit/test-cartridge-scale
CARTRIDGE_SUPPORT = tests/unit/cartridge_support.c tests/unit/cartridge_support.h
CARTRIDGE_MODEL = tests/unit/cartridge_model.c tests/unit/cartridge_model.h

tests_unit_test_cartridge_SOURCES = tests/unit/test-cartridge.c $(CARTRIDGE_SUPPORT)
tests_unit_test_cartridge_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_cartridge_LDADD = $(CARTRIDGE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_cartridge_crash_SOURCES = tests/unit/test-cartridge-crash.c $(CARTRIDGE_SUPPORT) \
	$(CARTRIDGE_MODEL)
tests_unit_test_cartridge_crash_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_cartridge_crash_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=pwrite64 -Wl,--wrap=ftruncate64 \
	-Wl,--wrap=rename -Wl,--wrap=renameat -Wl,--wrap=unlinkat -Wl,--wrap=fdatasync \
	-Wl,--wrap=fallocate64
tests_unit_test_cartridge_crash_LDADD = $(CARTRIDGE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_cartridge_faults_SOURCES = tests/unit/test-cartridge-faults.c $(CARTRIDGE_SUPPORT)
tests_unit_test_cartridge_faults_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_cartridge_faults_LDADD = $(CARTRIDGE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_cartridge_links_SOURCES = tests/unit/test-cartridge-links.c $(CARTRIDGE_SUPPORT)
tests_unit_test_cartridge_links_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_cartridge_links_LDADD = $(CARTRIDGE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_cartridge_rules_SOURCES = tests/unit/test-cartridge-rules.c $(CARTRIDGE_SUPPORT)
tests_unit_test_cartridge_rules_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_cartridge_rules_LDADD = $(CARTRIDGE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_cartridge_scale_SOURCES = tests/unit/test-cartridge-scale.c $(CARTRIDGE_SUPPORT)
tests_unit_test_cartridge_scale_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_cartridge_scale_LDADD = $(CARTRIDGE_LIBS) $(CMOCKA_LIBS)

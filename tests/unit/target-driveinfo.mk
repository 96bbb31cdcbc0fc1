# SPDX-License-Identifier: MIT
# What a drive says about itself.
DRIVE_INFO_TESTS = \
	tests/unit/test-drive-pages \
	tests/unit/test-drive-alerts \
	tests/unit/test-drive-log \
	tests/unit/test-drive-mam \
	tests/unit/test-drive-crypt \
	tests/unit/test-drive-seal \
	tests/unit/test-drive-initiators \
	tests/unit/test-drive-guard \
	tests/unit/test-drive-guard-page \
	tests/unit/test-guard \
	tests/unit/test-scsi-page
check_PROGRAMS += $(DRIVE_INFO_TESTS)
TESTS += $(DRIVE_INFO_TESTS)
THREAD_TESTS += tests/unit/test-drive-guard tests/unit/test-drive-guard-page tests/unit/test-drive-pages tests/unit/test-drive-log tests/unit/test-drive-crypt
DRIVE_SCENE = tests/unit/drive_scene.h tests/unit/drive_scene.c $(SCSI_FAKE)

tests_unit_test_drive_pages_SOURCES = tests/unit/test-drive-pages.c $(DRIVE_SCENE)
tests_unit_test_drive_pages_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_drive_pages_LDADD = $(TAPE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_drive_alerts_SOURCES = tests/unit/test-drive-alerts.c $(DRIVE_SCENE)
tests_unit_test_drive_alerts_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_drive_alerts_LDADD = $(TAPE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_drive_log_SOURCES = tests/unit/test-drive-log.c $(DRIVE_SCENE)
tests_unit_test_drive_log_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_drive_log_LDADD = $(TAPE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_drive_mam_SOURCES = tests/unit/test-drive-mam.c $(DRIVE_SCENE)
tests_unit_test_drive_mam_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_drive_mam_LDADD = $(TAPE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_drive_crypt_SOURCES = tests/unit/test-drive-crypt.c $(DRIVE_SCENE)
tests_unit_test_drive_crypt_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_drive_crypt_LDADD = $(TAPE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_drive_seal_SOURCES = tests/unit/test-drive-seal.c
tests_unit_test_drive_seal_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_drive_seal_LDADD = $(TAPE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_scsi_page_SOURCES = tests/unit/test-scsi-page.c $(DRIVE_SCENE) $(CHANGER_TEST_SUPPORT)
tests_unit_test_scsi_page_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_scsi_page_LDADD = $(CHANGER_LIBS) $(TAPE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_drive_initiators_SOURCES = tests/unit/test-drive-initiators.c $(DRIVE_SCENE)
tests_unit_test_drive_initiators_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_drive_initiators_LDADD = $(TAPE_LIBS) $(CMOCKA_LIBS)

GUARD_SCENE = tests/unit/guard_scene.c tests/unit/guard_scene.h $(DRIVE_SCENE)
tests_unit_test_drive_guard_SOURCES = tests/unit/test-drive-guard.c $(GUARD_SCENE)
tests_unit_test_drive_guard_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_drive_guard_LDADD = $(TAPE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_drive_guard_page_SOURCES = tests/unit/test-drive-guard-page.c $(GUARD_SCENE)
tests_unit_test_drive_guard_page_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_drive_guard_page_LDADD = $(TAPE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_guard_SOURCES = tests/unit/test-guard.c
tests_unit_test_guard_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_guard_LDADD = $(TAPE_LIBS) $(CMOCKA_LIBS)

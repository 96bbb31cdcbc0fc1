# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/unit/test-pdu tests/unit/test-login tests/unit/test-keys \
	tests/unit/test-chap tests/unit/test-access tests/unit/test-text-exchange
TESTS += tests/unit/test-pdu tests/unit/test-login tests/unit/test-keys \
	tests/unit/test-chap tests/unit/test-access tests/unit/test-text-exchange
ISCSI_WIRE_LIBS = target/iscsi/libiscsitarget.a $(BASE_LIBS) $(CRYPTO_LIBS)

tests_unit_test_pdu_SOURCES = tests/unit/test-pdu.c
tests_unit_test_pdu_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_pdu_LDADD = $(ISCSI_WIRE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_login_SOURCES = tests/unit/test-login.c tests/unit/login_scene.h
tests_unit_test_login_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_login_LDADD = $(ISCSI_WIRE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_keys_SOURCES = tests/unit/test-keys.c tests/unit/login_scene.h
tests_unit_test_keys_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_keys_LDADD = $(ISCSI_WIRE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_chap_SOURCES = tests/unit/test-chap.c tests/unit/login_scene.h
tests_unit_test_chap_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_chap_LDADD = $(ISCSI_WIRE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_access_SOURCES = tests/unit/test-access.c
tests_unit_test_access_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_access_LDADD = $(ISCSI_WIRE_LIBS) $(CMOCKA_LIBS)

tests_unit_test_text_exchange_SOURCES = tests/unit/test-text-exchange.c tests/unit/login_scene.h
tests_unit_test_text_exchange_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_text_exchange_LDADD = $(ISCSI_WIRE_LIBS) $(CMOCKA_LIBS)

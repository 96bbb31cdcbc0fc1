# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/fuzz/fuzz-pdu tests/fuzz/fuzz-login tests/fuzz/fuzz-chap
TESTS += tests/fuzz/fuzz-pdu tests/fuzz/fuzz-login tests/fuzz/fuzz-chap
ISCSI_FUZZ_LIBS = target/iscsi/libiscsitarget.a $(BASE_LIBS) $(CRYPTO_LIBS)

tests_fuzz_fuzz_pdu_SOURCES = tests/fuzz/fuzz-pdu.c tests/fuzz/driver.c
tests_fuzz_fuzz_pdu_LDADD = $(ISCSI_FUZZ_LIBS)

tests_fuzz_fuzz_login_SOURCES = tests/fuzz/fuzz-login.c tests/fuzz/driver.c
tests_fuzz_fuzz_login_LDADD = $(ISCSI_FUZZ_LIBS)

tests_fuzz_fuzz_chap_SOURCES = tests/fuzz/fuzz-chap.c tests/fuzz/driver.c
tests_fuzz_fuzz_chap_LDADD = $(ISCSI_FUZZ_LIBS)

# A whole server, and an initiator that says anything.
check_PROGRAMS += tests/fuzz/fuzz-connection
TESTS += tests/fuzz/fuzz-connection
tests_fuzz_fuzz_connection_SOURCES = tests/fuzz/fuzz-connection.c tests/fuzz/driver.c
tests_fuzz_fuzz_connection_LDADD = $(ISCSI_LIBS)

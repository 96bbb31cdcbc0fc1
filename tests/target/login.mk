# SPDX-License-Identifier: MIT
# libiscsi logs in to the server, over sockets.
if HAVE_ISCSI
if HAVE_CMOCKA
check_PROGRAMS += tests/target/test-iscsi-login
TESTS += tests/target/test-iscsi-login
THREAD_TESTS += tests/target/test-iscsi-login
tests_target_test_iscsi_login_SOURCES = tests/target/test-iscsi-login.c \
	tests/target/login_site.c tests/target/login_site.h
tests_target_test_iscsi_login_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBISCSI_CFLAGS)
tests_target_test_iscsi_login_LDADD = $(ISCSI_LIBS) $(LIBISCSI_LIBS) $(CMOCKA_LIBS)
endif
endif

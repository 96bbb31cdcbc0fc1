# SPDX-License-Identifier: MIT
# How commands end, told to an initiator of libiscsi's by every kind of drive and library.
if HAVE_ISCSI
check_PROGRAMS += tests/target/sense-rules
tests_target_sense_rules_SOURCES = tests/target/sense-rules.c tests/target/sense_host.c \
	tests/target/sense_host.h tests/target/sense_steps.h tests/unit/sense_rows.h
tests_target_sense_rules_CFLAGS = $(AM_CFLAGS) $(LIBISCSI_CFLAGS)
tests_target_sense_rules_LDADD = $(LIBISCSI_LIBS)

dist_check_SCRIPTS += tests/target/test-sense-rules.sh
TESTS += tests/target/test-sense-rules.sh
THREAD_TESTS += tests/target/test-sense-rules.sh
endif

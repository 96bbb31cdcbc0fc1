# SPDX-License-Identifier: MIT
# How commands end, told to an initiator of libiscsi's by every kind of drive and library; what LTFS
# does, with every drive that makes partitions; and what is done with blocks that are protected.
if HAVE_ISCSI
check_PROGRAMS += tests/target/sense-rules
tests_target_sense_rules_SOURCES = tests/target/sense-rules.c tests/target/sense_host.c \
	tests/target/sense_host.h tests/target/sense_sessions.h tests/target/sense_steps.h tests/unit/sense_rows.h
tests_target_sense_rules_CFLAGS = $(AM_CFLAGS) $(LIBISCSI_CFLAGS)
tests_target_sense_rules_LDADD = $(LIBISCSI_LIBS)

check_PROGRAMS += tests/target/ltfs-walk
tests_target_ltfs_walk_SOURCES = tests/target/ltfs-walk.c tests/target/sense_host.c tests/target/sense_host.h
tests_target_ltfs_walk_CFLAGS = $(AM_CFLAGS) $(LIBISCSI_CFLAGS)
tests_target_ltfs_walk_LDADD = $(LIBISCSI_LIBS)

check_PROGRAMS += tests/target/guard-walk
tests_target_guard_walk_SOURCES = tests/target/guard-walk.c tests/target/sense_host.c tests/target/sense_host.h
tests_target_guard_walk_CFLAGS = $(AM_CFLAGS) $(LIBISCSI_CFLAGS)
tests_target_guard_walk_LDADD = $(LIBISCSI_LIBS)

SENSE_TESTS = tests/target/test-sense-rules.sh tests/target/test-tape-ltfs.sh tests/target/test-tape-guard.sh
dist_check_SCRIPTS += $(SENSE_TESTS)
TESTS += $(SENSE_TESTS)
THREAD_TESTS += $(SENSE_TESTS)
endif

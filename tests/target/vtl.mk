# SPDX-License-Identifier: MIT
# granary-targetd and the verbs of the command line that ask it.
VTL_TESTS = \
	tests/target/test-tape-list.sh \
	tests/target/test-vtl-access.sh \
	tests/target/test-vtl-atomic.sh \
	tests/target/test-vtl-clients.sh \
	tests/target/test-vtl-create.sh \
	tests/target/test-vtl-failed.sh \
	tests/target/test-vtl-folder.sh \
	tests/target/test-vtl-full.sh \
	tests/target/test-vtl-held.sh \
	tests/target/test-vtl-hooks.sh \
	tests/target/test-vtl-moves.sh \
	tests/target/test-vtl-order.sh \
	tests/target/test-vtl-power.sh \
	tests/target/test-vtl-refuses.sh \
	tests/target/test-vtl-sessions.sh \
	tests/target/test-vtl-slow.sh \
	tests/target/test-vtl-storm.sh \
	tests/target/test-vtl-tapes.sh
dist_check_SCRIPTS += $(VTL_TESTS)
EXTRA_DIST += tests/target/targetd.sh tests/target/dumped.py
TESTS += $(VTL_TESTS)
THREAD_TESTS += $(VTL_TESTS)

# A session that stays open while things are done to its library.
if HAVE_ISCSI
check_PROGRAMS += tests/target/hold-session
tests_target_hold_session_SOURCES = tests/target/hold-session.c
tests_target_hold_session_CFLAGS = $(AM_CFLAGS) $(LIBISCSI_CFLAGS)
tests_target_hold_session_LDADD = $(LIBISCSI_LIBS)
endif

# SPDX-License-Identifier: MIT
# The command line against a sample daemon, and on a real mount.
check_PROGRAMS += tests/svc/sample-daemon
tests_svc_sample_daemon_SOURCES = \
	tests/svc/sample-daemon.c tests/svc/sample-fs.c tests/svc/sample-fs.h
tests_svc_sample_daemon_LDADD = $(DAEMON_LIBS)

SVC_TESTS = \
	tests/svc/test-cli-completion.sh \
	tests/svc/test-cli-daemon.sh \
	tests/svc/test-cli-fs.sh \
	tests/svc/test-cli-jobs.sh \
	tests/svc/test-cli-mount.sh \
	tests/svc/test-cli-usage.sh \
	tests/svc/test-examples.sh
dist_check_SCRIPTS += $(SVC_TESTS)
EXTRA_DIST += tests/svc/sample.sh
TESTS += $(SVC_TESTS)

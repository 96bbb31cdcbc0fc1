# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/svc/sample-daemon
tests_svc_sample_daemon_SOURCES = tests/svc/sample-daemon.c tests/svc/sample-fs.h
tests_svc_sample_daemon_LDADD = $(DAEMON_LIBS)
